"""Commands through a simulated 2G link: behind `fieldbox simulate link`."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import click

from fieldbox.i18n import _
from fieldbox.simulate.link import Count, Fate, LinkOptions, Outages
from fieldbox.simulate.shuttle import Link, Report, running
from fieldbox.simulate.tunnels import HUB, End

_SIGNALLED = 128
"""A shell's exit code for a command that a signal ended is so much and the signal."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a command, and what the link carried meanwhile."""

    code: int
    report: Report

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {"exit": self.code, **self.report.to_json()}

    def to_text(self) -> str:
        """For a person."""
        report = self.report
        time = _("{seconds} s, of which the link carried for {up} s.").format(
            seconds=round(report.seconds), up=round(report.up_seconds)
        )
        return "\n".join([time, _line(_("up"), report.up), _line(_("down"), report.down)])


def options_from(given: Mapping[str, Any]) -> LinkOptions:
    """The link of the command line's options."""
    outage = given["outage"]
    return LinkOptions(
        up_bps=given["up"] or given["rate"],
        down_bps=given["down"] or given["rate"],
        rtt_s=given["rtt"],
        jitter_s=given["jitter"],
        loss=given["loss"],
        queue_bytes=given["queue"],
        outages=outage and Outages(outage[0], (outage[1], outage[2])),
        nat_idle_s=given["nat_idle"],
        nat_remaps=given["nat_remaps"],
        seed=given["seed"],
    )


def run(options: LinkOptions, command: Sequence[str], at_hub: str | None, *, quiet: bool) -> Carried:
    """Run `command` at the box's end and `at_hub` at the other; without a command tell how, until Ctrl-C.

    Raises Unavailable without root or TUN.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the namespaces are removed all the same
    with (
        running(options) as link,
        _beside(link.hub.command(shlex.split(at_hub))) if at_hub else nullcontext(),
    ):
        if not quiet:
            click.echo(_("The hub's end has the address {address}.").format(address=HUB), err=True)
        code = _run(link.box, command) if command else _wait(link)
        return Carried(code, link.report())


@contextmanager
def _beside(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command)  # noqa: S603  what the user asked for
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _run(end: End, command: Sequence[str]) -> int:
    code = subprocess.run(end.command(command), check=False).returncode  # noqa: S603  what the user asked for
    return code if code >= 0 else _SIGNALLED - code


def _wait(link: Link) -> int:
    how = _("Run commands with: {box} … (at the box's end), {hub} … (at the hub's). Stop with Ctrl-C.")
    click.echo(
        how.format(box=shlex.join(link.box.command([])), hub=shlex.join(link.hub.command([]))), err=True
    )
    with suppress(KeyboardInterrupt):
        signal.pause()
    return 0


def _line(name: str, count: Count) -> str:
    lost = ", ".join(f"{fate.value} {count.lost_packets[fate]}" for fate in Fate)
    return _(
        "{name}: {packets} packets, {offered} IP bytes; {arrived} packets, {delivered} bytes arrived (packets lost: {lost})."
    ).format(
        name=name,
        packets=count.packets,
        offered=count.offered,
        arrived=count.delivered_packets,
        delivered=count.delivered,
        lost=lost,
    )
