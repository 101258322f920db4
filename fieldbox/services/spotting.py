"""A small picture of a spot, for the hub: made in a process of its own, which may load whatever it takes."""

from __future__ import annotations

import io
import math
from typing import Final

from PIL import Image, UnidentifiedImageError

from fieldbox.config import Config
from fieldbox.domain import Hotspot, Survey
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.pictures import picture_path
from fieldbox.services.box import open_store
from fieldbox.services.finding import find_survey
from fieldbox.wire.commands import PICTURE_BYTES

SIDES: Final = (320, 240, 160, 96)
"""Pixels of a picture's side, the first that can be small enough."""
QUALITIES: Final = (60, 40, 25, 12)
LEAST_M: Final = 0.5
"""Ground that a picture shows at least, from side to side: a weed beside a crop plant."""
AROUND: Final = 1.5
"""A spot's width as many times."""
KIND: Final = "webp"


def small_picture(config: Config, survey_id: str, number: int) -> bytes:
    """A WebP file of at most PICTURE_BYTES bytes: the worst place of a survey's spot, counted from 1.

    Raises Rejected where there is no such spot, or its photo is gone.
    """
    with open_store(config) as store:
        survey = find_survey(store, survey_id)
    spot = spot_of(survey, number)
    path = picture_path(config.storage.root, spot.digest)
    try:
        with Image.open(path, formats=("JPEG",)) as photo:
            cut = photo.crop(window(photo.size, spot, survey.gsd_cm)).convert("RGB")
    except FileNotFoundError as error:
        raise Rejected(N_("The photo of this spot is not on the box any more.")) from error
    except (OSError, UnidentifiedImageError) as error:
        raise Rejected(N_("This photo cannot be read: its file is damaged.")) from error
    return packed(cut)


def spot_of(survey: Survey, number: int) -> Hotspot:
    """A spot by its rank. Raises Rejected."""
    found = next((one for one in survey.hotspots if one.rank == number), None)
    if found is None:
        raise Rejected(
            N_("The survey {id} has {count} spots, and none with the number {number}."),
            id=survey.id,
            count=len(survey.hotspots),
            number=number,
        )
    return found


def window(size: tuple[int, int], spot: Hotspot, gsd_cm: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a photo that is shown: a square, slid inwards at an edge."""
    wanted = max(LEAST_M, AROUND * math.sqrt(spot.area_m2)) * 100 / gsd_cm
    side = max(1, min(round(wanted), *size))
    left, top = (
        max(0, min(length - side, round(centre - side / 2)))
        for centre, length in zip((spot.pixel_x, spot.pixel_y), size, strict=True)
    )
    return left, top, left + side, top + side


def packed(cut: Image.Image) -> bytes:
    """The best of the forms that is small enough. Raises Rejected where none is, which noise alone does."""
    for side in SIDES:
        shown = (
            cut if cut.width <= side else cut.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        )
        for quality in QUALITIES:
            out = io.BytesIO()
            shown.save(out, "WEBP", quality=quality, method=6)
            if out.tell() <= PICTURE_BYTES:
                return out.getvalue()
    raise Rejected(N_("No picture of this spot is small enough to send."))
