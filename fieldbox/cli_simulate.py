"""`fieldbox simulate flight`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fieldbox.cli_common import progress_bars
from fieldbox.i18n import _


@click.group()
def simulate() -> None:
    """Make fields and flights whose truth is known, and a poor link."""


@simulate.command("flight")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--over", type=click.Path(path_type=Path), help="Fly over this orthomosaic instead of a made field."
)
@click.option(
    "--gsd-mm", type=float, help="Millimetres per pixel of an orthomosaic that does not say so itself."
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="LabelMe files of the orthomosaic's tiles, for the truth.",
)
@click.option("--altitude", type=float, default=10.0, show_default=True, help="Metres above the ground.")
@click.option("--forward-overlap", type=float, default=75.0, show_default=True, help="Percent.")
@click.option("--side-overlap", type=float, default=65.0, show_default=True, help="Percent.")
@click.option("--camera", default="12mp", show_default=True, help="m2p (20 MP), 12mp, 2mp, small or tiny.")
@click.option("--width", type=int, help="Pixels, in place of the camera's.")
@click.option("--height", type=int, help="Pixels, in place of the camera's.")
@click.option("--focal-px", type=float, help="Focal length in pixels, in place of the camera's.")
@click.option(
    "--heading",
    type=float,
    default=0.0,
    show_default=True,
    help="Of the flight lines, degrees from grid north.",
)
@click.option("--gps-sigma", type=float, default=0.5, show_default=True, help="Metres per axis and photo.")
@click.option(
    "--gps-drift", type=float, default=0.5, show_default=True, help="Metres that the whole flight is off."
)
@click.option("--height-sigma", type=float, default=0.3, show_default=True, help="Metres.")
@click.option("--yaw-sigma", type=float, default=1.0, show_default=True, help="Degrees.")
@click.option(
    "--tilt-sigma", type=float, default=0.4, show_default=True, help="Degrees of pitch and of roll."
)
@click.option("--rtk", is_flag=True, help="Mark positions as RTK-fixed with the sigmas above.")
@click.option("--exact", is_flag=True, help="All sigmas 0, marked as RTK-fixed.")
@click.option("--wind", type=float, default=0.0, show_default=True, help="Metres a second: crab and sway.")
@click.option("--brightness", type=float, default=1.0, show_default=True)
@click.option(
    "--exposure-drift", type=float, default=0.03, show_default=True, help="Relative, from photo to photo."
)
@click.option(
    "--white-balance-drift",
    type=float,
    default=0.0,
    show_default=True,
    help="Of red and blue, relative, from photo to photo.",
)
@click.option(
    "--vignetting", type=float, default=0.12, show_default=True, help="Loss of light in the corners."
)
@click.option("--cloud-shadows", type=float, default=0.0, show_default=True, help="Depth, 0 to 0.8.")
@click.option(
    "--sun-elevation",
    type=float,
    default=50.0,
    show_default=True,
    help="Degrees, for the shadows of a made field.",
)
@click.option("--blur/--no-blur", default=True, help="Motion blur.")
@click.option("--noise", type=float, default=2.0, show_default=True, help="Grey levels.")
@click.option(
    "--size",
    nargs=2,
    type=float,
    default=(30.0, 20.0),
    show_default=True,
    help="Made field, metres east and north.",
)
@click.option(
    "--crop",
    multiple=True,
    default=("potato",),
    show_default=True,
    help="Of the made field; may be given again.",
)
@click.option(
    "--weeds", type=float, default=2.5, show_default=True, help="Weeds per square metre of the made field."
)
@click.option(
    "--rows",
    type=click.Choice(["straight", "curved", "terraced"]),
    default="straight",
    show_default=True,
    help="Of the made field; truth.json tells where each runs.",
)
@click.option(
    "--row-heading",
    type=float,
    default=0.0,
    show_default=True,
    help="Degrees from grid north, in the made field's middle.",
)
@click.option(
    "--row-radius", type=float, default=25.0, show_default=True, help="Metres, where rows are curved."
)
@click.option("--relief", type=float, default=0.3, show_default=True, help="Metres, of the made field.")
@click.option("--soil", default="brown", show_default=True, help="brown, red, black or grey.")
@click.option(
    "--symptoms",
    type=click.FloatRange(0, 90),
    default=0.0,
    show_default=True,
    help="Percent of the made field's crop plants that are stunted, yellowing or gone; truth.json says which.",
)
@click.option(
    "--repeat", is_flag=True, help="Repeat the field beyond its edges, to fly far over a small one."
)
@click.option("--extent", nargs=2, type=float, help="Metres to cover, with --repeat.")
@click.option("--max-photos", type=int)
@click.option(
    "--lat",
    type=click.FloatRange(-79, 79),
    default=18.5612,
    show_default=True,
    help="Of a field without a place.",
)
@click.option("--lon", type=click.FloatRange(-180, 180), default=74.2405, show_default=True, help="The same.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--later",
    type=click.FloatRange(0, 365),
    help="Days: the made field of the same seed so long after, flown again; truth.json says what changed.",
)
@click.option(
    "--killed",
    type=click.Path(path_type=Path),
    help="With --later: GeoJSON with ground whose weeds were treated.",
)
@click.option(
    "--kill", type=click.FloatRange(0, 100), default=90.0, show_default=True, help="Percent of its weeds."
)
@click.option(
    "--new-patches", type=click.IntRange(0, 1000), default=0, show_default=True, help="With --later."
)
@click.option("--weathered", is_flag=True, help="With --later: the soil does not look as it did.")
@click.option("--video", is_flag=True, help="A film with its telemetry (.SRT) in place of photos.")
@click.option("--fps", type=click.IntRange(1, 120), default=30, show_default=True, help="Of the film.")
def simulate_flight(
    out: Path,
    over: Path | None,
    gsd_mm: float | None,
    labels: Path | None,
    video: bool,
    fps: int,
    **given: Any,
) -> None:
    """Photograph a self-made field (or an orthomosaic) as a drone would: JPEGs and truth.json in OUT.

    \b
    Example: fieldbox simulate flight ./flight --altitude 15 --gps-sigma 1.5
    Example: fieldbox simulate flight ./flight --over field.tif --camera small --exact
    """
    from fieldbox.services import simulation  # noqa: PLC0415

    flight, field = simulation.options_from(given)
    gsd_m = gsd_mm / 1000 if gsd_mm else None
    simulation.simulate_flight(
        out,
        flight,
        field,
        progress_bars(),
        over=over,
        over_gsd_m=gsd_m,
        labels=labels,
        fps=fps if video else None,
    )
    click.echo(
        _("The flight is in {folder}, its truth in {truth}.").format(folder=out, truth=out / "truth.json")
    )
