from __future__ import annotations

from datetime import datetime, timedelta

from fieldbox.domain import Camera, Capture
from fieldbox.ingest.flights import flight_id, group_flights

START = datetime(2026, 6, 1, 10)
CAMERA = Camera("DJI", "FC6310", 5472, 3648, 3666, 2735.5, 1823.5)
OTHER = Camera("DJI", "FC6310", 5280, 3956, 12000, 2639.5, 1977.5)


def shot(
    number: int,
    *,
    minutes: float | None = None,
    place: tuple[float, float] | None = (12.5, 77.25),
    camera: Camera | None = CAMERA,
) -> Capture:
    return Capture(
        digest=f"{number:064x}",
        name=f"DJI_{number:04}.JPG",
        size=1,
        taken_at=None if minutes is None else START + timedelta(minutes=minutes),
        lat=place[0] if place else None,
        lon=place[1] if place else None,
        camera=camera,
        pose=None,
        unplaced=None,
    )


def numbers(flights: list[tuple[Capture, ...]]) -> list[list[int]]:
    return [[int(capture.digest, 16) for capture in flight] for flight in flights]


def test_a_pause_parts_flights() -> None:
    captures = [shot(n, minutes=n) for n in range(4)] + [shot(n, minutes=n + 21) for n in range(4, 6)]
    assert numbers(group_flights(captures[::-2] + captures[::2])) == [[0, 1, 2, 3], [4, 5]]


def test_a_change_of_battery_does_not() -> None:
    assert len(group_flights([shot(0, minutes=0), shot(1, minutes=19)])) == 1


def test_another_place_is_another_flight() -> None:
    captures = [shot(0, minutes=0), shot(1, minutes=1), shot(2, minutes=2, place=(12.52, 77.25))]
    assert numbers(group_flights(captures)) == [[0, 1], [2]]


def test_another_camera_is_another_flight_even_between() -> None:
    captures = [shot(n, minutes=n, camera=OTHER if n % 2 else CAMERA) for n in range(6)]
    assert numbers(group_flights(captures)) == [[0, 2, 4], [1, 3, 5]]


def test_photos_made_smaller_stay_in_their_flight() -> None:
    half = Camera("DJI", "FC6310", 2736, 1824, 1833, 1367.5, 911.5)
    assert len(group_flights([shot(0, minutes=0), shot(1, minutes=1, camera=half)])) == 1


def test_what_has_no_time_place_or_camera_goes_with_its_neighbours() -> None:
    captures = [
        shot(0),
        shot(1, minutes=1),
        shot(2, camera=None),
        shot(3, minutes=3, place=None),
        shot(4, minutes=60),
        shot(5, place=None, camera=None),
    ]
    assert numbers(group_flights(captures)) == [[0, 1, 2, 3], [4, 5]]
    bare = [shot(n, place=None, camera=None) for n in range(3)]
    assert numbers(group_flights(bare)) == [[0, 1, 2]]
    assert group_flights([]) == []


def test_the_name_depends_on_the_photos_alone() -> None:
    captures = [shot(n, minutes=n) for n in range(5)]
    name = flight_id(captures)
    assert len(name) == 16
    assert set(name) <= set("0123456789abcdef")
    assert flight_id(reversed(captures)) == name
    assert flight_id(captures + captures) == name
    assert flight_id(captures[1:]) != name


def test_two_drones_at_the_same_time_are_two_flights() -> None:
    captures = [shot(n, minutes=n / 2, place=(12.5, 77.25) if n % 2 else (12.6, 77.25)) for n in range(12)]
    assert numbers(group_flights(captures)) == [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]
