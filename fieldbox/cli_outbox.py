"""`fieldbox outbox`: the messages on their way to the hub."""

from __future__ import annotations

import click

from fieldbox.cli_common import as_json, with_config
from fieldbox.config import Config
from fieldbox.domain import MessageState


@click.group()
def outbox() -> None:
    """Look at the messages that wait for a link, and at what became of those before."""


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
