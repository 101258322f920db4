"""What every outbox of a box does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from fieldbox.domain import Message, MessageState, Outgoing
from fieldbox.sync.ports import Outbox


class Whole(Outbox, Protocol):
    """What `Outbox` has, and how messages come into it and are looked at."""

    def send(self, outgoing: Outgoing) -> str: ...
    def messages(self, state: MessageState | None = None) -> list[Message]: ...
    def message(self, message_id: str) -> Message | None: ...
    def expire_messages(self, now: datetime) -> int: ...
    def send_again(self, ids: Collection[str]) -> int: ...
