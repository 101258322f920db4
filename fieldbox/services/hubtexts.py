"""The hub's SIM: frames of boxes that have no data come as texts, and are acknowledged by text after the hub's commit.

What a frame says is trusted for its signature, not for the number that it came from. A text that is no frame of a box that the
hub knows is let go and never answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Final

import structlog

from fieldbox.errors import FieldboxError, Unsent
from fieldbox.sync.sms.modem import Modem, NoModem
from fieldbox.sync.sms.modemmanager import ModemManager
from fieldbox.wire import smsframe

log = structlog.get_logger()

LOOK_S: Final = 20.0
LEAVE_S: Final = 5.0

Receive = Callable[[bytes], bytes | None]
"""Takes a frame in; what the box is to be told, or None where the frame was not taken. It returns after the commit, and raises
where nothing could be kept: then the text stays on the SIM. (`fieldbox.hub.receiving.receive` of a hub, by SMS.)"""


def serve(receive: Receive, stop: threading.Event) -> None:
    """Take texts in until `stop` is set."""
    with closing(ModemManager()) as modem:
        while not stop.is_set():
            try:
                step(modem, receive)
            except FieldboxError as error:
                log.warning("texts wait", reason=str(error))
            stop.wait(LOOK_S)


def step(modem: Modem, receive: Receive) -> int:
    """Take in what has come; how many frames were taken. A modem that is not there is no error.

    An acknowledgement that does not go is not tried again: the box sends its frame again, and the hub knows it by then.
    """
    try:
        return sum(_take(modem, one.handle, one.text.number, one.text.body, receive) for one in modem.came())
    except NoModem as error:
        log.info("no texts just now", reason=str(error))
        return 0


def _take(modem: Modem, handle: str, number: str, body: str, receive: Receive) -> bool:
    answer = _received(body, receive)
    modem.delete(handle)
    if answer is not None:
        _answer(modem, number, answer)
    return answer is not None


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
