"""A flight whose tags are off by metres and degrees, from its pixels to photos that agree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fieldbox.simulate.flight import FlightOptions, fly
from tests.path.alignment import Flown, aligned_folder, off_truth, root
from tests.path.hardflights import field


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of 2 megapixels from 20 m, with the errors of a plain drone."""
    options = FlightOptions(
        camera="2mp", altitude_m=20.0, gps_sigma_m=1.0, gps_drift_m=1.0, height_sigma_m=0.5, yaw_sigma_deg=3.0,
        tilt_sigma_deg=1.5, seed=5,
    )  # fmt: skip
    return fly(field(), options, tmp_path_factory.mktemp("flown") / "card")


@pytest.fixture(scope="module")
def flown(card: Path) -> Flown:
    return aligned_folder(card)


def test_photos_agree_after_the_alignment(card: Path, flown: Flown) -> None:
    truth = json.loads((card / "truth.json").read_text())
    assert flown.alignment.kept == ()
    assert flown.alignment.matched > len(flown.told)
    before, after = (off_truth(flown, truth, told=told) for told in (True, False))
    about = [root(off - off.mean(0)) for off in (before, after)]
    assert about[0] > 0.8
    assert about[1] < 0.3 * about[0]


def test_stated_errors_hold_for_the_places_of_photos(card: Path, flown: Flown) -> None:
    truth = json.loads((card / "truth.json").read_text())
    off = np.linalg.norm(off_truth(flown, truth, told=False), axis=1)
    stated = [one.pose.error_m for one in flown.alignment.geometries.values()]
    assert (off < 2.5 * np.array(stated)).mean() > 0.9


def test_the_same_photos_give_the_same_result_on_any_number_of_threads(card: Path, flown: Flown) -> None:
    again = aligned_folder(card, threads=2)
    assert np.array_equal(again.alignment.adjusted.pose, flown.alignment.adjusted.pose)


def test_a_damaged_photo_stays_where_it_was_told_to_be(card: Path, flown: Flown, tmp_path: Path) -> None:
    for path in card.glob("*.JPG"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    name = sorted(flown.told)[3]
    whole = (tmp_path / name).read_bytes()
    middle = len(whole) // 2
    (tmp_path / name).write_bytes(whole[:middle] + b"\xff\xd9" * 50 + whole[middle + 100 :])
    found = aligned_folder(tmp_path).alignment
    assert found.kept == (name,)
    assert found.geometries[name] == flown.told[name]
