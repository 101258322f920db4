"""Texts (SMS), out and in, and what people make of surveys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from blake3 import blake3
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from fieldbox.domain import (
    GONE,
    HANDED,
    Message,
    NewText,
    Order,
    Receipt,
    SentText,
    SurveyVerdict,
    TextIn,
    TextState,
    Understood,
)
from fieldbox.i18n import N_, Sentence
from fieldbox.retrying import is_due, pause
from fieldbox.storage import accounts, outbox, verdicts
from fieldbox.storage.schema import messages, surveys, texts
from fieldbox.storage.surveys import number_of
from fieldbox.wire.gsm import length_of

MOST_TRIES: Final = 8
"""Of a text that the network or the modem refuses."""
WAIT_FOR_REPORT: Final = timedelta(minutes=30)
"""How long a delivery report is waited for, of a text of which nobody said what became of it."""
REPORTS_WITHIN: Final = timedelta(days=8)
"""The network gives a text up after some days; later its reference may be another's."""
FRAME: Final = "frame "
"""How the keys of texts begin that carry a message to the hub."""
WITHDRAWN: Final = "withdrawn "
"""How those begin that say of an alert that it stands no longer."""
KEPT: Final = 2000
"""Texts that are done with; older ones go."""
PASSED_KEPT: Final = 200
"""Of those that came in and changed nothing: strangers could send any number."""
_TOLD_UP_TO = "sms.told_up_to"
_DAY = timedelta(days=1)
_OUT, _IN = "out", "in"
_WISHES_SILENCE = [Order.STOP.value, Order.START.value]
_VERDICT = {Order.OK: SurveyVerdict.RIGHT, Order.NO: SurveyVerdict.WRONG}

TWICE: Final = N_(
    "It may have arrived twice: the network did not say what became of it, so it went once more."
)
_SILENT: Final = N_("Its number texted STOP.")
UNKNOWN: Final = N_("Nobody said what became of it: it may have arrived or not.")


# -- what is to be told ----------------------------------------------------------------------------


def is_telling(connection: Connection) -> bool:
    """Whether it is known from where on messages are told by text."""
    return accounts.setting(connection, _TOLD_UP_TO) is not None


def begin_telling(connection: Connection) -> None:
    """Messages from here on are told by text; those that are in the outbox by now are not."""
    if not is_telling(connection):
        newest = connection.execute(select(func.max(messages.c.id))).scalar_one()
        accounts.set_setting(connection, _TOLD_UP_TO, newest or "")


def untold(connection: Connection, limit: int) -> list[tuple[Message, str | None]]:
    """Messages of the outbox that texts were not yet written of, oldest first, with the survey that each is about."""
    since = accounts.setting(connection, _TOLD_UP_TO)
    if since is None:
        return []
    query = (
        select(messages.c.id, surveys.c.id.label("survey"))
        .outerjoin(surveys, surveys.c.number == messages.c.survey_number)
        .where(messages.c.id > since)
        .order_by(messages.c.id)
        .limit(limit)
    )
    found = [(outbox.by_id(connection, row.id), row.survey) for row in connection.execute(query).all()]
    return [(message, survey) for message, survey in found if message is not None]


def write_told(
    connection: Connection, told: Iterable[tuple[str, Iterable[NewText]]], up_to: str, now: datetime
) -> int:
    """Write the texts of all messages up to one, by the surveys that these are about, in their order; how many are new. What
    waits of another look at the same flight and field goes no more."""
    accounts.set_setting(connection, _TOLD_UP_TO, up_to)
    count = 0
    for survey_id, new in told:
        _supersede(connection, survey_id)
        count += sum(write(connection, one, now) for one in new)
    return count


def write(connection: Connection, new: NewText, now: datetime) -> bool:
    """Let a text wait for the modem; False: it was written before."""
    if connection.execute(select(texts.c.id).where(texts.c.key == new.key)).first() is not None:
        return False
    silent = is_silent(connection, new.number)
    connection.execute(
        insert(texts).values(
            way=_OUT,
            number=new.number,
            body=new.body,
            parts=length_of(new.body).parts,
            state=(TextState.REFUSED if silent else TextState.WAITING).value,
            why=Sentence(_SILENT) if silent else None,
            created_at=now,
            key=new.key,
            code=new.code,
            message_id=new.message_id,
            survey_number=_number(connection, new.survey_id),
            again=new.again,
            urgent=new.urgent,
        )
    )
    _forget(connection)
    return True


def code_of(connection: Connection, survey_id: str) -> str | None:
    """By which replies name a survey; None: no text told of it."""
    query = select(texts.c.code).where(
        texts.c.survey_number == number_of(connection, survey_id), texts.c.code.is_not(None), _way(_OUT)
    )
    return connection.execute(query.order_by(texts.c.id.desc()).limit(1)).scalar_one_or_none()


def recent_codes(connection: Connection, count: int) -> set[str]:
    """Codes of the last `count` texts that have one."""
    query = select(texts.c.code).where(texts.c.code.is_not(None), _way(_OUT))
    return set(connection.scalars(query.order_by(texts.c.id.desc()).limit(count)))


def survey_of(connection: Connection, code: str) -> str | None:
    """The last survey that was told under a code."""
    query = _told().where(texts.c.code == code, texts.c.survey_number.is_not(None), _way(_OUT))
    row = connection.execute(query.order_by(texts.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else row.survey


# -- out -------------------------------------------------------------------------------------------


def due(connection: Connection, now: datetime) -> list[SentText]:
    """Texts that may go, the urgent ones first, then the newest. Of a number of which one is in doubt none may: a delivery
    report could be of either."""
    doubtful = select(texts.c.number).where(_way(_OUT), _in_doubt())
    query = (
        _told()
        .where(_way(_OUT), texts.c.state == TextState.WAITING.value, texts.c.number.not_in(doubtful))
        .order_by(texts.c.urgent.desc(), texts.c.id.desc())
    )
    return [_text(row) for row in connection.execute(query) if is_due(row.next_try, now)]


def in_hand(connection: Connection) -> list[SentText]:
    """Texts of which it is not known yet whether the network has them."""
    query = _told().where(_way(_OUT), _in_doubt()).order_by(texts.c.id)
    return [_text(row) for row in connection.execute(query)]


def paid(connection: Connection, now: datetime) -> int:
    """Parts that were handed to the network within a day, to either side: the clock may have been put back."""
    query = select(func.coalesce(func.sum(texts.c.paid_parts), 0)).where(
        _way(_OUT), texts.c.sent_at > now - _DAY, texts.c.sent_at < now + _DAY
    )
    return int(connection.execute(query).scalar_one())


def paid_since(connection: Connection, since: datetime) -> int:
    """Parts that were handed to the network from `since` on."""
    query = select(func.coalesce(func.sum(texts.c.paid_parts), 0))
    return int(connection.execute(query.where(_way(_OUT), texts.c.sent_at >= since)).scalar_one())


def claim(connection: Connection, text_id: int, handle: str, most_parts: int, now: datetime) -> bool:
    """A text is about to be handed to the modem, which knows it as `handle`; False: it may not go, or not today."""
    row = _row(connection, text_id)
    if is_silent(connection, row.number):
        refuse(connection, texts.c.id == text_id, Sentence(_SILENT))
        return False
    if row.state != TextState.WAITING.value or paid(connection, now) + row.parts > most_parts:
        return False
    _change(
        connection,
        text_id,
        state=TextState.SENDING.value,
        handle=handle,
        reference=None,
        sent_at=now,
        attempts=row.attempts + 1,
        paid_parts=row.paid_parts + row.parts,
    )
    return True


def sent(connection: Connection, text_id: int, reference: int | None, now: datetime) -> None:
    """The network has taken a text."""
    row = _row(connection, text_id)
    if row.state not in {state.value for state in HANDED}:
        return
    _change(
        connection,
        text_id,
        state=TextState.SENT.value,
        reference=reference,
        sent_at=row.sent_at or now,
        next_try=None,
        handle=None,
        why=Sentence(TWICE) if row.doubts else None,
    )


def not_sent(connection: Connection, text_id: int, why: Sentence, now: datetime, *, again: bool) -> None:
    """The network or the modem has not taken it: it waits for a later try where another helps. The part that was not taken
    was not paid; those before it may have been."""
    row = _row(connection, text_id)
    handed = row.state in {state.value for state in HANDED}
    if not handed and row.state != TextState.WAITING.value:
        return
    attempts = row.attempts if handed else row.attempts + 1
    outdated = _is_outdated(connection, row)
    left = again and attempts < MOST_TRIES and not outdated
    over = TextState.MAYBE if row.doubts else TextState.SUPERSEDED if outdated else TextState.FAILED
    _change(
        connection,
        text_id,
        state=(TextState.WAITING if left else over).value,
        attempts=attempts,
        next_try=now + pause(attempts, row.key or str(row.id)) if left else None,
        paid_parts=row.paid_parts - 1 if handed else row.paid_parts,
        handle=None,
        why=why,
    )


def doubt(connection: Connection, text_id: int, now: datetime) -> None:
    """It was handed over, and nobody said what became of it: a delivery report may tell."""
    row = _row(connection, text_id)
    if row.state == TextState.SENDING.value:
        _change(
            connection,
            text_id,
            state=TextState.MAYBE.value,
            doubts=row.doubts + 1,
            next_try=now + WAIT_FOR_REPORT,
            why=Sentence(UNKNOWN),
        )


def has_open(connection: Connection) -> bool:
    """Whether any text waits or is in doubt."""
    open_ = or_(texts.c.state == TextState.WAITING.value, _in_doubt())
    return connection.execute(select(texts.c.id).where(_way(_OUT), open_).limit(1)).first() is not None


def settle_doubts(connection: Connection, now: datetime) -> int:
    """Of texts whose delivery report did not come: the first time it goes once more and says so; after that nothing is known,
    and is said. How many."""
    query = select(texts).where(texts.c.state == TextState.MAYBE.value, texts.c.next_try.is_not(None))
    rows = [row for row in connection.execute(query) if is_due(row.next_try, now, longest=WAIT_FOR_REPORT)]
    for row in rows:
        if row.again is not None and row.doubts == 1 and not is_silent(connection, row.number):
            again = {"body": row.again, "parts": length_of(row.again).parts}
            _change(connection, row.id, state=TextState.WAITING.value, next_try=None, **again)
        else:
            _change(
                connection,
                row.id,
                next_try=None,
                handle=None,
                why=Sentence(TWICE if row.doubts > 1 else UNKNOWN),
            )
    return len(rows)


def refuse(connection: Connection, condition: ColumnElement[bool], why: Sentence) -> int:
    """What waits may not go; how many."""
    waits = and_(_way(_OUT), texts.c.state == TextState.WAITING.value, condition)
    return connection.execute(
        update(texts).where(waits).values(state=TextState.REFUSED.value, why=why, next_try=None)
    ).rowcount


def refuse_others(connection: Connection, numbers: Collection[str]) -> int:
    """Texts to people's numbers that are not among the allowed ones any more do not go; how many."""
    return refuse(
        connection,
        and_(texts.c.number.not_in(list(numbers)), texts.c.key.not_like(f"{FRAME}%")),
        Sentence(N_("Its number is not in the settings any more.")),
    )


def refuse_frames(connection: Connection, hub: str | None) -> int:
    """Texts that carry a message do not go to a number that is not the hub's any more; nor such whose message has arrived
    otherwise or goes no more; how many."""
    frames = texts.c.key.like(f"{FRAME}%")
    elsewhere = texts.c.number != hub if hub else true()
    gone = refuse(
        connection, and_(frames, elsewhere), Sentence(N_("Its number is not in the settings any more."))
    )
    over = select(messages.c.id).where(~outbox.is_open())
    waits = and_(_way(_OUT), texts.c.state == TextState.WAITING.value, frames, texts.c.message_id.in_(over))
    values = {"state": TextState.SUPERSEDED.value, "next_try": None}
    return gone + connection.execute(update(texts).where(waits).values(**values)).rowcount


def report(
    connection: Connection, handle: str, number: str, reference: int, receipt: Receipt, now: datetime
) -> bool:
    """The network says what became of a text, by the reference of its last part; False: of none that is known.

    One that was sent under this reference is looked for first; else it is the one to this number that is in doubt: there is
    never more than one. A report that was taken before and is still with the modem (`handle`) is of none: it would settle
    another text.
    """
    taken = select(texts.c.id).where(_way(_OUT), texts.c.handle == handle)
    if connection.execute(taken).first() is not None:
        return False
    row = _named(connection, number, reference, now) or _doubted(connection, number, now)
    if row is None:
        return False
    outdated = _is_outdated(connection, row)
    values = _came_back(row, now, outdated) if receipt is Receipt.UNDELIVERED else _arrived(row, now)
    _change(connection, row.id, **values, handle=handle, reference=reference)
    return True


def _is_outdated(connection: Connection, row: Row[*tuple[Any, ...]]) -> bool:
    """Whether a later look at the same flight and field was told since."""
    this = surveys.c.number == row.survey_number
    told = connection.execute(select(surveys.c.id).where(this)).scalar_one_or_none()
    if told is None:
        return False
    since = select(texts.c.id).where(
        _way(_OUT), texts.c.id > row.id, texts.c.survey_number.in_(_other_looks(told))
    )
    return connection.execute(since.limit(1)).first() is not None


def _arrived(row: Row[*tuple[Any, ...]], now: datetime) -> dict[str, Any]:
    twice = row.doubts and row.attempts > 1
    done = {"state": TextState.DELIVERED.value, "delivered_at": now, "next_try": None}
    return done | {"why": Sentence(TWICE) if twice else None}


def _came_back(row: Row[*tuple[Any, ...]], now: datetime, outdated: bool) -> dict[str, Any]:
    left = row.attempts < MOST_TRIES and not outdated
    over = TextState.SUPERSEDED if outdated else TextState.FAILED
    return {
        "state": (TextState.WAITING if left else over).value,
        "next_try": now + pause(row.attempts, row.key or str(row.id)) if left else None,
        "doubts": row.doubts - (row.state == TextState.MAYBE.value),
        "why": Sentence(N_("The network had it and could not bring it to the phone.")),
    }


def _named(
    connection: Connection, number: str, reference: int, now: datetime
) -> Row[*tuple[Any, ...]] | None:
    query = _lately(number, now).where(texts.c.state == TextState.SENT.value, texts.c.reference == reference)
    return connection.execute(query.limit(1)).one_or_none()


def _doubted(connection: Connection, number: str, now: datetime) -> Row[*tuple[Any, ...]] | None:
    goes_again = and_(texts.c.state == TextState.WAITING.value, texts.c.doubts > 0)
    open_ = texts.c.state.in_([state.value for state in HANDED])
    return connection.execute(_lately(number, now).where(or_(open_, goes_again)).limit(1)).one_or_none()


def _lately(number: str, now: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(texts)
        .where(_way(_OUT), texts.c.number == number, texts.c.sent_at > now - REPORTS_WITHIN)
        .order_by(texts.c.id.desc())
    )


# -- in --------------------------------------------------------------------------------------------


def take(connection: Connection, came: TextIn, understood: Understood, now: datetime) -> bool:
    """Keep a text that came in and follow it, all or nothing; False: it came before, and changes nothing."""
    if is_known(connection, came):
        return False
    connection.execute(
        insert(texts).values(
            way=_IN,
            number=came.number,
            body=came.body,
            parts=1,
            state=(TextState.FOLLOWED if understood.followed else TextState.PASSED).value,
            created_at=now,
            sent_at=came.sent_at,
            key=key_of(came),
            wish=understood.order.value if understood.order else None,
            survey_number=_number(connection, understood.survey_id),
            why=understood.why,
        )
    )
    if understood.followed:
        _follow(connection, came.number, understood, now)
    _forget(connection)
    return True


def is_known(connection: Connection, came: TextIn) -> bool:
    """Whether this text came in before."""
    return connection.execute(select(texts.c.id).where(texts.c.key == key_of(came))).first() is not None


def key_of(came: TextIn) -> str:
    """The same for a text that the network brings twice."""
    at = came.sent_at.isoformat() if came.sent_at else ""
    return "in " + blake3("\0".join((came.number, at, came.body)).encode()).hexdigest()[:32]


def is_silent(connection: Connection, number: str) -> bool:
    """Whether the last that a number wished was not to be texted."""
    query = select(texts.c.wish).where(
        _way(_IN),
        texts.c.number == number,
        texts.c.wish.in_(_WISHES_SILENCE),
        texts.c.state == TextState.FOLLOWED.value,
    )
    return (
        connection.execute(query.order_by(texts.c.id.desc()).limit(1)).scalar_one_or_none()
        == Order.STOP.value
    )


def _follow(connection: Connection, number: str, understood: Understood, now: datetime) -> None:
    verdict = _VERDICT.get(understood.order) if understood.order else None
    if verdict and understood.survey_id:
        verdicts.give(connection, understood.survey_id, verdict, "sms", number, now)
    if understood.order is Order.STOP:
        refuse(connection, texts.c.number == number, Sentence(_SILENT))
    if understood.answer:
        write(connection, understood.answer, now)


# -- a single message as a text --------------------------------------------------------------------


def tries_of(connection: Connection, message_id: str) -> list[SentText]:
    """Texts that carry or tell of a message of the outbox, newest first."""
    query = _told().where(_way(_OUT), texts.c.message_id == message_id).order_by(texts.c.id.desc())
    return [_text(row) for row in connection.execute(query)]


# -- all of them -----------------------------------------------------------------------------------


def listed(connection: Connection, limit: int | None) -> list[SentText]:
    """Texts, newest first."""
    return [_text(row) for row in connection.execute(_told().order_by(texts.c.id.desc()).limit(limit))]


def _supersede(connection: Connection, survey_id: str) -> None:
    """What waits of another look does not go, and what is in doubt not a second time."""
    earlier = and_(_way(_OUT), texts.c.survey_number.in_(_other_looks(survey_id)))
    connection.execute(
        update(texts)
        .where(earlier, texts.c.state == TextState.WAITING.value)
        .values(state=TextState.SUPERSEDED.value, next_try=None)
    )
    connection.execute(update(texts).where(earlier, _in_doubt()).values(again=None))


def was_alerted(connection: Connection, survey_id: str, number: str) -> bool:
    """Whether a number may have had the alert of another look at the same flight and field, and nothing that withdrew it."""
    query = select(texts.c.urgent).where(
        _way(_OUT),
        texts.c.number == number,
        or_(texts.c.urgent, texts.c.key.like(f"{WITHDRAWN}%")),
        texts.c.state.in_([state.value for state in GONE]),
        texts.c.survey_number.in_(_other_looks(survey_id)),
    )
    return bool(connection.execute(query.order_by(texts.c.id.desc()).limit(1)).scalar_one_or_none())


def _other_looks(survey_id: str) -> Select[int]:
    this = select(surveys.c.flight_id, surveys.c.field_id).where(surveys.c.id == survey_id).subquery()
    return select(surveys.c.number).join(
        this,
        and_(
            surveys.c.flight_id == this.c.flight_id,
            surveys.c.field_id == this.c.field_id,
            surveys.c.id != survey_id,
        ),
    )


def _forget(connection: Connection) -> None:
    """Let old texts go that are done with; not the wishes of numbers to be let alone."""
    passed = and_(_way(_IN), texts.c.state == TextState.PASSED.value)
    _forget_those(connection, passed, PASSED_KEPT)
    open_states = [
        TextState.WAITING.value,
        TextState.SENDING.value,
        TextState.MAYBE.value,
        TextState.PASSED.value,
    ]
    others = or_(texts.c.wish.is_(None), texts.c.wish.not_in(_WISHES_SILENCE))
    _forget_those(connection, and_(texts.c.state.not_in(open_states), others), KEPT)


def _forget_those(connection: Connection, those: ColumnElement[bool], kept: int) -> None:
    edge = connection.execute(
        select(texts.c.id).where(those).order_by(texts.c.id.desc()).offset(kept).limit(1)
    ).scalar_one_or_none()
    if edge is not None:
        connection.execute(delete(texts).where(those, texts.c.id <= edge))


def _in_doubt() -> ColumnElement[bool]:
    return or_(
        texts.c.state == TextState.SENDING.value,
        and_(texts.c.state == TextState.MAYBE.value, texts.c.next_try.is_not(None)),
    )


def _way(way: str) -> ColumnElement[bool]:
    return texts.c.way == way


def _number(connection: Connection, survey_id: str | None) -> int | None:
    return (number_of(connection, survey_id) or None) if survey_id else None


def _row(connection: Connection, text_id: int) -> Row[*tuple[Any, ...]]:
    return connection.execute(select(texts).where(texts.c.id == text_id)).one()


def _change(connection: Connection, text_id: int, **values: Any) -> None:
    connection.execute(update(texts).where(texts.c.id == text_id).values(**values))


def _told() -> Select[*tuple[Any, ...]]:
    return select(*texts.c, surveys.c.id.label("survey")).outerjoin(
        surveys, surveys.c.number == texts.c.survey_number
    )


def _text(row: Row[*tuple[Any, ...]]) -> SentText:
    return SentText(
        id=row.id,
        incoming=row.way == _IN,
        number=row.number,
        body=row.body,
        parts=row.parts,
        state=TextState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_try=row.next_try,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        handle=row.handle,
        reference=row.reference,
        key=row.key,
        code=row.code,
        message_id=row.message_id,
        survey_id=row.survey,
        again=row.again,
        doubts=row.doubts,
        paid_parts=row.paid_parts,
        urgent=row.urgent,
        order=Order(row.wish) if row.wish else None,
        why=row.why,
    )
