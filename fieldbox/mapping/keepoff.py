"""Ground that is never to be treated, from a map file: water, houses, hives, wells.

Any vector file that GDAL reads (GeoJSON, KML, GeoPackage, Shapefile). Areas are kept off as they are, lines and points as what
lies within half a metre of them; to each comes a strip.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from fieldbox.domain import KeepOff, Patch
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.mapping.geo import LocalPlane

WIDE_M = 0.5
"""Half the width of a line, and the radius of a point."""
MOST = 1000
"""Pieces in one file, and corners in each."""
FAR_M = 5000.0
"""Pieces farther from the field than this are not of it."""
_NAMES, _STRIPS = ("name", "Name", "NAME"), ("strip_m", "STRIP_M")


def read_keep_off(
    path: Path, field: shapely.Geometry, plane: LocalPlane, strip_m: float
) -> tuple[KeepOff, ...]:
    """The pieces in a file, each with its `name` and `strip_m` where these are among its attributes.

    `field`: east, north on the `plane`. Raises Rejected for what is no such file, or lies elsewhere.
    """
    shapes, columns = _read(path)
    ground = [_ground(one, plane) for one in shapes]
    lost = sum(
        one is None
        for one, shape in zip(ground, shapes, strict=True)
        if shape is not None and not shape.is_empty
    )
    if 0 < lost < len(shapes):  # what should be protected must not get lost among the others
        raise Rejected(
            N_("In {file} {count} pieces lie at no place on Earth: mend them or take them out."),
            file=path.name,
            count=lost,
        )
    near = [one for one in ground if one is not None and one.distance(field) <= FAR_M]
    if not near:
        raise Rejected(
            N_(
                "Nothing in {file} lies near the field: it should hold areas, lines or points in longitude and latitude, or "
                "name its coordinate system."
            ),
            file=path.name,
        )
    names, strips = _column(columns, _NAMES), _column(columns, _STRIPS)
    return tuple(
        KeepOff(_name(names, number, path), _patch(part, plane), _strip(strips, number, strip_m))
        for number, one in enumerate(ground)
        if one is not None and one.distance(field) <= FAR_M
        for part in shapely.get_parts(one)
    )


Columns = dict[str, NDArray[np.generic]]


def _read(path: Path) -> tuple[NDArray[np.object_], Columns]:
    """Shapes in degrees, and their attributes."""
    try:
        told, _ids, geometry, values = pyogrio.raw.read(path, max_features=MOST + 1)
        with np.errstate(invalid="ignore"):
            shapes = shapely.from_wkb(geometry)
        if told["crs"] and not _in_degrees(told["crs"]):
            shapes = _as_degrees(shapes, told["crs"])
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        shapely.errors.ShapelyError,
        ValueError,
    ) as error:
        raise Rejected(
            N_("{file} cannot be read as a map: give a GeoJSON, KML, GeoPackage or Shapefile."),
            file=path.name,
        ) from error
    if len(shapes) > MOST or shapely.get_num_coordinates(shapes).max(initial=0) > MOST:
        raise Rejected(
            N_("{file} holds more than {most} pieces or corners: leave out what is not near the field."),
            file=path.name,
            most=MOST,
        )
    return shapes, dict(zip(told["fields"].tolist(), values, strict=True))


def _in_degrees(system: str) -> bool:
    return system.upper() in {"EPSG:4326", "OGC:CRS84"}


def _as_degrees(shapes: NDArray[np.object_], system: str) -> NDArray[np.object_]:
    turn = Transformer.from_crs(CRS.from_user_input(system), 4326, always_xy=True)
    return np.asarray(
        shapely.transform(shapes, lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1]))), object
    )


def _ground(shape: shapely.Geometry | None, plane: LocalPlane) -> shapely.Geometry | None:
    """East, north; None for nothing, and for what is no place."""
    if shape is None or shape.is_empty:
        return None
    places = shapely.get_coordinates(shape)
    if not (np.isfinite(places).all() and (np.abs(places) <= (180, 84)).all()):
        return None
    ground = shapely.transform(shapely.force_2d(shape), plane.to_ground)
    if not np.isfinite(shapely.get_coordinates(ground)).all():
        return None
    wide = shapely.make_valid(ground)
    return wide if wide.geom_type in {"Polygon", "MultiPolygon"} else wide.buffer(WIDE_M)


def _patch(part: shapely.Polygon, plane: LocalPlane) -> Patch:
    return tuple(
        tuple((lon, lat) for lon, lat in np.round(plane.to_degrees(np.asarray(ring.coords)[:-1]), 8).tolist())
        for ring in (part.exterior, *part.interiors)
    )


def _column(columns: Columns, names: tuple[str, ...]) -> NDArray[np.generic] | None:
    return next((columns[name] for name in names if name in columns), None)


def _name(names: NDArray[np.generic] | None, number: int, path: Path) -> str:
    told = None if names is None else names[number]
    return str(told)[:80] if isinstance(told, str) and told.strip() else path.stem


def _strip(strips: NDArray[np.generic] | None, number: int, usual: float) -> float:
    try:
        told = usual if strips is None else float(strips[number])
    except (TypeError, ValueError):
        return usual
    return told if 0 <= told <= FAR_M else usual
