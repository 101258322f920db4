"""`fieldbox worker`, `intake`, `card`, `web`, `login-link` and `demo`: what runs until it is stopped, and the way in."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fieldbox.cli_common import progress_bars, with_config
from fieldbox.config import Config


@click.command()
@with_config
def worker(config: Config) -> None:
    """Map the flights in the queue, one after the other, until stopped.

    \b
    Example: fieldbox worker
    """
    from fieldbox.services import worker as service  # noqa: PLC0415

    service.serve(config)


@click.command()
@with_config
def intake(config: Config) -> None:
    """Take in what is put into the drop folder, uploaded or plugged in, until stopped.

    \b
    Example: fieldbox intake
    """
    from fieldbox.services import doors  # noqa: PLC0415

    doors.serve(config)


@click.command()
@click.argument("device", type=click.Path(path_type=Path))
@with_config
def card(config: Config, device: Path) -> None:
    """Hold a card that is plugged in mounted, read-only, until stopped; run by systemd as root.

    \b
    Example: fieldbox card /dev/sda1
    """
    from fieldbox.services import cards  # noqa: PLC0415

    cards.hold(config, device)


@click.command()
@with_config
def web(config: Config) -> None:
    """Serve the dashboard until stopped.

    \b
    Example: fieldbox web
    """
    from fieldbox.services import web as service  # noqa: PLC0415

    service.serve(config)


@click.command()
@click.option("--name", default="owner", show_default=True, help="Whose link; a new name becomes an owner.")
@with_config
def login_link(config: Config, name: str) -> None:
    """Print a link that logs in once, to set a first or forgotten password.

    \b
    Example: fieldbox login-link --name owner
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.login_link(config, name))


@click.command()
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
