"""`fieldbox detect`: an image alone is judged as the photos of a flight are."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox import golden
from fieldbox.i18n import Sentence
from fieldbox.imagery import scene as scenes
from fieldbox.inference.plants import Decoding
from fieldbox.inference.weeds import WeedModel
from fieldbox.models import load_scenes
from fieldbox.services.single import find_plants
from tests.imagery.scenes import NO_FIELD
from tests.inference.garden import Plant, maps_of

GSD_MM = 2.8
BESIDE, LARGE = Plant(25.0, 25.0, 5.0), Plant(80.0, 60.0, 9.0)


class Says:
    """In place of a `Session`: sees the same plants in every picture."""

    digest = "0" * 64

    def __init__(self, *plants: Plant) -> None:
        self.plants = list(plants)

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows, columns = images.shape[1] // 4, images.shape[2] // 4
        return maps_of(self.plants, rows, columns)[None]


def that_says(*plants: Plant) -> WeedModel:
    return WeedModel(Says(*plants), release="test@1", gsd_range_mm=(1.0, 5.6), decoding=Decoding())


def on_soil(*green: Plant) -> NDArray[np.uint8]:
    """Bare soil with some green plants, whose places are in cells of 4 pixels."""
    picture = golden.tiles()[2].copy()
    for plant in green:
        middle = round(4 * plant.x), round(4 * plant.y)
        cv2.circle(picture, middle, round(4 * plant.radius), (70, 120, 50), -1)
    return picture


def test_plants_and_their_cover() -> None:
    found = find_plants(on_soil(BESIDE, LARGE), GSD_MM, that_says(BESIDE, LARGE), load_scenes())
    assert found["warnings"] == []
    assert [one["class"] for one in found["detections"]] == ["weed", "weed"]
    ground = np.pi * (BESIDE.radius**2 + LARGE.radius**2) / 112**2
    assert found["weed_cover_pct"] == pytest.approx(100 * ground, rel=0.2)


def test_soil_taken_for_plants_is_no_cover_either() -> None:
    odd_sides = on_soil()[:445, :443]
    found = find_plants(odd_sides, GSD_MM, that_says(BESIDE, LARGE), load_scenes())
    assert (found["warnings"], found["detections"]) == ([], [])
    assert found["weed_cover_pct"] < 0.05
    # Where half of them or more are green, those without are small or pale plants.
    found = find_plants(on_soil(LARGE), GSD_MM, that_says(BESIDE, LARGE), load_scenes())
    assert len(found["detections"]) == 2


@pytest.mark.parametrize(
    ("draw", "why"),
    [(NO_FIELD["lawn"], scenes.CANOPY), (NO_FIELD["car park"], scenes.SENTENCES[scenes.Oddity.STRANGE])],
    ids=["lawn", "car park"],
)
def test_no_plants_are_told_where_none_can_be(
    draw: Callable[[int], NDArray[np.uint8]], why: Sentence
) -> None:
    picture = cv2.resize(draw(3), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    found = find_plants(picture, GSD_MM, that_says(LARGE), load_scenes())
    assert found["warnings"] == [str(why)]
    assert found["detections"] == []
    assert found["weed_cover_pct"] is None
    assert found["crop_cover_pct"] is None


def test_what_is_no_field_in_a_part_of_an_image_is_left_out() -> None:
    field = np.tile(on_soil(), (2, 2, 1))[:640, :640]
    road = cv2.resize(NO_FIELD["car park"](3), (640, 640), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    picture = np.hstack([road, field])
    on_road, on_field = Plant(80.0, 80.0, 9.0), Plant(240.0, 80.0, 9.0)
    cv2.circle(picture, (960, 320), 36, (70, 120, 50), -1)
    found = find_plants(picture, GSD_MM, that_says(on_road, on_field), load_scenes())
    assert found["warnings"] == []
    (plant,) = found["detections"]
    assert np.mean(plant["polygon"], axis=0) == pytest.approx([960, 320], abs=8)
    assert found["weed_cover_pct"] == pytest.approx(100 * np.pi * 9**2 / 160**2, rel=0.2)


@pytest.mark.parametrize("gsd_mm", [0.9, 5.8])
def test_an_image_beyond_the_models_scale_gives_no_number(gsd_mm: float) -> None:
    found = find_plants(on_soil(LARGE), gsd_mm, that_says(LARGE), load_scenes())
    assert found["weed_cover_pct"] is None
    assert f"At {gsd_mm} mm per pixel" in found["warnings"][0]


@pytest.mark.parametrize(("gsd_mm", "looked_at"), [(1.4, 2.8), (2.8, 2.8), (5.0, 5.0)])
def test_the_model_is_told_the_scale_it_looks_at(
    monkeypatch: pytest.MonkeyPatch, gsd_mm: float, looked_at: float
) -> None:
    told: list[float] = []
    look = WeedModel.look

    def recorded(model: WeedModel, window: NDArray[np.uint8], gsd_mm: float) -> object:
        told.append(gsd_mm)
        return look(model, window, gsd_mm)

    monkeypatch.setattr(WeedModel, "look", recorded)
    picture = cv2.resize(on_soil(), None, fx=2, fy=2)
    find_plants(np.asarray(picture, np.uint8), gsd_mm, that_says(), load_scenes())
    assert told == [pytest.approx(looked_at)]
