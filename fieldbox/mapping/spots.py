"""Spots worth a visit on foot: where weeds are many, where the crop is poor, and where the box is in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Hotspot, Spot, SpotKind, Vigour, Zone
from fieldbox.i18n import N_, Sentence

Floats = NDArray[np.float64]

APART_M = 5.0
"""Who stands on one spot sees what is nearer."""
FEW_DOUBTS = 3
"""Plants; single ones are not worth a walk."""
MANY_WEEDS = N_("Many weeds: {count} plants on {area} m².")
MUCH_WEED = N_("Many weeds: they cover {cover} % of {area} m².")
POOR_CROP = N_("The crop is poorer here than in the rest of the field: {area} m².")
POOR_ONCE = N_("The crop is poorer here than in the rest of the field, as in the survey before: {area} m².")
POOR_AGAIN = N_(
    "The crop is poorer here than in the rest of the field, as in the {count} surveys before: {area} m²."
)
DOUBTS = N_("{count} plants the box could not tell: crop or weed?")


@dataclass(frozen=True, eq=False, slots=True)
class Plants:
    """N plants that may stand for a spot, or be one."""

    places: Floats
    """[N, 2] east, north."""
    degrees: Floats
    """[N, 2] lon, lat."""
    digest: Sequence[str]
    pixels: Floats
    """[N, 2] x, y in that capture."""

    def __len__(self) -> int:
        return len(self.places)

    def only(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Plants:
        """Some of them."""
        index = np.flatnonzero(kept) if kept.dtype == np.bool_ else kept
        return Plants(
            self.places[index], self.degrees[index], [self.digest[one] for one in index], self.pixels[index]
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """A spot and where it is on the ground."""

    spot: Spot
    east: float
    north: float


def worth_visiting(
    weeds: Iterable[Placed], crop: Iterable[Placed], doubts: Iterable[Placed], *, limit: int
) -> tuple[Placed, ...]:
    """At most `limit` spots. The worst of each kind in turn; what lies within APART_M of one that is visited anyway is told
    there, of each kind once."""
    found: list[Placed] = []
    kinds: list[set[SpotKind]] = []
    for one in chain.from_iterable(zip_longest(weeds, crop, doubts)):
        if one is None:
            continue
        away = [float(np.hypot(one.east - other.east, one.north - other.north)) for other in found]
        if away and min(away) < APART_M:
            near = int(np.argmin(away))
            told = one.spot.kind not in kinds[near]
            found[near] = _with(found[near], one.spot, told=told)
            kinds[near].add(one.spot.kind)
        elif len(found) < limit:
            found.append(replace(one, spot=replace(one.spot, rank=len(found) + 1)))
            kinds.append({one.spot.kind})
    return tuple(found)


def _with(placed: Placed, other: Spot, *, told: bool) -> Placed:
    """With another's name, and what it is worth a visit for if that is `told`."""
    checks = (other.why, *other.checks) if told else ()
    spot = placed.spot
    return replace(placed, spot=replace(spot, checks=(*spot.checks, *checks), also=(*spot.also, other.name)))


def of_weeds(hotspots: Sequence[Hotspot]) -> Iterator[Placed]:
    """Groups of weeds, the worst first."""
    for one in sorted(hotspots, key=lambda hotspot: hotspot.rank):
        area = round(one.area_m2)
        why = (
            Sentence(MUCH_WEED, {"cover": round(100 * one.weed_cover, 1), "area": area})
            if one.weed_count is None
            else Sentence(MANY_WEEDS, {"count": one.weed_count, "area": area})
        )
        spot = Spot(
            rank=one.rank, name=str(one.rank), kind=SpotKind.WEEDS, lat=one.lat, lon=one.lon, why=why,
            digest=one.digest, pixel_x=one.pixel_x, pixel_y=one.pixel_y,
        )  # fmt: skip
        yield Placed(spot, one.east, one.north)


def of_crop(zones: Sequence[Zone], places: Floats) -> Iterator[Placed]:
    """Poor vigour zones, the worst first; `places` [N, 2] are theirs, east and north."""
    for one, (east, north) in sorted(zip(zones, places.tolist(), strict=True), key=lambda pair: pair[0].rank):
        if one.vigour is not Vigour.POOR:
            continue
        area = round(one.area_m2)
        why = _poorer(area, one.poor_before or 0)
        spot = Spot(
            rank=one.rank, name=one.name, kind=SpotKind.CROP, lat=one.lat, lon=one.lon, why=why, checks=one.causes
        )  # fmt: skip
        yield Placed(spot, east, north)


def _poorer(area_m2: int, before: int) -> Sentence:
    """Why poor crop is worth a visit. Sentences have no plural forms: one survey has its own."""
    if before > 1:
        return Sentence(POOR_AGAIN, {"count": before, "area": area_m2})
    return Sentence(POOR_ONCE if before else POOR_CROP, {"area": area_m2})


def of_doubts(unsure: Plants) -> Iterator[Placed]:
    """Squares of APART_M with some plants that no look could tell, those with most first; the plant nearest to the middle of
    each stands for it."""
    square = np.floor(unsure.places / APART_M).astype(np.int64)
    _square, member = np.unique(square, axis=0, return_inverse=True)
    member = member.reshape(-1)
    count = np.bincount(member)
    for rank, group in enumerate(np.argsort(-count, kind="stable").tolist(), start=1):
        if count[group] < FEW_DOUBTS:
            return
        index = np.flatnonzero(member == group)
        away = unsure.places[index] - unsure.places[index].mean(axis=0)
        shown = int(index[np.argmin(np.hypot(*away.T))])
        lon, lat = unsure.degrees[shown].tolist()
        x, y = unsure.pixels[shown].tolist()
        spot = Spot(
            rank=rank, name=f"D{rank}", kind=SpotKind.DOUBTFUL, lat=lat, lon=lon,
            why=Sentence(DOUBTS, {"count": int(count[group])}),
            digest=unsure.digest[shown], pixel_x=x, pixel_y=y,
        )  # fmt: skip
        yield Placed(spot, *unsure.places[shown].tolist())


def pictured(placed: Placed, plants: Plants) -> Placed:
    """The spot with the picture of the nearest of these plants within APART_M, if it has none."""
    if placed.spot.digest is not None or not len(plants):
        return placed
    away = np.hypot(*(plants.places - (placed.east, placed.north)).T)
    nearest = int(np.argmin(away))
    if away[nearest] > APART_M:
        return placed
    x, y = plants.pixels[nearest].tolist()
    return replace(placed, spot=replace(placed.spot, digest=plants.digest[nearest], pixel_x=x, pixel_y=y))
