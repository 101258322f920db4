"""Where the photos of a flight were taken, ground that was missed, and what would go with the flight."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import abort
from msgspec import Meta, Struct

from fieldbox.dashboard import flightmap
from fieldbox.dashboard.api.flights import TAG, FlightGone
from fieldbox.dashboard.api.geojson import Area, Point, Spot, polygon
from fieldbox.dashboard.api.kinds import Count, Digest, Words
from fieldbox.dashboard.api.operations import GEOJSON, Told, operation
from fieldbox.dashboard.flightmap import Became
from fieldbox.dashboard.language import in_words
from fieldbox.dashboard.ports import box
from fieldbox.domain import Flight


class PhotoTold(Told):
    """A photo of a flight."""

    photo: Digest
    file: str
    became: Annotated[
        Became,
        Meta(
            description="used: on the map, fitted to the others. loose: on the map where its tags put it. placed: it has a "
            "place, and no map was made yet. unplaced: not on the map."
        ),
    ]
    why: Annotated[Words | None, Meta(description="Why it has no place.")]


class PhotosOnMap(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Photos that tell where they were taken."""

    features: list[Spot[PhotoTold]]


class MissedTold(Told):
    """Ground that too few photos show."""

    ground: Annotated[Literal["bare", "thin"], Meta(description="bare: on no photo. thin: on one or two.")]


class MissedGround(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Ground that too few photos of a flight show."""

    features: list[Area[MissedTold]]


class GoingTold(FlightGone):
    """What would go with a flight, and what of it cannot come back."""

    labels: Annotated[Count, Meta(description="Verdicts of people on its plants.")]
    verdicts: Annotated[Count, Meta(description="Verdicts of people on its surveys.")]
    marks: Annotated[Count, Meta(description="Marks of control points in its photos.")]
    waiting: Annotated[list[str], Meta(description="Ids of messages that are not sent then.")]
    sent: Annotated[Count, Meta(description="Messages about it that have left: these cannot be taken back.")]
    held: Annotated[Words | None, Meta(description="Why it cannot go just now.")]


@operation("GET", "/flights/<flight_id>/photos", tag=TAG, answers=PhotosOnMap, media=GEOJSON)
def flight_photos(flight_id: str) -> PhotosOnMap:
    """Where the photos of a flight were taken and what became of each, as points."""
    found = flightmap.shot(_flight_or_404(flight_id))
    return PhotosOnMap(
        features=[
            Spot(
                Point((one.lon, one.lat)),
                PhotoTold(
                    photo=one.digest,
                    file=one.name,
                    became=one.became,
                    why=in_words(one.why) if one.why else None,
                ),
            )
            for one in found
        ]
    )


@operation("GET", "/flights/<flight_id>/missed", tag=TAG, answers=MissedGround, media=GEOJSON)
def missed_ground(flight_id: str) -> MissedGround:
    """Ground that no photo of a flight shows, or one or two alone, as its check found it, as polygons."""
    check = box().store.checks([_flight_or_404(flight_id).id]).get(flight_id)
    if check is None:
        return MissedGround(features=[])
    features = [Area(polygon(*rings), MissedTold(ground="thin")) for rings in check.thin]
    return MissedGround(
        features=[*features, *(Area(polygon(*rings), MissedTold(ground="bare")) for rings in check.holes)]
    )


@operation("GET", "/flights/<flight_id>/going", tag=TAG, answers=GoingTold)
def going(flight_id: str) -> GoingTold:
    """What would go if a flight were deleted. Nothing is changed."""
    found = box().store.what_goes(flight_id)
    if found is None:
        abort(404)
    return GoingTold(
        flight=found.flight_id,
        captures=len(found.captures),
        shared=found.shared,
        originals=found.originals,
        bytes=found.bytes,
        surveys=list(found.surveys),
        labels=found.labels,
        verdicts=found.verdicts,
        marks=found.marks,
        waiting=list(found.waiting),
        sent=found.sent,
        held=in_words(found.held) if found.held else None,
    )


def _flight_or_404(flight_id: str) -> Flight:
    found = box().store.flight(flight_id)
    if found is None:
        abort(404)
    return found
