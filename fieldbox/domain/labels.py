"""What people say of single plants. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain.maps import Cover
from fieldbox.domain.photos import Camera, Pose


class LabelVerdict(StrEnum):
    """What a person makes of something that the model called a weed."""

    RIGHT = "right"
    """It is one."""
    CROP = "crop"
    """It is a crop plant."""
    WRONG = "wrong"
    """It is neither: soil, a stone, a shadow, straw."""
    UNSURE = "unsure"
    """Cannot be told from the photo."""


@dataclass(frozen=True, slots=True)
class Label:
    """A person's verdict on a plant, kept by where it is in which photo: it outlives the survey that asked."""

    id: int
    plant: int
    """The number of what was judged, as long as its survey is there."""
    survey_id: str
    digest: str
    """Of the photo."""
    pixel_x: float
    pixel_y: float
    lat: float
    lon: float
    area_cm2: float
    cover: Cover
    """What the model said."""
    score: float
    sure: bool
    """Whether the model was sure of it."""
    release_sha: str
    by_chance: bool
    """Whether chance chose the plant: only such verdicts say how often the model is right."""
    verdict: LabelVerdict
    who: str
    at: datetime
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What of a standing verdict is needed to count it."""

    plant: int
    who: str
    verdict: LabelVerdict
    sure: bool
    by_chance: bool


@dataclass(frozen=True, slots=True)
class Reviewable:
    """A survey whose single weeds people can check."""

    survey_id: str
    field_id: int
    flight_id: str
    release: str
    release_sha: str
    checked: int
    """Plants with a verdict."""


@dataclass(frozen=True, eq=False, slots=True)
class Called:
    """All plants of a survey that the model calls weeds; N of them, in the order of their numbers."""

    plants: NDArray[np.int64]
    """[N] numbers."""
    sure: NDArray[np.bool_]
    score: NDArray[np.float64]
    area_cm2: NDArray[np.float64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    photo: NDArray[np.int64]
    """[N] places in `digests`."""
    digests: tuple[str, ...]
    hotspots: NDArray[np.float64]
    """[K, 2] latitude, longitude of the survey's hotspots."""


@dataclass(frozen=True, eq=False, slots=True)
class PlantSeen:
    """A plant that the model calls a weed, with what is needed to show it in its photo."""

    plant: int
    survey_id: str
    field_id: int
    score: float
    sure: bool
    area_cm2: float
    lat: float
    lon: float
    outline: NDArray[np.float64]
    """[K, 2] longitude, latitude; an open ring."""
    digest: str
    pixel_x: float
    pixel_y: float
    gsd_cm: float
    """Of the survey."""
    camera: Camera | None
    pose: Pose | None
    """Where the survey has the photo."""
