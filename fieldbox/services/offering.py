"""What the dashboard tells to be done, and the files it hands out: worked out in a process of its own.

Laying ground out and writing files takes GDAL, SciPy and fonts, which the web process does without. The child ends when nobody
asked for a while.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fieldbox.apart import Apart, Failures
from fieldbox.config import Config
from fieldbox.dashboard.turns import Turns
from fieldbox.domain import Change, Prescription, SeenFrom, Spraying, Survey, Walk, Zone
from fieldbox.i18n import N_
from fieldbox.services.finding import find_survey
from fieldbox.storage.store import Store

SECONDS = 120.0
"""For one answer; on a slow box a report of a large field takes half a minute."""
IDLE_S = 60.0
KEPT = 16
"""Answers that are kept at hand."""
IN_LINE = 3
"""Requests that wait for the child while it answers one: the others of the web process's threads are for all other pages, and
for what comes in."""
WAIT_S = 30.0
"""In the line; then a browser is told to ask again."""
_FAILURES = Failures(
    too_long=N_(
        "Working this out took more than {seconds} s, so it was given up: the field is too large for this box."
    ),
    crashed=N_("Working this out failed ({how}): tell those who look after the box which survey it was."),
    too_much=N_("Working this out takes more memory than the box allows: the field is too large for it."),
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that can be made of a survey."""

    key: str
    group: str
    suffix: str
    layer: str
    """Of `fieldbox export`; or what else makes it."""
    kind: str
    """The format."""


FILES: Sequence[Offered] = (
    Offered("dji", "sprayer", ".zip", "prescription", "dji"),
    Offered("isoxml", "sprayer", ".zip", "prescription", "isoxml"),
    Offered("shapefile", "sprayer", ".zip", "prescription", "shp"),
    Offered("qgroundcontrol", "sprayer", ".plan", "prescription", "plan"),
    Offered("ardupilot", "sprayer", ".waypoints", "prescription", "waypoints"),
    Offered("rates", "sprayer", ".tif", "prescription", "cog"),
    Offered("report", "print", ".pdf", "report", "pdf"),
    Offered("sheet", "print", ".pdf", "sheet", "pdf"),
    Offered("walk-picture", "walk", ".jpg", "walk", "jpg"),
    Offered("walk-gpx", "walk", ".gpx", "walk", "gpx"),
    Offered("walk-kml", "walk", ".kml", "walk", "kml"),
    Offered("zones", "map", ".geojson", "zones", "geojson"),
    Offered("weeds", "map", ".gpkg", "weeds", "gpkg"),
)


class Offering:
    """Asks the child; safe to share between threads."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._apart = Apart("fieldbox.services.answering:answer", failures=_FAILURES)
        self._lock = threading.Lock()
        self._turns = Turns(1, line=IN_LINE, wait_s=WAIT_S)
        self._timer: threading.Timer | None = None
        self._kept: OrderedDict[Hashable, tuple[object]] = OrderedDict()

    def files(self) -> Sequence[Offered]:
        """All that can be made."""
        return FILES

    def prescription(self, survey_id: str) -> Prescription:
        """What is sprayed where. Raises Rejected where there is nothing to lay out."""
        survey = find_survey(self._store, survey_id)
        how = self._store.spraying(survey.field_id)
        return cast(Prescription, self._once("prescription", survey, how))

    def vigour(self, survey_id: str) -> Sequence[Zone]:
        """Where the crop stands poorer or better than in the rest of the field."""
        return cast(Sequence[Zone], self._once("vigour", find_survey(self._store, survey_id), None))

    def change(self, before_id: str, after_id: str, *, sprayed: bool) -> Change:
        """What changed from one survey to a later one; `sprayed`: the ground of the first one's prescription was treated in
        between. Raises Rejected where they must not be compared."""
        before, after = find_survey(self._store, before_id), find_survey(self._store, after_id)
        how = self._store.spraying(before.field_id) if sprayed else None
        return cast(Change, self._once(f"{'sprayed' if sprayed else 'change'} {before.id}", after, how))

    def views(self, survey_id: str, lat: float, lon: float) -> Sequence[SeenFrom]:
        """The photos of a survey's flight that show a place, the one most from above first."""
        survey = find_survey(self._store, survey_id)
        return cast(Sequence[SeenFrom], self._ask(f"views {lat!r} {lon!r}", survey.id, ""))

    def walk(self, survey_id: str) -> Walk:
        """The shortest walk through the spots of a survey that are worth a visit. Raises Rejected."""
        survey = find_survey(self._store, survey_id)
        return cast(Walk, self._once("walk", survey, self._store.spraying(survey.field_id)))

    def keep_off(self, field_id: int, data: bytes, name: str, strip_m: float) -> Spraying:
        """How a field is treated with the ground in a map file kept off too. Raises Rejected."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            return cast(Spraying, self._ask(f"keep-off {field_id} {strip_m!r}", str(path), ""))

    def _once(self, what: str, survey: Survey, how: Spraying | None) -> object:
        """An answer, kept at hand as long as it holds: while the field has this boundary and these surveys."""
        field = self._store.field(survey.field_id)
        surveys = tuple(one.id for one in self._store.surveys(survey.field_id))
        key = (what, survey.id, how, field.boundary if field else None, surveys)
        found = self._at_hand(key)
        if found is None:
            with self._turns.one():
                found = self._at_hand(key)  # who waited before may have asked for the same
                if found is None:
                    found = (self._work(what, survey.id, ""),)
                    self._keep(key, found)
        return found[0]

    def _at_hand(self, key: Hashable) -> tuple[object] | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _keep(self, key: Hashable, found: tuple[object]) -> None:
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def make(self, survey_id: str, key: str, language: str) -> bytes:
        """The bytes of a file. Raises Rejected for what there is not."""
        return cast(bytes, self._ask(key, survey_id, language))

    def release(self) -> str:
        """SHA-256 of the weed model that runs on this box, where a file from outside is set: only its runtime tells."""
        return cast(str, self._ask("release", "", ""))

    def close(self) -> None:
        """End the child."""
        if self._timer:
            self._timer.cancel()
        self._apart.close()

    def _ask(self, what: str, survey_id: str, language: str) -> object:
        """Raises Busy while too many others wait for their answers already."""
        with self._turns.one():
            return self._work(what, survey_id, language)

    def _work(self, what: str, survey_id: str, language: str) -> object:
        """Have the child do it. Only in a turn."""
        try:
            self._wait_for(None)
            return self._apart.call(self._config, what, survey_id, language, seconds=SECONDS, patience=1.0)
        finally:
            self._wait_for(IDLE_S)

    def _wait_for(self, seconds: float | None) -> None:
        """End the child after so long; None: not yet."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(seconds, self._apart.close) if seconds is not None else None
            if self._timer:
                self._timer.daemon = True
                self._timer.start()
