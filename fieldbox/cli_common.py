"""What all commands share: the settings, `--json`, exit codes, progress and how an error is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from fieldbox.config import Config
from fieldbox.errors import FieldboxError
from fieldbox.i18n import _

FAILED, DONE_WITH_REJECTED = 1, 3
"""Exit codes; 0 is done, and 2 (wrong usage) is click's own."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class Range(click.FloatRange):
    """Numbers between bounds. Click takes what is no number, and none of its bounds holds that off."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises BadParameter for others, infinite ones among them."""
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(_("{value} is no number").format(value=value), param, ctx)
        return found


def finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse `nan` and `inf`, which pass for numbers otherwise."""
    if not math.isfinite(value):
        raise click.BadParameter(_("give a number"))
    return value


def with_config(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the settings as its first argument."""

    @wraps(command)
    @click.pass_obj
    def run(config: Config, /, *args: Any, **kwargs: Any) -> None:
        command(config, *args, **kwargs)

    return run


def one_line(error: FieldboxError) -> str:
    """The sentence of an error on one line: a file's name in it may hold line breaks."""
    return " ".join(str(error).splitlines())


def say_error(error: FieldboxError) -> None:
    """Say on standard error what went wrong."""
    click.echo(_("fieldbox: {sentence}").format(sentence=one_line(error)), err=True)


def progress_bars(quiet: bool = False) -> Callable[[str, int, int], None]:
    """A callback (step, done, total) that draws a bar for each step on a terminal, and lines elsewhere.

    `quiet`, for machines: it shows nothing.
    """
    from fieldbox.services.progress import Bars  # noqa: PLC0415  rich is loaded for the commands that need it

    return (lambda _step, _done, _total: None) if quiet else Bars()
