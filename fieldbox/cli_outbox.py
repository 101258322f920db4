"""`fieldbox outbox …`: messages on their way to the hub, and the courier's stick."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, FAILED, as_json, with_config
from fieldbox.config import Config
from fieldbox.domain import MessageState


@click.group()
def outbox() -> None:
    """Look at the messages that wait for a link and at what became of those before, and send them by a stick."""


@outbox.command("list")
@click.option(
    "--state",
    type=click.Choice([state.value for state in MessageState]),
    help="Only those that are: waiting; sent and not confirmed yet; acknowledged, which have arrived; superseded by a"
    " newer one; refused, which do not go again.",
)
@as_json
@with_config
def outbox_list(config: Config, state: str | None, as_json: bool) -> None:
    """List the messages, most urgent first, then the newest.

    \b
    Example: fieldbox outbox list --state waiting
    """
    from fieldbox.services import outbox as messages  # noqa: PLC0415

    click.echo(messages.listed(config, MessageState(state) if state else None, as_json=as_json))


@outbox.command("export")
@click.argument("stick", type=click.Path(path_type=Path))
@click.option("--pictures", is_flag=True, help="Small pictures as well that the hub asked for.")
@click.option(
    "--all", "everything", is_flag=True, help="Also what the hub has acknowledged, as for a new hub."
)
@as_json
@with_config
def outbox_export(config: Config, stick: Path, pictures: bool, everything: bool, as_json: bool) -> None:
    """Write what waits to the folder STICK, signed, for somebody to carry to the hub.

    The messages go on waiting until the hub has acknowledged them, by air or by the same stick.

    \b
    Example: fieldbox outbox export /media/stick
    """
    from fieldbox.services import courier  # noqa: PLC0415

    told = courier.Told(courier.export(config, stick, pictures=pictures, everything=everything))
    click.echo(told.to_json() if as_json else told.to_text())


@outbox.command("import")
@click.argument("stick", type=click.Path(path_type=Path))
@as_json
@with_config
def outbox_import(config: Config, stick: Path, as_json: bool) -> None:
    """Take in what the hub sent back in the folder STICK: acknowledgements, commands, certificates, models.

    \b
    Example: fieldbox outbox import /media/stick
    Exit code 1: nothing for this box is on it; 3: something on it cannot be used.
    """
    from fieldbox.services import courier  # noqa: PLC0415

    found = courier.take_in(config, stick)
    told = courier.Told(found)
    click.echo(told.to_json() if as_json else told.to_text())
    if found is None:
        sys.exit(FAILED)
    if found.passed_over:
        sys.exit(DONE_WITH_REJECTED)
