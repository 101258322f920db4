"""What the tags' errors cost: `python -m tests.path.noisy [--data DIR] [--only NAME]`.

Flies with the errors of a plain drone (GPS 1.5 m and drifting, height 0.5 m, yaw 3 degrees, tilt 1.5 degrees, wind) over
made fields with relief, and with the data over columns 13 and 14 of the potato field; maps each flight twice, as its
tags tell it and with the true poses, and compares the weeds found with the truth.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from fieldbox.domain import Cover, Pose
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.simulate.ortho import over_orthomosaic
from tests.path import potato
from tests.path.box import Box

Points = NDArray[np.float64]

PLAIN_DRONE: dict[str, Any] = {
    "gps_sigma_m": 1.5, "gps_drift_m": 1.5, "height_sigma_m": 0.5, "yaw_sigma_deg": 3.0, "tilt_sigma_deg": 1.5,
    "wind_m_s": 4.0,
}  # fmt: skip
FIELDS: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    "10m": ({"altitude_m": 10.0, "camera": "m2p"}, (30.0, 22.0)),
    "10m-2mp": ({"altitude_m": 10.0, "camera": "2mp"}, (24.0, 16.0)),
    "20m": ({"altitude_m": 20.0, "camera": "m2p"}, (32.0, 24.0)),
    "30m": ({"altitude_m": 30.0, "camera": "2mp", "focal_px": 10700.0}, (32.0, 24.0)),
    "70-60": (
        {"altitude_m": 10.0, "camera": "12mp", "forward_overlap": 0.70, "side_overlap": 0.60},
        (30.0, 22.0),
    ),
}
"""How each is flown, and the size of its field in metres. From 20 m some weeds and from 30 m most would be too small for
an ordinary camera: the last has a long lens."""
SEEN_M = 0.15


@dataclass(frozen=True)
class Result:
    """Of one survey; positions in metres."""

    score: potato.Score
    bias: float
    """Metres by which the whole is off."""
    spread_m: float
    """Root mean square of matched weeds about it."""
    covered: float
    """Share of matched weeds within their stated 95 % radius."""
    stated_m: float
    found: Points
    """Positions, laid on the truth."""
    at_seams: float
    """Share of found weeds that match none, beside one that another photo found."""


def flown_over_made(name: str, folder: Path, seed: int) -> Path:
    options, size = FIELDS[name]
    flight = FlightOptions(seed=seed, **PLAIN_DRONE, **options)
    ground = grow_field(FieldOptions(size_m=size, margin_m=1.0, seed=seed, weeds_per_m2=1.5, relief_m=0.5))
    return fly(ground, flight, folder)


def flown_over_potatoes(folder: Path, data: Path, seed: int) -> Path:
    canvas = potato.paste(data / "weeds" / "potato-uav", [13, 14])
    picture = folder.with_suffix(".png")
    cv2.imwrite(str(picture), canvas.pixels[..., ::-1])
    plain = {"motion_blur": False, "noise": 0, "vignetting": 0, "exposure_drift": 0, "jpeg_quality": 95}
    flight = FlightOptions(
        width=1280, height=960, focal_px=10 / potato.GSD_M, seed=seed, **PLAIN_DRONE, **plain
    )  # type: ignore[arg-type]
    fly(over_orthomosaic(picture, potato.GSD_M), flight, folder)
    truth = json.loads((folder / "truth.json").read_text())
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    corners = np.column_stack(to_ground.transform(*np.array(truth["extent"]).T))
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    tall, wide = canvas.pixels.shape[:2]
    weeds = (canvas.weeds - ((wide - 1) / 2, (tall - 1) / 2)) * (1, -1) * potato.GSD_M + middle
    truth["plants"] = [
        {"east": x, "north": y, "class": "weed", "visible_in": True} for x, y in weeds.tolist()
    ]
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder


def told_the_truth(box: Box, truth: dict[str, Any]) -> None:
    """Give the captures of a box the true poses."""
    with sqlite3.connect(box.root / "fieldbox.db") as database:
        for photo in truth["photos"]:
            true = photo["pose"]
            pose = Pose(
                true["lat"], true["lon"], true["height_m"], true["yaw"], true["pitch"], true["roll"],
                0.001, 0.001, 0.001, 0.001,
            )  # fmt: skip
            told = json.dumps(asdict(pose)), photo["file"]
            assert database.execute("UPDATE captures SET pose = ? WHERE name = ?", told).rowcount == 1


def mapped(card: Path, root: Path, *, true: bool) -> Result:
    box = Box(root)
    truth = json.loads((card / "truth.json").read_text())
    if true:
        box.run("ingest", card)
        told_the_truth(box, truth)
    (survey,) = box.mapped(card)["surveys"]
    return judged(box, survey["id"], truth)


def judged(box: Box, survey: str, truth: dict[str, Any]) -> Result:
    with box.store() as store:
        found = store.detections(survey, cover=Cover.WEED)
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    places = np.column_stack(to_ground.transform([one.lon for one in found], [one.lat for one in found]))
    stated = np.array([one.position_error_m for one in found])
    weeds = np.array(
        [(p["east"], p["north"]) for p in truth["plants"] if p["class"] == "weed" and p["visible_in"]]
    )
    laid, bias = laid_on(places, weeds)
    canvas = potato.Canvas(np.zeros((1, 1, 3), np.uint8), weeds, np.zeros((0, 2)))
    score = potato.score(laid, canvas, gsd_m=1.0)
    pairs = potato._match(laid, weeds, SEEN_M)
    off = places[pairs[:, 0]] - weeds[pairs[:, 1]]
    left = laid[pairs[:, 0]] - weeds[pairs[:, 1]]
    photos = np.array([one.digest for one in found])
    near = (np.linalg.norm(places[:, None] - places[None], axis=2) < SEEN_M) & ~np.eye(len(found), dtype=bool)
    extra = np.setdiff1d(np.arange(len(found)), pairs[:, 0])
    seams = (near & (photos[:, None] != photos[None]))[extra].any(axis=1)
    return Result(
        score, bias, float(np.sqrt((left**2).sum(1).mean())),
        float((np.linalg.norm(off, axis=1) <= stated[pairs[:, 0]]).mean()), float(np.median(stated)), laid,
        int(seams.sum()) / max(len(found), 1),
    )  # fmt: skip


def laid_on(places: Points, weeds: Points) -> tuple[Points, float]:
    """The found weeds shifted, turned and scaled onto the true ones, and the shift in metres: what GPS cannot tell.

    Starts with the fullest bin of all differences; then the nearest in ever smaller reach.
    """
    off = (places[:, None] - weeds[None]).reshape(-1, 2)
    off = off[(np.abs(off) < 12).all(axis=1)]
    edges = np.arange(-12, 12.01, 0.2)
    counts, east, north = np.histogram2d(off[:, 0], off[:, 1], bins=[edges, edges])
    row, column = divmod(int(cv2.blur(counts.astype(np.float32), (3, 3)).argmax()), counts.shape[1])
    bias = np.array([east[row] + 0.1, north[column] + 0.1])
    moved = places - bias
    for reach in (0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.15, 0.15):
        gap = np.linalg.norm(moved[:, None] - weeds[None], axis=2)
        mine = np.flatnonzero(
            (gap.min(axis=1) < reach) & (gap.argmin(axis=0)[gap.argmin(axis=1)] == np.arange(len(moved)))
        )
        moved = similar(places[mine], weeds[gap.argmin(axis=1)[mine]])(places)
    return moved, float(np.hypot(*bias))


def similar(here: Points, there: Points) -> Callable[[Points], Points]:
    """The shift, turn and scale that lays points [N, 2] on others (least squares)."""
    unit = np.array([1.0, 1j])
    a, b = here @ unit, there @ unit
    factor = (np.conj(a - a.mean()) * (b - b.mean())).sum() / (np.abs(a - a.mean()) ** 2).sum()

    def move(points: Points) -> Points:
        moved = b.mean() + factor * (points @ unit - a.mean())
        return np.column_stack([moved.real, moved.imag])

    return move


def lost(noisy: Result, exact: Result) -> float:
    """Share of the weeds found in one survey that the other does not have."""
    gone = len(exact.found) - len(potato._match(exact.found, noisy.found, SEEN_M))
    return gone / max(len(exact.found), 1)


def told_of(one: Result) -> str:
    score = one.score
    return (
        f"F1 {score.f1:.3f} recall {score.recall:.3f} twice {score.doubled:.2%} ({score.found} found, {score.truth} "
        f"true); beside one of another photo {one.at_seams:.2%}; as a whole off by {one.bias:.2f} m, each about that "
        f"by {one.spread_m * 1000:.0f} mm; within the stated {one.stated_m:.2f} m: {one.covered:.2f}"
    )


def compare(name: str, seed: int, data: Path | None) -> list[str]:
    """Fly, map twice, and say what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        card = Path(folder) / "card"
        if name == "potato":
            assert data
            flown_over_potatoes(card, data, seed)
        else:
            flown_over_made(name, card, seed)
        true, told = (mapped(card, Path(folder) / str(one), true=one) for one in (True, False))
    return [
        f"{name} seed {seed}, true poses: {told_of(true)}",
        f"{name} seed {seed}, told poses: {told_of(told)}",
        f"  found with true poses and not with told: {lost(told, true):.2%}; the other way: {lost(true, told):.2%}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    given = parser.parse_args()
    for name in given.only or [*FIELDS, *(["potato"] if given.data else [])]:
        for seed in given.seeds:
            print("\n".join(compare(name, seed, given.data)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
