"""Texts of a box, from the outbox to phones and back, with a modem in memory."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.config import Config, SmsConfig
from fieldbox.domain import MessageKind, MessageState, Outgoing, Receipt, SurveyVerdict, TextState
from fieldbox.hub.receiving import receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from fieldbox.i18n import Sentence
from fieldbox.services import hubtexts
from fieldbox.services.texting import HubBySms, Parts, Texting
from fieldbox.storage.store import Store
from fieldbox.storage.texts import TWICE, UNKNOWN
from fieldbox.sync.sms.memory import MemoryModem, Trouble
from fieldbox.sync.sms.modem import Barred
from fieldbox.wire import down, smsframe
from fieldbox.wire.gsm import length_of
from tests.hub.boxes import Sender
from tests.storage.samples import add_flight, near_bangalore, survey
from tests.wire.bodies import ALERT, SUMMARY

ANN, BEN, STRANGER = "+919812345678", "+919800000001", "+919899999999"
HUB = "+919877777777"
NOW = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
SMS = SmsConfig(send="surveys", numbers=ANN, script="latin")


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **by: float) -> None:
        self.now += timedelta(**by)


class Farm:
    """A box whose texts are looked after."""

    def __init__(self, path: Path, sms: SmsConfig = SMS, *, moment: int = 0) -> None:
        """`moment`: it was set up before, and is to be killed at this call."""
        self.moment = moment
        self.clock = Clock()
        self.store = Store.open(path, clock=self.clock)
        self.modem = MemoryModem(clock=self.clock)
        self.config = Config(sms=sms)
        self.hub: HubBySms | None = None
        self.surveys = 0
        if moment:
            return
        self.flight = add_flight(self.store)
        self.step()  # what comes from here on is told

    def use(self, **sms: object) -> None:
        self.config = replace(self.config, sms=replace(self.config.sms, **sms))  # type: ignore[arg-type]

    def step(self, times: int = 1) -> None:
        for _each in range(times):
            self.texting().step(self.clock.now)

    def wait(self) -> None:
        """For whatever is waited for."""
        for _each in range(4):
            self.clock.on(minutes=35)
            self.step()

    def texting(self) -> Texting:
        """As after a start of its process."""
        return Texting(self.config, self.store, Parts(self.modem, lambda: self.hub, local=lambda now: now))

    def survey(self, *, alert: bool = False, withdraws: bool = False, flight: str | None = None) -> str:
        """A flight is mapped; the id of its survey."""
        self.surveys += 1
        over = add_flight(self.store, flight, first=100 * self.surveys) if flight else self.flight
        made = replace(survey(over, f"survey {self.surveys}"), hotspots=survey(over).hotspots)
        told = [outgoing(MessageKind.SUMMARY, SUMMARY, self.surveys, f"survey {over.id}")]
        if alert or withdraws:
            body = {**ALERT, "why": ["weeds"] if alert else []}
            told.append(outgoing(MessageKind.ALERT, body, self.surveys, f"alert {over.id}"))
        self.store.save_survey(
            made, [], told, plan_key=str(self.surveys), release_sha="r", to_geographic=near_bangalore
        )
        return made.id

    def states(self) -> list[TextState]:
        """Of texts that go out, oldest first."""
        return [one.state for one in reversed(self.store.texts()) if not one.incoming]

    def bodies(self) -> list[str]:
        return [body for _number, body in self.modem.arrived]

    def code(self) -> str:
        """Of the last text on a phone."""
        return self.bodies()[-1].split("#")[1][:3]

    def reply(self, text: str, number: str = ANN) -> None:
        self.modem.text_in(number, text)
        self.clock.on(seconds=5)
        self.step()


def outgoing(kind: MessageKind, body: dict[str, object], number: int, subject: str) -> Outgoing:
    return Outgoing(kind, json.dumps(body), f"{number:020x}", subject=subject)


@pytest.fixture
def farm(tmp_path: Path, empty_database: Path) -> Iterator[Farm]:
    found = Farm(Path(shutil.copy(empty_database, tmp_path / "fieldbox.db")))
    yield found
    assert found.store.check() == []
    found.store.close()


# -- what is told ----------------------------------------------------------------------------------


def test_a_survey_is_told_once_to_each_number(farm: Farm) -> None:
    farm.use(numbers=f"{ANN}, {BEN}")
    farm.survey()
    farm.step(3)
    assert sorted(number for number, _body in farm.modem.arrived) == [BEN, ANN]
    assert farm.bodies()[0] == farm.bodies()[1]
    assert farm.bodies()[0].startswith("Fieldbox F01 #")
    assert " = 4.2(3-5.5)/2/62/42. " in farm.bodies()[0]
    assert farm.states() == [TextState.DELIVERED] * 2


def test_what_was_in_the_outbox_before_is_not_told(tmp_path: Path, empty_database: Path) -> None:
    path = Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))
    farm = Farm(path, replace(SMS, send="never"))
    farm.survey()
    farm.step()
    farm.use(send="surveys")
    farm.step()
    assert farm.modem.arrived == []
    farm.survey(flight="later")
    farm.step()
    assert len(farm.modem.arrived) == 1


def test_an_alert_goes_in_the_place_of_its_survey_and_goes_first(farm: Farm) -> None:
    farm.survey()
    farm.survey(alert=True, flight="other")
    farm.step()
    assert ["ALERT" in body for body in farm.bodies()] == [True, False]


def test_only_alerts_where_only_alerts_are_wanted(farm: Farm) -> None:
    farm.use(send="alerts")
    farm.survey()
    farm.survey(alert=True, flight="other")
    farm.step()
    assert len(farm.bodies()) == 1
    assert "ALERT" in farm.bodies()[0]


def test_a_newer_look_at_the_same_flight_supersedes_what_waits(farm: Farm) -> None:
    farm.modem.service = False
    farm.survey()
    farm.step()
    farm.survey()
    farm.step()
    farm.modem.service = True
    farm.step()
    assert farm.states() == [TextState.SUPERSEDED, TextState.SENT]
    assert len(farm.bodies()) == 1


def test_an_alert_that_went_is_withdrawn(farm: Farm) -> None:
    farm.use(send="alerts")
    farm.survey(alert=True)
    farm.step()
    farm.survey(withdraws=True)
    farm.step(2)
    assert "no longer stands" in farm.bodies()[-1]
    assert len(farm.bodies()) == 2


def test_an_alert_is_withdrawn_once(farm: Farm) -> None:
    """A third look that finds none either says nothing; an alert after that is withdrawn again."""
    farm.use(send="alerts")
    farm.survey(alert=True)
    farm.step()
    farm.survey(withdraws=True)
    farm.step()
    farm.survey(withdraws=True)
    farm.step(2)
    assert ["no longer stands" in body for body in farm.bodies()] == [False, True]
    farm.survey(alert=True)
    farm.step()
    farm.survey(withdraws=True)
    farm.step()
    assert ["no longer stands" in body for body in farm.bodies()] == [False, True, False, True]


def test_what_could_not_be_brought_does_not_go_again_after_a_newer_look(farm: Farm) -> None:
    """Else an alert would come after the text that withdrew it."""
    farm.use(send="alerts")
    farm.modem.gives_reports = False
    farm.survey(alert=True)
    farm.step()
    farm.survey(withdraws=True)
    farm.step()
    alert = farm.store.texts()[-1]
    assert alert.reference is not None
    assert farm.store.report_text("r", ANN, alert.reference, Receipt.UNDELIVERED, farm.clock.now)
    farm.wait()
    assert farm.states()[0] is TextState.SUPERSEDED
    assert ["no longer stands" in body for body in farm.bodies()] == [False, True]


def test_an_alert_that_still_waits_and_stands_no_longer_does_not_go(farm: Farm) -> None:
    farm.use(send="alerts")
    farm.modem.service = False
    farm.survey(alert=True)
    farm.step()
    farm.survey()
    farm.step()
    farm.modem.service = True
    farm.step(2)
    assert farm.bodies() == []
    assert farm.states() == [TextState.SUPERSEDED]


def test_one_in_doubt_does_not_go_again_when_there_is_a_newer_look(farm: Farm) -> None:
    farm.modem.troubles.append(Trouble.LOST)
    farm.survey()
    farm.step()
    farm.survey()
    farm.wait()
    assert len(farm.bodies()) == 1
    assert farm.states() == [TextState.MAYBE, TextState.DELIVERED]


def test_quiet_hours_hold_surveys_and_not_alerts(farm: Farm) -> None:
    farm.use(quiet_hours="21:00-07:00")
    farm.survey()
    farm.survey(alert=True, flight="other")
    farm.step()
    assert len(farm.bodies()) == 1
    farm.clock.on(minutes=30)
    farm.step()
    assert len(farm.bodies()) == 2


def test_no_more_parts_go_in_a_day_than_are_allowed(farm: Farm) -> None:
    farm.use(daily_parts=2)
    for number in range(3):
        farm.survey(flight=f"flight {number}")
    farm.step(3)
    assert farm.states().count(TextState.WAITING) == 1
    farm.clock.on(hours=23)
    farm.step()
    assert len(farm.bodies()) == 2
    farm.clock.on(hours=2)
    farm.step()
    assert len(farm.bodies()) == 3


def test_a_number_that_is_taken_out_of_the_settings_gets_nothing_more(farm: Farm) -> None:
    farm.modem.service = False
    farm.survey()
    farm.step()
    farm.use(numbers=BEN)
    farm.modem.service = True
    farm.step()
    assert farm.modem.arrived == []
    assert farm.states() == [TextState.REFUSED]


def test_without_a_modem_texts_wait(farm: Farm) -> None:
    farm.modem.there = False
    farm.survey()
    farm.step()
    assert farm.states() == [TextState.WAITING]
    farm.modem.there = True
    farm.step()
    assert len(farm.bodies()) == 1


# -- what the network does -------------------------------------------------------------------------


def test_a_busy_network_gets_it_later_and_it_arrives_once(farm: Farm) -> None:
    farm.modem.troubles.extend([Trouble.BUSY, Trouble.BUSY])
    farm.survey()
    for _each in range(12):
        farm.step()
        farm.clock.on(minutes=2)
    assert len(farm.bodies()) == 1
    assert farm.states() == [TextState.DELIVERED]
    assert farm.store.text_parts_paid(farm.clock.now) == 1


def test_a_network_that_always_refuses_is_not_asked_for_ever(farm: Farm) -> None:
    farm.modem.troubles.extend([Trouble.BUSY] * 100)
    farm.survey()
    for _each in range(200):
        farm.step()
        farm.clock.on(hours=3)
    assert len(farm.modem.troubles) == 100 - 8
    assert farm.states() == [TextState.FAILED]


def test_a_barred_number_is_not_tried_again(farm: Farm) -> None:
    farm.modem.troubles.append(Trouble.BARRED)
    farm.survey()
    farm.step()
    farm.clock.on(days=1)
    farm.step()
    assert farm.states() == [TextState.FAILED]
    assert farm.bodies() == []
    assert farm.store.texts()[0].why is not None


def test_a_text_that_the_modem_does_not_take_is_not_tried_for_ever(farm: Farm) -> None:
    class Refusing(MemoryModem):
        asked = 0

        def prepare(self, number: str, text: str) -> str:  # noqa: ARG002
            self.asked += 1
            raise Barred("The modem does not take such a text ({why}).", why="no text")

    farm.modem = modem = Refusing(clock=farm.clock)
    farm.survey()
    farm.step(3)
    assert modem.asked == 1
    assert farm.states() == [TextState.FAILED]


def test_a_lost_confirmation_is_made_good_by_the_report(farm: Farm) -> None:
    farm.modem.troubles.append(Trouble.UNCONFIRMED)
    farm.survey()
    farm.step()
    assert farm.states() == [TextState.MAYBE]
    for _each in range(60):
        farm.step()
        farm.clock.on(minutes=2)
    assert farm.states() == [TextState.DELIVERED]
    assert len(farm.bodies()) == 1
    assert farm.store.texts()[0].why is None


def test_without_reports_it_goes_once_more_and_says_that_it_may_be_twice(farm: Farm) -> None:
    farm.modem.gives_reports = False
    farm.modem.troubles.append(Trouble.UNCONFIRMED)
    farm.survey()
    farm.step()
    farm.clock.on(minutes=20)
    farm.step()
    assert len(farm.bodies()) == 1
    for _each in range(60):
        farm.clock.on(minutes=15)
        farm.step()
    first, second = farm.bodies()
    assert "Maybe sent twice." not in first
    assert "Maybe sent twice." in second
    assert farm.states() == [TextState.SENT]
    assert farm.store.texts()[0].why == Sentence(TWICE)
    assert farm.store.texts()[0].paid_parts == 2


def test_one_that_was_lost_altogether_arrives_once_and_says_so_too(farm: Farm) -> None:
    farm.modem.troubles.append(Trouble.LOST)
    farm.survey()
    for _each in range(60):
        farm.step()
        farm.clock.on(minutes=5)
    assert len(farm.bodies()) == 1
    assert "Maybe sent twice." in farm.bodies()[0]


def test_twice_in_doubt_is_the_end_of_it(farm: Farm) -> None:
    farm.modem.gives_reports = False
    farm.modem.troubles.extend([Trouble.LOST, Trouble.LOST])
    farm.survey()
    for _each in range(100):
        farm.step()
        farm.clock.on(minutes=30)
    assert farm.states() == [TextState.MAYBE]
    assert farm.bodies() == []
    assert farm.store.texts()[0].why == Sentence(TWICE)


def test_in_doubt_nothing_else_goes_to_the_number_and_others_get_theirs(farm: Farm) -> None:
    farm.use(numbers=f"{ANN}, {BEN}")
    farm.modem.gives_reports = False
    farm.modem.troubles.append(Trouble.LOST)
    farm.survey()
    farm.step()
    farm.survey(flight="other")
    farm.clock.on(minutes=10)
    farm.step()
    assert len({number for number, _body in farm.modem.arrived}) == 1


def test_a_clock_that_was_put_back_years_holds_nothing_up(farm: Farm) -> None:
    farm.modem.gives_reports = False
    farm.modem.troubles.append(Trouble.LOST)
    farm.survey()
    farm.step()
    farm.clock.now = datetime(2020, 1, 1, tzinfo=UTC)
    farm.step()
    farm.clock.on(minutes=31)
    farm.step()
    assert len(farm.bodies()) == 1


# -- killed at any moment --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box of which two surveys wait to be told."""
    path = Path(shutil.copy(empty_database, tmp_path_factory.mktemp("told") / "fieldbox.db"))
    farm = Farm(path)
    farm.survey()
    farm.survey(flight="other")
    farm.store.close()
    return path


def farms(folder: Path, told: Path) -> Iterator[Farm]:
    """The same box again and again; the n-th is to be killed at its n-th call."""
    for moment in itertools.count(1):
        yield Farm(Path(shutil.copy(told, folder / f"{moment}.db")), moment=moment)


def moments_of(farm: Farm) -> int:
    return farm.moment


class Killed(BaseException):
    """The process is gone."""


class Fuse:
    """Stands before a part of the box, and kills the process before the n-th call of all."""

    def __init__(self, inner: object, calls: Iterator[int], moment: int) -> None:
        self._inner, self._calls, self._moment = inner, calls, moment

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)

        def call(*args: object, **named: object) -> object:
            if next(self._calls) == self._moment:
                raise Killed
            return method(*args, **named)

        return call


@pytest.mark.parametrize("forgets", [False, True], ids=["process", "machine"])
def test_killed_at_any_call_each_text_arrives_once_or_twice_and_the_second_says_so(
    tmp_path: Path, told: Path, forgets: bool
) -> None:
    twice = 0
    for farm in farms(tmp_path, told):
        farm.modem.gives_reports = not forgets
        # Two steps: the second one hears the reports of what the first one sent.
        survived = not _killed(farm, steps=2)
        if forgets:
            farm.modem.restart()
        farm.wait()
        firsts = [body for body in farm.bodies() if "Maybe sent twice." not in body]
        fields = {body.split(" ")[1] for body in farm.bodies()}
        assert fields == {"F01", "F02"}
        assert len(firsts) == len(set(firsts))
        twice += len(farm.bodies()) - 2
        assert set(farm.states()) <= {TextState.SENT, TextState.DELIVERED}
        farm.store.close()
        if survived:
            break
    assert farm.moment > 30
    # A modem that remembers tells what became of it; one that was started anew as well does not.
    assert (twice > 0) == forgets


def _killed(farm: Farm, steps: int = 1) -> bool:
    """Let steps begin, and end before the call that is the farm's moment; whether it came to that."""
    calls = itertools.count(1)
    store, modem = (Fuse(one, calls, farm.moment) for one in (farm.store, farm.modem))
    try:
        for _each in range(steps):
            Texting(farm.config, store, Parts(modem, local=lambda now: now)).step(farm.clock.now)  # type: ignore[arg-type]
    except Killed:
        return True
    return False


def test_killed_while_replies_are_taken_in_each_counts_once(tmp_path: Path, told: Path) -> None:
    for farm in farms(tmp_path, told):
        farm.step(2)
        for word in ("MORE", "OK"):
            farm.clock.on(seconds=1)
            farm.modem.text_in(ANN, f"{word} {farm.code()}")
        survived = not _killed(farm)
        farm.wait()
        verdicts = [*farm.store.verdicts("survey 1"), *farm.store.verdicts("survey 2")]
        assert [one.verdict for one in verdicts] == [SurveyVerdict.RIGHT]
        assert farm.modem.came() == []
        assert len([body for body in farm.bodies() if "worst spots" in body]) == 1
        assert len([one for one in farm.store.texts() if one.incoming]) == 2
        farm.store.close()
        if survived:
            break
    assert farm.moment > 20


# -- replies ---------------------------------------------------------------------------------------


def test_a_reply_is_a_verdict(farm: Farm) -> None:
    told = farm.survey()
    farm.step()
    farm.reply(f"ok {farm.code().lower()}")
    farm.reply(f"OK {farm.code()}")
    farm.reply(f"नहीं {farm.code()}")
    verdicts = farm.store.verdicts(told)
    assert [(one.verdict, one.way, one.who) for one in verdicts] == [
        (SurveyVerdict.RIGHT, "sms", ANN),
        (SurveyVerdict.WRONG, "sms", ANN),
    ]
    assert farm.modem.came() == []


def test_a_reply_that_the_network_brings_twice_counts_once(farm: Farm) -> None:
    farm.survey()
    farm.step()
    farm.reply(f"MORE {farm.code()}")
    assert len(farm.store.texts()) == 3
    farm.modem.text_in(ANN, f"MORE {farm.code()}")
    farm.modem.text_again()
    farm.step(3)
    assert len(farm.store.texts()) == 4
    assert len([body for body in farm.bodies() if "worst spots" in body]) == 1


def test_more_is_answered_once_an_hour(farm: Farm) -> None:
    farm.survey()
    farm.step()
    for _each in range(6):
        farm.reply(f"MORE {farm.code()}")
        farm.clock.on(minutes=20)
    assert len([body for body in farm.bodies() if "worst spots" in body]) in (2, 3)


def test_strangers_cannot_fill_the_box(farm: Farm) -> None:
    farm.survey()
    farm.step()
    for number in range(210):
        farm.modem.text_in(STRANGER, f"win {number}")
    farm.step()
    texts = farm.store.texts()
    assert len(texts) == 201
    assert not texts[-1].incoming


def test_what_waits_is_held_when_texting_is_turned_off(farm: Farm) -> None:
    farm.modem.service = False
    farm.survey()
    farm.step()
    farm.use(send="never")
    farm.modem.service = True
    farm.step(2)
    assert farm.bodies() == []


def test_what_waits_is_held_when_only_alerts_are_wanted_any_more(farm: Farm) -> None:
    farm.modem.service = False
    farm.survey()
    farm.survey(alert=True, flight="other")
    farm.step()
    farm.use(send="alerts")
    farm.modem.service = True
    farm.step(2)
    assert ["ALERT" in body for body in farm.bodies()] == [True]


def test_more_brings_the_worst_spots(farm: Farm) -> None:
    farm.survey()
    farm.step()
    code = farm.code()
    farm.reply(f"MORE {code}")
    assert farm.bodies()[-1] == f"Fieldbox F01 #{code}: worst spots, m2/weeds%: 4.5/25; 4.5/25"


def test_stop_and_start(farm: Farm) -> None:
    farm.survey()
    farm.step()
    farm.reply("Stop!")
    farm.survey(alert=True, flight="second")
    farm.step(2)
    assert len(farm.bodies()) == 1
    assert farm.states()[-1] is TextState.REFUSED
    farm.reply("start")
    farm.survey(flight="third")
    farm.step()
    assert len(farm.bodies()) == 2


def test_a_stranger_changes_nothing_and_is_not_answered(farm: Farm) -> None:
    told = farm.survey()
    farm.step()
    for text in (f"NO {farm.code()}", f"MORE {farm.code()}", "STOP", "FB1AAAA"):
        farm.reply(text, STRANGER)
        farm.reply(text, "FRIEND")
    assert len(farm.bodies()) == 1
    assert farm.store.verdicts(told) == []
    assert farm.modem.came() == []
    assert {one.state for one in farm.store.texts() if one.incoming} == {TextState.PASSED}
    farm.survey(flight="other")
    farm.step()
    assert len(farm.bodies()) == 2


def test_a_network_that_leaves_the_country_out_is_understood(farm: Farm) -> None:
    told = farm.survey()
    farm.step()
    farm.reply(f"OK {farm.code()}", "09812345678")
    assert [one.who for one in farm.store.verdicts(told)] == [ANN]


def test_a_code_that_nobody_has_changes_nothing(farm: Farm) -> None:
    farm.survey()
    farm.step()
    wrong = "9X9" if farm.code() != "9X9" else "8X9"
    farm.reply(f"OK {wrong}")
    assert farm.store.texts()[0].state is TextState.PASSED


# -- a message as a text ---------------------------------------------------------------------------


@dataclass
class Far:
    """The hub and its SIM."""

    store: HubStore
    key: Ed25519PrivateKey
    modem: MemoryModem
    allowance: hubtexts.Allowance = field(default_factory=hubtexts.Allowance)

    def step(self, clock: Clock) -> int:
        return hubtexts.step(
            self.modem,
            lambda sealed: receive(self.store, self.key, sealed, how=Way.SMS, now=clock.now).down,
            self.allowance,
        )


@pytest.fixture
def far(tmp_path: Path, farm: Farm) -> Iterator[Far]:
    sender, key = Sender(), Ed25519PrivateKey.generate()
    farm.use(send="never")
    farm.hub = HubBySms(sender.id, sender.key, key.public_key(), HUB)
    with HubStore.open(tmp_path / "hub.db") as store:
        store.add_box(sender.known, NOW)
        yield Far(store, key, MemoryModem(clock=farm.clock))


def carry(one: MemoryModem, other: MemoryModem, number: str) -> list[str]:
    """Let what arrived from `one` (whose number this is) come in at the other; what it is."""
    told = [body for _to, body in one.arrived]
    one.arrived.clear()
    for body in told:
        other.text_in(number, body)
    return told


def test_what_waits_for_a_day_goes_by_text_and_is_acknowledged_by_text(farm: Farm, far: Far) -> None:
    farm.survey()
    farm.step()
    assert farm.modem.arrived == []
    farm.clock.on(hours=25)
    farm.step(3)
    (frame,) = carry(farm.modem, far.modem, ANN)
    assert length_of(frame).parts <= 3
    assert far.step(farm.clock) == 1
    (answer,) = carry(far.modem, farm.modem, HUB)
    assert length_of(answer).parts == 1
    farm.step()
    assert {one.state for one in farm.store.messages()} == {MessageState.ACKNOWLEDGED}
    farm.clock.on(days=2)
    farm.step(2)
    assert farm.modem.arrived == []


def test_an_acknowledgement_that_is_lost_costs_another_text_and_not_another_message(
    farm: Farm, far: Far
) -> None:
    farm.survey()
    farm.clock.on(hours=25)
    farm.step(3)
    carry(farm.modem, far.modem, ANN)
    far.modem.troubles.append(Trouble.LOST)
    assert far.step(farm.clock) == 1
    assert carry(far.modem, farm.modem, HUB) == []
    farm.clock.on(hours=5)
    farm.step(2)
    assert farm.modem.arrived == []
    farm.clock.on(hours=9)
    farm.step(2)
    carry(farm.modem, far.modem, ANN)
    assert far.step(farm.clock) == 1
    carry(far.modem, farm.modem, HUB)
    farm.step()
    assert {one.state for one in farm.store.messages()} == {MessageState.ACKNOWLEDGED}


def test_what_arrived_by_data_meanwhile_does_not_go_by_text(farm: Farm, far: Far) -> None:
    farm.survey()
    farm.clock.on(hours=25)
    farm.modem.service = False
    farm.step()
    (waiting,) = farm.store.texts()
    assert waiting.state is TextState.WAITING
    (message,) = farm.store.messages()
    farm.store.acknowledge(farm.clock.now, batches=[], ids=[message.id], refused={})
    farm.modem.service = True
    farm.step(2)
    assert farm.modem.arrived == []
    assert farm.states() == [TextState.SUPERSEDED]


def test_nothing_goes_to_a_sim_that_was_the_hubs(farm: Farm, far: Far) -> None:
    farm.survey()
    farm.clock.on(hours=25)
    farm.modem.service = False
    farm.step()
    assert farm.hub is not None
    farm.hub = replace(farm.hub, number=BEN)
    farm.modem.service = True
    farm.step()
    assert farm.modem.arrived == []
    assert farm.states() == [TextState.REFUSED]
    farm.clock.on(hours=7)
    farm.step(2)
    assert [number for number, _body in farm.modem.arrived] == [BEN]


def test_a_message_goes_by_text_four_times_at_most(farm: Farm, far: Far) -> None:
    farm.survey()
    for _each in range(100):
        farm.clock.on(hours=7)
        farm.step()
    assert len(farm.modem.arrived) == 4


@pytest.mark.parametrize("which", ["nonsense", "another key", "another box", "a stranger's"])
def test_what_is_not_the_hubs_changes_nothing(farm: Farm, far: Far, which: str) -> None:
    farm.survey()
    farm.clock.on(hours=25)
    farm.step(3)
    (message,) = farm.store.messages()
    assert farm.hub is not None
    said = down.Acknowledgement(batches=(message.batch or "",)).body()
    key = Ed25519PrivateKey.generate() if which == "another key" else far.key
    box = "babcdefgh" if which == "another box" else farm.hub.box
    sealed = down.pack(down.Down(box, "0" * 32, NOW, down.DownKind.ACKNOWLEDGE, said), key)
    text = "FB1AAAA" if which == "nonsense" else smsframe.to_text(sealed)
    farm.reply(text, STRANGER if which == "a stranger's" else HUB)
    assert [one.state for one in farm.store.messages()] == [MessageState.SENT]
    assert farm.store.texts()[0].state is TextState.PASSED
    assert farm.modem.came() == []


def test_the_hub_answers_nobody_that_it_does_not_know(far: Far, farm: Farm) -> None:
    other = Sender()
    far.modem.text_in(STRANGER, smsframe.to_text(other.frame(other.summary())))
    far.modem.text_in(STRANGER, "hello")
    far.modem.text_in(STRANGER, "FB1!")
    assert far.step(farm.clock) == 0
    assert far.modem.arrived == []
    assert far.modem.came() == []


def test_a_frame_that_comes_again_and_again_is_not_answered_for_ever(far: Far, farm: Farm) -> None:
    assert farm.hub is not None
    sender, at = Sender(), [0.0]
    far.store.add_box(sender.known, NOW)
    far.allowance = hubtexts.Allowance(lambda: at[0])
    overheard = smsframe.to_text(sender.frame(sender.summary()))

    def answers() -> int:
        for _one in range(hubtexts.MOST_ANSWERS + 5):
            far.modem.text_in(STRANGER, overheard)
        assert far.step(farm.clock) == hubtexts.MOST_ANSWERS + 5
        return len(far.modem.arrived)

    assert answers() == hubtexts.MOST_ANSWERS
    at[0] += hubtexts.DAY_S + 1
    assert answers() == 2 * hubtexts.MOST_ANSWERS
    assert far.store.count_messages() == 1


def test_where_the_hub_cannot_commit_the_text_stays_on_its_sim(far: Far) -> None:
    sender = Sender()
    far.modem.text_in(ANN, smsframe.to_text(sender.frame(sender.summary())))

    def full(sealed: bytes) -> bytes:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        hubtexts.step(far.modem, full, far.allowance)
    assert len(far.modem.came()) == 1


def test_a_doubtful_text_says_that_nobody_knows(farm: Farm) -> None:
    farm.modem.gives_reports = False
    farm.modem.troubles.append(Trouble.LOST)
    farm.survey()
    farm.step()
    assert farm.store.texts()[0].why == Sentence(UNKNOWN)
