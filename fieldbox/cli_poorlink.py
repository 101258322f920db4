"""`fieldbox simulate link`: a command behind a poor 2G link."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import click

from fieldbox.cli_common import Range, as_json
from fieldbox.i18n import _

_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6}
_SLOWEST, _FASTEST = 100.0, 100e6


def _rate(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Bits a second: 20000, 20k, 1.5M. Raises BadParameter."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+\.?\d*)([kM]?)", value)
    rate = float(found[1]) * _FACTORS[found[2]] if found else 0.0
    if not _SLOWEST <= rate <= _FASTEST:
        raise click.BadParameter(_("{value} is no rate like 20k, from 100 to 100M").format(value=value))
    return rate


def _outage(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """(seconds, least and most from one beginning to the next) of 40/60-120. Raises BadParameter."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+\.?\d*)/(\d+\.?\d*)(?:-(\d+\.?\d*))?", value)
    seconds, least, most = (float(found[n] or found[2]) for n in (1, 2, 3)) if found else (0.0, 0.0, 0.0)
    if not 0 < seconds < least <= most:
        raise click.BadParameter(
            _("{value} is not like 40/60-120, where one ends before the next begins").format(value=value)
        )
    return seconds, least, most


@click.command("link", context_settings={"allow_interspersed_args": False})
@click.option("--rate", callback=_rate, default="20k", show_default=True, help="Bits a second each way.")
@click.option("--up", callback=_rate, help="Bits a second from the box, in place of --rate.")
@click.option("--down", callback=_rate, help="Bits a second to the box, in place of --rate.")
@click.option("--rtt", type=Range(0, 60), default=1.2, show_default=True, help="Seconds there and back.")
@click.option(
    "--jitter", type=Range(0, 30), default=0.0, show_default=True, help="Seconds more or less each way."
)
@click.option(
    "--loss", type=Range(0, 1), default=0.05, show_default=True, help="Share of packets lost each way."
)
@click.option(
    "--queue", type=click.IntRange(0), default=20_000, show_default=True, help="Bytes that wait each way."
)
@click.option("--outage", callback=_outage, help="40/60-120: dead for 40 s, beginning every 60 to 120 s.")
@click.option("--nat-idle", type=Range(0.1, 1e6), help="Seconds of silence after which the carrier forgets.")
@click.option("--nat-remaps", is_flag=True, help="A forgotten connection gets a new port instead of silence.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of what is drawn by chance.")
@click.option("--hub", help="A command to run at the hub's end meanwhile.")
@as_json
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def poor_link(*, hub: str | None, command: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Run COMMAND at the box's end of a simulated 2G link, under the kernel's own TCP; needs root.

    The hub's end has the address 10.98.2.1. Without a COMMAND it tells how to get at both ends. The exit code is
    the command's own. A forgotten connection is dropped silently unless --nat-remaps.

    \b
    Example: fieldbox simulate link --rate 20k --rtt 1.2 --loss 0.05 --outage 40/60-120 --nat-idle 30 \\
                 --hub "fieldbox hub serve" -- fieldbox sync
    """
    from fieldbox.services import poorlink  # noqa: PLC0415

    carried = poorlink.run(poorlink.options_from(given), command, hub, quiet=as_json)
    click.echo(json.dumps(carried.to_json()) if as_json else carried.to_text(), err=not as_json)
    sys.exit(carried.code)
