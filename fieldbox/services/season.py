"""`fieldbox simulate season`: months without a link, then a bad one, until every message has arrived.

The box is a process of its own (`fieldbox.services.seasonbox`) that is killed with SIGKILL where the season cuts the power; the
hub, the link and both clocks are here. SIGKILL leaves what the kernel has not written yet in its cache: cuts that lose it too
are replayed from a log of a disk's writes in `tests/durability/outbox_proof.py`.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from fieldbox.domain import PRIORITY, Link, LinkKind, Message, MessageKind, MessageState
from fieldbox.errors import Unsent
from fieldbox.hub.home import Home, found
from fieldbox.hub.joining import enrol
from fieldbox.hub.receiving import key_of, receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from fieldbox.i18n import Sentence
from fieldbox.services.seasonbox import EPOCH, LOOK, Said, live, settings, survey_id
from fieldbox.services.smalldisk import SmallDisk, small_disk
from fieldbox.simulate.season import START, Event, Season, What
from fieldbox.storage.store import Store
from fieldbox.sync import identity
from fieldbox.sync.failing import broken
from fieldbox.sync.memorylink import MemoryCarrier, MemorySession, Plan, SimulatedClock
from fieldbox.sync.ports import Traffic
from fieldbox.wire import frame as frames
from fieldbox.wire.ids import TIME_DIGITS

DISK_BYTES: Final = 64 * 2**20
REBOOT: Final = timedelta(seconds=40)
LONGEST_WAIT: Final = timedelta(hours=6)
SHORTEST_WAIT: Final = timedelta(minutes=1)
GIVEN_UP: Final = timedelta(days=90)
"""After the end of a season, with messages that have not arrived: something is wrong."""
LOSES: Final = 0.05
DOUBLES: Final = 0.05
SWAPS: Final = 0.05
"""Of frames and of acknowledgements: they overtake the ones before."""
GPRS: Final = Plan(round_trip=1.2, rate=2500, loses=LOSES, doubles=DOUBLES, cuts=0.01, refuses=0.05)
_MODEM: Final = Link(LinkKind.MODEM, "wwan0", metered=True)
_CUT, _FULL = object(), object()
CONNECTION: Final = "connection"
IN_CONNECTIONS: Final = 0.8
"""Share of cuts that wait for a connection where there is a link."""
Shown = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the outbox takes at a moment."""

    day: float
    rows: dict[str, int]
    """By state."""
    body_bytes: int
    database_bytes: int
    """The file and its log."""


@dataclass(slots=True)
class Result:
    """What came of a season."""

    days: int
    seed: int
    surveys: int = 0
    messages: dict[str, int] = field(default_factory=dict)
    """Rows of the outbox by state at the end, but for reports that were forgotten."""
    arrived: int = 0
    """Messages in the hub's table."""
    copies: int = 0
    """Messages that reached the hub once more, and are in its table once."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Messages in the hub's table by their kind."""
    frames: int = 0
    """That the hub heard."""
    handed: int = 0
    """Frames that the box handed over; the order of each was looked at."""
    first_at: float | None = None
    """Seconds after the link came when the first message was in the hub's table."""
    alerts_at: float | None = None
    """The same of the last of those alerts that waited for it."""
    backlog_at: float | None = None
    """The same of the last of all messages that waited for it."""
    tries: int = 0
    """To connect."""
    connections: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    """IP bytes by the measured costs of the real adapter (`fieldbox.sync.memorylink.Cost`)."""
    cuts: dict[str, int] = field(default_factory=dict)
    """Power cuts by what the box did just then."""
    disk: str | None = None
    """The file system that was filled; None: none, since that needs root."""
    refused_by_disk: int = 0
    """Pieces of work that a full disk put off."""
    samples: list[Sample] = field(default_factory=list)
    simulated_days: float = 0.0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    """What should not be; nothing, where all is well."""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def season(chosen: Season, shown: Shown) -> Result:
    """Simulate a season in a temporary folder; what came of it, and what was wrong."""
    start = time.monotonic()
    with (
        TemporaryDirectory(prefix="fieldbox-season-") as name,
        small_disk(Path(name), DISK_BYTES) as disk,
        _hub(Path(name) / "hub") as (home, hub),
    ):
        world = _World(chosen, disk, home, hub, shown)
        try:
            world.run()
        finally:
            world.end()
        result = world.result
    result.seconds = time.monotonic() - start
    return result


@contextmanager
def _hub(folder: Path) -> Iterator[tuple[Home, HubStore]]:
    home = found(folder, host="hub.example", port=8883, sms=None, now=START)
    with HubStore.open(home.database) as store:
        yield home, store


def _join(folder: Path, home: Home, hub: HubStore) -> None:
    """The box and its hub get to know each other."""
    mine = identity.own(folder)
    _known, welcome = enrol(home, hub, mine.request(), "", START)
    identity.join_hub(mine, identity.welcomed(mine, welcome))


def as_text(result: Result) -> str:
    """The result in lines."""
    cuts = ", ".join(f"{what} {count}" for what, count in sorted(result.cuts.items()))
    states = ", ".join(f"{count} {state}" for state, count in result.messages.items())
    lines = [
        f"{result.days} days without a link, {result.simulated_days:.0f} in all, {result.surveys} surveys (seed {result.seed})",
        f"in the outbox at the end: {states}",
        f"in the hub's table: {_rows(result.kinds)}, each once; {result.copies} more copies reached the hub",
        f"{result.tries} tries to connect, {result.connections} connections, {result.handed} frames handed over,"
        f" {result.frames} heard,"
        f" {result.bytes_sent} IP bytes up, {result.bytes_received} down",
        f"after the link came: first message {_seconds(result.first_at)}, last alert that waited {_seconds(result.alerts_at)},"
        f" all that waited {_seconds(result.backlog_at)}",
        f"power cuts (SIGKILL): {sum(result.cuts.values())} ({cuts or 'none'})",
        f"full disk: {result.disk or 'not simulated, that needs root'}; it put off {result.refused_by_disk} pieces of work",
    ]
    lines += [
        f"day {one.day:.0f}: rows {_rows(one.rows)}; bodies {one.body_bytes} B; database {one.database_bytes} B"
        for one in result.samples
    ]
    lines += [f"WRONG: {one}" for one in result.wrong] or [
        "nothing was lost, nothing arrived twice, nothing out of order"
    ]
    return "\n".join([*lines, f"{result.seconds:.0f} s"])


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def _rows(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in rows.items() if count) or "none"


class _Desk:
    """The hub at its end of the link: frames and acknowledgements may overtake each other."""

    def __init__(self, home: Home, hub: HubStore, clock: _TrueClock, seed: int) -> None:
        self._home, self._hub, self._clock = home, hub, clock
        self._chance = Random(f"{seed} desk")  # noqa: S311
        self._late: list[bytes] = []
        self._held: list[bytes] = []
        self.frames = self.copies = 0
        self.first: dict[str, timedelta] = {}
        """When each message came for the first time."""
        self.named: set[str] = set()
        self.ranges: list[tuple[str, str]] = []
        self.wrong: list[str] = []

    def __call__(self, sealed: bytes) -> Iterable[bytes]:
        if self._chance.random() < SWAPS:
            self._late.append(sealed)
            return ()
        heard = [sealed, *self._late]
        self._late = []
        said = [word for one in heard for word in self._take(one)]
        if said and self._chance.random() < SWAPS:
            self._held.append(said.pop())
        elif self._held:
            said += self._held
            self._held = []
        return said

    def is_told(self, identity: str, kind: MessageKind) -> bool:
        """Whether the hub was told that another message goes in the place of this one."""
        if kind is MessageKind.BOX:
            return any(first <= identity <= last for first, last in self.ranges)
        return identity in self.named

    def _take(self, sealed: bytes) -> Iterable[bytes]:
        items = frames.read(sealed, partial(key_of, self._hub)).items
        receipt = receive(self._hub, self._home.key, sealed, how=Way.MQTT, now=START + self._clock.at)
        new = [one.id for one in items if one.id not in self.first]
        self.frames += 1
        self.copies += receipt.known
        if receipt.new != len(new) or receipt.refused or receipt.why:
            self.wrong.append(f"the hub took {receipt.new} of {len(new)} new messages ({receipt})")
        self.first.update(dict.fromkeys(new, self._clock.at))
        for one in items:
            self._note(one)
        return () if receipt.down is None else (receipt.down,)

    def _note(self, one: frames.Item) -> None:
        if one.kind is MessageKind.BOX and one.replaces:
            self.ranges.append((one.replaces[0], one.replaces[-1]))
        self.named.update(one.replaces)


class _TrueClock(SimulatedClock):
    """The box's clock, and beside it the true time."""

    @property
    def at(self) -> timedelta:
        """True time since the start."""
        return timedelta(seconds=self.passed)


class _Box:
    """The process of the box: it is started when there is something to do, and killed when the power is cut."""

    def __init__(self, folder: Path, chosen: Season) -> None:
        self._given = (folder, chosen.seed, chosen.fields)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["fieldbox.services.seasonbox"])
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def pipe(self) -> Connection:
        """To the process, which is started if there is none."""
        if self._pipe is None:
            self._pipe, theirs = self._context.Pipe()
            process = self._context.Process(target=live, args=(theirs, *self._given), daemon=True)
            process.start()
            theirs.close()
            self._process = process
        return self._pipe

    def kill(self) -> None:
        """Cut the power."""
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None

    def gone(self) -> None:
        """It came to its end by itself."""
        if self._process is not None and self._pipe is not None:
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None


@dataclass(slots=True)
class _Power:
    """When the power is cut: where the season says so, at a random moment of the work that the box does then."""

    times: list[timedelta]
    chance: Random
    usual: dict[str, float] = field(default_factory=dict)
    """Seconds that a kind of work takes."""
    done: Counter[str] = field(default_factory=Counter)

    def due(self, at: timedelta) -> bool:
        """Whether it is time for a cut."""
        return bool(self.times) and self.times[0] <= at

    def within(self, work: str) -> float:
        """Seconds of real time after which a piece of work is cut off."""
        return self.chance.uniform(0, 1.1 * self.usual.get(work, 0.05))

    def cut(self, work: str) -> None:
        """It was."""
        self.times.pop(0)
        self.done[work] += 1

    def took(self, work: str, seconds: float) -> None:
        """It was not."""
        self.usual[work] = 0.8 * self.usual.get(work, seconds) + 0.2 * seconds


@dataclass(slots=True)
class _Watch:
    """One piece of work of the box, and when it is cut off."""

    power: _Power
    work: str
    cuts: bool
    later: bool
    """It is cut off in a connection, if there is one."""
    began: float = field(default_factory=time.monotonic)
    at: float | None = None

    def __post_init__(self) -> None:
        if self.cuts and not self.later:
            self.at = self.began + self.power.within(self.work)

    def connects(self) -> None:
        """It opens a connection."""
        self.work, self.began = CONNECTION, time.monotonic()
        if self.cuts:
            self.at = self.began + self.power.within(self.work)

    def left(self) -> float | None:
        """Seconds; None: it is not cut off."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def ends(self) -> None:
        """It came to its end."""
        self.power.took(self.work, time.monotonic() - self.began)


class _World:
    """All that is not the box."""

    def __init__(self, chosen: Season, disk: SmallDisk, home: Home, hub: HubStore, shown: Shown) -> None:
        self._season, self._disk, self._hub, self._shown = chosen, disk, hub, shown
        self._clock = _TrueClock(said=START)
        config = settings(disk.folder)
        _join(config.identity, home, hub)
        self._desk = _Desk(home, hub, self._clock, chosen.seed)
        self._carrier = MemoryCarrier(self._desk, self._clock, self._plan())
        self._session: MemorySession | None = None
        self._path = config.database
        self._box = _Box(disk.folder, chosen)
        self._power = _Power(chosen.cut_times(), Random(f"{chosen.seed} power"))  # noqa: S311
        self._battery = True
        self._put_off: list[Event] = []
        self._looks_at: timedelta | None = None
        self._backlog: list[Message] = []
        self.result = Result(chosen.days, chosen.seed, disk=disk.kind)

    def _plan(self) -> Plan:
        up = self._season.carries
        return Plan(
            self._season.seed,
            GPRS.round_trip,
            GPRS.rate,
            GPRS.loses,
            GPRS.doubles,
            GPRS.cuts,
            GPRS.refuses,
            lambda elapsed: up(timedelta(seconds=elapsed)),
        )

    def run(self) -> None:
        """The season, and then as long as it takes."""
        samples = self._season.sampled()
        for event in self._season.events():
            while samples and samples[0] <= event.at:
                self._until(samples.pop(0))
                self._sample()
            self._until(event.at)
            self._happens(event)
        self._until(self._season.end)
        while (self._open() or self._power.times) and self._clock.at < self._season.end + GIVEN_UP:
            self._until(self._clock.at + timedelta(hours=1))
        self._sample()
        self._check()

    def end(self) -> None:
        """Stop the process."""
        self._box.kill()

    # -- time --

    def _until(self, at: timedelta) -> None:
        """Let time pass, looking at the link meanwhile where there is one."""
        if self._season.link_comes <= at and not self._backlog:
            self._backlog = self._rows(MessageState.WAITING)
        while self._looks_at is not None and self._looks_at < at:
            self._pass_to(self._looks_at)
            self._look()
        self._pass_to(at)

    def _pass_to(self, at: timedelta) -> None:
        self._clock.pass_by(max(0.0, (at - self._clock.at).total_seconds()))

    def _happens(self, event: Event) -> None:
        match event.what:
            case What.CLOCK:
                self._battery = True
                self._clock.jump(START + self._clock.at + event.off)
            case What.BATTERY:
                self._battery = False
            case What.FULL:
                self._stop()
                self._disk.fill()
            case What.ROOM:
                self._disk.clear()
            case What.FLOWN | What.ANEW:
                self._put_off.append(event)
            case What.LINK | What.MORNING:
                pass  # whoever looks sees it
        self._work_off()
        self._look()

    def _work_off(self) -> None:
        """What the box has to do, with what was put off before."""
        todo, self._put_off = self._put_off, []
        while todo and self._done(todo[0].what.value, todo[0]) is not _FULL:
            todo.pop(0)
        self._put_off = todo

    def _look(self) -> None:
        """The box looks at itself and at its link."""
        again = self._done(LOOK)
        if not self._links():
            self._looks_at = None
            return
        wait = LONGEST_WAIT if again in (None, _FULL) else min(max(again, SHORTEST_WAIT), LONGEST_WAIT)
        self._looks_at = self._clock.at + wait

    def _links(self) -> Sequence[Link]:
        return [_MODEM] if self._season.is_there(self._clock.at) else []

    # -- the process of the box --

    def _done(self, work: str, given: object = None) -> Any:
        """Let the box do something, again where the power was cut; `_FULL`: the disk is full."""
        while True:
            came = self._try(work, given)
            if came is not _CUT:
                return came
            self._clock.pass_by(REBOOT.total_seconds())
            if not self._battery:
                self._clock.jump(EPOCH)

    def _try(self, work: str, given: object) -> Any:
        pipe, links = self._box.pipe(), self._links()
        later = bool(links) and work == LOOK and self._power.chance.random() < IN_CONNECTIONS
        watch = _Watch(self._power, work, self._power.due(self._clock.at), later)
        pipe.send(self._said((work, given, links)))
        while pipe.poll(watch.left()):
            what, told = pipe.recv()
            if what == "ask":
                if told[0] == "connect":
                    watch.connects()
                pipe.send(self._answer(*told))
                continue
            watch.ends()
            self.result.refused_by_disk += what != "done"
            return told if what == "done" else _FULL
        self._cut(watch.work)
        return _CUT

    def _cut(self, work: str) -> None:
        self._box.kill()
        self._power.cut(work)
        if self._session is not None and self._power.chance.random() < 0.5:
            self._session.rising.clear()  # what was still in the modem
        self._hang_up()

    def _stop(self) -> None:
        """End the process as a service ends: nothing is open any more."""
        self._box.pipe().send(self._said(("end", None, ())))
        while self._box.pipe().recv()[0] != "done":
            pass
        self._box.gone()

    # -- what the box asks --

    def _said(self, answer: Any, failed: Sentence | None = None) -> Said:
        return Said(answer, self._clock.now(), self._clock.elapsed(), failed)

    def _answer(self, what: str, given: Sequence[Any]) -> Said:
        try:
            return self._said(getattr(self, f"_on_{what}")(*given))
        except Unsent as error:
            return self._said(None, error.sentence)

    def _on_put(self, to: Any) -> None:
        self._clock.jump(to)

    def _on_connect(self) -> None:
        self._hang_up()
        self.result.tries += 1
        self._session = self._carrier.connect()

    def _on_send(self, sealed: bytes) -> None:
        self.result.handed += 1
        self._check_order(frames.batch_of(sealed))
        self._open_session().send(sealed)

    def _on_receive(self, seconds: float) -> bytes | None:
        return self._open_session().receive(seconds)

    def _on_taken(self) -> None:
        self._open_session().taken()

    def _on_round_trip(self) -> float:
        return self._open_session().round_trip()

    def _on_spent(self) -> Traffic:
        return self._carrier.spent

    def _on_traffic(self) -> Traffic:
        return self._open_session().traffic()

    def _on_close(self) -> None:
        self._hang_up()

    def _open_session(self) -> MemorySession:
        if self._session is None:
            raise broken("closed")
        return self._session

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    # -- what is checked --

    def _rows(self, state: MessageState | None = None) -> list[Message]:
        if not self._path.exists():
            return []
        with Store.open(self._path) as store:
            return store.messages(state)

    def _open(self) -> bool:
        return bool(self._put_off) or any(
            self._rows(state) for state in (MessageState.WAITING, MessageState.SENT)
        )

    def _check_order(self, batch: str) -> None:
        """Of what leaves for the first time nothing goes before something more urgent, or newer, that never left."""
        fresh = [one for one in self._rows(MessageState.SENT) if one.batch == batch and one.attempts == 1]
        kept = [one for one in self._rows(MessageState.WAITING) if not one.attempts]
        if fresh and kept and max(map(_rank, fresh)) > min(map(_rank, kept)):
            self.result.wrong.append(f"{max(map(_rank, fresh))} left before {min(map(_rank, kept))}")

    def _sample(self) -> None:
        messages = self._rows()
        counts = Counter(one.state.value for one in messages)
        files = [self._path, self._path.with_name(self._path.name + "-wal")]
        sample = Sample(
            self._clock.at / timedelta(days=1),
            {state.value: counts[state.value] for state in MessageState},
            sum(len(one.body.encode()) for one in messages),
            sum(one.stat().st_size for one in files if one.exists()),
        )
        self.result.samples.append(sample)
        self._shown(f"day {sample.day:.0f}: {_rows(sample.rows)}, database {sample.database_bytes} B")

    def _check(self) -> None:
        result, desk, messages = self.result, self._desk, self._rows()
        with Store.open(self._path) as store:
            result.surveys = len(store.surveys())
            result.wrong += store.check()
        result.messages = {state.value: 0 for state in MessageState}
        result.messages |= Counter(one.state.value for one in messages)
        result.kinds = dict(Counter(one.kind.value for one in self._hub.messages(standing=False)))
        result.arrived, result.copies, result.frames = self._hub.count_messages(), desk.copies, desk.frames
        result.connections = self._carrier.connections
        result.bytes_sent, result.bytes_received = self._carrier.spent.sent, self._carrier.spent.received
        result.cuts = dict(self._power.done)
        result.simulated_days = self._clock.at / timedelta(days=1)
        result.wrong += desk.wrong
        result.wrong += [*self._lost(messages), *self._doubled(messages), *self._standing(messages)]
        result.wrong += self._surveys_standing()
        self._time_the_backlog()

    def _lost(self, messages: Sequence[Message]) -> Iterable[str]:
        """Every message arrived, or was superseded and the hub knows it."""
        for one in messages:
            if one.state is MessageState.SUPERSEDED:
                withdrawn = one.kind is MessageKind.ALERT and one.sent_at is None  # nobody ever heard of it
                if not (withdrawn or self._desk.is_told(one.id, one.kind)):
                    yield f"{one.id} was superseded, and the hub was not told"
            elif one.state is not MessageState.ACKNOWLEDGED:
                yield f"{one.id} is {one.state}"
            elif one.id not in self._desk.first:
                yield f"{one.id} is said to have arrived, and has not"

    def _doubled(self, messages: Sequence[Message]) -> Iterable[str]:
        """The hub's table has what arrived, once; and each analysis is told once, however often it was begun."""
        known = self._hub.messages(standing=False)
        if Counter(one.id for one in known) != Counter(dict.fromkeys(self._desk.first, 1)):
            yield f"{len(known)} messages are in the hub's table, and {len(self._desk.first)} arrived"
        told = Counter(one.id[TIME_DIGITS:] for one in messages if one.kind is MessageKind.SUMMARY)
        yield from (f"the survey {key} was told {count} times" for key, count in told.items() if count > 1)
        planned = sum(one.what in (What.FLOWN, What.ANEW) for one in self._season.events())
        if len(told) != planned or self.result.surveys != planned:
            yield f"{planned} surveys were to be made; there are {self.result.surveys}, and {len(told)} were told"

    def _standing(self, messages: Sequence[Message]) -> Iterable[str]:
        """At the hub just those messages stand in whose place the box sent no other."""
        last = {(one.kind, one.subject or one.id): one for one in sorted(messages, key=lambda one: one.id)}
        wanted = {one.id for one in last.values() if one.state is not MessageState.SUPERSEDED}
        standing = {one.id for one in self._hub.messages(standing=True)}
        yield from (f"{one} stands at the hub, and should not" for one in standing - wanted)
        yield from (f"{one} does not stand at the hub, and should" for one in wanted - standing)

    def _surveys_standing(self) -> Iterable[str]:
        """Of each flight the last analysis stands, and nothing of another flight has taken its place."""
        last = {
            one.number: survey_id(one) for one in self._season.events() if one.what in (What.FLOWN, What.ANEW)
        }
        standing = self._hub.messages(kinds=[MessageKind.SUMMARY], standing=True)
        found, wanted = Counter(one.id[TIME_DIGITS:] for one in standing), Counter(last.values())
        yield from (f"the summary of the survey {one} does not stand at the hub" for one in wanted - found)
        yield from (
            f"the summary of the survey {one} stands at the hub, and should not" for one in found - wanted
        )

    def _time_the_backlog(self) -> None:
        comes, first = self._season.link_comes, self._desk.first
        waited = {one.id: one for one in self._backlog if one.id in first}
        alerts = [first[one] for one, row in waited.items() if row.kind is MessageKind.ALERT]
        self.result.first_at = _after(comes, min(first.values(), default=None))
        self.result.alerts_at = _after(comes, max(alerts, default=None))
        self.result.backlog_at = _after(comes, max((first[one] for one in waited), default=None))


def _after(start: timedelta, moment: timedelta | None) -> float | None:
    return None if moment is None else (moment - start).total_seconds()


def _rank(one: Message) -> tuple[int, int]:
    """Small goes first."""
    return PRIORITY[one.kind], -int(one.id, 16)


__all__ = ["Result", "Sample", "Season", "as_text", "season"]
