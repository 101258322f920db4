"""`fieldbox bench`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldbox.cli_common import as_json, progress_bars, with_config
from fieldbox.config import Config


@click.command()
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
