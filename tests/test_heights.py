"""Flights whose photos do not state their height above the ground."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fieldbox.domain import FlightHeight, SideFile, SideKind
from fieldbox.georef.flightheight import NO_MOVEMENT, NO_OVERLAP
from fieldbox.given import given_for
from fieldbox.heights import settle_heights
from fieldbox.imagery.poses import NO_DIRECTION, ONLY_SEA_LEVEL
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.storage.store import Store
from tests.imagery.photos import dji_xmp, exif_bytes, jpeg, real_data
from tests.kept import Kept, reasons, said
from tests.path.hardflights import field
from tests.path.retold import Height, from_a_hill, retold, sea_level_only, zero

PLAIN = FlightOptions(
    camera="2mp", altitude_m=20.0, gps_sigma_m=0.8, gps_drift_m=0.5, yaw_sigma_deg=2.0, tilt_sigma_deg=0.8, seed=4
)  # fmt: skip
"""The errors of a plain drone; its photos state 1.5 m for their places."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flight at 20 m; not to be changed."""
    return fly(field(), PLAIN, tmp_path_factory.mktemp("flown") / "card")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "fieldbox.db") as opened:
        yield opened


def truth_of(card: Path) -> dict[str, float]:
    photos = json.loads((card / "truth.json").read_text())["photos"]
    return {str(one["file"]): float(one["pose"]["height_m"]) for one in photos}


@pytest.mark.parametrize("height", [sea_level_only, zero, from_a_hill])
def test_the_height_is_found_once_and_kept(card: Path, store: Store, tmp_path: Path, height: Height) -> None:
    if height is from_a_hill:
        height = lambda metres: from_a_hill(metres) - 10.0  # noqa: E731  20 m are flown here
    kept = Kept(store, retold(card, tmp_path / "card", height))
    assert all(one.pose is None for one in kept.flight.captures)
    flight = kept.settled()
    found, truth = kept.height(), truth_of(card)
    assert isinstance(found, FlightHeight)
    assert found.error_m < 0.1 * found.height_m
    for one in flight.captures:
        assert one.pose is not None
        assert one.unplaced is None
        assert abs(one.pose.height_m - truth[one.name]) < 2.5 * one.pose.height_error_m
        assert (one.pose.lat, one.pose.lon) == (one.lat, one.lon)
    assert "it was found from the photos themselves" in said(given_for(store, flight))
    reads = kept.reads
    assert 0 < reads <= 60
    assert kept.settled(flight) == flight
    assert kept.reads == reads


def test_nothing_is_looked_for_where_heights_are_stated(card: Path, store: Store) -> None:
    kept = Kept(store, card)
    assert settle_heights(store, kept.flight, kept.read, 2) is kept.flight
    assert kept.reads == 0
    assert store.height("flight") is None
    assert said(given_for(store, kept.flight)) == ""


def test_a_single_impossible_height_is_taken_for_the_usual_one(
    card: Path, store: Store, tmp_path: Path
) -> None:
    odd = {"DJI_0004.JPG": lambda _metres: -5.0}
    kept = Kept(store, retold(card, tmp_path / "card", odd))
    flight = kept.settled()
    assert kept.reads == 0
    pose, other = flight.captures[3].pose, flight.captures[4].pose
    assert pose is not None
    assert other is not None
    assert pose.height_m == pytest.approx(20.0, abs=1.0)
    assert pose.height_error_m == pytest.approx(0.15 * 20.0, abs=0.1)
    assert other.height_error_m == 2.0
    assert "cannot be right count as" in said(given_for(store, flight))
    assert kept.settled(flight) == flight


def test_a_photo_taken_on_the_ground_stays_there(card: Path, store: Store, tmp_path: Path) -> None:
    """Its altitude, too, is not that of the others."""
    kept = Kept(store, retold(card, tmp_path / "card", {"DJI_0001.JPG": zero}))
    first = kept.flight.captures[0]
    assert first.stated is not None
    assert first.stated.altitude_m is not None
    low = replace(first, stated=replace(first.stated, altitude_m=first.stated.altitude_m - 20.0))
    flight = replace(kept.flight, captures=(low, *kept.flight.captures[1:]))
    done = settle_heights(store, flight, kept.read, 2)
    assert done == flight
    assert "cannot be right" in str(done.captures[0].unplaced)


def test_photos_that_come_later_are_measured_with_the_others(
    card: Path, store: Store, tmp_path: Path
) -> None:
    folder = retold(card, tmp_path / "card", sea_level_only)
    later = tmp_path / "later"
    later.mkdir()
    for path in sorted(folder.glob("*.JPG"))[-8:]:
        path.rename(later / path.name)
    kept = Kept(store, folder)
    first = kept.settled()
    before = kept.height()
    grown = replace(first, captures=(*first.captures, *kept.add(later)))
    flight = kept.settled(grown)
    assert kept.height() != before
    assert all(one.pose for one in flight.captures)


def test_a_photo_without_a_direction_stays_unplaced(card: Path, store: Store, tmp_path: Path) -> None:
    kept = Kept(store, retold(card, tmp_path / "card", sea_level_only))
    first = kept.flight.captures[0]
    assert first.stated is not None
    bare = replace(first, stated=replace(first.stated, yaw_deg=None, pitch_deg=None, roll_deg=None))
    done = settle_heights(
        store, replace(kept.flight, captures=(bare, *kept.flight.captures[1:])), kept.read, 2
    )
    assert (done.captures[0].pose, done.captures[0].unplaced) == (None, NO_DIRECTION)
    assert all(one.pose for one in done.captures[1:])


def test_a_list_may_give_the_places(card: Path, store: Store, tmp_path: Path) -> None:
    """Photos without GPS: the list has their places, the pixels their height."""
    kept = Kept(store, retold(card, tmp_path / "card", sea_level_only))
    lines = "\n".join(f"{one.name} {one.lon:.9f} {one.lat:.9f}" for one in kept.flight.captures)
    names = {one.digest: one.name for one in kept.flight.captures}
    side = SideFile("ab" * 32, "geo.txt", SideKind.POSITIONS, None, f"EPSG:4326\n{lines}\n".encode(), names)
    store.add_side_file(side, named=set(names), ingest_id=1)
    blind = tuple(replace(one, lat=None, lon=None) for one in kept.flight.captures)
    flight = settle_heights(store, replace(kept.flight, captures=blind), kept.read, 2)
    assert all(one.pose is None for one in flight.captures)
    placed = given_for(store, flight).flight.captures
    assert all(one.pose and one.pose.height_m == pytest.approx(20.0, rel=0.15) for one in placed)


def test_a_hovering_flight_is_refused_with_a_sentence(store: Store, tmp_path: Path) -> None:
    options = replace(
        PLAIN, forward_overlap=0.95, side_overlap=0.95, extent_m=(5.9, 5.5), overhang=0.2, gps_sigma_m=1.5
    )
    kept = Kept(store, retold(fly(field(), options, tmp_path / "hover"), tmp_path / "card", zero))
    assert len(kept.flight.captures) >= 4
    flight = kept.settled()
    assert reasons(flight) == {str(NO_MOVEMENT)}
    assert all(one.pose is None for one in flight.captures)
    reads = kept.reads
    assert kept.settled(flight) == flight
    assert kept.reads == reads  # a refusal is kept as well


def test_photos_with_nothing_in_common_are_refused(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "noise"
    folder.mkdir()
    for number in range(6):
        packet = dji_xmp(without=("RelativeAltitude",), AbsoluteAltitude="+210.00")
        exif = exif_bytes(place=(12.5 + 2e-5 * number, 77.25), taken=f"2026:06:01 10:00:{2 * number:02}")
        data = jpeg(size=(640, 480), seed=number, exif=exif, packet=packet)
        (folder / f"DJI_{number:04d}.JPG").write_bytes(data)
    kept = Kept(store, folder)
    assert reasons(kept.flight) == {str(ONLY_SEA_LEVEL)}
    assert reasons(kept.settled()) == {str(NO_OVERLAP)}


def test_three_photos_are_too_few(card: Path, store: Store, tmp_path: Path) -> None:
    folder = retold(card, tmp_path / "card", sea_level_only)
    for path in sorted(folder.glob("*.JPG"))[3:]:
        path.unlink()
    kept = Kept(store, folder)
    assert kept.settled().captures == kept.flight.captures
    assert reasons(kept.flight) == {str(ONLY_SEA_LEVEL)}


def test_photos_that_cannot_be_decoded_are_left_out(card: Path, store: Store, tmp_path: Path) -> None:
    kept = Kept(store, retold(card, tmp_path / "card", sea_level_only))
    for name in ("DJI_0002.JPG", "DJI_0003.JPG"):
        path = tmp_path / "card" / name
        path.write_bytes(path.read_bytes()[:30_000])
    kept.settled()
    assert isinstance(kept.height(), FlightHeight)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["brighton", "seneca"])
def test_the_height_of_a_real_flight_is_what_it_states(store: Store, name: str) -> None:
    """Its own heights are hidden; those are good to 2 m (DJI) and 5 m (senseFly), over ground that is not level."""
    kept = Kept(store, real_data() / "flights" / name, "*.[jJ]*")
    stated = [(one.pose.height_m, one.pose.height_error_m) for one in kept.flight.captures if one.pose]
    hidden = tuple(
        replace(one, pose=None, stated=one.stated and replace(one.stated, height_m=None))
        for one in kept.flight.captures
    )
    settle_heights(store, replace(kept.flight, captures=hidden), kept.read, 2)
    found = kept.height()
    assert isinstance(found, FlightHeight)
    height_m, error_m = np.median(stated, axis=0)
    assert abs(found.height_m - height_m) < 2 * math.hypot(found.error_m, error_m)
    assert found.error_m < 0.1 * found.height_m
