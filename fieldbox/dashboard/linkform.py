"""The part of the form that is about each kind of link: whether it is used, what it may cost, when it keeps silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from werkzeug.datastructures import MultiDict

from fieldbox.config import MB, Config
from fieldbox.dashboard.deeds.choices import hours_wrong, number_wrong
from fieldbox.dashboard.language import say
from fieldbox.dashboard.sending import LINKS
from fieldbox.domain import LinkKind
from fieldbox.i18n import Sentence

NAMES: Final = ("sync.links", "sync.monthly_mb", "sync.quiet_hours")
"""The settings that it makes up."""
_MOST_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A kind of link on the page."""

    kind: str
    label: str
    used: bool
    mb: str
    """Budget of a month; empty: it has none."""
    quiet: str


def rows(config: Config) -> list[LinkRow]:
    """Each kind, the preferred ones first."""
    return [_row(config, kind) for kind in _in_order(config)]


def told_in(form: MultiDict[str, str], config: Config) -> tuple[dict[str, str], dict[str, Sentence]]:
    """The settings as somebody filled them in, and what is wrong, by the names of the places."""
    links, budgets, quiet = [], [], []
    wrong: dict[str, Sentence] = {}
    for kind in _in_order(config):
        mb, hours = form.get(f"mb-{kind}", "").strip().replace(",", "."), form.get(f"quiet-{kind}", "")
        spans = [one.strip() for one in hours.split(",") if one.strip()]
        if f"use-{kind}" in form:
            links.append(kind.value)
        if mb and (found := number_wrong(mb, 0, _MOST_MB)):
            wrong[f"mb-{kind}"] = found
        wrong |= {f"quiet-{kind}": found for one in spans if (found := hours_wrong(one))}
        budgets += [f"{kind} {mb}"] if mb else []
        quiet += [f"{kind} {one}" for one in spans]
    return dict(zip(NAMES, map(", ".join, (links, budgets, quiet)), strict=True)), wrong


def _in_order(config: Config) -> Iterator[LinkKind]:
    used = config.sync.kinds
    yield from used
    yield from (kind for kind in LinkKind if kind not in used)


def _row(config: Config, kind: LinkKind) -> LinkRow:
    budget = config.sync.budgets.get(kind)
    spans = config.sync.quiet.get(kind, ())
    return LinkRow(
        kind.value,
        say(LINKS[kind]),
        kind in config.sync.kinds,
        "" if budget is None else f"{budget / MB:.12g}",
        ", ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in spans),
    )
