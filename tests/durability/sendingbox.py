"""The sending half of a box as a process of its own: `python -m tests.durability.sendingbox --make 100`.

It takes its folders from the settings as every process of a box does, connects whenever something is due, and ends when all is
acknowledged. With `--make` it writes new messages into its outbox meanwhile, until a file is there. Each connection is told as a
line of JSON. With `--alerts` it sends an alert for each line that it reads, too.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fieldbox.config import Config, load_config
from fieldbox.domain import OPEN, MessageKind, Outgoing
from fieldbox.errors import Distrusted, Unsent
from fieldbox.storage.store import Store
from fieldbox.summary.alert import Earlier, alert_of
from fieldbox.summary.v1 import Allowed, summarise
from fieldbox.sync import identity
from fieldbox.sync.burst import BurstReport, Ending, Limits, Sender, burst
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.ports import Traffic
from fieldbox.sync.tls import Credentials
from fieldbox.wire.ids import key_of
from tests.systemclock import SystemClock
from tests.wire.season import survey

PAUSE_S = 1.0
"""Before another try after a link that did not carry: a box that is let loose (its own times are those of `sync.policy`)."""
AT_ONCE = Limits(seconds=3600, patience=60, frames=100_000)
WAITING = 50
"""Messages that are made while no more than so many wait."""
BETWEEN_S = 0.05
MOST = 100_000


def summaries(
    count: int, *, end: datetime, apart: timedelta, seed: int = 7
) -> Iterator[tuple[datetime, Outgoing]]:
    """Real summaries of made-up surveys, `apart` from one another, the last at `end`; when each was written."""
    chance = random.Random(seed)  # noqa: S311  no secret
    for number in range(count):
        told, field, flight = survey(chance, number)
        made = end - (count - 1 - number) * apart
        flown = flight.started_at and flight.started_at + (made - told.made_at)
        text = summarise(replace(told, made_at=made), field, replace(flight, started_at=flown), Allowed())
        yield (
            made + timedelta(seconds=17.3),
            Outgoing(MessageKind.SUMMARY, text, told.id, f"survey {told.id}"),
        )


def filled(config: Config, count: int) -> None:
    """Put so many summaries into the box's outbox, an hour apart."""
    written = [datetime.now(UTC)]
    with Store.open(config.database, clock=lambda: written[0]) as store:
        for at, outgoing in summaries(count, end=datetime.now(UTC), apart=timedelta(hours=1)):
            written[0] = at
            store.send(outgoing)


def alerts() -> Iterator[Outgoing]:
    """Real alerts of made-up surveys, in each of which weeds have risen."""
    chance = random.Random(3)  # noqa: S311  no secret
    for number in itertools.count():
        earlier, field, flight = survey(chance, number)
        later, _field, _flight = survey(chance, number)
        later = replace(
            later, made_at=datetime.now(UTC), id=key_of("alert", str(number), str(time.time_ns()))
        )
        raised = alert_of(later, field, flight, Earlier(earlier, flight.started_at), None)
        if raised is not None:
            yield raised


def carrier_of(config: Config) -> tuple[MqttCarrier, identity.Joined]:
    """The way to the hub that this box joined."""
    joined = identity.joined(config.identity)
    own = joined.identity
    credentials = Credentials(own.certificate, own.tls_key, joined.hub.authority)
    return MqttCarrier(Address(joined.hub.host, joined.hub.port), credentials, own.box), joined


@dataclass(frozen=True)
class Ahead(SystemClock):
    """A clock that is so much ahead of the machine's."""

    by: timedelta

    def now(self) -> datetime:
        """The time of day, UTC."""
        return super().now() + self.by


class Sending:
    """A box that sends until nothing is open."""

    def __init__(self, config: Config, store: Store, producing: threading.Event, clock: Ahead) -> None:
        self._store, self._producing = store, producing
        self._carrier, joined = carrier_of(config)
        self._clock = clock
        self._sender = Sender(
            joined.identity.box, joined.identity.key, joined.hub_key, store, self._clock, lambda _down: None
        )

    def run(self) -> None:
        """Connect again and again."""
        while self._is_open() or self._producing.is_set():
            if not self._store.due_messages(self._clock.now(), 1):
                time.sleep(0.2)
            elif not self.once():
                time.sleep(PAUSE_S)

    def once(self) -> bool:
        """One connection; whether it did its work."""
        begun, spent = time.monotonic(), self._carrier.spent
        try:
            session = self._carrier.connect()
        except Distrusted:
            raise  # no further try helps
        except Unsent as error:
            self._tell(begun, spent, None, str(error))
            return False
        opened = time.monotonic()
        try:
            report = burst(session, self._sender, AT_ONCE)
        finally:
            session.close()
        self._tell(begun, spent, report, str(report.why or ""), opened)
        return report.ending is Ending.DONE

    def _is_open(self) -> bool:
        counts = self._store.message_counts()
        return any(counts[state] for state in OPEN)

    def _tell(
        self, begun: float, spent: Traffic, report: BurstReport | None, why: str, opened: float | None = None
    ) -> None:
        now = time.monotonic()
        total = self._carrier.spent
        line = {
            "ending": report.ending.value if report else "unreached",
            "connect_s": round((opened or now) - begun, 2),
            "seconds": round(now - begun, 2),
            "sent": total.sent - spent.sent,
            "received": total.received - spent.received,
            "resumed": self._carrier.resumed,
            "ticket_s": ticket.ticket_lifetime_hint if (ticket := self._carrier._context.ticket) else 0,
            "frames": report.frames if report else 0,
            "messages": report.messages if report else 0,
            "acknowledged": report.acknowledged if report else 0,
            "why": why,
        }
        print(json.dumps(line), flush=True)  # noqa: T201


def _produce(store: Store, until: Path, producing: threading.Event) -> None:
    """Write summaries until the file `until` is there, and after those of an earlier life of this process."""
    have = sum(store.message_counts().values())
    made = summaries(MOST, end=datetime.now(UTC), apart=timedelta(seconds=1))
    for _at, outgoing in itertools.islice(made, have, None):
        while sum(store.message_counts()[state] for state in OPEN) > WAITING and not until.exists():
            time.sleep(0.02)
        if until.exists():
            break
        store.send(outgoing)
        time.sleep(BETWEEN_S)
    producing.clear()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--make", type=Path, help="Write messages until this file is there.")
    parser.add_argument(
        "--alerts", action="store_true", help="Send an alert for each line of standard input."
    )
    parser.add_argument("--later", type=float, default=0, help="Hours by which the box's clock is ahead.")
    given = parser.parse_args()
    config = load_config()
    with Store.open(config.database) as store:
        producing = threading.Event()
        if given.make:
            producing.set()
            threading.Thread(target=_produce, args=(store, given.make, producing), daemon=True).start()
        store.lost(MqttCarrier.name)  # as every process that sends begins
        sending = Sending(config, store, producing, Ahead(timedelta(hours=given.later)))
        sending.run()
        for raised, _line in zip(alerts(), sys.stdin if given.alerts else (), strict=False):
            store.send(raised)
            sending.run()


if __name__ == "__main__":
    main()
