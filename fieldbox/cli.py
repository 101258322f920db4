"""The command line. Each command calls a service or the pipeline and prints what came of it.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with rejected input.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import click
import structlog

from fieldbox import __version__
from fieldbox.cli_change import change
from fieldbox.cli_common import DONE_WITH_REJECTED, FAILED, as_json, progress_bars, say_error, with_config
from fieldbox.cli_decide import prescribe, spraying
from fieldbox.cli_hub import hub
from fieldbox.cli_leaf import leaf
from fieldbox.cli_link import link
from fieldbox.cli_models import models
from fieldbox.cli_outbox import outbox
from fieldbox.cli_paper import report, sheet
from fieldbox.cli_people import people
from fieldbox.cli_plan import plan
from fieldbox.cli_poorlink import poor_link
from fieldbox.cli_season import season
from fieldbox.cli_settings import settings, setup_code
from fieldbox.cli_sms import simulate_modem, sms
from fieldbox.cli_support import support
from fieldbox.cli_sync import sync
from fieldbox.cli_walk import walk
from fieldbox.config import Config, load_config
from fieldbox.domain import BANDS, ZoneKind
from fieldbox.errors import FieldboxError
from fieldbox.i18n import BROUGHT, _, add_folder, use_language
from fieldbox.masking import mask
from fieldbox.memory import MB, spare_memory


class Group(click.Group):
    """A group whose commands never show a traceback for what a user or the box got wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; one of our errors becomes its sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except FieldboxError as error:
            say_error(error)
            ctx.exit(FAILED)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="Settings file (default: /etc/fieldbox/fieldbox.toml).",
)
@click.version_option(__version__, prog_name="fieldbox")
@click.pass_context
def main(ctx: click.Context, path: Path | None) -> None:
    """Weeds and crop health from drone photos, on a box that needs no internet.

    \b
    Example: fieldbox ingest /media/card --wait
    """
    spare_memory(mapped_from=4 * MB)
    # What goes to standard output is what was asked for, and nothing else.
    structlog.configure(
        # Without the values of variables, which can be a megabyte and hold what is nobody's business.
        processors=[
            *structlog.get_config()["processors"][:-1],
            mask,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    config = load_config(path=path)
    use_language(config.locale.language)
    add_folder(config.storage.root / BROUGHT)
    ctx.obj = config


def finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse `nan` and `inf`, which pass for numbers otherwise."""
    if not math.isfinite(value):
        raise click.BadParameter(_("give a number"))
    return value


def bands_named(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The names of bands, each known, none twice but "other"."""
    names = tuple(one.strip().lower() for one in value.split(",")) if value else ()
    named = [one for one in names if one != "other"]
    if not set(names) <= set(BANDS) or len(set(named)) < len(named):
        raise click.BadParameter(
            _("give names out of {names}, parted by commas, each once").format(names=", ".join(BANDS))
        )
    return names


@main.command()
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


@main.command()
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


@main.command()
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


@main.command()
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


@main.command()
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


@main.command(context_settings={"ignore_unknown_options": True})
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


@main.command()
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


@main.command()
@click.argument("flight_id", metavar="FLIGHT")
@with_config
def unpin(config: Config, flight_id: str) -> None:
    """Let the photos of a flight go when their room is needed.

    \b
    Example: fieldbox unpin 9c1d
    """
    from fieldbox.services import keeping  # noqa: PLC0415

    click.echo(keeping.pin(config, flight_id, pinned=False))


@main.command()
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


@main.command()
@as_json
@with_config
def status(config: Config, as_json: bool) -> None:
    """Tell what the box is doing: flights, queue, disk.

    \b
    Example: fieldbox status --json
    """
    from fieldbox.services import results  # noqa: PLC0415

    click.echo(results.status(config, as_json=as_json))


@main.command()
@with_config
def worker(config: Config) -> None:
    """Map the flights in the queue, one after the other, until stopped.

    \b
    Example: fieldbox worker
    """
    from fieldbox.services import worker as service  # noqa: PLC0415

    service.serve(config)


@main.command()
@with_config
def intake(config: Config) -> None:
    """Take in what is put into the drop folder, uploaded or plugged in, until stopped.

    \b
    Example: fieldbox intake
    """
    from fieldbox.services import doors  # noqa: PLC0415

    doors.serve(config)


@main.command()
@click.argument("device", type=click.Path(path_type=Path))
@with_config
def card(config: Config, device: Path) -> None:
    """Hold a card that is plugged in mounted, read-only, until stopped; run by systemd as root.

    \b
    Example: fieldbox card /dev/sda1
    """
    from fieldbox.services import cards  # noqa: PLC0415

    cards.hold(config, device)


@main.command()
@with_config
def web(config: Config) -> None:
    """Serve the dashboard until stopped.

    \b
    Example: fieldbox web
    """
    from fieldbox.services import web as service  # noqa: PLC0415

    service.serve(config)


@main.command()
@click.option("--name", default="owner", show_default=True, help="Whose link; a new name becomes an owner.")
@with_config
def login_link(config: Config, name: str) -> None:
    """Print a link that logs in once, to set a first or forgotten password.

    \b
    Example: fieldbox login-link --name owner
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.login_link(config, name))


@main.command()
@click.option(
    "--flight", type=click.Path(path_type=Path), help="Map these photos instead of a simulated flight."
)
@click.option("--serve/--no-serve", default=True, help="Keep the dashboard running afterwards.")
@with_config
def demo(config: Config, flight: Path | None, serve: bool) -> None:
    """Fly a simulated drone over a simulated field (or take your FLIGHT), map it, serve the dashboard.

    \b
    Example: fieldbox demo --flight ~/photos/north-field
    """
    from fieldbox.services import demo as service  # noqa: PLC0415

    sys.exit(service.run(config, flight, serve=serve, shown=progress_bars()))


@main.group()
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


simulate.add_command(poor_link)
simulate.add_command(simulate_modem)
main.add_command(sms)
main.add_command(models)
main.add_command(outbox)
main.add_command(link)
main.add_command(sync)
main.add_command(hub)
main.add_command(leaf)
main.add_command(plan)
main.add_command(spraying)
main.add_command(prescribe)
main.add_command(report)
main.add_command(sheet)
main.add_command(walk)
simulate.add_command(season)
main.add_command(change)
main.add_command(support)
main.add_command(people)
main.add_command(settings)
main.add_command(setup_code)


@main.command()
@click.option(
    "--photos",
    default=200,
    show_default=True,
    type=click.IntRange(12, 2000),
    help="Photos of the simulated 20 MP flight.",
)
@click.option(
    "--naive-photos",
    default=4,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Photos of it that the naive way looks at.",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep the simulated flight here and use it again."
)
@as_json
@with_config
def bench(config: Config, photos: int, naive_photos: int, folder: Path | None, as_json: bool) -> None:
    """Time ours against the naive way and the floor of this machine, in one run (minutes).

    Small flights are mostly edge, where each photo has more ground to itself: take some hundred photos.

    \b
    Example: fieldbox bench --photos 500
    """
    from fieldbox.bench import run as benchmark  # noqa: PLC0415

    report = benchmark.run(
        config, photos=photos, naive_photos=naive_photos, folder=folder, shown=progress_bars()
    )
    click.echo(json.dumps(report.to_json()) if as_json else report.to_text())


if __name__ == "__main__":
    main()
