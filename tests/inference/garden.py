"""Hand-made maps of plants, and a stand-in for the model that reads them out of a picture's colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.inference.plants import CROP, WEED

STRIDE = 4


@dataclass(frozen=True)
class Plant:
    """A round plant: its centre and radius in cells, and its class."""

    x: float
    y: float
    radius: float
    kind: int = WEED


def maps_of(plants: list[Plant], rows: int, columns: int) -> NDArray[np.float32]:
    """What a very good model would say of round plants: float32 [6, rows, columns]."""
    maps = np.zeros((6, rows, columns), np.float32)
    maps[0] = 0.98
    maps[1:3] = 0.01
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    nearest = np.full((rows, columns), np.inf, np.float32)
    for plant in plants:
        distance = np.hypot(x - plant.x, y - plant.y)
        mine = (distance <= plant.radius) & (distance < nearest)
        nearest[mine] = distance[mine]
        maps[0][mine] = 0.1
        maps[CROP][mine], maps[WEED][mine] = (0.8, 0.1) if plant.kind == CROP else (0.1, 0.8)
        maps[4][mine] = (plant.x - x[mine]) * STRIDE
        maps[5][mine] = (plant.y - y[mine]) * STRIDE
        at = np.hypot(x - round(plant.x), y - round(plant.y))
        maps[3] = np.maximum(maps[3], 0.9 * np.exp(-(at**2) / (2 * max(1.0, plant.radius / 4) ** 2)))
    return maps


def picture_of(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Hide maps in a picture, uint8 [4 rows, 4 columns, 3]: two pixels of each cell carry its six values."""
    rows, columns = maps.shape[1:]
    picture = np.zeros((rows * STRIDE, columns * STRIDE, 3), np.uint8)
    picture[::STRIDE, ::STRIDE] = np.round(maps[:3] * 200).transpose(1, 2, 0)
    hidden = np.stack([maps[3] * 200, maps[4] + 128, maps[5] + 128], 2)
    picture[1::STRIDE, ::STRIDE] = np.clip(np.round(hidden), 0, 255)
    return picture


class Reader:
    """In place of a `Session`: reads the maps out of such a picture, and keeps count of what it was shown."""

    digest = "0" * 64

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.shapes.append(images.shape)
        open_part = images[:, ::STRIDE, ::STRIDE].astype(np.float32) / 200
        hidden = images[:, 1::STRIDE, ::STRIDE].astype(np.float32)
        centre, offsets = hidden[..., :1] / 200, hidden[..., 1:] - 128
        return np.concatenate([open_part, centre, offsets], 3).transpose(0, 3, 1, 2).astype(np.float32)
