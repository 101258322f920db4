"""`fieldbox simulate season`: months without a link on a simulated clock, and what arrives after them."""

from __future__ import annotations

import json
import sys

import click

from fieldbox.cli_common import FAILED, as_json


@click.command("season")
@click.option("--days", type=click.IntRange(10, 1000), default=240, show_default=True, help="Without a link.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same season.")
@click.option("--cuts", type=click.IntRange(0, 2000), default=200, show_default=True, help="Of the power.")
@as_json
def season(days: int, seed: int, cuts: int, as_json: bool) -> None:
    """Let a box go through a season without a link, then send over a bad one; exit 1 if anything was lost or came twice.

    Three surveys a week, a health report a day; the clock jumps, the disk fills up (as root), the power is cut. Then GPRS that
    loses one frame in twenty and is gone again and again. Everything is made in a temporary folder and removed.

    \b
    Example: fieldbox simulate season --days 20 --cuts 5
    """
    from fieldbox.services import season as service  # noqa: PLC0415  the hub's store and the link are loaded for this alone

    result = service.season(
        service.Season(days=days, seed=seed, cuts=cuts),
        lambda line: None if as_json else click.echo(line, err=True),
    )
    click.echo(json.dumps(result.document()) if as_json else service.as_text(result))
    if result.wrong:
        sys.exit(FAILED)
