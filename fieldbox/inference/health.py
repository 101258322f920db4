"""The health model: from how crop plants compare with their neighbours to a verdict for each.

What goes in is made by `fieldbox.mapping.planthealth`; the model file names the columns that it expects, in
their order. Its verdicts are relative and were learnt from symptoms painted on photos (see the model's card).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import PlantHealth
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.inference.runtime import Kind, Port, Session

CLASSES = (PlantHealth.HEALTHY, PlantHealth.STUNTED, PlantHealth.YELLOWING)
ROW_Z = ("size_row_z", "colour_size_z")
"""The features that speak for stunted and for yellowing."""
HEALTH = Kind(
    "health",
    Port("features", "float32", (None, None)),
    Port("probabilities", "float32", (None, len(CLASSES))),
)
"""float32 [batch, features] in, probabilities of `CLASSES` [batch, 3] out."""


class Runs(Protocol):
    """What a model needs to be asked: `Session`, or a stand-in in a test."""

    digest: str

    def run(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `Session.run`."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Verdicts:
    """Of N crop plants."""

    health: tuple[PlantHealth | None, ...]
    """None: not judged."""
    probabilities: NDArray[np.float32]
    """[N, 3] of `CLASSES`; NaN where not judged."""


class HealthModel:
    """Judges crop plants by how they compare with their neighbours."""

    def __init__(
        self,
        session: Runs,
        *,
        name: str,
        version: str,
        features: Sequence[str],
        least: tuple[float, float],
        most_z: float,
        gsd_range_mm: tuple[float, float],
    ) -> None:
        self._session = session
        self.release = f"{name}@{version}"
        self.digest = session.digest
        self.features = tuple(features)
        self.least = least
        """Probability from which a plant is called stunted, and yellowing."""
        self.most_z = most_z
        """A plant is called stunted or yellowing only if its z-score against its row is this low, whatever the
        model says: what lies outside the range of the training is not to be made up."""
        self.gsd_range_mm = gsd_range_mm
        self._z = [self.features.index(name) for name in ROW_Z]
        self._colour = np.array([one.split("_")[0] == "colour" for one in self.features])

    @classmethod
    def load(cls, path: Path, *, expected_sha256: str | None = None) -> HealthModel:
        """Load the model file; raises `Misconfigured` as `Session.load` does, or where its metadata is unusable."""
        session = Session.load(path, expected_sha256=expected_sha256, kind=HEALTH)
        try:
            stored = session.metadata
            low, high = json.loads(stored["gsd_mm"])
            least = json.loads(stored["least"])
            if tuple(json.loads(stored["classes"])) != tuple(one.value for one in CLASSES):
                raise ValueError("classes")
            return cls(
                session, name=stored["name"], version=stored["version"],
                features=json.loads(stored["features"]),
                least=(float(least["stunted"]), float(least["yellowing"])), most_z=float(stored["most_z"]),
                gsd_range_mm=(float(low), float(high)),
            )  # fmt: skip
        except (KeyError, ValueError, TypeError) as error:
            raise Misconfigured(
                N_("The model file {file} lacks its description; install the release again."), file=path.name
            ) from error

    def judge(self, features: NDArray[np.float32]) -> Verdicts:
        """Judge plants by their features, float32 [N, F] in the order of `self.features`.

        A plant whose size is not known (NaN) is not judged. Without colour a plant can be called stunted, but
        neither yellowing nor healthy. Raises `ValueError` for another shape.
        """
        if features.ndim != 2 or features.shape[1] != len(self.features):
            raise ValueError(f"features [N, {len(self.features)}] expected, not {features.shape}")
        probabilities = np.full((len(features), len(CLASSES)), np.nan, np.float32)
        finite: NDArray[np.bool_] = np.isfinite(features)
        known = np.asarray(finite[:, ~self._colour].all(axis=1), np.bool_)
        coloured = np.asarray(finite.all(axis=1), np.bool_)
        if known.any():
            given = np.nan_to_num(features[known].astype(np.float32))
            probabilities[known] = self._session.run(given)
        codes = self._codes(probabilities, features[:, self._z])
        health = tuple(
            CLASSES[code] if one and (has_colour or CLASSES[code] is PlantHealth.STUNTED) else None
            for code, one, has_colour in zip(codes.tolist(), known.tolist(), coloured.tolist(), strict=True)
        )
        return Verdicts(health, probabilities)

    def _codes(self, probabilities: NDArray[np.float32], row_z: NDArray[np.float32]) -> NDArray[np.int64]:
        """Index of the verdict: the symptom that exceeds its threshold by more, else healthy."""
        over = np.where(row_z <= self.most_z, probabilities[:, 1:] - np.array(self.least, np.float32), -1.0)
        over = np.nan_to_num(over, nan=-1.0)
        return np.where((over >= 0).any(axis=1), 1 + over.argmax(axis=1), 0).astype(np.int64)
