"""Tell the colours of an ordinary camera from those of a converted (near-infrared) one.

In daylight, soil, straw and leaves reflect more green than blue; a camera converted to near infrared
shows infrared in its blue (or red and blue) channel, and green becomes the weakest. The rule: false
colour, if blue exceeds green by more than 0.01 in chromatic coordinates on more than 80 % of the pixels
that are neither dark nor burnt out.

Measured share of such pixels: a converted Canon over row crops (24 photos) 0.98 to 1.00; potato from a
drone (150 tiles) 0.00; a park from a drone (8) 0.06 to 0.26; cauliflower, hand-held (163) 0.00 to 0.35;
bean leaves against all backgrounds (234) 0.00 to 0.70 (one in a hundred above 0.59).
A camera that shows infrared as red alone, over a field without bare soil, is not told from red soil.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.i18n import N_, Sentence

BLUE_OVER_GREEN = 0.01
FALSE_COLOUR_SHARE = 0.80
_DARKEST, _BRIGHTEST = 60, 250
_FEWEST = 0.02
"""With fewer usable pixels a photo is too dark or burnt out to be judged."""
_GREY_SPREAD = 3

FALSE_COLOUR = Sentence(
    N_(
        "The colours are not natural (a camera converted to near infrared?): weeds and plant health "
        "need photos of an ordinary colour camera."
    )
)
NO_COLOUR = Sentence(
    N_("The photos have no colours: weeds and plant health need photos of an ordinary colour camera.")
)


@dataclass(frozen=True, slots=True)
class ColourVerdict:
    """Whether colours can be taken for natural; if not, a sentence for the farmer."""

    natural: bool
    sentence: Sentence | None


NATURAL = ColourVerdict(True, None)


def judge_colour(rgb: NDArray[np.uint8]) -> ColourVerdict:
    """Judge a photo, uint8 [h, w, 3]; a thumbnail of a few hundred pixels is enough.

    A photo too dark or too bright to be judged counts as natural: it speaks against nothing.
    """
    wide = rgb.astype(np.int16)
    spread = wide.max(axis=2) - wide.min(axis=2)
    usable = (wide.sum(axis=2) > _DARKEST) & (wide.max(axis=2) < _BRIGHTEST)
    if np.count_nonzero(usable) < _FEWEST * usable.size:
        return NATURAL
    if np.percentile(spread[usable], 99) <= _GREY_SPREAD:
        return ColourVerdict(False, NO_COLOUR)
    green, blue, total = wide[..., 1][usable], wide[..., 2][usable], wide.sum(axis=2)[usable]
    share = float(np.mean(blue - green > BLUE_OVER_GREEN * total))
    return ColourVerdict(False, FALSE_COLOUR) if share > FALSE_COLOUR_SHARE else NATURAL


def judge_flight(verdicts: Sequence[ColourVerdict]) -> ColourVerdict:
    """The verdict on a flight: that of more than half of its judged photos; natural without any."""
    unnatural = [verdict for verdict in verdicts if not verdict.natural]
    return unnatural[0] if len(unnatural) * 2 > len(verdicts) else NATURAL
