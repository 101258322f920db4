"""One name for the same band, whoever made the camera."""

from __future__ import annotations

import re

from fieldbox.imagery.multispectral.nouns import PANCHROMATIC, THERMAL

_SAME = {
    "b": "blue", "blue": "blue",
    "g": "green", "gre": "green", "green": "green",
    "r": "red", "red": "red",
    "re": "rededge", "reg": "rededge", "rededge": "rededge",
    "n": "nir", "nir": "nir", "nearinfrared": "nir",
    "lwir": THERMAL, "thermal": THERMAL,
    "panchro": PANCHROMATIC, "panchromatic": PANCHROMATIC, "pan": PANCHROMATIC,
}  # fmt: skip
_SPLIT = re.compile(r"^([a-z ]+?)[-_ ]*(\d{3,4})$")


def band_name(told: str) -> str:
    """The plain name: "Red edge" and "RedEdge" are "rededge"; "Red edge-705" is "rededge-705"; "" stays ""."""
    text = told.strip().lower()
    numbered = _SPLIT.match(text)
    if numbered:
        return f"{band_name(numbered[1])}-{numbered[2]}"
    plain = re.sub(r"[^a-z0-9]", "", text)
    return _SAME.get(plain, plain)[:32]
