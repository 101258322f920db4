"""The command line. Each command calls a service or the pipeline and prints what came of it.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with rejected input.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click
import structlog

from fieldbox import __version__
from fieldbox.cli_bench import bench
from fieldbox.cli_change import change
from fieldbox.cli_common import FAILED, say_error
from fieldbox.cli_decide import prescribe, spraying
from fieldbox.cli_hub import hub
from fieldbox.cli_intake import check, ingest, pin, unpin
from fieldbox.cli_leaf import leaf
from fieldbox.cli_link import link
from fieldbox.cli_models import models
from fieldbox.cli_outbox import outbox
from fieldbox.cli_paper import report, sheet
from fieldbox.cli_people import people
from fieldbox.cli_plan import plan
from fieldbox.cli_poorlink import poor_link
from fieldbox.cli_results import export, locate, status, summary
from fieldbox.cli_season import season
from fieldbox.cli_serve import card, demo, intake, login_link, web, worker
from fieldbox.cli_settings import settings, setup_code
from fieldbox.cli_simulate import simulate
from fieldbox.cli_single import detect, reflectance
from fieldbox.cli_sms import simulate_modem, sms
from fieldbox.cli_support import support
from fieldbox.cli_sync import sync
from fieldbox.cli_walk import walk
from fieldbox.config import load_config
from fieldbox.errors import FieldboxError
from fieldbox.i18n import BROUGHT, add_folder, use_language
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


_COMMANDS: Final[tuple[click.Command, ...]] = (
    bench,
    card,
    change,
    check,
    demo,
    detect,
    export,
    hub,
    ingest,
    intake,
    leaf,
    link,
    locate,
    login_link,
    models,
    outbox,
    people,
    pin,
    plan,
    prescribe,
    reflectance,
    report,
    settings,
    setup_code,
    sheet,
    simulate,
    sms,
    spraying,
    status,
    summary,
    support,
    sync,
    unpin,
    walk,
    web,
    worker,
)
for _each in _COMMANDS:
    main.add_command(_each)
for _each in (poor_link, season, simulate_modem):
    simulate.add_command(_each)


if __name__ == "__main__":
    main()
