"""Flights whose photos do not state which way their camera was turned."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox.aligning import align
from fieldbox.domain import Capture, CaptureKind, Flight, SideFile, SideKind, Source
from fieldbox.geometry import geometries_of
from fieldbox.georef.flightheading import NO_AGREEMENT, NO_MOVEMENT, NO_OVERLAP, OBLIQUE
from fieldbox.given import given_for
from fieldbox.headings import settle_poses
from fieldbox.imagery.poses import NO_DIRECTION
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.simulate.scene import SimField
from fieldbox.storage.store import Store
from tests.imagery.photos import dji_xmp, exif_bytes, jpeg, real_data
from tests.kept import Kept, reasons, said
from tests.path import hardflights
from tests.path.retold import Height, retold, sea_level_only

PLAIN = FlightOptions(
    camera="2mp", altitude_m=14.0, extent_m=(12.0, 9.0), gps_sigma_m=1.06, gps_drift_m=1.06, yaw_sigma_deg=2.0,
    tilt_sigma_deg=2.0, seed=4,
)  # fmt: skip
"""A plain GPS: 1.5 m, as its photos state; a camera that is not held level."""
SIDEWAYS = replace(PLAIN, nose_deg=30.0, mount_deg=90.0, seed=5)
"""The nose stays where it is; the camera is turned by a quarter in its mount."""


@pytest.fixture(scope="module")
def field() -> SimField:
    return hardflights.field()


@pytest.fixture(scope="module")
def card(field: SimField, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines to and fro, the nose ahead; not to be changed."""
    return fly(field, PLAIN, tmp_path_factory.mktemp("flown") / "card")


@pytest.fixture(scope="module")
def sideways(field: SimField, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same lines; not to be changed."""
    return fly(field, SIDEWAYS, tmp_path_factory.mktemp("flown") / "card")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "fieldbox.db") as opened:
        yield opened


def truth_of(card: Path) -> dict[str, float]:
    photos = json.loads((card / "truth.json").read_text())["photos"]
    return {str(one["file"]): float(one["pose"]["yaw"]) for one in photos}


def off(flight: Flight, truth: dict[str, float]) -> NDArray[np.float64]:
    """[N, 2] by how much found yaws are off, and their stated errors, degrees."""
    placed = [(one.pose, truth[one.name]) for one in flight.captures if one.pose]
    return np.array([((p.yaw_deg - yaw + 180) % 360 - 180, p.yaw_error_deg) for p, yaw in placed])


def undirected(capture: Capture) -> Capture:
    """As a photo that states all but its direction."""
    stated = capture.stated
    assert stated is not None
    bare = replace(stated, yaw_deg=None, pitch_deg=None, roll_deg=None)
    return replace(capture, pose=None, unplaced=NO_DIRECTION, stated=bare)


@pytest.mark.parametrize(
    ("name", "height"),
    [("card", {}), ("card", sea_level_only), ("sideways", {})],
    ids=["ahead", "no height", "sideways"],
)
def test_directions_are_found_once_and_kept(
    request: pytest.FixtureRequest,
    store: Store,
    tmp_path: Path,
    name: str,
    height: Height | dict[str, Height],
) -> None:
    card: Path = request.getfixturevalue(name)
    kept = Kept(store, retold(card, tmp_path / "card", height, directed=False))
    assert all(one.pose is None for one in kept.flight.captures)
    flight = kept.settled()
    away, error = off(flight, truth_of(card)).T
    assert len(away) == len(flight.captures)
    assert all(one.unplaced is None for one in flight.captures)
    assert np.median(error) < 9
    assert (np.abs(away) < 2.5 * error).all()
    assert {(p.pitch_deg, p.roll_deg, p.tilt_error_deg) for one in flight.captures if (p := one.pose)} == {
        (0.0, 0.0, 5.0)
    }
    sentences = said(given_for(store, flight))
    assert "which way the camera was turned" in sentences
    assert ("their height" in sentences) == (height is sea_level_only)
    reads = kept.reads
    assert kept.settled(flight) == flight
    assert kept.reads == reads


def test_nothing_is_looked_for_where_directions_are_stated(card: Path, store: Store) -> None:
    kept = Kept(store, card)
    assert settle_poses(store, kept.flight, kept.read, 2) is kept.flight
    assert kept.reads == 0
    assert store.headings("flight") is None


def test_a_list_counts_more(card: Path, store: Store, tmp_path: Path) -> None:
    """Also one that comes later, and says otherwise: then nothing is looked for any more."""
    kept = Kept(store, retold(card, tmp_path / "card", {}, directed=False))
    flight = kept.settled()
    lines = "\n".join(f"{one.name} {one.lon:.9f} {one.lat:.9f} 560 77 0 0" for one in flight.captures)
    names = {one.digest: one.name for one in flight.captures}
    side = SideFile("ab" * 32, "geo.txt", SideKind.POSITIONS, None, f"EPSG:4326\n{lines}\n".encode(), names)
    store.add_side_file(side, named=set(names), ingest_id=1)
    reads = kept.reads
    listed = given_for(store, kept.settled(flight)).flight
    assert {one.pose.yaw_deg for one in listed.captures if one.pose} == {77.0}
    assert "which way the camera was turned" not in said(given_for(store, listed))
    assert kept.reads == reads


def test_single_photos_are_seen_beside_those_that_state_theirs(card: Path, store: Store) -> None:
    kept = Kept(store, card)
    bare = {4, 5, 20}
    captures = tuple(undirected(one) if n in bare else one for n, one in enumerate(kept.flight.captures))
    flight = settle_poses(store, replace(kept.flight, captures=captures), kept.read, 2)
    truth = truth_of(card)
    for number in bare:
        pose = flight.captures[number].pose
        assert pose is not None
        assert pose.yaw_error_deg < 4
        away = (pose.yaw_deg - truth[flight.captures[number].name] + 180) % 360 - 180
        assert abs(away) < 3 * pose.yaw_error_deg
    assert all(flight.captures[n] == one for n, one in enumerate(captures) if n not in bare)


def test_exposures_of_bands_go_the_same_way_and_the_panel_none(sideways: Path, store: Store) -> None:
    """Their picture is made of the bands."""
    kept = Kept(store, sideways)
    bands = Source(CaptureKind.BANDS, ("ab" * 32,))
    panel = replace(undirected(kept.flight.captures[0]), source=replace(bands, at=(1,)), stated=None)
    exposures = tuple(replace(undirected(one), source=bands) for one in kept.flight.captures[1:])
    flight = settle_poses(store, replace(kept.flight, captures=(panel, *exposures)), kept.read, 2)
    assert flight.captures[0] == panel
    away, error = off(flight, truth_of(sideways)).T
    assert len(away) == len(exposures)
    assert (np.abs(away) < 2.5 * error).all()


def test_two_photos_are_too_few(card: Path, store: Store, tmp_path: Path) -> None:
    folder = retold(card, tmp_path / "card", {}, directed=False)
    for path in sorted(folder.glob("*.JPG"))[2:]:
        path.unlink()
    kept = Kept(store, folder)
    assert kept.settled().captures == kept.flight.captures
    assert reasons(kept.flight) == {str(NO_DIRECTION)}


def test_places_in_another_order_are_refused(card: Path, store: Store, tmp_path: Path) -> None:
    kept = Kept(store, retold(card, tmp_path / "card", {}, directed=False))
    order = np.random.default_rng(2).permutation(len(kept.flight.captures)).tolist()
    mixed = tuple(
        replace(one, lat=kept.flight.captures[other].lat, lon=kept.flight.captures[other].lon)
        for one, other in zip(kept.flight.captures, order, strict=True)
    )
    flight = settle_poses(store, replace(kept.flight, captures=mixed), kept.read, 2)
    assert all(one.pose is None for one in flight.captures)
    assert reasons(flight) <= {str(NO_AGREEMENT), str(NO_MOVEMENT)}


def test_a_hovering_flight_is_refused(field: SimField, store: Store, tmp_path: Path) -> None:
    options = replace(
        PLAIN,
        forward_overlap=0.95,
        side_overlap=0.95,
        extent_m=(4.8, 4.0),
        overhang=0.2,
        max_photos=16,
        seed=7,
    )
    kept = Kept(store, retold(fly(field, options, tmp_path / "hover"), tmp_path / "card", {}, directed=False))
    assert len(kept.flight.captures) >= 10
    flight = kept.settled()
    assert all(one.pose is None for one in flight.captures)
    assert reasons(flight) == {str(NO_MOVEMENT)}
    reads = kept.reads
    assert kept.settled(flight) == flight
    assert kept.reads == reads  # a refusal is kept as well


def test_a_camera_that_looks_ahead_is_refused(field: SimField, store: Store, tmp_path: Path) -> None:
    options = replace(PLAIN, gimbal_pitch_deg=-65.0, max_photos=12, seed=8)
    kept = Kept(store, retold(fly(field, options, tmp_path / "ahead"), tmp_path / "card", {}, directed=False))
    assert reasons(kept.settled()) == {str(OBLIQUE)}


def test_photos_with_nothing_in_common_are_refused(store: Store, tmp_path: Path) -> None:
    """Water, say."""
    folder = tmp_path / "noise"
    folder.mkdir()
    for number in range(6):
        packet = dji_xmp(without=("GimbalYawDegree",))
        exif = exif_bytes(place=(12.5 + 2e-5 * number, 77.25), taken=f"2026:06:01 10:00:{2 * number:02}")
        data = jpeg(size=(640, 480), seed=number, exif=exif, packet=packet)
        (folder / f"DJI_{number:04d}.JPG").write_bytes(data)
    kept = Kept(store, folder)
    assert reasons(kept.flight) == {str(NO_DIRECTION)}
    assert reasons(kept.settled()) == {str(NO_OVERLAP)}


@pytest.mark.shared
@pytest.mark.parametrize(("name", "least"), [("brighton", 5), ("seneca", 22)])
def test_the_directions_of_a_real_flight_are_those_of_its_alignment(
    store: Store, name: str, least: int
) -> None:
    """Its own angles are hidden. senseFly's headings are good to 8 degrees: what the photos are aligned to, is the truth."""
    kept = Kept(store, real_data() / "flights" / name, "*.[jJ]*")
    told = geometries_of([one for one in kept.flight.captures if one.pose])
    taken = {one.digest: one.taken_at for one in kept.flight.captures}
    truth = align(told, {digest: taken[digest] for digest in told}, kept.read, threads=2).geometries
    hidden = tuple(undirected(one) if one.pose else one for one in kept.flight.captures)
    flight = settle_poses(store, replace(kept.flight, captures=hidden), kept.read, 2)
    yaws = {one.digest: one.pose for one in flight.captures if one.pose}
    assert len(yaws) >= least
    away = [
        ((pose.yaw_deg - truth[digest].pose.yaw_deg + 180) % 360 - 180) / pose.yaw_error_deg
        for digest, pose in yaws.items()
    ]
    assert math.sqrt(float(np.square(away).mean())) < 1.3
    assert np.median([pose.yaw_error_deg for pose in yaws.values()]) < 7
