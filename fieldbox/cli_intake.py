"""`fieldbox ingest`, `check`, `pin` and `unpin`: photos of flights, in and kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fieldbox.cli_common import DONE_WITH_REJECTED, as_json, progress_bars, with_config
from fieldbox.config import Config
from fieldbox.domain import BANDS
from fieldbox.i18n import _


def bands_named(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The names of bands, each known, none twice but "other"."""
    names = tuple(one.strip().lower() for one in value.split(",")) if value else ()
    named = [one for one in names if one != "other"]
    if not set(names) <= set(BANDS) or len(set(named)) < len(named):
        raise click.BadParameter(
            _("give names out of {names}, parted by commas, each once").format(names=", ".join(BANDS))
        )
    return names


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--field", "field_name", help="Name of the field the flight belongs to (made if it is new).")
@click.option("--crop", help="What grows on that field, e.g. potato.")
@click.option(
    "--positions",
    type=click.Path(path_type=Path),
    multiple=True,
    help="List of camera positions: geo.txt, Pix4D's CSV or DJI's .MRK; may be given again.",
)
@click.option(
    "--control",
    type=click.Path(path_type=Path),
    multiple=True,
    help="List of ground control points and where photos show them: gcp_list.txt; may be given again.",
)
@click.option(
    "--crs",
    help="Projection of the positions where their list names none, e.g. EPSG:32643 [default: degrees].",
)
@click.option(
    "--bands",
    callback=bands_named,
    help="What the bands of an orthomosaic are, in their order, e.g. red,green,blue,nir [default: as it says itself].",
)
@click.option("--wait", is_flag=True, help="Wait until the flight is mapped and print what came of it.")
@as_json
@with_config
def ingest(
    config: Config,
    path: Path,
    *,
    field_name: str | None,
    crop: str | None,
    positions: tuple[Path, ...],
    control: tuple[Path, ...],
    crs: str | None,
    bands: tuple[str, ...],
    wait: bool,
    as_json: bool,
) -> None:
    """Copy the photos of a flight from PATH and map them.

    Lists of camera positions and of ground control points among the photos (geo.txt, gcp_list.txt, *.MRK, a CSV) are
    used as well; a list may also come later, alone.

    \b
    Example: fieldbox ingest /media/card/DCIM --field "North field" --crop potato --wait
    Example: fieldbox ingest /media/card/DCIM --control gcp_list.txt --positions ppk.csv --crs EPSG:32643
    Example: fieldbox ingest gcp_list.txt --wait
    Example: fieldbox ingest north.tif --bands blue,green,red,rededge,nir --wait
    Exit code 3: done, but some files were rejected.
    """
    from fieldbox.lists import ByHand  # noqa: PLC0415  heavy imports only for the command that needs them
    from fieldbox.services import intake  # noqa: PLC0415

    outcome = intake.ingest(
        config,
        path,
        field_name=field_name,
        crop=crop,
        lists=ByHand(positions, control, crs, bands),
        wait=wait,
        shown=None if as_json else progress_bars(),
    )
    click.echo(json.dumps(outcome.to_json(), ensure_ascii=False) if as_json else outcome.to_text())
    sys.exit(outcome.exit_code)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@as_json
@with_config
def check(config: Config, path: Path, as_json: bool) -> None:
    """Tell whether the flight in PATH is good enough, before the pilot leaves; nothing is copied.

    \b
    Example: fieldbox check /media/card/DCIM
    Exit code 3: some files cannot be used.
    """
    from fieldbox.services import checking  # noqa: PLC0415

    shown = progress_bars(quiet=as_json)
    found = checking.check(config, path, shown=shown)
    click.echo(json.dumps(found.to_json(), ensure_ascii=False) if as_json else found.to_text())
    sys.exit(DONE_WITH_REJECTED if found.rejected else 0)


@click.command()
@click.argument("flight_id", metavar="FLIGHT")
@with_config
def pin(config: Config, flight_id: str) -> None:
    """Keep the photos of a flight, also when their room is needed.

    FLIGHT is a flight's id, the beginning of it, or a survey's.

    \b
    Example: fieldbox pin 9c1d
    """
    from fieldbox.services import keeping  # noqa: PLC0415

    click.echo(keeping.pin(config, flight_id, pinned=True))


@click.command()
@click.argument("flight_id", metavar="FLIGHT")
@with_config
def unpin(config: Config, flight_id: str) -> None:
    """Let the photos of a flight go when their room is needed.

    \b
    Example: fieldbox unpin 9c1d
    """
    from fieldbox.services import keeping  # noqa: PLC0415

    click.echo(keeping.pin(config, flight_id, pinned=False))
