"""How well a flight could be put on the map, in words for the pilot: a verdict by stated rules, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

import shapely

from fieldbox.dashboard import units
from fieldbox.dashboard.language import metres, number, say, say_many
from fieldbox.dashboard.words import Figure
from fieldbox.domain import (
    FEW_HOLES_PCT,
    MANY_HOLES_PCT,
    MUCH_THIN_PCT,
    NotAligned,
    Placement,
    Quality,
    Survey,
)
from fieldbox.i18n import N_

ENOUGH_ALIGNED, LEAST_ALIGNED = 0.95, 0.5
"""Share of the photos that fit together: from here on good, below here fly again."""
GOOD_PLACE_M, POOR_PLACE_M = 5.0, 25.0
"""95 % radius of places on the map: a spot is found again on foot; it is lost."""
FAR_APART_M = 0.2
"""By which two photos may put the same plant apart, as far as plants stand from each other."""
CONTROL_MISSED_M = 0.5
"""Root mean square at the control points: more, and a point or its list is wrong."""
ERROR_CLASSES = (0.3, 1.0, 3.0, 10.0)
"""Upper ends, in metres, of the colours for a photo's place; the last colour is for what is beyond them."""
ERROR_COLOURS = ("#0571b0", "#92c5de", "#f7f7f7", "#fdb863", "#e66101")
"""Blue to orange (ColorBrewer's RdBu and PuOr): told apart by the colour-blind. Red is for holes."""
NAMES_SHOWN = 200
_EQUATOR_M, _ECCENTRICITY2 = 6_378_137.0, 0.00669437999
OF_TIES = "ties"
"""The doubt that is not about what a photo tells."""
_PUT_RIGHT: Mapping[str, str] = {
    "position": N_("Its place was wrong and was put right."),
    "height": N_("Its height was wrong and was put right."),
    "yaw": N_("Its heading was wrong and was put right."),
    "tilt": N_("Its tilt was wrong and was put right."),
    "missing position": N_("It told no place: the photos around it gave it one."),
    OF_TIES: N_("It may belong elsewhere: what it has in common with its neighbours does not fit together."),
}
_NOT_PUT_RIGHT = N_("Something that it tells of its place looks wrong but could not be put right.")

_WHY: Mapping[NotAligned | None, str] = {
    NotAligned.UNREADABLE: N_("It cannot be read: the file is damaged."),
    NotAligned.BLACK: N_("It is too dark to show anything."),
    NotAligned.BURNT_OUT: N_("It is burnt out: too bright to show anything."),
    NotAligned.BLURRED: N_("It is blurred, much more than the others."),
    NotAligned.PLAIN: N_(
        "It shows nothing that could be found again in another photo: water, bare sand or fog."
    ),
    NotAligned.ALONE: N_("No other photo shows the ground that its GPS and heading give it."),
    NotAligned.STRAY: N_("What it has in common with its neighbours contradicts the rest of what they show."),
    NotAligned.FEW: N_("It has too little in common with other photos."),
    None: N_("It is not known: this map was made by an earlier release."),
}


class Verdict(StrEnum):
    """What to do with a flight. Its values are the classes of notes on a page."""

    GOOD = "good"
    USABLE = "warn"
    AGAIN = "bad"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a flight with its reasons, the gravest first."""

    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        return {
            Verdict.GOOD: say("Good: the photos fit together and cover the field."),
            Verdict.USABLE: say("Usable, but look at this first:"),
            Verdict.AGAIN: say("Fly again:"),
        }[self.verdict]

    @property
    def todo(self) -> str:
        """What follows from it, for whoever decides by the map."""
        return {
            Verdict.GOOD: say("There is nothing to do: you can go by this map."),
            Verdict.USABLE: say("You need not fly again: go by this map, and mind what is said above."),
            Verdict.AGAIN: say(
                "Do not decide by this map: fly the field again, and mend first what is said above."
            ),
        }[self.verdict]


@dataclass(frozen=True, slots=True)
class Hole:
    """Ground of the field that no photo shows."""

    rings: tuple[tuple[tuple[float, float], ...], ...]
    """(lon, lat); the outer one, then those of its openings."""
    area_m2: float

    @property
    def middle(self) -> tuple[float, float]:
        """Latitude and longitude of a place to fly to: within it, whatever its shape."""
        place = shapely.Polygon(self.rings[0], self.rings[1:]).representative_point()
        return place.y, place.x


@dataclass(frozen=True, slots=True)
class Told:
    """Photos of which the same is to be told."""

    words: str
    photos: tuple[tuple[str, str], ...]
    """(digest, name) of the first of them."""
    count: int


def area_m2(ring: Sequence[tuple[float, float]]) -> float:
    """Of a ring of (lon, lat), small enough for the ground to be flat."""
    if len(ring) < 3:
        return 0.0
    points = [_metres(ring[0], point) for point in ring]
    crossed = (a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))
    return abs(sum(crossed)) / 2


def holes(quality: Quality) -> list[Hole]:
    """The holes of a flight, the largest first."""
    found = [
        Hole(rings, area_m2(rings[0]) - sum(map(area_m2, rings[1:])))
        for rings in quality.holes
        if len(rings[0]) >= 3
    ]
    return sorted(found, key=lambda one: -one.area_m2)


def _metres(origin: tuple[float, float], point: tuple[float, float]) -> tuple[float, float]:
    """East and north of a place (lon, lat) from another one nearby, by the radii of WGS 84's ellipsoid there."""
    lat = math.radians(origin[1])
    flat = 1 - _ECCENTRICITY2 * math.sin(lat) ** 2
    across = _EQUATOR_M / math.sqrt(flat)
    along = _EQUATOR_M * (1 - _ECCENTRICITY2) / flat**1.5
    east, north = (math.radians(there - here) for here, there in zip(origin, point, strict=True))
    return east * across * math.cos(lat), north * along


def judge(survey: Survey) -> Judgement | None:
    """The verdict on a survey's flight; None if its photos were never aligned."""
    if survey.quality is None:
        return None
    checks = (_fit, _groups, _bare, _thin, _place, _apart, _control)
    found = [told for check in checks if (told := check(survey.quality))]
    gravity = [Verdict.AGAIN, Verdict.USABLE]
    found.sort(key=lambda told: gravity.index(told[0]))
    return Judgement(found[0][0] if found else Verdict.GOOD, tuple(words for _verdict, words in found))


_Check = tuple[Verdict, str] | None


def _fit(quality: Quality) -> _Check:
    if quality.photos < 2:
        return Verdict.USABLE, say("There is only one photo with a place: nothing shows whether it is right.")
    kept = quality.photos - quality.aligned
    if quality.aligned < LEAST_ALIGNED * quality.photos:
        return Verdict.AGAIN, say(
            "Only %(aligned)s of %(photos)s photos fit together. Fly with more overlap (80 %% ahead, 70 %% to the "
            "side), or higher.",
            aligned=number(quality.aligned),
            photos=number(quality.photos),
        )
    if quality.aligned < ENOUGH_ALIGNED * quality.photos:
        return Verdict.USABLE, say_many(
            "%(num)s photo fits no other and stands only where the drone or a list put it: plants there may be shown twice.",
            "%(num)s photos fit no other and stand only where the drone or a list put them: plants there may be shown twice.",
            kept,
        )
    return None


def _groups(quality: Quality) -> _Check:
    if quality.blocks < 2:
        return None
    return Verdict.USABLE, say(
        "The photos fall into %(blocks)s groups that have nothing in common: from one to the next the map may jump "
        "by %(error)s m.",
        blocks=number(quality.blocks),
        error=metres(math.sqrt(2) * quality.error_m),
    )


def _bare(quality: Quality) -> _Check:
    percent = quality.bare_pct
    if percent is None or percent <= FEW_HOLES_PCT:
        return None
    return Verdict.AGAIN if percent > MANY_HOLES_PCT else Verdict.USABLE, say(
        "%(percent)s %% of the field is on no photo: it is red on the map.", percent=number(percent, 1)
    )


def _thin(quality: Quality) -> _Check:
    percent = quality.thin_pct
    if percent is None or percent <= MUCH_THIN_PCT:
        return None
    return Verdict.USABLE, say(
        "%(percent)s %% of the field is on fewer than three photos (violet on the map): if one of them is blurred, "
        "nothing makes up for it. Fly the lines closer together next time.",
        percent=number(percent),
    )


def _place(quality: Quality) -> _Check:
    if quality.error_m <= GOOD_PLACE_M:
        return None
    grave = quality.error_m > POOR_PLACE_M
    return Verdict.AGAIN if grave else Verdict.USABLE, say(
        "Places on the map are only right to ± %(error)s m. Wait for a good GPS fix before take-off, fly with RTK, or "
        "lay out control points.",
        error=metres(quality.error_m),
    )


def _apart(quality: Quality) -> _Check:
    if quality.apart_m <= FAR_APART_M or quality.photos < 2:
        return None
    return Verdict.USABLE, say(
        "Two photos may show the same plant %(apart)s apart: where they meet, plants may be counted twice or lost.",
        apart=str(units.length(quality.apart_m)),
    )


def _control(quality: Quality) -> _Check:
    if quality.control_error_m is None or quality.control_error_m <= CONTROL_MISSED_M:
        return None
    return Verdict.USABLE, say(
        "The control points are missed by %(error)s: check their list and where they are marked.",
        error=str(units.length(quality.control_error_m)),
    )


def rules() -> list[str]:
    """How the verdict comes about."""
    return [
        say(
            "Good: %(aligned)s %% or more of the photos fit together in one group; at most %(bare)s %% of the field is "
            "on no photo and at most %(thin)s %% on fewer than three; places are right to %(place)s m, and two photos "
            "show the same plant no more than %(apart)s cm apart.",
            aligned=number(100 * ENOUGH_ALIGNED),
            bare=number(FEW_HOLES_PCT),
            thin=number(MUCH_THIN_PCT),
            place=number(GOOD_PLACE_M),
            apart=number(100 * FAR_APART_M),
        ),
        say(
            "Fly again: fewer than %(aligned)s %% of the photos fit together, or more than %(bare)s %% of the field "
            "is on no photo, or places are only right to more than %(place)s m.",
            aligned=number(100 * LEAST_ALIGNED),
            bare=number(MANY_HOLES_PCT),
            place=number(POOR_PLACE_M),
        ),
        say("Usable: everything in between."),
        say(
            "As long as nobody has drawn the field's boundary it is the line around all photos; gaps along it do not "
            "count, unless they part the photos as a line does that was left out."
        ),
    ]


def coverage(survey: Survey, quality: Quality) -> list[Figure]:
    """How much of the field is on photos, and on how many."""
    thin, bare = quality.thin_pct, quality.bare_pct
    area = say("%(area)s m²", area=number(sum(hole.area_m2 for hole in holes(quality))))
    return [
        Figure(say("Photos over each spot"), number(quality.overlap), "", say("typical")),
        Figure(say("On fewer than three"), None if thin is None else number(thin), "%", say("of the field")),
        Figure(say("On no photo"), None if bare is None else number(bare, 1), "%", area),
        Figure(say("One pixel on the ground"), number(survey.gsd_cm, 2), "cm", None),
    ]


def fit(survey: Survey, quality: Quality, placed: Sequence[Placement]) -> list[Figure]:
    """How well the photos agree with each other."""
    kept = quality.photos - quality.aligned
    found = [
        Figure(say("Used for the map"), number(survey.photos_used), "", _of_photos(quality.photos)),
        Figure(say("Fit together"), number(quality.aligned), "", _of_photos(quality.photos)),
        Figure(say("Only as told"), number(kept), "", None),
        Figure(say("Groups"), number(quality.blocks), "", say("1 is best") if quality.blocks != 1 else None),
    ]
    residuals = [one.residual_px for one in placed if one.residual_px is not None]
    if residuals:
        pixels = median(residuals)
        told = say("%(pixels)s pixels", pixels=number(pixels, 1))
        found.append(Figure(say("Neighbours disagree by"), number(pixels * survey.gsd_cm, 1), "cm", told))
    apart = units.length(quality.apart_m)
    told = "≤ " + number(apart.value, apart.digits)
    found.append(Figure(say("Same plant in two photos"), told, apart.unit, say("19 times in 20")))
    return found


def _of_photos(count: int) -> str:
    return say_many("of %(num)s photo", "of %(num)s photos", count)


def position(quality: Quality) -> list[Figure]:
    """How far places on the map may be off, before and after."""
    found = [
        Figure(
            say("As the drone or a list told"),
            "± " + metres(quality.told_error_m),
            "m",
            say("19 times in 20"),
        ),
        Figure(say("After fitting"), "± " + metres(quality.error_m), "m", say("19 times in 20")),
    ]
    if quality.control_points:
        missed = quality.control_error_m
        told = say("missed by %(error)s", error=str(units.length(missed))) if missed is not None else None
        found.append(Figure(say("Control points"), number(quality.control_points), "", told))
    return found


def doubtful(placed: Sequence[Placement], names: Mapping[str, str]) -> list[Told]:
    """Photos whose tags turned out wrong, by what was wrong, the most frequent first."""
    groups: dict[str, list[Placement]] = {}
    for one in placed:
        for doubt in one.doubts:
            if doubt == OF_TIES and one.why is NotAligned.STRAY:
                continue  # that is why it is not aligned
            groups.setdefault(doubt_in_words(doubt, aligned=one.block is not None), []).append(one)
    found = [_told(words, [*dict.fromkeys(photos)], names) for words, photos in groups.items()]
    return sorted(found, key=lambda told: -told.count)


def doubt_in_words(doubt: str, *, aligned: bool) -> str:
    """What a doubt about a photo means."""
    known = aligned or doubt == OF_TIES
    return say(_PUT_RIGHT.get(doubt, _NOT_PUT_RIGHT) if known else _NOT_PUT_RIGHT)


def all_doubts() -> dict[str, str]:
    """Of aligned photos, in words."""
    return {doubt: say(words) for doubt, words in _PUT_RIGHT.items()}


def kept(placed: Sequence[Placement], names: Mapping[str, str]) -> list[Told]:
    """Photos that fit no other, by why they do not, the most frequent first."""
    groups: dict[str, list[Placement]] = {}
    for one in placed:
        if one.block is None:
            groups.setdefault(why_in_words(one.why), []).append(one)
    found = [_told(words, photos, names) for words, photos in groups.items()]
    return sorted(found, key=lambda told: -told.count)


def kept_in_words(placed: Sequence[Placement]) -> str:
    """What it means for photos that they fit no other."""
    worst = max((one.error95_m for one in placed if one.block is None), default=0.0)
    return say(
        "Photos that fit no other stand where the drone or a list put them, good to ± %(error)s m in their middle; if their "
        "heading is wrong, their sides are further off. Why they do not fit:",
        error=metres(worst),
    )


def why_in_words(why: NotAligned | None) -> str:
    """Why a photo could not be aligned."""
    return say(_WHY[why])


def all_reasons() -> dict[str, str]:
    """The same of each reason."""
    return {why.value: say(words) for why, words in _WHY.items() if why}


def _told(words: str, photos: Sequence[Placement], names: Mapping[str, str]) -> Told:
    named = sorted((names.get(one.digest, one.digest[:12]), one.digest) for one in photos)
    return Told(words, tuple((digest, name) for name, digest in named[:NAMES_SHOWN]), len(photos))


def error_class(error_m: float) -> int:
    """Which colour a photo with this error has."""
    return sum(error_m > end for end in ERROR_CLASSES)


def error_legend() -> list[str]:
    """What each colour means, the best first."""
    ends = [number(end, 1 if end < 1 else 0) for end in ERROR_CLASSES]
    return [
        say("to %(end)s m", end=ends[0]),
        *(units.with_unit(f"{low}–{high}", "m") for low, high in pairwise(ends)),
        say("over %(end)s m", end=ends[-1]),
    ]
