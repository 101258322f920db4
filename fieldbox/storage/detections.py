"""Single plants, looked up by place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, ScalarSelect, Select, insert, select

from fieldbox.domain import Cover, Detection, PlantHealth
from fieldbox.storage import captures as capture_rows
from fieldbox.storage.rows import Box, StoredDetection
from fieldbox.storage.schema import captures, detection_places, detections, surveys

_SLACK_DEG = 1e-6
"""The R*Tree rounds outwards to float32, except next to zero, where a float32 has no neighbour close enough."""

_POOR = detections.c.health.in_((PlantHealth.STUNTED.value, PlantHealth.YELLOWING.value))

Degrees = NDArray[np.float64]
ToGeographic = Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[Degrees, Degrees]]
"""(east, north) in metres to (lat, lon) in degrees."""


def add(
    connection: Connection, survey_number: int, found: Sequence[Detection], to_geographic: ToGeographic
) -> None:
    """Add the plants of a survey. Their captures must be known (KeyError)."""
    if not found:
        return
    connection.execute(insert(detections), _rows(connection, survey_number, found, to_geographic))
    number = detections.c.survey_number
    lon, lat = detections.c.lon, detections.c.lat
    places = select(detections.c.id, lon, lon, lat, lat, number, number).where(number == survey_number)
    connection.execute(insert(detection_places).from_select(list(detection_places.c.keys()), places))


def in_survey(
    connection: Connection,
    survey_id: str,
    *,
    bbox: Box | None,
    cover: Cover | None,
    poor: bool,
    limit: int | None,
    after: tuple[float, int] | None = None,
) -> list[StoredDetection]:
    """Plants of a survey, the surest first; with `poor` only those that are called so; from the first one beyond the score
    and the id `after`."""
    query = select(detections, captures.c.digest).join(captures, captures.c.id == detections.c.capture_id)
    query = _narrowed(query, survey_id, bbox=bbox, cover=cover)
    if poor:
        query = query.where(_POOR)
    if after is not None:
        score, number = after
        later = (detections.c.score == score) & (detections.c.id > number)
        query = query.where((detections.c.score < score) | later)
    query = query.order_by(detections.c.score.desc(), detections.c.id).limit(limit)
    return [_stored(row) for row in connection.execute(query)]


def weed_points(connection: Connection, survey_id: str) -> NDArray[np.float64]:
    """[N, 4] longitude, latitude, radius in metres of a disc of its area, and 1 if it is sure or 0, of each weed."""
    number = select(surveys.c.number).where(surveys.c.id == survey_id).scalar_subquery()
    column = detections.c
    query = select(column.lon, column.lat, column.area_cm2, column.sure)
    query = query.where(column.survey_number == number, column.cover == Cover.WEED.value).order_by(column.id)
    points = np.array([tuple(row) for row in connection.execute(query)], np.float64).reshape(-1, 4)
    points[:, 2] = np.sqrt(points[:, 2] / (1e4 * np.pi))
    return points


def portion(
    connection: Connection, survey_id: str, *, cover: Cover, poor: bool, after: int, size: int
) -> list[StoredDetection]:
    """At most `size` plants of a survey in the order of their ids, from the first one beyond `after`."""
    query = select(detections, captures.c.digest).join(captures, captures.c.id == detections.c.capture_id)
    query = _narrowed(query, survey_id, bbox=None, cover=cover).where(detections.c.id > after)
    if poor:
        query = query.where(_POOR)
    return [_stored(row) for row in connection.execute(query.order_by(detections.c.id).limit(size))]


def _narrowed(
    query: Select[*tuple[Any, ...]], survey_id: str, *, bbox: Box | None, cover: Cover | None
) -> Select[*tuple[Any, ...]]:
    number = select(surveys.c.number).where(surveys.c.id == survey_id).scalar_subquery()
    query = query.where(detections.c.survey_number == number)
    if cover is not None:
        query = query.where(detections.c.cover == cover.value)
    if bbox is not None:
        query = _inside(query, number, bbox)
    return query


def _inside(query: Select[*tuple[Any, ...]], number: ScalarSelect[int], box: Box) -> Select[*tuple[Any, ...]]:
    west, south, east, north = box
    place = detection_places.c
    near = select(place.id).where(
        place.first_survey <= number,
        place.last_survey >= number,
        place.west <= east + _SLACK_DEG,
        place.east >= west - _SLACK_DEG,
        place.south <= north + _SLACK_DEG,
        place.north >= south - _SLACK_DEG,
    )
    return query.where(
        detections.c.id.in_(near),
        # The R*Tree is coarser than the truth.
        detections.c.lon.between(west, east),
        detections.c.lat.between(south, north),
    )


def _rows(
    connection: Connection, survey_number: int, found: Sequence[Detection], to_geographic: ToGeographic
) -> list[dict[str, Any]]:
    capture_ids = capture_rows.ids(connection, {each.digest for each in found})
    lat, lon = _converted(np.array([(each.east, each.north) for each in found]), to_geographic)
    outlines = _packed_outlines(found, lat, lon, to_geographic)
    return [
        {
            "survey_number": survey_number,
            "cover": each.cover.value,
            "score": float(each.score),
            "lat": float(lat[index]),
            "lon": float(lon[index]),
            "area_cm2": float(each.area_m2) * 1e4,
            "position_error_m": float(each.position_error_m),
            "outline": outlines[index],
            "capture_id": capture_ids[each.digest],
            "pixel_x": float(each.pixel_x),
            "pixel_y": float(each.pixel_y),
            "health": each.health.value if each.health else None,
            "size_z": each.size_z,
            "colour_z": each.colour_z,
            "sure": each.sure,
        }
        for index, each in enumerate(found)
    ]


def _packed_outlines(
    found: Sequence[Detection], lat: Degrees, lon: Degrees, to_geographic: ToGeographic
) -> list[bytes]:
    """All outlines in one conversion, each as little-endian float32 offsets (lon, lat) from its centre."""
    lengths = [len(each.outline) for each in found]
    ring_lat, ring_lon = _converted(np.concatenate([each.outline for each in found]), to_geographic)
    offsets = np.column_stack((ring_lon - np.repeat(lon, lengths), ring_lat - np.repeat(lat, lengths)))
    pieces = np.split(offsets.astype("<f4"), np.cumsum(lengths)[:-1])
    return [piece.tobytes() for piece in pieces]


def _converted(ground: NDArray[np.float64], to_geographic: ToGeographic) -> tuple[Degrees, Degrees]:
    if not len(ground):
        return np.empty(0), np.empty(0)
    return to_geographic(ground[:, 0], ground[:, 1])


def _stored(row: Row[*tuple[Any, ...]]) -> StoredDetection:
    offsets = np.frombuffer(row.outline, "<f4").reshape(-1, 2).astype(np.float64)
    return StoredDetection(
        id=row.id,
        cover=Cover(row.cover),
        score=row.score,
        lat=row.lat,
        lon=row.lon,
        area_cm2=row.area_cm2,
        position_error_m=row.position_error_m,
        outline=offsets + np.array([row.lon, row.lat]),
        digest=row.digest,
        pixel_x=row.pixel_x,
        pixel_y=row.pixel_y,
        health=PlantHealth(row.health) if row.health else None,
        size_z=row.size_z,
        colour_z=row.colour_z,
        sure=row.sure,
    )
