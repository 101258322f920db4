"""The outbox: messages for the hub, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from fieldbox.domain import Message, MessageKind, MessageState, Outgoing, Waiting
from fieldbox.storage import outbox, surveys, waiting
from fieldbox.storage.parts.part import Part


class OutboxPart(Part):
    """Messages for the hub."""

    def send(self, outgoing: Outgoing) -> str:
        """Put a message into the outbox; its id."""
        with self._database.write() as connection:
            return outbox.add(connection, outgoing, None, self._now())

    def messages(self, state: MessageState | None = None) -> list[Message]:
        """Messages in a state, or all: the most urgent first, then the newest."""
        with self._database.read() as connection:
            return outbox.listed(connection, state)

    def message_page(self, limit: int, before: str | None = None) -> list[Message]:
        """The newest messages, or the next older than the one with the id `before`."""
        with self._database.read() as connection:
            return outbox.page(connection, limit, before)

    def message_counts(self) -> dict[MessageState, int]:
        """How many messages there are in each state."""
        with self._database.read() as connection:
            return outbox.counts(connection)

    def due_messages(
        self, now: datetime, limit: int, kinds: Collection[MessageKind] | None = None
    ) -> list[Message]:
        """Those that should go now: the most urgent first, then the newest."""
        with self._database.read() as connection:
            return outbox.due(connection, now, limit, kinds)

    def mark_sent(self, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime) -> None:
        """They were handed to a link in the frame `batch` of `size` bytes."""
        with self._database.write() as connection:
            outbox.mark_sent(connection, ids, batch=batch, carrier=carrier, size=size, now=now)

    def lost(self, carrier: str, ids: Collection[str] | None = None) -> int:
        """The connection broke in which these (None: all) were handed over; how many may go again at once."""
        with self._database.write() as connection:
            return outbox.lost(connection, carrier, ids)

    def acknowledge(
        self,
        now: datetime,
        *,
        batches: Collection[str] = (),
        ids: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """The hub has committed these frames and messages, but for those `refused` (why, by id); how many rows changed."""
        with self._database.write() as connection:
            return outbox.acknowledge(connection, now, batches=batches, ids=ids, refused=refused or {})

    def expire_messages(self, now: datetime) -> int:
        """Give up what came to the end of its time; how many."""
        with self._database.write() as connection:
            return outbox.expire(connection, now)

    def send_again(self, ids: Collection[str]) -> int:
        """Let messages go once more, whatever became of them; how many there are."""
        with self._database.write() as connection:
            return outbox.send_again(connection, ids)

    def message(self, message_id: str) -> Message | None:
        """One message."""
        with self._database.read() as connection:
            return outbox.by_id(connection, message_id)

    def waits_since(self) -> datetime | None:
        """When the first of the messages was made that must still go; None: there are none."""
        with self._database.read() as connection:
            return outbox.waits_since(connection)

    def newest_message(self, kind: MessageKind) -> Message | None:
        """The last message of a kind that was put into the outbox."""
        with self._database.read() as connection:
            return outbox.newest(connection, kind)

    def survey_told(self, message_id: str) -> str | None:
        """The id of the survey that a message tells of."""
        with self._database.read() as connection:
            return outbox.survey_of(connection, message_id)

    def messages_of(self, survey_id: str) -> list[Message]:
        """What was told of a survey, oldest first."""
        with self._database.read() as connection:
            return outbox.of_survey(connection, surveys.number_of(connection, survey_id))

    def waiting(self, now: datetime) -> list[Waiting]:
        """What may go now, counted by kind."""
        with self._database.read() as connection:
            return waiting.now_due(connection, now)

    def next_due(self, now: datetime) -> datetime | None:
        """When the first message may go of those that may not yet; None: there are none."""
        with self._database.read() as connection:
            return waiting.next_due(connection, now)

    def messages_since(self, moment: datetime) -> list[str]:
        """Ids of the messages that were made since, but for superseded ones."""
        with self._database.read() as connection:
            return waiting.since(connection, moment)
