"""The same simulated field some days on: crop and weeds have grown, weeds were killed, new ones came up in patches.

Every plant that is left stands where it stood. What happened is kept, so that the truth can tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import shapely

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

Ring = tuple[tuple[float, float], ...]
"""Open, local metres east and north."""


def check_ranges(ranges: Mapping[str, tuple[float, float, float]]) -> None:
    """Raise Misconfigured for the first of the named values that does not lie between its bounds."""
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise Misconfigured(
                N_("The simulated field's {name} is {value}; give a number from {low} to {high}."),
                name=name,
                value=value,
                low=low,
                high=high,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What happens to a field until it is flown again."""

    days: float
    crop_per_day: float = 0.02
    """By which share of its diameter a crop plant grows."""
    weeds_per_day: float = 0.02
    killed: tuple[Ring, ...] = ()
    """Ground whose weeds are treated."""
    kill: float = 0.9
    """Share of its weeds that are gone."""
    new_patches: int = 0
    new_weeds: int = 30
    """In each new patch."""
    patch_m: float = 0.8
    """Standard deviation, on each axis, of the places in a new patch."""
    weathered: bool = False
    """Rain and hoe leave no crumb of soil as it was; False: the soil looks as it did."""

    def __post_init__(self) -> None:
        """Raise Misconfigured for what cannot be."""
        ranges = {
            "days": (self.days, 0.0, 365.0),
            "kill": (self.kill, 0.0, 1.0),
            "crop_per_day": (self.crop_per_day, 0.0, 0.5),
            "weeds_per_day": (self.weeds_per_day, 0.0, 0.5),
            "new_patches": (self.new_patches, 0, 1000),
            "new_weeds": (self.new_weeds, 1, 10_000),
            "patch_m": (self.patch_m, 0.05, 50.0),
        }
        check_ranges(ranges)


@dataclass(frozen=True, slots=True)
class Happened:
    """What became of a field. Local metres east and north."""

    later: Later
    killed: tuple[tuple[float, float], ...]
    """Where weeds stood that are gone."""
    came: tuple[tuple[float, float], ...]
    """Where new ones stand."""
    patches: tuple[tuple[float, float], ...]
    """Middles of the new patches."""


class Standing(Protocol):
    """A plant to be drawn (a frozen dataclass)."""

    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def diameter(self) -> float: ...


Plant = TypeVar("Plant", bound=Standing)


def grown(plants: Sequence[Plant], per_day: float, days: float, most_m: float) -> list[Plant]:
    """Each as large as it is by then, up to a diameter."""
    factor = (1 + per_day) ** days
    return [replace(one, diameter=max(one.diameter, min(one.diameter * factor, most_m))) for one in plants]  # type: ignore[type-var]


def survivors(
    weeds: Sequence[Plant], later: Later, rng: np.random.Generator
) -> tuple[list[Plant], list[Plant]]:
    """The weeds that are left, and those gone."""
    fate = rng.random(len(weeds)) < later.kill
    if not later.killed or not weeds:
        return list(weeds), []
    ground = shapely.union_all([shapely.Polygon(one).buffer(0) for one in later.killed])
    shapely.prepare(ground)
    treated = shapely.contains_xy(ground, [one.x for one in weeds], [one.y for one in weeds])
    gone = np.asarray(treated) & fate
    return (
        [one for one, lost in zip(weeds, gone, strict=True) if not lost],
        [one for one, lost in zip(weeds, gone, strict=True) if lost],
    )


def new_patches(
    later: Later,
    size_m: tuple[float, float],
    rng: np.random.Generator,
    make: Callable[[float, float, float], Plant | None],
) -> tuple[list[Plant], list[tuple[float, float]]]:
    """New weeds in patches, and the middles of these. `make` gives the weed at a place, of a size between 0 and 1, or None
    where none can stand."""
    half = np.array(size_m) / 2
    room = np.maximum(half - 2 * later.patch_m, 0.2 * half)
    middles = [(float(x), float(y)) for x, y in rng.uniform(-room, room, (later.new_patches, 2))]
    came: list[Plant] = []
    for middle in middles:
        wanted = later.new_weeds
        for _attempt in range(8 * later.new_weeds):
            at = np.array(middle) + rng.normal(0, later.patch_m, 2)
            size = float(rng.random())
            if not wanted:
                break
            if np.any(np.abs(at) > half):
                continue
            plant = make(float(at[0]), float(at[1]), size)
            if plant is not None:
                came.append(plant)
                wanted -= 1
    return came, middles
