"""What is found of a flight before its pilot leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
import shapely

from fieldbox.checking import Seeing, check_flight
from fieldbox.domain import Camera, Capture, CaptureKind, Finding, FlightCheck, Pose, Source, Verdict
from fieldbox.georef.plane import GroundPlane
from fieldbox.i18n import Sentence
from fieldbox.imagery.film import NO_TELEMETRY
from fieldbox.imagery.glance import LONG, SHORT, Glance
from fieldbox.imagery.poses import NO_DIRECTION, NO_POSITION, ONLY_SEA_LEVEL

CAMERA = Camera("DJI", "test", 400, 300, 400.0, 199.5, 149.5)
PLANE = GroundPlane.for_point(18.5, 74.2)
EAST, NORTH = (float(one) for one in PLANE.to_ground(18.5, 74.2))
NOON = datetime(2026, 6, 1, 12, 0)
SEEING = Seeing(25.0, 25.5, 10.0, 4, 2.0)
NO_HEADING = Sentence("It has no heading.")


def capture(number: int, east: float, north: float) -> Capture:
    """Looks straight down from 10 m: 10 x 7.5 m at 25 mm per pixel."""
    lat, lon = (float(one) for one in PLANE.to_geographic(EAST + east, NORTH + north))
    yaw = PLANE.convergence_deg(lat, lon)
    pose = Pose(lat, lon, 10.0, yaw, 0.0, 0.0, 1.5, 2.0, 3.0, 1.0)
    taken = NOON + timedelta(seconds=2 * number)
    return Capture(f"{number:064x}", f"{number}.jpg", 6_000_000, taken, lat, lon, CAMERA, pose, None)


def lines(count: int = 8, photos: int = 12) -> list[Capture]:
    """Flown to and fro, with 75 % and 65 % overlap."""
    places = [(3.5 * line, 1.9 * step) for line in range(count) for step in range(photos)]
    return [capture(number, east, north) for number, (east, north) in enumerate(places)]


def glance(sharpness: float = -0.05, over: float = 0.0, under: float = 0.0) -> Glance:
    plain = np.full((SHORT, LONG, 3), 90, np.uint8)
    texture = np.zeros((3 * SHORT, 3 * LONG), np.uint8)
    return Glance(plain, np.zeros((SHORT, LONG), np.uint8), texture, over, under, sharpness)


def checked(
    captures: list[Capture], worse: Glance | None = None, count: int = 0, **more: object
) -> FlightCheck:
    """Of photos that look well, but for `count` that look like `worse`."""
    glances = {one.digest: glance() for one in captures}
    if worse is not None:
        glances |= {one.digest: worse for one in captures[:count]}
    return check_flight(captures, glances, SEEING, NOON + timedelta(hours=1), **more)  # type: ignore[arg-type]


def only(check: FlightCheck) -> Finding:
    (found,) = check.findings
    return found


def test_a_sound_flight_is_good() -> None:
    check = checked(lines())
    assert check.findings == ()
    assert check.verdict is Verdict.GOOD
    assert (check.photos, check.placed, check.blurred, check.badly_exposed) == (96, 96, 0, 0)
    assert check.gsd_mm == pytest.approx(25.0, rel=0.01)
    assert check.overlap is not None
    assert check.overlap >= 8
    assert check.holes == ()
    assert check.started_at == NOON


def test_the_smallest_weed_is_the_disc_of_the_fewest_cells() -> None:
    # 2 cells of 4 pixels of 25 mm: 0.02 m2.
    assert checked(lines()).smallest_weed_mm == pytest.approx(2000 * (0.02 / np.pi) ** 0.5, rel=0.01)
    # The model looks at what is finer on its own scale.
    assert SEEING.smallest_weed_mm(2.0) == SEEING.smallest_weed_mm(10.0)


def test_ground_on_no_photo_is_a_hole_with_its_place() -> None:
    gap = [one for number, one in enumerate(lines(12)) if number // 12 not in (4, 5, 6, 7)]
    check = checked(gap)
    hole = next(one for one in check.findings if one.kind == "holes")
    # Lines 4 to 7 of 3.5 m are gone: between the photos of lines 3 and 8, 17.5 - 10 m, of 48.5 m.
    assert check.bare_pct == pytest.approx(100 * 7.5 / 48.5, abs=1.5)
    assert hole.verdict is Verdict.AGAIN
    assert check.verdict is Verdict.AGAIN
    lon, lat = np.array(check.holes[0][0]).T
    shape = shapely.Polygon(np.column_stack(PLANE.to_ground(lat, lon)) - (EAST, NORTH))
    assert shape.bounds[0] == pytest.approx(15.5, abs=0.6)
    assert shape.bounds[2] == pytest.approx(23.0, abs=0.6)


def test_a_field_that_somebody_drew_must_be_shown_whole() -> None:
    around = shapely.box(-5, -3.75, 60, 24.65).exterior.coords[:-1]
    east, north = np.array(around).T
    lat, lon = PLANE.to_geographic(east + EAST, north + NORTH)
    ring = tuple(zip(lon.tolist(), lat.tolist(), strict=True))
    check = checked(lines(), field=ring)
    assert check.verdict is Verdict.AGAIN
    assert check.bare_pct == pytest.approx(100 * (60 - 29.5) / 65, abs=1.5)
    assert checked(lines()).bare_pct == 0


def test_lines_far_apart_are_thin() -> None:
    check = checked([one for number, one in enumerate(lines(9)) if number // 12 % 2 == 0 and number % 3 == 0])
    assert only(check).kind == "overlap"
    assert check.verdict is Verdict.USABLE
    assert check.thin


@pytest.mark.parametrize(
    ("count", "verdict"), [(4, Verdict.GOOD), (6, Verdict.USABLE), (28, Verdict.USABLE), (30, Verdict.AGAIN)]
)
@pytest.mark.parametrize(
    ("worse", "kind"),
    [
        (glance(sharpness=-0.5), "blur"),
        (glance(over=0.2), "exposure"),
        (glance(under=0.3), "exposure"),
    ],
)
def test_bad_photos_count_by_their_share(worse: Glance, kind: str, count: int, verdict: Verdict) -> None:
    check = checked(lines(), worse, count)
    assert check.verdict is verdict
    assert [one.kind for one in check.findings] == ([] if verdict is Verdict.GOOD else [kind])
    assert (check.blurred if kind == "blur" else check.badly_exposed) == count


def test_sharpness_that_is_not_known_is_no_blur() -> None:
    assert checked(lines(), glance(sharpness=float("nan")), 96).verdict is Verdict.GOOD


def test_too_coarse_for_weeds_says_from_where_to_fly() -> None:
    finer = replace(SEEING, coarsest_gsd_mm=20.0, still_gsd_mm=20.4)
    found = only(check_flight(lines(), {}, finer, NOON))
    assert (found.kind, found.verdict) == ("gsd", Verdict.USABLE)
    assert found.sentence.params["height"] == pytest.approx(8.0, abs=0.11)
    almost = replace(SEEING, coarsest_gsd_mm=24.8, still_gsd_mm=25.3)
    assert check_flight(lines(), {}, almost, NOON).findings == ()


def unplaced(one: Capture, *, gps: bool) -> Capture:
    if gps:
        return replace(one, pose=None, unplaced=NO_HEADING)
    return replace(one, pose=None, unplaced=NO_POSITION, lat=None, lon=None)


def test_photos_without_gps_are_told_and_more_than_half_of_them_are_too_many() -> None:
    some = [unplaced(one, gps=False) if number < 10 else one for number, one in enumerate(lines())]
    check = checked(some)
    found = next(one for one in check.findings if one.kind == "gps")
    assert (found.verdict, found.sentence.params) == (Verdict.USABLE, {"count": 10, "total": 96})
    none = checked([unplaced(one, gps=False) for one in lines()])
    assert only(none).kind == "gps"
    assert none.verdict is Verdict.AGAIN
    assert (none.placed, none.gsd_mm, none.overlap, none.bare_pct) == (0, None, None, None)


def test_photos_with_gps_and_without_a_pose_say_why() -> None:
    some = [unplaced(one, gps=True) if number < 10 else one for number, one in enumerate(lines())]
    found = next(one for one in checked(some).findings if one.kind == "pose")
    assert (found.verdict, found.because) == (Verdict.USABLE, NO_HEADING)
    nothing_else = only(checked([unplaced(one, gps=True) for one in lines()]))
    assert (nothing_else.kind, nothing_else.verdict) == ("pose", Verdict.AGAIN)


def test_frames_without_subtitles_lack_these_and_not_gps() -> None:
    alone = [replace(one, lat=None, lon=None, pose=None, unplaced=NO_TELEMETRY) for one in lines()]
    found = only(checked(alone))
    assert (found.kind, found.verdict, found.because) == ("pose", Verdict.AGAIN, NO_TELEMETRY)


@pytest.mark.parametrize("reason", [NO_DIRECTION, ONLY_SEA_LEVEL])
def test_photos_that_the_pixels_place_are_not_lost(reason: Sentence) -> None:
    found = only(checked([replace(one, pose=None, unplaced=reason) for one in lines()]))
    assert (found.kind, found.verdict) == ("pixels", Verdict.USABLE)
    assert "from what they show" in str(found.sentence)
    few = only(checked([replace(one, pose=None, unplaced=reason) for one in lines()[:3]]))
    assert (few.kind, few.because) == ("pose", reason)


def test_a_pose_without_a_tagged_position_is_a_place() -> None:
    assert checked([replace(one, lat=None, lon=None) for one in lines()]).findings == ()


@pytest.mark.parametrize(
    ("shift", "wrong"),
    [
        (timedelta(days=-29), False),
        (timedelta(days=-31), True),
        (timedelta(days=-4000), True),
        (timedelta(hours=14), False),
        (timedelta(days=2), True),
    ],
)
def test_a_clock_that_may_be_wrong_is_told(shift: timedelta, wrong: bool) -> None:
    moved = [replace(one, taken_at=one.taken_at + shift) for one in lines() if one.taken_at]
    assert [one.kind for one in checked(moved).findings] == (["clock"] if wrong else [])


def test_no_clock_at_all_is_told() -> None:
    check = checked([replace(one, taken_at=None) for one in lines()])
    assert only(check).kind == "clock"
    assert check.started_at is None


def test_the_panel_is_no_photo_of_the_field() -> None:
    source = Source(CaptureKind.BANDS, ("1" * 64,), (1,))
    panel = replace(unplaced(capture(500, 0, 0), gps=False), source=source)
    check = checked([*lines(), panel])
    assert check.findings == ()
    assert check.photos == 96


def test_an_orthomosaic_is_not_flown() -> None:
    source = Source(CaptureKind.TILE, ("2" * 64,), (0, 0, 400, 300))
    tiles = [replace(one, taken_at=None, source=source) for one in lines()]
    assert checked(tiles).findings == ()
    coarse = only(check_flight(tiles, {}, replace(SEEING, coarsest_gsd_mm=5.0, still_gsd_mm=5.1), NOON))
    assert "mosaic" in str(coarse.sentence)
    assert coarse.sentence.params["least"] == 5.0


def test_the_gravest_comes_first() -> None:
    moved = [replace(one, taken_at=None) for one in lines()]
    check = checked(moved, glance(sharpness=-0.6), 90)
    assert [one.kind for one in check.findings] == ["blur", "clock"]
