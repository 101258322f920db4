"""The page that leads somebody on foot from spot to spot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from flask import Blueprint, render_template, url_for
from flask_login import current_user

from fieldbox.dashboard import photos, stage
from fieldbox.dashboard.decisions import TITLES
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.turns import Busy
from fieldbox.domain import Cover, Field, Right, Spot, SpotKind, Survey, Walk
from fieldbox.errors import FieldboxError
from fieldbox.i18n import N_, Sentence

walking = Blueprint("walking", __name__)
KINDS: Final[Mapping[SpotKind, str]] = {
    SpotKind.WEEDS: N_("Weeds"),
    SpotKind.CROP: N_("Poor crop"),
    SpotKind.DOUBTFUL: N_("Plants in doubt"),
}
TOWARDS: Final = (
    N_("to the north"),
    N_("to the north-east"),
    N_("to the east"),
    N_("to the south-east"),
    N_("to the south"),
    N_("to the south-west"),
    N_("to the west"),
    N_("to the north-west"),
)
"""Eighths of the compass, clockwise from north."""
REACHED_M: Final = 5.0
"""Nearer than this, or than the phone's own error, one is there."""
SHOT_PX: Final = 480
_SEARCH_M: Final = 1.0
_DEGREE_M: Final = 111_320.0
_SAME_PX: Final = 1.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A spot of the walk as the page tells it."""

    number: int
    """In the order of going; what it is called is `name`."""
    spot: Spot
    called: str
    also: str
    """The other places that are seen from it; empty: none."""
    why: str
    checks: Sequence[str]
    photo: str
    """Address of the part of a photo that shows it; empty: none is on the box."""
    plant: int | None
    """The plant that is meant; None: the spot is no single plant."""

    @property
    def name(self) -> str:
        """What it is called everywhere."""
        return self.spot.name

    @property
    def place(self) -> str:
        """Latitude, longitude."""
        return f"{self.spot.lat:.6f},{self.spot.lon:.6f}"


@walking.get("/surveys/<survey_id>/walk")
def show(survey_id: str) -> str:
    """A walk through the spots of a survey that are worth a visit."""
    survey = survey_or_404(survey_id)
    field = box().store.field(survey.field_id)
    walk, problem = _walk(survey)
    stops = [_stop(survey, number, spot) for number, spot in enumerate(walk.spots, start=1)]
    return render_template(
        "walk.html",
        survey=survey,
        field=field,
        walk=walk,
        problem=problem,
        stops=stops,
        kinds=KINDS,
        map=_map(survey, field, walk, stops) if stops else None,
        files=_files() if stops else [],
        judges=current_user.may(Right.JUDGE),
    )


def _walk(survey: Survey) -> tuple[Walk, str]:
    """The shortest walk; where it cannot be worked out, the spots with many weeds by their rank, and why."""
    decisions = box().beyond.decisions
    problem = ""
    if decisions is not None:
        try:
            return decisions.walk(survey.id), ""
        except Busy:
            raise
        except FieldboxError as error:
            problem = in_words(error.sentence)
    spots = tuple(
        Spot(
            rank=one.rank,
            name=str(one.rank),
            kind=SpotKind.WEEDS,
            lat=one.lat,
            lon=one.lon,
            why=Sentence(
                N_("Weeds cover {percent} % of {area} m²."),
                {"percent": round(100 * one.weed_cover), "area": round(one.area_m2)},
            ),
            digest=one.digest,
            pixel_x=one.pixel_x,
            pixel_y=one.pixel_y,
        )
        for one in survey.hotspots
    )
    places = tuple((one.lat, one.lon) for one in spots)
    start = places[0] if places else (0.0, 0.0)
    return Walk(
        start=start, spots=spots, path=places, length_m=_length(places), error_m=survey.position_error_m
    ), problem


def _length(places: Sequence[tuple[float, float]]) -> float:
    return sum(
        math.hypot(
            (other[0] - one[0]) * _DEGREE_M,
            (other[1] - one[1]) * _DEGREE_M * math.cos(math.radians(one[0])),
        )
        for one, other in pairwise(places)
    )


def _stop(survey: Survey, number: int, spot: Spot) -> Stop:
    photo = ""
    x, y = spot.pixel_x, spot.pixel_y
    if spot.digest and x is not None and y is not None and photos.is_there(box().root, spot.digest):
        photo = url_for("pictures.photo_crop", digest=spot.digest, x=round(x), y=round(y), size=SHOT_PX, v=1)
    also = ", ".join(_called(one) for one in spot.also)
    return Stop(
        number=number,
        spot=spot,
        called=_called(spot.name),
        also=say("Also here: %(names)s", names=also) if also else "",
        why=in_words(spot.why),
        checks=[in_words(one) for one in spot.checks],
        photo=photo,
        plant=_plant(survey, spot),
    )


def _called(name: str) -> str:
    """A place by its name: a plain number is a hotspot's."""
    return say("Spot %(rank)s", rank=name) if name.isdecimal() else name


def _plant(survey: Survey, spot: Spot) -> int | None:
    """The number of the plant in doubt that a spot's photo shows: somebody who stands there can tell what it is."""
    if spot.kind is not SpotKind.DOUBTFUL or spot.pixel_x is None or spot.pixel_y is None:
        return None
    across = _SEARCH_M / (_DEGREE_M * max(0.01, math.cos(math.radians(spot.lat))))
    along = _SEARCH_M / _DEGREE_M
    around = (spot.lon - across, spot.lat - along, spot.lon + across, spot.lat + along)
    x, y = spot.pixel_x, spot.pixel_y
    shown = [
        one
        for one in box().store.detections(survey.id, bbox=around, cover=Cover.WEED)
        if one.digest == spot.digest and math.hypot(one.pixel_x - x, one.pixel_y - y) <= _SAME_PX
    ]
    nearest = min(shown, key=lambda one: _length(((one.lat, one.lon), (spot.lat, spot.lon))), default=None)
    return nearest.id if nearest else None


def _files() -> list[tuple[str, str]]:
    """Keys and titles of what can be taken along on a phone that tells this page no place."""
    decisions = box().beyond.decisions
    return [
        (one.key, say(TITLES[one.key]))
        for one in (decisions.files() if decisions else ())
        if one.group == "walk"
    ]


def _map(survey: Survey, field: Field | None, walk: Walk, stops: Sequence[Stop]) -> dict[str, Any]:
    """What walk.js needs: all of it, since the box may be out of reach in the field."""
    boundary = [(lat, lon) for lon, lat in field.boundary] if field else []
    lats, lons = zip(*boundary, *walk.path, *((one.spot.lat, one.spot.lon) for one in stops), strict=True)
    return {
        "survey": survey.id,
        "bounds": [(min(lats), min(lons)), (max(lats), max(lons))],
        "zoom": {"photo": stage.native_zoom(survey)},
        "tiles": stage.tiles_of(survey),
        "boundary": boundary,
        "path": walk.path,
        "reached": REACHED_M,
        "spots": [
            {
                "number": one.number,
                "name": one.name,
                "called": one.called,
                "also": one.also,
                "at": (one.spot.lat, one.spot.lon),
                "sort": one.spot.kind.value,
                "kind": say(KINDS[one.spot.kind]),
                "why": one.why,
                "checks": one.checks,
                "photo": one.photo,
                "plant": one.plant,
            }
            for one in stops
        ],
        "verdicts": url_for("api.give_verdict"),
        "words": {"towards": [say(one) for one in TOWARDS], **_words(), **stage.map_words()},
    }


def _words() -> dict[str, str]:
    return {
        "next": say(
            "Next: %(name)s (stop %(number)s of %(count)s)", name="NAME", number="NUMBER", count="COUNT"
        ),
        "away": say("%(metres)s m %(towards)s", metres="METRES", towards="TOWARDS"),
        "there": say("You are there: what is it?"),
        "look": say("You are there: look at this."),
        "asking": say("Asking the phone where it is …"),
        "exact": say("The phone knows its place to %(metres)s m.", metres="METRES"),
        "refused": say(
            "The phone does not tell where it is: allow it for this page. The map and the list go on without."
        ),
        "plain": say(
            "Browsers tell their place to pages over HTTPS only. Take the walk along as a file instead:"
        ),
        "lost": say("The phone has lost its place for the moment."),
        "done": say("done"),
        "all": say("All stops are done."),
        "waits": say("Told; it is kept on this phone until the box is in reach."),
        "saved": say("Told to the box."),
        "login": say("Log in again, so that the box takes what you told."),
        "photo": say("The photo that shows this spot; a ring marks it."),
    }
