"""`fieldbox plan`: how to fly a field."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldbox.cli_common import Range, as_json, with_config
from fieldbox.config import Config

DRONES = ("mini-4-pro", "air-2s", "mavic-2-pro", "mavic-3e", "phantom-4-pro")


@click.command()
@click.argument("field")
@click.option("--drone", type=click.Choice(DRONES), required=True)
@click.option(
    "--weed-mm",
    type=Range(1, 1000),
    required=True,
    help="Diameter of the smallest weed to be counted.",
)
@click.option("--forward-overlap", type=Range(30, 95), default=75, show_default=True, help="Percent.")
@click.option("--side-overlap", type=Range(20, 90), default=65, show_default=True, help="Percent.")
@click.option("--direction", type=Range(0, 360), help="Of the lines, degrees from north.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the plan: .kml, or .plan of QGroundControl.",
)
@as_json
@with_config
def plan(
    config: Config,
    field: str,
    *,
    drone: str,
    weed_mm: float,
    forward_overlap: float,
    side_overlap: float,
    direction: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Plan a flight over FIELD that shows weeds of a size: height, overlap, photos, minutes, batteries.

    FIELD is a field's name or code on the box, or a GeoJSON file with its boundary.

    \b
    Example: fieldbox plan "North field" --drone mavic-3e --weed-mm 25 -o north.kml
    """
    from fieldbox.georef.flightplan import Wish  # noqa: PLC0415  heavy imports only where they are needed
    from fieldbox.services import planning  # noqa: PLC0415

    wish = Wish(gsd_m=0.0, forward=forward_overlap / 100, side=side_overlap / 100, direction_deg=direction)
    found = planning.plan(config, field, planning.DRONES[drone], weed_mm, wish, output)
    click.echo(json.dumps(found.to_json(), ensure_ascii=False) if as_json else found.to_text())
