"""Plants with known places for the tests."""

import numpy as np

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.cells import WIDTH, CellSums
from fieldbox.mapping.viewresult import Plants, ViewResult

EAST, NORTH = 500_000.0, 2_211_500.0
NO_CELLS = CellSums(1.0, np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, WIDTH), np.int64))
SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)


def plant(
    east: float,
    north: float,
    *,
    cover: Cover = Cover.WEED,
    score: float = 0.8,
    area: float = 0.01,
    digest: str = "aa",
) -> Detection:
    """A square plant at metres from the scene's corner; its pixel is its place in cm."""
    return Detection(
        cover=cover,
        score=score,
        east=EAST + east,
        north=NORTH + north,
        outline=SQUARE * area**0.5 / 2 + (EAST + east, NORTH + north),
        area_m2=area,
        position_error_m=2.0,
        digest=digest,
        pixel_x=float(np.float32(100 * east)),
        pixel_y=float(np.float32(-100 * north)),
    )


def view(digest: str, *plants: tuple[Detection, float]) -> ViewResult:
    """A view with plants and how far each lies beyond its ground."""
    return ViewResult(
        digest, NO_CELLS, Plants.from_detections([one for one, _ in plants], [b for _, b in plants])
    )
