"""Which plant is to be checked next, and by whom.

All of a survey's weeds lie in three lanes. The sure ones are asked for in an order that chance gives: a hash of their
number, so it is the same after a restart and knows nothing of what they look like. Of the unsure ones the hash puts each
into one of two halves: one half is asked for by chance too, of the other half first those whose verdict teaches most.
First come ten of each that chance chose, one after the other: from then on the page can tell a number. Then the
lanes are interleaved 2 : 1 : 1, and one plant in four is a sure one. What chance chose says how often the model is right
(`fieldbox.dashboard.precision`); what was chosen for its doubt would make it look worse than it is.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Called, LabelVerdict, Opinion

LEASE_S: Final = 120.0
"""So long a plant that somebody was shown is shown to nobody else. Two verdicts on it would do no harm."""
HANDED_S: Final = 12 * 3600.0
"""So long a verdict counts as asked for: a phone may be out of the Wi-Fi's reach for a working day."""
PLAN_S: Final = 1800.0
"""So long the order of a survey's plants is kept: photos may be removed or brought again."""
ENOUGH: Final = 10
"""Plants of a stratum that must be judged before a number is told (all, where there are fewer)."""
HALVED_FROM: Final = 60
"""Where a survey has fewer unsure plants, all of them are asked for by chance: half would be too few to tell anything."""
AGAIN_ONE_IN: Final = 10
"""So many plants, by the hash, are shown to a second person, to see how far people agree."""
MOST_EACH: Final = 3
"""Verdicts on one plant; then it stays contested."""
_PLANS, _SKIPPED, _HANDED = 8, 2000, 5000
_PORTION = 300
"""So many plants are looked up at once."""
_NEAR_M = 3.0
_METRES_PER_DEG = 111_320.0

Ints = NDArray[np.int64]
Look = Callable[[Sequence[int]], Sequence[Opinion]]
"""All standing verdicts on plants."""


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """The order in which the weeds of a survey are asked for."""

    order: Ints
    """[N] numbers of plants whose photo is there."""
    by_chance: NDArray[np.bool_]
    """[N]"""
    again: NDArray[np.bool_]
    """[N] whether a second person looks as well."""
    without_photo: int
    """Plants whose photo is not on the box any more."""
    closed: NDArray[np.bool_]
    """[N] on which no further verdict was wanted when somebody looked: they need not be looked up again."""

    def reopen(self, plant: int) -> None:
        """A verdict on this plant was taken back."""
        self.closed[self.order == plant] = False

    def is_by_chance(self, plant: int) -> bool:
        """Whether chance puts this plant where it is."""
        return bool(self.by_chance[self.order == plant].any())


def plan(called: Called, has_photo: Callable[[str], bool]) -> Plan:
    """Put the weeds of a survey in order."""
    there = np.array([has_photo(digest) for digest in called.digests], bool)
    kept = there[called.photo] if len(called.plants) else np.zeros(0, bool)
    drawn = hashed(called.plants)
    half = (drawn & np.uint64(1)).astype(bool) | (int((~called.sure).sum()) < HALVED_FROM)
    chance = np.argsort(drawn, kind="stable")
    sure = chance[(called.sure & kept)[chance]]
    unsure = chance[(~called.sure & half & kept)[chance]]
    chosen = np.flatnonzero(~called.sure & ~half & kept)
    chosen = chosen[np.argsort(-teaching(called)[chosen], kind="stable")]
    first = _woven([unsure[:ENOUGH], sure[:ENOUGH]], (0, 1))
    order = np.concatenate([first, _woven([chosen, unsure[ENOUGH:], sure[ENOUGH:]], (0, 1, 0, 2))])
    again = (drawn // np.uint64(2)) % np.uint64(AGAIN_ONE_IN) == 0
    return Plan(
        order=called.plants[order],
        by_chance=(called.sure | half)[order],
        again=again[order],
        without_photo=int((~kept).sum()),
        closed=np.zeros(len(order), bool),
    )


def hashed(plants: Ints) -> NDArray[np.uint64]:
    """[N] SplitMix64 (Steele, Lea and Flood 2014) of numbers of plants: like drawn by lot, and the same each time."""
    with np.errstate(over="ignore"):
        x = plants.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))


def teaching(called: Called) -> NDArray[np.float64]:
    """[N] 0 to 1: how much a verdict on each plant teaches.

    Half of it is how near its score lies to where the model begins to be sure (the least score of a sure one), three
    tenths its size, two tenths whether it stands within 3 m of a hotspot; the first two as ranks among the unsure.
    """
    unsure = ~called.sure
    least = float(called.score[called.sure].min()) if called.sure.any() else 1.0
    near = _rank(-np.abs(called.score - least), unsure)
    return 0.5 * near + 0.3 * _rank(called.area_cm2, unsure) + 0.2 * _in_hotspots(called)


def _rank(values: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.float64]:
    ranks = np.zeros(len(values))
    some = np.flatnonzero(among)
    ranks[some[np.argsort(values[some], kind="stable")]] = (np.arange(len(some)) + 1) / max(len(some), 1)
    return ranks


def _in_hotspots(called: Called) -> NDArray[np.float64]:
    near = np.zeros(len(called.plants), bool)
    for lat, lon in called.hotspots:
        north = (called.lat - lat) * _METRES_PER_DEG
        east = (called.lon - lon) * _METRES_PER_DEG * np.cos(np.radians(lat))
        near |= np.hypot(north, east) < _NEAR_M
    return near.astype(np.float64)


def _woven(lanes: Sequence[Ints], pattern: Sequence[int]) -> Ints:
    """One lane after the other by `pattern`, places in `lanes`; one that is at its end is passed over."""
    ends = [iter(lane.tolist()) for lane in lanes]
    found: list[int] = []
    live = set(pattern)
    while live:
        for lane in pattern:
            taken = next(ends[lane], None)
            if taken is None:
                live.discard(lane)
            else:
                found.append(taken)
    return np.array(found, np.int64)


def outcome(verdicts: Iterable[LabelVerdict]) -> LabelVerdict | None:
    """What people make of a plant: what most of those say who could tell; None: as many say otherwise (contested)."""
    told = [one for one in verdicts if one is not LabelVerdict.UNSURE]
    if not told:
        return LabelVerdict.UNSURE
    counts = sorted(((told.count(one), one) for one in set(told)), reverse=True)
    return None if len(counts) > 1 and counts[0][0] == counts[1][0] else counts[0][1]


def by_plant(opinions: Iterable[Opinion]) -> dict[int, list[Opinion]]:
    """Opinions by their plants."""
    found: dict[int, list[Opinion]] = {}
    for one in opinions:
        found.setdefault(one.plant, []).append(one)
    return found


def is_wanted(given: Sequence[Opinion], again: bool) -> bool:
    """Whether a verdict of one more person is wanted on a plant with these ones."""
    told = {one.verdict for one in given if one.verdict is not LabelVerdict.UNSURE}
    if len(told) > 1:
        return len(given) < MOST_EACH and outcome(one.verdict for one in given) is None
    return len(given) < (2 if again or (given and not told) else 1)


class Reviewing:
    """What an app remembers of reviews beside the store: orders of plants, who was shown what, what was skipped.

    Little is lost with it: after a restart a plant may be shown to two people, or again to who skipped it, and verdicts
    from a page of before count as not asked for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._plans: OrderedDict[str, tuple[float, Plan]] = OrderedDict()
        self._leases: dict[int, tuple[str, float]] = {}
        self._skipped: dict[str, OrderedDict[int, None]] = {}
        self._handed: dict[str, OrderedDict[int, float]] = {}
        """When each person was last shown which plants, the oldest first."""
        self._populations: dict[str, tuple[int, int]] = {}

    def plan(self, survey_id: str, make: Callable[[], Plan]) -> Plan:
        """The order of a survey's plants, made at most every half hour."""
        now = self._clock()
        with self._lock:
            kept = self._plans.get(survey_id)
        if kept and now - kept[0] < PLAN_S:
            return kept[1]
        made = make()
        with self._lock:
            self._plans[survey_id] = (now, made)
            self._plans.move_to_end(survey_id)
            while len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        return made

    def reopen(self, survey_id: str, plant: int) -> None:
        """A verdict on a plant was taken back: it may be asked for again."""
        with self._lock:
            kept = self._plans.get(survey_id)
        if kept:
            kept[1].reopen(plant)

    def population(self, survey_id: str, count: Callable[[], tuple[int, int]]) -> tuple[int, int]:
        """Sure and unsure plants of a survey, counted once: they do not change."""
        if survey_id not in self._populations:
            self._populations[survey_id] = count()
        return self._populations[survey_id]

    def release(self, plant: int) -> None:
        """A plant that was shown was judged."""
        with self._lock:
            self._leases.pop(plant, None)

    def was_asked(self, who: str, plant: int) -> bool:
        """Whether the queue gave this plant to this person in the last hours; else they chose it themselves."""
        with self._lock:
            mine: Mapping[int, float] = self._handed.get(who, {})
            at = mine.get(plant)
        return at is not None and self._clock() - at < HANDED_S

    def skip(self, who: str, plant: int) -> None:
        """Somebody does not want to judge this plant now."""
        with self._lock:
            mine = self._skipped.setdefault(who, OrderedDict())
            mine[plant] = None
            while len(mine) > _SKIPPED:
                mine.popitem(last=False)

    def unskip(self, who: str) -> int:
        """Show what somebody skipped again; how many there were."""
        with self._lock:
            return len(self._skipped.pop(who, ()))

    def take(self, order: Plan, look: Look, who: str, count: int, but: Set[int]) -> list[int]:
        """The next plants for a person, at most `count`, none of `but`; they are leased to that person."""
        found: list[int] = []
        for places in _portions(np.flatnonzero(~order.closed)):
            given = by_plant(look(order.order[places].tolist()))
            now = self._clock()
            with self._lock:
                self._leases = {plant: one for plant, one in self._leases.items() if one[1] > now}
                for plant in self._open(order, places, given, who):
                    if plant not in but and len(found) < count:
                        found.append(plant)
                        self._hand(who, plant, now)
            if len(found) == count:
                break
        return found

    def _hand(self, who: str, plant: int, now: float) -> None:
        self._leases[plant] = (who, now + LEASE_S)
        mine = self._handed.setdefault(who, OrderedDict())
        mine[plant] = now
        mine.move_to_end(plant)
        while len(mine) > _HANDED:
            mine.popitem(last=False)

    def _open(
        self, order: Plan, places: Ints, given: Mapping[int, Sequence[Opinion]], who: str
    ) -> Iterator[int]:
        skipped: Mapping[int, None] = self._skipped.get(who, {})
        for place in places.tolist():
            plant, again = int(order.order[place]), bool(order.again[place])
            there = given.get(plant, ())
            mine = any(one.who == who for one in there) or plant in skipped
            if not is_wanted(there, again):
                order.closed[place] = True
            elif not mine and self._leases.get(plant, (who,))[0] == who:
                yield plant


def _portions(places: Ints) -> Iterator[Ints]:
    return (places[start : start + _PORTION] for start in range(0, len(places), _PORTION))
