"""Texts of the box: written from what goes into the outbox, sent through the modem, and what people and the hub text back.

It may be killed at any moment. A text is written once, by the message that it tells of and its number; that it is about to be
handed over is in the database before it is. Where nobody says what became of it, nothing more goes to that number until the
modem, a delivery report or half an hour has told; then it goes once more, and says that it may be the second time. One that came
in is deleted from the SIM only when what follows of it is committed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldbox.config import Config
from fieldbox.domain import (
    Message,
    MessageKind,
    MessageState,
    NewText,
    Order,
    SentText,
    Survey,
    TextIn,
    TextState,
    Understood,
)
from fieldbox.errors import FieldboxError, Unsent
from fieldbox.i18n import N_, Sentence
from fieldbox.retrying import is_due
from fieldbox.services.box import open_store
from fieldbox.services.chosen import settled
from fieldbox.services.commanding import Commander
from fieldbox.services.style import style_of
from fieldbox.storage.store import Store, utc_now
from fieldbox.storage.texts import FRAME, WITHDRAWN
from fieldbox.sync.identity import joined
from fieldbox.sync.sms.codes import RECENT, free_code
from fieldbox.sync.sms.modem import Came, Fate, Modem, NoModem, Unconfirmed
from fieldbox.sync.sms.modemmanager import ModemManager
from fieldbox.sync.sms.numbers import same_number
from fieldbox.sync.sms.replies import Reply, read_reply
from fieldbox.sync.sms.templates import AGAIN, Kind
from fieldbox.sync.sms.texts import About, text_of
from fieldbox.wire import down, frame, smsframe
from fieldbox.wire.gsm import length_of

log = structlog.get_logger()

LOOK_S: Final = 20.0
FAULT_S: Final = 300.0
LEAVE_S: Final = 5.0
"""Longer nobody waits for a text that is being sent: whoever is killed then is no worse off."""
HANDING_OVER: Final = timedelta(minutes=3)
"""A text that was being handed over for so long is in doubt: its process was killed, or waits for longer than is of use."""
BLOCKED: Final = timedelta(minutes=5)
"""So long a modem may take no command where a confirmation was lost (ModemManager 1.20 waits 300 s)."""
FRAME_AGAIN: Final = timedelta(hours=6)
"""A frame that the hub did not acknowledge goes as a text again after so long."""
LOOKED_AT: Final = 200
"""Messages, for one that may go so."""
MOST_FRAMES: Final = 4
"""Times that one message goes as a text; after that it waits for data."""
_TOLD: Final = frozenset({MessageKind.ALERT, MessageKind.SUMMARY})
_LOCAL = Callable[[datetime], datetime]


@dataclass(frozen=True, slots=True)
class HubBySms:
    """The hub, where it has a SIM."""

    box: str
    key: Ed25519PrivateKey
    """Of the box."""
    hub_key: Ed25519PublicKey
    number: str


def _no_hub() -> HubBySms | None:
    return None


@dataclass(frozen=True, slots=True)
class Parts:
    """What texting needs of the world."""

    modem: Modem
    hub: Callable[[], HubBySms | None] = _no_hub
    """The hub by now; None: it has no SIM, or the box has joined none."""
    follow: Callable[[down.Down], None] | None = None
    """Does what the hub commands; None: it is heard on other ways alone."""
    local: _LOCAL = field(default=lambda now: now.astimezone())
    """The time of day where the box is."""


class Texting:
    """Texts for one box. `step` does once all that there is to do."""

    def __init__(self, config: Config, store: Store, parts: Parts) -> None:
        self._owners = self._config = config
        self._store, self._parts = store, parts
        self._modem = parts.modem
        self._hub: HubBySms | None = None
        self._silent: str | None = None
        """Why there was no modem, the last time."""

    def step(self, now: datetime) -> None:
        """Write, hear, decide, send. Raises Unavailable and Misconfigured of the database; a modem that is not there is no
        error."""
        self._config = settled(self._owners, self._store)
        write_texts(self._config, self._store)
        self._hub = self._parts.hub()
        if not self._allowed() and self._hub is None:
            return
        try:
            self._hear(now)
            self._settle(now)
            self._write_frame(now)
            self._send(now)
        except NoModem as error:
            self._say_once(str(error))
        else:
            self._silent = None

    # In.

    def _hear(self, now: datetime) -> None:
        for report in self._modem.reports():
            if report.receipt is not None:
                self._store.report_text(report.handle, report.number, report.reference, report.receipt, now)
                self._modem.delete(report.handle)
        for came in self._modem.came():
            self._take(came, now)
            self._modem.delete(came.handle)

    def _take(self, came: Came, now: datetime) -> None:
        """Follow a text; when this returns what follows of it is committed."""
        text, hub = self._named(came.text, now), self._hub
        if self._store.knows_text(text):
            return
        if hub and same_number(hub.number, text.number) and smsframe.is_one(text.body):
            understood = self._hear_hub(text, hub, now)
        else:
            understood = self._understand(text)
        why = str(understood.why or "")
        log.info("a text came in", followed=understood.followed, order=understood.order, why=why)
        self._store.take_text(text, understood)

    def _named(self, came: TextIn, now: datetime) -> TextIn:
        """With the number as the settings have it."""
        number = next((one for one in self._allowed() if same_number(one, came.number)), came.number)
        return TextIn(number, came.body, came.sent_at or now)

    def _understand(self, came: TextIn) -> Understood:
        if came.number not in self._allowed():
            return Understood(why=Sentence(N_("Its number is not in the settings.")))
        reply = read_reply(came.body)
        if reply is None:
            return Understood(why=Sentence(N_("It is no reply that the box understands.")))
        if reply.code is None:
            return Understood(reply.order, followed=True)
        survey_id = self._store.survey_of_code(reply.code)
        if survey_id is None:
            return Understood(
                reply.order, why=Sentence(N_("No survey has the code {code}."), {"code": reply.code})
            )
        return Understood(reply.order, survey_id, True, answer=self._answer(reply, survey_id, came))

    def _answer(self, reply: Reply, survey_id: str, came: TextIn) -> NewText | None:
        if reply.order is not Order.MORE:
            return None
        about = about_survey(self._store, survey_id, reply.code or "", None)
        if about is None:
            return None
        # Who asks again within the hour has the answer.
        hour = f"{came.sent_at:%Y-%m-%d %H}" if came.sent_at else ""
        key = f"{Kind.SPOTS} {survey_id} {came.number} {hour}"
        return new_text(self._config, Kind.SPOTS, about, came.number, key)

    def _hear_hub(self, came: TextIn, hub: HubBySms, now: datetime) -> Understood:
        try:
            told = down.read(smsframe.from_text(came.body), hub.hub_key, hub.box)
            self._follow_hub(told, now)
        except (smsframe.Unreadable, down.Unreadable, down.Forged) as error:
            log.warning("refused: a text that is not the hub's", reason=repr(error))
            return Understood(why=Sentence(N_("It is not under the hub's key.")))
        return Understood(followed=True)

    def _follow_hub(self, told: down.Down, now: datetime) -> None:
        if told.kind is down.DownKind.ACKNOWLEDGE:
            said = down.Acknowledgement.of(told.body)
            self._store.acknowledge(now, batches=said.batches, ids=said.messages, refused=said.refused)
        elif self._parts.follow:
            self._parts.follow(told)

    # What became of texts.

    def _settle(self, now: datetime) -> None:
        for one in self._store.texts_in_hand():
            self._look_after(one, now)
        self._store.settle_texts(now, self._allowed(), self._hub.number if self._hub else None)

    def _look_after(self, text: SentText, now: datetime) -> None:
        handed = self._modem.handed(text.handle) if text.handle else None
        if handed and handed.fate is Fate.SENT:
            self._store.text_sent(text.id, handed.reference, now)
            self._modem.delete(text.handle or "")
        elif text.state is TextState.SENDING and (
            handed is None
            or handed.fate is Fate.FORGOTTEN
            or is_due((text.sent_at or now) + HANDING_OVER, now, longest=HANDING_OVER)
        ):
            self._store.doubt_text(text.id, now)

    # Out.

    def _send(self, now: datetime) -> None:
        if self._is_blocked(now) or not self._modem.reception().registered:
            return
        for text in self._store.due_texts(now):
            if self._may_go(text, now) and not self._hand_over(text, now):
                return

    def _may_go(self, text: SentText, now: datetime) -> bool:
        """Whether the settings let it go now."""
        return self._is_wanted(text) and not self._is_quiet(text, now)

    def _is_wanted(self, text: SentText) -> bool:
        """Whether what tells of surveys is still wanted; answers and what goes to the hub are in any case."""
        if text.message_id is None or text.survey_id is None:
            return True
        wanted = self._config.sms.send
        told_with_alerts = text.urgent or (text.key or "").startswith(WITHDRAWN)
        return wanted == "surveys" or (wanted == "alerts" and told_with_alerts)

    def _hand_over(self, text: SentText, now: datetime) -> bool:
        """Send one; False: no other may go now."""
        in_doubt = any(one.number == text.number for one in self._store.texts_in_hand())
        if in_doubt or self._store.text_parts_paid(now) + text.parts > self._config.sms.daily_parts:
            return True
        try:
            handle = self._modem.prepare(text.number, text.body)
        except Unsent as error:
            self._store.text_not_sent(text.id, error.sentence, now, again=error.retry_helps)
            return True
        if not self._store.claim_text(text.id, handle, most_parts=self._config.sms.daily_parts, now=now):
            self._modem.delete(handle)
            return True
        return self._sent(text, handle, now)

    def _sent(self, text: SentText, handle: str, now: datetime) -> bool:
        try:
            reference = self._modem.send(handle)
        except (Unconfirmed, NoModem) as error:
            log.warning("nobody said whether a text was sent", text=text.id, reason=str(error))
            self._store.doubt_text(text.id, now)
            return False
        except Unsent as error:
            log.info("a text was not taken", text=text.id, reason=str(error))
            self._store.text_not_sent(text.id, error.sentence, now, again=error.retry_helps)
        else:
            self._store.text_sent(text.id, reference, now)
            log.info("a text was sent", text=text.id, parts=text.parts)
        self._modem.delete(handle)
        return True

    def _is_blocked(self, now: datetime) -> bool:
        """Whether the modem may still wait for a confirmation that was lost."""
        return any(
            one.state is TextState.MAYBE and not is_due((one.sent_at or now) + BLOCKED, now, longest=BLOCKED)
            for one in self._store.texts_in_hand()
        )

    def _is_quiet(self, text: SentText, now: datetime) -> bool:
        hours = self._config.sms.quiet
        return hours is not None and not text.urgent and within(self._parts.local(now).time(), hours)

    def _allowed(self) -> tuple[str, ...]:
        return self._config.sms.allowed

    # To the hub.

    def _write_frame(self, now: datetime) -> None:
        """Let one message that waited long for data go as a text."""
        hub, hours = self._hub, self._config.sms.hub_after_hours
        if hub is None or not hours:
            return
        for message in self._store.due_messages(now, LOOKED_AT, tuple(_TOLD)):
            waited = now - message.created_at
            if waited >= timedelta(hours=hours) and self._frame(message, hub, now):
                return

    def _frame(self, message: Message, hub: HubBySms, now: datetime) -> bool:
        written = [one for one in self._store.texts_of(message.id) if (one.key or "").startswith(FRAME)]
        tries = [one for one in written if one.state is not TextState.REFUSED]
        if len(tries) >= MOST_FRAMES or (tries and _is_fresh(tries[0], now)):
            return False
        packed = frame.pack(hub.box, [message], hub.key)
        body = smsframe.to_text(packed)
        if length_of(body).parts > smsframe.MOST_PARTS:
            log.info("a message is too long for a text", message=message.id)
            return False
        batch = frame.batch_of(packed)
        new = NewText(
            hub.number,
            body,
            f"{FRAME}{batch} {len(written)}",
            message_id=message.id,
            urgent=message.kind is MessageKind.ALERT,
        )
        return self._store.write_frame(new, [message.id], batch=batch, size=len(packed), now=now)

    def _say_once(self, why: str) -> None:
        if why != self._silent:
            log.info("no texts just now", reason=why)
            self._silent = why


def write_texts(config: Config, store: Store) -> int:
    """Write the texts of what went into the outbox since the last time; how many. The first time nothing: only what comes from
    then on is told."""
    store.begin_telling()
    waiting = store.untold()
    count = 0
    while waiting:
        told = _texts_of(config, store, waiting) if config.sms.send != "never" else []
        count += store.write_told(told, waiting[-1][0].id)
        waiting = store.untold()
    return count


def about_survey(store: Store, survey_id: str, code: str, litres: float | None) -> About | None:
    """What a text tells of a survey; None: the survey or its field is gone."""
    survey = store.survey(survey_id)
    found = store.field(survey.field_id) if survey else None
    if survey is None or found is None:
        return None
    flight = store.flight(survey.flight_id)
    return About(survey, found, code, litres, simulated=flight is not None and flight.simulated)


def code_for(store: Store, survey_id: str, taken: Sequence[str] = ()) -> str:
    """The code by which replies name a survey: the one that it has, or the next free one."""
    return store.text_code(survey_id) or free_code(survey_id, store.recent_text_codes(RECENT) | set(taken))


def within(at: time, hours: tuple[time, time]) -> bool:
    """Whether a time of day lies in a span, which may run past midnight."""
    start, end = hours
    return start <= at < end if start < end else at >= start or at < end


def litres_told(store: Store, survey_id: str) -> float | None:
    """What is to be sprayed, by a survey's summary; None: nobody told how the field is sprayed. An alert says it only where
    treating pays."""
    bodies = [one.body for one in store.messages_of(survey_id) if one.kind is MessageKind.SUMMARY]
    return _litres_in(bodies[-1]) if bodies else None


def _litres_in(body: str) -> float | None:
    told = _dict(_dict(json.loads(body)).get("spray")).get("l")
    return float(told[0]) if isinstance(told, list) and told else None


def serve(config: Config, stop: threading.Event) -> None:
    """Text until `stop` is set."""
    with open_store(config) as store, closing(ModemManager()) as modem:
        texting = Texting(config, store, parts_of(config, store, modem))
        while not stop.is_set():
            stop.wait(LOOK_S if _stepped(texting) else FAULT_S)


def _stepped(texting: Texting) -> bool:
    """Whether the box let it do what there is to do."""
    try:
        texting.step(utc_now())
    except FieldboxError as error:
        log.warning("texts wait", reason=str(error))
        return False
    return True


def parts_of(config: Config, store: Store, modem: Modem) -> Parts:
    """The hub that the box has joined, and what follows its commands."""
    return Parts(modem, lambda: hub_of(settled(config, store)), Commander(config, store, utc_now).follow)


def hub_of(config: Config) -> HubBySms | None:
    """The hub that the box has joined, if it has a SIM."""
    try:
        found = joined(config.identity)
    except FieldboxError:
        return None
    number = config.sms.hub or found.hub.sms
    return HubBySms(found.identity.box, found.identity.key, found.hub_key, number) if number else None


def _texts_of(
    config: Config, store: Store, messages: Sequence[tuple[Message, str | None]]
) -> list[tuple[str, list[NewText]]]:
    found: list[tuple[str, list[NewText]]] = []
    codes: dict[str, str] = {}
    for message, survey_id in messages:
        if survey_id is None or message.kind not in _TOLD or message.state is MessageState.SUPERSEDED:
            continue
        codes.setdefault(survey_id, code_for(store, survey_id, tuple(codes.values())))
        about = about_survey(store, survey_id, codes[survey_id], litres_told(store, survey_id))
        if about is not None:
            found.append((survey_id, _told(config, store, message, about)))
    return found


def _told(config: Config, store: Store, message: Message, about: About) -> list[NewText]:
    """The texts of one message, one for each number."""
    if has_alert(store, about.survey):
        wanted = [Kind.ALERT] if message.kind is MessageKind.ALERT else []  # the alert says the same and more
    elif message.kind is MessageKind.SUMMARY:
        wanted = [Kind.WITHDRAWN, Kind.SURVEY] if config.sms.send == "surveys" else [Kind.WITHDRAWN]
    else:
        wanted = []
    return [
        replace(new_text(config, kind, about, number, f"{kind} {message.id} {number}"), message_id=message.id)
        for number in config.sms.allowed
        for kind in wanted
        if kind is not Kind.WITHDRAWN or store.was_alerted(about.survey.id, number)
    ]


def new_text(config: Config, kind: Kind, about: About, number: str, key: str) -> NewText:
    """A text, and what it says if it has to go a second time."""
    first, again = (text_of(about, one, style_of(config)) for one in (kind, AGAIN[kind]))
    return NewText(
        number,
        first,
        key,
        code=about.code,
        survey_id=about.survey.id,
        again=again,
        urgent=kind is Kind.ALERT,
    )


def has_alert(store: Store, survey: Survey) -> bool:
    """Whether a survey raises an alert, and does not only withdraw one."""
    alerts = [one for one in store.messages_of(survey.id) if one.kind is MessageKind.ALERT]
    return any(_dict(json.loads(one.body)).get("why") for one in alerts)


def _is_fresh(text: SentText, now: datetime) -> bool:
    """Whether a frame is still on its way, or just was."""
    if text.state in (TextState.WAITING, TextState.SENDING):
        return True
    return not is_due((text.sent_at or text.created_at) + FRAME_AGAIN, now, longest=FRAME_AGAIN)


def _dict(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}
