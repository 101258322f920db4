"""Crop plants of a flight get verdicts, z-scores and gaps; weeds are left alone; a person is told what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fieldbox.domain import Cover, Detection, PlantHealth
from fieldbox.errors import Misconfigured
from fieldbox.inference.health import HealthModel
from fieldbox.judging import judge_crop
from fieldbox.mapping.inrows import Weeds
from tests.mapping.plants import plant

MODEL = HealthModel.load(Path(__file__).parents[1] / "models" / "health.onnx")
LEAF = np.array([84.0, 113.0, 62.0])


def stand() -> list[Detection]:
    """12 rows of 30 crop plants, one of each symptom and a hole, and a weed between the rows."""
    rng = np.random.default_rng(2)
    found = []
    for row in range(12):
        for number in range(30):
            if (row, number) == (4, 12):
                continue
            east, north = 0.75 * row + rng.normal(0, 0.02), 0.35 * number + rng.normal(0, 0.02)
            area, colour = 0.03 * np.exp(rng.normal(0, 0.25)), LEAF * np.exp(rng.normal(0, 0.02, 3))
            if (row, number) == (6, 10):
                area *= 0.08
            if (row, number) == (8, 20):
                colour = np.array([150.0, 140.0, 60.0])
            one = plant(east, north, cover=Cover.CROP, area=float(area))
            found.append(replace(one, colour=(float(colour[0]), float(colour[1]), float(colour[2]))))
    return [*found, plant(1.1, 3.0)]


def test_each_symptom_gets_its_verdict() -> None:
    judged = judge_crop(stand(), MODEL, 2.8)
    crop = [one for one in judged.detections if one.cover is Cover.CROP]
    small, yellow = min(crop, key=lambda one: one.area_m2), max(crop, key=lambda one: one.colour[0])
    assert (small.health, yellow.health) == (PlantHealth.STUNTED, PlantHealth.YELLOWING)
    assert small.size_z < -3
    assert yellow.colour_z < -3
    others = [one.health for one in crop if one not in (small, yellow)]
    assert others.count(PlantHealth.HEALTHY) > 0.95 * len(others)
    assert judged.missing == 1
    ((east, north),) = [np.mean([gap.start, gap.end], axis=0) for gap in judged.gaps]
    assert (east - 500_000, north - 2_211_500) == pytest.approx((3.0, 4.2), abs=0.1)


def test_weeds_and_the_order_stay() -> None:
    before = stand()
    after = judge_crop(before, MODEL, 2.8).detections
    assert [(one.east, one.north, one.cover) for one in after] == [
        (one.east, one.north, one.cover) for one in before
    ]
    assert after[-1] == before[-1]


def test_a_person_is_told_that_it_is_relative_and_painted() -> None:
    (said,) = judge_crop(stand(), MODEL, 2.8).warnings
    assert "painted" in str(said)
    assert "no diagnosis" in str(said)
    assert "1 are missing" in str(said)


def test_without_rows_nothing_is_missing_and_that_is_said() -> None:
    rng = np.random.default_rng(3)
    spread = [
        replace(
            plant(*rng.uniform(0, 9, 2), cover=Cover.CROP, area=float(rng.uniform(0.01, 0.05))),
            colour=(84, 113, 62),
        )
        for _ in range(300)
    ]
    judged = judge_crop(spread, MODEL, 2.8)
    assert judged.gaps is None
    assert judged.missing is None
    assert "not known" in str(judged.warnings[0])


def test_photos_too_coarse_for_the_model_make_no_verdicts() -> None:
    judged = judge_crop(stand(), MODEL, 9.0)
    assert all(one.health is None for one in judged.detections)
    assert judged.gaps is None
    assert "not judged" in str(judged.warnings[0])


def test_a_few_plants_are_not_judged() -> None:
    judged = judge_crop(stand()[:10], MODEL, 2.8)
    assert all(one.health is None and one.size_z is None for one in judged.detections)
    assert judged.warnings == ()
    assert judge_crop([], MODEL, 2.8).detections == ()


def test_a_model_for_other_features_is_refused() -> None:
    other = HealthModel(
        MODEL._session, name="x", version="9", features=MODEL.features[::-1], least=(0.5, 0.5), most_z=-1.0,
        gsd_range_mm=(1.0, 5.6),
    )  # fmt: skip
    with pytest.raises(Misconfigured, match="another release"):
        judge_crop(stand(), other, 2.8)


def test_rows_and_what_stands_in_them_are_told() -> None:
    found = judge_crop(stand(), MODEL, 2.8).in_rows
    assert found is not None
    assert found.rows.spacing_m == pytest.approx(0.75, rel=0.01)
    assert found.stand is not None
    assert found.stand.missing == 1
    assert found.weeds == Weeds(in_rows=0, between=1, off_plots=0)


def test_rows_are_told_of_photos_too_coarse_for_verdicts_but_gaps_are_not() -> None:
    found = judge_crop(stand(), MODEL, 9.0).in_rows
    assert found is not None
    assert found.stand is None


def test_a_doubtful_crop_plant_off_the_rows_becomes_a_weed_and_that_is_said() -> None:
    rng = np.random.default_rng(4)
    weeds = [plant(*rng.uniform((0, 0), (8.25, 10.0))) for _ in range(80)]
    doubt = replace(plant(1.875, 5.0, cover=Cover.CROP, score=0.6), sure=False, weed_share=0.35)
    judged = judge_crop([*stand(), *weeds, doubt], MODEL, 2.8)
    assert judged.changed == 1
    assert judged.detections[-1].cover is Cover.WEED
    assert judged.detections[-1].health is None
    (said,) = [one for one in judged.warnings if "off every crop row: 1." in str(one)]
    assert said == judged.warnings[0]
    assert judge_crop(stand(), MODEL, 2.8).changed == 0


def test_rows_run_as_somebody_told() -> None:
    found = [judge_crop(stand(), MODEL, 2.8, told).in_rows for told in (None, 4.0, 90.0)]
    directions = [one.rows.plots[0].direction_deg if one else None for one in found]
    assert directions[0] == pytest.approx(180, abs=1) or directions[0] == pytest.approx(0, abs=1)
    assert directions[1] == directions[0]
    assert directions[2] is None or directions[2] == pytest.approx(90, abs=8)
