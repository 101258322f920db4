"""`fieldbox leaf`: a phone photo of one bean leaf."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fieldbox.config import Config
from fieldbox.errors import Rejected
from fieldbox.i18n import _

DONE_WITH_REJECTED = 3


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.pass_obj
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
        sentence = " ".join(str(error).splitlines())  # a file's name may hold line breaks
        if as_json:
            click.echo(json.dumps({"file": image.name, "rejected": sentence}, ensure_ascii=False))
        click.echo(_("fieldbox: {sentence}").format(sentence=sentence), err=True)
        sys.exit(DONE_WITH_REJECTED)
    click.echo(json.dumps(report.to_json(), ensure_ascii=False) if as_json else report.to_text())
