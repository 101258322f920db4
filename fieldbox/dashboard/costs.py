"""What sending cost this month, as far as somebody told what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from fieldbox.config import Config
from fieldbox.dashboard.language import day, number, say, say_many
from fieldbox.dashboard.ports import Store
from fieldbox.domain import LinkKind, month_of


@dataclass(frozen=True, slots=True)
class Month:
    """What left the farm and came to it since the budget's month began. Costs are None where a price is not known."""

    since: date
    bytes: Mapping[LinkKind, int]
    """IP bytes both ways; what a power cut kept from being counted stands at what was allowed."""
    data_cost: float | None
    texts: int
    """Parts of texts that were handed to the network."""
    texts_cost: float | None
    currency: str

    @property
    def cost(self) -> float | None:
        """All together; None unless all that was used has a price."""
        return None if self.data_cost is None or self.texts_cost is None else self.data_cost + self.texts_cost


def month(config: Config, store: Store, today: date) -> Month:
    """This month's."""
    since, after = month_of(today, config.sync.month_starts)
    used: dict[LinkKind, int] = {}
    for one in store.traffic_since(since):
        if one.day < after:
            used[one.kind] = used.get(one.kind, 0) + max(0, one.total)
    texts = store.text_parts_since(datetime.combine(since, time(), UTC))
    return Month(
        since,
        used,
        _data_cost(used, config.sync.costs, config.sync.metered_kinds),
        texts,
        _texts_cost(texts, config.sms.cost_per_part),
        config.sms.currency,
    )


def _data_cost(
    used: Mapping[LinkKind, int], prices: Mapping[LinkKind, float], metered: frozenset[LinkKind]
) -> float | None:
    """A link that is not metered and has no price costs nothing."""
    paid = [kind for kind, count in used.items() if count and (kind in prices or kind in metered)]
    if any(kind not in prices for kind in paid):
        return None
    return sum(prices[kind] * used[kind] / 1e6 for kind in paid)


def _texts_cost(parts: int, price: float) -> float | None:
    if not parts:
        return 0.0
    return parts * price if price else None


def in_words(found: Month) -> list[str]:
    """The month in two sentences: what it was, and what it cost."""
    total = sum(found.bytes.values())
    what = say(
        "Since %(day)s: %(mb)s MB over all links, %(texts)s.",
        day=day(datetime.combine(found.since, time())),
        mb=number(total / 1e6, 2),
        texts=say_many("%(num)s part of a text", "%(num)s parts of texts", found.texts),
    )
    if found.cost == 0:
        return [what]
    if found.cost is None:
        return [
            what,
            say("What it cost is not known: the price of data or of a text is missing in the settings."),
        ]
    return [
        what,
        say("That cost about %(money)s.", money=f"{number(found.cost, 2)} {found.currency}".strip()),
    ]
