"""What the hub told its boxes to do, and what came of it; pictures that came so, as files."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fieldbox.config import Config
from fieldbox.domain import MessageKind
from fieldbox.errors import Rejected
from fieldbox.hub.reading import minute
from fieldbox.hub.rows import Command
from fieldbox.hub.store import HubStore
from fieldbox.i18n import N_, _
from fieldbox.services.hub import opened
from fieldbox.wholefile import put

_SAFE: Final = 12
"""Letters of a survey's id in a file's name."""


@dataclass(frozen=True, slots=True)
class Said:
    """A command, and what its box answered."""

    command: Command
    done: bool | None
    """None: it has not answered yet."""
    why: str
    """What came of it, one English sentence of the box."""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        one = self.command
        return {
            "id": one.id,
            "box": one.box,
            "kind": one.kind,
            "body": dict(one.body),
            "made_at": one.made_at.isoformat(),
            "sent_at": one.sent_at.isoformat() if one.sent_at else None,
            "answered_at": one.answered_at.isoformat() if one.answered_at else None,
            "done": self.done,
            "why": self.why or None,
        }

    def to_text(self) -> str:
        """For people, in one line."""
        one = self.command
        return f"{minute(one.made_at)}  {one.box}  {one.kind}  {self._state()}"

    def _state(self) -> str:
        if self.done is None:
            return _("sent, not answered yet") if self.command.sent_at else _("waits")
        told = _("done: {why}") if self.done else _("refused: {why}")
        return told.format(why=self.why or "–")


def listed(config: Config, box: str | None) -> list[Said]:
    """The commands for a box or for all, the newest first. Raises Rejected for a box that is not known."""
    with opened(config) as (_here, store):
        if box is not None and store.box(box) is None:
            raise Rejected(N_("The hub knows no box {box}; see fieldbox hub boxes."), box=box)
        answers = _bodies(store, MessageKind.ANSWER, box)
        return [_said(one, answers) for one in store.commands(box)]


def _said(command: Command, answers: Mapping[str, Mapping[str, Any]]) -> Said:
    if command.answered_at is None:
        return Said(command, None, "")
    body = answers.get(command.answer or "", {})
    return Said(command, bool(body.get("done")), str(body.get("why", "")))


def _bodies(store: HubStore, kind: MessageKind, box: str | None) -> dict[str, Mapping[str, Any]]:
    """What messages of a kind say, by their ids."""
    return {one.id: json.loads(one.body) for one in store.messages(kinds=[kind], box=box, standing=False)}


def write_pictures(config: Config, box: str | None, folder: Path) -> Sequence[Path]:
    """Write the pictures that a box or all sent into a folder; the files. Raises Rejected where it cannot be written."""
    with opened(config) as (_here, store):
        found = store.messages(kinds=[MessageKind.PICTURE], box=box, standing=False)
        bodies = [(one.box, json.loads(one.body)) for one in found]
    files = {folder / _name(of, body): base64.b85decode(body["b85"]) for of, body in reversed(bodies)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, picture in files.items():
            put(file, picture, mode=None)
    except OSError as error:
        raise Rejected(
            N_("{file} cannot be written ({why})."), file=str(folder), why=error.strerror or "?"
        ) from error
    return list(files)


def _name(box: str, body: Mapping[str, Any]) -> str:
    """A box may call its survey whatever it likes: of that only letters and digits are in a file's name."""
    survey = "".join(one for one in str(body["survey"]) if one.isascii() and one.isalnum())[:_SAFE]
    return f"{box}-{survey}-{int(body['spot'])}.{body['as']}"
