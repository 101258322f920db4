"""Proof that what waits goes through a 2G link, and for how many bytes: `python -m tests.durability.twog_proof`.

A hub that `fieldbox hub init` made, Mosquitto and `fieldbox hub serve` are processes on the one side of a simulated link
(`fieldbox.simulate.link`), a box with its real store and the real sending on the other. Needs root, TUN and Mosquitto.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from fieldbox.domain import MessageState
from fieldbox.simulate.link import Fate, LinkOptions, Outages
from fieldbox.simulate.shuttle import Link, Report, running
from fieldbox.simulate.tunnels import HUB as HUB_ADDRESS
from tests.durability.farside import BROKER, HUB, Far
from tests.durability.sendingbox import filled
from tests.path.box import REPOSITORY, Box

POOR = LinkOptions(20_000, 20_000, 1.2, loss=0.05, outages=Outages(40, (60, 120)), nat_idle_s=30)
"""20 kbit/s, 1.2 s there and back, a twentieth of packets lost, dead for 40 s every 60 to 120 s, forgotten after 30 s."""
MOST_BYTES_EACH = 300
MOST_RESUMED, MOST_FULL = 4200, 6800
MOST_TIMES_LEAST = 2.0
QUIET_S = 6.0
"""Nothing is on its way any more after so long, retransmissions among it."""


@dataclass(frozen=True)
class Setting:
    """Both sides and the link between them."""

    box: Box
    link: Link
    far: Far


@contextmanager
def set_up(folder: Path, options: LinkOptions, summaries: int) -> Iterator[Setting]:
    """A box with so many summaries that joined a hub, which runs at the other end of a link."""
    box = Box(folder / "box")
    box.root.mkdir()
    filled(box.config, summaries)
    with (
        running(replace(options, outages=None)) as link,
        Far.made(folder, str(HUB_ADDRESS), link.hub.command, port=8883) as far,
    ):
        far.join(box)
        far.start(BROKER, HUB)
        far.await_hub()
        yield Setting(box, link, far)


@contextmanager
def sending(setting: Setting, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The box's process; killed at the end of the block if it still runs."""
    command = setting.link.box.command([sys.executable, "-m", "tests.durability.sendingbox", *words])
    process = subprocess.Popen(
        command,
        env=setting.box.environment,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# -- many summaries ---------------------------------------------------------------------------------


@dataclass
class Crossing:
    """What it took to get all of them over."""

    summaries: int
    report: Report
    options: LinkOptions
    connections: list[dict[str, Any]] = field(default_factory=list)

    @property
    def bytes_each(self) -> float:
        """IP bytes both ways that were given to the link, whether they arrived or not."""
        return self.report.offered / self.summaries

    @property
    def least_seconds(self) -> float:
        """That the bytes that came out of the link need at its rate, on the busier way."""
        up, down = self.report.up.delivered * 8, self.report.down.delivered * 8
        return max(up / self.options.up_bps, down / self.options.down_bps)

    @property
    def times_least(self) -> float:
        """Seconds in which the link carried, for each that it must have taken."""
        return self.report.up_seconds / self.least_seconds

    def __str__(self) -> str:
        report, endings = self.report, Counter(one["ending"] for one in self.connections)
        lost = {fate.value: report.up.lost_packets[fate] + report.down.lost_packets[fate] for fate in Fate}
        handed = sum(one["messages"] for one in self.connections)
        counted = sum(one["sent"] + one["received"] for one in self.connections)
        return "\n".join(
            [
                f"{self.summaries} summaries in {report.seconds:.0f} s, of which the link carried for {report.up_seconds:.0f} s.",
                f"{len(self.connections)} connections ({dict(endings)}); {handed} summaries handed over, "
                f"{handed - self.summaries} of them more than once.",
                f"IP bytes given to the link: {report.up.offered} up, {report.down.offered} down; the box itself counted "
                f"{counted} in all. Packets lost: {lost}.",
                _line("IP bytes for each acknowledged summary", MOST_BYTES_EACH, self.bytes_each),
                _line("seconds of up time / (bytes ÷ rate)", MOST_TIMES_LEAST, self.times_least),
            ]
        )

    def check(self) -> None:
        """AssertionError where it took too much."""
        assert self.bytes_each <= MOST_BYTES_EACH, str(self)
        assert self.times_least <= MOST_TIMES_LEAST, str(self)


def cross(folder: Path, options: LinkOptions, summaries: int, tell: Callable[[str], None]) -> Crossing:
    """Send `summaries` through the link of `options`. AssertionError where one is missing or twice at the hub."""
    with set_up(folder, options, summaries) as setting:
        setting.link.schedule(options.outages)
        before = setting.link.report()
        with sending(setting) as process:
            assert process.stdout is not None
            told = []
            for line in process.stdout:
                told.append(json.loads(line))
                tell(_short(told[-1]))
                setting.far.check()
            assert process.wait() == 0, setting.far.said()
        report = setting.link.report().since(before)
        check_arrived(setting)
        return Crossing(summaries, report, options, told)


def check_arrived(setting: Setting) -> None:
    """Each message of the box is acknowledged, and once in the hub's table."""
    with setting.box.store() as store:
        sent = store.messages()
    assert {one.state for one in sent} == {MessageState.ACKNOWLEDGED}
    ids = sorted(one.id for one in sent)
    assert sorted(setting.far.table()) == ids, "not what the box sent"
    assert sorted(setting.far.arrived()) == ids, "put into the table more than once"


def _short(told: dict[str, Any]) -> str:
    return (
        f"  {told['ending']:9} connected in {told['connect_s']:5.1f} s, {told['seconds']:5.1f} s in all; "
        f"{told['messages']:4} handed over, {told['acknowledged']:4} acknowledged, {told['sent'] + told['received']:6} bytes"
    )


# -- one alert --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alerts:
    """IP bytes of one alert each, from its first segment to its last, as the link has counted them."""

    name: str
    full: list[int]
    """The process is new: a whole handshake."""
    resumed: list[int]
    """It has a ticket."""
    ticket_h: float
    """For which the broker says that a ticket is good."""

    def __str__(self) -> str:
        lines = [
            _line(
                f"one alert, {what}, {self.name}: median of {len(found)} (most {max(found)})",
                most,
                median(found),
            )
            for what, most, found in (
                ("with a ticket", MOST_RESUMED, self.resumed),
                ("without one", MOST_FULL, self.full),
            )
        ]
        lines.append(
            f"A ticket is good for {self.ticket_h:.0f} h: a box that connects once a day pays what one without pays, "
            f"{median(self.full):.0f} bytes."
        )
        return "\n".join(lines)

    def check(self) -> None:
        """AssertionError where it took too much."""
        assert median(self.resumed) <= MOST_RESUMED, str(self)
        assert median(self.full) <= MOST_FULL, str(self)


def alert(folder: Path, options: LinkOptions, times: int, name: str) -> Alerts:
    """Send two alerts in each of `times` processes of a box that the broker has met before."""
    full, resumed, ticket_s = [], [], 0
    with set_up(folder, options, 1) as setting:
        with sending(setting) as process:
            assert process.wait() == 0
        for _ in range(times):
            with sending(setting, "--alerts") as process:
                full.append(_one_alert(setting, process, ticket=False)[0])
                cost, ticket_s = _one_alert(setting, process, ticket=True)
                resumed.append(cost)
        check_arrived(setting)
    return Alerts(name, full, resumed, ticket_s / 3600)


def _one_alert(setting: Setting, process: subprocess.Popen[str], *, ticket: bool) -> tuple[int, int]:
    """IP bytes, and seconds for which the next ticket is good."""
    assert process.stdin is not None
    assert process.stdout is not None
    before = _quiet(setting.link)
    process.stdin.write("now\n")
    process.stdin.flush()
    ending = None
    while ending != "done":
        setting.far.check()
        told = json.loads(process.stdout.readline())
        ending = told["ending"]
    assert told["resumed"] is ticket
    return _quiet(setting.link).since(before).offered, told["ticket_s"]


def _quiet(link: Link) -> Report:
    """What the link has carried once nothing is on its way any more."""
    seen = link.report()
    since = time.monotonic()
    while time.monotonic() - since < QUIET_S:
        time.sleep(0.1)
        found = link.report()
        if found.offered != seen.offered:
            seen, since = found, time.monotonic()
    return seen


def _line(what: str, most: float, measured: float) -> str:
    holds = "holds" if measured <= most else "DOES NOT HOLD"
    return f"{what:75} at most {most:6.0f}  measured {measured:8.2f}  {holds}"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main(words: Sequence[str] | None = None) -> None:
    """Run the proof and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summaries", type=int, default=5000)
    parser.add_argument("--alerts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    poor = replace(POOR, seed=given.seed)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / one for one in ("crossing", "clean", "lossy")]
        for folder in folders:
            folder.mkdir()
        proofs = [
            cross(folders[0], poor, given.summaries, _say),
            alert(folders[1], replace(poor, loss=0.0), max(1, given.alerts // 3), "no packet lost"),
            alert(folders[2], poor, given.alerts, "5 % lost each way"),
        ]
    for proof in proofs:
        _say(str(proof))
    for proof in proofs:
        proof.check()


if __name__ == "__main__":
    main()
