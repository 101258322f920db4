"""Symptoms painted on simulated crop plants: smaller, yellower, or gone.

They stand for the mechanism, not for any disease: what finds them is not thereby proven on a real field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

STUNTED, YELLOWING = "stunted", "yellowing"
SHRUNK = (0.35, 0.7)
"""Diameter of a stunted plant over the one that it would have had."""
STRENGTH = (0.3, 1.0)
"""How far a yellowing leaf goes from its own colour to yellow."""
EXTENT = (0.4, 1.0)
"""Share of a yellowing plant's ground that is yellow."""
YELLOW = (1.19, 1.13, 0.43)
"""A yellow leaf's red, green and blue over the mean of red and green."""


class Sown(Protocol):
    """A crop plant to be drawn (a frozen dataclass)."""

    @property
    def diameter(self) -> float: ...
    @property
    def symptom(self) -> str | None: ...


Plant = TypeVar("Plant", bound=Sown)


def spread(crop: Sequence[Plant], share: float, rng: np.random.Generator) -> tuple[list[Plant], list[Plant]]:
    """Give a share of the crop plants a symptom, each of three in turn; the plants that stay, and those gone."""
    chosen = rng.permutation(len(crop))[: round(share * len(crop))]
    told, gone = list(crop), set()
    for turn, index in enumerate(chosen.tolist()):
        plant = crop[index]
        if turn % 3 == 0:
            small = plant.diameter * float(rng.uniform(*SHRUNK))
            told[index] = replace(plant, symptom=STUNTED, diameter=small)
        elif turn % 3 == 1:
            told[index] = replace(plant, symptom=YELLOWING)
        else:
            gone.add(index)
    return [one for i, one in enumerate(told) if i not in gone], [crop[i] for i in sorted(gone)]


def yellowed(rgba: NDArray[np.uint8], seed: int, number: int) -> NDArray[np.uint8]:
    """A drawn plant (premultiplied RGBA) with yellow leaves or blotches; the same for the same plant."""
    rng = np.random.default_rng([seed, 5, number])
    strength, extent = rng.uniform(*STRENGTH), rng.uniform(*EXTENT)
    noise = cv2.GaussianBlur(rng.normal(size=rgba.shape[:2]).astype(np.float32), (0, 0), 6.0)
    level = np.quantile(noise, 1 - extent) if extent < 0.98 else noise.min() - 1
    share = cv2.GaussianBlur((noise >= level).astype(np.float32), (0, 0), 1.5)[..., None] * strength
    colour = rgba[..., :3].astype(np.float32)
    aim = colour[..., :2].mean(axis=2, keepdims=True) * np.array(YELLOW, np.float32)
    # Premultiplied: no channel may exceed the share that the plant covers.
    mixed = np.minimum(colour + share * (aim - colour), rgba[..., 3:])
    out = rgba.copy()
    out[..., :3] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return out
