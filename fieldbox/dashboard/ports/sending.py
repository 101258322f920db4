"""What the dashboard needs of messages, of the hub and of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from fieldbox.config import Config
from fieldbox.domain import (
    Carried,
    ExampleText,
    HubNow,
    LinkDay,
    LinkState,
    Message,
    MessageState,
    SendNow,
    SentText,
)
from fieldbox.i18n import Sentence


class CommandLike(Protocol):
    """Something that the hub told the box to do; `kind` settings: it changed some."""

    @property
    def kind(self) -> str: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def done(self) -> bool: ...


class SendingDesk(Protocol):
    """What a person does about the messages: `fieldbox.services.sendingdesk.SendingDesk` fits it, and says more of it."""

    def send_now(self) -> None: ...
    def asked(self) -> SendNow | None: ...
    def joined(self) -> bool: ...
    def pack(self, *, everything: bool) -> Carried: ...
    def unpack(self, name: str, data: bytes) -> Sentence: ...


class Examples(Protocol):
    """Texts to the agronomist, as they would be."""

    def text(self, config: Config, *, spots: bool = False) -> ExampleText:
        """Of an alert by these settings; with `spots`, of the answer to MORE."""
        ...

    def field(self, config: Config) -> str:
        """What the field of the examples is called in the language of texts."""
        ...

    def try_text(self, number: str) -> ExampleText:
        """Let a text wait that says that it is a test. Raises Rejected for a number that is not texted."""
        ...


class HubDesk(Protocol):
    """The hub of the box. Each can raise Misconfigured; what reads a welcome, Rejected."""

    def now(self) -> HubNow | None:
        """None: the box has joined none."""
        ...

    def request(self) -> tuple[str, str]:
        """The box's id, and the text with which a hub is asked."""
        ...

    def read(self, welcome: str) -> HubNow:
        """The hub of a welcome; nothing is changed."""
        ...

    def join(self, welcome: str) -> HubNow:
        """Take it as this box's."""
        ...

    def leave(self) -> None:
        """Forget it."""
        ...


class MessagesStore(Protocol):
    """Messages, and how they travel."""

    def message_page(self, limit: int, before: str | None = None) -> Sequence[Message]: ...
    def waits_since(self) -> datetime | None: ...
    def commands(self, limit: int = 100) -> Sequence[CommandLike]: ...
    def message_counts(self) -> Mapping[MessageState, int]: ...
    def message(self, message_id: str) -> Message | None: ...
    def link_state(self) -> LinkState | None: ...
    def traffic_since(self, day: date) -> Sequence[LinkDay]: ...
    def text_parts_since(self, since: datetime) -> int: ...
    def texts_of(self, message_id: str) -> Sequence[SentText]: ...
    def survey_told(self, message_id: str) -> str | None: ...
