"""`make proof-hub`: what a hub takes in a second, over SQLite and PostgreSQL, and what messages weigh on a stick.

Each store is given the same 5,000 summaries in frames of one, of twenty and by courier; every message must be there once, and
every acknowledgement must name its frame.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fieldbox.domain import Message
from fieldbox.hub import courier as hub_courier
from fieldbox.hub import joining
from fieldbox.hub.home import Home, found
from fieldbox.hub.receiving import receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from fieldbox.sync import courier, identity
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.wire import frame
from tests.contract import hubs
from tests.hub.boxes import acknowledged
from tests.wire import season

COUNT = 5000
ALONE = 500
"""Messages that go in frames of their own."""


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    messages = season.season(COUNT)
    folder = Path(tempfile.mkdtemp(prefix="fieldbox-hub-"))
    folder.chmod(0o755)
    try:
        home = found(folder / "hub", host="localhost", port=8883, sms=None, now=now())
        measure("SQLite", home, str(home.database), folder / "sqlite", messages)
        if hubs.missing():
            say(f"PostgreSQL: not measured, {hubs.missing()}")
            return
        with hubs.postgres(folder / "pg") as url:
            measure("PostgreSQL", home, url, folder / "postgres", messages)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(name: str, home: Home, where: str, folder: Path, messages: Sequence[Message]) -> None:
    """Frames of one and of twenty, and a stick, each of a box of its own."""
    folder.mkdir()
    with ExitStack() as stack:
        store = stack.enter_context(HubStore.open(where))
        for each, some in ((1, messages[:ALONE]), (20, messages)):
            box = joined(home, store, folder / f"box{each}")
            key = box.identity.key
            frames = [
                frame.pack(box.identity.box, some[at : at + each], key) for at in range(0, len(some), each)
            ]
            seconds = timed(lambda frames=frames, box=box: take(home, store, frames, box))  # type: ignore[misc]
            check(store, box, some)
            say(
                f"{name}: frames of {each}: {len(some) / seconds:.0f} messages a second,"
                f" {1000 * seconds / len(frames):.1f} ms a frame"
            )
        stick(name, home, store, folder, messages)


def joined(home: Home, store: HubStore, folder: Path) -> identity.Joined:
    mine = identity.own(folder)
    _box, welcome = joining.enrol(home, store, mine.request(), "", now())
    return identity.join_hub(mine, identity.welcomed(mine, welcome))


def take(home: Home, store: HubStore, frames: Sequence[bytes], box: identity.Joined) -> None:
    for one in frames:
        got = receive(store, home.key, one, how=Way.MQTT, now=now())
        told = acknowledged(got.down, home.key, box.identity.box)
        assert told.batches == (frame.batch_of(one),) and not told.refused


def stick(name: str, home: Home, store: HubStore, folder: Path, messages: Sequence[Message]) -> None:
    box = joined(home, store, folder / "carried")
    outbox = MemoryOutbox(now)
    outbox._kept = {one.id: replace(one) for one in messages}
    place = folder / "stick"
    place.mkdir()
    out = timed(lambda: courier.export(box, outbox, messages, place, now()))
    size = next((place / "fieldbox").iterdir()).stat().st_size
    into = timed(lambda: hub_courier.take_in(home, store, place, now()))
    check(store, box, messages)
    known = store.box(box.identity.box)
    assert known is not None
    hub_courier.write_answer(home, store, place, known, now())
    hands = courier.Hands(outbox, lambda _told: None, lambda _name, _content: None)
    back = courier.take_in(box, place, hands, now)
    assert back is not None and back.acknowledged == len(messages)
    say(
        f"{name}: a stick with {len(messages)}: {size / len(messages):.1f} bytes a message, written in {out:.1f} s, "
        f"taken in in {into:.1f} s, all acknowledged by its answer"
    )


def check(store: HubStore, box: identity.Joined, messages: Sequence[Message]) -> None:
    kept = [one.id for one in store.messages(box=box.identity.box, standing=False)]
    assert sorted(kept) == sorted(one.id for one in messages)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
