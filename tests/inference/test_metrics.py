"""The figures of the cards, on tiles whose right answers are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("scipy")

from fieldbox.inference import metrics
from fieldbox.inference.labelme import Labels
from fieldbox.inference.metrics import Evidence, Looked, evidence_of, measure, overlaps
from fieldbox.inference.plants import CROP, WEED, Plants, Segmentation

SIZE = (640, 640)
GSD = 2.8
One = tuple[int, float, float, float, float]
"""Class, left, top, side, score."""


def square(x: float, y: float, side: float) -> NDArray[np.float32]:
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)


def labels(*plants: tuple[int, float, float, float]) -> Labels:
    classes = np.array([kind for kind, *_ in plants], np.uint8)
    return Labels(classes, tuple(square(*where) for _, *where in plants), SIZE)


def plants(*found: One) -> Plants:
    scores = np.array([score for *_, score in found], np.float32)
    return Plants(
        classes=np.array([kind for kind, *_ in found], np.uint8),
        scores=scores,
        others=scores / 9,
        weed_share=np.array([0.9 if kind == WEED else 0.1 for kind, *_ in found], np.float32),
        sure=scores >= 0.8,
        centres=np.array([(x + s / 2, y + s / 2) for _, x, y, s, _ in found], np.float32).reshape(-1, 2),
        areas_px=np.array([s * s for _, _, _, s, _ in found], np.float32),
        outlines=tuple(square(x, y, s) for _, x, y, s, _ in found),
    )


def looked(*found: One, classes: NDArray[np.uint8] | None = None) -> Looked:
    cells = np.zeros((160, 160), np.uint8) if classes is None else classes
    mine = plants(*found)
    return Looked(Segmentation(cells, np.full_like(cells, 250), mine), mine)


def evidence(truth: Labels, *found: One) -> Evidence:
    return evidence_of(truth, looked(*found), GSD)


def test_overlap_of_outlines() -> None:
    squares = [square(10, 10, 19), square(20, 10, 19), square(300, 300, 9)]
    found = overlaps(squares, squares, SIZE)
    # 20x20 pixels each, borders included; ten columns are shared.
    assert np.allclose(found, [[1, 200 / 600, 0], [200 / 600, 1, 0], [0, 0, 1]])
    assert overlaps([], squares, SIZE).shape == (0, 3)
    assert overlaps(squares, [], SIZE).shape == (3, 0)
    beyond = [square(-30, -30, 39), square(700, 700, 20)]
    assert overlaps(beyond, [square(0, 0, 9)], SIZE).tolist() == [[1.0], [0.0]]


def test_everything_right() -> None:
    truth = labels((CROP, 100, 100, 60), (WEED, 300, 300, 20), (WEED, 400, 300, 20))
    found = [(CROP, 100, 100, 60, 0.95), (WEED, 300, 300, 20, 0.9), (WEED, 400, 300, 20, 0.7)]
    report = measure([evidence(truth, *found)] * 3, rounds=50)
    for kind in ("crop", "weed"):
        of = report.by_class[kind]
        for name in ("ap50", "ap50_95", "precision", "recall", "f1"):
            assert of[name] == pytest.approx((1, 1, 1))
        assert of["count_error"] == (0, 0, 0)
    assert report.labelled == report.reported == {"crop": 3, "weed": 6}
    assert report.overall["sure_share"].value == pytest.approx(2 / 3)
    assert report.overall["sure_precision"].value == 1
    assert report.overall["brier"].value == pytest.approx((0.05**2 + 0.1**2 + 0.3**2) / 3)
    assert report.overall["false_weeds_per_100_m2"].value is None
    assert report.area_m2 == pytest.approx(3 * (640 * 0.0028) ** 2)


def test_average_precision_by_hand() -> None:
    """Right, wrong, right of three labels: precision 1 up to recall 1/3, 2/3 up to 2/3, then none."""
    truth = labels((WEED, 100, 100, 20), (WEED, 200, 100, 20), (WEED, 300, 100, 20))
    found = [(WEED, 100, 100, 20, 0.9), (WEED, 500, 500, 20, 0.8), (WEED, 200, 100, 20, 0.7)]
    report = measure([evidence(truth, *found)], rounds=5)
    # 34 of the recalls 0, 0.01 … are at most 1/3, 33 more at most 2/3.
    assert report.by_class["weed"]["ap50"].value == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)
    assert report.by_class["crop"]["ap50"].value is None
    assert report.by_class["weed"]["recall"].value == pytest.approx(2 / 3)


def test_a_plant_is_taken_once_and_by_the_best_score() -> None:
    truth = labels((WEED, 100, 100, 39))
    one = measure([evidence(truth, (WEED, 100, 100, 39, 0.6), (WEED, 102, 100, 39, 0.9))], rounds=5)
    assert one.by_class["weed"]["ap50"].value == pytest.approx(1)
    # At 0.95 only the exact outline is right, and it comes second: precision 1/2.
    assert one.by_class["weed"]["ap50_95"].value == pytest.approx((9 + 0.5) / 10)
    assert one.by_class["weed"]["precision"].value == pytest.approx(1 / 2)
    assert one.by_class["weed"]["count_error"].value == pytest.approx(1)


def test_scores_are_compared_over_all_tiles() -> None:
    right = evidence(labels((WEED, 100, 100, 20)), (WEED, 100, 100, 20, 0.6))
    wrong = evidence(labels((CROP, 400, 400, 20)), (WEED, 100, 100, 20, 0.9))
    assert measure([right, wrong], rounds=5).by_class["weed"]["ap50"].value == pytest.approx(0.5)
    later = evidence(labels((CROP, 400, 400, 20)), (WEED, 100, 100, 20, 0.5))
    assert measure([right, later], rounds=5).by_class["weed"]["ap50"].value == pytest.approx(1)


def slow_average_precision(tiles: list[tuple[Labels, Plants]], kind: int, at: float) -> float:
    """COCO's definition, told as plainly as can be."""
    found = []
    for truth, seen in tiles:
        taken: set[int] = set()
        mine = [n for n in np.argsort(-seen.scores, kind="stable") if seen.classes[n] == kind]
        for n in mine:
            overlap = overlaps([seen.outlines[n]], truth.outlines, SIZE)[0]
            free = [m for m in range(len(truth)) if truth.classes[m] == kind and m not in taken]
            best = max(free, key=lambda m: overlap[m], default=None)
            hit = best is not None and overlap[best] >= at
            if hit and best is not None:
                taken.add(best)
            found.append((float(seen.scores[n]), hit))
    found.sort(key=lambda pair: -pair[0])
    total = sum(int((truth.classes == kind).sum()) for truth, _ in tiles)
    curve, right = [], 0
    for n, (_, hit) in enumerate(found, start=1):
        right += hit
        curve.append((right / total, right / n))
    return float(
        np.mean([max((p for r, p in curve if r >= want - 1e-9), default=0.0) for want in metrics.RECALLS])
    )


def test_it_is_what_coco_defines() -> None:
    rng = np.random.default_rng(5)
    tiles = []
    for _ in range(12):
        truth = [(int(rng.integers(1, 3)), *rng.uniform(20, 560, 2), rng.uniform(15, 60)) for _ in range(9)]
        found: list[One] = [
            (
                kind if rng.random() < 0.85 else 3 - kind, x + rng.normal(0, 4), y + rng.normal(0, 4),
                side * rng.uniform(0.8, 1.2), round(float(rng.random()), 3),
            )
            for kind, x, y, side in truth
            if rng.random() < 0.9
        ]  # fmt: skip
        tiles.append((labels(*truth), plants(*found)))
    given = []
    for truth, seen in tiles:
        cells = np.zeros((160, 160), np.uint8)
        empty = {"classes": cells, "certainty": cells, "plants": seen}
        given.append(evidence_of(truth, Looked(Segmentation(**empty), seen), GSD))
    report = measure(given, rounds=20)
    for name, kind in metrics.KINDS.items():
        of = report.by_class[name]
        assert of["ap50"].value == pytest.approx(slow_average_precision(tiles, kind, 0.5))
        whole = np.mean([slow_average_precision(tiles, kind, at) for at in metrics.OVERLAPS])
        assert of["ap50_95"].value == pytest.approx(whole)
        assert of["ap50"].low <= of["ap50"].value <= of["ap50"].high
        assert 0 < of["ap50_95"].value < of["ap50"].value < 1
    both = [report.by_class[name]["ap50"].value for name in metrics.KINDS]
    assert report.overall["ap50"].value == pytest.approx(np.mean(both))


def test_a_plant_scored_under_both_classes() -> None:
    """A weed called crop is found late as a weed, with the score that is left for it."""
    truth = labels((WEED, 100, 100, 20), (CROP, 300, 300, 60))
    report = measure([evidence(truth, (CROP, 100, 100, 20, 0.6), (CROP, 300, 300, 60, 0.9))], rounds=5)
    assert report.by_class["weed"]["ap50"].value == 0
    # Second of two as a weed: the true crop plant has more left over for it (0.9 / 9) than this one (0.6 / 9).
    assert report.by_class["weed"]["ap50_twice"].value == pytest.approx(0.5)
    assert report.by_class["crop"]["ap50_twice"].value == pytest.approx(1)


def test_centres_match_one_to_one_within_15_cm() -> None:
    reach = 150 / GSD
    truth = labels((WEED, 100, 100, 20), (WEED, 130, 100, 20))
    near = evidence(truth, (WEED, 115, 100, 20, 0.9), (WEED, 100 - reach * 0.9, 100, 20, 0.8))
    assert near.matched == (0, 2)  # the nearest pair first would leave the other two apart
    far = evidence(truth, (WEED, 130 + reach * 1.05, 100, 20, 0.9))
    assert far.matched == (0, 0)
    other = evidence(truth, (CROP, 100, 100, 20, 0.9))
    assert other.matched == (0, 0)
    assert other.right.tolist() == [False]


def test_false_alarms_count_on_tiles_without_weeds_alone() -> None:
    bare = evidence(labels(), (WEED, 10, 10, 20, 0.9), (CROP, 100, 100, 20, 0.9))
    weedy = evidence(labels((WEED, 10, 10, 20)), (WEED, 400, 400, 20, 0.9))
    report = measure([bare, weedy], rounds=20)
    assert report.overall["false_weeds_per_100_m2"].value == pytest.approx(100 / (640 * 0.0028) ** 2)


def test_cover_ratio() -> None:
    classes = np.zeros((160, 160), np.uint8)
    classes[:40, :40] = CROP
    truth = labels((CROP, 0, 0, 79), (WEED, 20, 20, 19))
    report = measure([evidence_of(truth, looked(classes=classes), GSD)], rounds=5)
    assert report.by_class["crop"]["true_over_seen_cover"].value == pytest.approx((80 * 80 - 400) / 160**2)
    assert report.by_class["weed"]["true_over_seen_cover"].value is None


def test_calibration() -> None:
    rng = np.random.default_rng(2)
    scores = rng.uniform(0, 1, 50_000)
    right = rng.random(50_000) < scores
    assert metrics.calibration_error(scores, right) < 0.01
    assert metrics.calibration_error(scores, rng.random(50_000) < scores / 2) == pytest.approx(0.25, abs=0.02)
    bins = metrics.reliability(scores, right)
    assert [one.findings for one in bins] == [5000] * 10
    assert [one.score for one in bins] == pytest.approx(np.arange(0.05, 1, 0.1), abs=0.01)
    assert np.isnan(metrics.calibration_error(scores[:0], right[:0]))
    assert metrics.calibration_error(np.array([0.8]), np.array([True])) == pytest.approx(0.2)


def test_tiles_without_findings_or_labels() -> None:
    report = measure([evidence(labels())] * 2, rounds=10)
    assert report.overall["ece"].value is None
    assert report.overall["brier"].value is None
    assert report.overall["ap50"].value is None
    assert report.overall["false_weeds_per_100_m2"] == (0, 0, 0)
    assert report.by_class["weed"]["count_error"].value is None
    missed = measure([evidence(labels((WEED, 10, 10, 20)))], rounds=10)
    assert missed.by_class["weed"]["ap50"] == (0, 0, 0)
    assert missed.by_class["weed"]["precision"].value is None
    with pytest.raises(ValueError, match="no tiles"):
        measure([])


def test_intervals_narrow_with_more_tiles() -> None:
    good = evidence(labels((WEED, 100, 100, 20)), (WEED, 100, 100, 20, 0.9))
    bad = evidence(labels((WEED, 100, 100, 20)), (WEED, 500, 500, 20, 0.8))

    def width(times: int) -> float:
        figure = measure([good, bad] * times, rounds=200).by_class["weed"]["f1"]
        assert figure.low is not None
        assert figure.high is not None
        return figure.high - figure.low

    assert width(40) < width(5) / 2
