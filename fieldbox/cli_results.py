"""`fieldbox export`, `locate`, `summary` and `status`: what came of flights."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldbox.cli_common import as_json, finite, with_config
from fieldbox.config import Config
from fieldbox.domain import ZoneKind
from fieldbox.i18n import _


@click.command()
@click.argument("survey_id")
@click.option(
    "--layer",
    type=click.Choice(
        [
            "weeds",
            "crop",
            "gaps",
            "missing",
            "rows",
            "zones",
            "health",
            "prescription",
            "footprints",
            "poses",
            "mosaic",
        ]
    ),
    required=True,
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["geojson", "shp", "kml", "gpkg", "isoxml", "cog", "csv", "dji", "plan", "waypoints"]),
    required=True,
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--by",
    type=click.Choice([one.value for one in ZoneKind]),
    default=ZoneKind.WEEDS.value,
    show_default=True,
    help="Of a prescription: against weeds, or rates by how the crop stands.",
)
@with_config
def export(config: Config, survey_id: str, layer: str, kind: str, output: Path, by: str) -> None:
    """Write a layer of a survey to a file; vectors in WGS 84.

    \b
    Example: fieldbox export 3f2a… --layer weeds --format geojson -o weeds.geojson
    """
    from fieldbox.services import results  # noqa: PLC0415

    told = results.export(config, survey_id, layer, kind, output, ZoneKind(by))
    if told:
        click.echo(told, err=True)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("flight_id", metavar="FLIGHT")
@click.argument("file", metavar="FILE")
@click.argument("x", type=float, callback=finite)
@click.argument("y", type=float, callback=finite)
@as_json
@with_config
def locate(config: Config, flight_id: str, file: str, x: float, y: float, as_json: bool) -> None:
    """Tell where pixel X Y of a photo of a flight lies on the ground, and how sure that is (95 % radius).

    FLIGHT is a flight's id, the beginning of it, or a survey's. FILE is the photo's name, its last part, or its digest.
    X goes to the right and Y down, in pixels of the whole photo; the centre of its top left pixel is 0 0.

    \b
    Example: fieldbox locate 9c1d DJI_0007.JPG 640 480
    Example: fieldbox locate 9c1d DCIM/100MEDIA/DJI_0007.JPG 640.5 480 --json
    """
    from fieldbox.services import locating  # noqa: PLC0415

    spot = locating.locate(config, flight_id, file, x, y)
    click.echo(json.dumps(spot.to_json(), ensure_ascii=False) if as_json else spot.to_text())


@click.command()
@click.argument("survey_id")
@click.option("--compact", is_flag=True, help="In the short form in which it leaves, as hexadecimal digits.")
@click.option(
    "--sizes", is_flag=True, help="How many bytes it takes: as JSON, in its short form, in a frame alone."
)
@click.option(
    "--sms", "as_text", is_flag=True, help="The text (SMS) in its place, and how many parts it has."
)
@click.option("--lang", type=click.Choice(["en", "hi", "mr", "ta", "te", "kn"]), help="Of the text.")
@click.option("--script", type=click.Choice(["script", "latin"]), help="In which letters the text is.")
@as_json
@with_config
def summary(
    config: Config,
    survey_id: str,
    *,
    as_json: bool,
    compact: bool,
    sizes: bool,
    as_text: bool,
    lang: str | None,
    script: str | None,
) -> None:
    """Print the summary of a survey as it goes to the agronomist: JSON of at most 1,024 bytes.

    \b
    Example: fieldbox summary 3f2a…
             fieldbox summary 3f2a… --sizes
             fieldbox summary 3f2a… --sms --lang hi --script latin
    """
    from fieldbox.services import results  # noqa: PLC0415

    as_text = as_text or bool(lang or script)
    if compact and sizes:
        raise click.UsageError(_("Give --compact or --sizes, not both."))
    if as_text and (compact or sizes):
        raise click.UsageError(_("Give --sms without --compact and --sizes."))
    if as_text:
        from fieldbox.services import smstold  # noqa: PLC0415

        text = smstold.preview(config, survey_id, lang, script)
        click.echo(json.dumps(text.to_json(), ensure_ascii=False) if as_json else text.to_text())
    elif sizes:
        click.echo(results.summary_sizes(config, survey_id, as_json=as_json))
    else:
        click.echo(
            results.summary_compact(config, survey_id) if compact else results.summary(config, survey_id)
        )


@click.command()
@as_json
@with_config
def status(config: Config, as_json: bool) -> None:
    """Tell what the box is doing: flights, queue, disk.

    \b
    Example: fieldbox status --json
    """
    from fieldbox.services import results  # noqa: PLC0415

    click.echo(results.status(config, as_json=as_json))
