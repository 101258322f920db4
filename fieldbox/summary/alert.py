"""An alert (`alert-v1.schema.json`): a survey that shows something to act upon soon, in at most 300 bytes of JSON.

It is raised for three reasons, and for no other:

- `weeds`: more weeds to the hectare than in the earlier survey (where one of them did not count: more cover), and the 95 %
  intervals do not meet. Of pairs of surveys between which nothing changed fewer than one in a hundred differ so far by chance:
  for independent normal errors of like size the gap is 2.8 standard errors of the difference, p = 0.006 (Schenker and Gentleman
  2001, The American Statistician 55, 182-186).
- `health`: the health index fell, by the same rule, between two surveys whose colours can be trusted alike.
- `spray`: by what somebody told of prices, or from how many weeds on, treating some ground pays. Where nobody told, nothing pays.

A new analysis of the same flight that finds none of these withdraws what an earlier one had said: an alert without a reason,
which goes only if an alert of the flight has left the box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fieldbox.domain import Field, Flight, Interval, MessageKind, Outgoing, Prescription, Survey
from fieldbox.summary.short import clip_utf8, dump, estimate, in_utc
from fieldbox.summary.v1 import MAX_CODE_BYTES

MAX_BYTES: Final = 300
_GIVE_WAY: Final = ("spray", "health", "weed_pct", "weeds_ha", "since", "flown")
"""What goes first where it does not all fit; the reasons always do."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The survey of the field that one is held against; the two may be compared."""

    survey: Survey
    flown_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Compared:
    """One measure in two surveys, each with its interval."""

    reason: str
    name: str
    now: tuple[float, Interval]
    before: tuple[float, Interval]

    @property
    def told(self) -> list[Any]:
        return [estimate(*self.now), estimate(*self.before)]


def alert_of(
    survey: Survey, field: Field, flight: Flight, earlier: Earlier | None, prescription: Prescription | None
) -> Outgoing | None:
    """The alert that a survey raises; None: there is no reason for one.

    `prescription` is that against weeds, None where it is not known.
    """
    risen = _rises(survey, earlier.survey) if earlier else []
    pays = prescription if prescription and _pays(prescription) else None
    reasons = [one.reason for one in risen] + (["spray"] if pays else [])
    if not reasons:
        return None
    body = {**_head(survey, field, flight, reasons), **{one.name: one.told for one in risen}}
    if risen and earlier and earlier.flown_at:
        body["since"] = _day(earlier.flown_at)
    if pays:
        needs = pays.needs
        body["spray"] = {
            "ha": estimate(needs.area_ha, needs.area_ha_interval95),
            "l": estimate(needs.spray_l, needs.spray_l_interval95),
        }
    return Outgoing(MessageKind.ALERT, _fit(body), survey.id, subject=subject_of(survey))


def withdrawal(survey: Survey, field: Field, flight: Flight) -> Outgoing:
    """That no alert of this flight and field stands any more."""
    body = _fit(_head(survey, field, flight, []))
    return Outgoing(MessageKind.ALERT, body, survey.id, subject=subject_of(survey), withdraws=True)


def subject_of(survey: Survey) -> str:
    """Of alerts: a later analysis of the same flight and field speaks in the place of an earlier one."""
    return f"survey alert {survey.flight_id} {survey.field_id}"


def _head(survey: Survey, field: Field, flight: Flight, reasons: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "v": 1,
        "survey": survey.id,
        "field": clip_utf8(field.code, MAX_CODE_BYTES),
        "made": in_utc(survey.made_at),
        "why": list(reasons),
    }
    if flight.started_at:
        told["flown"] = _day(flight.started_at)
    return {**told, "simulated": True} if flight.simulated else told


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")


def _fit(body: dict[str, Any]) -> str:
    for name in (None, *_GIVE_WAY):
        body = {key: value for key, value in body.items() if key != name}
        text = dump(body)
        if len(text) <= MAX_BYTES:
            break
    return text.decode()


# -- the rules -------------------------------------------------------------------------------------


def _rises(now: Survey, before: Survey) -> list[_Compared]:
    """Measures that became clearly worse."""
    weeds = _weeds(now, before)
    found = [weeds] if weeds and weeds.now[1].low > weeds.before[1].high else []
    health = _health(now, before)
    return found + ([health] if health and health.now[1].high < health.before[1].low else [])


def _weeds(now: Survey, before: Survey) -> _Compared | None:
    """By the measure that both have; None: they were not found alike."""
    if now.weed_basis is None or now.weed_basis is not before.weed_basis:
        return None
    counted = _density(now), _density(before)
    if counted[0] and counted[1]:
        return _Compared("weeds", "weeds_ha", counted[0], counted[1])
    cover = [_known(one.weed_cover_pct, one.weed_cover_pct_interval95) for one in (now, before)]
    return _Compared("weeds", "weed_pct", cover[0], cover[1]) if cover[0] and cover[1] else None


def _density(survey: Survey) -> tuple[float, Interval] | None:
    """Weeds to the hectare; the interval takes the worst of the count's and the area's, so it is never too narrow."""
    count = _known(survey.weed_count, survey.weed_count_interval95)
    area = survey.area_ha_interval95 or Interval(survey.area_ha, survey.area_ha)
    if count is None or min(area.low, survey.area_ha) <= 0:
        return None
    value, range95 = count
    return value / survey.area_ha, Interval(range95.low / area.high, range95.high / area.low)


def _health(now: Survey, before: Survey) -> _Compared | None:
    index = [_known(one.health_index, one.health_index_interval95) for one in (now, before)]
    alike = now.layer_label is before.layer_label
    return _Compared("health", "health", index[0], index[1]) if alike and index[0] and index[1] else None


def _known(value: float | None, interval: Interval | None) -> tuple[float, Interval] | None:
    return None if value is None or interval is None else (value, interval)


def _pays(found: Prescription) -> bool:
    """Whether somebody said from when treating pays, and some ground passes that."""
    limited = found.spraying.limits_counts or found.spraying.from_cover_pct is not None
    return limited and not found.never_pays and bool(found.treated)
