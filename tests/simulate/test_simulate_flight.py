"""Flights over small fields: planning, photos, metadata and truth."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from defusedxml import ElementTree
from PIL import Image

from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.imagery.metadata import read_metadata
from fieldbox.simulate.camera import Pyramid, project, render, rotation
from fieldbox.simulate.flight import FlightOptions, exact, fly, plan
from fieldbox.simulate.paving import paved
from fieldbox.simulate.scene import Plant, SimField, Surround
from fieldbox.simulate.texture import colour_table

CAMERA = {"camera": "small", "width": 320, "height": 240, "focal_px": 300.0}
PLAIN = {"exposure_drift": 0.0, "vignetting": 0.0, "noise": 0.0, "motion_blur": False}


def marked(spots: list[tuple[float, float, float]], slope: float = 0.0, gsd: float = 0.01) -> SimField:
    """A grey field of 16 x 12 m with white discs at east, north; ground rises `slope` per metre east."""
    canvas = np.full((1200, 1600, 3), 60, np.uint8)
    plants = []
    for number, (east, north, _z) in enumerate(spots):
        at = (round((799.5 + east / gsd) * 16), round((599.5 - north / gsd) * 16))
        cv2.circle(canvas, at, 6 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
        plants.append(Plant(number, Cover.WEED, "grass", east, north, 0.06, 0.01, 0.0))
    rise = ((np.arange(160, dtype=np.float32) - 79.5) * 0.1 * slope)[None].repeat(120, axis=0)
    return SimField(canvas, gsd, rise, rise, tuple(plants), (16.0, 12.0), None)


def brightest(photo: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Centroid of the white within 30 px of `near`."""
    x, y = np.round(near).astype(int)
    part = photo[y - 30 : y + 31, x - 30 : x + 31].astype(float).mean(axis=2) - 70
    part = np.clip(part, 0, None)
    rows, columns = np.mgrid[-30:31, -30:31]
    return np.array([x + (part * columns).sum() / part.sum(), y + (part * rows).sum() / part.sum()])


def by_hand(document: dict, photo: dict, plant: dict, height: float) -> np.ndarray:
    """Where a plant's foot falls in a photo, with matrices written out here on purpose."""
    from pyproj import Geod  # noqa: PLC0415

    pose, camera = photo["pose"], document["camera"]
    azimuth, _, distance = Geod(ellps="WGS84").inv(pose["lon"], pose["lat"], plant["lon"], plant["lat"])
    north = distance * math.cos(math.radians(azimuth))
    east = distance * math.sin(math.radians(azimuth))
    yaw, pitch, roll = (math.radians(pose[key]) for key in ("yaw", "pitch", "roll"))
    rz = np.array([[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
    ry = np.array([[math.cos(pitch), 0, math.sin(pitch)], [0, 1, 0], [-math.sin(pitch), 0, math.cos(pitch)]])
    rx = np.array([[1, 0, 0], [0, math.cos(roll), -math.sin(roll)], [0, math.sin(roll), math.cos(roll)]])
    ahead, right, down = (rz @ ry @ rx).T @ np.array([north, east, pose["height_m"] - height])
    return np.array(
        [camera["cx"] + camera["focal_px"] * right / down, camera["cy"] - camera["focal_px"] * ahead / down]
    )


@pytest.mark.parametrize(
    ("heading", "pitch", "tilt", "slope", "distortion"),
    [
        (0.0, -90.0, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)),
        (37.0, -90.0, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)),
        (37.0, -80.0, 3.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)),
        (217.0, -90.0, 2.0, 0.08, (0.0, 0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_plants_are_where_the_truth_projects_them(
    tmp_path: Path, heading: float, pitch: float, tilt: float, slope: float, distortion: tuple[float, ...]
) -> None:
    spots = [(x, y, 0.0) for x in (-2.0, 0.0, 2.0) for y in (-1.5, 0.0, 1.5)]
    options = exact(
        FlightOptions(
            heading_deg=heading,
            gimbal_pitch_deg=pitch,
            extent_m=(1.0, 1.0),
            altitude_m=7.0,
            lon=71.3,
            **CAMERA,
            **PLAIN,
        )
    )
    fly(marked(spots, slope), replace(options, tilt_sigma_deg=tilt), tmp_path)
    document = json.loads((tmp_path / "truth.json").read_text())
    photo = document["photos"][0]
    picture = np.asarray(Image.open(tmp_path / photo["file"]))
    seen = 0
    for spot, plant in zip(spots, document["plants"], strict=True):
        expected = by_hand(document, photo, plant, slope * spot[0])
        if 40 < expected[0] < 280 and 40 < expected[1] < 200:
            seen += 1
            assert np.linalg.norm(brightest(picture, expected) - expected) < 0.6
    assert seen >= 4


def test_distortion_moves_the_picture_as_it_is_written() -> None:
    spots = [(-2.0, 1.0, 0.0), (2.0, -1.2, 0.0)]
    field = marked(spots)
    options = FlightOptions(distortion=(-0.08, 0.02, 0.001, -0.001, 0.0), **CAMERA)
    camera = options.make_camera()
    from fieldbox.simulate.camera import Shot  # noqa: PLC0415

    shot = Shot(0.2, -0.1, 6.0, rotation(37.0, 2.0, -1.0))
    picture, _ground = render(shot, camera, Pyramid(field))
    for east, north, _z in spots:
        body = np.array([north + 0.1, east - 0.2, 6.0]) @ shot.axes
        ideal = np.array([[[body[1] / body[2], -body[0] / body[2], 1.0]]])
        matrix = np.array([[camera.focal_px, 0, camera.cx], [0, camera.focal_px, camera.cy], [0, 0, 1]])
        expected = cv2.projectPoints(ideal, np.zeros(3), np.zeros(3), matrix, np.array(camera.distortion))[
            0
        ].ravel()
        assert np.linalg.norm(project(shot, camera, np.array([[east, north, 0.0]]))[0] - expected) < 1e-6
        assert np.linalg.norm(brightest(picture, expected) - expected) < 0.6


def test_overlaps_are_at_least_as_asked_and_the_field_is_covered() -> None:
    field = marked([])
    options = FlightOptions(altitude_m=3.0, forward_overlap=0.7, side_overlap=0.6, heading_deg=30.0, **CAMERA)
    waypoints = plan(field, options)
    ahead, across = 3.0 * 240 / 300, 3.0 * 320 / 300
    turn = math.radians(30.0)
    along = [w.x * math.sin(turn) + w.y * math.cos(turn) for w in waypoints]
    aside = [w.x * math.cos(turn) - w.y * math.sin(turn) for w in waypoints]
    by_line = sorted(set(np.round(aside, 6)))
    assert max(np.diff(by_line)) <= across * 0.4 + 1e-6
    first = sorted(a for a, w in zip(along, waypoints, strict=True) if w.line == 0)
    assert max(np.diff(first)) <= ahead * 0.3 + 1e-6
    for east, north in ((-8, -6), (8, -6), (8, 6), (-8, 6), (0, 0)):
        forward = east * math.sin(turn) + north * math.cos(turn)
        sideways = east * math.cos(turn) - north * math.sin(turn)
        assert any(
            abs(forward - a) < ahead / 2 and abs(sideways - s) < across / 2
            for a, s in zip(along, aside, strict=True)
        )


def test_a_flight_is_the_same_again_and_another_seed_is_not(tmp_path: Path) -> None:
    field = marked([(0.0, 0.0, 0.0)])
    options = FlightOptions(altitude_m=5.0, max_photos=2, wind_m_s=4.0, cloud_shadows=0.3, **CAMERA)
    calls: list[tuple[int, int]] = []
    fly(field, options, tmp_path / "a", lambda done, total: calls.append((done, total)))
    fly(field, options, tmp_path / "b")
    fly(field, replace(options, seed=2), tmp_path / "c")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["DJI_0001.JPG", "DJI_0002.JPG", "truth.json"]
    assert calls == [(1, 2), (2, 2)]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


def test_photos_carry_exif_and_xmp(tmp_path: Path) -> None:
    options = FlightOptions(
        altitude_m=5.0, max_photos=1, rtk=True, gps_sigma_m=0.03, lat=-33.1, lon=-70.2, **CAMERA
    )
    fly(marked([]), options, tmp_path)
    document = json.loads((tmp_path / "truth.json").read_text())
    told = document["photos"][0]["written"]
    data = (tmp_path / "DJI_0001.JPG").read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        exif = image.getexif()
        xmp = image.info["xmp"]
        assert image.size == (320, 240)
    shot, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    assert (exif[0x010F], exif[0x0131]) == ("DJI", "fieldbox simulate")
    assert (shot[0xA002], shot[0xA003]) == (320, 240)
    assert shot[0x9003] == "2026:07:01 09:30:00"
    assert float(shot[0x920A]) / 0.00155 == pytest.approx(300, rel=1e-3)
    assert (gps[1], gps[3]) == ("S", "W")
    lat = sum(float(part) / 60**power for power, part in enumerate(gps[2]))
    assert -lat == pytest.approx(told["lat"], abs=1e-9)
    text = xmp.decode() if isinstance(xmp, bytes) else xmp
    tags = next(
        element.attrib
        for element in ElementTree.fromstring(
            text[text.index("<x:xmpmeta") : text.index("<?xpacket end")]
        ).iter()
        if element.tag.endswith("Description")
    )
    dji = {key.rpartition("}")[2]: value for key, value in tags.items()}
    assert float(dji["GpsLatitude"]) == pytest.approx(told["lat"], abs=1e-9)
    assert float(dji["GpsLongitude"]) == pytest.approx(told["lon"], abs=1e-9)
    assert float(dji["RelativeAltitude"]) == pytest.approx(told["height_m"])
    assert dji["RelativeAltitude"].startswith("+")
    assert float(dji["GimbalPitchDegree"]) == -90.0
    assert float(dji["GimbalYawDegree"]) % 360 == pytest.approx(told["yaw"])
    assert (dji["RtkFlag"], dji["RtkStdLon"], dji["Simulated"]) == ("50", "0.03000", "true")
    assert float(dji["CalibratedFocalLength"]) == 300.0


def test_an_rtk_flight_states_its_other_errors_in_tags_of_its_own(tmp_path: Path) -> None:
    """DJI has none for these."""
    options = FlightOptions(altitude_m=5.0, max_photos=1, gps_sigma_m=0.03, camera="small")
    for rtk, expected in ((True, (0.03, 0.3, 1.0, 0.4)), (False, (1.5, 2.0, 3.0, 1.0))):
        fly(marked([]), replace(options, rtk=rtk), tmp_path)
        pose = read_metadata(tmp_path / "DJI_0001.JPG").pose
        assert pose is not None
        errors = (pose.error_m, pose.height_error_m, pose.yaw_error_deg, pose.tilt_error_deg)
        assert errors == pytest.approx(expected)


def test_written_poses_are_off_by_about_what_was_asked(tmp_path: Path) -> None:
    from pyproj import Geod  # noqa: PLC0415

    options = FlightOptions(
        altitude_m=3.0,
        gps_sigma_m=0.8,
        gps_drift_m=0.0,
        yaw_sigma_deg=2.0,
        tilt_sigma_deg=1.0,
        max_photos=60,
        **(CAMERA | {"width": 64, "height": 48, "focal_px": 60.0}),
    )
    fly(marked([]), options, tmp_path)
    photos = json.loads((tmp_path / "truth.json").read_text())["photos"]
    off = []
    for photo in photos:
        true, told = photo["pose"], photo["written"]
        azimuth, _, distance = Geod(ellps="WGS84").inv(true["lon"], true["lat"], told["lon"], told["lat"])
        yaw = (told["yaw"] - true["yaw"] + 180) % 360 - 180
        east = distance * math.sin(math.radians(azimuth))
        off.append((east, distance * math.cos(math.radians(azimuth)), yaw, true["pitch"]))
    assert len(off) == 60
    assert np.std(off, axis=0) == pytest.approx([0.8, 0.8, 2.0, 1.0], rel=0.35)


def test_exact_poses_are_written_as_they_are(tmp_path: Path) -> None:
    fly(marked([]), exact(FlightOptions(altitude_m=5.0, max_photos=3, **CAMERA)), tmp_path)
    for photo in json.loads((tmp_path / "truth.json").read_text())["photos"]:
        assert photo["written"] == pytest.approx(photo["pose"], abs=0.006)
        assert photo["written"]["lat"] == photo["pose"]["lat"]


def test_the_truth_tells_which_photos_show_a_plant(tmp_path: Path) -> None:
    field = marked([(0.0, 0.0, 0.0), (7.9, 5.9, 0.0)])
    fly(field, exact(FlightOptions(altitude_m=4.0, extent_m=(3.0, 3.0), **CAMERA)), tmp_path)
    document = json.loads((tmp_path / "truth.json").read_text())
    assert document["epsg"] == 32643
    assert document["plants"][0]["visible_in"] == len(document["photos"])
    assert document["plants"][1]["visible_in"] == 0
    plant = document["plants"][0]
    assert (plant["lat"], plant["lon"]) == pytest.approx((18.5612, 74.2405), abs=1e-8)
    assert len(document["extent"]) == 4


def test_a_repeated_canvas_goes_on_without_an_edge(tmp_path: Path) -> None:
    field = marked([(1.0, 2.0, 0.0)])
    options = exact(
        FlightOptions(altitude_m=8.0, extent_m=(48.0, 6.0), repeat=True, max_photos=60, **CAMERA, **PLAIN)
    )
    fly(field, options, tmp_path)
    document = json.loads((tmp_path / "truth.json").read_text())
    shown = [plant for plant in document["plants"] if plant["visible_in"]]
    assert len(shown) >= 3
    checked = 0
    for photo in document["photos"]:
        picture = np.asarray(Image.open(tmp_path / photo["file"]))
        assert picture.min() > 30
        for plant in shown:
            expected = by_hand(document, photo, plant, 0.0)
            if 40 < expected[0] < 280 and 40 < expected[1] < 200:
                checked += 1
                assert np.linalg.norm(brightest(picture, expected) - expected) < 0.7
    assert checked >= 6


def test_beyond_an_orthomosaic_it_is_black_and_beyond_a_field_it_is_not(tmp_path: Path) -> None:
    field = marked([])
    options = FlightOptions(altitude_m=20.0, **CAMERA, **PLAIN)
    fly(field, options, tmp_path / "black")
    assert np.asarray(Image.open(tmp_path / "black" / "DJI_0001.JPG"))[2, 2].max() < 8
    around = Surround(paved(np.full((256, 256), 134, np.uint8), 1), colour_table((120, 100, 80)), 1.0)
    fly(replace(field, surround=around), options, tmp_path / "soil")
    assert np.asarray(Image.open(tmp_path / "soil" / "DJI_0001.JPG"))[2, 2].min() > 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"forward_overlap": 1.0}, {"altitude_m": -1.0}, {"camera": "eye"}, {"gimbal_pitch_deg": 0.0},
        {"jpeg_quality": 5}, {"focal_px": 1.0}, {"max_photos": 0},
    ],
)  # fmt: skip
def test_wrong_options_are_refused_with_a_sentence(wrong: dict) -> None:
    with pytest.raises(Misconfigured, match="simul"):
        FlightOptions(**wrong)


def test_an_endless_flight_is_refused() -> None:
    with pytest.raises(Rejected, match="photos"):
        plan(marked([]), FlightOptions(altitude_m=0.5, extent_m=(500.0, 500.0), camera="small"))


def test_white_balance_wanders_from_photo_to_photo_only_if_asked(tmp_path: Path) -> None:
    grey = SimField(
        np.full((1200, 1600, 3), 90, np.uint8), 0.01, np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32),
        (), (16.0, 12.0), None,
    )  # fmt: skip
    options = FlightOptions(altitude_m=5.0, max_photos=6, **CAMERA, **PLAIN)
    for name, tint in (("steady", 0.0), ("wandering", 0.1)):
        fly(grey, replace(options, white_balance_drift=tint), tmp_path / name)
    steady, wandering = (
        np.array(
            [
                np.median(np.asarray(Image.open(one)), axis=(0, 1))
                for one in sorted((tmp_path / name).glob("*.JPG"))
            ]
        )
        for name in ("steady", "wandering")
    )
    assert len(steady) == 6
    assert np.abs(steady - 90).max() < 1
    assert np.abs(wandering[:, 1] - 90).max() <= 1
    assert 2 < wandering[:, 0].std() < 25
    assert 2 < wandering[:, 2].std() < 25
