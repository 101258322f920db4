"""A real Mosquitto with mutual TLS and throw-away certificates, and a hub that is a function."""

from __future__ import annotations

import queue
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fieldbox.hub import brokerfile
from fieldbox.sync.tls import Credentials
from fieldbox.wire import topics
from tests.programs import MOSQUITTO, free_port, listens, started, until

YEAR = timedelta(days=365)
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def ec_key() -> Key:
    """A new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Shown:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority for one test."""

    def __init__(
        self, folder: Path, name: str = "fieldbox test", new_key: Callable[[], Key] = ec_key
    ) -> None:
        self.folder = folder
        self.new_key = new_key
        self.key = new_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._sign(self.name, self.key, datetime.now(UTC), 20 * YEAR, None)

    def give(
        self,
        name: str,
        *,
        start: datetime | None = None,
        lasts: timedelta = 5 * YEAR,
        hosts: Iterable[str] = (),
    ) -> Shown:
        """A certificate: of a server if it has hosts, else of a client."""
        folder = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        key = self.new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        pem = self._sign(subject, key, start or datetime.now(UTC) - timedelta(days=1), lasts, tuple(hosts))
        shown = Shown(folder / "tls.crt", folder / "tls.key")
        shown.certificate.write_text(pem)
        shown.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return shown

    def _sign(
        self, subject: x509.Name, key: Key, start: datetime, lasts: timedelta, hosts: tuple[str, ...] | None
    ) -> str:
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(subject.public_bytes()[-4:]) + 1)
            .not_valid_before(start)
            .not_valid_after(start + lasts)
        )
        if hosts is None:
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        elif hosts:
            made = made.add_extension(
                x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False
            )
        else:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
            made = made.add_extension(usage, critical=False)
        digest = hashes.SHA256() if isinstance(self.key, ec.EllipticCurvePrivateKey) else None
        return made.sign(self.key, digest).public_bytes(serialization.Encoding.PEM).decode()


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


CONFIG = """\
listener {port} 127.0.0.1
protocol mqtt
cafile {folder}/ca.crt
certfile {shown.certificate}
keyfile {shown.key}
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
acl_file {folder}/acl
allow_anonymous false
persistence true
persistence_location {folder}/
{saving}
max_queued_messages 10000
user root
log_type all
"""


@dataclass
class Broker:
    """A Mosquitto of its own on a free port."""

    folder: Path
    authority: Authority
    shown: Shown | Credentials
    port: int = field(default_factory=free_port)
    saves: bool = True
    """Whether it writes each message to the disk, which is not its default."""
    environment: dict[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        (self.folder / "ca.crt").write_text(self.authority.pem)
        (self.folder / "acl").write_text(brokerfile.rights("hub"))
        config = self.folder / "mosquitto.conf"
        saving = "autosave_interval 1\nautosave_on_changes true" if self.saves else ""
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, shown=self.shown, saving=saving))
        log = self.folder / "broker.log"
        self.process = started([MOSQUITTO, "-c", config], log, self.environment)
        until(lambda: listens(self.port), log.read_text)

    def kill(self) -> None:
        """As a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


def broker_in(folder: Path, **settings: object) -> Broker:
    """A broker that is not started, with its authority."""
    (folder / "certificates").mkdir(parents=True)
    authority = Authority(folder / "certificates")
    shown = authority.give("broker", hosts=("127.0.0.1", "localhost"))
    return Broker(folder, authority, shown, **settings)  # type: ignore[arg-type]


def credentials(authority: Authority, box: str) -> Credentials:
    """What a box of this authority shows."""
    shown = authority.give(box)
    return Credentials(shown.certificate, shown.key, authority.pem)


class HubEnd:
    """Subscribed to the frames of every box; what `answer` says of one is published to its box."""

    def __init__(self, broker: Broker, answer: Callable[[bytes], Iterable[bytes]]) -> None:
        self.answer = answer
        self.frames: queue.Queue[bytes] = queue.Queue()
        self.broker = broker
        self.client = self._client("hub")
        self.client.on_message = self._came
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 3600
        ready: queue.Queue[bool] = queue.Queue()
        self.client.on_connect = lambda client, *_: client.subscribe(topics.up(topics.ANY), qos=1)
        self.client.on_subscribe = lambda *_: ready.put(True)
        self.client.connect("127.0.0.1", broker.port, clean_start=False, properties=kept)
        self.client.loop_start()
        ready.get(timeout=10)

    def _client(self, name: str) -> paho.Client:
        shown = self.broker.authority.give(name)
        tls = ssl.create_default_context(cadata=self.broker.authority.pem)
        tls.load_cert_chain(shown.certificate, shown.key)
        client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set_context(tls)
        return client

    def _came(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        box = message.topic.split("/")[2]
        self.frames.put(bytes(message.payload))
        for word in self.answer(bytes(message.payload)):
            self.client.publish(topics.down(box), word, qos=1)

    def say(self, box: str, word: bytes) -> None:
        """Say something, whether the box is there or not; the broker has it when this returns."""
        told = self.client.publish(topics.down(box), word, qos=1)
        told.wait_for_publish(10)

    def take_over(self, box: str) -> None:
        """Be the box to the broker: it sends away the one that is connected."""
        other = self._client(box)
        connected: queue.Queue[bool] = queue.Queue()
        other.on_connect = lambda *_: connected.put(True)
        other.connect("127.0.0.1", self.broker.port, clean_start=False)
        other.loop_start()
        connected.get(timeout=10)
        other.disconnect()
        other.loop_stop()

    def stop(self) -> None:
        """Go."""
        self.client.disconnect()
        self.client.loop_stop()
