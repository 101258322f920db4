"""What the box knows before it decides whether to connect: links, what waits, what was spent, how it went before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from fieldbox.config import Config
from fieldbox.domain import Link, LinkKind, month_of
from fieldbox.services.chosen import settled
from fieldbox.services.syncparts import Parts
from fieldbox.storage.store import Store
from fieldbox.sync.identity import Joined
from fieldbox.sync.policy import come_again
from fieldbox.sync.situation import Rules, Situation


class Circumstances:
    """What is the case for one box."""

    def __init__(self, config: Config, store: Store, parts: Parts) -> None:
        self._config, self._store, self._parts = config, store, parts
        self._there: frozenset[LinkKind] = frozenset()

    def look(self, mine: Joined, *, first: bool) -> tuple[Rules, Situation]:
        """What is the case now, and the rules by which it is judged; `first`: nothing was told of the link yet."""
        config, now = settled(self._config, self._store).sync, self._parts.clock.now()
        rules = Rules.of(config)
        links = self._links(config.modem_connection)
        self._hear_network(links, first)
        return rules, Situation(
            now=now,
            links=links,
            waiting=self._store.waiting(now),
            next_due=self._store.next_due(now),
            used=self._used(now.date(), rules),
            pasts=self._store.link_pasts(),
            zone=self._parts.zone(),
            box=mine.identity.box,
            clock_known=self._parts.clock.known(),
        )

    def _links(self, profile: str) -> list[Link]:
        found = list(self._parts.ways.there())
        if (
            profile
            and all(one.kind is not LinkKind.MODEM for one in found)
            and self._parts.dialler.can(profile)
        ):
            found.append(Link(LinkKind.MODEM, profile, metered=True, dialled=True))
        kinds = frozenset(one.kind for one in found)
        back = kinds - self._there
        if back:
            self._come_again(back)
        self._there = kinds
        return found

    def _come_again(self, kinds: Collection[LinkKind]) -> None:
        pasts = self._store.link_pasts()
        after = {kind: come_again(past) if kind in kinds else past for kind, past in pasts.items()}
        if after != pasts:
            self._store.keep_link_pasts(after)

    def _hear_network(self, links: Sequence[Link], first: bool) -> None:
        """A clock that knows nothing asks the mobile network before anything is judged by it."""
        clock, network = self._parts.clock, self._parts.network
        if network is not None and not clock.known() and (links or first):
            clock.hear_network(network.network_time())

    def _used(self, today: date, rules: Rules) -> dict[LinkKind, int]:
        first, after = month_of(today, rules.month_starts)
        used: dict[LinkKind, int] = {}
        for one in self._store.traffic_since(first):
            if one.day < after:
                used[one.kind] = used.get(one.kind, 0) + max(0, one.total)
        return used


def forgive(store: Store) -> None:
    """What a person had to do may be done: after a start, and with other certificates, it is tried."""
    pasts = store.link_pasts()
    if any(past.stuck for past in pasts.values()):
        store.keep_link_pasts({kind: replace(past, stuck=False) for kind, past in pasts.items()})
