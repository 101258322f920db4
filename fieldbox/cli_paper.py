"""`fieldbox report` and `fieldbox sheet`: a survey on paper."""

from __future__ import annotations

from pathlib import Path

import click

from fieldbox.cli_common import with_config
from fieldbox.config import Config

_OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="PDF to write.")
_LANGUAGE = click.option(
    "--lang", "language", help="en, hi, kn, mr, ta or te [default: the language of the box]."
)


@click.command()
@click.argument("survey_id", metavar="SURVEY")
@_OUTPUT
@_LANGUAGE
@with_config
def report(config: Config, survey_id: str, output: Path, language: str | None) -> None:
    """Write SURVEY as a PDF of two pages: map, numbers, spots to visit, what was not seen, how good the data is.

    \b
    Example: fieldbox report 3f2a -o report.pdf --lang hi
    """
    from fieldbox.services import papers  # noqa: PLC0415  heavy imports only where they are needed

    papers.report(config, survey_id, output, language)


@click.command()
@click.argument("survey_id", metavar="SURVEY")
@_OUTPUT
@_LANGUAGE
@with_config
def sheet(config: Config, survey_id: str, output: Path, language: str | None) -> None:
    """Write a sheet for a knapsack crew as a PDF: where to spray by rows and paces, in which order, pumps and doses.

    What is sprayed, and with what, is as `fieldbox spraying` keeps it. Without a product the doses are left to be written in.

    \b
    Example: fieldbox sheet 3f2a -o sheet.pdf --lang ta
    """
    from fieldbox.services import papers  # noqa: PLC0415  heavy imports only where they are needed

    papers.sheet(config, survey_id, output, language)
