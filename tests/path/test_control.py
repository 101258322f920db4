"""From a list of control points on a card to photos that stand where they truly were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldbox.aligning import Alignment, align_points, searches
from fieldbox.arrivals import take_in
from fieldbox.geometry import geometries_of
from fieldbox.georef.controlled import control_in_frame
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import Given, given_for
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.imagery.metadata import read_metadata
from fieldbox.pictures import picture_path
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from tests.path.alignment import root, true_photo
from tests.path.box import Box

SIZE = (14.0, 10.0)
CORNERS = [(x, y) for x in (-0.35, 0.35) for y in (-0.35, 0.35)]
"""Of the field's size, from its middle."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos with a plain GPS over flat ground, and the list of four points that they show."""
    options = FlightOptions(
        camera="2mp", altitude_m=20.0, gps_sigma_m=1.0, gps_drift_m=1.5, height_sigma_m=0.5, yaw_sigma_deg=2.0,
        tilt_sigma_deg=1.0, seed=6,
    )  # fmt: skip
    ground = grow_field(FieldOptions(size_m=SIZE, margin_m=1.0, seed=6, relief_m=0.0))
    folder = fly(ground, options, tmp_path_factory.mktemp("flown") / "card")
    (folder / "gcp_list.txt").write_text(gcp_list(folder))
    return folder


def truth_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return document


def gcp_list(folder: Path) -> str:
    """Marks as a person sets them, to half a pixel, in a projection with heights of its own."""
    rng = np.random.default_rng(1)
    true = {one["file"]: true_geometry(folder / one["file"], one) for one in truth_of(folder)["photos"]}
    plane = next(iter(true.values())).plane
    middle = np.mean([one.centre for one in true.values()], axis=0)
    lines = [f"EPSG:{plane.epsg}"]
    for number, corner in enumerate(CORNERS):
        place = middle + np.array(SIZE) * corner
        for name, photo in true.items():
            x, y = photo.ground_to_pixel(place[None])[0] + rng.normal(0, 0.5, 2)
            if 10 < x < photo.camera.width - 10 and 10 < y < photo.camera.height - 10:
                lines.append(f"{place[0]:.3f} {place[1]:.3f} 548.2 {x:.1f} {y:.1f} {name} p{number}")
    return "\n".join(lines)


def true_geometry(path: Path, photo: dict[str, Any]) -> PhotoGeometry:
    told = read_metadata(path)
    assert told.pose is not None
    assert told.camera is not None
    plane = GroundPlane.for_point(told.pose.lat, told.pose.lon)
    return true_photo(PhotoGeometry(path.name, told.pose, told.camera, plane), photo["pose"])


def aligned(box: Box, given: Given, *, controlled: bool) -> Alignment:
    told = geometries_of(given.flight.captures)
    taken_at = {one.digest: one.taken_at for one in given.flight.captures}
    searched = {
        one.digest: one.made(
            decode_jpeg(picture_path(box.root, one.digest).read_bytes(), reduction=one.reduction)
        )
        for one in searches(told.values())
    }
    assert given.control is not None
    control = given.control
    return align_points(
        told,
        taken_at,
        searched.__getitem__,
        control=(lambda frame: control_in_frame(control, list(told), frame)) if controlled else None,
    )


def test_control_points_put_a_flight_where_it_was(card: Path, tmp_path: Path) -> None:
    box = Box(tmp_path / "root")
    box.root.mkdir()
    with box.store() as store:
        arrival = take_in(card, box.config, store, lambda *_: None)
        assert arrival.rejected == ()
        given = given_for(store, arrival.flights[0])
        free, held = (aligned(box, given, controlled=each) for each in (False, True))
    places = {one["file"]: (one["east"], one["north"]) for one in truth_of(card)["photos"]}
    names = {one.digest: one.name for one in given.flight.captures}

    def off(found: Alignment) -> np.ndarray:
        return np.array([one.centre - places[names[digest]] for digest, one in found.geometries.items()])

    assert root(off(free)) > 0.5  # of GPS that is off for the whole flight
    assert root(off(held)) < 0.15 * root(off(free))
    assert np.hypot(*held.control_off_m.T).max() < 0.05
