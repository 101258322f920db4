"""What changed between two dates of a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for

from fieldbox.dashboard import stage
from fieldbox.dashboard.dates import flights_flown, flown_on
from fieldbox.dashboard.decisions import decisions_or_404
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import in_words, interval, number, say, say_many
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.turns import Busy
from fieldbox.dashboard.words import Figure
from fieldbox.domain import Became, Change, ChangedSpot, Compared, Efficacy, ShiftBasis, Survey, change_name
from fieldbox.errors import FieldboxError
from fieldbox.i18n import N_

changing = Blueprint("changing", __name__)
SPOTS_SHOWN = 12
BECAME: Mapping[Became, str] = {
    Became.NEW: N_("new weeds"),
    Became.SPREADING: N_("spreading"),
    Became.SHRINKING: N_("fewer"),
    Became.GONE: N_("gone"),
}


@dataclass(frozen=True, slots=True)
class SpotLine:
    """A spot in a list."""

    name: str
    lat: float
    lon: float
    became: str
    title: str
    note: str


@changing.get("/surveys/<survey_id>/change")
def changed(survey_id: str) -> str:
    """What changed since an earlier date: `?before=`, and `?sprayed=1` if the ground of its prescription was treated."""
    after = survey_or_404(survey_id)
    store = box().store
    field = store.field(after.field_id)
    if field is None:
        abort(404)
    flown = flights_flown(field.id)
    dates = {one.id: flown_on(one, flown) for one in store.surveys(field_id=field.id)}
    earlier = earlier_of(after, store.surveys(field_id=field.id), dates)
    before = next((one for one in earlier if one.id == request.args.get("before")), None)
    if before is None and earlier:
        before = earlier[0]
    sprayed = request.args.get("sprayed") == "1"
    found, problem = None, ""
    if before:
        try:
            found = decisions_or_404().change(before.id, after.id, sprayed=sprayed)
        except Busy:
            raise
        except FieldboxError as error:
            problem = in_words(error.sentence)
    return render_template(
        "change.html",
        field=field,
        after=after,
        before=before,
        earlier=earlier,
        dates=dates,
        sprayed=sprayed,
        problem=problem,
        found=found,
        lead=lead(found) if found else "",
        notes=notes(found) if found else [],
        figures=figures(found) if found else [],
        spots=[_line(place, one) for place, one in enumerate(found.spots[:SPOTS_SHOWN], 1)] if found else [],
        more=max(0, len(found.spots) - SPOTS_SHOWN) if found else 0,
        worked=worked(found.efficacy) if found and found.efficacy else "",
        works=bool(found and found.efficacy and told_to_work(found.efficacy)),
        map=_map(after, before, field.boundary, sprayed=sprayed) if found and before else None,
    )


def earlier_of(after: Survey, surveys: Sequence[Survey], dates: Mapping[str, Any]) -> list[Survey]:
    """Surveys of earlier flights, the newest first; of each flight the one that counts."""
    found: dict[str, Survey] = {}
    for one in surveys:
        if one.flight_id != after.flight_id and _stamp(dates[one.id]) <= _stamp(dates[after.id]):
            found.setdefault(one.flight_id, one)
    return sorted(found.values(), key=lambda one: _stamp(dates[one.id]), reverse=True)


def _stamp(moment: Any) -> float:
    """Camera times have no zone, and instants have: both as seconds."""
    return float(moment.timestamp())


# -- in words --------------------------------------------------------------------------------------


def lead(found: Change) -> str:
    """What changed in one sentence."""
    if found.more_m2 == 0 and found.less_m2 == 0:
        return say("No ground can be told to have more or fewer weeds than before.")
    return say(
        "More weeds than before on %(more)s m², fewer on %(less)s m²; of %(rest)s m² no telling.",
        more=number(found.more_m2),
        less=number(found.less_m2),
        rest=number(found.untold_m2),
    )


def notes(found: Change) -> list[str]:
    """How far that is to be trusted."""
    shift = found.shift
    if shift.basis is ShiftBasis.STATED:
        told = [
            say("The two maps could not be laid on each other: only large pieces of ground are compared.")
        ]
    else:
        told = [
            say_many(
                "The two maps are laid on each other by %(num)s plant or point that both show, to %(error)s cm.",
                "The two maps are laid on each other by %(num)s plants or points that both show, to %(error)s cm.",
                shift.shared,
                error=number(100 * shift.error95_m, 1 if shift.error95_m < 0.1 else 0),
            )
        ]
    told.append(say("Cells of %(side)s m are compared.", side=number(found.cells.cell_m, 1)))
    if found.cell_why:
        told.append(in_words(found.cell_why))
    return told + [in_words(one) for one in found.cautions]


def figures(found: Change) -> list[Figure]:
    """Before and after on the ground that both saw."""
    shown = [Figure(say("Compared ground"), number(found.common_m2), "m²", None)]
    if found.weeds:
        shown += _pair(found.weeds, say("Weeds before"), say("Weeds now"), "", 0)
    shown += _pair(found.cover_pct, say("Weeds covered"), say("Weeds cover now"), "%", 2)
    if found.found_again is not None:
        shown.append(Figure(say("Found again at their place"), number(found.found_again), "", None))
    return shown


def _pair(told: Compared, before: str, now: str, unit: str, digits: int) -> list[Figure]:
    low, high = (_signed(one, digits) for one in told.change_interval95)
    change = say("change: %(low)s to %(high)s", low=low, high=high)
    return [
        Figure(before, number(told.before, digits), unit, None),
        Figure(now, number(told.after, digits), unit, change),
    ]


def _signed(value: float, digits: int) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + number(abs(value), digits)


def worked(found: Efficacy) -> str:
    """Whether the treatment worked."""
    if found.value is None:
        why = in_words(found.why) if found.why else ""
        return " ".join([say("Whether the spraying worked cannot be told."), why]).strip()
    range95 = (
        interval(type(found.interval95)(*(100 * one for one in found.interval95))) if found.interval95 else ""
    )
    if found.interval95 is not None and found.interval95.high < 0:
        return say("The spraying did not work: there are more weeds than without it.")
    if not told_to_work(found):
        return say(
            "Whether the spraying worked cannot be told: it took %(range)s %% of the weeds, held against ground that was "
            "not sprayed.",
            range=range95,
        )
    return say(
        "The spraying took %(value)s %% of the weeds (%(range)s), held against ground that was not sprayed.",
        value=number(100 * found.value),
        range=range95,
    )


def told_to_work(found: Efficacy) -> bool:
    """Whether more weeds went than chance takes: the whole interval is above 0."""
    return found.interval95 is not None and found.interval95.low > 0


def _line(place: int, spot: ChangedSpot) -> SpotLine:
    if spot.before is not None and spot.after is not None:
        note = say(
            "%(before)s → %(after)s weeds to the m²",
            before=number(spot.before, 1),
            after=number(spot.after, 1),
        )
    else:
        note = say(
            "weeds cover %(before)s → %(after)s %%",
            before=number(spot.cover_before_pct, 1),
            after=number(spot.cover_after_pct, 1),
        )
    title = say("%(area)s m²: %(became)s", area=number(spot.area_m2), became=say(BECAME[spot.became]))
    return SpotLine(change_name(place), spot.lat, spot.lon, spot.became.value, title, note)


def _map(
    after: Survey, before: Survey, boundary: tuple[tuple[float, float], ...], *, sprayed: bool
) -> dict[str, Any]:
    """What change.js needs."""
    lons, lats = zip(*boundary, strict=True)
    asked: dict[str, Any] = {"before": before.id, **({"sprayed": "1"} if sprayed else {})}
    return {
        "bounds": [(min(lats), min(lons)), (max(lats), max(lons))],
        "zoom": {"photo": stage.native_zoom(after)},
        "tiles": stage.tiles_of(after),
        "boundary": [(lat, lon) for lon, lat in boundary],
        "spots": url_for("api.change", survey_id=after.id, **asked),
        "words": stage.map_words(),
    }
