"""`fieldbox link …`: how the box joins its hub."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldbox.cli_common import as_json, with_config
from fieldbox.config import Config
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _


@click.group()
def link() -> None:
    """The box and its hub."""


@link.command("request")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File to be written.")
@as_json
@with_config
def link_request(config: Config, output: Path, as_json: bool) -> None:
    """Write what a hub is asked with; it holds no secret and may be mailed.

    \b
    Example: fieldbox link request -o /media/stick/hill-farm.request
    """
    from fieldbox.services import linking  # noqa: PLC0415

    box = linking.request(config, output)
    if as_json:
        click.echo(json.dumps({"box": box, "file": str(output)}))
        return
    click.echo(
        _(
            "Written to {file}. This box is {box}: whoever keeps the hub runs fieldbox hub enrol with it."
        ).format(file=output, box=box)
    )


@link.command("join")
@click.argument("welcome", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask; the fingerprint was compared already.")
@with_config
def link_join(config: Config, welcome: Path, yes: bool) -> None:
    """Take WELCOME, which the hub wrote: from then on the box sends to this hub, and does what it says.

    \b
    Example: fieldbox link join /media/stick/hill-farm.welcome
    """
    from fieldbox.services import linking  # noqa: PLC0415

    mine, told = linking.read_welcome(config, welcome)
    click.echo(
        _("The hub {hub} at {host}:{port} says that its fingerprint is {fingerprint}.").format(
            hub=told.hub.id, host=told.hub.host, port=told.hub.port, fingerprint=told.hub.fingerprint
        )
    )
    if not yes:
        _confirm()
    linking.join(mine, told)
    click.echo(_("This box, {box}, has joined the hub.").format(box=mine.box))


def _confirm() -> None:
    if not click.confirm(_("Does whoever keeps the hub read out the same?")):
        raise Rejected(
            N_(
                "Nothing was changed. A welcome with another fingerprint is not of that hub: ask for it again."
            )
        )


@link.command("show")
@as_json
@with_config
def link_show(config: Config, as_json: bool) -> None:
    """Show the box's id, its hub, and until when its certificate is good.

    \b
    Example: fieldbox link show --json
    """
    from fieldbox.services import linking  # noqa: PLC0415

    found = linking.show(config)
    click.echo(found.to_json() if as_json else found.to_text())
