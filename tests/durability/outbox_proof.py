"""Proof that a power cut costs the outbox nothing: `python -m tests.durability.outbox_proof --cuts 100`.

A box fills its outbox, hands frames to a hub and hears acknowledgements, all on a disk whose every write is logged. Then the plug
is pulled at random moments of that log: what had not been flushed is lost or there in part. Each time the file system is mounted
as it would be found, and

- every message is there whose commit had returned, in the state that it had, and the file is whole;
- of whatever the hub had heard by then the box knows that it was sent, under the frame's own id;
- nothing is said to have arrived that the hub had not committed;
- what is sent from then on completes the hub's table: each message once, none left out.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.domain import Message, MessageKind, MessageState, Outgoing
from fieldbox.storage.store import Store
from fieldbox.wire import frame
from fieldbox.wire.ids import key_of
from tests.durability.plug import logged, mounted
from tests.durability.writelog import read_log, replay

DISK_MB = 24
START = datetime(2027, 6, 10, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
BOX = "babcdefgh"


@dataclass
class Clock:
    """One that a box goes by, a minute on with each look."""

    at: datetime = START

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@dataclass
class Told:
    """What was certain, and since when (nanoseconds)."""

    made: dict[str, int] = field(default_factory=dict)
    heard: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By the hub: the id, when and in which frame for the first time."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Committed by the box."""


def work(store: Store, clock: Clock, steps: int, chance: random.Random) -> Told:
    """Messages come and go; of three frames the acknowledgement of one is lost."""
    told = Told()
    for step in range(steps):
        for outgoing in _made(step, chance):
            identity = store.send(outgoing)
            told.made[identity] = time.monotonic_ns()  # from now on it must be there
        if step % 3 == 2:
            _send(store, clock, told, chance)
    return told


def _made(step: int, chance: random.Random) -> Iterator[Outgoing]:
    body = f'{{"v":1,"n":{step}}}'
    yield Outgoing(MessageKind.SUMMARY, body, key_of("summary", str(step)), f"survey {chance.randrange(20)}")
    if chance.random() < 0.3:
        yield Outgoing(MessageKind.BOX, body, key_of("box", str(step)), "box")
    if chance.random() < 0.2:
        yield Outgoing(MessageKind.ALERT, body, key_of("alert", str(step)))


def _send(store: Store, clock: Clock, told: Told, chance: random.Random) -> None:
    due = store.due_messages(clock(), 8)
    if not due:
        return
    sealed = frame.pack(BOX, due, KEY)
    batch, ids = frame.batch_of(sealed), [one.id for one in due]
    store.mark_sent(ids, batch=batch, carrier="mqtt", size=len(sealed), now=clock())
    now = time.monotonic_ns()
    for one in ids:
        told.heard.setdefault(one, (now, batch))
    if chance.random() < 2 / 3:
        store.acknowledge(clock(), batches=[batch])
        told.acknowledged.update(dict.fromkeys(ids, time.monotonic_ns()))


def found(root: Path, told: Told, at_ns: int) -> int:
    """Look at a box after a cut at a moment, then let it send the rest; how many messages were certain.

    Raises AssertionError for anything that is not as it must be.
    """
    with Store.open(root / "fieldbox.db", clock=Clock(START + timedelta(days=400))) as store:
        assert store.check() == []
        rows = {one.id: one for one in store.messages()}
        certain = {one for one, since in told.made.items() if since < at_ns}
        assert certain <= set(rows), f"{sorted(certain - set(rows))} were committed and are gone"
        _check_sent(rows, told, at_ns)
        hub = Counter(one for one, (since, _batch) in told.heard.items() if since < at_ns)
        hub |= Counter(one.id for one in rows.values() if one.state is MessageState.ACKNOWLEDGED)
        assert set(hub) <= set(told.heard), "the box says that something arrived which never left"
        _send_the_rest(store, hub)
        wanted = {one.id for one in store.messages() if one.state is not MessageState.SUPERSEDED}
        assert wanted <= set(hub) <= set(rows)
        assert max(hub.values(), default=1) == 1
        newest = store.send(Outgoing(MessageKind.BOX, "{}", key_of("after"), "box"))
        assert newest > max(rows, default=""), "an id that is not later than those before"
    return len(certain)


def _check_sent(rows: Mapping[str, Message], told: Told, at_ns: int) -> None:
    """Of what the hub had heard the box knows that it left, and in which frame; of what was confirmed, that it arrived."""
    for one, (since, batch) in told.heard.items():
        if since < at_ns:
            assert rows[one].sent_at is not None, f"the hub has {one}, and the box does not know that it left"
            assert rows[one].attempts > 1 or rows[one].batch == batch
    for one, since in told.acknowledged.items():
        if since < at_ns:
            assert rows[one].state is MessageState.ACKNOWLEDGED, f"{one} had arrived and is {rows[one].state}"


def _send_the_rest(store: Store, hub: Counter[str]) -> None:
    now = START + timedelta(days=401)
    while due := store.due_messages(now, 50):
        ids = [one.id for one in due]
        store.mark_sent(ids, batch="e" * 16, carrier="mqtt", size=900, now=now)
        hub.update(one for one in ids if one not in hub)  # it knows them again by their ids
        store.acknowledge(now, batches=["e" * 16])


def prove(folder: Path, steps: int, cuts: int, chance: random.Random) -> str:
    """Log a run, cut the power at so many moments of it; one line about it."""
    empty, image, log = folder / "empty.img", folder / "disk.img", folder / "writes.log"
    with empty.open("wb") as disk:
        disk.truncate(DISK_MB * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(empty)], check=True)
    shutil.copyfile(empty, image)
    with logged(image, log, folder) as where:
        clock = Clock()
        with Store.open(where / "fieldbox.db", clock=clock) as store:
            begun = time.monotonic_ns()
            told = work(store, clock, steps, chance)
    records = read_log(log)
    first = next(number for number, record in enumerate(records) if record.at_ns >= begun)
    certain = 0
    for _cut in range(cuts):
        cut = chance.randrange(first, len(records))
        shutil.copyfile(empty, image)
        replay(image, records, cut, chance)
        with mounted(image, folder / "found") as where:
            certain += found(where, told, records[cut].at_ns)
    written = sum(len(record.data or b"") for record in records) / 1e6
    return (
        f"power cuts: {cuts} of a log of {len(records)} writes and flushes ({written:.1f} MB) on ext4; {len(told.made)} messages"
        f" were made, {len(told.heard)} of them left, {len(told.acknowledged)} were acknowledged; at the cuts {certain} had been"
        " committed in all: none was gone, none had another state, none arrived twice"
    )


def main() -> None:
    """Run the proof and print what it proved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fieldbox-proof-") as name:
        chance = random.Random(chosen.seed)  # noqa: S311  no secret
        print(prove(Path(name), chosen.steps, chosen.cuts, chance), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
