"""Lists of positions and control points on cards: real photos, real files, a real store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from fieldbox.arrivals import Arrival, take_in
from fieldbox.config import Config, load_config
from fieldbox.domain import SideKind
from fieldbox.errors import Rejected
from fieldbox.given import Given, given_for
from fieldbox.imagery.kinds import MAX_TEXT_BYTES
from fieldbox.lists import NO_PHOTO_NAMED, SEVERAL_FLIGHTS, ByHand
from fieldbox.storage.store import Store
from tests.imagery.photos import dji_xmp, exif_bytes, jpeg

LAT, LON, STEP = 18.56, 74.24, 1e-4
COUNT = 4


@dataclass
class Box:
    config: Config
    store: Store

    def take(self, path: Path, **given: object) -> Arrival:
        return take_in(path, self.config, self.store, lambda *_: None, **given)  # type: ignore[arg-type]

    def given(self, arrival: Arrival) -> Given:
        (flight,) = arrival.flights
        stored = self.store.flight(flight.id)
        assert stored is not None
        return given_for(self.store, stored)

    def errors(self, arrival: Arrival) -> list[float | None]:
        return [one.pose.error_m if one.pose else None for one in self.given(arrival).flight.captures]


@pytest.fixture
def box(tmp_path: Path, empty_database: Path) -> Iterator[Box]:
    root = tmp_path / "box"
    root.mkdir()
    shutil.copy(empty_database, root / "fieldbox.db")
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(root), "FIELDBOX_STORAGE__RESERVE_MB": "0"})
    with Store.open(config.database) as store:
        yield Box(config, store)
        assert store.check() == []


def fly(
    folder: Path, *, gps: bool = True, day: int = 1, lat: float = LAT, count: int = COUNT, first: int = 1
) -> Path:
    """A line of photos to the north, 11 m and 2 s apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        place = (lat + number * STEP, LON) if gps else None
        exif = exif_bytes(place=place, taken=f"2026:06:{day:02d} 10:00:{2 * number:02d}")
        packet = dji_xmp(RelativeAltitude="+20.00", GimbalYawDegree="+0.00")
        (folder / f"DJI_{number:04d}.JPG").write_bytes(
            jpeg(exif=exif, packet=packet, seed=100 * day + number, size=(320, 256))
        )
    return folder


def geo(*numbers: int, accuracy: float = 0.03, lat: float = LAT) -> str:
    lines = [
        f"DJI_{n:04d}.JPG {LON + 1e-7:.8f} {lat + n * STEP:.8f} 560 0 0 0 {accuracy} 0.05"
        for n in numbers or range(1, COUNT + 1)
    ]
    return "\n".join(("EPSG:4326", *lines, ""))


def gcp(*, lat: float = LAT) -> str:
    lines = [
        f"{LON + 1e-5 * k} {lat + STEP * (1 + k)} {548 + k} {100 + k} 120 DJI_{n:04d}.JPG p{k}"
        for k in range(3)
        for n in (1 + k, 2 + k)
    ]
    return "\n".join(("EPSG:4326", *lines, ""))


def mrk(*numbers: int) -> str:
    lines = [
        f"{n}\t400373.488877\t[2264]\t-40,N\t0,E\t86,V\t{LAT + n * STEP:.8f},Lat\t{LON + 1e-7:.8f},Lon\t"
        "559.494,Ellh\t0.0218, 0.0394, 0.0223\t50,Q"
        for n in numbers or range(1, COUNT + 1)
    ]
    return "\n".join((*lines, ""))


def rejected(arrival: Arrival) -> dict[str, str]:
    return {one.name: str(one.reason) for one in arrival.rejected}


def test_lists_among_the_photos(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card")
    (card / "geo.txt").write_text(geo(1, 2))
    (card / "GCP_LIST.TXT").write_text(gcp())
    (card / "flight_Timestamp.MRK").write_text(mrk())
    (card / "notes.txt").write_text("wind from the west\n")
    arrival = box.take(card)
    assert [(one.name, one.kind, len(one.photos)) for one in arrival.lists] == [
        ("GCP_LIST.TXT", SideKind.CONTROL, 4),
        ("flight_Timestamp.MRK", SideKind.MRK, 4),
        ("geo.txt", SideKind.POSITIONS, 2),
    ]
    assert rejected(arrival) == {"notes.txt": "It is not a photo: give the JPEG photos that the drone took."}
    assert (arrival.accepted, arrival.duplicates) == (4, 0)
    # A list that somebody made counts more than the drone's own.
    assert box.errors(arrival) == pytest.approx([0.03, 0.03, 0.0318, 0.0318], abs=1e-4)
    control = box.given(arrival).control
    assert control is not None
    assert len(control.points) == 3
    digests = {one.digest for one in arrival.flights[0].captures}
    assert {mark.image for mark in control.marks} == digests
    assert [one.pose for one in arrival.flights[0].captures] == list(box.given(arrival).poses.values())


def test_a_list_that_comes_later_alone(box: Box, tmp_path: Path) -> None:
    first = box.take(fly(tmp_path / "card"))
    before = box.given(first)
    later = tmp_path / "later"
    later.mkdir()
    (later / "gcp_list.txt").write_text(gcp())
    arrival = box.take(later)
    assert (arrival.accepted, arrival.duplicates, arrival.rejected) == (0, 0, ())
    assert [flight.id for flight in arrival.flights] == [first.flights[0].id]
    assert arrival.lists[0].fresh
    found = box.given(arrival)
    assert (found.poses_key, before.control_key) == (before.poses_key, "")
    assert found.control_key
    # The same list twice changes nothing, wherever it lies.
    again = box.take(later / "gcp_list.txt")
    assert [one.fresh for one in again.lists] == [False]
    assert [flight.id for flight in again.flights] == [first.flights[0].id]
    assert box.given(again) == found
    assert len(box.store.side_files(found.poses)) == 1


def test_the_same_card_with_a_list_added(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card" / "100MEDIA").parent
    first = box.take(card)
    assert box.errors(first) == [1.5] * 4
    (card / "100MEDIA" / "geo.txt").write_text(geo())
    second = box.take(card)
    assert [flight.id for flight in second.flights] == [flight.id for flight in first.flights]
    assert box.errors(second) == [0.03] * 4
    third = box.take(card)
    assert [one.fresh for one in third.lists] == [False]
    assert box.given(third) == box.given(second)


def test_photos_without_gps_get_their_field_from_a_later_list(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card", gps=False)
    first = box.take(card)
    (flight,) = first.flights
    assert flight.field_id is None
    assert all("no GPS position" in str(one.unplaced) for one in flight.captures)
    (card / "geo.txt").write_text(geo())
    alone = box.take(card / "geo.txt", field_name="North")
    (flight,) = alone.flights
    (field,) = box.store.fields()
    assert (field.name, flight.field_id) == ("North", field.id)
    assert all(one.pose and one.unplaced is None for one in flight.captures)
    stored = box.store.flight(flight.id)
    assert stored is not None
    assert stored.field_id == field.id
    assert not any(one.pose for one in stored.captures)  # lists are never written into what photos say


def test_a_list_alone_is_about_the_flight_whose_photos_lie_there(box: Box, tmp_path: Path) -> None:
    box.take(fly(tmp_path / "north", lat=LAT + 0.05))
    south = box.take(fly(tmp_path / "south", day=2))
    (tmp_path / "geo.txt").write_text(geo())
    arrival = box.take(tmp_path / "geo.txt")
    assert [flight.id for flight in arrival.flights] == [south.flights[0].id]
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "geo.txt").write_text(geo(lat=LAT + 1))
    assert "from where their own GPS does" in rejected(box.take(tmp_path / "far"))["geo.txt"]


def test_a_list_alone_that_could_be_of_two_flights_is_refused(box: Box, tmp_path: Path) -> None:
    box.take(fly(tmp_path / "first"))
    box.take(fly(tmp_path / "second", day=8))
    (tmp_path / "gcp_list.txt").write_text(gcp())
    arrival = box.take(tmp_path / "gcp_list.txt")
    assert rejected(arrival) == {"gcp_list.txt": str(SEVERAL_FLIGHTS)}
    assert arrival.flights == ()
    # Together with its photos there is no doubt.
    shutil.copy(tmp_path / "gcp_list.txt", tmp_path / "second")
    together = box.take(tmp_path / "second")
    assert together.rejected == ()
    assert box.given(together).control is not None


def test_numbers_in_an_mrk_are_those_of_its_folder(box: Box, tmp_path: Path) -> None:
    card = tmp_path / "card"
    fly(card / "100MEDIA")
    fly(card / "101MEDIA", day=2, lat=LAT + 0.02)
    (card / "100MEDIA" / "a.MRK").write_text(mrk())
    arrival = box.take(card)
    first, second = (box.store.flight(flight.id) for flight in arrival.flights)
    assert first is not None
    assert second is not None
    assert arrival.lists[0].photos == {one.digest for one in first.captures}
    assert given_for(box.store, second).poses_key == ""


def test_photos_that_come_after_their_list(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card", count=2)
    (card / "geo.txt").write_text(geo())
    first = box.take(card)
    assert len(first.lists[0].photos) == 2
    assert "Photos of the list that are not in this flight: 2" in str(first.lists[0].problems[0])
    fly(card)
    (card / "geo.txt").unlink()
    second = box.take(card)
    assert [flight.id for flight in second.flights] == [flight.id for flight in first.flights]
    assert box.errors(second) == [0.03] * 4


def test_lists_given_by_hand_lie_elsewhere(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card")
    to_utm = Transformer.from_crs(4326, 32643, always_xy=True)
    rows = []
    for n in range(1, COUNT + 1):
        east, north = to_utm.transform(LON, LAT + n * STEP)
        rows.append(f"DJI_{n:04d}.JPG;{east:.3f};{north:.3f};560.1;0.02;0.04")
    (tmp_path / "ppk.csv").write_text("\n".join(("filename;x;y;z;accuracy horz;accuracy vert", *rows)))
    (tmp_path / "points.txt").write_text(gcp())
    by_hand = ByHand((tmp_path / "ppk.csv",), (tmp_path / "points.txt",), "EPSG:32643")
    arrival = box.take(card, lists=by_hand)
    assert arrival.rejected == ()
    assert box.errors(arrival) == [0.02] * 4
    assert box.given(arrival).control is not None
    assert [one.name for one in arrival.lists] == [str(tmp_path / "ppk.csv"), str(tmp_path / "points.txt")]


def test_a_table_among_the_photos_needs_its_projection(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card")
    (card / "ppk.csv").write_text("filename,x,y\nDJI_0001.JPG,419000.5,2052000.5\n")
    assert "in which projection" in rejected(box.take(card))["ppk.csv"]
    (card / "plain.csv").write_text(f"DJI_0001.JPG,{LAT + STEP},{LON},560,0.05,0.06\n")
    (card / "gcps.txt").write_text(gcp())
    arrival = box.take(card)
    assert [one.name for one in arrival.lists] == ["gcps.txt", "plain.csv"]
    assert box.errors(arrival) == [0.05, 1.5, 1.5, 1.5]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("geo.txt", b"", "is empty"),
        ("geo.txt", b"\x00\x01binary", "no plain text"),
        ("geo.txt", b"EPSG:99999\nDJI_0001.JPG 1 2", "no coordinate system"),
        ("geo.txt", geo().replace("DJI", "IMG").encode(), str(NO_PHOTO_NAMED)),
        ("gcp_list.txt", b"1 2 3 4 5 DJI_0001.JPG", "must name the projection"),
        ("gcp_list.txt", gcp().replace("DJI", "IMG").encode(), str(NO_PHOTO_NAMED)),
        ("a.MRK", b"nothing", "no positions of a DJI drone"),
        ("geo.txt", b"a" * 1_500_000, "no list of positions is"),
        ("table.csv", b"name,weight\nDJI_0001.JPG,3\n", "not a photo"),
        ("spreadsheet.csv", b"PK\x03\x04" + bytes(100), "not a photo"),
        ("gcps.txt", gcp().replace("DJI", "IMG").encode(), str(NO_PHOTO_NAMED)),
        ("flightlog.txt", b"x" * (MAX_TEXT_BYTES + 1), "not a photo"),
    ],
)
def test_lists_that_cannot_be_used_have_one_sentence(
    box: Box, tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    card = fly(tmp_path / "card", count=2)
    (card / name).write_bytes(data)
    arrival = box.take(card)
    assert list(rejected(arrival)) == [name]
    assert reason in rejected(arrival)[name]
    assert rejected(arrival)[name].endswith(".")
    assert (arrival.accepted, arrival.lists) == (2, ())


def test_a_wrong_name_is_told_before_anything_is_copied(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card", count=2)
    (tmp_path / "big.csv").write_bytes(b"x" * (MAX_TEXT_BYTES + 1))
    for lists, reason in (
        (ByHand(positions=(tmp_path / "gone.csv",)), "gone.csv is no file"),
        (ByHand(control=(tmp_path,)), "is no file"),
        (ByHand(control=(tmp_path / "new\nline",)), "is no file"),
        (ByHand(positions=(tmp_path / "big.csv",)), "larger than 5 MB"),
        (ByHand(system="EPSG:1"), "no coordinate system"),
    ):
        with pytest.raises(Rejected, match=reason):
            box.take(card, lists=lists)
    assert box.store.ingests() == []


def test_a_list_by_hand_that_cannot_be_read_leaves_the_photos(box: Box, tmp_path: Path) -> None:
    card = fly(tmp_path / "card", count=2)
    (tmp_path / "list.csv").write_text("no list\n")
    arrival = box.take(card, lists=ByHand(positions=(tmp_path / "list.csv",)))
    assert arrival.accepted == 2
    assert rejected(arrival) == {str(tmp_path / "list.csv"): str(NO_PHOTO_NAMED)}


def test_a_list_in_a_box_without_photos(box: Box, tmp_path: Path) -> None:
    (tmp_path / "gcp_list.txt").write_text(gcp())
    arrival = box.take(tmp_path / "gcp_list.txt")
    assert rejected(arrival) == {"gcp_list.txt": str(NO_PHOTO_NAMED)}


NAMES = st.sampled_from(["geo.txt", "gcp_list.txt", "a.MRK", "b.csv", "c.txt"])
LINES = st.sampled_from(
    [*geo().splitlines(), *gcp().splitlines(), *mrk().splitlines(), "EPSG:32643", "#", ";"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    NAMES,
    st.one_of(st.binary(max_size=300), st.lists(LINES, max_size=8).map(lambda a: "\n".join(a).encode())),
)
def test_any_bytes_are_a_list_or_have_a_sentence(box: Box, tmp_path: Path, name: str, data: bytes) -> None:
    card = tmp_path / "card"
    if not card.exists():
        fly(card, count=2)
    (card / name).write_bytes(data)
    arrival = box.take(card)
    (card / name).unlink()
    listed = [one.name for one in arrival.lists]
    assert [*listed, *rejected(arrival)] == [name]
    box.given(arrival)


# Why a list is not used is told with the flight, however long ago that was mapped


def refused(box: Box, arrival: Arrival) -> dict[str, str]:
    """Of the lists that the page of the arrival's flight tells of."""
    (flight,) = arrival.flights
    return {one.name: str(one.reason) for one in box.store.refused_lists(flight.id)}


def test_a_list_alone_that_contradicts_the_photos_is_told_with_their_flight(box: Box, tmp_path: Path) -> None:
    card = box.take(fly(tmp_path / "card"))
    other = box.take(fly(tmp_path / "other", day=3, lat=LAT + 3, first=50))
    (tmp_path / "geo.txt").write_text(geo(lat=LAT + 1))
    assert box.take(tmp_path / "geo.txt").flights == ()
    assert "from where their own GPS does" in refused(box, card)["geo.txt"]
    assert refused(box, other) == {}
    # Put right, it is used and nothing is told any more.
    (tmp_path / "right").mkdir()
    (tmp_path / "right" / "GEO.TXT").write_text(geo())
    assert box.take(tmp_path / "right").rejected == ()
    assert refused(box, card) == {}


def test_a_list_of_two_flights_is_told_with_both(box: Box, tmp_path: Path) -> None:
    flights = [box.take(fly(tmp_path / f"card{day}", day=day)) for day in (1, 8)]
    (tmp_path / "gcp_list.txt").write_text(gcp())
    box.take(tmp_path / "gcp_list.txt")
    assert [refused(box, one) for one in flights] == [{"gcp_list.txt": str(SEVERAL_FLIGHTS)}] * 2


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("geo.txt", "EPSG:99999\nDJI_0001.JPG 1 2", "no coordinate system"),
        ("gcp_list.txt", gcp().replace("DJI", "IMG"), str(NO_PHOTO_NAMED)),
        ("geo.txt", geo(lat=LAT + 1), "from where their own GPS does"),
        ("gcp_list.txt", gcp(lat=LAT + 1), "from the photos"),
    ],
)
def test_a_list_added_to_a_card_that_is_known(
    box: Box, tmp_path: Path, name: str, data: str, reason: str
) -> None:
    card = fly(tmp_path / "card")
    first = box.take(card)
    (card / "notes.txt").write_text("wind from the west\n")
    box.take(card)
    assert refused(box, first) == {}  # that is no list
    (card / name).write_text(data)
    for _time in range(2):
        box.take(card)
        assert list(refused(box, first)) == [name]
        assert reason in refused(box, first)[name]
    (one,) = box.store.refused_lists(first.flights[0].id)
    assert one.given_at == box.store.ingests()[0].started_at


def test_an_mrk_that_cannot_be_read_is_told_with_the_photos_of_its_folder(box: Box, tmp_path: Path) -> None:
    fly(tmp_path / "card" / "100MEDIA")
    fly(tmp_path / "card" / "101MEDIA", day=3, lat=LAT + 3)
    (tmp_path / "card" / "101MEDIA" / "a.MRK").write_text("nothing")
    arrival = box.take(tmp_path / "card")
    told = {flight.id: box.store.refused_lists(flight.id) for flight in arrival.flights}
    assert [len(one) for one in told.values()] == [0, 1]
