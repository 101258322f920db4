"""The intake: whatever way photos come, they come in once, whole, and say so."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fieldbox.arrivals import take_in
from fieldbox.config import Config
from fieldbox.domain import Bringing, Brought, Came, FileState, IntakeStatus, Offer, Way
from fieldbox.i18n import Sentence
from fieldbox.ingest.status import ALIVE_S, Board, read_status
from fieldbox.services.doors import Doors, uploads_of
from fieldbox.storage.store import Store
from tests.path.box import COMMAND, REPOSITORY, Box, simulated

SETTLE_S = 10.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen photos; not to be changed."""
    return simulated(tmp_path_factory.mktemp("flown") / "card", camera="tiny")[0]


class House:
    """A box with its doors, and a clock that the tests move."""

    def __init__(self, root: Path) -> None:
        settings = {
            "FIELDBOX_INGEST__CARDS_FOLDER": str(root / "cards"),
            "FIELDBOX_INGEST__SETTLE_SECONDS": str(SETTLE_S),
        }
        self.box = Box(root / "root", settings)
        self.config: Config = self.box.config
        self.drop, self.cards = self.config.drop_folder, root / "cards"
        self.box.root.mkdir(parents=True)
        self.drop.mkdir()
        self.cards.mkdir()
        self.clock = Clock()
        self.store = Store.open(self.config.database)
        self.doors = self.opened()

    def opened(self) -> Doors:
        # A card of these tests is a folder: mounting is for root.
        return Doors(
            self.config,
            self.store,
            clock=self.clock,
            is_card=lambda path: any(path.iterdir()),
            beat_s=0.01,
        )

    def look(self, times: int = 1, seconds: float = SETTLE_S) -> list[Brought]:
        """What came of so many looks, the newest first."""
        before = len(self.doors.board.last)
        for _ in range(times):
            self.clock.now += seconds
            self.doors.look()
        last = self.doors.board.last
        return list(last[: len(last) - before])

    def photos(self) -> int:
        return sum(row.captures for row in self.store.flights())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()


def given(flight: Path, folder: Path, count: int = 3, first: int = 0) -> list[Path]:
    """Some photos of the flight."""
    folder.mkdir(parents=True, exist_ok=True)
    every = sorted(flight.glob("*.JPG"))[first : first + count]
    return [Path(shutil.copy(one, folder)) for one in every]


def test_a_folder_comes_in_when_it_has_stopped_growing(house: House, flight: Path) -> None:
    photos = given(flight, house.drop / "today")
    whole = photos[-1].read_bytes()
    for part in (4, 3, 2):  # over a slow network
        photos[-1].write_bytes(whole[: len(whole) // part])
        assert house.look() == []
    photos[-1].write_bytes(whole)
    assert house.look() == []
    (came,) = house.look()
    assert (came.way, came.name, came.outcome) == (Way.DROP, "today", Came.DONE)
    assert (came.accepted, came.rejected, house.photos()) == (3, 0, 3)
    assert came.flights == tuple(row.id for row in house.store.flights())
    assert house.store.checks(came.flights).keys() == set(came.flights)
    assert house.store.job_for_flight(came.flights[0]) is not None
    assert all(photo.exists() for photo in photos)


def test_what_takes_long_is_shown_as_long_as_it_takes(house: House, flight: Path) -> None:
    """Finding which way photos look, say: nobody counts on there."""
    given(flight, house.cards / "sda1")
    looking = threading.Thread(target=house.look)

    def told() -> IntakeStatus:
        status = read_status(house.box.root)
        assert status is not None
        return status

    house.doors.board.write()
    with house.store.grouping_lock():
        looking.start()
        waited(lambda: bool(told().now) and told().now[0].step == "read")
        waited(lambda: not house.store.given_in(1, state=FileState.COPIED))
        before = told().at
        house.clock.now += ALIVE_S
        waited(lambda: told().at > before)
        assert told().now[0].name == "sda1"
    looking.join()
    assert house.doors.board.last[0].outcome is Came.DONE


def test_what_was_copied_comes_in_without_its_card(house: House, flight: Path) -> None:
    """The intake was killed, and the worker runs on: nobody else would go on with it."""
    card = house.cards / "sda1"
    given(flight, card)

    def killed(step: str, _done: int, _total: int) -> None:
        if step == "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(card, house.config, house.store, killed)
    house.doors.take_up()
    assert house.photos() == 0  # it is given again as it is
    shutil.rmtree(card)
    house.doors.take_up()
    (row,) = house.store.flights()
    assert (row.captures, row.job is not None) == (3, True)


def test_what_was_taken_in_is_not_taken_in_again_also_after_a_restart(house: House, flight: Path) -> None:
    given(flight, house.drop / "today")
    house.look(2)
    assert house.look(5) == []
    house.doors = house.opened()
    assert house.look(5) == []
    given(flight, house.drop / "today", first=3, count=1)
    (came,) = house.look(3)
    # Their map is still to come, so this is more of the same.
    assert (came.accepted + came.duplicates, house.photos()) == (4, 4)


def test_loose_files_come_in_without_the_folders_beside_them(house: House, flight: Path) -> None:
    given(flight, house.drop)
    growing = given(flight, house.drop / "growing", first=3)[0]
    seen: list[Brought] = []
    for _ in range(3):
        with growing.open("ab") as file:
            file.write(b"more")
        seen += house.look()
    (came,) = seen
    assert (came.name, came.accepted, came.rejected) == ("", 3, 0)


def test_a_file_under_a_temporary_name_is_waited_for_and_never_taken(house: House, flight: Path) -> None:
    given(flight, house.drop / "today")
    part = house.drop / "today" / "DJI_0099.JPG.part"
    part.write_bytes(b"half")
    assert house.look(5) == []
    (came,) = house.look(15)
    assert (came.accepted, came.rejected) == (3, 0)


def test_useless_files_are_told_once_and_do_not_stop_the_others(house: House, flight: Path) -> None:
    (house.drop / "a").mkdir()
    (house.drop / "a" / "list.pdf").write_bytes(b"%PDF-1.4")
    given(flight, house.drop / "b")
    good, bad = house.look(4)
    assert (good.name, good.outcome) == ("b", Came.DONE)
    assert (bad.name, bad.outcome, bad.rejected) == ("a", Came.REFUSED, 1)
    assert bad.sentence is not None


def test_a_card_comes_in_once_as_long_as_it_is_there(house: House, flight: Path) -> None:
    card = house.cards / "sda1"
    given(flight, card / "DCIM")
    (card.parent / "sda1.json").write_text(json.dumps({"label": "SD_64", "at": "1", "state": "ready"}))
    (came,) = house.look(3)
    assert (came.way, came.name, came.accepted, came.may_pull) == (Way.CARD, "SD_64", 3, True)
    shutil.rmtree(card)
    assert house.look() == []
    # Plugged in again: nothing changes.
    given(flight, card / "DCIM")
    (again,) = house.look(2)
    assert (again.outcome, again.flights, house.photos()) == (Came.DONE, came.flights, 3)


def test_a_card_with_nothing_but_folders_is_told(house: House) -> None:
    (house.cards / "sda1" / "DCIM").mkdir(parents=True)
    (came,) = house.look(3)
    assert (came.outcome, came.may_pull) == (Came.REFUSED, True)
    assert str(came.sentence).startswith("There are no photos here")


def test_a_card_that_cannot_be_read_is_told_once(house: House) -> None:
    sentence = json.loads(Sentence("The card is empty.").to_json())
    told = {"state": "refused", "label": "", "at": "1", "sentence": sentence}
    (house.cards / "sdb1.json").write_text(json.dumps(told))
    (came,) = house.look(3)
    assert (came.way, came.outcome, str(came.sentence)) == (Way.CARD, Came.REFUSED, "The card is empty.")
    house.doors = house.opened()
    assert house.look() == []


class Watching(Board):
    """Remembers whether the card might be pulled out, by steps."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.told: dict[str, set[bool]] = {}

    def show(self, now: Bringing | None) -> None:
        if now:
            self.told.setdefault(now.step, set()).add(now.may_pull)
        super().show(now)


@pytest.mark.parametrize(
    ("full", "told"), [(False, {"copy": {False}, "read": {True}}), (True, {"copy": {False}, "rest": {False}})]
)
def test_a_card_may_be_pulled_out_when_all_of_it_is_copied(
    house: House, flight: Path, full: bool, told: dict[str, set[bool]]
) -> None:
    if full:
        free = shutil.disk_usage(house.box.root).free // 2**20
        house.config = house.box.with_settings(storage__reserve_mb=str(free + 10_000)).config
        house.doors = house.opened()
    house.doors.board = watching = Watching(house.box.root)
    given(flight, house.cards / "sda1")
    house.doors.look()
    assert watching.told == told


def test_a_full_disk_is_told_and_tried_again(tmp_path: Path, flight: Path) -> None:
    house = House(tmp_path)
    free = shutil.disk_usage(tmp_path).free // 2**20
    roomy, full = house.config, house.box.with_settings(storage__reserve_mb=str(free + 10_000)).config
    house.config = full
    house.doors = house.opened()
    given(flight, house.drop / "today")
    (came,) = house.look(2)
    assert (came.outcome, came.may_pull) == (Came.WAITING, False)
    assert "full" in str(came.sentence)
    house.doors._config = roomy
    assert house.look() == []  # not at once
    house.look(5)
    assert house.doors.board.last[0].outcome is Came.DONE
    assert len(house.doors.board.last) == 1
    house.store.close()


def sent(house: House, photos: list[Path], field: str | None = None) -> str:
    """An upload that came whole."""
    uploads = uploads_of(house.config)
    session = uploads.create("asha", field)
    offers = [Offer(f"DCIM/{one.name}", one.stat().st_size, 1) for one in photos]
    for standing, photo in zip(uploads.offer(session, offers), photos, strict=True):
        data = photo.read_bytes()
        assert standing.number is not None
        uploads.write(session, standing.number, 0, data, zlib.crc32(data))
    uploads.finish(session)
    return session.id


def test_an_upload_comes_in_on_its_field_and_is_cleared_away(
    house: House, flight: Path, tmp_path: Path
) -> None:
    sent(house, given(flight, tmp_path / "phone"), "North field")
    (came,) = house.look()
    assert (came.way, came.outcome, came.accepted) == (Way.UPLOAD, Came.DONE, 3)
    assert [one.name for one in house.store.fields()] == ["North field"]
    assert uploads_of(house.config).sessions() == []


def test_an_upload_that_is_of_no_use_says_why(house: House, tmp_path: Path) -> None:
    (tmp_path / "list.pdf").write_bytes(b"%PDF-1.4")
    sent(house, [tmp_path / "list.pdf"])
    (came,) = house.look(2)
    assert (came.outcome, came.rejected) == (Came.REFUSED, 1)


def waited(until: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_service_runs_until_it_is_told_to_stop(tmp_path: Path, flight: Path) -> None:
    settings = {
        "FIELDBOX_INGEST__CARDS_FOLDER": str(tmp_path / "cards"),
        "FIELDBOX_INGEST__SETTLE_SECONDS": "0.3",
    }
    box = Box(tmp_path / "root", settings)
    service = subprocess.Popen(
        [*COMMAND, "intake"], env=box.environment, cwd=REPOSITORY, stderr=subprocess.PIPE
    )
    try:
        waited(lambda: read_status(box.root) is not None)
        given(flight, box.root / "drop" / "today")
        waited(lambda: bool((status := read_status(box.root)) and status.last))
        status = read_status(box.root)
        assert status is not None
        assert status.last[0].accepted == 3
    finally:
        service.send_signal(signal.SIGTERM)
        _out, err = service.communicate(timeout=120)
    assert service.returncode == 0, err
    assert b"Traceback" not in err


def test_a_service_that_is_killed_while_it_copies_goes_on(tmp_path: Path, flight: Path) -> None:
    settings = {
        "FIELDBOX_INGEST__CARDS_FOLDER": str(tmp_path / "cards"),
        "FIELDBOX_INGEST__SETTLE_SECONDS": "0.2",
    }
    box = Box(tmp_path / "root", settings)
    photos = given(flight, box.root / "drop" / "today", count=100)
    originals = box.root / "originals"
    for stop in (signal.SIGKILL, signal.SIGTERM):
        service = subprocess.Popen([*COMMAND, "intake"], env=box.environment, cwd=REPOSITORY)
        try:
            if stop is signal.SIGKILL:
                waited(lambda: len(list(originals.glob("*/*"))) >= 3)
            else:
                waited(lambda: bool((status := read_status(box.root)) and status.last))
        finally:
            service.send_signal(stop)
            service.wait(timeout=120)
    with box.store() as store:
        assert sum(row.captures for row in store.flights()) == len(photos)
        assert store.rejections() == []
    assert list((box.root / "tmp").iterdir()) == []
