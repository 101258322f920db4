"""Decoding of hand-made maps."""

from __future__ import annotations

import dataclasses
import time

import cv2
import numpy as np
import pytest

from fieldbox.inference.plants import (
    CENTRE,
    CROP,
    QUARTERS,
    WEED,
    WEED_SHARE,
    Decoding,
    Plants,
    cover_levels,
    find_plants,
    segment,
)  # fmt: skip
from tests.inference.garden import STRIDE, Plant, maps_of

GSD_MM = 2.8


def weights(
    *, one: float = 0.0, weed: float = 0.0, size: float = 0.0, scale: float = 0.0
) -> tuple[float, ...]:
    """Of 1 and a plant's features."""
    return (one, 0.0, 0.0, weed, size, scale)


def found(plants: list[Plant], rows: int = 64, columns: int = 64, decoding: Decoding | None = None) -> Plants:
    maps = maps_of(plants, rows, columns)
    return find_plants(maps, decoding or Decoding(), (rows * STRIDE, columns * STRIDE), GSD_MM)


def test_empty_soil_has_no_plants() -> None:
    seen = segment(maps_of([], 40, 56), Decoding(), (160, 224), GSD_MM)
    assert len(seen.plants) == 0
    assert seen.plants.centres.shape == (0, 2)
    assert seen.plants.outlines == ()
    assert not seen.classes.any()
    assert (seen.certainty == 250).all()


def test_a_plant_is_where_it_stands_and_as_large_as_it_is() -> None:
    plants = found([Plant(20, 30, 6, CROP)])
    assert plants.classes.tolist() == [CROP]
    # Cell 20 spans pixels 80 to 83, and the first pixel's centre is at 0.
    assert np.allclose(plants.centres[0], (20 * 4 + 1.5, 30 * 4 + 1.5), atol=0.5)
    assert plants.areas_px[0] == pytest.approx(np.pi * 24**2, rel=0.05)
    assert cv2.contourArea(plants.outlines[0]) == pytest.approx(np.pi * 24**2, rel=0.06)
    assert np.allclose(plants.outlines[0].mean(0), plants.centres[0], atol=1.5)
    assert 0 < plants.scores[0] <= 1


def test_two_touching_plants_come_out_as_two() -> None:
    plants = found([Plant(20, 20, 5), Plant(29, 20, 5)])
    assert sorted(np.round(plants.centres[:, 0] / 4).tolist()) == [20, 29]
    one, other = (cv2.contourArea(outline) for outline in plants.outlines)
    assert one == pytest.approx(other, rel=0.2)


def test_touching_crop_and_weed_keep_their_classes() -> None:
    plants = found([Plant(20, 20, 6, CROP), Plant(29, 20, 4, WEED)])
    assert plants.classes[np.argsort(plants.centres[:, 0])].tolist() == [CROP, WEED]


def test_two_peaks_on_one_ridge_are_one_plant() -> None:
    maps = maps_of([Plant(20, 20, 8)], 64, 64)
    maps[CENTRE, 20, 14:27] = 0.8
    maps[CENTRE, 20, 14] = maps[CENTRE, 20, 26] = 0.85
    assert len(find_plants(maps, Decoding(), (256, 256), GSD_MM)) == 1


def test_leaves_apart_that_point_to_one_centre_are_one_plant() -> None:
    maps = maps_of([Plant(20, 20, 9)], 64, 64)
    maps[QUARTERS, :, 23] = 0.02
    assert len(find_plants(maps, Decoding(), (256, 256), GSD_MM)) == 1


def test_plants_at_the_borders_stay_inside_the_window() -> None:
    corners = [Plant(0, 0, 4), Plant(63, 0, 4), Plant(0, 47, 4), Plant(63, 47, 4)]
    plants = find_plants(maps_of(corners, 48, 64), Decoding(), (190, 254), GSD_MM)
    assert len(plants) == 4
    for outline in plants.outlines:
        assert len(outline) >= 3
        assert outline.min() >= 0
        assert (outline.max(0) <= (253, 189)).all()


def test_unsure_plants_are_left_out() -> None:
    maps = maps_of([Plant(20, 20, 5)], 64, 64)
    maps[WEED_SHARE][maps[WEED_SHARE] > 0.5] = 0.6
    plants = find_plants(maps, Decoding(), (256, 256), GSD_MM)
    assert plants.classes.tolist() == [WEED]
    assert not plants.sure[0]
    assert plants.weed_share[0] == pytest.approx(0.6)
    assert plants.others[0] < plants.scores[0] < 0.6
    assert len(find_plants(maps, Decoding(least=(0.9, 0.9)), (256, 256), GSD_MM)) == 0
    assert find_plants(maps, Decoding(sure=(0.5, 0.5)), (256, 256), GSD_MM).sure[0]


def test_a_score_is_that_of_a_plant_times_that_of_its_class() -> None:
    maps = maps_of([Plant(20, 20, 5, WEED)], 64, 64)
    decoding = Decoding(is_plant=weights(one=2.0), is_weed=weights(weed=1.0))
    plants = find_plants(maps, decoding, (256, 256), GSD_MM)
    real = 1 / (1 + np.exp(-2))
    # The share of weed is 0.88.
    assert plants.scores[0] == pytest.approx(0.88 * real, abs=1e-4)
    assert plants.others[0] == pytest.approx(0.12 * real, abs=1e-4)
    assert plants.weed_share[0] == pytest.approx(0.88, abs=1e-4)
    frowned_at = dataclasses.replace(decoding, is_plant=weights(size=-5.0))
    assert len(find_plants(maps, frowned_at, (256, 256), GSD_MM)) == 0


def test_the_class_of_a_plant_is_the_one_that_its_share_of_weed_says() -> None:
    for share in (0.45, 0.55, 0.8):
        maps = maps_of([Plant(20, 20, 5, WEED)], 64, 64)
        maps[WEED_SHARE][maps[WEED_SHARE] > 0.5] = share
        small_is_weed = Decoding(least=(0, 0), is_weed=weights(one=-0.5, weed=1.0, size=-0.3))
        plants = find_plants(maps, small_is_weed, (256, 256), GSD_MM)
        assert (plants.weed_share[0] > 0.5) == (plants.classes[0] == WEED)
        assert plants.scores[0] >= plants.others[0]


def test_a_plant_larger_than_was_learnt_is_judged_as_the_largest() -> None:
    frowns_at_size = Decoding(is_plant=weights(one=3.0, size=-1.0))
    within = (*Decoding().plant_within[:3], (-3.0, 1.0), (0.0, 0.7))
    huge = [Plant(32, 32, 28, CROP)]
    assert len(found(huge, decoding=frowns_at_size)) == 0
    plants = found(huge, decoding=dataclasses.replace(frowns_at_size, plant_within=within))
    assert plants.scores[0] == pytest.approx(0.88 / (1 + np.exp(-2)), abs=1e-3)


def test_size_is_judged_on_the_ground_not_in_pixels() -> None:
    by_size = Decoding(is_plant=weights(size=1.0), is_weed=weights(one=9.0), least=(0.0, 0.0))
    near = find_plants(maps_of([Plant(20, 20, 8)], 64, 64), by_size, (256, 256), GSD_MM)
    far = find_plants(maps_of([Plant(20, 20, 4)], 64, 64), by_size, (256, 256), 2 * GSD_MM)
    assert near.scores[0] == pytest.approx(far.scores[0], abs=0.02)
    assert near.scores[0] > 0.7


def test_the_scale_of_the_photo_counts() -> None:
    maps = maps_of([Plant(20, 20, 5)], 64, 64)
    by_scale = Decoding(is_plant=weights(scale=1.0), is_weed=weights(one=9.0), least=(0.0, 0.0))
    scores = [find_plants(maps, by_scale, (256, 256), gsd).scores[0] for gsd in (GSD_MM, 2 * GSD_MM)]
    assert scores == pytest.approx([1 / 2, 2 / 3], abs=1e-3)


def test_cover_has_its_own_level_at_each_scale() -> None:
    decoding = Decoding(cover=(0.4, 0.6), cover_coarse=(0.6, 0.2))
    assert cover_levels(decoding, 1.0) == (0.4, 0.6)
    assert cover_levels(decoding, GSD_MM * 2**0.5) == pytest.approx((0.5, 0.4))
    assert cover_levels(decoding, 9.0) == (0.6, 0.2)
    maps = maps_of([Plant(20, 20, 5)], 64, 64)
    maps[QUARTERS] *= 0.5
    fine, coarse = (segment(maps, decoding, (256, 256), gsd).classes for gsd in (GSD_MM, 2 * GSD_MM))
    assert not fine.any()
    assert (coarse == WEED).any()


def test_outlines_follow_quarters_of_cells() -> None:
    maps = maps_of([Plant(20, 20, 4)], 64, 64)
    maps[QUARTERS][:, :, 22:] = 0.02
    maps[0][:, 22][maps[WEED_SHARE][:, 22] > 0.5] = maps[2][:, 22][maps[WEED_SHARE][:, 22] > 0.5] = 0.9
    outline = find_plants(maps, Decoding(), (256, 256), GSD_MM).outlines[0]
    # The left quarters of cell 22 are pixels 88 and 89.
    assert outline[:, 0].max() == pytest.approx(89.5, abs=0.6)


def test_maps_beyond_the_window_are_cut() -> None:
    seen = segment(maps_of([Plant(60, 60, 3), Plant(10, 10, 3)], 64, 64), Decoding(), (201, 130), GSD_MM)
    assert seen.classes.shape == (51, 33)
    assert len(seen.plants) == 1


def test_decoding_is_read_from_metadata() -> None:
    assert Decoding.from_json({"peak": 0.3, "least": [0.2, 0.4]}) == Decoding(peak=0.3, least=(0.2, 0.4))
    for wrong in (
        {"peek": 0.3},
        {"peak": "high"},
        {"least": [0.2]},
        {"least": [0.2, None]},
        {"is_plant": [1.0]},
        {"peak": float("nan")},
        {"weed_within": [[1.0, -1.0]] * 5},
        {"judge": [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]] * 2},
    ):
        with pytest.raises(ValueError, match="decoding"):
            Decoding.from_json(wrong)


def test_a_large_window_full_of_plants_is_decoded_quickly() -> None:
    rng = np.random.default_rng(1)
    plants = [Plant(10 + 20 * (n % 25), 10 + 20 * (n // 25), rng.uniform(2, 8)) for n in range(300)]
    maps = maps_of(plants, 256, 512)
    taken = []
    for _ in range(5):
        begun = time.thread_time()
        assert len(find_plants(maps, Decoding(), (1024, 2048), GSD_MM)) == 300
        taken.append(time.thread_time() - begun)
    # 10 ms on an idle desktop core; the bound leaves room for a busy or slow one.
    assert min(taken) < 0.1
