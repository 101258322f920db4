"""What links may use of the month's bytes. A part of each budget is left to alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from fieldbox.config import MB
from fieldbox.domain import Link, LinkPast, MessageKind, month_of
from fieldbox.domain.links import LINK_WORDS
from fieldbox.i18n import N_, Sentence
from fieldbox.sync.situation import URGENT, USUAL, Rules, Situation, Wait

MOST_AT_ONCE: Final = 1_000_000
"""IP bytes of one burst at most: work on a connection is bounded."""
LONGEST_BURST_S: Final = 600
"""So is its time: what a link carried before tells how many bytes that is."""
SHORTEST_BURST_S: Final = 60
"""So long it may last though quiet hours begin sooner."""
LEAST_AT_ONCE: Final = 32_000
"""However slow it was."""
OPENING_BYTES: Final = 8_000
"""IP bytes of a connection before the first message and after the last, until it is known: a full handshake with certificates
of both ends is some 6,000."""
ROW_BYTES: Final = 400
"""What a message may need beyond its body: its part of the frame, of packets and of the acknowledgement."""
_PICTURE_SHARE = 0.5
"""Of what a health report may use of the budget."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What a link may use of its month's budget."""

    link: Link
    now: Situation
    rules: Rules

    def left(self, kinds: Sequence[MessageKind]) -> int:
        """IP bytes; more than any burst where there is no budget."""
        budget = self.rules.budgets.get(self.link.kind)
        if budget is None:
            return MOST_AT_ONCE
        share = 1.0 if tuple(kinds) == URGENT else 1 - self.rules.reserve
        return int(budget * share) - self.now.used.get(self.link.kind, 0)

    def affords(self, kinds: Sequence[MessageKind]) -> bool:
        """Whether a connection and one message fit."""
        return self.left(kinds) >= self._opening() + ROW_BYTES + 1024

    def spares(self, kind: MessageKind) -> bool:
        """Whether the budget is used more slowly than the month passes, so that something of no hurry may go."""
        budget = self.rules.budgets.get(self.link.kind)
        if budget is None:
            return True
        first, after = month_of(self.now.now.date(), self.rules.month_starts)
        days = (self.now.now.date() - first).days + 1
        share = days / (after - first).days * (_PICTURE_SHARE if kind is MessageKind.PICTURE else 1.0)
        need = self._need((kind,))
        return self.now.used.get(self.link.kind, 0) + need <= budget * (1 - self.rules.reserve) * share

    def allowance(self, kinds: Sequence[MessageKind]) -> int:
        """What the next burst may use: twice what it should need, as far as the budget and the link's pace allow."""
        past = self.now.pasts.get(self.link.kind, LinkPast())
        pace = MOST_AT_ONCE if past.bytes_per_s is None else int(past.bytes_per_s * LONGEST_BURST_S)
        return min(2 * self._need(kinds), self.left(kinds), max(pace, LEAST_AT_ONCE), MOST_AT_ONCE)

    def _need(self, kinds: Sequence[MessageKind]) -> int:
        mine = [one for one in self.now.waiting if one.kind in kinds]
        return self._opening() + sum(one.bytes + ROW_BYTES * one.count for one in mine)

    def _opening(self) -> int:
        """What it was before, and never taken for less than half of what is usual: the next one may not be resumed."""
        known = self.now.pasts.get(self.link.kind, LinkPast()).opening_bytes
        return OPENING_BYTES if known is None else max(int(known), OPENING_BYTES // 2)


def out_of_budget(link: Link, now: Situation, rules: Rules) -> Wait:
    """Until the next month, but for alerts where they may go still."""
    _first, after = month_of(now.now.date(), rules.month_starts)
    told = (
        N_("What is left of the budget of the {link!t} is kept for alerts until {date}.")
        if Purse(link, now, rules).affords(URGENT)
        else N_("The budget of the {link!t} is used up: it is used again from {date}.")
    )
    until = datetime.combine(after, time(), UTC)
    return Wait(until, Sentence(told, {"link": LINK_WORDS[link.kind], "date": after.isoformat()}))


def budget_notes(now: Situation, rules: Rules) -> Iterator[Sentence]:
    """Of budgets that are used up, or of which only what is kept for alerts is left."""
    _first, after = month_of(now.now.date(), rules.month_starts)
    for kind, budget in rules.budgets.items():
        if kind not in rules.order:
            continue
        purse = Purse(Link(kind, ""), now, rules)
        params = {
            "link": LINK_WORDS[kind],
            "used": f"{now.used.get(kind, 0) / MB:.2f}",
            "budget": f"{budget / MB:g}",
            "date": after.isoformat(),
        }
        if not purse.affords(URGENT):
            told = N_("The {link!t} has used {used} of its {budget} MB: nothing goes over it until {date}.")
            yield Sentence(told, params)
        elif not purse.affords(USUAL):
            told = N_("The {link!t} has used {used} of its {budget} MB: only alerts go over it until {date}.")
            yield Sentence(told, params)
