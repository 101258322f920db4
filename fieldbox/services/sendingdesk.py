"""Sending, for the dashboard: tried now, carried by hand. What it needs of cryptography is loaded when somebody asks for it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fieldbox.config import Config
from fieldbox.domain import Carried, SendNow
from fieldbox.errors import Rejected, Unavailable
from fieldbox.i18n import N_, Sentence
from fieldbox.services import wishes
from fieldbox.storage.store import Store

if TYPE_CHECKING:
    from fieldbox.sync.courier import Imported

_FOLDER: Final = "fieldbox"
"""Of a stick, in which the files of all boxes lie (docs/courier.md)."""
_DOWN: Final = ".down"
CARRIED: Final = "carried"
"""Below the data folder: where a file lies while it is packed or read."""


class SendingDesk:
    """What a person does about the messages of one box."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._lock = threading.Lock()

    def send_now(self) -> None:
        """Have the process that sends try at once."""
        wishes.wish(self._store, datetime.now(UTC))

    def asked(self) -> SendNow | None:
        """The last time that somebody wanted that, and what came of it."""
        return wishes.last(self._store)

    def joined(self) -> bool:
        """Whether the box has a hub to send to."""
        from fieldbox.sync import identity  # noqa: PLC0415

        return identity.has_joined(self._config.identity)

    def pack(self, *, everything: bool) -> Carried:
        """What waits, or with `everything` also what the hub has, as a file for a stick.

        Raises Misconfigured without a hub, Unavailable while another one is packed.
        """
        from fieldbox.services import courier  # noqa: PLC0415

        with self._alone() as folder:
            made = courier.export(self._config, folder, pictures=True, everything=everything)
            return Carried(made.file.name, made.file.read_bytes(), made.messages)

    def unpack(self, name: str, data: bytes) -> Sentence:
        """Take in what the hub wrote; what came of it. Raises Rejected for another box's file or one that is not
        to be trusted."""
        with self._alone() as folder:
            place = folder / _FOLDER / _plain(name)
            place.parent.mkdir()
            place.write_bytes(data)
            came = _taken_in(self._config, folder, place.name)
        if came is None:
            raise Rejected(N_("This file is for another box: choose the one that is called as this box is."))
        told = {"done": came.acknowledged, "commands": came.commands}
        return Sentence(N_("{done} messages are done, {commands} things came from the hub."), told)

    @contextmanager
    def _alone(self) -> Iterator[Path]:
        """An empty folder. One at a time: a file of many messages takes a while and memory."""
        if not self._lock.acquire(blocking=False):
            raise Unavailable(N_("Another file is being packed or read just now: try again in a minute."))
        folder = self._config.storage.root / CARRIED
        try:
            _empty(folder)  # a power cut left something
            folder.mkdir(0o700, parents=True)
            yield folder
        finally:
            _empty(folder)
            self._lock.release()


def _taken_in(config: Config, folder: Path, name: str) -> Imported | None:
    """As `courier.take_in`; who brought a file knows it by its name, and nothing of the folder that it lies in."""
    from fieldbox.services import courier  # noqa: PLC0415

    try:
        return courier.take_in(config, folder)
    except Rejected as error:
        raise Rejected(error.sentence.template, **{**error.sentence.params, "folder": name}) from error


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _plain(name: str) -> str:
    """A name that a browser gave, as one of a hub's files. Raises Rejected."""
    found = Path(name.replace("\\", "/")).name
    stem = found.partition(".")[0].partition(" ")[0].partition("(")[0]
    if not found.lower().endswith(_DOWN) or not stem.isalnum() or len(stem) > 64:
        raise Rejected(
            N_("Choose the file that came from the hub: it is called as this box is and ends with .down.")
        )
    return f"{stem}{_DOWN}"
