"""A flight with the errors of a plain drone: where its pixels lie, and where its photos stand."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from fieldbox.errors import Rejected
from fieldbox.services import locating
from fieldbox.services.box import open_store
from fieldbox.services.locating import How
from fieldbox.services.seeing import views_of
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from tests.path.box import Box
from tests.path.noisy import PLAIN_DRONE

GEOD = Geod(ellps="WGS84")
Aligned = tuple[Box, dict[str, Any], dict[str, Any]]
"""A box, the JSON of its ingest, and the truth."""


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Aligned:
    """Mapped on a box; only to be read."""
    folder = tmp_path_factory.mktemp("plain")
    field = FieldOptions(size_m=(6.0, 5.0), margin_m=1.0, relief_m=0.0, ridge_m=0.0, seed=5)
    wanted = PLAIN_DRONE | {"gps_sigma_m": 0.8, "gps_drift_m": 0.3, "wind_m_s": 0.0}
    fly(grow_field(field), FlightOptions(camera="small", seed=5, **wanted), folder / "card")
    truth = json.loads((folder / "card" / "truth.json").read_text())
    box = Box(folder / "root")
    said = box.ingest(folder / "card")
    assert said.code in (0, 3), said
    return box, said.json, truth


def true_place(truth: dict[str, Any], photo: dict[str, Any], x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a pixel over flat ground: bilinear between the corners of the true footprint."""
    camera = truth["camera"]
    across, down = (x + 0.5) / camera["width"], (y + 0.5) / camera["height"]
    top_left, top_right, low_right, low_left = np.array(photo["footprint"])
    top = top_left + across * (top_right - top_left)
    low = low_left + across * (low_right - low_left)
    lon, lat = top + down * (low - top)
    return float(lon), float(lat)


def test_pixels_lie_within_their_error(aligned: Aligned) -> None:
    box, document, truth = aligned
    misses = []
    for shown in truth["photos"]:
        spot = locating.locate(box.config, document["flight"], shown["file"], 639.5, 479.5)
        lon, lat = true_place(truth, shown, 639.5, 479.5)
        misses.append((GEOD.inv(lon, lat, spot.lon, spot.lat)[2], spot.error_m, spot.aligned))
    off, error, fitted = (np.array(values) for values in zip(*misses, strict=True))
    assert fitted.all()
    assert (off < 1.5 * error).all()
    # What a flight's photos have in common stays: how far the whole is off. They agree with each other.
    assert np.ptp(off) < 0.25
    assert (error < 3.0).all()


def test_a_flight_and_a_photo_have_many_names(aligned: Aligned) -> None:
    box, document, _truth = aligned
    flight, survey = document["flight"], document["surveys"][0]["id"]
    with box.store() as store:
        known = store.flight(flight)
    assert known is not None
    digest = next(one.digest for one in known.captures if one.name == "DJI_0004.JPG")
    asked = [
        (flight, "DJI_0004.JPG"),
        (flight[:5], "dji_0004.jpg"),
        (survey, "/media/card/DJI_0004.JPG"),
        (survey[:6], digest),
        (flight, digest[:10]),
    ]
    spots = {locating.locate(box.config, *one, 10.0, 20.0) for one in asked}
    assert len(spots) == 1
    (spot,) = spots
    assert (spot.flight, spot.file, spot.aligned) == (flight, "DJI_0004.JPG", True)


@pytest.mark.parametrize(
    ("flight", "file", "x", "y", "said"),
    [
        ("nope", "DJI_0004.JPG", 1, 1, "There is no flight nope; there is FLIGHT"),
        ("", "DJI_0004.JPG", 1, 1, "There is no flight"),
        ("FLIGHT", "DJI_004.JPG", 1, 1, "has no photo DJI_004.JPG; it has DJI_00"),
        ("FLIGHT", "0004.JPG", 1, 1, "has no photo 0004.JPG"),
        ("FLIGHT", "", 1, 1, "has no photo"),
        ("FLIGHT", "DJI_0004.JPG", 1279.6, 1, "1280 pixels wide and 960 high: x goes from 0 to 1279"),
        ("FLIGHT", "DJI_0004.JPG", 1, -0.6, "Pixel 1, -0.6 lies outside DJI_0004.JPG"),
    ],
)
def test_what_cannot_be_located_is_said(
    aligned: Aligned, flight: str, file: str, x: float, y: float, said: str
) -> None:
    box, document, _truth = aligned
    known = document["flight"]
    with pytest.raises(Rejected) as refusal:
        locating.locate(box.config, flight.replace("FLIGHT", known), file, x, y)
    sentence = str(refusal.value)
    assert said.replace("FLIGHT", known[:12]) in sentence
    assert sentence.endswith(".") and sentence.count(". ") <= 1


def test_the_edge_of_a_photo_is_in_it(aligned: Aligned) -> None:
    box, document, _truth = aligned
    for x, y in [(-0.5, -0.5), (1279.5, 959.5)]:
        assert locating.locate(box.config, document["flight"], "DJI_0004.JPG", x, y).error_m > 0


def test_on_the_command_line(aligned: Aligned) -> None:
    box, document, _truth = aligned
    flight = document["flight"]
    told = box.run("locate", flight[:6], "dji_0004.jpg", "640", "480.5", "--json")
    assert told.code == 0, told
    assert set(told.json) == {"flight", "file", "lat", "lon", "error_m", "aligned", "how"}
    assert (told.json["aligned"], told.json["how"]) == (True, "aligned")
    text = box.run("locate", flight, "DJI_0004.JPG", 640, 480).out
    assert "(95 %), by the alignment of its flight" in text
    assert "outside" in box.run("locate", flight, "DJI_0004.JPG", -5, 3).refused()
    assert box.run("locate", flight, "DJI_0004.JPG", "inf", 3).code == 2
    assert box.run("locate", flight, "DJI_0004.JPG", 1).code == 2
    assert box.run("locate", flight, "DJI_0004.JPG", 1, 2, "--nonsense").code == 2


def table(box: Box, survey: str, out: Path) -> list[dict[str, str]]:
    said = box.run("export", survey, "--layer", "poses", "--format", "csv", "-o", out)
    assert said.code == 0, said
    with out.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_poses_are_those_of_the_alignment(aligned: Aligned, tmp_path: Path) -> None:
    box, document, truth = aligned
    rows = table(box, document["surveys"][0]["id"], tmp_path / "poses.csv")
    assert [row["file"] for row in rows] == [one["file"] for one in truth["photos"]]
    assert {row["aligned"] for row in rows} == {"true"}
    true = {one["file"]: one["pose"] for one in truth["photos"]}
    for row in rows:
        turned = (float(row["yaw_deg"]) - true[row["file"]]["yaw"] + 180) % 360 - 180
        assert abs(turned) < 3 * float(row["yaw_error_deg"]) + 0.2
        assert int(row["ties"]) > 10
        assert 0 < float(row["residual_px"]) < 3


def test_a_survey_made_before_photos_were_aligned(aligned: Aligned, tmp_path: Path) -> None:
    """It has no placements and no quality: everything is as the photos' tags tell."""
    box, document, _truth = aligned
    old = Box(tmp_path / "root")
    old.root.mkdir()
    with (
        sqlite3.connect(box.root / "fieldbox.db") as source,
        sqlite3.connect(old.root / "fieldbox.db") as target,
    ):
        source.backup(target)
        target.execute("DELETE FROM placements")
        target.execute("UPDATE surveys SET quality = NULL")
    survey, flight = document["surveys"][0]["id"], document["flight"]
    rows = table(old, survey, tmp_path / "poses.csv")
    assert {row["aligned"] for row in rows} == {"false"}
    assert {(row["moved_m"], row["residual_px"], row["ties"]) for row in rows} == {("", "", "0")}
    spot = locating.locate(old.config, survey, "DJI_0004.JPG", 640, 480)
    better = locating.locate(box.config, flight, "DJI_0004.JPG", 640, 480)
    assert (spot.aligned, better.aligned) == (False, True)
    assert spot.error_m > better.error_m
    assert "not aligned" in spot.to_text()
    assert (spot.how, better.how) == (How.TOLD, How.ALIGNED)
    out = tmp_path / "footprints.geojson"
    said = old.run("export", survey, "--layer", "footprints", "--format", "geojson", "-o", out)
    assert said.code == 0, said
    told = json.loads(out.read_text())["features"]
    assert len(told) == len(rows)
    assert {one["properties"]["aligned"] for one in told} == {False}


def copied(box: Box, root: Path) -> Box:
    """A box with the same database, whose alignments may be linked to."""
    other = Box(root)
    other.root.mkdir()
    with (
        sqlite3.connect(box.root / "fieldbox.db") as source,
        sqlite3.connect(other.root / "fieldbox.db") as target,
    ):
        source.backup(target)
    return other


def test_a_photo_that_fits_no_other_says_so_and_how_far_it_may_be_off(
    aligned: Aligned, tmp_path: Path
) -> None:
    box, document, _truth = aligned
    loose = copied(box, tmp_path / "root")
    flight = document["flight"]
    asked = flight, "DJI_0004.JPG", 100, 100
    with sqlite3.connect(loose.root / "fieldbox.db") as database:
        database.execute(
            "UPDATE placements SET block = NULL WHERE capture_id = "
            "(SELECT id FROM captures WHERE name = 'DJI_0004.JPG')"
        )
    # What the box kept is gone, too: the error is that of a photo that nothing bears out.
    spot = locating.locate(loose.config, *asked)
    assert (spot.aligned, spot.how) == (False, How.GONE)
    with box.store() as store:
        known = store.flight(flight)
    assert known is not None
    height = next(one.pose.height_m for one in known.captures if one.pose)
    assert spot.error_m > height * np.hypot(539, 379) / 1280
    other = locating.locate(loose.config, flight, "DJI_0005.JPG", 100, 100)
    assert (other.how, other.error_m < spot.error_m) == (How.GONE, True)


def test_an_alignment_that_cannot_be_read_is_told(aligned: Aligned, tmp_path: Path) -> None:
    box, document, _truth = aligned
    damaged = copied(box, tmp_path / "root")
    (damaged.root / "alignments").mkdir()
    for file in (box.root / "alignments").iterdir():
        (damaged.root / "alignments" / file.name).write_bytes(b"of another release")
    spot = locating.locate(damaged.config, document["flight"], "DJI_0004.JPG", 640, 480)
    assert (spot.aligned, spot.how) == (False, How.GONE)
    assert "bring the flight in again" in spot.to_text()
    # What is kept with the survey does not need it.
    survey = document["surveys"][0]["id"]
    assert table(damaged, survey, tmp_path / "a.csv") == table(box, survey, tmp_path / "b.csv")


def test_an_alignment_of_other_poses_is_not_used(aligned: Aligned, tmp_path: Path) -> None:
    """A list of better positions came after the survey: its alignment is of the old ones."""
    box, document, _truth = aligned
    changed = copied(box, tmp_path / "root")
    (changed.root / "alignments").symlink_to(box.root / "alignments")
    flight = document["flight"]
    assert locating.locate(changed.config, flight, "DJI_0004.JPG", 640, 480).aligned
    listed = tmp_path / "geo.txt"
    with box.store() as store:
        known = store.flight(flight)
    assert known is not None
    rows = [f"{one.name} {one.lon} {(one.lat or 0) + 2e-6:.8f}" for one in known.captures]
    listed.write_text("EPSG:4326\n" + "\n".join(rows) + "\n")
    said = changed.run("ingest", listed, "--json")
    assert said.code == 0, said
    assert locating.locate(changed.config, flight, "DJI_0004.JPG", 640, 480).how is How.GONE


def test_a_place_is_found_in_each_photo_that_shows_it(aligned: Aligned) -> None:
    """From a pixel to the ground and back into all photos: into the same pixel of that one, and near the truth in the others."""
    box, document, truth = aligned
    first, x, y = truth["photos"][0], 700.0, 520.0
    spot = locating.locate(box.config, document["flight"], first["file"], x, y)
    with open_store(box.config) as store:
        survey = next(one for one in store.surveys() if one.flight_id == spot.flight)
        seen = views_of(box.config, store, survey, spot.lat, spot.lon)
    by_name = {one.name: one for one in seen}
    same = by_name[spot.file]
    assert np.hypot(same.x - x, same.y - y) < 0.01 and same.error_m == pytest.approx(spot.error_m, rel=0.01)
    assert [one.aligned for one in seen] == sorted((one.aligned for one in seen), reverse=True)
    slants = [one.off_nadir_deg for one in seen if one.aligned]
    assert slants == sorted(slants) and len(seen) >= 3
    for one in seen:
        back = locating.locate(box.config, document["flight"], one.name, one.x, one.y)
        assert GEOD.inv(spot.lon, spot.lat, back.lon, back.lat)[2] < 0.005
