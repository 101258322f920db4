"""`fieldbox hub …`: the far end, where boxes send to."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, FAILED, as_json, with_config
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
            "2. Start its broker: OPENSSL_CONF={folder}/openssl.cnf mosquitto -c {folder}/mosquitto.conf"
            " (port {port} must be reachable)\n"
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
@as_json
@with_config
def hub_enrol(config: Config, request: Path, output: Path, name: str, as_json: bool) -> None:
    """Make the box known that wrote REQUEST, and write the welcome that it joins with.

    \b
    Example: fieldbox hub enrol hill-farm.request -o hill-farm.welcome --name "Hill farm"
    """
    from fieldbox.services import hub as service  # noqa: PLC0415

    box, fingerprint = service.enrol(config, request, output, name)
    if as_json:
        ends = box.certificate.expires_at.isoformat()
        click.echo(json.dumps({"box": box.id, "certificate_expires_at": ends, "fingerprint": fingerprint}))
        return
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


@hub.group("send")
def hub_send() -> None:
    """Let a signed command wait for a box; it goes by air, and with the next stick, until the box has answered.

    \b
    Example: fieldbox hub send resend b3kqm7xa2 --since 2026-11-01
    """


def _send(config: Config, box: str, order: Any, *, as_json: bool) -> None:
    from fieldbox.services import hub as service  # noqa: PLC0415

    told = service.send(config, box, order)
    if as_json:
        click.echo(json.dumps({"id": told, "box": box}))
        return
    click.echo(
        _("The command {id} waits for {box}; fieldbox hub sent tells what comes of it.").format(
            id=told, box=box
        )
    )


def _ids(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if any(not re.fullmatch(r"[0-9a-f]{32}", one) for one in given):
        raise click.BadParameter(_("an id has 32 hexadecimal digits"))
    return given


@hub_send.command("resend")
@click.argument("box")
@click.option("--id", "ids", multiple=True, callback=_ids, help="Of a message; may be given again.")
@click.option("--since", type=click.DateTime(), help="All that were made since, UTC.")
@as_json
@with_config
def hub_send_resend(
    config: Config, box: str, ids: tuple[str, ...], since: datetime | None, as_json: bool
) -> None:
    """Have BOX send messages again.

    \b
    Example: fieldbox hub send resend b3kqm7xa2 --since 2026-11-01
    """
    from fieldbox.wire.commands import Resend  # noqa: PLC0415

    if not ids and since is None:
        raise click.UsageError(_("say which: --id or --since"))
    _send(config, box, Resend(ids, since.replace(tzinfo=UTC) if since else None), as_json=as_json)


@hub_send.command("picture")
@click.argument("box")
@click.argument("survey")
@click.option(
    "--spot", type=click.IntRange(1, 1000), default=1, show_default=True, help="1 is the worst one."
)
@as_json
@with_config
def hub_send_picture(config: Config, box: str, survey: str, spot: int, as_json: bool) -> None:
    """Have BOX send a small picture of a spot of SURVEY, if its owner lets pictures leave the farm.

    \b
    Example: fieldbox hub send picture b3kqm7xa2 0123456789abcdef0123 --spot 2
    """
    from fieldbox.wire.commands import Picture  # noqa: PLC0415

    _send(config, box, Picture(survey, spot), as_json=as_json)


def _values(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """Options like sync.gather_hours=8; nothing behind the sign: as the owner has it."""
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or "." not in name:
            raise click.BadParameter(_("give it as section.key=value"))
        try:
            found[name] = json.loads(value) if value else None
        except ValueError:
            found[name] = value
        if isinstance(found[name], dict | list):
            raise click.BadParameter(_("give it as section.key=value"))
    return found


@hub_send.command("settings")
@click.argument("box")
@click.argument("values", nargs=-1, required=True, callback=_values)
@as_json
@with_config
def hub_send_settings(config: Config, box: str, values: dict[str, Any], as_json: bool) -> None:
    """Have BOX change settings, as far as its owner lets the hub; `section.key=` takes a change back.

    \b
    Example: fieldbox hub send settings b3kqm7xa2 sync.gather_hours=8
    """
    from fieldbox.wire.commands import Settings  # noqa: PLC0415

    _send(config, box, Settings(values), as_json=as_json)


@hub.command("sent")
@click.argument("box", required=False)
@click.option(
    "--pictures", type=click.Path(path_type=Path), help="Write the pictures that came into this folder."
)
@as_json
@with_config
def hub_sent(config: Config, box: str | None, pictures: Path | None, as_json: bool) -> None:
    """List what was sent to BOX or to all with fieldbox hub send, the newest first, and what the box made of it.

    \b
    Example: fieldbox hub sent b3kqm7xa2 --pictures ./pictures
    """
    from fieldbox.services import hubsaid  # noqa: PLC0415

    found = hubsaid.listed(config, box)
    files = hubsaid.write_pictures(config, box, pictures) if pictures else []
    if as_json:
        told = {"sent": [one.to_json() for one in found], "pictures": [str(one) for one in files]}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo("\n".join(one.to_text() for one in found) or _("Nothing was sent: see fieldbox hub send."))
    for one in files:
        click.echo(str(one))


@hub.command("import")
@click.argument("stick", type=click.Path(path_type=Path))
@as_json
@with_config
def hub_import(config: Config, stick: Path, as_json: bool) -> None:
    """Take in what boxes sent in the folder STICK, and write the answers there.

    \b
    Example: fieldbox hub import /media/stick
    Exit code 1: nothing of a box is on it; 3: a file was refused, or the answer could not be written.
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
    if found.did_nothing:
        sys.exit(FAILED)
    if found.has_rejected:
        sys.exit(DONE_WITH_REJECTED)
