"""What people say of single plants. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldbox.domain.maps import Cover


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
    verdict: LabelVerdict
    who: str
    at: datetime
    undone_at: datetime | None = None
