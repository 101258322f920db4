"""What a modem does, held by the twin in memory and by the real ModemManager on a simulated modem alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.domain import Receipt
from fieldbox.errors import Unsent
from fieldbox.simulate.modem import Fault
from fieldbox.sync.sms.memory import MemoryModem, Trouble
from fieldbox.sync.sms.modem import Barred, Came, Fate, Modem, NoModem, Reception, Report, Unconfirmed
from fieldbox.sync.sms.modemmanager import ModemManager
from tests.modems import Managed, modem_manager
from tests.programs import until

ANN, BEN = "+919812345678", "+919800000001"
HINDI = "खेत F07: खरपतवार 4 %, जगहें 3. जवाब: OK 7A1, NO 7A1, MORE 7A1, STOP. बाकी खबर कल मिलेगी।"
"""Two parts."""


@dataclass(frozen=True)
class World:
    """A modem, and what is beyond it."""

    modem: Modem
    arrived: Callable[[], list[tuple[str, str]]]
    text_in: Callable[[str, str], None]
    text_again: Callable[[], None]
    trouble: Callable[[str], None]
    serve: Callable[[bool], None]


def of_memory() -> World:
    modem = MemoryModem()

    def serve(service: bool) -> None:
        modem.service = service

    return World(
        modem,
        lambda: modem.arrived,
        modem.text_in,
        modem.text_again,
        lambda kind: modem.troubles.append(Trouble(kind)),
        serve,
    )


def of_manager(managed: Managed, modem: Modem) -> World:
    network = managed.network

    def serve(service: bool) -> None:
        network.service = service

    return World(
        modem,
        lambda: [(one.number, one.text) for one in network.arrived],
        network.text_in,
        network.text_again,
        lambda kind: network.faults.append(Fault(kind)),
        serve,
    )


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    with modem_manager(tmp_path_factory.mktemp("modem")) as found:
        yield found


@pytest.fixture(params=["memory", "ModemManager"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A modem to which nothing has happened."""
    if request.param == "memory":
        yield of_memory()
        return
    managed: Managed = request.getfixturevalue("managed")
    with closing(ModemManager(managed.address)) as modem:
        yield of_manager(managed, modem)
        managed.network.arrived.clear()
        managed.network.service = True
        for one in (*modem.came(), *modem.reports()):
            modem.delete(one.handle)


@pytest.fixture(params=["memory", "ModemManager"])
def deaf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A modem for tests after which it takes no command for minutes."""
    if request.param == "memory":
        yield of_memory()
        return
    with ExitStack() as stack:
        managed = stack.enter_context(modem_manager(tmp_path))
        modem = stack.enter_context(closing(ModemManager(managed.address, patience_s=1)))
        yield of_manager(managed, modem)


def came_of(modem: Modem, count: int = 1) -> list[Came]:
    until(lambda: len(modem.came()) >= count, "a text that came in")
    return list(modem.came())


def report_of(modem: Modem, reference: int) -> Report:
    """The report of a text; others may still come from earlier tests."""

    def those() -> list[Report]:
        return [one for one in modem.reports() if one.reference == reference]

    until(those, "its report")
    return those()[0]


def test_a_text_arrives_and_has_a_reference(world: World) -> None:
    handle = world.modem.prepare(ANN, "Fieldbox F07: weeds 4 %. OK 7A1?")
    assert world.arrived() == []
    assert world.modem.handed(handle).fate is Fate.NOT_SENT
    reference = world.modem.send(handle)
    assert world.arrived() == [(ANN, "Fieldbox F07: weeds 4 %. OK 7A1?")]
    handed = world.modem.handed(handle)
    assert (handed.fate, handed.reference) == (Fate.SENT, reference)
    assert reference is not None
    report_of(world.modem, reference)
    world.modem.delete(handle)
    assert world.modem.handed(handle).fate is Fate.FORGOTTEN


def test_the_last_part_is_reported(world: World) -> None:
    last = world.modem.send(world.modem.prepare(ANN, HINDI))
    assert last is not None
    assert world.arrived() == [(ANN, HINDI)]
    report = report_of(world.modem, last)
    assert (report.number, report.receipt) == (ANN, Receipt.DELIVERED)
    world.modem.delete(report.handle)
    assert report not in world.modem.reports()


@pytest.mark.parametrize("text", ["@£$ é ñ Ω {[~]} € 0", "a" * 161, "€" * 80, "க" * 135, "खेत"])
def test_every_letter_arrives(world: World, text: str) -> None:
    world.modem.send(world.modem.prepare(BEN, text))
    assert world.arrived() == [(BEN, text)]


def test_texts_come_in_whole_and_stay_until_they_are_deleted(world: World) -> None:
    world.text_in(ANN, "OK 7A1")
    first = came_of(world.modem)[0]
    world.text_in(BEN, HINDI)
    came = came_of(world.modem, 2)
    assert [(one.text.number, one.text.body) for one in came] == [(ANN, "OK 7A1"), (BEN, HINDI)]
    assert came[0] == first
    assert first.text.sent_at is not None
    assert abs(first.text.sent_at - datetime.now(UTC)) < timedelta(minutes=5)
    world.modem.delete(first.handle)
    assert [one.text.number for one in world.modem.came()] == [BEN]
    world.modem.delete(first.handle)


def test_a_text_that_the_network_brings_twice_is_the_same_twice(world: World) -> None:
    world.text_in(ANN, "NO 7A1")
    came_of(world.modem)
    world.text_again()
    one, other = came_of(world.modem, 2)
    assert one.text == other.text
    assert one.handle != other.handle


def test_a_sender_of_letters_is_told(world: World) -> None:
    world.text_in("FRIEND", "win a prize")
    assert came_of(world.modem)[0].text.number == "FRIEND"


def test_a_busy_network_has_not_taken_it_and_takes_it_later(world: World) -> None:
    world.trouble("busy")
    handle = world.modem.prepare(ANN, "hello")
    with pytest.raises(Unsent) as caught:
        world.modem.send(handle)
    assert caught.value.retry_helps
    assert not isinstance(caught.value, Unconfirmed)
    assert world.arrived() == []
    world.modem.send(world.modem.prepare(ANN, "hello"))
    assert world.arrived() == [(ANN, "hello")]


def test_a_number_that_is_barred_stays_so(world: World) -> None:
    world.trouble("barred")
    with pytest.raises(Barred) as caught:
        world.modem.send(world.modem.prepare(ANN, "hello"))
    assert not caught.value.retry_helps
    assert world.arrived() == []


def test_a_first_part_that_went_alone_is_no_text(world: World) -> None:
    world.trouble("busy")
    with pytest.raises(Unsent):
        world.modem.send(world.modem.prepare(ANN, HINDI))
    assert world.arrived() == []


def test_without_service_nothing_goes(world: World) -> None:
    world.serve(False)
    with pytest.raises(Unsent):
        world.modem.send(world.modem.prepare(ANN, "hello"))
    assert world.arrived() == []


def test_the_network_tells_the_time(world: World) -> None:
    told = world.modem.network_time()
    assert told is not None
    assert told.tzinfo is not None
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)


def test_reception(world: World) -> None:
    assert world.modem.reception() == Reception(registered=True, percent=54)


def test_a_handle_of_another_time_is_forgotten(world: World) -> None:
    assert world.modem.handed(":9.99/org/freedesktop/ModemManager1/SMS/0").fate is Fate.FORGOTTEN
    world.modem.delete(":9.99/org/freedesktop/ModemManager1/SMS/0")


def test_a_lost_confirmation_is_no_answer_and_its_report_still_comes(deaf: World) -> None:
    deaf.trouble("unconfirmed")
    handle = deaf.modem.prepare(ANN, "hello")
    with pytest.raises(Unconfirmed):
        deaf.modem.send(handle)
    assert deaf.modem.handed(handle).fate is Fate.NOT_SENT
    assert deaf.arrived() == [(ANN, "hello")]
    until(lambda: len(deaf.modem.reports()) == 1, "the report")
    assert deaf.modem.reports()[0].number == ANN


def test_no_modem_manager_is_told(tmp_path: Path) -> None:
    with closing(ModemManager(f"unix:path={tmp_path / 'nobody'}")) as modem:
        start = time.monotonic()
        with pytest.raises(NoModem, match="D-Bus") as caught:
            modem.prepare(ANN, "hello")
    assert caught.value.retry_helps
    assert time.monotonic() - start < 10
