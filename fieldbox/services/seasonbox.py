"""The box's half of a simulated season: a process with the real store, that may be killed at any moment and is started again.

It has no clock and no link of its own: both are at the other end of a pipe (`fieldbox.services.season`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from numpy.typing import NDArray

from fieldbox.config import SyncConfig
from fieldbox.domain import (
    Capture,
    Cover,
    Detection,
    Field,
    Flight,
    Link,
    LinkKind,
    LinkPast,
    MessageKind,
    Outgoing,
)
from fieldbox.errors import Unavailable, Unsent
from fieldbox.i18n import Sentence
from fieldbox.simulate.season import START, Event, Named, What, survey
from fieldbox.storage.store import Store
from fieldbox.summary.v1 import summarise
from fieldbox.sync.burst import BurstReport, Limits, Sender, burst
from fieldbox.sync.policy import Outcome, Rules, Situation, Wait, decide, learnt, month_of
from fieldbox.sync.ports import Session, Traffic
from fieldbox.sync.timekeeping import TimedSession, TrustedClock
from fieldbox.wire.down import Down
from fieldbox.wire.ids import key_of

PLANTS: Final = 24
"""Of each survey, stored with it; a real one has thousands, which the outbox does not see."""
LOOK: Final = "look"
MANY_WEEDS_HA: Final = 1500
"""From so many on this farm wants to be told at once."""
_RING = ((73.85, 18.52), (73.852, 18.52), (73.852, 18.522))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the box is, and its hub."""

    box: str
    key: bytes
    """The box's private key (Ed25519), 32 bytes."""
    hub: bytes
    """The hub's public key, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the world, and what its clocks say."""

    answer: Any
    now: datetime
    elapsed: float
    failed: Sentence | None = None
    """The link does not carry."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at the link."""

    again: timedelta | None
    """When to look again; None: when something happens."""
    burst: BurstReport | None = None


class World:
    """The other end of the pipe: two clocks, and a carrier with its session."""

    name = "mqtt"
    interface: str | None = None
    spent = Traffic()

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._now, self._elapsed = START, 0.0

    def task(self) -> tuple[str, Any]:
        """What to do next; it waits for it."""
        told: tuple[str, Any] = self._heard()
        return told

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

    def _ask(self, what: str, *given: object) -> Any:
        self._pipe.send(("ask", (what, given)))
        return self._heard()

    def _heard(self) -> Any:
        said: Said = self._pipe.recv()
        self._now, self._elapsed = said.now, said.elapsed
        if said.failed is not None:
            raise Unsent(said.failed.template, **said.failed.params)
        return said.answer


def live(pipe: Connection, path: Path, identity: Identity, seed: int, fields: int) -> None:
    """Be the box, until it is killed or told to end."""
    # What it says of itself is not asked for, thousands of times.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world = World(pipe)
    while True:
        task, given = world.task()
        try:
            with Store.open(path, clock=world.now) as store:
                box = _Box(store, world, identity, (seed, fields))
                while task != "end":
                    world.tell("done", box.do(task, given))
                    task, given = world.task()
        except Unavailable as error:
            world.tell("unavailable", str(error))
            continue
        world.tell("done", None)
        return


class _Box:
    """What a box does in a season."""

    def __init__(self, store: Store, world: World, identity: Identity, made: tuple[int, int]) -> None:
        self._store, self._world, self._identity = store, world, identity
        self._seed, self._fields = made
        self._rules = Rules.of(SyncConfig())

    def do(self, task: str, given: Any) -> Any:
        """Do it; whatever was done of it before, in a process that was killed, is not done twice."""
        if task == LOOK:
            return self._look(given)
        event: Event = given
        return self._report(event) if event.what is What.REPORT else self._map(event)

    # -- what is to be sent --

    def _map(self, event: Event) -> None:
        field = self._field(event.number % self._fields)
        flight = self._flight(field, event.number)
        identity = key_of(flight.id, str(event.release))
        named = Named(identity, flight.id, field.id, event.release, self._world.now())
        told = survey(named, self._seed, event.number)
        subject = f"survey {flight.id} {field.id}"
        outgoing = [
            Outgoing(MessageKind.SUMMARY, summarise(told, field, flight), identity, subject),
        ]
        if (told.weed_count or 0) / told.area_ha >= MANY_WEEDS_HA:
            outgoing.append(_alert(told.id, field.code, subject))
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
        identity = key_of("flight", capture.digest)[:16]
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

    def _report(self, event: Event) -> None:
        counts = self._store.message_counts()
        body = {
            "v": 1,
            "made": self._world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "up_h": round(self._world.elapsed() / 3600),
            "surveys": len(self._store.surveys()),
            "outbox": {state.value: count for state, count in counts.items()},
        }
        key = key_of("report", str(event.number))
        self._store.send(Outgoing(MessageKind.BOX, json.dumps(body, separators=(",", ":")), key, "box"))

    # -- sending --

    def _look(self, links: Sequence[Link]) -> Looked:
        trusted = TrustedClock(self._world)
        now = self._world.now()
        verdict = decide(self._situation(now, links, known=trusted.known()), self._rules)
        if isinstance(verdict, Wait):
            return Looked(None if verdict.until is None else verdict.until - now)
        pasts, start = self._store.link_pasts(), self._world.elapsed()
        link = verdict.link.kind
        report, why = self._burst(verdict.byte_allowance, trusted)
        spent = self._world.traffic()
        outcome = Outcome(
            report is not None and (report.acknowledged > 0 or report.messages == 0),
            spent.total,
            0.0,
            self._world.elapsed() - start,
            why=why,
        )
        self._store.add_traffic(now.date(), link, sent=spent.sent, received=spent.received, connections=1)
        self._store.keep_link_pasts({**pasts, link: learnt(pasts.get(link, LinkPast()), outcome, now)})
        return Looked(timedelta(0), report)

    def _burst(self, allowance: int, trusted: TrustedClock) -> tuple[BurstReport | None, Sentence | None]:
        sender = Sender(
            self._identity.box,
            Ed25519PrivateKey.from_private_bytes(self._identity.key),
            Ed25519PublicKey.from_public_bytes(self._identity.hub),
            self._store,
            self._world,
            _no_commands,
        )
        try:
            inner = self._world.connect()
        except Unsent as error:
            return None, error.sentence
        session = TimedSession(inner, trusted, sender.hub, sender.box)
        try:
            report = burst(session, sender, Limits(allowance))
        finally:
            session.close()
        return report, report.why

    def _situation(self, now: datetime, links: Sequence[Link], *, known: bool) -> Situation:
        return Situation(
            now=now,
            links=links,
            waiting=self._store.waiting(now),
            next_due=self._store.next_due(now),
            used=self._used(now),
            pasts=self._store.link_pasts(),
            box=self._identity.box,
            clock_known=known,
        )

    def _used(self, now: datetime) -> Mapping[LinkKind, int]:
        first, _after = month_of(now.date(), self._rules.month_starts)
        used: dict[LinkKind, int] = {}
        for day in self._store.traffic_since(first):
            used[day.kind] = used.get(day.kind, 0) + day.sent + day.received
        return used


def _no_commands(_told: Down) -> None:
    """The hub of this season wants nothing."""


def _alert(survey_id: str, field: str, subject: str) -> Outgoing:
    body = {"v": 1, "survey": survey_id, "field": field, "why": ["weeds"]}
    return Outgoing(MessageKind.ALERT, json.dumps(body, separators=(",", ":")), survey_id, subject)


def _capture(number: int) -> Capture:
    digest = (key_of("photo", str(number)) * 4)[:64]
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


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock without a battery says after a power cut."""
