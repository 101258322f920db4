"""Taking a card or folder in and, if asked, waiting for its map: behind `ingest` and the demo."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fieldbox.arrivals import Arrival, take_in
from fieldbox.config import Config
from fieldbox.domain import CropStand, Flight, FlightCheck, Interval, Rejection, Survey
from fieldbox.errors import Rejected
from fieldbox.given import given_for
from fieldbox.i18n import N_, Sentence, _
from fieldbox.lists import ByHand, TakenList
from fieldbox.services import worker
from fieldbox.services.box import open_store
from fieldbox.services.checking import flight_json, flight_lines
from fieldbox.services.queueing import queue
from fieldbox.storage.store import Store

Progress = Callable[[str, int, int], None]

DONE, FAILED, DONE_WITH_REJECTED = 0, 1, 3

ESTIMATES = (
    "area_ha",
    "gsd_cm",
    "weed_cover_pct",
    "weed_count",
    "crop_cover_pct",
    "crop_count",
    "health_index",
    "unsure_pct",
    "unseen_pct",
)
"""Fields of a survey that have a companion `<name>_interval95`."""


@dataclass(frozen=True)
class Outcome:
    """What `ingest` prints."""

    arrival: Arrival
    surveys: tuple[Survey, ...]
    failures: tuple[tuple[str, Sentence], ...]
    """(flight id, reason) of flights that could not be mapped."""
    field_names: dict[int, str]
    seconds: float
    waited: bool
    checks: dict[str, FlightCheck] = field(default_factory=dict)
    """By the ids of the flights."""
    damaged: tuple[Rejection, ...] = ()
    """Photos that were accepted and turned out to be damaged when they were looked at."""

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """Files that were not taken, and photos that could not be used in the end."""
        return (*self.arrival.rejected, *self.damaged)

    @property
    def unplaced(self) -> list[tuple[str, Sentence]]:
        """(name, reason) of the photos that are kept but could not be placed."""
        damaged = {one.name for one in self.damaged}
        captures = [capture for flight in self.arrival.flights for capture in flight.captures]
        return [
            (one.name, one.unplaced)
            for one in captures
            if one.pose is None and one.unplaced and one.name not in damaged
        ]

    @property
    def accepted(self) -> int:
        """Photos that were new and sound."""
        return max(0, self.arrival.accepted - len(self.damaged))

    @property
    def exit_code(self) -> int:
        """0 done; 1 no flight could be mapped, for a reason other than its photos; 3 done, but input was left out."""
        unplaceable = sum(not _has_place(flight) for flight in self.arrival.flights)
        if len(self.failures) == len(self.arrival.flights) > unplaceable:
            return FAILED
        return DONE_WITH_REJECTED if self.rejected or self.failures else DONE

    def to_json(self) -> dict[str, Any]:
        """The contract of `fieldbox ingest --wait --json`."""
        flights = self.arrival.flights
        return {
            "flight": flights[0].id if flights else None,
            "flights": [flight.id for flight in flights],
            "captures": {
                "accepted": self.accepted,
                "rejected": len(self.rejected),
                "duplicates": self.arrival.duplicates,
            },
            "rejected": [{"file": one.name, "reason": str(one.reason)} for one in self.rejected],
            "lists": [_list_json(one) for one in self.arrival.lists],
            "unplaced": [{"file": name, "reason": str(reason)} for name, reason in self.unplaced],
            "checks": [{"flight": flight} | flight_json(one) for flight, one in self.checks.items()],
            "failed": [{"flight": flight, "reason": str(reason)} for flight, reason in self.failures],
            "surveys": [survey_json(one, self.field_names.get(one.field_id)) for one in self.surveys],
            "seconds": round(self.seconds, 2),
            "simulated": bool(flights) and all(flight.simulated for flight in flights),
        }

    def to_text(self) -> str:
        """The same for a person."""
        arrival = self.arrival
        lines = [
            _("Photos taken in: {accepted}, known already: {duplicates}, files rejected: {rejected}.").format(
                accepted=self.accepted, duplicates=arrival.duplicates, rejected=len(self.rejected)
            )
        ]
        lines += [f"  {one.name}: {one.reason}" for one in self.rejected]
        lines += [f"  {name}: {reason}" for name, reason in self.unplaced]
        for one in arrival.lists:
            lines.append(
                "  "
                + _("{file}: a list; photos that it is about: {count}.").format(
                    file=one.name, count=len(one.photos)
                )
            )
            lines += [f"    {problem}" for problem in one.problems]
        for flight, check in self.checks.items():
            lines += [
                _("Flight {flight}:").format(flight=flight),
                *(f"  {one}" for one in flight_lines(check)),
            ]
        for survey in self.surveys:
            lines += ["", *_survey_lines(survey, self.field_names.get(survey.field_id, "?"))]
        lines += [
            _("Flight {flight} was not mapped: {reason}").format(flight=f, reason=r) for f, r in self.failures
        ]
        if not self.waited and len(self.failures) < len(arrival.flights):
            lines.append(_("The flight waits in the queue; the worker maps it (`fieldbox status`)."))
        return "\n".join(lines)


def ingest(
    config: Config,
    path: Path,
    *,
    field_name: str | None,
    wait: bool,
    crop: str | None = None,
    lists: ByHand | None = None,
    shown: Progress | None = None,
) -> Outcome:
    """Take in `path` and `lists` (`arrivals.take_in`) and queue the flights they are about; with `wait`, return when these
    are mapped.

    Raises Rejected if there is nothing to take in, Unavailable if the box cannot store more.
    """
    start = time.monotonic()
    with open_store(config) as store:
        arrival = take_in(
            path, config, store, shown or _silent, field_name=field_name, crop=crop, lists=lists
        )
        _check_any(arrival)
        mappable, checks = queue(config, store, arrival)
        if wait:
            worker.drain(config, store, [flight.id for flight in mappable], shown)
            arrival = replace(arrival, flights=_as_mapped(store, arrival.flights))
        surveys, failures = _results(store, arrival.flights, waited=wait)
        names = {one.id: one.name for one in store.fields()}
        damaged = _damaged(store, arrival)
    return Outcome(arrival, surveys, failures, names, time.monotonic() - start, wait, checks, damaged)


def survey_json(survey: Survey, field: str | None) -> dict[str, Any]:
    """A survey as the contract has it: null for what is not known, an interval beside each estimate."""
    row: dict[str, Any] = {"id": survey.id, "field": field}
    for name in ESTIMATES:
        row[name] = getattr(survey, name)
        interval: Interval | None = getattr(survey, f"{name}_interval95")
        row[f"{name}_interval95"] = list(interval) if interval else None
    return {
        **row,
        "position_error_m": survey.position_error_m,
        "layer_label": survey.layer_label.value,
        "indices": {name: round(value, 4) for name, value in survey.indices.items()},
        "weed_basis": survey.weed_basis.value if survey.weed_basis else None,
        "ladder": asdict(survey.ladder) if survey.ladder else None,
        "stand": asdict(survey.stand) if survey.stand else None,
        "release": survey.release,
        "warnings": [str(warning) for warning in survey.warnings],
        "hotspots": len(survey.hotspots),
        "photos_used": survey.photos_used,
        "photos_unplaced": survey.photos_unplaced,
    }


def _list_json(one: TakenList) -> dict[str, Any]:
    return {
        "file": one.name,
        "kind": one.kind.value,
        "photos": len(one.photos),
        "new": one.fresh,
        "problems": [str(problem) for problem in one.problems],
    }


def _check_any(arrival: Arrival) -> None:
    if not arrival.flights and not arrival.rejected:
        raise Rejected(N_("There are no photos here: give the folder that holds the drone's JPEG files."))


def _as_mapped(store: Store, flights: tuple[Flight, ...]) -> tuple[Flight, ...]:
    """The flights as they are now: a photo whose pixels proved damaged has no place any more."""
    return tuple(given_for(store, store.flight(flight.id) or flight).flight for flight in flights)


def _results(
    store: Store, flights: tuple[Flight, ...], *, waited: bool
) -> tuple[tuple[Survey, ...], tuple[tuple[str, Sentence], ...]]:
    surveys, failures = [], []
    for flight in flights:
        job = store.job_for_flight(flight.id) if waited else None
        if flight.field_id is None:
            reason = Sentence(N_("None of its photos could be placed; each says why."))
            failures.append((flight.id, reason))
        elif not waited:
            continue
        elif job and job.reason and job.state != "done":
            failures.append((flight.id, job.reason))
        else:
            surveys += store.surveys(flight_id=flight.id)[:1]
    return tuple(surveys), tuple(failures)


def _has_place(flight: Flight) -> bool:
    return any(capture.pose for capture in flight.captures)


def _damaged(store: Store, arrival: Arrival) -> tuple[Rejection, ...]:
    """What was rejected after the copying: photos whose pixels turned out to be damaged."""
    known = {one.name for one in arrival.rejected}
    return tuple(one for one in store.rejections(ingest_id=arrival.ingest_id) if one.name not in known)


def _survey_lines(survey: Survey, field: str) -> list[str]:
    def shown(value: float | None, interval: Interval | None, unit: str, digits: int = 1) -> str:
        if value is None:
            return _("not known")
        spread = f" ({interval.low:.{digits}f} - {interval.high:.{digits}f})" if interval else ""
        return f"{value:.{digits}f}{spread}{unit}"

    rows = [
        (_("Field"), field),
        (_("Area seen"), shown(survey.area_ha, survey.area_ha_interval95, " ha", 3)),
        (_("Weeds"), shown(survey.weed_count, survey.weed_count_interval95, "", 0)),
        (_("Weed cover"), shown(survey.weed_cover_pct, survey.weed_cover_pct_interval95, " %", 2)),
        (_("Crop plants"), shown(survey.crop_count, survey.crop_count_interval95, "", 0)),
        (_("Crop cover"), shown(survey.crop_cover_pct, survey.crop_cover_pct_interval95, " %", 2)),
        *([(_("Crop rows"), _rows(survey.stand))] if survey.stand else []),
        (_("Health index"), shown(survey.health_index, survey.health_index_interval95, " / 100", 0)),
        (_("Unsure"), shown(survey.unsure_pct, survey.unsure_pct_interval95, " %")),
        (_("Unseen"), shown(survey.unseen_pct, survey.unseen_pct_interval95, " %")),
        (_("Looked again"), _ladder(survey)),
        (_("Hotspots"), str(len(survey.hotspots))),
        (_("Position error"), _("{error:.2f} m (95 %)").format(error=survey.position_error_m)),
        (_("Colours"), survey.layer_label.value),
        *((name.upper(), f"{value:.3f}") for name, value in survey.indices.items()),
        (
            _("Photos"),
            _("{used} looked at, {unplaced} not placed").format(
                used=survey.photos_used, unplaced=survey.photos_unplaced
            ),
        ),
        (_("Survey"), survey.id),
    ]
    width = max(len(name) for name, _value in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    return lines + [f"! {warning}" for warning in survey.warnings]


def _rows(stand: CropStand) -> str:
    told = [
        _("{spacing:.2f} m apart, {direction:.1f}° from north").format(
            spacing=stand.spacing_m, direction=stand.direction_deg
        )
    ]
    if stand.per_ha is not None:
        told.append(_("{count:.0f} plants to the hectare").format(count=stand.per_ha))
    if stand.weeds_in_rows is not None:
        told.append(
            _("weeds in the rows: {inside}, between them: {between}").format(
                inside=stand.weeds_in_rows, between=stand.weeds_between
            )
        )
    return "; ".join(told)


def _ladder(survey: Survey) -> str:
    if survey.ladder is None:
        return _("not known")
    return _(
        "{doubtful} plants were doubtful, {looked_again} of them seen in other photos: {settled_sure} now sure, "
        "{dropped} no plants, {still_unsure} still unsure"
    ).format(**asdict(survey.ladder))


def _silent(_step: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""
