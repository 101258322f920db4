"""Scenes that the model was not trained for."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from fieldbox.errors import Misconfigured
from fieldbox.imagery.scene import (
    BLOCK_PX,
    COARSER,
    KnownScenes,
    Oddity,
    closed_canopy,
    describe,
    judge_flight,
    judge_picture,
)
from fieldbox.models import load_scenes, models_folder
from fieldbox.simulate.field import SOILS, FieldOptions, grow_field
from tests.imagery.photos import real_data
from tests.imagery.scenes import NO_FIELD, Picture


@pytest.fixture(scope="module")
def known() -> KnownScenes:
    return load_scenes()


def field(**options: object) -> Picture:
    """A made field at the scale at which scenes are judged."""
    canvas = grow_field(FieldOptions(size_m=(4.0, 4.0), margin_m=0.5, **options)).canvas  # type: ignore[arg-type]
    size = (canvas.shape[1] // COARSER, canvas.shape[0] // COARSER)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("soil", SOILS)
@pytest.mark.parametrize("emergence", [0.9, 0.0])
def test_made_fields_and_bare_soil_are_known(known: KnownScenes, soil: str, emergence: float) -> None:
    picture = field(soil=soil, emergence=emergence, weeds_per_m2=2.0 if emergence else 0.0, seed=77)
    assert judge_flight([judge_picture(picture, known)]) is None


def test_what_lies_beyond_a_cut_out_is_not_held_against_it(known: KnownScenes) -> None:
    picture = field(seed=5)
    picture[:, picture.shape[1] // 3 :] = 0
    judged = judge_picture(picture, known)
    assert judge_flight([judged]) is None
    assert not judged.strange(picture.shape[:2]).any()
    assert judge_flight([judge_picture(np.zeros_like(picture), known)]) is Oddity.BLANK


@pytest.mark.parametrize("name", ["car park", "roofs", "water", "trees"])
def test_what_is_no_field_is_strange(known: KnownScenes, name: str) -> None:
    flights = [judge_flight([judge_picture(NO_FIELD[name](seed), known)]) for seed in range(3)]
    assert None not in flights


@pytest.mark.parametrize(
    ("light", "blur", "why"), [(0.1, 0, Oddity.DARK), (4.0, 0, Oddity.BURNT), (1.0, 1, Oddity.BLURRED)]
)
def test_photos_that_show_nothing(known: KnownScenes, light: float, blur: float, why: Oddity) -> None:
    picture = np.clip(field(seed=5) * light, 0, 255).astype(np.uint8)
    if blur:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
    assert judge_flight([judge_picture(picture, known)]) is why


def test_grass_is_a_closed_canopy_and_rows_of_plants_are_not() -> None:
    assert closed_canopy([NO_FIELD["lawn"](seed) for seed in range(3)])
    assert not closed_canopy([field(seed=5), field(seed=6, crop_diameter_m=0.4)])
    assert not closed_canopy([])


def test_only_the_strange_part_of_a_picture_is_left_out(known: KnownScenes) -> None:
    half = field(seed=5)[:320, :320]
    picture = np.concatenate([half, NO_FIELD["car park"](1)[: half.shape[0]]], axis=1)
    judged = judge_picture(picture, known)
    strange = judged.strange(picture.shape[:2])
    assert not strange[:, :320].any()
    assert strange[:, 330:].mean() > 0.7
    assert len(judged.blocks) == (picture.shape[0] // BLOCK_PX) * (picture.shape[1] // BLOCK_PX)


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (40, 7)])
def test_small_pictures_are_judged_too(known: KnownScenes, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 120, np.uint8)
    assert np.isfinite(describe(picture)).all()
    assert judge_picture(picture, known).strange(shape).shape == shape


def test_no_pictures_no_verdict() -> None:
    assert judge_flight([]) is None


@pytest.mark.parametrize("change", [{"statistics": ["other"]}, {"spread": [0.0]}, {"blocks": 5}])
def test_damaged_description_is_refused(change: dict[str, object]) -> None:
    stored = json.loads((models_folder() / "scene.json").read_text("utf-8"))
    with pytest.raises(Misconfigured):
        KnownScenes.from_json(json.dumps(stored | change))
    with pytest.raises(Misconfigured):
        KnownScenes.from_json("{")


@pytest.mark.shared
def test_real_fields_that_were_not_trained_on_are_known(known: KnownScenes) -> None:
    """Columns 13 and 14 of the potato field, and cauliflower `validation`."""
    folder = real_data() / "weeds"
    tiles = [folder / "potato-uav" / f"tile_{x}_{y}.jpg" for x in (13, 14) for y in range(0, 10, 3)]
    photos = sorted((folder / "cauliflower" / "validation").iterdir())[::6]
    flagged = 0
    for path in (*tiles, *photos):
        picture = cv2.imread(str(path))[..., ::-1]
        size = (BLOCK_PX * picture.shape[1] // picture.shape[0], BLOCK_PX)
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        flagged += judge_flight([judge_picture(small, known)]) is not None
    assert flagged == 0
