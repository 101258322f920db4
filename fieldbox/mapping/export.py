"""Layers of a survey as files that other programs read."""

from __future__ import annotations

import csv
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from fieldbox.domain import Cover, FieldMap, Placement, PlantHealth
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_
from fieldbox.mapping.band import write_cog
from fieldbox.mapping.files import north_up, replacing
from fieldbox.mapping.geo import easting_northing, lon_lat

GAP_WIDTH_M = 0.3
VECTOR_FORMATS = ("geojson", "shp", "kml", "gpkg", "csv")
RASTER_FORMATS = ("cog",)
_POSE_COLUMNS = {
    "height_m": 3,
    "yaw_deg": 4,
    "pitch_deg": 4,
    "roll_deg": 4,
    "error_m": 4,
    "height_error_m": 4,
    "yaw_error_deg": 4,
    "tilt_error_deg": 4,
}
"""What is written of a `Pose`, and with how many decimals."""
_GEOD = Geod(ellps="WGS84")
_NO_XML_NAME = re.compile(r"[^A-Za-z0-9_]|^(?=[^A-Za-z_])")
"""What GDAL would replace, with a warning, in the name of a KML layer."""
_SHAPEFILE_NAMES = {
    "position_error_m": "POS_ERR_M",
    "area_cm2": "AREA_CM2",
    "capture": "CAPTURE",
    "height_error_m": "H_ERR_M",
    "yaw_error_deg": "YAW_ERR",
    "tilt_error_deg": "TILT_ERR",
    "ground_error_m": "GR_ERR_M",
    "residual_px": "RESID_PX",
    "density_low_m2": "DENS_LOW",
    "density_high_m2": "DENS_HIGH",
    "poor_before": "POOR_BEF",
    "rate_l_ha": "RATE_LHA",
    "direction_deg": "DIRECT_DEG",
}
"""Of columns whose own name is longer than the ten characters that the format has."""
_SHAPEFILE_BYTES = 254
"""Of a text."""


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Shapes in longitude and latitude (WGS 84) with named columns of the same length."""

    shapes: Sequence[shapely.Geometry]
    columns: Mapping[str, NDArray[np.generic]]
    kind: str = "Polygon"
    """Of the shapes, as OGC Simple Features names it."""


class ExportedPlant(Protocol):
    """What an export needs of a stored plant; `outline` is [K, 2] lon, lat, an open ring."""

    @property
    def id(self) -> int: ...
    @property
    def cover(self) -> Cover: ...
    @property
    def score(self) -> float: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def area_cm2(self) -> float: ...
    @property
    def position_error_m(self) -> float: ...
    @property
    def outline(self) -> NDArray[np.float64]: ...
    @property
    def digest(self) -> str: ...
    @property
    def sure(self) -> bool: ...


def plant_features(plants: Sequence[ExportedPlant], stands: Sequence[str | None] | None = None) -> Features:
    """The outlines of plants with what is known of each; `lat` and `lon` are its centre.

    `stands` tells where each stands by the crop rows; None where no rows run.
    """
    return Features(
        [oriented(one.outline) for one in plants],
        {
            "id": np.array([one.id for one in plants], np.int64),
            "class": np.array([one.cover.value for one in plants], object),
            "certainty": np.array(["sure" if one.sure else "unsure" for one in plants], object),
            "score": np.array([round(one.score, 4) for one in plants], float),
            "area_cm2": np.array([round(one.area_cm2, 1) for one in plants], float),
            "position_error_m": np.array([round(one.position_error_m, 3) for one in plants], float),
            "capture": np.array([one.digest[:16] for one in plants], object),
            "lat": np.array([round(one.lat, 9) for one in plants], float),
            "lon": np.array([round(one.lon, 9) for one in plants], float),
            "row": words(stands if stands is not None else [None] * len(plants)),
        },
    )


class ExportedCropPlant(ExportedPlant, Protocol):
    """What is known of crop plants beyond that."""

    @property
    def health(self) -> PlantHealth | None: ...
    @property
    def size_z(self) -> float | None: ...
    @property
    def colour_z(self) -> float | None: ...


class ExportedGap(Protocol):
    """What an export needs of a stored gap; its ends are lon, lat."""

    @property
    def start(self) -> tuple[float, float]: ...
    @property
    def end(self) -> tuple[float, float]: ...
    @property
    def missing(self) -> int: ...


def crop_features(
    plants: Sequence[ExportedCropPlant], stands: Sequence[str | None] | None = None
) -> Features:
    """As `plant_features`, with how each compares with its neighbours: relative, null where not judged."""
    plain = plant_features(plants, stands)
    told = {
        "health": np.array([one.health.value if one.health else None for one in plants], object),
        "size_z": np.array([or_nan(one.size_z) for one in plants], float),
        "colour_z": np.array([or_nan(one.colour_z) for one in plants], float),
    }
    return Features(plain.shapes, {**plain.columns, **told})


def gap_features(gaps: Sequence[ExportedGap], epsg: int) -> Features:
    """Strips of the crop rows where plants are missing, GAP_WIDTH_M wide, from plant to plant."""
    ends = np.array([(*one.start, *one.end) for one in gaps], float).reshape(-1, 4)
    ground = easting_northing(epsg, ends.reshape(-1, 2)).reshape(-1, 2, 2)
    lines = shapely.linestrings(ground) if len(ground) else np.zeros(0, object)
    strips = shapely.buffer(lines, GAP_WIDTH_M / 2, cap_style="flat")
    return Features(
        _polygons([np.asarray(strip.exterior.coords)[:-1] for strip in strips], epsg),
        {
            "id": np.arange(1, len(gaps) + 1, dtype=np.int32),
            "class": np.array(["missing"] * len(gaps), object),
            "missing": np.array([one.missing for one in gaps], np.int32),
            "length_m": np.array([round(float(line.length), 2) for line in lines], float),
        },
    )


def or_nan(value: float | None) -> float:
    """What is not known as exports want it."""
    return math.nan if value is None else value


@dataclass(frozen=True, slots=True)
class PhotoPlace:
    """A photo of a survey, and where it stands."""

    file: str
    width: int
    """Pixels."""
    height: int
    placement: Placement


def footprint_features(photos: Sequence[PhotoPlace]) -> Features:
    """The ground that each photo shows, of those that show any.

    `error_m` is the 95 % radius of a place in the middle of the photo, `gsd_cm` the mean side of a pixel on the ground.
    """
    shown = [one for one in _by_name(photos) if len(one.placement.footprint) >= 3]
    shapes = [oriented(np.asarray(one.placement.footprint)) for one in shown]
    areas = [abs(_GEOD.geometry_area_perimeter(shape)[0]) for shape in shapes]
    pixels = [one.width * one.height for one in shown]
    return Features(
        shapes,
        {
            "id": np.arange(1, len(shown) + 1, dtype=np.int32),
            "file": words(one.file for one in shown),
            "error_m": rounded((one.placement.error95_m for one in shown), 3),
            "aligned": _aligned(shown),
            "gsd_cm": rounded(
                (100 * math.sqrt(area / count) for area, count in zip(areas, pixels, strict=True)), 3
            ),
            "area_m2": rounded(areas, 2),
        },
    )


def pose_features(photos: Sequence[PhotoPlace]) -> Features:
    """Where each camera was and how it was turned (see `Pose` for the conventions).

    The columns begin as programs for photogrammetry want them: file, latitude, longitude, height, yaw, pitch, roll, and
    the errors of each (one standard deviation). `ground_error_m` is the 95 % radius of a place in the middle of the
    photo; what belongs to the alignment is null where a photo is not aligned.
    """
    shown = _by_name(photos)
    poses = [one.placement.pose for one in shown]
    placed = [one.placement for one in shown]
    return Features(
        [shapely.Point(pose.lon, pose.lat) for pose in poses],
        {
            "file": words(one.file for one in shown),
            "lat": rounded((pose.lat for pose in poses), 9),
            "lon": rounded((pose.lon for pose in poses), 9),
            **{
                name: rounded((getattr(pose, name) for pose in poses), digits)
                for name, digits in _POSE_COLUMNS.items()
            },
            "ground_error_m": rounded((one.error95_m for one in placed), 3),
            "aligned": _aligned(shown),
            "moved_m": rounded((one.moved_m if one.block is not None else math.nan for one in placed), 3),
            "residual_px": rounded((or_nan(one.residual_px) for one in placed), 3),
            "ties": np.array([one.ties for one in placed], np.int32),
            "doubts": words(" + ".join(one.doubts) for one in placed),
        },
        "Point",
    )


def _by_name(photos: Sequence[PhotoPlace]) -> list[PhotoPlace]:
    return sorted(photos, key=lambda one: (one.file, one.placement.digest))


def words(values: Iterable[str | None]) -> NDArray[np.object_]:
    """A column of text."""
    return np.array(list(values), object)


def rounded(values: Iterable[float], digits: int) -> NDArray[np.float64]:
    """A column of numbers with so many decimals."""
    return np.round(np.array(list(values), float), digits)


def _aligned(photos: Sequence[PhotoPlace]) -> NDArray[np.bool_]:
    return np.array([one.placement.block is not None for one in photos], np.bool_)


def export_vector(features: Features, path: Path, fmt: str) -> None:
    """Write features as geojson, shp (a path ending in .zip: all its files, flat), kml, gpkg or csv.

    Raises Rejected for a format that vectors cannot have.
    """
    writers: dict[str, Callable[[Features, Path], None]] = {
        "geojson": _write_geojson,
        "shp": _write_shapefile,
        "kml": _write_kml,
        "gpkg": _write_gpkg,
        "csv": _write_csv,
    }
    if fmt not in writers:
        _no_format(fmt, VECTOR_FORMATS)
    try:
        writers[fmt](features, path)
    except pyogrio.errors.DataSourceError as error:
        raise Misconfigured(
            N_("{name} cannot be written: {reason}."), name=path.name, reason=str(error)
        ) from None


def export_raster(grid: FieldMap, layer: str, path: Path, fmt: str = "cog") -> None:
    """Write the health layer (robust z-scores, float32, NaN where not judged) as a GeoTIFF for the web.

    Raises Rejected for a layer or a format that is not to be had.
    """
    if layer != "health":
        raise Rejected(N_("The layer {layer} is not a raster; choose a vector format."), layer=layer)
    if fmt not in RASTER_FORMATS:
        _no_format(fmt, RASTER_FORMATS)
    write_cog(grid.health_z, "health_z", grid.epsg, north_up(grid.west, grid.north, grid.cell_m), path)


def _no_format(fmt: str, known: Sequence[str]) -> NoReturn:
    raise Rejected(
        N_("This layer cannot be written as {format}; choose one of {known}."),
        format=fmt,
        known=", ".join(known),
    )


def oriented(ring: ArrayLike, openings: Sequence[ArrayLike] = ()) -> shapely.Polygon:
    """Counter-clockwise, its openings clockwise, as GeoJSON (RFC 7946) wants it."""
    return shapely.geometry.polygon.orient(shapely.Polygon(ring, openings))


def _polygons(rings: Sequence[NDArray[np.float64]], epsg: int) -> list[shapely.Polygon]:
    if not rings:
        return []
    degrees = lon_lat(epsg, np.concatenate(rings))
    parts = np.split(degrees, np.cumsum([len(ring) for ring in rings])[:-1])
    return [oriented(part) for part in parts]


def _write(
    features: Features,
    path: Path,
    driver: str,
    columns: Mapping[str, NDArray[np.generic]],
    *,
    layer: str | None = None,
) -> None:
    unknown = {
        name: np.isnan(values) for name, values in columns.items() if values.dtype.kind == "f"
    }  # not a number is no value that other programs read
    options = {"RFC7946": "YES", "COORDINATE_PRECISION": "10"} if driver == "GeoJSON" else {}
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array(features.shapes, object)),
        field_data=list(columns.values()),
        field_mask=[unknown.get(name) for name in columns],
        fields=np.array(list(columns), object),
        geometry_type=features.kind,
        crs="EPSG:4326",
        driver=driver,
        layer=layer or path.stem,
        **options,
    )


def _write_geojson(features: Features, path: Path) -> None:
    with replacing(path) as target:
        _write(features, target, "GeoJSON", features.columns)


def _write_gpkg(features: Features, path: Path) -> None:
    with replacing(path) as target:
        _write(features, target, "GPKG", features.columns)


def _write_kml(features: Features, path: Path) -> None:
    # What is called Name is written beside each shape on a globe.
    named = {"Name": features.columns["file"]} if "file" in features.columns else {}
    with replacing(path) as target:
        _write(features, target, "KML", {**named, **features.columns}, layer=_NO_XML_NAME.sub("_", path.stem))


def _write_shapefile(features: Features, path: Path) -> None:
    short = {
        _SHAPEFILE_NAMES.get(name, name.upper()): _cut(values) if values.dtype.kind == "O" else values
        for name, values in features.columns.items()
    }
    with replacing(path) as target:
        if path.suffix.lower() != ".zip":
            _write(features, target.with_suffix(".shp"), "ESRI Shapefile", short)
            return
        _write(features, target.with_suffix(".shp"), "ESRI Shapefile", short)
        parts = sorted(target.parent.iterdir())
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in parts:
                archive.write(part, part.name)
        for part in parts:
            part.unlink()


def _cut(texts: NDArray[np.generic]) -> NDArray[np.generic]:
    """To the bytes that a Shapefile's table has for a text."""
    return words(
        text if text is None else text.encode()[:_SHAPEFILE_BYTES].decode(errors="ignore")
        for text in texts.tolist()
    )


def _write_csv(features: Features, path: Path) -> None:
    with replacing(path) as target, target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        middles = [] if "lat" in features.columns else ["lat", "lon"]
        writer.writerow([*features.columns, *middles])
        values = [column.tolist() for column in features.columns.values()]
        for row, shape in zip(zip(*values, strict=True), features.shapes, strict=True):
            middle = shape.centroid
            place = [f"{middle.y:.8f}", f"{middle.x:.8f}"] if middles else []
            writer.writerow([*(_in_csv(one) for one in row), *place])


def _in_csv(value: object) -> object:
    """As spreadsheets and other programs read it; what is not known is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or value != value else value  # noqa: PLR0124  NaN
