"""A box with a field whose plants can be checked: a photo with plants drawn in it, and the weeds that a model called."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fieldbox.domain import Camera, Capture, Cover, Detection, Flight, Hotspot, Pose, Survey
from fieldbox.storage.store import Store
from tests.dashboard.demo_box import (
    HEIGHT_M,
    NORTH,
    WEST,
    WIDTH_M,
    lat_lon,
    make_rasters,
    make_survey,
    to_geographic,
)

SIZE = (2000, 1500)
FOCAL_PX, ABOVE_M = 2500.0, 10.0
GSD_M = ABOVE_M / FOCAL_PX
STEP_PX = 150


@dataclass(frozen=True)
class ReviewBox:
    """What `make_review_box` made. `truth` tells of each plant whether it is a weed, by its number."""

    store: Store
    root: Path
    field_id: int
    flight_id: str
    survey_id: str
    photo: str
    truth: dict[int, bool]


def make_review_box(root: Path, *, sure: int = 60, unsure: int = 24) -> ReviewBox:
    """A new store with one flight of one photo that looks north; each third unsure "weed" and each tenth sure one is a stone."""
    root.mkdir(parents=True, exist_ok=True)
    store = Store.open(root / "fieldbox.db")
    digest = hashlib.sha256(b"plants").hexdigest()
    ring = [(0, 0), (WIDTH_M, 0), (WIDTH_M, -HEIGHT_M), (0, -HEIGHT_M)]
    boundary = tuple((lon, lat) for lat, lon in (lat_lon(WEST + x, NORTH + y) for x, y in ring))
    field = store.add_field("North plot", boundary, drawn=False)
    flight = _flight(store, digest, field.id)
    plants, is_weed = make_plants(digest, sure, unsure)
    _photo(root, digest, plants, is_weed)
    survey_id = "sv-review-1"
    survey = _survey(flight, field.id, digest, plants, survey_id)
    store.save_survey(survey, plants, [], plan_key="plan", release_sha="cd" * 32, to_geographic=to_geographic)
    make_rasters(root / "rasters" / survey_id, pretty=True)
    numbers = store.called(survey_id).plants.tolist()
    truth = dict(zip(numbers, is_weed, strict=True))
    return ReviewBox(store, root, field.id, flight.id, survey_id, digest, truth)


def _flight(store: Store, digest: str, field_id: int) -> Flight:
    lat, lon = lat_lon(WEST + 30, NORTH - 20)
    camera = Camera("DJI", "FC6310", *SIZE, FOCAL_PX, (SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2)
    pose = Pose(lat, lon, ABOVE_M, grid_north_deg(), 0.0, 0.0, 1.0, 0.3, 1.0, 0.5)
    start = datetime(2026, 6, 3, 10, 20)
    capture = Capture(digest, "DCIM/DJI_0001.JPG", 1000, start, lat, lon, camera, pose, None)
    ingest = store.begin_ingest("/media/card")
    store.add_capture(capture, ingest_id=ingest)
    store.end_ingest(ingest, 0)
    flight = Flight("fl-review-1", field_id, start, start, (capture,))
    store.save_flight(flight)
    return flight


def grid_north_deg() -> float:
    """Direction of the grid's north at the field, clockwise from true north: the photo's top looks there."""
    (lat0, lon0), (lat1, lon1) = lat_lon(WEST + 30, NORTH - 30), lat_lon(WEST + 30, NORTH - 10)
    return math.degrees(math.atan2((lon1 - lon0) * math.cos(math.radians(lat0)), lat1 - lat0))


def make_plants(digest: str, sure: int, unsure: int) -> tuple[list[Detection], list[bool]]:
    """Plants that the model calls weeds, sure ones first, and whether each is one."""
    rng = np.random.default_rng(4)
    columns = SIZE[0] // STEP_PX
    angle = np.linspace(0, 2 * np.pi, 17)[:-1]
    plants, is_weed = [], []
    for number in range(sure + unsure):
        x = STEP_PX * (number % columns) + 75 + rng.integers(-25, 26)
        y = STEP_PX * (number // columns % (SIZE[1] // STEP_PX)) + 75 + rng.integers(-25, 26)
        radius = rng.uniform(14, 30) * (1 + 0.35 * np.sin(angle * rng.integers(3, 6) + rng.uniform(0, 6)))
        pixels = np.column_stack([x + radius * np.sin(angle), y - radius * np.cos(angle)])
        is_sure = number < sure
        score = 0.82 + 0.17 * rng.random() if is_sure else 0.4 + 0.38 * rng.random()
        east, north = ground(np.array([[x, y]]))[0]
        area = math.pi * float((radius * GSD_M).mean()) ** 2
        outline = ground(pixels)
        plants.append(
            Detection(
                Cover.WEED, float(score), float(east), float(north), outline, area, 2.1, digest,
                float(x), float(y), sure=is_sure,
            )
        )  # fmt: skip
        is_weed.append(number % (10 if is_sure else 3) != 0)
    return plants, is_weed


def ground(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """East and north of pixels of the photo."""
    middle = np.array([(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2])
    return np.array([WEST + 30, NORTH - 20]) + (pixels - middle) * np.array([GSD_M, -GSD_M])


def _photo(root: Path, digest: str, plants: list[Detection], is_weed: list[bool]) -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 10, (SIZE[1], SIZE[0], 1)) + rng.normal(0, 5, (SIZE[1], SIZE[0], 3))
    soil = np.clip(np.array([136, 108, 82]) + noise, 0, 255).astype(np.uint8)
    picture = Image.fromarray(soil).filter(ImageFilter.GaussianBlur(1.2))
    draw = ImageDraw.Draw(picture)
    middle = np.array([(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2])
    for plant, weed in zip(plants, is_weed, strict=True):
        ring = (plant.outline - np.array([WEST + 30, NORTH - 20])) / np.array([GSD_M, -GSD_M]) + middle
        centre = np.array([plant.pixel_x, plant.pixel_y])
        for shrink in (1.0, 0.75, 0.45):
            tone = (
                (70 + 60 * (1 - shrink), 120 + 70 * (1 - shrink), 50)
                if weed
                else (150 + 50 * (1 - shrink),) * 3
            )
            draw.polygon(
                [tuple(centre + (point - centre) * shrink) for point in ring],
                fill=tuple(int(one) for one in tone),
            )
    path = root / "originals" / digest[:2] / f"{digest}.jpg"
    path.parent.mkdir(parents=True)
    picture.filter(ImageFilter.GaussianBlur(0.8)).save(path, quality=92)


def _survey(flight: Flight, field_id: int, digest: str, plants: list[Detection], survey_id: str) -> Survey:
    made = make_survey(flight.id, field_id, digest, plants, known=True)
    east, north = plants[0].east, plants[0].north
    lat, lon = lat_lon(east, north)
    spot = Hotspot(1, east, north, lat, lon, 6.0, 0.3, 9, digest, plants[0].pixel_x, plants[0].pixel_y)
    return replace(
        made,
        id=survey_id,
        hotspots=(spot,),
        made_at=datetime(2026, 6, 3, 11, 0, tzinfo=UTC),
        gsd_cm=100 * GSD_M,
    )
