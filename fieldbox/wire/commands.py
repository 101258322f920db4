"""What commands of a hub hold (`Down.body`), and how a box answers them: both ends read this file.

An answer is a message of the kind `answer`, its JSON `answer-v1.schema.json`; a picture is one of the kind `picture`, its JSON
`picture-v1.schema.json`, the file in base 85 (`base64.b85encode`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from fieldbox.wire.down import DownKind, Unreadable
from fieldbox.wire.ids import ID_BYTES

MOST_IDS: Final = 1000
MOST_SETTINGS: Final = 50
PICTURE_BYTES: Final = 4096
"""Of a small picture, at most."""
WHY_BYTES: Final = 400
"""Of the sentence in an answer, as JSON."""


@dataclass(frozen=True, slots=True)
class Resend:
    """Send messages again: these, or all that were made since a time."""

    ids: tuple[str, ...] = ()
    since: datetime | None = None

    def body(self) -> dict[str, Any]:
        """As it goes into `Down.body`."""
        ids = {"ids": [bytes.fromhex(one) for one in self.ids]} if self.ids else {}
        return ids | ({"since": int(self.since.timestamp())} if self.since else {})


@dataclass(frozen=True, slots=True)
class Picture:
    """Send a small picture of a survey's spot, counted from 1, the worst one."""

    survey: str
    spot: int = 1

    def body(self) -> dict[str, Any]:
        """As it goes into `Down.body`."""
        return {"survey": self.survey, "spot": self.spot}


@dataclass(frozen=True, slots=True)
class Settings:
    """Change settings, each `section.key` with its value; null: as the owner has it."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """As it goes into `Down.body`."""
        return {"set": dict(self.values)}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A new certificate of the box for TLS, of the key that it has."""

    pem: str

    def body(self) -> dict[str, Any]:
        """As it goes into `Down.body`."""
        return {"crt": self.pem}


Command = Resend | Picture | Settings | Certificate


def read(kind: DownKind, body: Mapping[str, Any]) -> Command:
    """What a command holds. Raises Unreadable for what is none."""
    try:
        return _READERS[kind](body)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise Unreadable(kind.name.lower()) from error


def answer(command: str, done: bool, why: str, **more: Any) -> str:
    """The JSON of an answer to the command with this id; `why` is cut to WHY_BYTES."""
    told = {"v": 1, "to": command, "done": done, "why": _cut(why), **more}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def picture(command: str, asked: Picture, file: bytes, kind: str) -> str:
    """The JSON of a picture: `kind` is jpeg or webp."""
    told = {"v": 1, "to": command, "survey": asked.survey, "spot": asked.spot, "as": kind}
    return json.dumps(told | {"b85": base64.b85encode(file).decode()}, separators=(",", ":"))


def _resend(body: Mapping[str, Any]) -> Resend:
    ids = list(body.get("ids", ()))
    since = body.get("since")
    if (
        any(not isinstance(one, bytes) or len(one) != ID_BYTES for one in ids)
        or len(ids) > MOST_IDS
        or not (ids or since is not None)
    ):
        raise ValueError("ids")
    moment = None if since is None else datetime.fromtimestamp(int(since), UTC)
    return Resend(tuple(one.hex() for one in ids), moment)


def _picture(body: Mapping[str, Any]) -> Picture:
    survey, spot = body["survey"], body.get("spot", 1)
    if not isinstance(survey, str) or not isinstance(spot, int) or not 1 <= spot <= 1000 or not survey:
        raise ValueError("spot")
    return Picture(survey, spot)


def _settings(body: Mapping[str, Any]) -> Settings:
    values = dict(body["set"])
    plain = all(
        isinstance(name, str) and (value is None or isinstance(value, str | int | float | bool))
        for name, value in values.items()
    )
    if not plain or not 0 < len(values) <= MOST_SETTINGS:
        raise ValueError("set")
    return Settings(values)


def _certificate(body: Mapping[str, Any]) -> Certificate:
    pem = body["crt"]
    if not isinstance(pem, str):
        raise TypeError("crt")
    return Certificate(pem)


_READERS: Final[Mapping[DownKind, Callable[[Mapping[str, Any]], Command]]] = {
    DownKind.RESEND: _resend,
    DownKind.PICTURE: _picture,
    DownKind.SETTINGS: _settings,
    DownKind.CERTIFICATE: _certificate,
}


def _cut(text: str) -> str:
    while len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) > WHY_BYTES:
        text = text[: -max(1, len(text) // 20)]
    return text.encode(errors="replace").decode()
