"""Hand-made maps of plants, and a stand-in for the model that reads them out of a picture's colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.inference.plants import (
    CENTRE,
    CROP,
    OFFSET_X,
    OFFSET_Y,
    QUARTERS,
    WEED,
    WEED_SHARE,
)  # fmt: skip
from fieldbox.inference.runtime import CHANNELS

STRIDE = 4


@dataclass(frozen=True)
class Plant:
    """A round plant: its centre and radius in cells, and its class."""

    x: float
    y: float
    radius: float
    kind: int = WEED


def maps_of(plants: list[Plant], rows: int, columns: int) -> NDArray[np.float32]:
    """What a very good model would say of round plants: float32 [8, rows, columns]."""
    maps = np.zeros((CHANNELS, rows, columns), np.float32)
    maps[QUARTERS] = 0.02
    maps[WEED_SHARE] = 0.5
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    nearest = np.full((rows, columns), np.inf, np.float32)
    for plant in plants:
        distance = np.hypot(x - plant.x, y - plant.y)
        mine = (distance <= plant.radius + 0.75) & (distance < nearest)
        nearest[mine] = distance[mine]
        maps[WEED_SHARE][mine] = 0.12 if plant.kind == CROP else 0.88
        maps[OFFSET_X][mine] = (plant.x - x[mine]) * STRIDE
        maps[OFFSET_Y][mine] = (plant.y - y[mine]) * STRIDE
        for quarter in range(4):
            right, below = quarter % 2 / 2 - 0.25, quarter // 2 / 2 - 0.25
            inside = np.hypot(x + right - plant.x, y + below - plant.y) <= plant.radius
            maps[quarter][inside] = 0.9
        at = np.hypot(x - round(plant.x), y - round(plant.y))
        bell = 0.9 * np.exp(-(at**2) / (2 * max(1.0, plant.radius / 4) ** 2))
        maps[CENTRE] = np.maximum(maps[CENTRE], bell)
    return maps


def picture_of(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Hide maps in a picture, uint8 [4 rows, 4 columns, 3]: three pixels of each cell carry its eight values."""
    rows, columns = maps.shape[1:]
    picture = np.zeros((rows * STRIDE, columns * STRIDE, 3), np.uint8)
    values = np.concatenate([maps[:CENTRE] * 200, maps[CENTRE:OFFSET_X] * 200, maps[OFFSET_X:] + 128])
    whole = np.clip(np.round(values), 0, 255).transpose(1, 2, 0)
    picture[::STRIDE, ::STRIDE] = whole[..., :3]
    picture[1::STRIDE, ::STRIDE] = whole[..., 3:6]
    picture[2::STRIDE, ::STRIDE, :2] = whole[..., 6:]
    return picture


class Reader:
    """In place of a `Session`: reads the maps out of such a picture, and keeps count of what it was shown."""

    digest = "0" * 64

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.shapes.append(images.shape)
        parts = [images[:, row::STRIDE, ::STRIDE].astype(np.float32) for row in range(3)]
        shares = np.concatenate([parts[0], parts[1]], 3) / 200
        offsets = parts[2][..., :2] - 128
        return np.concatenate([shares, offsets], 3).transpose(0, 3, 1, 2).astype(np.float32)
