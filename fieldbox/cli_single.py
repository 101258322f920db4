"""`fieldbox detect` and `reflectance`: photos without a flight."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, as_json, finite, with_config
from fieldbox.config import Config


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--gsd-mm",
    type=click.FloatRange(0.1, 1000),
    callback=finite,
    required=True,
    help="Millimetres on the ground for a pixel.",
)
@as_json
@with_config
def detect(config: Config, image: Path, gsd_mm: float, as_json: bool) -> None:
    """Find weeds in one IMAGE that needs no pose.

    \b
    Example: fieldbox detect tile.jpg --gsd-mm 2.8 --json
    """
    from fieldbox.services import single  # noqa: PLC0415

    found = single.detect(config, image, gsd_mm)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else single.describe(found))


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the TIFFs.")
@as_json
@with_config
def reflectance(config: Config, path: Path, output: Path, as_json: bool) -> None:
    """Turn the multispectral exposures in PATH into reflectance, without a flight or a map.

    Writes a TIFF for each exposure, its bands laid onto each other, with the indices that can be told. Pictures of the
    calibration panel in PATH tell the light; its values are those of `multispectral.panel_albedo`.

    \b
    Example: fieldbox reflectance /media/card/0000SET/000 -o ./reflectance --json
    Exit code 3: some files cannot be used.
    """
    from fieldbox.services import reflecting  # noqa: PLC0415

    found = reflecting.reflect(config, path, output)
    click.echo(json.dumps(found.to_json(), ensure_ascii=False) if as_json else found.to_text())
    sys.exit(DONE_WITH_REJECTED if found.rejected else 0)
