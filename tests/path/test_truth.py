"""The path against what is known: planted weeds are found where they stand, however the work is cut up."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from fieldbox.config import Config
from fieldbox.domain import Cover, Field
from fieldbox.inference.plants import WEED
from fieldbox.mapping.mosaic import MAP_BANDS
from fieldbox.models import load_weeds
from fieldbox.simulate.flight import FlightOptions, exact, fly
from fieldbox.simulate.ortho import over_orthomosaic
from tests.imagery.photos import real_data
from tests.path import potato
from tests.path.box import Box
from tests.path.conftest import Flown, Mapped

Points = NDArray[np.float64]


def plants_of(box: Box, survey: str, cover: Cover, epsg: int) -> Points:
    """[N, 2] east, north of the plants of a survey."""
    with box.store() as store:
        found = store.detections(survey, cover=cover)
    to_ground = Transformer.from_crs(4326, epsg, always_xy=True)
    east, north = to_ground.transform([one.lon for one in found], [one.lat for one in found])
    return np.column_stack([east, north])


def planted(truth: dict[str, Any], cover: Cover) -> Points:
    """[N, 2] east, north of the plants that at least one photo shows."""
    return np.array(
        [(p["east"], p["north"]) for p in truth["plants"] if p["class"] == cover.value and p["visible_in"]]
    )


def detections(box: Box, survey: str) -> list[tuple[Any, ...]]:
    with box.store() as store:
        found = store.detections(survey)
    return sorted((p.cover.value, p.lat, p.lon, p.score, p.area_cm2, p.position_error_m) for p in found)


def doubled_by_photos(box: Box, survey: str, cover: Cover, found: Points) -> float:
    """Share of plants that lie within 6 cm of one that was seen in another photo.

    (What the model itself takes for two plants in one photo says nothing about the path.)
    """
    with box.store() as store:
        photos = np.array([one.digest for one in store.detections(survey, cover=cover)])
    near = np.linalg.norm(found[:, None] - found[None], axis=2) < 0.06
    return float((near & (photos[:, None] != photos[None])).any(axis=1).mean())


def scored(found: Points, weeds: Points) -> potato.Score:
    canvas = potato.Canvas(np.zeros((1, 1, 3), np.uint8), weeds, np.zeros((0, 2)))
    return potato.score(found, canvas, gsd_m=1.0)


# -- a made field ---------------------------------------------------------------------------------


def test_planted_weeds_are_found_once_and_where_they_stand(mapped: Mapped, flown: Flown) -> None:
    box, document = mapped
    survey, truth = document["surveys"][0]["id"], flown[1]
    for cover, least in ((Cover.WEED, 0.7), (Cover.CROP, 0.8)):
        found = plants_of(box, survey, cover, truth["epsg"])
        # Plants beyond the hull of the flight are not of this field.
        score = scored(found, planted(truth, cover))
        assert score.f1 >= least, (cover, score)
        assert doubled_by_photos(box, survey, cover, found) <= 0.02, cover


def test_how_the_work_is_cut_up_changes_nothing(mapped: Mapped, flown: Flown, tmp_path: Path) -> None:
    """Other names, another order, folders, one thread or three: the same survey to the last bit."""
    card = tmp_path / "card"
    photos = sorted(flown[0].glob("*.JPG"))
    random.Random(5).shuffle(photos)  # noqa: S311  no secret
    for number, photo in enumerate(photos):
        folder = card / f"{number % 3}MEDIA"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, folder / f"IMG_{number:03}.jpeg")
    box, document = mapped
    survey = document["surveys"][0]["id"]
    for threads, path in (("1", flown[0]), ("3", card)):
        other = Box(tmp_path / threads).with_settings(worker__threads=threads)
        assert other.mapped(path)["surveys"] == document["surveys"]
        assert detections(other, survey) == detections(box, survey)
        for name in ("map.tif", "mosaic.tif"):
            ours, theirs = (one.root / "rasters" / survey / name for one in (other, box))
            assert ours.read_bytes() == theirs.read_bytes()


def test_half_scale_still_sees_the_field(mapped: Mapped, flown: Flown, tmp_path: Path) -> None:
    box = Box(tmp_path / "half").with_settings(map__photo_reduction="2")
    (survey,) = box.mapped(flown[0])["surveys"]
    full = mapped[1]["surveys"][0]
    assert survey["id"] != full["id"]
    assert survey["area_ha"] == pytest.approx(full["area_ha"], rel=0.01)
    assert survey["gsd_cm"] == full["gsd_cm"]
    if survey["weed_count"] is None:
        assert any("too coarse" in warning for warning in survey["warnings"])
    else:
        assert survey["crop_cover_pct"] == pytest.approx(full["crop_cover_pct"], rel=0.5)


def test_ground_that_no_photo_shows_is_nan(box: Box, flown: Flown) -> None:
    """The field is larger than what was flown: unseen is not zero."""
    folder, truth = flown
    box = box.with_settings(map__cell_m="0.25")
    draw_field(box, "Large", rectangle(truth, 9.0, 7.0))
    (survey,) = box.mapped(folder, "--field", "Large")["surveys"]
    with rasterio.open(box.root / "rasters" / survey["id"] / "map.tif") as raster:
        assert tuple(raster.descriptions) == MAP_BANDS
        bands = dict(zip(MAP_BANDS, raster.read(), strict=True))
    seen = bands["seen"]
    unseen = ~(seen > 0)
    assert unseen.any()
    assert (seen > 0).any()
    for name, band in bands.items():
        if name != "seen":
            assert np.isnan(band[unseen]).all(), name
    assert not np.isnan(bands["weed_cover"][seen > 0.99]).any()
    low, high = survey["unseen_pct_interval95"]
    assert low <= 100 * (1 - np.nansum(seen) * 0.25**2 / 63.0) <= high
    assert 30 < survey["unseen_pct"] < 80
    assert survey["area_ha"] == pytest.approx(63e-4 * (1 - survey["unseen_pct"] / 100), rel=0.001)


def test_a_drawn_boundary_bounds_the_survey(mapped: Mapped, box: Box, flown: Flown) -> None:
    folder, truth = flown
    half = rectangle(truth, 3.0, 2.5)
    field = draw_field(box, "West", half)
    document = box.mapped(folder, "--field", "West")
    (survey,) = document["surveys"]
    assert survey["field"] == "West"
    assert survey["area_ha"] == pytest.approx(half.area / 1e4 * (1 - survey["unseen_pct"] / 100), rel=0.01)
    found = plants_of(box, survey["id"], Cover.WEED, truth["epsg"])
    assert len(found) == survey["weed_count"] > 0
    assert shapely.contains_xy(half.buffer(1e-4), *found.T).all()
    # The plants of it are those that the whole survey has there.
    whole = plants_of(mapped[0], mapped[1]["surveys"][0]["id"], Cover.WEED, truth["epsg"])
    inside = whole[shapely.contains_xy(half, *whole.T)]
    score = scored(found, inside)
    assert score.f1 > 0.9, score
    with box.store() as store:
        assert store.fields() == [field]


def test_a_known_field_is_found_again(box: Box, flown: Flown, tmp_path: Path) -> None:
    photos = sorted(flown[0].glob("*.JPG"))
    days = tmp_path / "one", tmp_path / "two"
    for day, some in zip(days, (photos[::2], photos[1::2]), strict=True):
        day.mkdir()
        for photo in some:
            shutil.copyfile(photo, day / photo.name)
    first = box.mapped(days[0], "--field", "North field")
    second = box.mapped(days[1])
    assert [one["surveys"][0]["field"] for one in (first, second)] == ["North field", "North field"]
    assert first["flight"] != second["flight"]
    with box.store() as store:
        assert [field.name for field in store.fields()] == ["North field"]
        assert len(store.surveys()) == 2


def rectangle(truth: dict[str, Any], wide: float, tall: float) -> shapely.Polygon:
    """Around the middle of a flight; metres east and north."""
    east, north = np.mean([(photo["east"], photo["north"]) for photo in truth["photos"]], axis=0)
    return shapely.box(east - wide / 2, north - tall / 2, east + wide / 2, north + tall / 2)


def draw_field(box: Box, name: str, outline: shapely.Polygon) -> Field:
    back = Transformer.from_crs(32643, 4326, always_xy=True)
    box.root.mkdir()
    with box.store() as store:
        ring = [back.transform(x, y) for x, y in outline.exterior.coords[:-1]]
        return store.add_field(name, ring, drawn=True)


# -- real flights ---------------------------------------------------------------------------------


@pytest.mark.shared
def test_seneca_is_too_coarse_and_not_in_natural_colour(box: Box) -> None:
    said = box.ingest(real_data() / "flights" / "seneca")
    document = said.json
    assert (said.code, len(document["rejected"])) == (3, 1)  # its licence
    assert document["captures"]["accepted"] == 24
    assert document["simulated"] is False
    (survey,) = document["surveys"]
    assert survey["weed_count"] is None
    assert survey["weed_cover_pct"] is None
    assert survey["layer_label"] == "relative"
    text = " ".join(survey["warnings"])
    assert "too coarse" in text
    assert "colour" in text
    assert 2 < survey["gsd_cm"] < 4
    assert survey["area_ha"] > 1


@pytest.mark.shared
def test_brighton_is_mapped_without_weeds(box: Box) -> None:
    said = box.ingest(real_data() / "flights" / "brighton")
    document = said.json
    assert said.code == (3 if document["rejected"] else 0)
    assert document["captures"]["accepted"] == 8
    used = sum(survey["photos_used"] for survey in document["surveys"])
    assert used > 0
    with box.store() as store:
        captures = [
            c for flight in document["flights"] for c in (store.flight(flight) or pytest.fail()).captures
        ]
    assert len(captures) == 8
    assert all(c.pose or c.unplaced for c in captures)
    assert {one["file"] for one in document["unplaced"]} == {c.name for c in captures if c.pose is None}
    for survey in document["surveys"]:
        assert survey["weed_count"] is None
        assert survey["warnings"]


@pytest.mark.shared
@pytest.mark.parametrize(("width", "height", "heading"), [(1280, 960, 0), (960, 720, 0), (1280, 960, 30)])
def test_weeds_of_a_real_field(box: Box, tmp_path: Path, width: int, height: int, heading: float) -> None:
    """Columns 13 and 14 of the potato field, which nothing was tuned on, flown over with exact poses."""
    canvas = potato.paste(real_data() / "weeds" / "potato-uav", [13, 14])
    cv2.imwrite(str(tmp_path / "field.png"), canvas.pixels[..., ::-1])
    options = exact(
        FlightOptions(
            width=width,
            height=height,
            focal_px=10 / potato.GSD_M,
            heading_deg=heading,
            jpeg_quality=95,
            motion_blur=False,
            noise=0,
            vignetting=0,
            exposure_drift=0,
        )
    )
    fly(over_orthomosaic(tmp_path / "field.png", potato.GSD_M), options, tmp_path / "card")
    truth = potato_truth(tmp_path / "card")
    document = box.mapped(tmp_path / "card")
    found = plants_of(box, document["surveys"][0]["id"], Cover.WEED, truth["epsg"])
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    corners = np.column_stack(to_ground.transform(*np.array(truth["extent"]).T))
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    tall, wide = canvas.pixels.shape[:2]
    pixel = (found - middle) / potato.GSD_M * (1, -1) + ((wide - 1) / 2, (tall - 1) / 2)
    score, alone = potato.score(pixel, canvas), seen_at_once(canvas)
    told = f"{width}x{height} heading {heading}: {score}; the model alone, on one picture: {alone}"
    print(told)  # noqa: T201
    crop = document["surveys"][0]["crop_count"]
    print(f"crop plants: {crop} found, {len(canvas.crop)} labelled")  # noqa: T201
    assert crop == pytest.approx(len(canvas.crop), rel=0.06)
    assert score.f1 >= 0.75, score
    assert score.doubled <= 0.02, score
    assert doubled_by_photos(box, document["surveys"][0]["id"], Cover.WEED, found) <= 0.02


def seen_at_once(canvas: potato.Canvas) -> potato.Score:
    """What the model alone sees in the whole field: no photos, no poses, no seams."""
    plants = load_weeds(Config()).look(canvas.pixels, 1000 * potato.GSD_M).plants
    return potato.score(plants.centres[plants.classes == WEED].astype(float), canvas)


def potato_truth(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return document
