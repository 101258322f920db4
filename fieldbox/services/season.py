"""`fieldbox simulate season`: months without a link, then a bad one, until every message has arrived.

The box is a process of its own (`fieldbox.services.seasonbox`) that is killed with SIGKILL where the season cuts the power; the
hub, the link and both clocks are here. SIGKILL leaves what the kernel has not written yet in its cache: cuts that lose it too
are replayed from a log of a disk's writes in `tests/durability/outbox_proof.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from fieldbox.domain import PRIORITY, Link, LinkKind, Message, MessageKind, MessageState
from fieldbox.errors import Unsent
from fieldbox.hub.home import Home, found
from fieldbox.hub.joining import enrol
from fieldbox.hub.store import HubStore
from fieldbox.i18n import Sentence
from fieldbox.services.seasonbox import EPOCH, LOOK, Said, settings
from fieldbox.services.seasonhub import Desk, Held, TrueClock
from fieldbox.services.seasonpower import Power, Process, Watch
from fieldbox.services.seasontold import Result, Sample, as_text, in_words
from fieldbox.services.smalldisk import SmallDisk, small_disk
from fieldbox.simulate.season import START, Event, Season, What
from fieldbox.storage.store import Store
from fieldbox.sync import identity
from fieldbox.sync.failing import broken
from fieldbox.sync.memorylink import MemoryCarrier, MemorySession, Plan
from fieldbox.sync.ports import Traffic
from fieldbox.wire import frame as frames

DISK_BYTES: Final = 64 * 2**20
REBOOT: Final = timedelta(seconds=40)
LONGEST_WAIT: Final = timedelta(hours=6)
SHORTEST_WAIT: Final = timedelta(minutes=1)
GIVEN_UP: Final = timedelta(days=90)
"""After the end of a season, with messages that have not arrived: something is wrong."""
LOSES: Final = 0.05
DOUBLES: Final = 0.05
GPRS: Final = Plan(round_trip=1.2, rate=2500, loses=LOSES, doubles=DOUBLES, cuts=0.01, refuses=0.05)
_MODEM: Final = Link(LinkKind.MODEM, "wwan0", metered=True)
_CUT, _FULL = object(), object()
IN_CONNECTIONS: Final = 0.8
"""Share of cuts that wait for a connection where there is a link."""
Shown = Callable[[str], None]


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


class _World:
    """All that is not the box."""

    def __init__(self, chosen: Season, disk: SmallDisk, home: Home, hub: HubStore, shown: Shown) -> None:
        self._season, self._disk, self._hub, self._shown = chosen, disk, hub, shown
        self._clock = TrueClock(said=START)
        config = settings(disk.folder)
        _join(config.identity, home, hub)
        self._desk = Desk(home, hub, self._clock, chosen.seed)
        self._carrier = MemoryCarrier(self._desk, self._clock, self._plan())
        self._session: MemorySession | None = None
        self._path = config.database
        self._box = Process(disk.folder, chosen)
        self._power = Power(chosen.cut_times(), Random(f"{chosen.seed} power"))  # noqa: S311
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
        watch = Watch(self._power, work, self._power.due(self._clock.at), later)
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
        self._shown(f"day {sample.day:.0f}: {in_words(sample.rows)}, database {sample.database_bytes} B")

    def _check(self) -> None:
        result, desk, messages = self.result, self._desk, self._rows()
        with Store.open(self._path) as store:
            result.surveys = len(store.surveys())
            result.wrong += store.check()
        if result.surveys != self._season.surveys:
            result.wrong.append(f"{self._season.surveys} surveys were to be made; there are {result.surveys}")
        result.wrong += Held(self._season, desk, self._hub, messages).wrong()
        result.messages = {state.value: 0 for state in MessageState}
        result.messages |= Counter(one.state.value for one in messages)
        result.kinds = dict(Counter(one.kind.value for one in self._hub.messages(standing=False)))
        result.arrived, result.copies, result.frames = self._hub.count_messages(), desk.copies, desk.frames
        result.connections = self._carrier.connections
        result.bytes_sent, result.bytes_received = self._carrier.spent.sent, self._carrier.spent.received
        result.cuts = dict(self._power.done)
        result.simulated_days = self._clock.at / timedelta(days=1)
        self._time_the_backlog()

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
