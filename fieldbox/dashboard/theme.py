"""Light, dark, or made for the sun: what the reader chose, kept in a cookie. No script is needed for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request

from fieldbox.dashboard.language import say
from fieldbox.i18n import N_

COOKIE: Final = "theme"


@dataclass(frozen=True, slots=True)
class Theme:
    """A way to show pages. `bar` colours the browser's own bar; `scheme` goes into `<meta name="color-scheme">`."""

    key: str
    name: str
    """A message id."""
    scheme: str
    bar: str


LIGHT: Final = Theme("light", N_("Light"), "only light", "#ffffff")
DARK: Final = Theme("dark", N_("Dark"), "dark", "#18211b")
SUN: Final = Theme("sun", N_("Bright sun"), "only light", "#ffffff")
THEMES: Final = {theme.key: theme for theme in (LIGHT, DARK, SUN)}
FOLLOW: Final = ""
"""The key of no choice: as the phone or computer has it."""


def chosen() -> Theme | None:
    """The reader's choice; None: as the phone or computer has it."""
    return THEMES.get(request.cookies.get(COOKIE, FOLLOW))


def choices() -> list[tuple[str, str]]:
    """Keys and names of all that can be chosen."""
    return [
        (FOLLOW, say("As the phone has it")),
        *((theme.key, say(theme.name)) for theme in THEMES.values()),
    ]
