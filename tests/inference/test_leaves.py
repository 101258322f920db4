"""The leaf model: the rule that makes a verdict, what the network is shown, and the shipped file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fieldbox.errors import Misconfigured
from fieldbox.inference.leaves import LEAVES, Leaf, LeafModel, Rule, fitted, verdict_of
from fieldbox.inference.runtime import Session

ROOT = Path(__file__).parents[2]
FILE = ROOT / "models" / "leaves.onnx"
DATA = Path(os.environ.get("FIELDBOX_REAL_DATA", ROOT.parent / "shared" / "data")) / "leaves" / "beans"
RULE = Rule(temperature=1.0, not_a_leaf=0.5, leaf=0.1, sure=0.7)


def logits(*shares: float) -> NDArray[np.float32]:
    """Logits whose softmax these shares are."""
    return np.log(np.array(shares, np.float32) + 1e-9)


def test_a_clear_answer_is_sure() -> None:
    verdict = verdict_of(logits(0.02, 0.95, 0.02, 0.01), RULE)
    assert (verdict.found, verdict.sure, verdict.not_a_leaf) == (Leaf.RUST, True, False)
    assert sum(verdict.probabilities.values()) == pytest.approx(1)
    assert verdict.probabilities[Leaf.RUST] == pytest.approx(0.95 / 0.99, abs=1e-6)
    assert verdict.no_leaf == pytest.approx(0.01, abs=1e-6)


def test_two_likely_classes_are_unsure() -> None:
    verdict = verdict_of(logits(0.02, 0.52, 0.45, 0.01), RULE)
    assert (verdict.found, verdict.likeliest, verdict.not_a_leaf) == (None, Leaf.RUST, False)


def test_no_leaf_is_said_only_when_it_is_likely() -> None:
    assert verdict_of(logits(0.02, 0.02, 0.02, 0.94), RULE).not_a_leaf
    doubtful = verdict_of(logits(0.69, 0.005, 0.005, 0.3), RULE)
    assert (doubtful.found, doubtful.not_a_leaf) == (None, False)
    assert doubtful.probabilities[Leaf.HEALTHY] > RULE.sure


def test_a_higher_temperature_is_less_sure() -> None:
    given = logits(0.05, 0.90, 0.04, 0.01)
    warm = Rule(temperature=3.0, not_a_leaf=0.9, leaf=0.9, sure=0.7)
    assert verdict_of(given, RULE).sure
    assert not verdict_of(given, warm).sure


def test_a_shift_leans_towards_a_class() -> None:
    given = logits(0.02, 0.50, 0.47, 0.01)
    leaning = Rule(temperature=1.0, not_a_leaf=0.5, leaf=0.1, sure=0.7, shift=(0.0, 0.0, 2.0))
    assert verdict_of(given, RULE).likeliest is Leaf.RUST
    assert verdict_of(given, leaning).found is Leaf.ANGULAR_LEAF_SPOT


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"temperature": 1},
        {"temperature": 1, "not_a_leaf": 0.5, "leaf": 0.1, "sure": 0.7, "shift": [0, 0]},
    ],
)
def test_an_incomplete_rule_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Rule.from_json(stored)


def test_enormous_logits_do_not_overflow() -> None:
    verdict = verdict_of(np.array([4000, -4000, 0, 0], np.float32), RULE)
    assert verdict.found is Leaf.HEALTHY
    assert verdict.no_leaf == 0


@pytest.mark.parametrize(
    "numbers", [(0, 0.5, 0.1, 0.7), (1, 0.1, 0.5, 0.7), (1, 0.5, 0.1, 1.7), (float("nan"), 0.5, 0.1, 0.7)]
)
def test_a_rule_that_makes_no_sense_is_refused(numbers: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="no rule"):
        Rule(*numbers)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((288, 288), (288, 288)),
        ((3000, 4000), (256, 320)),
        ((4000, 3000), (320, 256)),
        ((150, 150), (288, 288)),
        ((500, 5000), (192, 416)),
    ],
)
def test_what_the_network_is_shown(shape: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert fitted(np.zeros((*shape, 3), np.uint8), 288).shape == (*wanted, 3)


def test_of_a_long_picture_the_middle_is_shown() -> None:
    picture = np.zeros((200, 2000, 3), np.uint8)
    picture[:, 800:1200] = 255
    assert fitted(picture, 288).min() == 255


class Answers:
    """Gives the same logits whatever it is shown, but swaps the first two for a mirrored picture."""

    digest = "0" * 64

    def __init__(self) -> None:
        self.shown: NDArray[np.uint8] | None = None

    def run(self, given: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.shown = given
        return np.array([[4, 0, 0, -4], [2, 2, 0, -4]], np.float32)


def test_the_mirror_image_is_asked_too() -> None:
    session = Answers()
    model = LeafModel(session, name="a", version="1", side=288, rule=RULE)
    photo = np.random.default_rng(0).integers(0, 256, (288, 288, 3), np.uint8)
    verdict = model.judge(photo)
    assert session.shown is not None
    assert np.array_equal(session.shown[1], photo[:, ::-1])
    assert verdict.probabilities[Leaf.HEALTHY] == pytest.approx(np.exp(3) / (np.exp(3) + np.exp(1) + 1))


@pytest.mark.parametrize("shape", [(288, 288), (288, 288, 4), (100, 288, 3)])
def test_other_pictures_are_a_mistake(shape: tuple[int, ...]) -> None:
    model = LeafModel(Answers(), name="a", version="1", side=288, rule=RULE)
    with pytest.raises(ValueError, match="expected"):
        model.judge(np.zeros(shape, np.uint8))


@pytest.fixture(scope="module")
def model() -> LeafModel:
    return LeafModel.load(FILE)


def test_the_shipped_file_is_small_and_says_what_it_is(model: LeafModel) -> None:
    assert FILE.stat().st_size <= 2_000_000
    stored = Session.load(FILE, kind=LEAVES).metadata
    assert stored["kind"] == "leaves"
    assert len(stored["training_digest"]) == 64
    assert 0.9 < json.loads(stored["accuracy"])["folds"] <= 1
    assert model.release == f"{stored['name']}@{stored['version']}"


def test_plain_pictures_are_not_called_a_leaf(model: LeafModel) -> None:
    rng = np.random.default_rng(3)
    soil = np.clip(np.array([130, 105, 80]) + rng.normal(0, 12, (288, 288, 1)), 0, 255).astype(np.uint8)
    noise = rng.integers(0, 256, (400, 300, 3), np.uint8)
    for picture in (soil, noise, np.full((288, 288, 3), 250, np.uint8)):
        assert model.judge(picture).not_a_leaf


def test_another_kind_of_model_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match=r"weeds\.onnx"):
        LeafModel.load(ROOT / "models" / "weeds.onnx")


def test_another_digest_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"leaves\.onnx"):
        LeafModel.load(FILE, expected_sha256="0" * 64)


@pytest.mark.shared
def test_real_photos_of_the_authors_validation_split(model: LeafModel) -> None:
    if not DATA.is_dir():
        pytest.skip("the leaf photos are not here (FIELDBOX_REAL_DATA names their folder)")
    photos = sorted((DATA / "val").glob("*/*.jpg"))[::3]
    right = sure = wrong = 0
    for photo in photos:
        verdict = model.judge(np.asarray(Image.open(photo).convert("RGB")))
        right += verdict.likeliest == photo.parent.name
        sure += verdict.sure
        wrong += verdict.sure and verdict.found != photo.parent.name
        assert not verdict.not_a_leaf
    assert right >= 0.92 * len(photos)
    assert sure >= 0.75 * len(photos)
    assert wrong <= 0.06 * len(photos)
