"""`fieldbox support`: the file for somebody who helps from afar."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fieldbox.cli_common import with_config
from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, _


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to be written, a ZIP."
)
@with_config
def support(config: Config, output: Path) -> None:
    """Write a file for somebody who helps from afar: how the box does, its logs, what went wrong.

    It holds no photos, no positions, no names, no telephone numbers and no keys; its README.txt says what it holds.

    \b
    Example: fieldbox support -o /media/stick/fieldbox-support.zip
    """
    from fieldbox.services import support as service  # noqa: PLC0415
    from fieldbox.services.box import open_store  # noqa: PLC0415

    with open_store(config) as store:
        try:
            size = service.write(config, store, output, config.locale.language)
        except OSError as error:
            raise Misconfigured(
                N_("The file {file} cannot be written ({why}): name another place."),
                file=str(output),
                why=os.strerror(error.errno or 0),
            ) from error
        store.audit("command line", "support file made", "")
    click.echo(_("Written to {file}, {size} KB.").format(file=output, size=max(1, size // 1000)))
