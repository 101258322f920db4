"""The process that sends: it watches the links of the box, connects when the policy says so, and keeps the accounts.

Nothing in it grows while there is no link. What it knows of links, the time and what it spent is in the database, so that it may
be killed at any moment: a burst is counted with all that it was allowed before it begins, and put right when it is over.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from types import FrameType
from typing import Final

import structlog

from fieldbox.config import Config
from fieldbox.domain import (
    Link,
    LinkDoing,
    LinkKind,
    LinkPast,
    LinkState,
    Message,
    MessageKind,
    SendNow,
    month_of,
)
from fieldbox.errors import Distrusted, FieldboxError, Misconfigured, Unsent, Unwelcome
from fieldbox.i18n import N_, Sentence
from fieldbox.services import texting, wishes
from fieldbox.services.box import open_store
from fieldbox.services.boxclock import FirstModem, certain, is_remembered, recalled, remember
from fieldbox.services.boxing import report_daily
from fieldbox.services.chosen import settled
from fieldbox.services.commanding import Commander
from fieldbox.services.notify import notify
from fieldbox.services.running import beside, running_as
from fieldbox.storage.store import Store
from fieldbox.summary.boxreport import ClockState
from fieldbox.sync import renewal
from fieldbox.sync.burst import BurstReport, Ending, Limits, Sender, burst
from fieldbox.sync.identity import Joined, joined
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.networkmanager import NetworkManager
from fieldbox.sync.paths import KernelWays
from fieldbox.sync.policy import come_again, decide, learnt, notes
from fieldbox.sync.ports import Carrier, Outbox, Session, Traffic
from fieldbox.sync.situation import Connect, Outcome, Rules, Situation, Wait
from fieldbox.sync.timekeeping import KernelTime, ListeningSession, NetworkTime, TrustedClock
from fieldbox.sync.ways import Dialler, Ways

log = structlog.get_logger()

LOOK_S: Final = 30.0
"""At least so often it looks whether an alert waits; links are told by the kernel."""
UNJOINED_S: Final = 60.0
FAULT_S: Final = 300.0
"""After a fault of the box itself, such as a full disk."""
WISH_S: Final = 3.0
"""So often it looks whether somebody at a page waits."""
AGAIN_S: Final = 1.0
"""After a connection."""
KEEP_S: Final = 3600.0
"""So often what the time is goes into the database, and the state that is shown though nothing changed."""
_DIALLED = "sync.dialled"
"""The key of a setting."""


def local_zone() -> tzinfo:
    """The box's own, as of now."""
    return datetime.now().astimezone().tzinfo or UTC


def _no_report() -> None:
    """The outbox gets none."""


def _goes_on() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Parts:
    """What sending needs of the world."""

    ways: Ways
    dialler: Dialler
    clock: TrustedClock
    carrier: Callable[[Joined], tuple[Carrier, bool]]
    """A way to the hub, and whether it shows a certificate that has not worked yet."""
    network: NetworkTime | None = None
    zone: Callable[[], tzinfo] = local_zone
    """Of quiet hours."""
    stopping: Callable[[], bool] = _goes_on
    look_s: float = LOOK_S
    """At least so often it looks whether something waits."""
    report: Callable[[], None] = _no_report
    """Puts a health report into the outbox when it is time for one."""


class Chosen:
    """An outbox of which only some kinds of messages may go: what a burst is given."""

    def __init__(self, inner: Outbox, kinds: Collection[MessageKind]) -> None:
        self._inner, self._kinds = inner, kinds

    def due_messages(
        self, now: datetime, limit: int, kinds: Collection[MessageKind] | None = None
    ) -> Sequence[Message]:
        """As of the outbox."""
        wanted = self._kinds if kinds is None else [one for one in kinds if one in self._kinds]
        return self._inner.due_messages(now, limit, wanted)

    def mark_sent(self, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime) -> None:
        """As of the outbox."""
        self._inner.mark_sent(ids, batch=batch, carrier=carrier, size=size, now=now)

    def lost(self, carrier: str, ids: Collection[str] | None = None) -> int:
        """As of the outbox."""
        return self._inner.lost(carrier, ids)

    def acknowledge(
        self,
        now: datetime,
        *,
        batches: Collection[str] = (),
        ids: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """As of the outbox."""
        return self._inner.acknowledge(now, batches=batches, ids=ids, refused=refused)


class Syncing:
    """Sends for one box. `step` decides once, and connects if it is time; nothing else passes time in it."""

    def __init__(self, config: Config, store: Store, parts: Parts) -> None:
        self._config, self._store, self._parts = config, store, parts
        self._there: frozenset[LinkKind] = frozenset()
        self._kept_at = -KEEP_S
        self._shown: LinkState | None = None
        self._carrier: Carrier | None = None
        self._of: object = None
        """What `_carrier` was made of."""
        self._trying = False
        """It shows a certificate that has not worked yet."""
        self._begun = False
        self._faulty = False
        """The last step ended with a fault of the box itself."""

    def step(self, *, now: bool = False) -> float:
        """Decide, and connect if it is time; after how many seconds to decide again, unless links change. `now`: somebody waits:
        nothing is gathered, and failures before do not count."""
        self._parts.report()
        self._keep_time()
        try:
            mine = joined(self._config.identity)
        except Misconfigured as error:
            self._show(LinkState(self.now(), LinkDoing.WAITING, error.sentence))
            return UNJOINED_S
        self._parts.clock.recall(certain(mine), None)
        self._look_at_certificates(mine)
        rules, situation = self._situation(mine)
        if now:
            rules = replace(rules, gather=timedelta(0), listen=timedelta(0))
        told = decide(replace(situation, pasts={}) if now else situation, rules)
        if isinstance(told, Wait):
            self._show(self._state(situation, rules, told))
            return 0.0 if self._commander().work() else self._pause(told)
        self._show(self._state(situation, rules, told))
        self._connect(mine, told)
        self._keep_time()
        rules, situation = self._situation(mine)
        self._show(self._state(situation, rules, decide(situation, rules)))
        return AGAIN_S

    def run(self) -> None:
        """Until it is to stop."""
        while not self._parts.stopping():
            pause = self._careful_step()
            notify("WATCHDOG=1")
            self._rest(pause)

    def _rest(self, pause: float) -> None:
        """Until links change, somebody at a page waits, or it is time. After a fault nobody is heard: it would be met again."""
        while pause > 0 and not self._parts.stopping():
            if self._parts.ways.wait(min(pause, WISH_S)) or (not self._faulty and self._is_wished()):
                return
            pause -= WISH_S

    def _is_wished(self) -> bool:
        with suppress(FieldboxError):  # the next step meets it, and says so
            return wishes.is_open(self._store)
        return False

    def attempt(self) -> tuple[Sentence, bool]:
        """Send what may go now, whatever failed before; what came of it, and whether all that may go has gone."""
        before = self._store.link_pasts()
        self.step(now=True)
        after = self._store.link_pasts()
        tried = [past for kind, past in after.items() if past != before.get(kind)]
        left = sum(one.count for one in self._store.waiting(self.now()))
        failed = next((past.why for past in tried if past.failures and past.why is not None), None)
        if failed is not None:
            return failed, False
        if tried:
            return Sentence(N_("The hub was reached; {count} messages wait."), {"count": left}), True
        return self._shown.why if self._shown else _SILENT, not left

    def _begin(self) -> None:
        """Once, as soon as the database can be written: what the process' earlier life left is over."""
        if self._begun:
            return
        self._forgive()
        self._hang_up()
        self._store.lost(MqttCarrier.name)
        self._begun = True

    def _careful_step(self) -> float:
        self._faulty = False
        try:
            self._begin()
            wished = wishes.last(self._store)
            return self._as_wished(wished) if wished and wished.came is None else self.step()
        except FieldboxError as error:
            self._faulty = True
            log.warning("sending waits", reason=str(error))
            with suppress(FieldboxError):  # the disk may be full
                self._show(LinkState(self.now(), LinkDoing.WAITING, error.sentence))
            return FAULT_S

    def _as_wished(self, wished: SendNow) -> float:
        """Try now, since somebody at a page waits for it, and say there what came of it."""
        try:
            came, _all = self.attempt()
        except FieldboxError as error:
            came = error.sentence
        wishes.settle(self._store, wished, came, self.now())
        return AGAIN_S

    # What is the case.

    def now(self) -> datetime:
        """The time that the box goes by."""
        return self._parts.clock.now()

    def _situation(self, mine: Joined) -> tuple[Rules, Situation]:
        config, now = settled(self._config, self._store).sync, self.now()
        rules = Rules.of(config)
        links = self._links(config.modem_connection)
        self._hear_network(links)
        return rules, Situation(
            now=now,
            links=links,
            waiting=self._store.waiting(now),
            next_due=self._store.next_due(now),
            used=self._used(now.date(), rules),
            pasts=self._store.link_pasts(),
            zone=self._parts.zone(),
            box=mine.identity.box,
            clock_known=self._parts.clock.known(),
        )

    def _links(self, profile: str) -> list[Link]:
        found = list(self._parts.ways.there())
        if (
            profile
            and all(one.kind is not LinkKind.MODEM for one in found)
            and self._parts.dialler.can(profile)
        ):
            found.append(Link(LinkKind.MODEM, profile, metered=True, dialled=True))
        kinds = frozenset(one.kind for one in found)
        back = kinds - self._there
        if back:
            self._come_again(back)
        self._there = kinds
        return found

    def _forgive(self) -> None:
        """What a person had to do may be done: after a start, and with other certificates, it is tried."""
        pasts = self._store.link_pasts()
        if any(past.stuck for past in pasts.values()):
            self._store.keep_link_pasts({kind: replace(past, stuck=False) for kind, past in pasts.items()})

    def _come_again(self, kinds: Collection[LinkKind]) -> None:
        pasts = self._store.link_pasts()
        after = {kind: come_again(past) if kind in kinds else past for kind, past in pasts.items()}
        if after != pasts:
            self._store.keep_link_pasts(after)

    def _hear_network(self, links: Sequence[Link]) -> None:
        """A clock that knows nothing asks the mobile network before anything is judged by it."""
        clock, network = self._parts.clock, self._parts.network
        if network is not None and not clock.known() and (links or self._shown is None):
            clock.hear_network(network.network_time())

    def _used(self, today: date, rules: Rules) -> dict[LinkKind, int]:
        first, after = month_of(today, rules.month_starts)
        used: dict[LinkKind, int] = {}
        for one in self._store.traffic_since(first):
            if one.day < after:
                used[one.kind] = used.get(one.kind, 0) + max(0, one.total)
        return used

    # A connection.

    def _connect(self, mine: Joined, plan: Connect) -> None:
        """One burst: counted before it begins, as a failure too, put right after it, and learnt from.

        A modem that draws more than the supply gives ends each connection with a restart: it must not be tried at once for ever.
        """
        kind, clock = plan.link.kind, self._parts.clock
        pasts = self._store.link_pasts()
        before = pasts.get(kind, LinkPast())
        pasts[kind] = learnt(before, Outcome(False, 0, 0.0, 0.0, why=_CUT_OFF), clock.now())
        self._store.keep_link_pasts(pasts)
        log.info("connecting", link=kind.value, allowance=plan.byte_allowance, reason=str(plan.reason))
        with self._counted(kind, plan.byte_allowance) as spent:
            came, report = self._burst(mine, plan, spent)
        pasts[kind] = learnt(before, replace(came, total_bytes=spent.total.total), clock.now())
        self._store.keep_link_pasts(pasts)
        log.info(
            "connection over",
            link=kind.value,
            carried=came.carried,
            bytes=spent.total.total,
            acknowledged=report.acknowledged if report else 0,
            reason=str(came.why) if came.why else None,
        )

    @contextmanager
    def _counted(self, kind: LinkKind, allowance: int) -> Iterator[_Spent]:
        """Whatever happens in the block, its bytes are in the accounts: all that is allowed, until it is known better."""
        day, spent = self.now().date(), _Spent()
        self._store.add_traffic(day, kind, sent=allowance, connections=1)
        try:
            yield spent
        finally:
            total = spent.total
            self._store.add_traffic(day, kind, sent=total.sent - allowance, received=total.received)

    def _burst(self, mine: Joined, plan: Connect, spent: _Spent) -> tuple[Outcome, BurstReport | None]:
        clock, began = self._parts.clock, self._parts.clock.elapsed()
        try:
            carrier = self._carrier_of(mine)
            with self._interface(plan.link) as name:
                carrier.interface = name
                with _opened(carrier, spent) as session:
                    connected, opening = clock.elapsed(), session.traffic().total
                    self._accepted(mine)
                    report = burst(
                        ListeningSession(
                            session, clock, mine.hub_key, mine.identity.box, self._parts.stopping
                        ),
                        self._sender(mine, plan),
                        Limits(allowance=plan.byte_allowance, seconds=plan.seconds),
                    )
                    open_s = clock.elapsed() - connected
        except Unsent as error:
            return self._failed(mine, error, clock.elapsed() - began), None
        carried = report.acknowledged > 0 or report.ending is Ending.DONE
        why = None if carried else report.why or _SILENT
        return Outcome(carried, 0, connected - began, open_s, opening, why), report

    def _failed(self, mine: Joined, error: Unsent, seconds: float) -> Outcome:
        stuck = isinstance(error, Distrusted)
        if self._trying and isinstance(error, Unwelcome):
            renewal.refused(mine.identity.folder)
            self._trying, stuck = False, False
        return Outcome(False, 0, seconds, 0.0, why=error.sentence, stuck=stuck)

    def _accepted(self, mine: Joined) -> None:
        """It is connected. Before the hub is heard, which may send a newer certificate that has not worked yet."""
        if self._trying:
            renewal.worked(mine.identity.folder)
            self._trying = False

    def _look_at_certificates(self, mine: Joined) -> None:
        made_of = (mine.hub, renewal.credentials(mine), mine.expires_at)
        if self._of != made_of:
            if self._of is not None:
                self._forgive()
            self._carrier, self._of = None, made_of

    def _carrier_of(self, mine: Joined) -> Carrier:
        """The same one as long as its hub and certificates are the same: it keeps the ticket for TLS."""
        if self._carrier is None:
            self._carrier, self._trying = self._parts.carrier(mine)
        return self._carrier

    def _sender(self, mine: Joined, plan: Connect) -> Sender:
        return Sender(
            box=mine.identity.box,
            key=mine.identity.key,
            hub=mine.hub_key,
            outbox=Chosen(self._store, plan.kinds),
            clock=self._parts.clock,
            on_down=self._commander().follow,
        )

    def _commander(self) -> Commander:
        return Commander(self._config, self._store, self.now)

    @contextmanager
    def _interface(self, link: Link) -> Iterator[str]:
        """Over which the connection goes; a link that is dialled is up for the block."""
        if not link.dialled:
            yield link.name
            return
        self._store.set_setting(_DIALLED, link.name)
        try:
            yield self._parts.dialler.dial(link.name)
        finally:
            self._parts.dialler.hang_up(link.name)
            self._store.set_setting(_DIALLED, "")

    def _hang_up(self) -> None:
        """A link that the process' earlier life had dialled when it was killed costs as long as it is up."""
        left = self._store.setting(_DIALLED)
        if left:
            self._parts.dialler.end(left)
            self._store.set_setting(_DIALLED, "")

    # What is kept.

    def _keep_time(self) -> None:
        clock = self._parts.clock
        if clock.elapsed() - self._kept_at < KEEP_S and is_remembered(self._store, clock):
            return
        self._kept_at = clock.elapsed()
        remember(self._store, clock)
        if clock.known():  # by a wrong clock nothing is given up
            self._store.expire_messages(clock.now())

    def _state(self, now: Situation, rules: Rules, told: Connect | Wait) -> LinkState:
        last = [past.last_success for past in now.pasts.values() if past.last_success is not None]
        connects = isinstance(told, Connect)
        return LinkState(
            at=now.now,
            doing=LinkDoing.CONNECTED if connects else LinkDoing.WAITING,
            why=told.reason,
            links=tuple(one.kind.value for one in now.links),
            link=told.link.kind if isinstance(told, Connect) else None,
            since=now.now if connects else None,
            last_success=max(last, default=None),
            next_try=told.until if isinstance(told, Wait) else None,
            notes=notes(now, rules),
            used={kind.value: total for kind, total in now.used.items()},
            allowed={kind.value: total for kind, total in rules.budgets.items()},
        )

    def _show(self, state: LinkState) -> None:
        """Tell people, if there is anything new: the database is on a card that wears."""
        shown = self._shown
        same = shown is not None and replace(shown, at=state.at) == state
        if same and shown is not None and timedelta(0) <= state.at - shown.at < timedelta(seconds=KEEP_S):
            return
        self._store.keep_link_state(state)
        self._shown = state

    def _pause(self, told: Wait) -> float:
        until = None if told.until is None else (told.until - self.now()).total_seconds()
        return self._parts.look_s if until is None else max(0.0, min(self._parts.look_s, until))


_SILENT: Final = Sentence(
    N_("The link stood, and the hub did not answer. Messages wait; it is tried again by itself.")
)

_CUT_OFF: Final = Sentence(
    N_("The box or its program stopped in the middle of the last connection. It is tried again by itself.")
)


@dataclass(slots=True)
class _Spent:
    """What a burst has cost."""

    total: Traffic = field(default_factory=Traffic)


@contextmanager
def _opened(carrier: Carrier, spent: _Spent) -> Iterator[Session]:
    """A connection, closed and counted after the block, also where it did not come about."""
    before = carrier.spent
    try:
        session = carrier.connect()
        try:
            yield session
        finally:
            session.close()
    finally:
        after = carrier.spent
        spent.total = Traffic(after.sent - before.sent, after.received - before.received)


def by_mqtt(clock: TrustedClock) -> Callable[[Joined], tuple[Carrier, bool]]:
    """Makes the way to a hub by MQTT. What it raises for unreadable files is Misconfigured."""

    def made(mine: Joined) -> tuple[Carrier, bool]:
        shown, trying = renewal.credentials(mine)
        try:
            address = Address(mine.hub.host, mine.hub.port)
            return MqttCarrier(address, shown, mine.identity.box, clock.judged), trying
        except OSError as error:
            raise Misconfigured(
                N_("The certificates in {folder} cannot be read ({why}): join the hub again."),
                folder=str(mine.identity.folder),
                why=str(error),
            ) from error

    return made


def _report(config: Config, store: Store, clock: TrustedClock) -> None:
    state = ClockState.SET if clock.known() else ClockState.UNSET
    report_daily(config, store, clock.now(), state)


@contextmanager
def opened(config: Config, stopping: Callable[[], bool]) -> Iterator[tuple[Syncing, Ways]]:
    """The real parts on the box's own database. Raises Misconfigured where another process sends already."""
    clock = TrustedClock(KernelTime())
    with open_store(config, clock=clock.now) as store, store.sync_lock() as alone:
        if not alone:
            raise Misconfigured(
                N_("Another process of this box sends already, its service most likely: see fieldbox status.")
            )
        recalled(store, clock)
        manager = NetworkManager()
        ways = KernelWays(manager.metered)
        try:
            parts = Parts(
                ways,
                manager,
                clock,
                by_mqtt(clock),
                network=FirstModem(),
                stopping=stopping,
                report=partial(_report, config, store, clock),
            )
            yield Syncing(config, store, parts), ways
        finally:
            ways.close()


def serve(config: Config) -> None:
    """Send until SIGTERM or SIGINT: a connection that is open ends in a second or two, with its accounts."""
    stop = threading.Event()
    with opened(config, stop.is_set) as (syncing, ways), running_as(config, "sync"):

        def leave(_signal: int, _frame: FrameType | None) -> None:
            stop.set()
            ways.wake()

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, leave)
        notify("READY=1")
        with beside(partial(texting.serve, config, stop), "texting", texting.LEAVE_S):
            syncing.run()
        notify("STOPPING=1")


def once(config: Config) -> tuple[Sentence, bool]:
    """Send what may go now; see `Syncing.attempt`."""
    with opened(config, _goes_on) as (syncing, _ways):
        return syncing.attempt()
