"""`fieldbox people`: who may log in, from the box's own terminal."""

from __future__ import annotations

import click

from fieldbox.cli_common import with_config
from fieldbox.config import Config
from fieldbox.domain import Role


@click.group()
def people() -> None:
    """Who may log in to the dashboard: list, add, let in again who forgot the password, shut out.

    \b
    Example: fieldbox people link asha
    """


@people.command("list")
@with_config
def listed(config: Config) -> None:
    """List everybody: name, role, last log-in.

    \b
    Example: fieldbox people list
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.listed(config))


@people.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([one.value for one in Role]),
    default=Role.VIEWER.value,
    show_default=True,
    help="What they may do (docs/people.md).",
)
@with_config
def add_person(config: Config, name: str, role: str) -> None:
    """Add somebody; prints a link that lets them in once within a day, to choose a password.

    \b
    Example: fieldbox people add ravi --role operator
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.add(config, name, Role(role)))


@people.command("link")
@click.argument("name")
@with_config
def link_for(config: Config, name: str) -> None:
    """Print a link that lets NAME in once within a day, to choose a first password or another one.

    \b
    Example: fieldbox people link asha
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.link(config, name))


@people.command("shut-out")
@click.argument("name")
@with_config
def shut_out(config: Config, name: str) -> None:
    """Let NAME in no more: logged out at once, links and keys are void.

    \b
    Example: fieldbox people shut-out ravi
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.shut_out(config, name))


@people.command("let-in")
@click.argument("name")
@with_config
def let_in(config: Config, name: str) -> None:
    """Let NAME in again, who was shut out.

    \b
    Example: fieldbox people let-in ravi
    """
    from fieldbox.services import accounts  # noqa: PLC0415

    click.echo(accounts.let_in(config, name))
