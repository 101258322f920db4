"""How the box stands with its hub, in words and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from fieldbox.config import MB
from fieldbox.domain import LinkDoing, LinkKind, LinkState
from fieldbox.domain.links import LINK_WORDS
from fieldbox.i18n import _

_NEVER: Final = "-"


def to_json(state: LinkState | None) -> dict[str, Any] | None:
    """For machines; None: the box never sent."""
    if state is None:
        return None
    return {
        "at": state.at.isoformat(),
        "doing": state.doing.value,
        "why": str(state.why),
        "links": list(state.links),
        "link": state.link.value if state.link else None,
        "since": _iso(state.since),
        "last_success": _iso(state.last_success),
        "next_try": _iso(state.next_try),
        "notes": [str(one) for one in state.notes],
        "bytes": {
            kind: {"used": used, "allowed": state.allowed.get(kind)} for kind, used in _used(state).items()
        },
    }


def to_text(state: LinkState | None, zone: tzinfo | None = None) -> list[str]:
    """For a person, by the box's local time (`zone`: another one)."""
    if state is None:
        return [_("The box has never looked for its hub: start fieldbox sync.")]
    lines = [_doing(state, zone)]
    lines += [str(one) for one in state.notes]
    lines += [
        _("{link}: {used:.2f} of {allowed:g} MB used this month").format(
            link=_(LINK_WORDS[LinkKind(kind)]), used=used / MB, allowed=state.allowed[kind] / MB
        )
        for kind, used in _used(state).items()
        if kind in state.allowed and used
    ]
    return lines


def _doing(state: LinkState, zone: tzinfo | None) -> str:
    told = {
        "why": str(state.why),
        "link": _(LINK_WORDS[state.link]) if state.link else _NEVER,
        "reached": _reached(state, zone),
        "next": _clock(state.next_try, zone),
    }
    if state.doing is LinkDoing.CONNECTED:
        return _("Link: connecting over the {link}. {why} {reached}").format(**told)
    if state.next_try is None:
        return _("Link: {why} {reached}").format(**told)
    return _("Link: {why} {reached} It is looked at again at {next}.").format(**told)


def _reached(state: LinkState, zone: tzinfo | None) -> str:
    if state.last_success is None:
        return _("The hub has not been reached yet.")
    return _("Hub last reached: {last}.").format(last=_clock(state.last_success, zone))


def _used(state: LinkState) -> Mapping[str, int]:
    """Of each kind that has a budget or was used."""
    return {kind: state.used.get(kind, 0) for kind in sorted({*state.used, *state.allowed})}


def _clock(moment: datetime | None, zone: tzinfo | None) -> str:
    return _NEVER if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
