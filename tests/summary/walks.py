"""Walks to write."""

from __future__ import annotations

from fieldbox.domain import Spot, SpotKind, Walk
from fieldbox.i18n import Sentence

LAT, LON = 18.5612, 74.2405


def spot(number: int, words: str = "Many weeds.", checks: int = 0) -> Spot:
    """One of several, on a slant."""
    kinds = tuple(SpotKind)
    return Spot(
        rank=number,
        name=(str(number), f"P{number}", f"D{number}")[number % len(kinds)],
        kind=kinds[number % len(kinds)],
        lat=LAT + 5e-5 * (number % 7),
        lon=LON + 8e-5 * (number % 5),
        why=Sentence(words.replace("{", "{{").replace("}", "}}")),
        checks=tuple(
            Sentence("Look at the roots of a plant inside and of one outside, and at the soil between them.")
            for _each in range(checks)
        ),
    )


def walk(*spots: Spot, error_m: float | None = 0.04) -> Walk:
    """From the corner through the spots and back."""
    start = (LAT, LON)
    path = (start, *((one.lat, one.lon) for one in spots), start)
    return Walk(start=start, spots=spots, path=path, length_m=61.4, error_m=error_m)
