"""`fieldbox change`: what became of a field between two surveys."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldbox.cli_common import Range, as_json, with_config
from fieldbox.config import Config


@click.command()
@click.argument("before")
@click.argument("after")
@click.option(
    "--treated",
    type=click.Path(path_type=Path),
    help="GeoJSON with the ground that was treated in between: did it work?",
)
@click.option(
    "--as-prescribed", is_flag=True, help="The ground of BEFORE's prescription was treated: did it work?"
)
@click.option(
    "--cell-m",
    type=Range(0.1, 50),
    help="Side of the cells that are compared; without it the smallest that tell anything.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the spots (.geojson, .kml, .gpkg, .csv, .zip for a Shapefile) or the cells (.tif).",
)
@as_json
@with_config
def change(
    config: Config,
    before: str,
    after: str,
    *,
    treated: Path | None,
    as_prescribed: bool,
    cell_m: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Compare two surveys of a field: where weeds are new, spread, shrank or went, and whether a treatment worked.

    BEFORE and AFTER are ids of surveys, or how these begin (`fieldbox status`).

    \b
    Example: fieldbox change 1bc502bf 69976c6b --treated sprayed.geojson -o change.geojson
    """
    from fieldbox.services import changetold  # noqa: PLC0415  heavy imports only where they are needed

    found = changetold.change(
        config, before, after, treated=treated, as_prescribed=as_prescribed, cell_m=cell_m, output=output
    )
    told = changetold.to_json(found) if as_json else None
    click.echo(changetold.to_text(found) if told is None else json.dumps(told, ensure_ascii=False))
