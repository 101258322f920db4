"""`fieldbox sms …`, and a modem that is none to try it with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldbox.cli_common import FAILED, as_json, with_config
from fieldbox.config import Config


@click.group()
def sms() -> None:
    """Texts to the agronomist, and what is texted back."""


@sms.command("list")
@click.option("--limit", type=click.IntRange(1, 2000), default=50, show_default=True, help="The newest.")
@as_json
@with_config
def sms_list(config: Config, limit: int, as_json: bool) -> None:
    """List texts, out and in, the newest first; and what went within a day.

    \b
    Example: fieldbox sms list --json
    """
    from fieldbox.services import smstold  # noqa: PLC0415

    listed = smstold.listed(config, limit)
    click.echo(json.dumps(listed.to_json(), ensure_ascii=False) if as_json else listed.to_text())


@sms.command("templates")
@as_json
def sms_templates(as_json: bool) -> None:
    """Print every wording as it is registered with an Indian operator (DLT), its variables tagged.

    \b
    Example: fieldbox sms templates --json
    """
    from fieldbox.services import smstold  # noqa: PLC0415

    rows = smstold.wordings()
    click.echo(json.dumps(rows, ensure_ascii=False) if as_json else smstold.wordings_as_text(rows))


@sms.command("test")
@click.argument("number")
@with_config
@click.pass_context
def sms_test(ctx: click.Context, config: Config, number: str) -> None:
    """Text NUMBER, which is one of `sms.numbers`, that this is a test, and tell what came of it.

    \b
    Example: fieldbox sms test +919812345678
    """
    from fieldbox.services import smstold  # noqa: PLC0415

    told, went = smstold.trial(config, number)
    click.echo(told)
    if not went:
        ctx.exit(FAILED)


@click.command("modem")
@click.option("--socket", help="Be behind this abstract socket, as ModemManager's test mode looks for one.")
@click.option("--link", type=click.Path(path_type=Path), help="Make a link of this name to the terminal.")
def simulate_modem(socket: str | None, link: Path | None) -> None:
    """Be a GSM modem without a radio at a terminal of its own, until stopped. What is sent is printed; lines of NUMBER TEXT that
    are typed come in as texts, and busy, barred, unconfirmed or lost is what happens to the next part.

    \b
    Example: fieldbox simulate modem --link ./modem
    """
    from fieldbox.services import trymodem  # noqa: PLC0415

    trymodem.serve(socket, link)
