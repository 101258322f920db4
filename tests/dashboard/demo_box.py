"""A small box with everything on it: one field, two flights, a survey whose truth is known.

The field is 60 m x 40 m near Pune in UTM zone 43N. Its mosaic is red in the west and green in the
east and nothing (not seen) in the south-east corner; with `pretty` it looks like rows of plants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin
from rasterio.warp import transform

from fieldbox.domain import (
    Camera,
    Capture,
    Cover,
    Detection,
    Flight,
    Gap,
    Hotspot,
    Interval,
    LayerLabel,
    MessageKind,
    NotAligned,
    Outgoing,
    Placement,
    PlantHealth,
    Pose,
    Quality,
    Rejection,
    Survey,
    WeedBasis,
)
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from fieldbox.wire.ids import key_of

EPSG = 32643
WEST, NORTH = 378_600.0, 2_048_500.0
WIDTH_M, HEIGHT_M, PIXEL_M, CELL_M = 60, 40, 0.05, 1.0
NASTY = "<script>alert('x')</script>"
RELEASE = "weeds 1.0"
SHA = "ab" * 32
SURVEY = "sv-demo-1"
PHOTO_SIZE = (1200, 900)
SPOT = (300.0, 200.0)
"""The pixel of the photo that the first hotspot points at: blue there, brown elsewhere."""
BANDS = ("seen", "weed_cover", "crop_cover", "weed_density", "unsure", "exg", "gli", "vari", "health_z")


@dataclass(frozen=True)
class DemoBox:
    """What `make_box` made."""

    store: Store
    root: Path
    field_id: int
    flight_id: str
    photo: str
    survey_id: str = SURVEY


def to_geographic(
    east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes of ground points."""
    lon, lat = transform(f"EPSG:{EPSG}", "EPSG:4326", np.ravel(east), np.ravel(north))
    return np.asarray(lat), np.asarray(lon)


def lat_lon(east: float, north: float) -> tuple[float, float]:
    """Of one point."""
    lat, lon = to_geographic(np.array([east]), np.array([north]))
    return float(lat[0]), float(lon[0])


def make_box(root: Path, *, pretty: bool = False, known: bool = True) -> DemoBox:
    """Fill a new store and data folder. `known` False: too coarse for weeds, and made before photos were aligned."""
    store = Store.open(root / "fieldbox.db")
    photo = make_photo(root)
    ring = [
        (WEST, NORTH),
        (WEST + WIDTH_M, NORTH),
        (WEST + WIDTH_M, NORTH - HEIGHT_M),
        (WEST, NORTH - HEIGHT_M),
    ]
    boundary = tuple((lon, lat) for lat, lon in (lat_lon(*corner) for corner in ring))
    field = store.add_field(f"North plot {NASTY}" if not pretty else "North plot", boundary, drawn=False)
    flight = add_flight(store, photo, field.id)
    store.enqueue(flight.id, release_sha=SHA)
    make_rasters(root / "rasters" / SURVEY, pretty=pretty)
    plants = list(make_plants(photo))
    store.save_survey(
        make_survey(flight.id, field.id, photo, plants, known=known),
        plants if known else [],
        [Outgoing(MessageKind.SUMMARY, "{}", key_of("m-1"))],
        plan_key="plan",
        release_sha=SHA,
        to_geographic=to_geographic,
        missing=make_gaps() if known else (),
        placed=make_placements(flight) if known else (),
    )
    return DemoBox(store, root, field.id, flight.id, photo)


def make_photo(root: Path) -> str:
    """A brown photo with a blue square around SPOT; returns its digest."""
    width, height = PHOTO_SIZE
    pixels = np.full((height, width, 3), (120, 90, 60), np.uint8)
    pixels += np.random.default_rng(1).integers(0, 24, pixels.shape, np.uint8)
    x, y = (int(each) for each in SPOT)
    pixels[y - 20 : y + 20, x - 20 : x + 20] = (20, 60, 200)
    digest = hashlib.sha256(b"demo photo").hexdigest()
    path = root / "originals" / digest[:2] / f"{digest}.jpg"
    path.parent.mkdir(parents=True)
    Image.fromarray(pixels).save(path, quality=92)
    return digest


def add_flight(store: Store, photo: str, field_id: int | None) -> Flight:
    """Three photos, one without a pose, and a file that was not taken."""
    start = datetime(2026, 6, 3, 10, 20)
    lat, lon = lat_lon(WEST + 30, NORTH - 20)
    camera = Camera("DJI", "FC6310", *PHOTO_SIZE, 900.0, 600.0, 450.0)
    pose = Pose(lat, lon, 10.0, 90.0, 0.0, 0.0, 1.5, 0.5, 3.0, 1.0)
    unplaced = Sentence("It has no GPS position: switch on the drone's GPS before take-off.")
    digests = [photo, hashlib.sha256(b"two").hexdigest(), hashlib.sha256(b"three").hexdigest()]
    captures = tuple(
        Capture(
            digest=digest,
            name=f"DCIM/DJI_{i:04}.JPG" if i else f"DCIM/{NASTY}.JPG",
            size=1000,
            taken_at=start + timedelta(seconds=2 * i),
            lat=lat,
            lon=lon,
            camera=camera,
            pose=pose if i < 2 else None,
            unplaced=None if i < 2 else unplaced,
        )
        for i, digest in enumerate(digests)
    )
    ingest = store.begin_ingest("/media/card")
    for capture in captures:
        store.add_capture(capture, ingest_id=ingest)
    store.add_rejections(ingest, [Rejection(f"DCIM/{NASTY}.TXT", Sentence("It is no photo."))])
    store.end_ingest(ingest, 0)
    refused = Sentence(
        "Several flights have photos with the names in this list: give it together with its photos."
    )
    later = store.begin_ingest("/media/stick")
    store.add_rejections(later, [Rejection("gcp_list.txt", refused)])
    store.refuse_list(Rejection("gcp_list.txt", refused), [photo], ingest_id=later)
    store.end_ingest(later, 0)
    flight = Flight("fl-demo-1", field_id, start, start + timedelta(minutes=6), captures)
    store.save_flight(flight)
    return flight


def make_plants(photo: str) -> Iterator[Detection]:
    """A grid of weeds 2 m apart in the west third of the field, and three crop plants: two of them poor."""
    rng = np.random.default_rng(2)
    angle = np.linspace(0, 2 * np.pi, 9)[:-1]
    for east in np.arange(WEST + 1, WEST + 20, 2.0):
        for north in np.arange(NORTH - 39, NORTH, 2.0):
            radius = rng.uniform(0.05, 0.12, len(angle))
            outline = np.column_stack([east + radius * np.sin(angle), north + radius * np.cos(angle)])
            yield Detection(Cover.WEED, 0.8, float(east), float(north), outline, 0.02, 2.1, photo, *SPOT)
    for place, verdict in enumerate((PlantHealth.STUNTED, PlantHealth.YELLOWING, PlantHealth.HEALTHY)):
        east, north = WEST + 30.0 + place, NORTH - 20.0
        outline = np.column_stack([east + 0.1 * np.sin(angle), north + 0.1 * np.cos(angle)])
        yield Detection(Cover.CROP, 0.9, east, north, outline, 0.03, 2.1, photo, *SPOT, health=verdict)


def make_gaps() -> list[Gap]:
    """Three gaps in rows that run east: 1, 2 and 3 plants are missing."""
    return [
        Gap((WEST + 30.0, NORTH - 21.0 - i), (WEST + 30.8 + 0.4 * i, NORTH - 21.0 - i), i + 1)
        for i in range(3)
    ]


def make_survey(flight_id: str, field_id: int, photo: str, plants: list[Detection], *, known: bool) -> Survey:
    """Numbers for the field; without weeds if not `known`."""
    spots = []
    for rank, (east, north) in enumerate([(WEST + 8, NORTH - 10), (WEST + 15, NORTH - 30)], 1):
        lat, lon = lat_lon(east, north)
        spots.append(Hotspot(rank, east, north, lat, lon, 12.0, 0.34 / rank, 40 // rank, photo, *SPOT))
    coarse = Sentence(
        "The photos are too coarse for single weeds: fly lower than {height} m.", {"height": 12}
    )
    poor = Sentence(
        "Beside their neighbours {stunted} crop plants look stunted and {yellowing} yellow; {missing} are missing in "
        "the rows. Relative, learnt from painted symptoms: no diagnosis, go and look.",
        {"stunted": 1, "yellowing": 1, "missing": 6},
    )
    return Survey(
        id=SURVEY,
        flight_id=flight_id,
        field_id=field_id,
        release=RELEASE,
        made_at=datetime(2026, 6, 3, 11, 0, tzinfo=UTC),
        area_ha=0.24,
        area_ha_interval95=Interval(0.23, 0.25),
        gsd_cm=0.28,
        gsd_cm_interval95=Interval(0.27, 0.29),
        weed_cover_pct=3.2 if known else None,
        weed_cover_pct_interval95=Interval(2.1, 4.4) if known else None,
        weed_count=sum(one.cover is Cover.WEED for one in plants) if known else None,
        weed_count_interval95=Interval(150, 260) if known else None,
        crop_cover_pct=31.0 if known else None,
        crop_cover_pct_interval95=Interval(28.0, 34.0) if known else None,
        crop_count=1840 if known else None,
        crop_count_interval95=Interval(1700, 1990) if known else None,
        health_index=72.0,
        health_index_interval95=Interval(65, 79),
        unsure_pct=4.0 if known else None,
        unsure_pct_interval95=None,
        unseen_pct=6.0,
        unseen_pct_interval95=None,
        position_error_m=2.1,
        layer_label=LayerLabel.RGB_ONLY,
        warnings=(poor,) if known else (coarse,),
        hotspots=tuple(spots) if known else (),
        photos_used=2,
        photos_unplaced=1,
        crop_missing=6 if known else None,
        weed_basis=WeedBasis.PLANTS if known else None,
        quality=make_quality() if known else None,
    )


def square(east: float, north: float, width_m: float, height_m: float) -> tuple[tuple[float, float], ...]:
    """Ring of (lon, lat) of a rectangle whose top left corner lies so far from that of the field."""
    corners = [(0.0, 0.0), (width_m, 0.0), (width_m, -height_m), (0.0, -height_m)]
    places = (lat_lon(WEST + east + x, NORTH - north + y) for x, y in corners)
    return tuple((lon, lat) for lat, lon in places)


def make_quality() -> Quality:
    """Of a flight of two photos that do not meet, with a hole in the field, and thin ground around its middle."""
    return Quality(
        photos=2,
        aligned=1,
        blocks=1,
        pairs=1,
        residual_px=0.4,
        apart_m=0.06,
        told_error_m=3.7,
        error_m=2.1,
        control_points=3,
        control_error_m=0.021,
        overlap=5.0,
        thin_pct=12.0,
        holes=((square(40, 10, 4, 5),),),
        alignment="ab" * 32,
        bare_pct=0.8,
        thin=((square(0, 0, 60, 40), square(5, 5, 30, 30)), (square(50, 30, 4, 3),)),
    )


def make_placements(flight: Flight) -> list[Placement]:
    """The first photo was put right by the alignment, the second one stays as told."""
    placed = [one for one in flight.captures if one.pose]
    told = [
        (0, 2.1, 1.8, 1.5, 240, ("yaw",), None),
        (None, 4.3, 0.0, None, 0, ("position",), NotAligned.BLURRED),
    ]
    return [
        Placement(
            one.digest, one.pose, block, error, moved, px, ties, doubts, square(2 + 25 * i, 3, 22, 30), why
        )
        for i, (one, (block, error, moved, px, ties, doubts, why)) in enumerate(
            zip(placed, told, strict=True)
        )
        if one.pose
    ]


def make_rasters(folder: Path, *, pretty: bool = False) -> None:
    """mosaic.tif (RGB with an internal mask) and map.tif (float32 bands, NaN where not seen)."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, columns = round(HEIGHT_M / PIXEL_M), round(WIDTH_M / PIXEL_M)
    rgb = _rows_of_plants(rows, columns) if pretty else np.zeros((rows, columns, 3), np.uint8)
    if not pretty:
        rgb[:, : columns // 2] = (200, 30, 30)
        rgb[:, columns // 2 :] = (30, 160, 30)
    mask = np.full((rows, columns), 255, np.uint8)
    mask[rows * 3 // 4 :, columns * 3 // 4 :] = 0
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 3,
        "dtype": "uint8",
        "crs": f"EPSG:{EPSG}",
        "transform": from_origin(WEST, NORTH, PIXEL_M, PIXEL_M),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "jpeg",
        "photometric": "ycbcr",
    }
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(folder / "mosaic.tif", "w", **profile) as out,
    ):
        out.write(rgb.transpose(2, 0, 1))
        out.write_mask(mask)
        out.build_overviews([2, 4, 8])
    _make_map(folder / "map.tif")


def _make_map(path: Path) -> None:
    rows, columns = round(HEIGHT_M / CELL_M), round(WIDTH_M / CELL_M)
    seen = np.ones((rows, columns), np.float32)
    seen[rows * 3 // 4 :, columns * 3 // 4 :] = 0
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    weeds = 0.25 * np.exp(-((x - 8) ** 2 + (y - 10) ** 2) / 60) + 0.12 * np.exp(
        -((x - 15) ** 2 + (y - 30) ** 2) / 20
    )
    layers = {
        "seen": seen,
        "weed_cover": weeds,
        "crop_cover": 0.3 + 0.1 * np.sin(x / 6),
        "weed_density": 80 * weeds,
        "unsure": 0.05 + 0.2 * (np.abs(x - 40) < 2),
        "exg": 0.25 + 0.1 * np.cos(y / 7),
        "gli": 0.1 + 0 * x,
        "vari": 0.1 + 0 * x,
        "health_z": 2.5 * np.sin(x / 9) * np.cos(y / 8),
    }
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=columns,
        height=rows,
        count=len(BANDS),
        dtype="float32",
        crs=f"EPSG:{EPSG}",
        transform=from_origin(WEST, NORTH, CELL_M, CELL_M),
        nodata=float("nan"),
    ) as out:
        out.update_tags(rows=rows, columns=columns, cell_m=CELL_M)
        for band, name in enumerate(BANDS, 1):
            values = layers[name].astype(np.float32)
            out.write(
                values if name == "seen" else np.where(seen > 0, values, np.nan).astype(np.float32), band
            )
            out.set_band_description(band, name)


def _rows_of_plants(rows: int, columns: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * PIXEL_M
    soil = np.array([142, 112, 84], np.float32) + rng.normal(0, 9, (rows, columns, 1)).astype(np.float32)
    patch = 12 * np.sin(x / 7) + 10 * np.cos(y / 9 + x / 15)
    crop = (np.abs((y + 0.1 * np.sin(x)) % 0.75 - 0.375) < 0.15) & (np.sin(x * 2 * np.pi / 0.4) > -0.4)
    weed = rng.random((rows // 4, columns // 4)) < 0.15 * np.exp(
        -((x[::4, ::4] - 8) ** 2 + (y[::4, ::4] - 10) ** 2) / 60
    )
    weed = np.kron(weed, np.ones((4, 4), bool))
    picture = soil + patch[..., None]
    picture[crop] = np.array([74, 118, 52]) + rng.normal(0, 10, (int(crop.sum()), 1))
    picture[weed] = np.array([122, 160, 58]) + rng.normal(0, 10, (int(weed.sum()), 1))
    return np.clip(picture, 0, 255).astype(np.uint8)
