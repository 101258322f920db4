"""`fieldbox settings …`: what is chosen on the dashboard's pages, without them."""

from __future__ import annotations

import json

import click

from fieldbox.cli_common import as_json, with_config
from fieldbox.config import Config
from fieldbox.i18n import _

ACTOR = "command line"


@click.group()
def settings() -> None:
    """Settings that can be chosen while the box runs: they go over those of the file and of the hub."""


@settings.command("list")
@as_json
@with_config
def settings_list(config: Config, as_json: bool) -> None:
    """List them, each with where its value comes from: default, file, hub, page or environment.

    \b
    Example: fieldbox settings list --json
    """
    from fieldbox.services import chosen  # noqa: PLC0415
    from fieldbox.services.box import open_store  # noqa: PLC0415

    with open_store(config) as store:
        found = chosen.all_now(config, store).values()
    if as_json:
        rows = {one.name: {"value": one.value, "source": one.source.value} for one in found}
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    width = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{one.name:<{width}}  {json.dumps(one.value, ensure_ascii=False)}  ({one.source.value})")


@settings.command("set")
@click.argument("key")
@click.argument("value")
@with_config
def settings_set(config: Config, key: str, value: str) -> None:
    """Choose VALUE for KEY; the services go by it at once.

    \b
    Example: fieldbox settings set sms.numbers "+919812345678"
    Example: fieldbox settings set sms.send alerts
    """
    from fieldbox.services import chosen  # noqa: PLC0415
    from fieldbox.services.box import open_store  # noqa: PLC0415

    with open_store(config) as store:
        chosen.choose(config, store, ACTOR, {key: value})
        now = chosen.all_now(config, store)[key]
    click.echo(_("{name} is {value} now.").format(name=key, value=json.dumps(now.value, ensure_ascii=False)))


@settings.command("reset")
@click.argument("key")
@with_config
def settings_reset(config: Config, key: str) -> None:
    """Take back what was chosen for KEY: the hub's, the file's or the default holds again.

    \b
    Example: fieldbox settings reset sms.send
    """
    from fieldbox.services import chosen  # noqa: PLC0415
    from fieldbox.services.box import open_store  # noqa: PLC0415

    with open_store(config) as store:
        chosen.reset(config, store, ACTOR, [key])
        now = chosen.all_now(config, store)[key]
    click.echo(_("{name} is {value} now.").format(name=key, value=json.dumps(now.value, ensure_ascii=False)))


@click.command("setup-code")
@with_config
def setup_code(config: Config) -> None:
    """Print a new code with which a phone sets up a new box; one that was there is void.

    \b
    Example: fieldbox setup-code
    """
    from fieldbox.services import starting  # noqa: PLC0415

    click.echo(starting.setup_code(config))
