"""The hub over MQTT 5 and TLS, with paho.

Each connection has a client of its own: paho keeps its queue in memory, and what a client took over from an earlier connection
was sent at once and without limit. No thread of paho's runs: one caller reads and writes, in `MqttSession.receive`.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fieldbox.errors import Unsent, Unwelcome
from fieldbox.i18n import N_
from fieldbox.sync.failing import broken, unreachable
from fieldbox.sync.ports import Traffic
from fieldbox.sync.tcp import Wire
from fieldbox.sync.tls import Context, Credentials, Socket, TrustedNow, by_the_clock, context, distrusted
from fieldbox.wire import topics

CONNECT_SECONDS: Final = 90.0
"""For each of TCP, TLS and MQTT: an answer to CONNECT was seen after 14.6 seconds at 9.6 kbit/s."""
KEEPALIVE: Final = 1800
"""Seconds: longer than a connection lasts, so that there is no ping (204 IP bytes each)."""
SESSION_SECONDS: Final = 400 * 24 * 3600
"""For which the broker is asked to keep what the hub says to a box that is away."""
END_SECONDS: Final = 5.0
"""At most, to hear the other end of a connection close."""
_NOT_WELCOME: Final = frozenset({0x85, 0x86, 0x87, 0x8A, 0x8C})
"""MQTT 5, 2.4: client identifier not valid, bad user name, not authorized, banned, bad authentication method."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the hub's broker is."""

    host: str
    port: int = 8883


class MqttCarrier:
    """A way to the hub by MQTT. It lives as long as the process: it keeps the ticket for TLS."""

    name = "mqtt"

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        box: str,
        trusted_now: TrustedNow = by_the_clock,
        *,
        patience: float = CONNECT_SECONDS,
    ) -> None:
        self.address = address
        self.box = box
        self.patience = patience
        """Seconds for each of TCP, TLS and MQTT to come about."""
        self.spent = Traffic()
        self.resumed = False
        """Whether the last connection was opened with a ticket."""
        self.interface: str | None = None
        self._context = context(credentials, trusted_now)

    def connect(self) -> MqttSession:
        """Open a connection. Raises Unsent, of it Distrusted where a person must act."""
        session = MqttSession(self)
        try:
            session.open(self._context)
        except BaseException:
            session.close()
            raise
        return session

    def over(self, traffic: Traffic) -> None:
        """A connection is over that cost so much."""
        self.spent += traffic


class _Client(paho.Client):
    """paho's, which knows no interfaces: their sockets are made here."""

    interface: str | None = None
    wire: Wire

    def _create_socket_connection(self) -> socket.socket:
        """As of paho."""
        return self.wire.reach((self._host, self._port), self._connect_timeout, self.interface)


class MqttSession:
    """One connection. It belongs to one thread."""

    def __init__(self, carrier: MqttCarrier) -> None:
        self.name = carrier.name
        self._carrier = carrier
        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=carrier.box,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = carrier.patience
        self._client.interface = carrier.interface
        self._client.wire = self._wire = Wire()
        self._client.on_socket_open = self._opened
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._came
        self._client.on_publish = self._published
        self._client.on_subscribe = self._subscribed
        self._welcome: bool | None = None
        """Whether the broker knew this box's session; None: it did not answer yet."""
        self._inbox: deque[MQTTMessage] = deque()
        self._given: MQTTMessage | None = None
        self._failure: Unsent | None = None
        self._socket: Socket | None = None
        self._closed = False

    def open(self, tls: Context) -> None:
        """Connect, with TLS and MQTT, and be subscribed. Raises Unsent."""
        self._reach(tls)
        self._await_welcome()
        self._keep_ticket(tls)
        if not self._welcome:
            self._client.subscribe(topics.down(self._carrier.box), qos=1)

    def send(self, frame: bytes) -> None:
        """Publish a frame (QoS 1). Raises Unsent."""
        self._check()
        self._client.publish(topics.up(self._carrier.box), frame, qos=1)
        self._check()

    def receive(self, seconds: float) -> bytes | None:
        """What the hub published, waiting at most so long. Raises Unsent."""
        deadline = time.monotonic() + seconds
        self._turn(0.0)
        while not self._inbox:
            self._check()
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._turn(left)
        self._given = self._inbox.popleft()
        return bytes(self._given.payload)

    def taken(self) -> None:
        """Acknowledge what `receive` gave last (PUBACK): the broker need not keep it. Raises Unsent."""
        if self._given is not None:
            self._check()
            self._client.ack(self._given.mid, self._given.qos)
            self._given = None

    def round_trip(self) -> float:
        """Seconds, as TCP measured them."""
        return self._wire.counts().round_trip

    def traffic(self) -> Traffic:
        """IP bytes of this connection so far."""
        return self._wire.counts().traffic

    def close(self) -> None:
        """Take leave of the broker, hear it close, and count the last of it."""
        if self._closed:
            return
        self._closed = True
        if self._failure is None and self._welcome is not None:
            self._client.disconnect()
            self._flush(END_SECONDS)
        if self._socket is not None:
            self._socket.close()
        self._wire.end(0.0 if self._failure else min(END_SECONDS, 1.0 + 2 * self.round_trip()))
        self._carrier.over(self.traffic())

    def _reach(self, tls: Context) -> None:
        address = self._carrier.address
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wanted.SessionExpiryInterval = SESSION_SECONDS
        tls.wire = self._wire
        self._client.tls_set_context(tls)
        try:
            self._client.connect(address.host, address.port, KEEPALIVE, clean_start=False, properties=wanted)
        except Unsent as error:
            self._failure = error
            raise
        except OSError as error:
            self._failure = self._failed(error)
            raise self._failure from error

    def _keep_ticket(self, tls: Context) -> None:
        if self._socket is not None:
            self._carrier.resumed = bool(self._socket.session_reused)
            given = self._socket.session
            tls.ticket = given if given and given.has_ticket else tls.ticket

    def _failed(self, error: OSError) -> Unsent:
        host = self._carrier.address.host
        told = distrusted(error, host) if isinstance(error, ssl.SSLError) else None
        return told or unreachable(host, error.strerror or str(error))

    def _await_welcome(self) -> None:
        deadline = time.monotonic() + self._carrier.patience
        while self._welcome is None:
            self._check()
            left = deadline - time.monotonic()
            if left <= 0:
                self._failure = unreachable(self._carrier.address.host, "no answer")
                raise self._failure
            self._turn(left)
        self._check()

    def _turn(self, seconds: float) -> None:
        """Read and write what can be, waiting at most so long for something to read."""
        sock = self._client.socket()
        if not isinstance(sock, Socket):
            return
        writes = [sock] if self._client.want_write() else []
        if seconds:
            self._wire.hold(False)
        ready = select.select([sock], writes, [], 0.0 if sock.pending() else seconds)
        self._wire.hold(True)
        if ready[0] or sock.pending():
            self._client.loop_read()
        if ready[1] and self._client.socket() is not None:
            self._client.loop_write()

    def _flush(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._client.want_write() and time.monotonic() < deadline:
            self._turn(0.1)

    def _check(self) -> None:
        if self._failure is None and (self._closed or self._client.socket() is None):
            self._failure = broken("closed")
        if self._failure is not None:
            raise self._failure

    # What paho says.

    def _opened(self, _client: Any, _data: Any, sock: Any) -> None:
        self._socket = sock

    def _connected(
        self, _client: Any, _data: Any, flags: paho.ConnectFlags, reason: ReasonCode, _more: Any
    ) -> None:
        if reason.is_failure:
            self._failure = _refused(reason, self._carrier.address.host)
        self._welcome = flags.session_present

    def _disconnected(
        self, _client: Any, _data: Any, flags: paho.DisconnectFlags, reason: ReasonCode, _more: Any
    ) -> None:
        if self._failure is None and not self._closed:
            fault = self._socket.fault if self._socket else None
            told = distrusted(fault, self._carrier.address.host) if fault else None
            self._failure = told or broken(str(reason) if flags.is_disconnect_packet_from_server else "lost")

    def _came(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        self._inbox.append(message)

    def _published(self, _client: Any, _data: Any, _mid: int, reason: ReasonCode, _more: Any) -> None:
        if reason.is_failure:
            self._failure = _refused(reason, self._carrier.address.host)

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                self._failure = _refused(reason, self._carrier.address.host)


def _refused(reason: ReasonCode, host: str) -> Unsent:
    """The broker answered, and not with yes."""
    if reason.value in _NOT_WELCOME:
        return Unwelcome(
            N_("The hub {host} does not know this box ({why}): join the hub again."),
            host=host,
            why=str(reason),
        )
    return unreachable(host, str(reason))
