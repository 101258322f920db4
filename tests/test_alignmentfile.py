"""An alignment that was kept is the same alignment, and nothing else passes for one."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from fieldbox.aligning import Alignment, align, alignment_key
from fieldbox.alignmentfile import FORMAT, alignment_file, read_alignment, write_alignment
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.imagery.metadata import read_metadata
from fieldbox.simulate.flight import FlightOptions, fly
from tests.path.hardflights import field

Flown = tuple[dict[str, PhotoGeometry], dict[str, datetime | None], Alignment]


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    """Nine photos, aligned."""
    options = FlightOptions(camera="tiny", altitude_m=20.0, extent_m=(9.0, 7.0), max_photos=9, seed=2)
    card = fly(field(), options, tmp_path_factory.mktemp("flown") / "card")
    told, taken = {}, {}
    for path in sorted(card.glob("*.JPG")):
        data = read_metadata(path)
        assert data.pose
        assert data.camera
        plane = GroundPlane.for_point(data.pose.lat, data.pose.lon)
        told[path.name] = PhotoGeometry(path.name, data.pose, data.camera, plane)
        taken[path.name] = data.taken_at
    return told, taken, align(told, taken, lambda name: (card / name).read_bytes())


def test_what_is_read_back_answers_alike_to_the_last_bit(flown: Flown, tmp_path: Path) -> None:
    told, taken, found = flown
    assert found.kept == ()
    path = alignment_file(tmp_path, alignment_key(told, taken))
    write_alignment(found, path)
    again = read_alignment(path, told, taken)
    assert again
    pixels = np.array([[10.0, 20.0], [900.0, 700.0], [480.0, 360.0]])
    for digest, photo in found.geometries.items():
        other = again.geometries[digest]
        assert other.pose == photo.pose
        assert other.camera == photo.camera
        assert np.array_equal(other.pixel_to_ground(pixels), photo.pixel_to_ground(pixels))
        assert np.array_equal(other.error95_m(pixels), photo.error95_m(pixels))
        assert other.share95_m == photo.share95_m
        assert (other.block, again.glances[digest].to_bytes()) == (
            photo.block,
            found.glances[digest].to_bytes(),
        )
    assert (again.compared, again.matched, again.blocks) == (found.compared, found.matched, found.blocks)
    for name in ("ties", "residual_px", "step_px"):
        assert np.array_equal(getattr(again, name), getattr(found, name))


def test_what_is_damaged_missing_or_of_other_photos_is_no_alignment(flown: Flown, tmp_path: Path) -> None:
    told, taken, found = flown
    path = tmp_path / "one.npz"
    assert read_alignment(path, told, taken) is None
    write_alignment(found, path)
    whole = path.read_bytes()
    fewer = dict(list(told.items())[1:])
    assert read_alignment(path, fewer, taken) is None
    bits = [
        bytes(byte ^ 16 if place == at else byte for place, byte in enumerate(whole))
        for at in (5, 20, 40, len(whole) - 30)
    ]
    for damaged in (whole[:-200], whole[: len(whole) // 2], b"", b"PK\x03\x04 no", *bits):
        path.write_bytes(damaged)
        assert read_alignment(path, told, taken) is None


def test_an_alignment_of_another_format_is_none(
    flown: Flown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, taken, found = flown
    path = tmp_path / "one.npz"
    with monkeypatch.context() as later:
        later.setattr("fieldbox.alignmentfile.FORMAT", FORMAT + 1)
        write_alignment(found, path)
        assert read_alignment(path, told, taken)
    assert read_alignment(path, told, taken) is None
    # Those of the first format had no checksum in front.
    write_alignment(found, path)
    path.write_bytes(path.read_bytes()[8:])
    assert read_alignment(path, told, taken) is None


def test_the_key_tells_apart_what_gives_another_alignment(flown: Flown) -> None:
    told, taken, _found = flown
    name = next(iter(told))
    moved = {**taken, name: (taken[name] or datetime(2026, 1, 1)) + timedelta(seconds=1)}
    others = [
        alignment_key(dict(list(told.items())[1:]), taken),
        alignment_key(told, moved),
        alignment_key(told, taken, "gcp"),
    ]
    assert len({alignment_key(told, taken), *others}) == 4
