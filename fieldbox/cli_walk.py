"""`fieldbox walk`: where to go and look."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

from fieldbox.cli_common import as_json, with_config
from fieldbox.config import Config
from fieldbox.i18n import _


def place_named(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    """Latitude and longitude in degrees."""
    if value is None:
        return None
    try:
        lat, lon = (float(one) for one in value.split(","))
    except ValueError:
        lat = lon = math.nan
    if not (abs(lat) <= 84 and abs(lon) <= 180):
        raise click.BadParameter(_("give latitude and longitude in degrees, like 18.5612,74.2405"))
    return lat, lon


@click.command()
@click.argument("survey_id", metavar="SURVEY")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the walk: .gpx, .kml or .jpg.")
@click.option("--spots", type=click.IntRange(1, 20), default=8, show_default=True, help="At most so many.")
@click.option(
    "--from",
    "start",
    callback=place_named,
    metavar="LAT,LON",
    help="Where the walk begins and ends [default: the field's edge, nearest to all spots].",
)
@click.option("--along-rows", is_flag=True, help="Keep to the crop rows: going across tramples plants.")
@as_json
@with_config
def walk(
    config: Config,
    survey_id: str,
    *,
    output: Path | None,
    spots: int,
    start: tuple[float, float] | None,
    along_rows: bool,
    as_json: bool,
) -> None:
    """Find the shortest walk through the spots of SURVEY that are worth a visit: weeds, poor crop, doubts.

    A .gpx goes into a receiver or a phone, a .jpg is small enough to pass on by phone.

    \b
    Example: fieldbox walk 3f2a -o walk.gpx
    Example: fieldbox walk 3f2a -o walk.jpg --spots 6 --from 18.5612,74.2405
    """
    from fieldbox.services import scouting  # noqa: PLC0415  heavy imports only where they are needed

    found = scouting.walk(config, survey_id, scouting.Wish(spots, start, along_rows), output)
    click.echo(json.dumps(found.to_json(), ensure_ascii=False) if as_json else found.to_text())
