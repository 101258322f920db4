"""The hub's SIM: frames of boxes that have no data come as texts, and are acknowledged by text after the hub's commit.

What a frame says is trusted for its signature, not for the number that it came from. A text that is no frame of a box that the
hub knows is let go and never answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import structlog

from fieldbox.errors import FieldboxError, Unsent
from fieldbox.sync.sms.modem import Came, Modem, NoModem
from fieldbox.sync.sms.modemmanager import ModemManager
from fieldbox.wire import smsframe

log = structlog.get_logger()

LOOK_S: Final = 20.0
LEAVE_S: Final = 5.0
MOST_ANSWERS: Final = 40
"""To one number in a day: whoever overheard a frame can send it again and again, and each answer costs."""
DAY_S: Final = 86_400.0

Receive = Callable[[bytes], bytes | None]
"""Takes a frame in; what the box is to be told, or None where the frame was not taken. It returns after the commit, and raises
where nothing could be kept: then the text stays on the SIM. (`fieldbox.hub.receiving.receive` of a hub, by SMS.)"""


@dataclass(slots=True)
class Allowance:
    """How many answers each number had of late."""

    clock: Callable[[], float] = time.monotonic
    _given: dict[str, list[float]] = field(default_factory=dict)

    def takes(self, number: str) -> bool:
        """Count another answer to a number; False: it had enough for a day."""
        since = self.clock() - DAY_S
        self._given = {who: kept for who, at in self._given.items() if (kept := [t for t in at if t > since])}
        had = self._given.setdefault(number, [])
        if len(had) >= MOST_ANSWERS:
            return False
        had.append(self.clock())
        return True


def serve(receive: Receive, stop: threading.Event) -> None:
    """Take texts in until `stop` is set."""
    allowance = Allowance()
    with closing(ModemManager()) as modem:
        while not stop.is_set():
            try:
                step(modem, receive, allowance)
            except FieldboxError as error:
                log.warning("texts wait", reason=str(error))
            stop.wait(LOOK_S)


def step(modem: Modem, receive: Receive, allowance: Allowance) -> int:
    """Take in what has come; how many frames were taken. A modem that is not there is no error.

    An acknowledgement that does not go is not tried again: the box sends its frame again, and the hub knows it by then.
    """
    try:
        return sum(_take(modem, one, receive, allowance) for one in modem.came())
    except NoModem as error:
        log.info("no texts just now", reason=str(error))
        return 0


def _take(modem: Modem, came: Came, receive: Receive, allowance: Allowance) -> bool:
    answer = _received(came.text.body, receive)
    modem.delete(came.handle)
    if answer is None:
        return False
    if allowance.takes(came.text.number):
        _answer(modem, came.text.number, answer)
    else:
        log.warning("a number had enough answers for a day")
    return True


def _received(body: str, receive: Receive) -> bytes | None:
    if not smsframe.is_one(body):
        return None
    try:
        return receive(smsframe.from_text(body))
    except smsframe.Unreadable:
        log.warning("refused: a text that is no frame")
        return None


def _answer(modem: Modem, number: str, answer: bytes) -> None:
    try:
        handle = modem.prepare(number, smsframe.to_text(answer))
        modem.send(handle)
        modem.delete(handle)
    except Unsent as error:
        log.info("an acknowledgement did not go", reason=str(error))
