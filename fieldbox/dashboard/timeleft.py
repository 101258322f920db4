"""How long the work on a flight still takes: a guess from its own pace, and from what the last flights took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fieldbox.dashboard.language import number, say, say_many
from fieldbox.dashboard.ports import WorkedLike
from fieldbox.domain import Interval

STEPS = ("make", "align", "plan", "look", "again", "map", "mosaic")
"""In their order."""
ENOUGH_PARTS, ENOUGH_S = 3, 2.0
"""From so many parts and seconds on a step tells its own pace."""
SCATTER = 0.15
"""By which the pace of the rest of a step may differ from that of its beginning, as a share."""
ALIKE = 1.5
"""Ends of a span that differ by no more than this factor are told as one number."""


@dataclass(frozen=True, slots=True)
class Work:
    """How far the work on a flight is."""

    photos: int
    step: str = ""
    """Empty: not begun."""
    done: int = 0
    total: int = 0
    spent: Mapping[str, float] | None = None
    worked: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds that are left."""

    low: float
    high: float
    whole: bool = True
    """False: of this step alone; what comes after it is not known, as no flight was mapped yet."""

    def __add__(self, other: Left) -> Left:
        return Left(self.low + other.low, self.high + other.high, self.whole and other.whole)


def paces(lately: Iterable[WorkedLike]) -> dict[str, Interval]:
    """Seconds to a photo by step, the least and the most of the flights that were mapped last."""
    found: dict[str, list[float]] = {}
    for one in lately:
        for step, seconds in one.spent.items():
            done = one.worked.get(step, 0)
            if done > 0 and one.photos > 0:
                whole = seconds * max(1.0, one.reached.get(step, done) / done)
                found.setdefault(step, []).append(whole / one.photos)
    return {step: Interval(min(every), max(every)) for step, every in found.items()}


def left(work: Work, known: Mapping[str, Interval]) -> Left | None:
    """What the work on a flight still takes, by its own pace in this step and the paces that are known of the others; None: no
    telling."""
    if not work.step:
        return _of_steps(STEPS, work.photos, known)
    now = _of_this_step(work, known)
    if now is None:
        return None
    after = STEPS[STEPS.index(work.step) + 1 :] if work.step in STEPS else ()
    rest = _of_steps(after, work.photos, known) if after else Left(0.0, 0.0)
    return now + rest if rest else Left(now.low, now.high, whole=False)


def queued(works: Sequence[Work], known: Mapping[str, Interval]) -> list[Left | None]:
    """Until each of these is done, one after the other; None from the first on that nothing can be told of."""
    found: list[Left | None] = []
    sum_: Left | None = Left(0.0, 0.0)
    for work in works:
        mine = left(work, known) if sum_ else None
        found.append(sum_ + mine if sum_ and mine else None)
        sum_ = found[-1] if found[-1] and found[-1].whole else None
    return found


def _of_this_step(work: Work, known: Mapping[str, Interval]) -> Left | None:
    parts, seconds = (work.worked or {}).get(work.step, 0), (work.spent or {}).get(work.step, 0.0)
    rest = max(0, work.total - work.done)
    if parts >= ENOUGH_PARTS and seconds >= ENOUGH_S:
        guess = rest * seconds / parts
        return Left((1 - SCATTER) * guess, (1 + SCATTER) * guess)
    if work.step not in known:
        return None
    share = rest / work.total if work.total else 1.0
    low, high = known[work.step]
    return Left(share * work.photos * low, share * work.photos * high)


def _of_steps(steps: Iterable[str], photos: int, known: Mapping[str, Interval]) -> Left | None:
    """None where no flight was mapped. A step that none of them had takes no time."""
    if not known:
        return None
    mine = [known[step] for step in steps if step in known]
    return Left(photos * sum(one.low for one in mine), photos * sum(one.high for one in mine))


# -- in words --------------------------------------------------------------------------------------


def in_words(told: Left | None) -> str:
    """For a flight in work; empty: no telling."""
    if told is None:
        return ""
    time = about(told.low, told.high)
    if not told.whole:
        return say("%(time)s left for this step.", time=time)
    return say("%(time)s left.", time=time)


def in_queue(others: int, told: Left | None) -> str:
    """For a flight that waits for others."""
    if not others:
        return say("It is the next one.") if told is None else say("Done in %(time)s.", time=_lower(told))
    if told is None:
        return say_many("After %(num)s other.", "After %(num)s others.", others)
    return say_many(
        "After %(num)s other, done in %(time)s.",
        "After %(num)s others, done in %(time)s.",
        others,
        time=_lower(told),
    )


def about(low_s: float, high_s: float) -> str:
    """A span in words, as the beginning of a sentence."""
    return _span(low_s, high_s, say("Less than a minute"), say("About"))


def _lower(told: Left) -> str:
    return _span(told.low, told.high, say("less than a minute"), say("about"))


def _span(low_s: float, high_s: float, under: str, about_: str) -> str:
    if high_s < 60:
        return under
    hours = high_s >= 120 * 60
    unit = 3600.0 if hours else 60.0
    narrow = high_s <= ALIKE * low_s
    ends = [(low_s + high_s) / 2] if narrow else [low_s, high_s]
    told = list(dict.fromkeys(_rounded(one / unit, halves=hours) for one in ends))
    amount = "–".join(number(one, 1 if one % 1 else 0) for one in told if one > 0)
    return f"{about_} {amount} {say('hours') if hours else _minutes(told[-1])}"


def _minutes(high: float) -> str:
    return say("minute") if high == 1 else say("minutes")


def _rounded(value: float, *, halves: bool) -> float:
    """To halves of an hour; to minutes, and from 10 on to 5."""
    if halves:
        return round(2 * value) / 2
    return float(round(value)) if value < 10 else 5.0 * round(value / 5)
