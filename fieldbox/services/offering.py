"""What the dashboard tells to be done, and the files it hands out: worked out in a process of its own.

Laying ground out and writing files takes GDAL, SciPy and fonts, which the web process does without. The child ends when nobody
asked for a while.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from fieldbox.apart import Apart
from fieldbox.config import Config
from fieldbox.domain import Change, Prescription, Spraying, Zone
from fieldbox.services.finding import find_survey
from fieldbox.storage.store import Store

SECONDS = 120.0
"""For one answer; on a slow box a report of a large field takes half a minute."""
IDLE_S = 60.0
KEPT = 16
"""Answers that are kept at hand."""


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
        self._apart = Apart("fieldbox.services.answering:answer")
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._kept: OrderedDict[tuple[str, Spraying | None], object] = OrderedDict()

    def files(self) -> Sequence[Offered]:
        """All that can be made."""
        return FILES

    def prescription(self, survey_id: str) -> Prescription:
        """What is sprayed where. Raises Rejected where there is nothing to lay out."""
        survey = find_survey(self._store, survey_id)
        how = self._store.spraying(survey.field_id)
        return cast(Prescription, self._once("prescription", survey.id, how))

    def vigour(self, survey_id: str) -> Sequence[Zone]:
        """Where the crop stands poorer or better than in the rest of the field."""
        return cast(Sequence[Zone], self._once("vigour", find_survey(self._store, survey_id).id, None))

    def change(self, before_id: str, after_id: str, *, sprayed: bool) -> Change:
        """What changed from one survey to a later one; `sprayed`: the ground of the first one's prescription was treated in
        between. Raises Rejected where they must not be compared."""
        before, after = find_survey(self._store, before_id), find_survey(self._store, after_id)
        how = self._store.spraying(before.field_id) if sprayed else None
        return cast(Change, self._once(f"{'sprayed' if sprayed else 'change'} {before.id}", after.id, how))

    def _once(self, what: str, survey_id: str, how: Spraying | None) -> object:
        """An answer, kept at hand as long as it holds."""
        key = (f"{what} {survey_id}", how)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self._ask(what, survey_id, "")
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def make(self, survey_id: str, key: str, language: str) -> bytes:
        """The bytes of a file. Raises Rejected for what there is not."""
        return cast(bytes, self._ask(key, survey_id, language))

    def close(self) -> None:
        """End the child."""
        if self._timer:
            self._timer.cancel()
        self._apart.close()

    def _ask(self, what: str, survey_id: str, language: str) -> object:
        with self._lock:
            if self._timer:
                self._timer.cancel()
        try:
            return self._apart.call(self._config, what, survey_id, language, seconds=SECONDS)
        finally:
            with self._lock:
                self._timer = threading.Timer(IDLE_S, self._apart.close)
                self._timer.daemon = True
                self._timer.start()
