"""`fieldbox leaf`: a phone photo of one bean leaf."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, as_json, one_line, say_error, with_config
from fieldbox.config import Config
from fieldbox.errors import Rejected


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@as_json
@with_config
def leaf(config: Config, image: Path, as_json: bool) -> None:
    """Tell whether a bean leaf on a phone photo is healthy, or has rust or angular leaf spot.

    For one leaf, photographed from near with a phone; photos of a drone belong to `fieldbox ingest`.

    \b
    Example: fieldbox leaf IMG_2041.jpg
    Exit code 3: the photo was rejected, and why.
    """
    from fieldbox.services import leaf as service  # noqa: PLC0415  heavy imports only where they are needed

    try:
        report = service.judge(config, image)
    except Rejected as error:
        if as_json:
            rejected = {"file": image.name, "rejected": one_line(error)}
            click.echo(json.dumps(rejected, ensure_ascii=False))
        say_error(error)
        sys.exit(DONE_WITH_REJECTED)
    click.echo(json.dumps(report.to_json(), ensure_ascii=False) if as_json else report.to_text())
