"""What a map of a survey is drawn of, as GeoJSON: single plants, gaps in rows, hotspots, the photos."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np
from flask import Response, url_for
from msgspec import Meta, Struct, field

from fieldbox.dashboard import quality
from fieldbox.dashboard.api.geojson import (
    Area,
    Bbox,
    Box,
    Line,
    LineString,
    Point,
    Polygon,
    Spot,
    box_of,
    polygon,
)
from fieldbox.dashboard.api.kinds import Count, Cursor, Digest
from fieldbox.dashboard.api.operations import GEOJSON, Asked, H, Told, encode, operation
from fieldbox.dashboard.api.reading import unfit_value
from fieldbox.dashboard.api.wholefiles import whole_files
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import DetectionLike, GapLike, box
from fieldbox.dashboard.quality import Hole
from fieldbox.dashboard.struck import Struck, struck_of
from fieldbox.domain import Cover, Hotspot, LabelVerdict, NotAligned, Placement, PlantHealth
from fieldbox.i18n import N_

TAG = "Features"
PAGE = 500
"""Plants that are read at once for a whole file."""
MOST = 2000
"""Features in one answer."""
_HOUR = 3600
_CURSOR = re.compile(r"(?P<score>[0-9]\.[0-9]{1,20}(?:e-[0-9]{1,3})?)_(?P<id>[0-9]{1,18})", re.ASCII)


class Region(Asked):
    """Which features, and how many."""

    bbox: Bbox | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST, description="At most so many.")] = MOST
    cursor: Cursor = None


class Plant(Told):
    """A single plant."""

    id: int
    cover: Annotated[Cover, Meta(description="weed or crop.")] = field(name="class")
    score: Annotated[float, Meta(ge=0, le=1)]
    certainty: Annotated[str, Meta(description="sure or unsure, by the model's stated rule.")]
    area_cm2: float
    position_error_m: Annotated[float, Meta(description="95 % radius.")]
    photo: Digest
    x: Annotated[int, Meta(description="Its centre in that photo, pixels.")]
    y: int
    health: Annotated[
        PlantHealth | None, Meta(description="Of a crop plant, beside its neighbours (relative).")
    ]
    verdict: Annotated[
        LabelVerdict | None,
        Meta(description="What people who looked at it agree on; null: nobody looked, or they do not agree."),
    ]


class GapTold(Told):
    """Where plants are missing in a row."""

    kind: Literal["gap"] = field(name="class")
    missing: Annotated[int, Meta(ge=0, description="How many would fit in.")]


class SpotTold(Told):
    """A group of cells with many weeds."""

    rank: Annotated[int, Meta(ge=1, description="1 is the worst.")]
    area_m2: float
    weed_cover: Annotated[float, Meta(description="0 to 1.")]
    weed_count: int | None
    photo: Digest
    x: float
    y: float


class FootprintTold(Told):
    """A photo on the ground."""

    photo: Digest
    file: str | None
    aligned: Annotated[bool, Meta(description="false: it stands as its tags tell, for the reason `why`.")]
    block: Annotated[int | None, Meta(description="Photos of one block agree with each other.")]
    error_m: Annotated[float, Meta(description="95 % radius of a place in the middle of the photo.")]
    moved_m: float | None
    residual_px: float | None
    ties: Count
    doubts: Annotated[list[str], Meta(description="What of its tags turned out wrong.")]
    why: NotAligned | None


class HoleTold(Told):
    """Ground that no photo shows."""

    area_m2: float


class Nothing(Told):
    """Nothing more is known."""


class Plants(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Single plants, the best score first."""

    features: list[Area[Plant]]
    truncated: Annotated[bool, Meta(description="There are more: see `next`.")]
    next: Annotated[str | None, Meta(description="Address of the next page.")]


class WholeFile(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """All plants of a kind."""

    name: str
    features: list[Area[Plant]]


class Gaps(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Gaps in crop rows."""

    features: list[Line[GapTold]]
    truncated: bool
    next: Annotated[str | None, Meta(description="Address of the next page.")]


class Hotspots(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Hotspots, the worst first."""

    features: list[Spot[SpotTold]]


class Footprints(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """The ground that each photo shows."""

    features: list[Area[FootprintTold]]


class Holes(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Ground that no photo shows, the largest first."""

    features: list[Area[HoleTold]]


class Thin(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Ground that one or two photos show, the largest first."""

    features: list[Area[Nothing]]


def _features(rule: str, answers: type, query: type[Asked] | None = None) -> Callable[[H], H]:
    return operation(
        "GET", f"/surveys/<survey_id>/{rule}", tag=TAG, answers=answers, media=GEOJSON, query=query
    )


@_features("hotspots", Hotspots)
def hotspots(survey_id: str) -> Response:
    """The hotspots of a survey as points, worst first."""
    return collection(Hotspots(features=[_spot(one) for one in survey_or_404(survey_id).hotspots]))


@_features("weeds", Plants, Region)
def weeds(survey_id: str, query: Region) -> Response:
    """Single weeds as polygons, best score first."""
    return _plants(survey_id, Cover.WEED, query, poor=False)


@_features("poor", Plants, Region)
def poor(survey_id: str, query: Region) -> Response:
    """Crop plants called stunted or yellowing beside their neighbours (relative), as polygons."""
    return _plants(survey_id, Cover.CROP, query, poor=True)


@_features("weeds.geojson", WholeFile)
def weeds_file(survey_id: str) -> Response:
    """All single weeds as one file, for map programs; however many there are.

    It has a length, and parts of it may be asked for (`Range`), as map programs do.
    """
    return _whole(survey_id, Cover.WEED, poor=False)


@_features("poor.geojson", WholeFile)
def poor_file(survey_id: str) -> Response:
    """All crop plants called stunted or yellowing as one file, for map programs."""
    return _whole(survey_id, Cover.CROP, poor=True)


@_features("gaps", Gaps, Region)
def gaps(survey_id: str, query: Region) -> Response:
    """Stretches of crop rows where plants are missing, as lines.

    Empty too where that is not known (`crop_missing` of the survey is null).
    """
    survey_or_404(survey_id)
    region, start = box_of(query.bbox), _start(query.cursor)
    every = [one for one in box().store.gaps(survey_id) if region is None or _meets(one, region)]
    some, more = every[start : start + query.limit], len(every) > start + query.limit
    following = _next("gaps", survey_id, query, str(start + query.limit)) if more else None
    return collection(Gaps(features=[_gap(one) for one in some], truncated=more, next=following))


@_features("footprints", Footprints)
def footprints(survey_id: str) -> Response:
    """The ground that each photo shows as polygons; empty where the photos were never aligned."""
    found = survey_or_404(survey_id)
    flight = box().store.flight(found.flight_id)
    names = {one.digest: one.name for one in flight.captures} if flight else {}
    placed = [one for one in box().store.placements(survey_id) if len(one.footprint) >= 3]
    return collection(Footprints(features=[_footprint(one, names.get(one.digest)) for one in placed]))


@_features("holes", Holes)
def holes(survey_id: str) -> Response:
    """Ground of the field that no photo shows, as polygons, the largest first."""
    told = survey_or_404(survey_id).quality
    return collection(Holes(features=[_hole(one) for one in quality.holes(told)] if told else []))


@_features("thin", Thin)
def thin(survey_id: str) -> Response:
    """Ground of the field that only one or two photos show, as polygons, the largest first."""
    told = survey_or_404(survey_id).quality
    return collection(
        Thin(features=[Area(polygon(*rings), Nothing()) for rings in told.thin] if told else [])
    )


def collection(told: Struct) -> Response:
    """As an answer that a browser may keep for an hour: a survey does not change."""
    return Response(encode(told), mimetype=GEOJSON, headers={"Cache-Control": f"private, max-age={_HOUR}"})


def _plants(survey_id: str, cover: Cover, query: Region, *, poor: bool) -> Response:
    survey_or_404(survey_id)
    found = box().store.detections(
        survey_id,
        bbox=box_of(query.bbox),
        cover=cover,
        poor=poor,
        limit=query.limit + 1,
        after=_after(query.cursor),
    )
    some, last = page_of(found, query.limit)
    endpoint = "poor" if poor else "weeds"
    following = _next(endpoint, survey_id, query, f"{last.score!r}_{last.id}") if last else None
    told = {} if poor else struck_of(survey_id).verdicts
    features = [plant(one, told.get(one.id)) for one in some]
    answer = collection(Plants(features=features, truncated=last is not None, next=following))
    if not poor:
        answer.headers["Cache-Control"] = "private, no-store"  # people go on checking plants
    return answer


def _whole(survey_id: str, cover: Cover, *, poor: bool) -> Response:
    survey_or_404(survey_id)
    store, name = box().store, "poor" if poor else "weeds"
    told = Struck({}, "") if poor else struck_of(survey_id)

    def pieces() -> Iterator[bytes]:
        before, last = b'{"type":"FeatureCollection","name":' + encode(name) + b',"features":[\n', 0
        while page := store.plants_after(survey_id, cover=cover, poor=poor, after=last, size=PAGE):
            yield before + b",\n".join(encode(plant(one, told.verdicts.get(one.id))) for one in page)
            before, last = b",\n", page[-1].id
        yield (b"" if last else before) + b"\n]}\n"

    return whole_files().answer(f"{survey_id}/{name}/{told.mark}", pieces, GEOJSON)


def _next(endpoint: str, survey_id: str, query: Region, cursor: str) -> str:
    return url_for(f"api.{endpoint}", survey_id=survey_id, bbox=query.bbox, limit=query.limit, cursor=cursor)


def _after(cursor: str | None) -> tuple[float, int] | None:
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        unfit_value("cursor", N_("it is taken from `next`"))
    return float(found["score"]), int(found["id"])


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        unfit_value("cursor", N_("it is taken from `next`"))
    return int(cursor)


def _spot(spot: Hotspot) -> Spot[SpotTold]:
    told = SpotTold(
        rank=spot.rank,
        area_m2=spot.area_m2,
        weed_cover=spot.weed_cover,
        weed_count=spot.weed_count,
        photo=spot.digest,
        x=spot.pixel_x,
        y=spot.pixel_y,
    )
    return Spot(Point((spot.lon, spot.lat)), told)


def _meets(gap: GapLike, region: Box) -> bool:
    """Whether the rectangle around a gap meets the box; gaps are short, so that is near enough."""
    (lon, lat), (other_lon, other_lat) = gap.start, gap.end
    return (
        min(lon, other_lon) <= region.east
        and max(lon, other_lon) >= region.west
        and min(lat, other_lat) <= region.north
        and max(lat, other_lat) >= region.south
    )


def _gap(gap: GapLike) -> Line[GapTold]:
    return Line(LineString([gap.start, gap.end]), GapTold(kind="gap", missing=gap.missing))


def _footprint(one: Placement, name: str | None) -> Area[FootprintTold]:
    told = FootprintTold(
        photo=one.digest,
        file=name,
        aligned=one.block is not None,
        block=one.block,
        error_m=round(one.error95_m, 3),
        moved_m=round(one.moved_m, 3) if one.block is not None else None,
        residual_px=round(one.residual_px, 2) if one.residual_px is not None else None,
        ties=one.ties,
        doubts=list(one.doubts),
        why=one.why,
    )
    return Area(polygon(one.footprint), told)


def _hole(hole: Hole) -> Area[HoleTold]:
    return Area(polygon(*hole.rings), HoleTold(area_m2=round(hole.area_m2, 1)))


def plant(one: DetectionLike, verdict: LabelVerdict | None = None) -> Area[Plant]:
    """A plant as a feature, with what people agree on."""
    # 8 decimals of a degree are about a millimetre: outlines of small weeds keep their shape.
    ring = np.round(one.outline, 8).tolist()
    told = Plant(
        id=one.id,
        cover=one.cover,
        score=round(one.score, 3),
        certainty="sure" if one.sure else "unsure",
        area_cm2=round(one.area_cm2, 1),
        position_error_m=round(one.position_error_m, 2),
        photo=one.digest,
        x=round(one.pixel_x),
        y=round(one.pixel_y),
        health=one.health,
        verdict=verdict,
    )
    return Area(Polygon([[*ring, ring[0]]]) if ring else None, told)
