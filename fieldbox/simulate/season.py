"""A season on a farm, made up: what is flown and told when, what the clock and the disk do meanwhile, and when a link carries.

Times are true ones, counted from the start; the clock of the box may say something else. The same seed gives the same season.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import Final

from fieldbox.domain import Hotspot, Interval, LayerLabel, Survey, WeedBasis
from fieldbox.i18n import N_, Sentence

START: Final = datetime(2027, 6, 10, tzinfo=UTC)
LINKED: Final = 0.25
"""Days with a link after those without, as a share of them."""
CLOCK_AHEAD: Final = timedelta(days=3 * 365)
CLOCK_BEHIND: Final = timedelta(days=-40)
_DAY = timedelta(days=1)
_SURVEY_DAYS = (0, 2, 4)
_ANALYSED_ANEW = 0.2
"""Share of flights."""
_OUTBREAK = 1 / 12
"""Share of flights that show many more weeds than usual."""


class What(StrEnum):
    """What happens."""

    FLOWN = "flown"
    """A flight came in and is mapped."""
    ANEW = "anew"
    """A flight of before is mapped anew with another model."""
    MORNING = "morning"
    """Another day: the box tells how it does."""
    LINK = "link"
    """A modem gets a connection, or loses it."""
    CLOCK = "clock"
    """The clock is put, rightly or wrongly."""
    BATTERY = "battery"
    """The clock's battery is dead from now on: with each power cut it begins anew in 1970."""
    FULL = "full"
    """Something else fills the disk."""
    ROOM = "room"
    """It is gone again."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens."""

    at: timedelta
    what: What
    number: int = 0
    """Of the flight."""
    release: int = 3
    """Of the weed model."""
    off: timedelta = timedelta(0)
    """How far the clock is ahead from then on."""


@dataclass(frozen=True, slots=True)
class Season:
    """What makes a season."""

    days: int = 240
    """Without a link."""
    seed: int = 1
    cuts: int = 200
    """Times that the power is cut."""
    fields: int = 6

    @property
    def link_comes(self) -> timedelta:
        """When a link carries for the first time."""
        return self.days * _DAY

    @property
    def end(self) -> timedelta:
        """After which nothing happens but sending."""
        return self.days * (1 + LINKED) * _DAY

    def events(self) -> list[Event]:
        """All that happens, in its order."""
        chance = Random(f"{self.seed} events")  # noqa: S311  a season that can be repeated, no secret
        found = [*self._flights(chance), *self._mornings(), *self._mishaps()]
        return sorted((one for one in found if one.at < self.end), key=lambda one: one.at)

    @property
    def surveys(self) -> int:
        """How many are made, new analyses among them."""
        return sum(one.what in (What.FLOWN, What.ANEW) for one in self.events())

    def cut_times(self) -> list[timedelta]:
        """When the power is cut: half of the times before a link comes, half of them after."""
        chance = Random(f"{self.seed} cuts")  # noqa: S311
        before = self.cuts // 2
        times = [chance.random() * self.link_comes for _ in range(before)]
        times += [
            self.link_comes + chance.random() * (self.end - self.link_comes)
            for _ in range(self.cuts - before)
        ]
        return sorted(times)

    def sampled(self) -> list[timedelta]:
        """When the size of the outbox is looked at: at each quarter without a link, and at the end."""
        return [self.link_comes * quarter / 4 for quarter in (1, 2, 3, 4)]

    def is_there(self, at: timedelta) -> bool:
        """Whether a modem has a connection: for some days in the middle it seems so, and nothing is carried."""
        return at >= self.link_comes or 0.40 <= at / self.link_comes < 0.42

    def carries(self, at: timedelta) -> bool:
        """Whether the link carries: GPRS that is gone for hours, and otherwise every one or two minutes for 40 seconds."""
        return at >= self.link_comes and _is_up(self.seed, at.total_seconds())

    def _flights(self, chance: Random) -> Iterator[Event]:
        number = 0
        for week in range(int(self.days * (1 + LINKED) / 7) + 1):
            for day in _SURVEY_DAYS:
                at = (7 * week + day) * _DAY + timedelta(hours=chance.uniform(6, 17))
                yield Event(at, What.FLOWN, number)
                if chance.random() < _ANALYSED_ANEW:
                    yield Event(at + chance.uniform(0.1, 20) * _DAY, What.ANEW, number, release=4)
                number += 1

    def _mornings(self) -> Iterator[Event]:
        for day in range(int(self.days * (1 + LINKED))):
            yield Event(day * _DAY + timedelta(hours=3), What.MORNING)

    def _mishaps(self) -> Iterator[Event]:
        told = (
            (0.125, What.CLOCK, CLOCK_AHEAD),
            (0.14, What.CLOCK, timedelta(0)),
            (0.20, What.FULL, timedelta(0)),
            (0.24, What.ROOM, timedelta(0)),
            (0.30, What.BATTERY, timedelta(0)),
            (0.40, What.LINK, timedelta(0)),
            (0.42, What.LINK, timedelta(0)),
            (0.375, What.CLOCK, timedelta(0)),
            (0.60, What.CLOCK, CLOCK_BEHIND),
            (0.63, What.CLOCK, timedelta(0)),
            (0.70, What.FULL, timedelta(0)),
            (0.73, What.ROOM, timedelta(0)),
            (0.85, What.BATTERY, timedelta(0)),
            (1.00, What.LINK, timedelta(0)),
            (1.10, What.FULL, timedelta(0)),
            (1.12, What.ROOM, timedelta(0)),
            (1.15, What.CLOCK, CLOCK_AHEAD),
        )
        for share, what, off in told:
            yield Event(share * self.link_comes, what, off=off)


@lru_cache(maxsize=64)
def _hour(seed: int, hour: int) -> Sequence[tuple[float, float]]:
    """Spans of an hour in which the link carries, in seconds; there may be none."""
    chance = Random(f"{seed} link {hour}")  # noqa: S311
    if chance.random() < 0.3:
        return ()
    spans, at = [], 0.0
    while at < 3600:
        up = chance.uniform(60, 120)
        spans.append((at, at + up))
        at += up + 40
    return spans


def _is_up(seed: int, seconds: float) -> bool:
    hour, rest = divmod(seconds, 3600)
    return any(start <= rest < end for start, end in _hour(seed, int(hour)))


# -- what a survey says ----------------------------------------------------------------------------

SOMETIMES: Final = (
    (N_("Photos that could not be placed and are not on the map: {count}; the flight's page says why."), 0.3),
    (N_("Positions are only good to {error} m: look around each spot, or fly with RTK."), 0.2),
)
"""What surveys say beside their figures, and how often."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a survey is of."""

    id: str
    flight_id: str
    field_id: int
    release: int
    made_at: datetime


def survey(named: Named, seed: int, number: int) -> Survey:
    """The survey of flight `number`, with figures such as real ones have; another release finds a little more or less."""
    chance = Random(f"{seed} flight {number}")  # noqa: S311
    area, outbreak = chance.uniform(0.2, 3.5), chance.random() < _OUTBREAK
    weeds = area * chance.lognormvariate(6, 0.3) * (8 if outbreak else 1) * (1 + 0.03 * (named.release - 3))
    weed_pct, crop_pct, crops = weeds / area / 300, chance.uniform(5, 80), area * chance.uniform(2e4, 8e4)
    health, unsure, unseen = chance.uniform(45, 65), chance.uniform(0.2, 9), chance.uniform(0, 6)
    return Survey(
        id=named.id,
        flight_id=named.flight_id,
        field_id=named.field_id,
        release=f"weeds@{named.release}",
        made_at=named.made_at,
        area_ha=area,
        area_ha_interval95=_around(area, 0.03),
        gsd_cm=chance.uniform(0.25, 0.9),
        gsd_cm_interval95=None,
        weed_cover_pct=weed_pct,
        weed_cover_pct_interval95=_around(weed_pct, 0.3),
        weed_count=round(weeds),
        weed_count_interval95=_around(weeds, 0.25),
        crop_cover_pct=crop_pct,
        crop_cover_pct_interval95=_around(crop_pct, 0.1),
        crop_count=round(crops),
        crop_count_interval95=_around(crops, 0.08),
        health_index=health,
        health_index_interval95=_around(health, 0.15),
        unsure_pct=unsure,
        unsure_pct_interval95=_around(unsure, 0.15),
        unseen_pct=unseen,
        unseen_pct_interval95=_around(unseen, 0.4),
        position_error_m=chance.uniform(0.4, 6),
        layer_label=LayerLabel.RGB_ONLY,
        warnings=_warnings(chance),
        hotspots=tuple(spot(chance, rank + 1) for rank in range(chance.randint(0, 12))),
        photos_used=chance.randint(40, 400),
        photos_unplaced=chance.choice((0, 0, 2)),
        weed_basis=WeedBasis.PLANTS,
    )


def _around(value: float, spread: float) -> Interval:
    return Interval(value * (1 - spread), value * (1 + spread))


def _warnings(chance: Random) -> tuple[Sentence, ...]:
    numbers = {"count": chance.randint(1, 60), "error": round(chance.uniform(1, 9), 1)}
    return tuple(Sentence(template, numbers) for template, often in SOMETIMES if chance.random() < often)


def spot(chance: Random, rank: int) -> Hotspot:
    """A place where weeds stand thick, some way from the middle of its field."""
    north, east = chance.gauss(0, 60), chance.gauss(0, 60)
    return Hotspot(
        rank=rank,
        east=500_000 + east,
        north=2_000_000 + north,
        lat=18.52 + north / 111_000,
        lon=73.85 + east / 105_000,
        area_m2=float(chance.randint(2, 90)),
        weed_cover=chance.uniform(0.01, 0.4),
        weed_count=chance.randint(3, 700),
        digest="ab" * 32,
        pixel_x=1.0,
        pixel_y=2.0,
    )
