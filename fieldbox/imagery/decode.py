"""JPEG bytes to pixels at the scale asked for, by libjpeg-turbo."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.jpeg import header_of

REDUCTIONS = (1, 2, 4, 8)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels. Raises Rejected for what is no usable colour JPEG, or is cut off."""
    header = header_of(data)
    return header.width, header.height


def decode_jpeg(data: bytes, *, reduction: int = 1) -> NDArray[np.uint8]:
    """Decode to RGB, uint8 [ceil(height / reduction), ceil(width / reduction), 3].

    `reduction` is 1, 2, 4 or 8. Each pixel stands for a square of `reduction` pixels, so pixel centre x
    lies at (x + 0.5) * reduction - 0.5 of the full photo, whatever its width. The EXIF orientation is
    not applied: poses and pixel positions belong to the image as the sensor read it. Raises Rejected
    for what is no usable colour JPEG, or is cut off or damaged: a damaged photo is never shown or
    measured in part.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, not {reduction}")
    width, height = jpeg_size(data)
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data,
            "RGB",
            # Both limits: the decoder takes the smallest of its scales that keeps them.
            min_width=-(-width // reduction),
            min_height=-(-height // reduction),
            min_factor=reduction,
        )
    except ValueError as error:
        raise Rejected(
            N_("The pixels of the photo are damaged ({detail}): copy it again from the drone's card."),
            detail=str(error)[:80],
        ) from error
    return pixels
