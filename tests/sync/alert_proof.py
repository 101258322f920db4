"""What one alert costs from a cold start: IP bytes both ways, from the first SYN to the last ACK, with the hub's acknowledgement.

`python -m tests.sync.alert_proof` prints it for a real Mosquitto on the loopback and fails where it is too much. Nothing is lost
on the loopback: it is what a link without loss pays. All that is said fits into segments of a link with an MTU of 1,500.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519

from fieldbox.domain import MessageKind, Outgoing
from fieldbox.hub import brokerfile
from fieldbox.sync.burst import Ending, Limits, burst
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.wire.ids import key_of
from tests.brokers import Authority, Broker, HubEnd, Key, credentials, ec_key
from tests.desks import BOX, AheadClock, Desk
from tests.wire.bodies import ALERT

RESUMED_AT_MOST: Final = 4200
FULL_AT_MOST: Final = 6800


@dataclass(frozen=True)
class Cost:
    """Of a connection that carried one alert."""

    resumed: bool
    sent: int
    received: int

    @property
    def total(self) -> int:
        """Both ways."""
        return self.sent + self.received


def costs(folder: Path, new_key: Callable[[], Key], tls: str | None, connections: int = 6) -> list[Cost]:
    """One alert in each of some connections, on a broker of its own."""
    (folder / "certificates").mkdir(parents=True)
    authority = Authority(folder / "certificates", "fieldbox hub", new_key)
    shown = authority.give("broker", hosts=("127.0.0.1",))
    broker = Broker(folder, authority, shown, environment=_environment(folder, tls))
    broker.start()
    desk = Desk()
    hub = HubEnd(broker, desk)
    link = MqttCarrier(Address("127.0.0.1", broker.port), credentials(authority, BOX), BOX)
    try:
        # The broker meets the box, so that its subscription is no part of it; then the process starts anew.
        link.connect().close()
        again = MqttCarrier(Address("127.0.0.1", broker.port), credentials(authority, BOX), BOX)
        return [_one(again, desk, number) for number in range(connections)]
    finally:
        hub.stop()
        broker.stop()


def _environment(folder: Path, tls: str | None) -> dict[str, str]:
    if tls is None:
        return dict(os.environ)
    settings = folder / "openssl.cnf"
    settings.write_text(tls)
    return {**os.environ, "OPENSSL_CONF": str(settings)}


def _one(link: MqttCarrier, desk: Desk, number: int) -> Cost:
    clock = AheadClock()
    outbox = MemoryOutbox(clock.now)
    body = json.dumps(ALERT | {"survey": key_of(str(number))})
    outbox.send(Outgoing(MessageKind.ALERT, body, key_of(str(number))))
    session = link.connect()
    report = burst(session, desk.sender(outbox, clock), Limits(seconds=20))
    session.close()
    if (report.ending, report.acknowledged) != (Ending.DONE, 1):
        raise SystemExit(f"the alert did not arrive: {report}")
    traffic = session.traffic()
    return Cost(link.resumed, traffic.sent, traffic.received)


SETTINGS: Final[dict[str, tuple[Callable[[], Key], str | None]]] = {
    "P-256, broker as it comes": (ec_key, None),
    "Ed25519, broker as it comes": (ed25519.Ed25519PrivateKey.generate, None),
    "P-256, small tickets": (ec_key, brokerfile.tls()),
    "Ed25519, small tickets": (ed25519.Ed25519PrivateKey.generate, brokerfile.tls()),
}


def main() -> None:
    """Print the table; exit 1 where a figure is too large."""
    print(f"{'IP bytes of one alert':30} {'full':>6} {'resumed':>8}")  # noqa: T201
    holds = True
    for name, (new_key, tls) in SETTINGS.items():
        with tempfile.TemporaryDirectory() as folder:
            told = costs(Path(folder), new_key, tls)
        full = max(one.total for one in told if not one.resumed)
        resumed = max(one.total for one in told if one.resumed)
        print(f"{name:30} {full:6} {resumed:8}")  # noqa: T201
        holds = holds and full <= FULL_AT_MOST and resumed <= RESUMED_AT_MOST
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
