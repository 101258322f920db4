"""Simulated flights for the tests of the alignment, held in memory, so that a test can change what is told or seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np

from fieldbox.aligning import Alignment, align
from fieldbox.georef.adjustment import Outcome
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.imagery.metadata import read_metadata
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.simulate.scene import SimField
from tests.flown import grown

POOR = FlightOptions(
    camera="2mp", altitude_m=20.0, heading_deg=30.0, gps_sigma_m=1.5, gps_drift_m=1.0, height_sigma_m=0.5,
    yaw_sigma_deg=3.0, tilt_sigma_deg=1.5, wind_m_s=2.0, seed=5,
)  # fmt: skip
"""The errors of a plain drone in some wind."""


@dataclass(frozen=True)
class Card:
    """Photos by name: as told, when taken, their bytes, and their true places."""

    told: dict[str, PhotoGeometry]
    taken: dict[str, datetime | None]
    bytes: dict[str, bytes]
    true: dict[str, PhotoGeometry]

    def retold(self, name: str, **changes: float) -> Card:
        """With other numbers told of one photo's pose."""
        one = self.told[name]
        return replace(self, told=self.told | {name: replace(one, pose=replace(one.pose, **changes))})

    def all_retold(self, change: Callable[[PhotoGeometry], dict[str, float]]) -> Card:
        """With other numbers told of every photo's pose."""
        card = self
        for name, one in self.told.items():
            card = card.retold(name, **change(one))
        return card

    def seen(self, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Card:
        """With another picture in one photo."""
        pixels = cv2.imdecode(np.frombuffer(self.bytes[name], np.uint8), cv2.IMREAD_COLOR)
        done, data = cv2.imencode(".jpg", change(np.asarray(pixels)), [cv2.IMWRITE_JPEG_QUALITY, 92])
        assert done
        return replace(self, bytes=self.bytes | {name: data.tobytes()})

    def part(self, names: list[str]) -> Card:
        """Only these photos."""
        parts = (
            {name: one[name] for name in names} for one in (self.told, self.taken, self.bytes, self.true)
        )
        return Card(*parts)  # type: ignore[arg-type]

    def joined(self, other: Card) -> Card:
        """The photos of both, on the plane of the first."""
        plane = next(iter(self.told.values())).plane
        moved = [
            {name: replace(one, plane=plane) for name, one in part.items()}
            for part in (other.told, other.true)
        ]
        return Card(
            self.told | moved[0],
            self.taken | other.taken,
            self.bytes | other.bytes,
            self.true | moved[1],
        )

    def aligned(self) -> Alignment:
        """Its alignment, each photo known by its name."""
        return align(self.told, self.taken, self.bytes.__getitem__, threads=2)

    def off(self, found: Alignment) -> dict[str, float]:
        """Metres by which adjusted photos stand off their true places, each block laid on them as a whole (shift,
        turn and scale: what GPS alone tells of a block)."""
        names = adjusted(found)
        off: dict[str, float] = {}
        blocks = dict(zip(found.geometries, found.adjusted.block.tolist(), strict=True))
        for block in {blocks[name] for name in names}:
            mine = [name for name in names if blocks[name] == block]
            here = np.array([found.geometries[name].centre for name in mine]) @ [1, 1j]
            there = np.array([self.true[name].centre for name in mine]) @ [1, 1j]
            off |= dict(zip(mine, _left(here, there).tolist(), strict=True))
        return off


def _left(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """[N] what is left of complex places after the similarity that suits most of them."""
    rows = np.column_stack([here - here.mean(), np.ones(len(here))])
    left, good = np.zeros(len(here)), np.ones(len(here), np.bool_)
    for _round in range(10):
        change = np.linalg.lstsq(rows[good], there[good], rcond=None)[0]
        left = np.abs(rows @ change - there)
        good = left <= 3 * np.median(left) + 0.01
    return left


def adjusted(found: Alignment) -> list[str]:
    """Names of the photos that were adjusted."""
    outcomes = zip(found.geometries, found.adjusted.outcome, strict=True)
    return [name for name, outcome in outcomes if outcome == Outcome.ADJUSTED]


def field(seed: int = 5, size: tuple[float, float] = (14.0, 10.0)) -> SimField:
    """Potatoes with some weeds."""
    return grown(FieldOptions(size_m=size, margin_m=1.0, seed=seed, weeds_per_m2=2.0))


def card_of(ground: SimField, options: FlightOptions, folder: Path, prefix: str = "") -> Card:
    """A flight's photos; names get a prefix, so that flights can be joined."""
    folder = fly(ground, options, folder)
    truth = {
        str(one["file"]): one["pose"] for one in json.loads((folder / "truth.json").read_text())["photos"]
    }
    told, taken, data, true = {}, {}, {}, {}
    plane: GroundPlane | None = None
    for path in sorted(folder.glob("*.JPG")):
        read = read_metadata(path)
        assert read.pose is not None and read.camera is not None
        plane = plane or GroundPlane.for_point(read.pose.lat, read.pose.lon)
        name, pose = prefix + path.name, truth[path.name]
        told[name] = PhotoGeometry(name, read.pose, read.camera, plane)
        taken[name], data[name] = read.taken_at, path.read_bytes()
        true[name] = replace(
            told[name],
            pose=replace(
                read.pose, lat=pose["lat"], lon=pose["lon"], height_m=pose["height_m"], yaw_deg=pose["yaw"],
                pitch_deg=pose["pitch"], roll_deg=pose["roll"],
            ),
        )  # fmt: skip
    return Card(told, taken, data, true)
