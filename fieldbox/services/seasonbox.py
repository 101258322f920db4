"""The box's half of a simulated season: a process with the real store, that may be killed at any moment and is started again.

It has no clock and no link of its own: both are at the other end of a pipe (`fieldbox.services.season`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.domain import Capture, Cover, Detection, Field, Flight, Link, MessageKind, Outgoing
from fieldbox.errors import Unavailable, Unsent
from fieldbox.i18n import Sentence
from fieldbox.services.boxclock import recalled
from fieldbox.services.boxing import report_daily
from fieldbox.services.syncing import Syncing
from fieldbox.services.syncparts import LOOK_S, Parts
from fieldbox.simulate.season import START, Event, Named, survey
from fieldbox.storage.store import Store
from fieldbox.summary.alert import alert_of, withdrawal
from fieldbox.summary.boxreport import ClockState
from fieldbox.summary.v1 import summarise
from fieldbox.sync.identity import Joined
from fieldbox.sync.memoryways import MemoryDialler, MemoryWays
from fieldbox.sync.ports import Carrier, Session, Traffic
from fieldbox.sync.timekeeping import TrustedClock
from fieldbox.telling import earlier_of
from fieldbox.wire.ids import key_of

PLANTS: Final = 24
"""Of each survey, stored with it; a real one has thousands, which the outbox does not see."""
LOOK: Final = "look"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock without a battery says after a power cut."""
_RING = ((73.85, 18.52), (73.852, 18.52), (73.852, 18.522))


def settings(folder: Path) -> Config:
    """Of a box that keeps everything in `folder`."""
    config = Config()
    return replace(config, storage=replace(config.storage, root=folder))


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the world, and what its clocks say."""

    answer: Any
    now: datetime
    elapsed: float
    failed: Sentence | None = None
    """The link does not carry."""


class World:
    """The other end of the pipe: two clocks, and a carrier with its session."""

    name = "mqtt"
    interface: str | None = None

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._now, self._elapsed = START, 0.0
        self.ways = MemoryWays()

    def task(self) -> tuple[str, Any]:
        """What to do next, and which links there are; it waits for it."""
        task, given, links = self._heard()
        self._put_links(links)
        return task, given

    def tell(self, what: str, result: object) -> None:
        """What came of it."""
        self._pipe.send((what, result))

    def now(self) -> datetime:
        """What the system's clock says, right or wrong."""
        return self._now

    def elapsed(self) -> float:
        """Seconds that never jump."""
        return self._elapsed

    def synchronised(self) -> bool:
        """Nothing keeps the clock right on a farm."""
        return False

    def put(self, to: datetime) -> bool:
        """Set the system's clock."""
        self._ask("put", to)
        return True

    @property
    def spent(self) -> Traffic:
        """As of `Carrier`."""
        spent: Traffic = self._ask("spent")
        return spent

    @spent.setter
    def spent(self, spent: Traffic) -> None:
        """The other end counts; nobody sets it here."""
        raise NotImplementedError

    def connect(self) -> Session:
        """Open a connection. Raises Unsent."""
        self._ask("connect")
        return self

    def send(self, frame: bytes) -> None:
        """As of `Session`."""
        self._ask("send", frame)

    def receive(self, seconds: float) -> bytes | None:
        """As of `Session`."""
        word: bytes | None = self._ask("receive", seconds)
        return word

    def taken(self) -> None:
        """As of `Session`."""
        self._ask("taken")

    def round_trip(self) -> float:
        """As of `Session`."""
        return float(self._ask("round_trip"))

    def traffic(self) -> Traffic:
        """As of `Session`."""
        spent: Traffic = self._ask("traffic")
        return spent

    def close(self) -> None:
        """As of `Session`."""
        self._ask("close")

    def _put_links(self, links: Sequence[Link]) -> None:
        for name in set(self.ways.links) - {one.name for one in links}:
            self.ways.take(name)
        for one in links:
            if one.name not in self.ways.links:
                self.ways.put(one)

    def _ask(self, what: str, *given: object) -> Any:
        self._pipe.send(("ask", (what, given)))
        return self._heard()

    def _heard(self) -> Any:
        said: Said = self._pipe.recv()
        self._now, self._elapsed = said.now, said.elapsed
        if said.failed is not None:
            raise Unsent(said.failed.template, **said.failed.params)
        return said.answer


def live(pipe: Connection, folder: Path, seed: int, fields: int) -> None:
    """Be the box, until it is killed or told to end."""
    # What it says of itself is not asked for, thousands of times.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world, config = World(pipe), settings(folder)
    task, given = world.task()
    while task != "end":
        clock = TrustedClock(world)
        try:
            with Store.open(config.database, clock=clock.now) as store:
                recalled(store, clock)
                box = _Box(store, _syncing(config, store, world, clock), clock.now, (seed, fields))
                while task != "end":
                    world.tell("done", box.do(task, given))
                    task, given = world.task()
        except Unavailable as error:  # the disk is full: as a service that begins anew
            world.tell("unavailable", str(error))
            task, given = world.task()
    world.tell("done", None)


def _syncing(config: Config, store: Store, world: World, clock: TrustedClock) -> Syncing:
    """The process that sends, with a link and a clock of this world."""

    def carrier(_mine: Joined) -> tuple[Carrier, bool]:
        return world, False

    def report() -> None:
        report_daily(config, store, clock.now(), ClockState.SET if clock.known() else ClockState.UNSET)

    return Syncing(config, store, Parts(world.ways, MemoryDialler(), clock, carrier, report=report))


class _Box:
    """What a box does in a season."""

    def __init__(
        self, store: Store, syncing: Syncing, now: Callable[[], datetime], made: tuple[int, int]
    ) -> None:
        self._store, self._syncing, self._now = store, syncing, now
        self._seed, self._fields = made

    def do(self, task: str, given: Any) -> timedelta | None:
        """Do it; whatever was done of it before, in a process that was killed, is not done twice. Of a look at the link: when
        to look again, None: when something happens."""
        if task == LOOK:
            return self._look()
        self._map(given)
        return None

    def _look(self) -> timedelta | None:
        pause = self._syncing.step()
        if pause < LOOK_S:
            return timedelta(seconds=pause)
        state = self._store.link_state()
        return None if state is None or state.next_try is None else state.next_try - self._now()

    def _map(self, event: Event) -> None:
        field = self._field(event.number % self._fields)
        flight = self._flight(field, event.number)
        identity = survey_id(event)
        named = Named(identity, flight.id, field.id, event.release, self._now())
        told = survey(named, self._seed, event.number)
        alert = alert_of(told, field, flight, earlier_of(self._store, told, flight), None)
        outgoing = [
            Outgoing(
                MessageKind.SUMMARY,
                summarise(told, field, flight),
                identity,
                subject=f"survey {flight.id} {field.id}",
            ),
            alert or withdrawal(told, field, flight),
        ]
        self._store.save_survey(
            told,
            _plants(flight, event.number),
            outgoing,
            plan_key="plan",
            release_sha=f"{event.release:064x}",
            to_geographic=_to_geographic,
        )

    def _field(self, number: int) -> Field:
        name = f"Field {number + 1}"
        found = [one for one in self._store.fields() if one.name == name]
        return found[0] if found else self._store.add_field(name, _RING, drawn=True, crop="tomato")

    def _flight(self, field: Field, number: int) -> Flight:
        capture = _capture(number)
        identity = _flight_id(number)
        known = self._store.flight(identity)
        if known is not None:
            return known
        ingest = self._store.begin_ingest(f"card {number}")
        self._store.add_capture(capture, ingest_id=ingest)
        flown = (START + timedelta(days=2 * number)).replace(tzinfo=None)
        flight = Flight(identity, field.id, flown, flown + timedelta(minutes=12), (capture,), simulated=True)
        self._store.save_flight(flight)
        self._store.end_ingest(ingest, duplicates=0)
        return flight


def survey_id(event: Event) -> str:
    """Of the survey that a flight or a new analysis gives."""
    return key_of(_flight_id(event.number), str(event.release))


def _flight_id(number: int) -> str:
    return key_of("flight", _digest(number))[:16]


def _digest(number: int) -> str:
    return (key_of("photo", str(number)) * 4)[:64]


def _capture(number: int) -> Capture:
    digest = _digest(number)
    taken = datetime(2027, 6, 10, 9)
    return Capture(digest, f"DJI_{number:04d}.JPG", 6_000_000 + number, taken, None, None, None, None, None)


def _plants(flight: Flight, number: int) -> list[Detection]:
    chance = np.random.default_rng(number)
    digest = flight.captures[0].digest
    found = []
    for east, north in chance.uniform(0, 80, (PLANTS, 2)):
        outline = np.array([[east, north], [east + 0.04, north], [east, north + 0.05]])
        found.append(
            Detection(Cover.WEED, 0.8, float(east), float(north), outline, 0.001, 2.5, digest, 9.0, 9.0)
        )
    return found


def _to_geographic(
    east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return 18.52 + north / 111_000, 73.85 + east / 105_000
