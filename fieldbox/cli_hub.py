"""`fieldbox hub …`: the far end, where boxes send to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, as_json, with_config
from fieldbox.config import Config
from fieldbox.i18n import _


@click.group()
def hub() -> None:
    """Keep the hub that boxes send to."""


@hub.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--host", required=True, help="Name or address under which boxes reach this machine.")
@click.option("--port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option("--sms", help="Number of the hub's own SIM, for boxes without data.")
def hub_init(folder: Path, host: str, port: int, sms: str | None) -> None:
    """Make a hub in FOLDER: its keys, its certificates, Mosquitto's settings. Nothing is ever overwritten.

    \b
    Example: fieldbox hub init /var/lib/fieldbox/hub --host hub.example.org
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    made = service.init(folder, host=host, port=port, sms=sms)
    click.echo(
        _(
            "The hub {hub} is made in {folder}. Its fingerprint, for boxes that join: {fingerprint}\n"
            "1. Keep a copy of the folder in a safe place: without it all boxes must join again.\n"
            "2. Start its broker: mosquitto -c {folder}/mosquitto.conf (port {port} must be reachable)\n"
            "3. Start it: FIELDBOX_HUB__FOLDER={folder} fieldbox hub serve\n"
            "4. For each box: fieldbox link request there, fieldbox hub enrol here, fieldbox link join there."
        ).format(hub=made.told.id, folder=made.folder, fingerprint=made.told.fingerprint, port=made.port)
    )


@hub.command("serve")
@with_config
def hub_serve(config: Config) -> None:
    """Take in what boxes send, acknowledge it once it is on the disk, and show a page on this machine.

    \b
    Example: fieldbox hub serve
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    service.serve(config)


@hub.command("enrol")
@click.argument("request", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The welcome to be written."
)
@click.option("--name", default="", help="What people call the box.")
@with_config
def hub_enrol(config: Config, request: Path, output: Path, name: str) -> None:
    """Make the box known that wrote REQUEST, and write the welcome that it joins with.

    \b
    Example: fieldbox hub enrol hill-farm.request -o hill-farm.welcome --name "Hill farm"
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    box, fingerprint = service.enrol(config, request, output, name)
    click.echo(
        _(
            "The box {box} is known; its certificate is good until {day}. Give it {file}, and read out the"
            " fingerprint: {fingerprint}"
        ).format(box=box.id, day=box.certificate.expires_at.date(), file=output, fingerprint=fingerprint)
    )


@hub.command("revoke")
@click.argument("box")
@with_config
def hub_revoke(config: Config, box: str) -> None:
    """Hear BOX no more, as when it was stolen. Enrolling it again lifts that.

    \b
    Example: fieldbox hub revoke b3kqm7xa2
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    service.revoke(config, box)
    click.echo(
        _(
            "The box {box} is not heard any more. Have the broker read its list again: systemctl reload fieldbox-broker"
        ).format(box=box)
    )


@hub.command("boxes")
@as_json
@with_config
def hub_boxes(config: Config, as_json: bool) -> None:
    """List the boxes, when each was last heard, and until when its certificate is good.

    \b
    Example: fieldbox hub boxes
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    click.echo(service.boxes_text(config, as_json=as_json))


@hub.command("surveys")
@as_json
@with_config
def hub_surveys(config: Config, as_json: bool) -> None:
    """List the surveys that boxes told of, the newest first.

    \b
    Example: fieldbox hub surveys --json
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    click.echo(service.surveys_text(config, as_json=as_json))


def _plain(_context: click.Context, _option: click.Parameter, given: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter(_("give a JSON object, like {example}").format(example='{"ids": []}'))
    return found


@hub.command("send")
@click.argument("box")
@click.argument("what", type=click.Choice(["resend", "picture", "settings"]))
@click.argument("body", callback=_plain, default="{}")
@with_config
def hub_send(config: Config, box: str, what: str, body: dict[str, Any]) -> None:
    """Let a signed command wait for BOX; it goes by air, and with the next stick. BODY is a JSON object.

    \b
    Example: fieldbox hub send b3kqm7xa2 settings '{"sync.pictures": true}'
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    told = service.send(config, box, what, body)
    click.echo(_("The command {id} waits for {box}.").format(id=told, box=box))


@hub.command("import")
@click.argument("stick", type=click.Path(path_type=Path))
@as_json
@with_config
def hub_import(config: Config, stick: Path, as_json: bool) -> None:
    """Take in what boxes sent in the folder STICK, and write the answers there.

    \b
    Example: fieldbox hub import /media/stick
    Exit code 3: a file was refused, or the answer could not be written.
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    _report(service.import_stick(config, stick), as_json=as_json)


@hub.command("export")
@click.argument("stick", type=click.Path(path_type=Path))
@as_json
@with_config
def hub_export(config: Config, stick: Path, as_json: bool) -> None:
    """Write what the hub has to say to each of its boxes to the folder STICK.

    \b
    Example: fieldbox hub export /media/stick
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    _report(service.export_stick(config, stick), as_json=as_json)


def _report(found: Any, *, as_json: bool) -> None:
    click.echo(found.to_json() if as_json else found.to_text())
    if found.has_rejected:
        sys.exit(DONE_WITH_REJECTED)
