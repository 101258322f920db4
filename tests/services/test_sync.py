"""The process that sends: over twins of links on a simulated clock, then with a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fieldbox.domain import Link, LinkDoing, LinkKind, MessageKind, MessageState, Outgoing
from fieldbox.errors import Distrusted, Unsent, Unwelcome
from fieldbox.i18n import Sentence
from fieldbox.services import wishes
from fieldbox.services.boxclock import FirstModem, recalled
from fieldbox.services.commanding import PICTURES
from fieldbox.services.sync import by_mqtt
from fieldbox.services.syncing import FAULT_S, WISH_S, Syncing
from fieldbox.services.syncparts import Parts
from fieldbox.storage.store import Store
from fieldbox.sync import renewal
from fieldbox.sync.failing import unreachable
from fieldbox.sync.identity import Joined, joined
from fieldbox.sync.memorylink import MemoryCarrier, MemorySession, Plan, SimulatedClock
from fieldbox.sync.memoryways import MemoryDialler, MemoryTime, MemoryWays
from fieldbox.sync.ports import Carrier
from fieldbox.sync.timekeeping import TrustedClock
from fieldbox.wire.commands import Certificate, Resend
from fieldbox.wire.down import DownKind
from fieldbox.wire.ids import key_of
from tests.services.joinedbox import NOW, joined_box
from tests.storage.faulty import unreadable, unwritable

ETHERNET, MODEM = Link(LinkKind.ETHERNET, "eth0"), Link(LinkKind.MODEM, "wwan0")
DAY = timedelta(days=1)


class LinkTime(SimulatedClock):
    """The clock of a link's twin is the box's own."""

    def __init__(self, system: MemoryTime) -> None:
        self.system = system

    def now(self) -> datetime:
        return self.system.said

    def elapsed(self) -> float:
        return self.system.passed

    def pass_by(self, seconds: float) -> None:
        self.system.pass_by(seconds)

    def pass_to(self, elapsed: float) -> None:
        if elapsed > self.system.passed:
            self.system.pass_by(elapsed - self.system.passed)
            self.system.passed = elapsed


@dataclass
class Way(MemoryCarrier):
    """The twin of a way to the hub, some of whose interfaces lead nowhere."""

    dead: set[str] = field(default_factory=set)
    refusal: BaseException | None = None
    refusal_of_new: Unsent | None = None
    shows_new: bool = False
    over: list[str] = field(default_factory=list)
    """Interfaces of the connections."""

    def connect(self) -> MemorySession:
        self.over.append(str(self.interface))
        if self.interface in self.dead:
            self.clock.pass_by(60)
            self.spent += self.cost.tried
            raise unreachable("hub", "timed out")
        refusal = self.refusal or (self.refusal_of_new if self.shows_new else None)
        if refusal is not None:
            raise refusal
        return MemoryCarrier.connect(self)


class Farm:
    """A box with links, a hub, and time that passes when told."""

    def __init__(
        self, folder: Path, *, said: datetime = NOW, may_put: bool = True, look_s: float = 3600.0, **sync: Any
    ) -> None:
        self.look_s = look_s
        self.config, self.hub = joined_box(folder, **sync)
        self.system = MemoryTime(said, may_put=may_put)
        self.ways = MemoryWays(pass_by=self.system.pass_by)
        self.dialler = MemoryDialler({"gsm": "wwan0"})
        self.carrier = Way(self.hub, LinkTime(self.system), Plan(round_trip=1.0, rate=2500.0))
        self.made = 0
        self.start()

    def start(self) -> None:
        """Begin anew, as after a power cut."""
        self.clock = TrustedClock(self.system)
        self.store = Store.open(self.config.database, clock=self.clock.now)
        recalled(self.store, self.clock)
        parts = Parts(self.ways, self.dialler, self.clock, self.way, look_s=self.look_s)
        self.syncing = Syncing(self.config, self.store, parts)

    def way(self, mine: Joined) -> tuple[Carrier, bool]:
        self.made += 1
        self.carrier.shows_new = renewal.credentials(mine)[1]
        return self.carrier, self.carrier.shows_new

    def has(self, number: int = 1, kind: MessageKind = MessageKind.SUMMARY, size: int = 100) -> str:
        return self.store.send(Outgoing(kind, '{"v":1,"x":"%s"}' % ("x" * size), key_of(kind, str(number))))

    def lasts(self, how_long: timedelta, most: int = 100_000) -> None:
        """Let time pass as the process has it pass."""
        until = self.system.elapsed() + how_long.total_seconds()
        for _step in range(most):
            if self.system.elapsed() >= until:
                return
            self.ways.wait(max(1.0, self.syncing.step()))
        raise AssertionError("it does not rest")

    def used(self, kind: LinkKind) -> int:
        return sum(one.total for one in self.store.traffic_since(NOW.date() - 400 * DAY) if one.kind is kind)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Callable[..., Farm]]:
    made: list[Farm] = []

    def make(**more: Any) -> Farm:
        made.append(Farm(tmp_path, **more))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def test_what_waits_goes_as_soon_as_there_is_a_link(farm: Farm) -> None:
    sent = farm.has()
    assert farm.syncing.step() == 3600.0
    assert farm.hub.has == {}
    farm.ways.put(ETHERNET)
    farm.syncing.step()
    assert farm.hub.has == {sent: 1}
    assert farm.store.messages()[0].state is MessageState.ACKNOWLEDGED
    assert farm.carrier.over == ["eth0"]
    state = farm.store.link_state()
    assert state is not None
    assert (state.doing, state.links) == (LinkDoing.WAITING, ("ethernet",))
    assert state.last_success is not None
    assert farm.syncing.step() > 0
    assert farm.carrier.connections == 1


def test_every_byte_is_in_the_accounts(farm: Farm) -> None:
    farm.has(kind=MessageKind.ALERT)
    farm.ways.put(MODEM)
    farm.syncing.step()
    (day,) = farm.store.traffic_since(NOW.date())
    assert day.kind is LinkKind.MODEM
    assert (day.sent, day.received, day.connections) == (
        farm.carrier.spent.sent,
        farm.carrier.spent.received,
        1,
    )


def test_a_burst_that_a_power_cut_ends_counts_with_all_that_it_was_allowed(
    farm: Farm, tmp_path: Path
) -> None:
    """The database as it lies on the disk while the hub has not answered."""

    def hub(frame: bytes) -> list[bytes]:
        farm.store.backup(tmp_path / "cut.db")
        return farm.hub(frame)

    farm.has(kind=MessageKind.ALERT)
    farm.ways.put(MODEM)
    farm.carrier.hub = hub
    farm.syncing.step()
    farm.carrier.hub = farm.hub
    with Store.open(tmp_path / "cut.db", clock=farm.clock.now) as cut:
        (counted,) = cut.traffic_since(NOW.date())
        assert farm.used(LinkKind.MODEM) < counted.total <= 20_000
        assert cut.messages()[0].state is MessageState.SENT
        after = farm.system.passed
        syncing = Syncing(
            farm.config, cut, Parts(farm.ways, farm.dialler, farm.clock, lambda _mine: (farm.carrier, False))
        )
        while cut.messages()[0].state is MessageState.SENT:
            assert farm.system.passed < after + 3600
            farm.ways.wait(max(1.0, syncing.step()))
    assert list(farm.hub.has.values()) == [2], "the hub keeps one of them: they have the same id"


def test_a_box_that_each_connection_stops_does_not_try_without_end(farm: Farm) -> None:
    """A modem that draws more than the supply gives: the box starts anew a minute later, with an alert that waits."""

    class Cut(BaseException):
        """The power went."""

    farm.has(kind=MessageKind.ALERT)
    farm.ways.put(MODEM)
    farm.carrier.refusal = Cut()
    until, cuts = farm.system.elapsed() + 4 * 3600, 0
    while farm.system.elapsed() < until:
        try:
            farm.ways.wait(max(1.0, farm.syncing.step()))
        except Cut:
            cuts += 1
            farm.store.close()
            farm.system.pass_by(60)
            farm.start()
    assert 3 < cuts < 60
    farm.carrier.refusal = None
    farm.lasts(timedelta(minutes=20))
    assert len(farm.hub.has) == 1
    assert farm.store.link_pasts()[LinkKind.MODEM].failures == 0


def test_a_link_that_does_not_carry_is_left_for_another_one(farm: Farm) -> None:
    farm.ways.put(ETHERNET)
    farm.ways.put(MODEM, 100)
    farm.carrier.dead = {"eth0"}
    farm.has(kind=MessageKind.ALERT)
    farm.lasts(timedelta(minutes=3))
    assert farm.carrier.over == ["eth0", "wwan0"]
    assert len(farm.hub.has) == 1
    for number in range(24):
        farm.has(number + 2, MessageKind.ALERT)
        farm.lasts(timedelta(hours=1))
    assert len(farm.hub.has) == 25
    assert farm.carrier.over.count("eth0") <= 12


def test_a_modem_gathers_and_stays_within_its_budget(farms: Callable[..., Farm]) -> None:
    farm = farms(monthly_mb="modem 0.2", listen_hours=0.0, look_s=21600.0)
    farm.ways.put(MODEM)
    for number in range(60):
        farm.has(number)
        if number % 15 == 0:
            farm.has(number, MessageKind.ALERT)
        farm.lasts(timedelta(hours=6))
    per_month = {}
    for day in farm.store.traffic_since(NOW.date()):
        per_month[day.day.month] = per_month.get(day.day.month, 0) + day.total
    assert max(per_month.values()) <= 200_000
    assert farm.hub.kinds.count(MessageKind.ALERT) == 4
    assert farm.carrier.connections <= 60 + 4
    notes = farm.store.link_state().notes  # type: ignore[union-attr]
    assert all("modem" in str(one) for one in notes)


def test_months_without_a_link_leave_nothing_behind(farm: Farm) -> None:
    farm.has()
    farm.syncing.step()
    rows = farm.store.messages(), farm.store.traffic_since(NOW.date())
    size = farm.config.database.stat().st_size
    for _day in range(120):
        farm.ways.pass_by(86_400.0)
        farm.syncing.step()
    assert (farm.store.messages(), farm.store.traffic_since(NOW.date())) == rows
    assert farm.config.database.stat().st_size == size
    farm.ways.put(MODEM)
    farm.syncing.step()
    assert len(farm.hub.has) == 1


def test_a_dialled_modem_is_up_for_the_burst_only(farms: Callable[..., Farm]) -> None:
    farm = farms(modem_connection="gsm")
    up: list[set[str]] = []

    def hub(frame: bytes) -> list[bytes]:
        up.append(set(farm.dialler.up))
        return farm.hub(frame)

    farm.carrier.hub = hub
    farm.has(kind=MessageKind.ALERT)
    farm.syncing.step()
    assert up == [{"gsm"}]
    assert farm.dialler.up == set()
    assert farm.carrier.over == ["wwan0"]
    farm.dialler.interfaces = {"gsm": ""}
    farm.has(2, MessageKind.ALERT)
    farm.syncing.step()
    past = farm.store.link_pasts()[LinkKind.MODEM]
    assert (past.failures, past.stuck) == (1, False)
    assert "gsm" in str(past.why)


def test_a_modem_that_was_up_when_the_process_was_killed_is_taken_down(farms: Callable[..., Farm]) -> None:
    farm = farms(modem_connection="gsm", alert_reserve_pct=0.0)
    left: list[str | None] = []

    def hub(frame: bytes) -> list[bytes]:
        left.append(farm.store.setting("sync.dialled"))
        return farm.hub(frame)

    farm.carrier.hub = hub
    farm.has(kind=MessageKind.ALERT)
    farm.syncing.step()
    assert left == ["gsm"]
    assert farm.store.setting("sync.dialled") == ""
    farm.store.set_setting("sync.dialled", "gsm")
    farm.dialler.up.add("gsm")
    looks = iter([False, True])
    parts = Parts(farm.ways, farm.dialler, farm.clock, farm.way, stopping=lambda: next(looks, True))
    Syncing(farm.config, farm.store, parts).run()
    assert farm.dialler.up == set()


def test_a_hub_that_is_silent_is_left_in_peace(farm: Farm) -> None:
    farm.hub.silent = True
    farm.ways.put(ETHERNET)
    sent = farm.has()
    farm.lasts(timedelta(hours=3))
    assert 3 <= farm.carrier.connections <= 8
    assert farm.store.message(sent).state is MessageState.SENT  # type: ignore[union-attr]
    assert "did not answer" in str(farm.store.link_pasts()[LinkKind.ETHERNET].why)


def test_a_wrong_certificate_is_told_and_tried_once_a_day(farm: Farm) -> None:
    farm.carrier.refusal = Distrusted("The hub does not take this certificate.")
    farm.ways.put(ETHERNET)
    farm.has()
    farm.lasts(3 * DAY)
    assert len(farm.carrier.over) == 3
    state = farm.store.link_state()
    assert state is not None
    assert [str(one) for one in state.notes] == ["The hub does not take this certificate."]
    sentence, done = farm.syncing.attempt()
    assert (str(sentence), done) == ("The hub does not take this certificate.", False)
    farm.carrier.refusal = None
    farm.syncing.step()
    assert farm.hub.has == {}
    sentence, done = farm.syncing.attempt()
    assert (str(sentence), done) == ("The hub was reached; 0 messages wait.", True)


def test_who_asks_while_no_link_is_there_still_hears_when_the_hub_was_reached(farm: Farm) -> None:
    farm.ways.put(ETHERNET)
    farm.has()
    farm.syncing.step()
    farm.ways.take(ETHERNET.name)
    farm.syncing.attempt()
    state = farm.store.link_state()
    assert state is not None
    assert (state.links, state.last_success is not None) == ((), True)


def test_another_certificate_ends_the_waiting(farm: Farm) -> None:
    farm.carrier.refusal = Distrusted("The hub does not take this certificate.")
    farm.ways.put(ETHERNET)
    farm.has()
    farm.syncing.step()
    farm.carrier.refusal = None
    renewal.offer(farm.config.identity, farm.hub.certificate(), NOW)
    farm.lasts(timedelta(minutes=20))
    assert len(farm.hub.has) == 1


def test_a_new_certificate_takes_the_place_of_the_old_one_when_it_worked(farm: Farm) -> None:
    folder = farm.config.identity
    old, pem = (folder / "tls.crt").read_text(), farm.hub.certificate()
    farm.ways.put(ETHERNET)
    farm.has()
    farm.syncing.step()
    for refusal, kept in ((Unwelcome("No."), old), (unreachable("hub", "timed out"), old), (None, pem)):
        renewal.offer(folder, pem, NOW)
        farm.carrier.refusal_of_new = refusal
        farm.has(farm.made + 10)
        farm.lasts(timedelta(minutes=20))
        assert (folder / "tls.crt").read_text() == kept
        assert (folder / "tls.next.crt").exists() == (refusal is not None and refusal.retry_helps)
        assert farm.store.link_pasts()[LinkKind.ETHERNET].stuck is False
    assert {one.state for one in farm.store.messages()} == {MessageState.ACKNOWLEDGED}


def test_a_new_certificate_outlasts_a_hub_that_is_not_believed(farm: Farm) -> None:
    """Somebody's hotspot answered in the hub's place: that says nothing of the box's certificate, and the hub gave it once."""
    folder, pem = farm.config.identity, farm.hub.certificate()
    renewal.offer(folder, pem, NOW)
    farm.ways.put(ETHERNET)
    farm.has()
    farm.carrier.refusal_of_new = Distrusted("What answers is not this box's hub.")
    farm.syncing.step()
    assert farm.store.link_pasts()[LinkKind.ETHERNET].stuck is True
    farm.carrier.refusal_of_new = None
    farm.lasts(DAY + timedelta(minutes=20))
    assert (folder / "tls.crt").read_text() == pem


def test_a_new_certificate_that_the_disk_lost_keeps_nothing_from_going(farm: Farm) -> None:
    damaged = farm.config.identity / "tls.next.crt"
    damaged.write_bytes(b"\0" * 700)
    _carrier, trying = by_mqtt(farm.clock)(joined(farm.config.identity))
    assert not trying and not damaged.exists()


def test_a_certificate_that_comes_while_another_works_has_not_worked(farm: Farm) -> None:
    folder, first = farm.config.identity, farm.hub.certificate()
    second = farm.hub.certificate(made=NOW + DAY)
    renewal.offer(folder, first, NOW)
    farm.ways.put(ETHERNET)
    farm.has()
    farm.carrier.say(farm.hub.says(DownKind.CERTIFICATE, Certificate(second).body()))
    farm.syncing.step()
    assert (folder / "tls.crt").read_text() == first
    assert (folder / "tls.next.crt").read_text() == second


@pytest.mark.parametrize("may_put", [True, False])
def test_a_dead_clock_learns_the_time_from_the_hub(farms: Callable[..., Farm], may_put: bool) -> None:
    farm = farms(said=datetime(1970, 1, 1, tzinfo=NOW.tzinfo), may_put=may_put)
    farm.ways.put(ETHERNET)
    farm.has()
    assert not farm.clock.known()
    farm.syncing.step()
    assert abs(farm.clock.now() - NOW) < timedelta(minutes=1)
    assert (abs(farm.system.now() - NOW) < timedelta(minutes=1)) == may_put
    farm.store.close()
    farm.system.said = datetime(1970, 1, 1, tzinfo=NOW.tzinfo)
    farm.start()
    assert farm.clock.now() >= NOW
    farm.has(2)
    farm.syncing.step()
    assert len(farm.hub.has) == 2


def test_without_a_modem_nobody_says_the_time(tmp_path: Path) -> None:
    assert FirstModem(f"unix:path={tmp_path / 'none'}").network_time() is None


def test_the_network_tells_a_dead_clock_the_time(farms: Callable[..., Farm]) -> None:
    farm = farms(said=datetime(1970, 1, 1, tzinfo=NOW.tzinfo))

    class Network:
        def network_time(self) -> datetime | None:
            return NOW if farm.ways.there() else None

    parts = Parts(farm.ways, farm.dialler, farm.clock, farm.way, network=Network())
    syncing = Syncing(farm.config, farm.store, parts)
    syncing.step()
    assert not farm.clock.known()
    farm.ways.put(MODEM)
    farm.carrier.dead = {"wwan0"}
    farm.has(kind=MessageKind.ALERT)
    syncing.step()
    assert timedelta(0) <= farm.system.now() - NOW < timedelta(minutes=2)


def test_a_clock_that_jumps_loses_and_doubles_nothing(farm: Farm) -> None:
    jumps = [400 * DAY, -4000 * DAY, 3 * DAY, -3 * DAY, 2000 * DAY, timedelta(seconds=-1)]
    farm.ways.put(ETHERNET)
    for number, jump in enumerate(jumps):
        farm.system.said += jump
        farm.carrier.dead = {"eth0"} if number % 2 else set()
        farm.has(number)
        farm.lasts(timedelta(minutes=30))
    farm.carrier.dead = set()
    farm.lasts(DAY)
    assert list(farm.hub.has.values()) == [1] * len(jumps)
    ids = [one.id for one in farm.store.messages()]
    assert ids == sorted(ids, reverse=True)
    assert abs(farm.clock.now() - farm.hub.now) < 2 * DAY


def test_what_the_hub_says_is_done_and_answered(farm: Farm) -> None:
    farm.ways.put(ETHERNET)
    sent = farm.has()
    farm.syncing.step()
    farm.carrier.say(farm.hub.says(DownKind.RESEND, Resend((sent,)).body()))
    farm.lasts(DAY + timedelta(hours=1))
    assert farm.hub.has[sent] == 2
    (answered,) = farm.hub.answers
    assert '"done":true' in answered
    assert '"count":1' in answered


def test_an_alert_waits_for_no_more_than_one_picture(farms: Callable[..., Farm]) -> None:
    farm = farms(pictures=True)
    farm.ways.put(ETHERNET)
    farm.syncing.step()
    wanted = [
        {"command": f"{n:032x}", "issued": NOW.isoformat(), "survey": "gone", "spot": 1} for n in range(3)
    ]
    farm.store.set_setting(PICTURES, json.dumps(wanted))
    assert farm.syncing.step() == 0.0, "one of them, and then it looks again"
    alert = farm.has(kind=MessageKind.ALERT)
    farm.syncing.step()
    assert farm.hub.has[alert] == 1
    assert len(json.loads(farm.store.setting(PICTURES) or "")) == 2


def test_a_setting_of_the_hub_counts_at_once(farm: Farm) -> None:
    farm.ways.put(MODEM)
    farm.syncing.step()
    farm.has()
    farm.lasts(timedelta(hours=1))
    assert farm.hub.has == {}
    farm.store.set_setting("hub.settings", '{"sync.gather_hours": 0.5}')
    farm.syncing.step()
    assert len(farm.hub.has) == 1


def test_a_box_that_joined_no_hub_says_so(farm: Farm) -> None:
    (farm.config.identity / "hub.json").unlink()
    farm.ways.put(ETHERNET)
    farm.has()
    assert farm.syncing.step() == 60.0
    state = farm.store.link_state()
    assert state is not None
    assert "joined no hub" in str(state.why)


def test_the_state_is_written_when_it_changes_and_else_once_an_hour(farm: Farm) -> None:
    written = 0
    last = None
    for _minute in range(240):
        farm.syncing.step()
        state = farm.store.link_state()
        written += state != last
        last = state
        farm.ways.pass_by(60.0)
    assert written == 4


def run_until_wished(farm: Farm) -> str:
    """Have the process run until what somebody asked for at a page was tried; what came of it."""

    def done() -> bool:
        asked = wishes.last(farm.store)
        return asked is not None and asked.came is not None

    parts = Parts(farm.ways, farm.dialler, farm.clock, farm.way, stopping=done, look_s=3600.0)
    Syncing(farm.config, farm.store, parts).run()
    asked = wishes.last(farm.store)
    assert asked is not None and asked.done_at is not None
    return str(asked.came)


def test_what_gathers_goes_at_once_when_somebody_at_a_page_asks(farms: Callable[..., Farm]) -> None:
    farm = farms(links="modem", gather_hours=100.0, listen_hours=0.0)
    farm.ways.put(replace(ETHERNET, kind=LinkKind.MODEM, metered=True))
    sent = farm.has()
    farm.syncing.step()
    assert farm.hub.has == {}
    wishes.wish(farm.store, farm.clock.now())
    began = farm.system.elapsed()
    assert run_until_wished(farm) == "The hub was reached; 0 messages wait."
    assert farm.hub.has == {sent: 1}
    assert farm.system.elapsed() - began < 60
    assert not wishes.is_open(farm.store)


def test_a_wish_that_cannot_be_met_is_told(farm: Farm) -> None:
    wishes.wish(farm.store, farm.clock.now())
    assert run_until_wished(farm)
    (farm.config.identity / "hub.json").unlink()
    wishes.wish(farm.store, farm.clock.now())
    assert "joined no hub" in run_until_wished(farm)


def test_what_is_asked_for_during_a_try_is_tried_too(farm: Farm) -> None:
    wishes.wish(farm.store, farm.clock.now())
    tried = wishes.last(farm.store)
    assert tried is not None
    farm.ways.pass_by(1.0)
    wishes.wish(farm.store, farm.clock.now())
    wishes.settle(farm.store, tried, Sentence("Done."), farm.clock.now())
    assert wishes.is_open(farm.store)
    assert run_until_wished(farm) != "Done."


def run_for(farm: Farm, seconds: float) -> list[str]:
    """Have the process run so long; what it wrote into its log."""
    until = farm.system.elapsed() + seconds
    parts = Parts(
        farm.ways,
        farm.dialler,
        farm.clock,
        farm.way,
        stopping=lambda: farm.system.elapsed() >= until,
        look_s=3600.0,
    )
    with capture_logs() as told:
        Syncing(farm.config, farm.store, parts).run()
    return [one["event"] for one in told]


def test_where_nothing_can_be_written_a_wish_is_tried_once_in_a_few_minutes(farm: Farm) -> None:
    wishes.wish(farm.store, farm.clock.now())
    with unwritable(farm.store):
        assert run_for(farm, 2.5 * FAULT_S) == ["sending waits"] * 3
    assert wishes.is_open(farm.store)
    assert run_until_wished(farm)


def test_a_database_that_cannot_be_read_for_a_while_does_not_end_the_process(farm: Farm) -> None:
    disk, pass_by, began = ExitStack(), farm.ways.pass_by, farm.system.elapsed()

    def break_and_mend(seconds: float) -> None:
        pass_by(seconds)
        if farm.system.elapsed() - began == 2 * WISH_S:
            disk.enter_context(unreadable(farm.store))
        if farm.system.elapsed() - began == 4 * WISH_S:
            disk.close()
            wishes.wish(farm.store, farm.clock.now())

    farm.ways.pass_by = break_and_mend
    run_for(farm, 60.0)
    asked = wishes.last(farm.store)
    assert asked is not None and asked.came is not None
