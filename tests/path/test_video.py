"""A video of a drone, with what it wrote beside it, is mapped like photos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from fieldbox.domain import Cover
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.film import film
from fieldbox.simulate.flight import FlightOptions, exact, fly
from tests.flown import filmed_to, grown
from tests.path.box import Box

FIELD = FieldOptions(size_m=(9.0, 6.0), margin_m=1.0, seed=7)
FLIGHT = exact(FlightOptions(camera="small", seed=7))
REACH_M = 0.15
"""As far as a plant may lie from where it stands, to be the same one: alone, without others to compare with."""


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film, not to be changed; its last position is the truth, told five times a second."""
    return film(grown(FIELD), FLIGHT, tmp_path_factory.mktemp("film") / "card", fps=6)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shorter one."""
    return filmed_to(
        tmp_path_factory.mktemp("short") / "card",
        FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=3),
        exact(FlightOptions(camera="tiny", seed=3)),
        fps=6,
    )


def f1(box: Box, document: dict[str, Any], folder: Path) -> float:
    """Of the weeds of the one survey against the truth, each matched once."""
    truth = json.loads((folder / "truth.json").read_text())
    with box.store() as store:
        found = store.detections(document["surveys"][0]["id"], cover=Cover.WEED)
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    seen: NDArray[np.float64] = np.column_stack(
        to_ground.transform([one.lon for one in found], [one.lat for one in found])
    )
    planted = [(p["east"], p["north"]) for p in truth["plants"] if p["class"] == "weed" and p["visible_in"]]
    apart = cdist(seen, np.array(planted))
    rows, columns = linear_sum_assignment(np.minimum(apart, 2 * REACH_M))
    right = int((apart[rows, columns] < REACH_M).sum())
    return 2 * right / (len(seen) + len(planted))


@pytest.mark.long
def test_a_film_maps_the_same_weeds_as_photos(box: Box, filmed: Path, tmp_path: Path) -> None:
    photos = fly(grown(FIELD), FLIGHT, tmp_path / "photos")
    of_photos = f1(box, box.mapped(photos), photos)
    other = Box(tmp_path / "other")
    document = other.mapped(filmed)
    (survey,) = document["surveys"]
    assert survey["gsd_cm"] == pytest.approx(0.28, abs=0.01)
    assert survey["photos_used"] > 5
    assert 1.0 < survey["position_error_m"] < 6.0
    # Frames of the turns have no heading, and say so.
    assert all("hovered or turned" in one["reason"] for one in document["unplaced"])
    assert f1(other, document, filmed) > of_photos - 0.10
    again = other.ingest(filmed, "--json")
    assert again.json["captures"]["accepted"] == 0
    assert again.json["flight"] == document["flight"]


def test_a_film_without_its_subtitles_waits_for_them(box: Box, short: Path, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    shutil.copy(short / "DJI_0001.MP4", card)
    alone = box.run("ingest", card, "--json").json
    assert alone["captures"]["accepted"] > 0
    assert {one["reason"] for one in alone["unplaced"]} == {
        "Nothing says where the video was taken: give the .SRT file that the drone wrote beside it."
    }
    shutil.copy(short / "DJI_0001.SRT", card / "dji_0001.srt")
    both = box.run("ingest", card, "--json").json
    with box.store() as store:
        flights = [store.flight(one) for one in both["flights"]]
    assert max(sum(one.pose is not None for one in flight.captures) for flight in flights if flight) > 5
    # The frames that were kept before their telemetry came are not told of any more, in this flight or another one.
    assert both["flights"] == alone["flights"]
    assert not any(".SRT" in one["reason"] for one in both["unplaced"])
    again = box.run("ingest", card, "--json").json
    assert (again["flights"], again["unplaced"]) == (both["flights"], both["unplaced"])


@pytest.mark.long
def test_a_film_that_nothing_is_told_of_is_no_part_of_the_photos_beside_it(
    box: Box, short: Path, flown: tuple[Path, Any], mapped: tuple[Box, dict[str, Any]], tmp_path: Path
) -> None:
    card = Path(shutil.copytree(flown[0], tmp_path / "card"))
    shutil.copy(short / "DJI_0001.MP4", card / "DJI_0003.MP4")
    said = box.ingest(card).json
    assert [one["id"] for one in said["surveys"]] == [one["id"] for one in mapped[1]["surveys"]]
    assert len(said["flights"]) == 2


def test_subtitles_without_their_film_are_refused(box: Box, short: Path, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    shutil.copy(short / "DJI_0001.SRT", card)
    (card / "DJI_0002.SRT").write_text("")
    said = box.run("ingest", card, "--json")
    reasons = {one["file"]: one["reason"] for one in said.json["rejected"]}
    assert "not here" in reasons["DJI_0001.SRT"]
    assert "empty" in reasons["DJI_0002.SRT"]


def test_a_damaged_film_is_refused_and_photos_beside_it_are_not(
    box: Box, short: Path, flown: tuple[Path, Any], tmp_path: Path
) -> None:
    card = Path(shutil.copytree(flown[0], tmp_path / "card"))
    (card / "DJI_0001.MP4").write_bytes((short / "DJI_0001.MP4").read_bytes()[:20_000])
    shutil.copy(short / "DJI_0001.SRT", card)
    said = box.run("ingest", card, "--json")
    # Its subtitles belong to it, and it is told once what is wrong.
    assert [one["file"] for one in said.json["rejected"]] == ["DJI_0001.MP4"]
    assert said.json["captures"]["accepted"] == len(list(flown[0].glob("*.JPG")))


def test_a_film_is_checked_on_its_card(box: Box, short: Path) -> None:
    (flight,) = box.run("check", short, "--json").json["flights"]
    assert flight["gsd_mm"] == pytest.approx(2.8, abs=0.1)
    assert flight["placed"] > 5
    assert flight["blurred"] == 0
