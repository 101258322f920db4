"""`fieldbox sync`: sends to the hub; and what the hub has set."""

from __future__ import annotations

import json
import sys

import click

from fieldbox.cli_common import FAILED, as_json, with_config
from fieldbox.config import Config
from fieldbox.i18n import _


@click.group(invoke_without_command=True)
@click.option("--once", is_flag=True, help="Send what may go now, then stop; failures before do not count.")
@as_json
@click.pass_context
def sync(ctx: click.Context, once: bool, as_json: bool) -> None:
    """Send to the hub when the link policy says so, until stopped.

    With --once, budgets and quiet hours hold all the same. Exit code 1: something waits that could not be sent.

    \b
    Example: fieldbox sync
    Example: fieldbox sync --once
    """
    if ctx.invoked_subcommand is not None:
        return
    from fieldbox.services import sync as service  # noqa: PLC0415

    if not once:
        service.serve(ctx.obj)
        return
    told, done = service.once(ctx.obj)
    click.echo(json.dumps({"done": done, "why": str(told)}, ensure_ascii=False) if as_json else str(told))
    sys.exit(0 if done else FAILED)


@sync.command("settings")
@click.option("--undo", metavar="KEY", help="Take back what the hub has set of this key.")
@as_json
@with_config
def sync_settings(config: Config, undo: str | None, as_json: bool) -> None:
    """Show the settings that the hub has changed, or take one back.

    \b
    Example: fieldbox sync settings
    Example: fieldbox sync settings --undo sync.gather_hours
    """
    from fieldbox.services import fromhub  # noqa: PLC0415
    from fieldbox.services.box import open_store  # noqa: PLC0415

    with open_store(config) as store:
        if undo:
            fromhub.undo(store, undo)
        told = fromhub.told(store)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    elif told:
        click.echo(
            "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in told.items())
        )
    else:
        click.echo(_("The hub has changed no setting of this box."))
