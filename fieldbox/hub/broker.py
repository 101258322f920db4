"""The hub at its broker: takes frames in, and says what is to be said.

One thread does all of it: reading, the commit, the acknowledgement. The broker is told that a frame arrived only after the commit
and the acknowledgement's way out, so that what a crash cuts off comes again; and it hands over no more frames at once than
`AT_ONCE`, so that no flood fills the memory.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final

import paho.mqtt.client as paho
import structlog
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fieldbox.errors import FieldboxError, Unavailable
from fieldbox.hub.receiving import Receipt
from fieldbox.i18n import N_
from fieldbox.retrying import pause
from fieldbox.wire import topics

log = structlog.get_logger()

AT_ONCE: Final = 20
"""Frames that the broker may hand over before the first of them is acknowledged to it (MQTT 5, receive maximum)."""
SESSION: Final = timedelta(days=400)
"""For which the broker keeps frames for a hub that is away, as far as its limits allow."""
WAITS: Final = timedelta(days=60)
"""For which what is said waits at the broker for a box that is away; the box asks again anyway."""
KEEPALIVE: Final = 30
STEP: Final = 1.0
FIRST, LONGEST = timedelta(seconds=1), timedelta(minutes=1)
"""Pauses before the hub tries to reach its broker again."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and with what the hub shows who it is."""

    host: str
    port: int
    authority: str
    """PEM of the authority of the broker's certificate."""
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Said:
    """Something for a box."""

    id: str
    box: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """What the hub does at its broker; each may raise FieldboxError, and then nothing is acknowledged."""

    take: Callable[[bytes], Receipt]
    """Take in a frame."""
    waiting: Callable[[str | None], list[Said]]
    """What waits to be said: to a box that was just heard, or to any."""
    sent: Callable[[list[str]], None]
    """These were handed to the broker."""
    alive: Callable[[], None] = lambda: None
    """Called every second or so."""


def serve(address: Address, desk: Desk, stop: Event) -> None:
    """Work at the broker until `stop`; a broker or a store that is away is waited for."""
    tries = 0
    while not stop.is_set():
        session = _Session(address, desk)
        try:
            session.run(stop)
        except (OSError, FieldboxError) as error:
            log.warning("away from the broker", at=f"{address.host}:{address.port}", why=_plain(error))
        finally:
            session.close()
        tries = 1 if session.welcome else tries + 1
        desk.alive()
        if not stop.is_set():
            _wait(stop, pause(tries, address.host, first=FIRST, longest=LONGEST), desk)


def _wait(stop: Event, duration: timedelta, desk: Desk) -> None:
    left = duration.total_seconds()
    while left > 0 and not stop.wait(min(left, STEP)):
        left -= STEP
        desk.alive()


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Session:
    """One connection."""

    def __init__(self, address: Address, desk: Desk) -> None:
        self._address, self._desk = address, desk
        self.welcome = False
        self._failure: FieldboxError | None = None
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id="hub",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.on_connect = self._connected
        self._client.on_message = self._came
        self._client.on_subscribe = self._subscribed
        self._client.tls_set_context(_tls(address))

    def run(self, stop: Event) -> None:
        """Work until the connection ends or `stop`. Raises OSError and FieldboxError."""
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wanted.SessionExpiryInterval = int(SESSION.total_seconds())
        wanted.ReceiveMaximum = AT_ONCE
        self._client.connect(
            self._address.host, self._address.port, KEEPALIVE, clean_start=False, properties=wanted
        )
        while not stop.is_set():
            ended = self._client.loop(STEP)
            if self._failure is not None:
                raise self._failure
            if ended is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise _refused(str(ended))
            if self.welcome:
                self._say(self._desk.waiting(None))
            self._desk.alive()

    def close(self) -> None:
        """Take leave; what was not acknowledged to the broker comes again."""
        with suppress(OSError):
            if self._client.is_connected():
                self._client.disconnect()
                self._client.loop(STEP)

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _more: Any
    ) -> None:
        if reason.is_failure:
            self._failure = _refused(str(reason))
            return
        client.subscribe(topics.up(topics.ANY), qos=1)

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Any) -> None:
        if any(one.is_failure for one in reasons):
            self._failure = _refused(str(reasons[0]))
            return
        log.info("at the broker", host=self._address.host, port=self._address.port)
        self.welcome = True

    def _came(self, client: paho.Client, _data: Any, message: MQTTMessage) -> None:
        if self._failure is not None:
            return
        try:
            self._take(message)
        except FieldboxError as error:
            self._failure = error  # nothing more is taken in by this connection: the broker sends it again
        except (
            Exception
        ):  # a fault of ours over one frame must not end the hub for all boxes each time that it comes
            log.exception("a frame could not be taken in; its box keeps what is in it", mid=message.mid)
            client.ack(message.mid, message.qos)
        else:
            client.ack(message.mid, message.qos)

    def _take(self, message: MQTTMessage) -> None:
        got = self._desk.take(bytes(message.payload))
        if got.box is None or got.down is None:
            log.warning("a frame was refused", topic=message.topic[:80], why=got.why)
            return
        self._publish(got.box, got.down)
        self._say(self._desk.waiting(got.box))

    def _say(self, waiting: list[Said]) -> None:
        if not waiting:
            return
        for one in waiting:
            self._publish(one.box, one.sealed)
        self._desk.sent([one.id for one in waiting])

    def _publish(self, box: str, sealed: bytes) -> None:
        lasts = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        lasts.MessageExpiryInterval = int(WAITS.total_seconds())
        told = self._client.publish(topics.down(box), sealed, qos=1, properties=lasts)
        if told.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise _refused(str(told.rc))


def _tls(address: Address) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=address.authority)
    context.load_cert_chain(address.certificate, address.key)
    return context


def _refused(why: str) -> Unavailable:
    return Unavailable(N_("The hub's broker does not do as asked ({why})."), why=why)
