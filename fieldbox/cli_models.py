"""`fieldbox models …`: which models there are, whether they are sound, how fast and how right they are."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, FAILED, as_json, progress_bars, with_config
from fieldbox.config import Config, settings_file
from fieldbox.i18n import _


@click.group()
def models() -> None:
    """Look at the models that run on this box."""


@models.command("list")
@as_json
@with_config
def models_list(config: Config, as_json: bool) -> None:
    """List the models with version, digest and range of use, and tell which runs.

    \b
    Example: fieldbox models list
    """
    from fieldbox.services import modelling  # noqa: PLC0415  heavy imports only for the command that needs them

    listing = modelling.list_models(config)
    click.echo(listing.to_json() if as_json else listing.to_text())


@models.command("verify")
@as_json
@with_config
def models_verify(config: Config, as_json: bool) -> None:
    """Check every model file: pinned digest or signature, and its answers to golden tiles drawn here.

    \b
    Example: fieldbox models verify
    Exit code 1: at least one is not sound.
    """
    from fieldbox.services import modelling  # noqa: PLC0415

    verdicts = modelling.verify_models(config)
    told = [verdict.to_json() for verdict in verdicts]
    click.echo(json.dumps(told) if as_json else "\n".join(one.to_text() for one in verdicts))
    if any(verdict.faults for verdict in verdicts):
        sys.exit(FAILED)


def _meaning(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """Options like --label potato=crop as a mapping to what the label stands for."""
    from fieldbox.domain import Cover  # noqa: PLC0415  numpy is loaded for the commands that need it

    kinds = {"crop": Cover.CROP, "weed": Cover.WEED, "none": None}
    found = {}
    for text in given:
        label, _equals, kind = text.rpartition("=")
        if not label or kind not in kinds:
            raise click.BadParameter(_("give it as NAME=crop, NAME=weed or NAME=none"))
        found[label] = kinds[kind]
    return found


@models.command("eval")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--gsd-mm",
    type=click.FloatRange(0.1, 1000),
    default=2.8,
    show_default=True,
    help="Millimetres on the ground for a pixel.",
)
@click.option(
    "--model",
    "model_file",
    type=click.Path(path_type=Path),
    help="Another weed model than this box's, signed or not.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    callback=_meaning,
    help="What a label stands for, such as beet=crop, thistle=weed, stone=none; may be given again.",
)
@as_json
@with_config
def models_eval(
    config: Config, data: Path, gsd_mm: float, model_file: Path | None, labels: dict[str, Any], as_json: bool
) -> None:
    """Measure the weed model on DATA, a folder of images with LabelMe files.

    \b
    Example: fieldbox models eval ./tiles --gsd-mm 2.8
    Exit code 3: done, but some files were rejected.
    """
    from fieldbox.services import evaluating  # noqa: PLC0415

    found = evaluating.evaluate(
        config, data, gsd_mm=gsd_mm, model_file=model_file, labels=labels, shown=progress_bars(quiet=as_json)
    )
    click.echo(found.to_json() if as_json else found.to_text())
    if found.rejected:
        sys.exit(DONE_WITH_REJECTED)


@models.command("bench")
@click.option(
    "--runs", type=click.IntRange(10, 10_000), default=60, show_default=True, help="Tiles for each row."
)
@click.option(
    "--photos",
    type=click.IntRange(0, 500),
    default=12,
    show_default=True,
    help="Photos of 20 MP of a simulated flight; 0 times tiles alone.",
)
@click.option("--write", is_flag=True, help="Put the recommended choice into the settings file.")
@as_json
@click.pass_context
def models_bench(ctx: click.Context, runs: int, photos: int, write: bool, as_json: bool) -> None:
    """Time every model on this machine: 8 bits and float, with every number of threads (minutes).

    \b
    Example: fieldbox models bench --write
    """
    from fieldbox.services import timing  # noqa: PLC0415

    report = timing.bench(ctx.obj, runs=runs, photos=photos, shown=progress_bars(quiet=as_json))
    click.echo(report.to_json() if as_json else report.to_text())
    if write:
        file = settings_file(os.environ, ctx.find_root().params.get("path"))
        timing.write_choice(ctx.obj, file, report)
        click.echo(_("Written to {file}.").format(file=file), err=True)


@models.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of pictures like those of the field.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--method", type=click.Choice(["percentile", "entropy"]), default="percentile", show_default=True
)
@click.option(
    "--count",
    type=click.IntRange(1, 200),
    default=12,
    show_default=True,
    help="Pictures to calibrate on; as many others compare.",
)
@as_json
def models_quantize(model: Path, images: Path, output: Path, method: str, count: int, as_json: bool) -> None:
    """Make MODEL, a float ONNX weed model, 8-bit, and compare the two.

    \b
    Example: fieldbox models quantize retrained.onnx --images ./tiles -o retrained-int8.onnx
    """
    from fieldbox.services import converting  # noqa: PLC0415

    made = converting.quantise(model, output, images, method=method, count=count)
    click.echo(made.to_json() if as_json else made.to_text())


@models.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["onnx", "tflite"]), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def models_export(model: Path, kind: str, output: Path) -> None:
    """Check MODEL, an ONNX file of any kind that runs here, and write it to another place.

    \b
    Example: fieldbox models export retrained.onnx --format onnx -o usb/weeds.onnx
    """
    from fieldbox.services import converting  # noqa: PLC0415

    converting.export(model, output, kind)
    click.echo(_("Written to {file}.").format(file=output))
