"""Texts by SMS, out and in, and what people make of surveys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from fieldbox.domain import (
    GivenVerdict,
    Message,
    NewText,
    Receipt,
    SentText,
    SurveyVerdict,
    TextIn,
    Understood,
)
from fieldbox.i18n import Sentence
from fieldbox.storage import outbox, texts, verdicts
from fieldbox.storage.parts.part import Part


class TextPart(Part):
    """Texts, and the verdicts that come by them."""

    def begin_telling(self) -> None:
        """Messages from here on are told by text; those that are in the outbox by now are not."""
        with self._database.read() as connection:
            if texts.is_telling(connection):
                return
        with self._database.write() as connection:
            texts.begin_telling(connection)

    def untold(self, limit: int = 50) -> list[tuple[Message, str | None]]:
        """Messages that no texts were written of yet, oldest first, each with the id of the survey that it is about."""
        with self._database.read() as connection:
            return texts.untold(connection, limit)

    def write_told(self, told: Sequence[tuple[str, Sequence[NewText]]], up_to: str) -> int:
        """Write the texts of all messages up to the id `up_to`, by the surveys that these are about; how many are new."""
        with self._database.write() as connection:
            return texts.write_told(connection, told, up_to, self._now())

    def write_text(self, new: NewText) -> bool:
        """Let a text wait for the modem; False: it was written before."""
        with self._database.write() as connection:
            return texts.write(connection, new, self._now())

    def write_frame(self, new: NewText, ids: Sequence[str], *, batch: str, size: int, now: datetime) -> bool:
        """Let a frame of these messages go as a text: they count as handed to a link. False: it was written before."""
        with self._database.write() as connection:
            fresh = texts.write(connection, new, now)
            if fresh:
                outbox.mark_sent(connection, ids, batch=batch, carrier="sms", size=size, now=now)
            return fresh

    def text_code(self, survey_id: str) -> str | None:
        """By which replies name a survey; None: no text told of it."""
        with self._database.read() as connection:
            return texts.code_of(connection, survey_id)

    def recent_text_codes(self, count: int) -> set[str]:
        """Codes of the last `count` texts that have one."""
        with self._database.read() as connection:
            return texts.recent_codes(connection, count)

    def survey_of_code(self, code: str) -> str | None:
        """The id of the last survey that was told under a code."""
        with self._database.read() as connection:
            return texts.survey_of(connection, code)

    def due_texts(self, now: datetime) -> list[SentText]:
        """Texts that may go: the urgent ones first, then the newest."""
        with self._database.read() as connection:
            return texts.due(connection, now)

    def texts_in_hand(self) -> list[SentText]:
        """Texts of which it is not known yet whether the network has them."""
        with self._database.read() as connection:
            return texts.in_hand(connection)

    def text_parts_paid(self, now: datetime) -> int:
        """Parts that were handed to the network within a day."""
        with self._database.read() as connection:
            return texts.paid(connection, now)

    def text_parts_since(self, since: datetime) -> int:
        """Parts that were handed to the network from `since` on."""
        with self._database.read() as connection:
            return texts.paid_since(connection, since)

    def claim_text(self, text_id: int, handle: str, *, most_parts: int, now: datetime) -> bool:
        """A text is about to be handed to the modem, which knows it as `handle`; False: it may not go, or would be more than
        `most_parts` within a day."""
        with self._database.write() as connection:
            return texts.claim(connection, text_id, handle, most_parts, now)

    def text_sent(self, text_id: int, reference: int | None, now: datetime) -> None:
        """The network has taken a text."""
        with self._database.write() as connection:
            texts.sent(connection, text_id, reference, now)

    def text_not_sent(self, text_id: int, why: Sentence, now: datetime, *, again: bool) -> None:
        """The network has not taken it, and was not paid; it waits for a later try where another helps."""
        with self._database.write() as connection:
            texts.not_sent(connection, text_id, why, now, again=again)

    def doubt_text(self, text_id: int, now: datetime) -> None:
        """It was handed over, and nobody said what became of it."""
        with self._database.write() as connection:
            texts.doubt(connection, text_id, now)

    def settle_texts(self, now: datetime, numbers: Collection[str], hub: str | None) -> None:
        """Decide of texts in doubt whose report did not come, and of such as go neither to one of the allowed numbers nor, with a
        message that must still go, to the hub's."""
        with self._database.read() as connection:
            if not texts.has_open(connection):
                return
        with self._database.write() as connection:
            texts.settle_doubts(connection, now)
            texts.refuse_others(connection, numbers)
            texts.refuse_frames(connection, hub)

    def report_text(self, handle: str, number: str, reference: int, receipt: Receipt, now: datetime) -> bool:
        """The network says what became of a text, by the reference of its last part; the modem knows the report as `handle`.
        False: of none that is known, or it was taken before."""
        with self._database.write() as connection:
            return texts.report(connection, handle, number, reference, receipt, now)

    def knows_text(self, came: TextIn) -> bool:
        """Whether this text came in before."""
        with self._database.read() as connection:
            return texts.is_known(connection, came)

    def take_text(self, came: TextIn, understood: Understood) -> bool:
        """Keep a text that came in and follow it, all or nothing; False: it came before, and changes nothing."""
        with self._database.write() as connection:
            return texts.take(connection, came, understood, self._now())

    def was_alerted(self, survey_id: str, number: str) -> bool:
        """Whether a number may have had the alert of another look at the same flight and field."""
        with self._database.read() as connection:
            return texts.was_alerted(connection, survey_id, number)

    def texts_of(self, message_id: str) -> list[SentText]:
        """Texts that carry or tell of a message of the outbox, newest first."""
        with self._database.read() as connection:
            return texts.tries_of(connection, message_id)

    def texts(self, limit: int | None = None) -> list[SentText]:
        """Texts, out and in, newest first."""
        with self._database.read() as connection:
            return texts.listed(connection, limit)

    def give_verdict(self, survey_id: str, verdict: SurveyVerdict, *, way: str, who: str) -> bool:
        """Keep what somebody makes of a survey; False: there is no such survey, or it is what they said last."""
        with self._database.write() as connection:
            return verdicts.give(connection, survey_id, verdict, way, who, self._now())

    def verdicts(self, survey_id: str) -> list[GivenVerdict]:
        """What people make of a survey, oldest first."""
        with self._database.read() as connection:
            return verdicts.of_survey(connection, survey_id)
