"""Spots worth a visit on foot, and the walk through them. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fieldbox.i18n import Sentence


class SpotKind(StrEnum):
    """What a spot is worth a visit for."""

    WEEDS = "weeds"
    CROP = "crop"
    DOUBTFUL = "doubtful"
    """Plants that the box could not tell: somebody who looks can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place worth a visit."""

    rank: int
    """From 1: the one that matters most."""
    name: str
    """What it is called everywhere, in every language: the rank of a hotspot, P1 of a zone of poor crop, D1 of doubtful plants.
    The order of going is no name: it changes with the start."""
    kind: SpotKind
    lat: float
    lon: float
    why: Sentence
    checks: tuple[Sentence, ...] = ()
    """What to look at there. Never a diagnosis."""
    also: tuple[str, ...] = ()
    """Names of the other places that are seen from there."""
    digest: str | None = None
    """The capture that shows it best, and where in it; None: none is known."""
    pixel_x: float | None = None
    pixel_y: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A walk from a start through spots and back."""

    start: tuple[float, float]
    """(lat, lon)."""
    spots: tuple[Spot, ...]
    """In the order of the walk."""
    path: tuple[tuple[float, float], ...]
    """(lat, lon) of all its corners, from the start to the start."""
    length_m: float
    error_m: float | None
    """95 % radius of the places; None: not known."""
