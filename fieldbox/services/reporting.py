"""Papers of a survey as PDF: the report, and the sheet for a knapsack crew. Pictures come from the box's rasters and photos."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
import shapely
import shapely.geometry
from numpy.typing import NDArray
from PIL import Image
from rasterio import features
from rasterio.enums import Resampling
from rasterio.errors import RasterioError

from fieldbox.dashboard import photos
from fieldbox.dashboard.tiles import environment
from fieldbox.domain import (
    Cover,
    Field,
    Flight,
    FromCorner,
    Hotspot,
    InRows,
    Patch,
    Prescription,
    Spraying,
    Survey,
    Treated,
    Zone,
)
from fieldbox.errors import FieldboxError, Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.i18n import N_
from fieldbox.mapping import pacing
from fieldbox.mapping.geo import easting_northing
from fieldbox.mapping.rows import find_rows
from fieldbox.mapping.walking import Terrain, shortest_walk
from fieldbox.storage.store import Store
from fieldbox.summary.groundmap import Extent, GroundMap, Mark, Ring, Rings
from fieldbox.summary.report import MOST_SPOTS, report
from fieldbox.summary.reportwords import Photo, Surveyed, contents_of
from fieldbox.summary.sheet import MOST_ROWS, sheet
from fieldbox.summary.sheetwords import Ordered, Sprayed, sheet_of
from fieldbox.summary.speech import Speech

MAP_PX, MAP_BYTES = 1500, 380_000
"""Of a page's width at 200 dots an inch; and what the picture may weigh."""
PHOTO_PX, PHOTO_BYTES = (400, 300), 36_000
SHOWN_PX = 560
"""Width of the part of a photo that is shown around a spot."""
_QUALITIES = (82, 74, 64, 52, 40, 28)
OUTLINE_PLACES = 32
"""Along the outline of a zone, that tell which rows it lies across."""
STRAIGHT_DEG = 5.0
"""Standard deviation of the direction of rows up to which they are walked along."""
LEAST_UNSEEN_M2 = 1.0
SEEN = 0.05
"""Cells of which less was seen count as not seen."""


def make_report(
    root: Path,
    store: Store,
    survey: Survey,
    language: str | None,
    *,
    crops: Sequence[str] = (),
    zones: Sequence[Zone] = (),
) -> bytes:
    """The report of a survey: two pages. `crops` that its model learnt, `zones` with weeds to be drawn.

    Raises Rejected for a language that nothing is printed in.
    """
    speech = Speech(language)
    field, flight = _whose(store, survey)
    spots = survey.hotspots[:MOST_SPOTS]
    ground = replace(
        ground_of(root, survey, field, [zone.patch for zone in zones]),
        marks=_marks(epsg_of(root, survey, field), spots),
    )
    told = Surveyed(
        survey=survey,
        field=field,
        flight=flight,
        check=store.checks([flight.id]).get(flight.id),
        crops=tuple(crops),
        photos={one.rank: _photo(root, store, one) for one in spots},
        ground=ground,
    )
    return report(contents_of(told, speech))


def make_sheet(
    root: Path, store: Store, survey: Survey, prescription: Prescription, language: str | None
) -> bytes:
    """The sheet of a knapsack crew for a prescription: one page, or two.

    Raises Rejected for a language that nothing is printed in, and where nothing is to be sprayed.
    """
    speech = Speech(language)
    field, flight = _whose(store, survey)
    if not prescription.treated:
        raise Rejected(N_("Nothing is to be sprayed in {field}, so there is no sheet."), field=field.name)
    epsg = epsg_of(root, survey, field)
    walked = _ground(store, survey, field, epsg)
    places = easting_northing(epsg, [(one.zone.lon, one.zone.lat) for one in prescription.treated])
    groups = pacing.gathered(places, MOST_ROWS)
    middles = places[[group[0] for group in groups]]
    start, corner = pacing.start_of(walked, middles)
    walk = shortest_walk(middles, _terrain(walked, epsg, prescription.spraying), corner)
    groups = [groups[number] for number in walk.order]
    pieces = [
        _around(epsg, places[group], [prescription.treated[one].zone for one in group]) for group in groups
    ]
    stops = tuple(
        _stop([prescription.treated[number] for number in group], place)
        for group, place in zip(groups, pacing.find(walked, pieces), strict=True)
    )
    ground = replace(
        ground_of(root, survey, field, [one.zone.patch for one in prescription.treated]),
        lightened=True,
        kept_off=tuple(rings_on(epsg, one.patch) for one in prescription.spraying.keep_off),
        marks=tuple(
            Mark(one.names[0], *places[group[0]].tolist()) for one, group in zip(stops, groups, strict=True)
        ),
        route=tuple((float(east), float(north)) for east, north in walk.path),
    )
    told = Ordered(
        survey=survey,
        field=field,
        flight=flight,
        prescription=prescription,
        stops=stops,
        start=start,
        pace_m=pacing.PACE_M,
        ground=ground,
    )
    return sheet(sheet_of(told, speech))


def _whose(store: Store, survey: Survey) -> tuple[Field, Flight]:
    field, flight = store.field(survey.field_id), store.flight(survey.flight_id)
    if field is None or flight is None:
        raise Rejected(N_("The field or the flight of this survey is no longer on the box."))
    return field, flight


def _ground(store: Store, survey: Survey, field: Field, epsg: int) -> pacing.Ground:
    """The field as somebody walks it, with the rows that its crop plants stand in."""
    crop = store.detections(survey.id, cover=Cover.CROP)
    plants = easting_northing(epsg, [(one.lon, one.lat) for one in crop]) if crop else np.zeros((0, 2))
    shape = shapely.Polygon(ring_on(epsg, field.boundary)).buffer(0)
    boundary = max(shapely.get_parts(shape), key=lambda one: one.area)
    told = GroundPlane(epsg).line_on_grid(field.row_deg, field.boundary)
    rows = find_rows(plants, direction_deg=told)
    return pacing.Ground(boundary, rows, plants, convergence_of(field, epsg))


def _around(epsg: int, places: NDArray[np.float64], zones: Sequence[Zone]) -> NDArray[np.float64]:
    """[K, 2] a place in the first of some zones, then some along the outlines of all."""
    count = max(8, OUTLINE_PLACES // len(zones))
    share = np.arange(count) / count
    rings = [shapely.LinearRing(ring_on(epsg, zone.patch[0])) for zone in zones]
    spots = [
        shapely.get_coordinates(shapely.line_interpolate_point(one, share, normalized=True)) for one in rings
    ]
    return np.concatenate([places[:1], *spots])


def _terrain(walked: pacing.Ground, epsg: int, spraying: Spraying) -> Terrain:
    """Straight rows are walked along: across them plants are trampled."""
    shapes = [
        shapely.Polygon(outer, openings).buffer(0)
        for outer, *openings in (rings_on(epsg, one.patch) for one in spraying.keep_off)
    ]
    plots = walked.rows.plots if walked.rows else ()
    straight = bool(plots) and plots[0].bend_deg <= STRAIGHT_DEG
    return Terrain(
        walked.boundary,
        shapely.union_all(shapes) if shapes else None,
        plots[0].direction_deg if straight else None,
    )


def _stop(treated: Sequence[Treated], place: InRows | FromCorner) -> Sprayed:
    return Sprayed(
        place=place,
        area_m2=sum(one.zone.area_m2 for one in treated),
        spray_l=sum(one.zone.area_m2 * one.rate_l_ha / 1e4 for one in treated),
        names=tuple(one.zone.name for one in treated),
    )


# -- the map -----------------------------------------------------------------------------------------


def plane_of(field: Field) -> GroundPlane:
    """The grid that a field is drawn on."""
    lon, lat = np.mean(np.asarray(field.boundary, float), axis=0).tolist()
    return GroundPlane.for_point(lat, lon)


def ground_of(root: Path, survey: Survey, field: Field, patches: Sequence[Patch] = ()) -> GroundMap:
    """The map of a survey's field with `patches` outlined, on the grid of its mosaic."""
    folder = root / "rasters" / survey.id
    found = _mosaic(folder / "mosaic.tif")
    epsg = found[2] if found else plane_of(field).epsg
    boundary = ring_on(epsg, field.boundary)
    return GroundMap(
        boundary=boundary,
        picture=found[0] if found else None,
        picture_at=found[1] if found else None,
        zones=tuple(rings_on(epsg, one) for one in patches),
        unseen=_unseen(folder / "map.tif", epsg, boundary, survey),
        north_deg=-convergence_of(field, epsg),
    )


def convergence_of(field: Field, epsg: int) -> float:
    """Azimuth of the grid's north at a field, clockwise from true north."""
    lon, lat = np.mean(np.asarray(field.boundary, float), axis=0).tolist()
    return GroundPlane(epsg).convergence_deg(lat, lon)


def ring_on(epsg: int, ring: Sequence[tuple[float, float]]) -> Ring:
    """(lon, lat) to (east, north)."""
    return tuple((float(east), float(north)) for east, north in easting_northing(epsg, ring))


def rings_on(epsg: int, patch: Patch) -> Rings:
    """The same of a piece of ground."""
    return tuple(ring_on(epsg, ring) for ring in patch)


def epsg_of(root: Path, survey: Survey, field: Field) -> int:
    """The grid that the survey's mosaic is on, or, where that is gone, the field's own."""
    try:
        with environment(), rasterio.open(root / "rasters" / survey.id / "mosaic.tif") as source:
            return int(source.crs.to_epsg())
    except RasterioError:
        return plane_of(field).epsg


def _marks(epsg: int, spots: Sequence[Hotspot]) -> tuple[Mark, ...]:
    if not spots:
        return ()
    places = easting_northing(epsg, [(one.lon, one.lat) for one in spots])
    return tuple(Mark(str(one.rank), float(x), float(y)) for one, (x, y) in zip(spots, places, strict=True))


def _mosaic(path: Path) -> tuple[bytes, Extent, int] | None:
    """The mosaic as a JPEG, white where nothing was seen, where it lies, and its grid; None: it is gone."""
    try:
        with environment(), rasterio.open(path) as source:
            shrink = max(1.0, max(source.shape) / MAP_PX)
            shape = (max(1, round(source.height / shrink)), max(1, round(source.width / shrink)))
            pixels = source.read([1, 2, 3], out_shape=(3, *shape), resampling=Resampling.average)
            mask = source.dataset_mask(out_shape=shape)
            extent, epsg = Extent(*source.bounds), int(source.crs.to_epsg())
    except RasterioError:
        return None
    image = np.where(mask[None] > 0, pixels, 255).astype(np.uint8).transpose(1, 2, 0)
    return _jpeg(Image.fromarray(np.ascontiguousarray(image)), MAP_BYTES), extent, epsg


def _jpeg(image: Image.Image, most: int) -> bytes:
    """As good as it may be at this weight."""
    while True:
        for quality in _QUALITIES:
            out = io.BytesIO()
            image.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= most:
                return out.getvalue()
        image = image.resize(
            (max(1, image.width * 2 // 3), max(1, image.height * 2 // 3)), Image.Resampling.LANCZOS
        )


def _unseen(path: Path, epsg: int, boundary: Ring, survey: Survey) -> tuple[Rings, ...]:
    """Ground of the field that was not seen: by the map, or, where that is gone, what no photo shows."""
    field = shapely.Polygon(boundary).buffer(0)
    told = _bare(path)
    if told is None:
        holes = survey.quality.holes if survey.quality else ()
        return tuple(rings_on(epsg, one) for one in holes)
    bare, transform = told
    # What lies beyond the map was not seen either.
    edge = 2 * abs(transform.a)
    rows, columns = bare.shape
    covered = shapely.box(
        transform.c, transform.f + rows * transform.e, transform.c + columns * transform.a, transform.f
    )
    pieces = [
        shapely.geometry.shape(one)
        for one, _value in features.shapes(bare.astype(np.uint8), bare, transform=transform)
    ]
    whole = shapely.union_all([*pieces, field - covered]) & field
    smooth = whole.buffer(-edge / 4).buffer(edge / 4, join_style="mitre").simplify(edge / 4)
    return tuple(
        _rings(one)
        for one in shapely.get_parts(smooth & field)
        if isinstance(one, shapely.Polygon) and one.area >= LEAST_UNSEEN_M2
    )


def _bare(path: Path) -> tuple[NDArray[np.bool_], rasterio.Affine] | None:
    try:
        with environment(), rasterio.open(path) as source:
            seen = source.read(source.descriptions.index("seen") + 1)
            rows, columns = (
                int(source.tags().get(name, size))
                for name, size in zip(("rows", "columns"), seen.shape, strict=True)
            )
            return np.asarray(~(seen[:rows, :columns] >= SEEN)), source.transform
    except (RasterioError, ValueError):
        return None


def _rings(one: shapely.Polygon) -> Rings:
    return tuple(
        tuple((float(x), float(y)) for x, y in ring.coords[:-1]) for ring in (one.exterior, *one.interiors)
    )


# -- photos ------------------------------------------------------------------------------------------


def _photo(root: Path, store: Store, spot: Hotspot) -> Photo:
    """What the original shows around a spot, the spot ringed."""
    try:
        path = photos.original(root, spot.digest)
        picture = photos.crop(path, photos.Crop(spot.pixel_x, spot.pixel_y, SHOWN_PX))
    except FieldboxError:
        return Photo(None, store.gone_at(spot.digest))
    image = Image.open(io.BytesIO(picture.data))
    return Photo(_jpeg(_four_to_three(image), PHOTO_BYTES))


def _four_to_three(image: Image.Image) -> Image.Image:
    wide = min(image.width, image.height * 4 / 3)
    left, top = (image.width - wide) / 2, (image.height - wide * 3 / 4) / 2
    return image.resize(PHOTO_PX, Image.Resampling.LANCZOS, (left, top, left + wide, top + wide * 3 / 4))
