"""Proof that `kill -9` of box, broker and hub loses no message and doubles none: `python -m tests.durability.link_kill_proof`.

A box writes summaries into its outbox and sends them while it, Mosquitto (keeping what `fieldbox hub init` has it keep, and when)
and `fieldbox hub serve` are killed at random moments, in any order and sometimes two at once, and started again. At the end every
message of the outbox must be acknowledged and be in the hub's table, where each was put once.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fieldbox.domain import MessageState
from tests.durability.farside import BROKER, HUB, Far
from tests.path.box import REPOSITORY, Box

BOX = "box"
VICTIMS = (BOX, BROKER, HUB)
AGAIN_S = (0.0, 1.5)
"""So long a killed process stays dead."""
APART_S = (0.0, 2.0)
"""Between what a kill waits for and the kill."""
AT_WORK = 0.75
"""Share of kills that wait until messages arrive again; the others hit whatever is just starting."""
PATIENCE_S = 600
LATER_H = 7
"""What was handed over again and again in vain waits some hours: at the end the box lives on so much later."""


@dataclass(frozen=True)
class Kill:
    """One moment."""

    victims: tuple[str, ...]
    after_s: float
    dead_s: float
    at_work: bool = True
    """It waits until messages arrive again after the kill before."""


def kills(count: int, seed: int) -> Iterator[Kill]:
    """`count` processes to kill; at every fifth moment two at once."""
    draw = random.Random(seed)  # noqa: S311  no secret
    left = count
    while left:
        both = min(left, 2 if draw.random() < 0.2 else 1)
        yield Kill(
            tuple(draw.sample(VICTIMS, both)),
            draw.uniform(*APART_S),
            draw.uniform(*AGAIN_S),
            draw.random() < AT_WORK,
        )
        left -= both


@dataclass
class Proof:
    """What was seen."""

    killed: Counter[str] = field(default_factory=Counter)
    amid: int = 0
    """Kills while messages were handed over that the hub had not acknowledged."""
    messages: int = 0
    handed: int = 0
    """Times that a message was handed over, all together, as the outbox has it."""
    lost: int = 0
    doubled: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        told = ", ".join(f"{name} {self.killed[name]}" for name in VICTIMS)
        return (
            f"{self.killed.total()} processes were killed ({told}), {self.amid} times while messages were on their way.\n"
            f"{self.messages} messages were written and acknowledged; they were handed over {self.handed} times in all "
            f"({self.seconds:.0f} s).\n"
            f"Lost: {self.lost}. Double in the hub's table: {self.doubled}."
        )


class Scene:
    """A box and its hub, each part a process."""

    def __init__(self, folder: Path) -> None:
        self.box = Box(folder / "box")
        self.box.root.mkdir(parents=True)
        self.far = Far.made(folder, "127.0.0.1")
        self.far.join(self.box)
        self.enough = folder / "enough"
        """The box writes messages until this file is there."""
        self.later_h = 0
        self._sending: subprocess.Popen[bytes] | None = None
        self._log = (folder / "box.log").open("ab")

    def start(self, *names: str) -> None:
        """Start what of these does not run."""
        self.far.start(*(name for name in names if name != BOX))
        if BOX in names:
            words = ["--make", str(self.enough), "--later", str(self.later_h)]
            command = [sys.executable, "-m", "tests.durability.sendingbox", *words]
            self._sending = subprocess.Popen(
                command, env=self.box.environment, cwd=REPOSITORY, stdout=self._log, stderr=self._log
            )

    def kill(self, *names: str) -> None:
        """As the kernel does when memory is short."""
        if BOX in names and self._sending is not None:
            self._sending.send_signal(signal.SIGKILL)
            self._sending.wait()
        self.far.kill(*(name for name in names if name != BOX))

    def done(self) -> bool:
        """Whether the box has nothing left to do."""
        assert self._sending is not None
        code = self._sending.poll()
        assert code in (None, 0), Path(self._log.name).read_text()[-2000:]
        return code == 0

    def stop(self) -> None:
        """End whatever runs."""
        self.kill(BOX, *self.far.running)
        self._log.close()


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """All of it at work until the end of the block."""
    made = Scene(folder)
    try:
        made.start(BROKER, HUB, BOX)
        made.far.await_hub()
        yield made
    finally:
        made.stop()


def prove(folder: Path, moments: Sequence[Kill], tell: Callable[[str], None]) -> Proof:
    """Kill at all `moments` while messages are written and sent; what came of it."""
    begun, proof = time.monotonic(), Proof()
    with scene(folder) as running:
        for moment in moments:
            if moment.at_work:
                _await_arrival(running)
            time.sleep(moment.after_s)
            proof.amid += _are_on_their_way(running.box) * len(moment.victims)
            running.kill(*moment.victims)
            time.sleep(moment.dead_s)
            running.start(*moment.victims)
            proof.killed.update(moment.victims)
            if proof.killed.total() % 20 == 0:
                tell(f"  {proof.killed.total()} kills; {_states(running.box)}")
        _await(running, tell)
        _count(running, proof)
    proof.seconds = time.monotonic() - begun
    return proof


def _await_arrival(running: Scene) -> None:
    """Until the hub has taken something more."""
    before, deadline = len(running.far.arrived()), time.monotonic() + PATIENCE_S
    while len(running.far.arrived()) == before:
        assert time.monotonic() < deadline, (_states(running.box), running.far.said())
        time.sleep(0.05)


def _await(running: Scene, tell: Callable[[str], None]) -> None:
    """Until everything is acknowledged."""
    tell(f"  no more kills; {_states(running.box)}")
    running.enough.touch()
    running.kill(BOX)
    running.later_h = LATER_H
    running.start(BOX)
    deadline = time.monotonic() + PATIENCE_S
    while not running.done():
        assert time.monotonic() < deadline, (_states(running.box), running.far.said())
        time.sleep(0.1)


def _count(running: Scene, proof: Proof) -> None:
    with running.box.store() as store:
        sent = store.messages()
    assert {one.state for one in sent} == {MessageState.ACKNOWLEDGED}
    ids = {one.id for one in sent}
    there, put = set(running.far.table()), running.far.arrived()
    proof.messages, proof.handed = len(sent), sum(one.attempts for one in sent)
    proof.lost = len(ids - there)
    proof.doubled = len(put) - len(set(put)) + len(there - ids)


def _are_on_their_way(box: Box) -> bool:
    with box.store() as store:
        return store.message_counts()[MessageState.SENT] > 0


def _states(box: Box) -> str:
    with box.store() as store:
        counts = store.message_counts()
    return json.dumps({state.value: count for state, count in counts.items() if count})


def main(words: Sequence[str] | None = None) -> None:
    """Run the proof and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        moments = list(kills(given.kills, given.seed))
        proof = prove(Path(name) / "scene", moments, _say)
    _say(str(proof))
    assert (proof.lost, proof.doubled) == (0, 0)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
