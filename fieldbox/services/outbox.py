"""The messages of the box for the command line: what waits, what has arrived, what was given up and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fieldbox.config import Config
from fieldbox.domain import Message, MessageState
from fieldbox.domain.messages import KIND_WORDS, STATE_WORDS
from fieldbox.i18n import _
from fieldbox.services.box import open_store


def listed(config: Config, state: MessageState | None, *, as_json: bool) -> str:
    """The messages in a state, or all, as text or as a JSON list: the most urgent first, then the newest."""
    with open_store(config) as store:
        messages = store.messages(state)
        counts = store.message_counts()
    if as_json:
        return json.dumps([_row(one) for one in messages], ensure_ascii=False)
    if not any(counts.values()):
        return _("The outbox is empty.")
    return "\n".join([*map(_line, messages), in_words(counts)])


def in_words(counts: Mapping[MessageState, int]) -> str:
    """How many messages are in each state, in a sentence."""
    return _(
        "Messages: {waiting} wait for a link, {sent} were sent and are not confirmed yet, {acknowledged} arrived,"
        " {superseded} were replaced by a newer one, {refused} were given up."
    ).format(**{state.value: count for state, count in counts.items()})


def _line(one: Message) -> str:
    told = [
        one.id,
        _(KIND_WORDS[one.kind]),
        f"{one.created_at:%Y-%m-%d %H:%M}",
        f"{_size(one)} B",
        _(STATE_WORDS[one.state]),
    ]
    return "  ".join([*told, *_more(one)])


def _more(one: Message) -> Sequence[str]:
    """What of a message is worth a word beside its state."""
    if one.why is not None:
        return [str(one.why)]
    if one.state is MessageState.ACKNOWLEDGED and one.acknowledged_at:
        return [f"{one.acknowledged_at:%Y-%m-%d %H:%M}"]
    if one.attempts:
        return [_("tries: {count}").format(count=one.attempts)]
    return []


def _row(one: Message) -> dict[str, Any]:
    moments = {
        "created_at": one.created_at,
        "sent_at": one.sent_at,
        "next_try": one.next_try,
        "acknowledged_at": one.acknowledged_at,
        "expires_at": one.expires_at,
    }
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "attempts": one.attempts,
        "bytes": _size(one),
        "bytes_sent": one.bytes_sent,
        "carrier": one.carrier,
        "replaces": list(one.replaces),
        "why": None if one.why is None else str(one.why),
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }


def _size(one: Message) -> int:
    return len(one.body.encode())
