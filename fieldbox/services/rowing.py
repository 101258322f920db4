"""The crop rows of a stored survey, found anew from its crop plants, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Gap, Survey
from fieldbox.georef.plane import GroundPlane
from fieldbox.mapping.inrows import RowLine, RowNumbers, places_by_row, row_lines
from fieldbox.mapping.rows import Rows, find_rows
from fieldbox.mapping.stand import missing_places
from fieldbox.storage.rows import StoredDetection, StoredGap
from fieldbox.storage.store import Store


@dataclass(frozen=True, eq=False, slots=True)
class Sown:
    """The crop of a survey in its rows."""

    plane: GroundPlane
    crop: NDArray[np.float64]
    """[N, 2] east, north of the crop plants."""
    rows: Rows | None
    """None: the crop shows none."""
    convergence_deg: float
    """Azimuth of grid north, clockwise from true north."""

    def stands(self, plants: Sequence[StoredDetection]) -> list[str | None]:
        """Where each stands by the rows, in words; None where no rows run."""
        told = places_by_row(_ground(self.plane, plants), self.rows, self.crop)
        return [one.value if one else None for one in told]

    def lines(self) -> list[RowLine]:
        """Where each row runs."""
        return row_lines(self.crop, self.rows) if self.rows else []

    def missing(
        self, gaps: Sequence[StoredGap]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """[M, 2] east, north of where missing plants would stand, and the plot and row [M] of each."""
        spots = missing_places([self._on_ground(one) for one in gaps], self.rows)
        if self.rows is None:
            return spots, np.zeros(len(spots), np.int64), np.zeros(len(spots), np.int64)
        return spots, *RowNumbers.of(self.crop, self.rows).told(self.rows.at(spots))

    def _on_ground(self, gap: StoredGap) -> Gap:
        lon, lat = np.array([gap.start, gap.end]).T
        (start, end) = np.column_stack(self.plane.to_ground(lat, lon)).tolist()
        return Gap(tuple(start), tuple(end), gap.missing)


def sown_of(store: Store, survey: Survey) -> Sown | None:
    """The crop of a survey in its rows; None where no crop plants were told one by one."""
    plants = store.detections(survey.id, cover=Cover.CROP)
    if not plants:
        return None
    lat, lon = plants[0].lat, plants[0].lon
    plane = GroundPlane.for_point(lat, lon)
    places = _ground(plane, plants)
    field = store.field(survey.field_id)
    told = plane.line_on_grid(field.row_deg, field.boundary) if field else None
    rows = find_rows(places, [one.score for one in plants], direction_deg=told)
    return Sown(plane, places, rows, plane.convergence_deg(lat, lon))


def _ground(plane: GroundPlane, plants: Sequence[StoredDetection]) -> NDArray[np.float64]:
    if not plants:
        return np.zeros((0, 2))
    return np.column_stack(plane.to_ground([one.lat for one in plants], [one.lon for one in plants]))
