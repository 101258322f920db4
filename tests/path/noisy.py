"""What the tags' errors cost: `python -m tests.path.noisy [--data DIR] [--only NAME]`.

Flies with the errors of a plain drone (GPS 1.5 m and drifting, height 0.5 m, yaw 3 degrees, tilt 1.5 degrees, wind) over
made fields with relief, and with the data over columns 13 and 14 of the potato field; says how far photos of a made
flight disagree after the alignment; maps each flight twice, as its tags tell it and with the true poses, and compares the
weeds found with the truth.
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
from fieldbox.simulate.scene import SimField
from tests.path import potato
from tests.path.agreeing import agreement
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
    "30m-wide": ({"altitude_m": 30.0, "camera": "m2p"}, (50.0, 36.0)),
    "70-60": (
        {"altitude_m": 10.0, "camera": "12mp", "forward_overlap": 0.70, "side_overlap": 0.60},
        (30.0, 22.0),
    ),
}
"""How each is flown, and the size of its field in metres. From 20 m some weeds and from 30 m most would be too small for
an ordinary camera: "30m" has a long lens, "30m-wide" is for the alignment alone."""
GROUND_M = {"30m-wide": 0.0056}
"""Of a pixel of the field, where it would take too much memory."""
SEEN_M = 0.15
SOME = 250
"""Found weeds that the first guess of where all of them lie is made from."""
SCALES, TURNS_DEG = np.arange(0.88, 1.125, 0.02), np.arange(-6.0, 6.1, 1.0)
"""Of the whole map, that GPS and barometer leave open: its scale by some percent, its turn by degrees."""


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


def flown_over_made(name: str, folder: Path, seed: int) -> SimField:
    options, size = FIELDS[name]
    flight = FlightOptions(seed=seed, **PLAIN_DRONE, **options)
    ground = grow_field(
        FieldOptions(
            size_m=size,
            margin_m=1.0,
            seed=seed,
            weeds_per_m2=1.5,
            relief_m=0.5,
            gsd_m=GROUND_M.get(name, 0.0028),
        )
    )
    fly(ground, flight, folder)
    return ground


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

    Starts with the shift, scale and turn that bring most weeds near a true one, of a grid of them; then the nearest in
    ever smaller reach.
    """
    moved = _roughly(places, weeds)
    for reach in (0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.15, 0.15):
        gap = np.linalg.norm(moved[:, None] - weeds[None], axis=2)
        mine = np.flatnonzero(
            (gap.min(axis=1) < reach) & (gap.argmin(axis=0)[gap.argmin(axis=1)] == np.arange(len(moved)))
        )
        moved = similar(places[mine], weeds[gap.argmin(axis=1)[mine]])(places)
    return moved, float(np.hypot(*(places - moved).mean(axis=0)))


def _roughly(places: Points, weeds: Points) -> Points:
    """Places brought near: the scale and turn whose fullest bin of differences is the fullest."""
    middle = places.mean(axis=0)
    few = np.random.default_rng(1).permutation(len(places))[:SOME]
    edges = np.arange(-12, 12.01, 0.2)
    best, found = -1.0, places
    for scale in SCALES:
        for turn in TURNS_DEG:
            cos, sin = scale * np.cos(np.radians(turn)), scale * np.sin(np.radians(turn))
            moved = middle + (places - middle) @ np.array([[cos, sin], [-sin, cos]])
            off = (moved[few][:, None] - weeds[None]).reshape(-1, 2)
            column, row = np.floor((off - edges[0]) / 0.2).astype(int).T
            inside = (column >= 0) & (row >= 0) & (column < len(edges)) & (row < len(edges))
            counts = np.bincount(row[inside] * len(edges) + column[inside], minlength=len(edges) ** 2)
            blurred = cv2.blur(counts.reshape(len(edges), -1).astype(np.float32), (3, 3))
            if float(blurred.max()) > best:
                best = float(blurred.max())
                row_of, column_of = divmod(int(blurred.argmax()), len(edges))
                found = moved - (edges[column_of] + 0.1, edges[row_of] + 0.1)
    return found


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


def compare(name: str, seed: int, data: Path | None, *, aligned_only: bool) -> list[str]:
    """Fly, align and map twice, and say what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        card = Path(folder) / "card"
        lines = []
        if name == "potato":
            assert data
            flown_over_potatoes(card, data, seed)
        else:
            lines = [f"{name} seed {seed}, aligned: {agreement(card, flown_over_made(name, card, seed))}"]
        if aligned_only:
            return lines
        true, told = (mapped(card, Path(folder) / str(one), true=one) for one in (True, False))
    return [
        *lines,
        f"{name} seed {seed}, true poses: {told_of(true)}",
        f"{name} seed {seed}, told poses: {told_of(told)}",
        f"  found with true poses and not with told: {lost(told, true):.2%}; the other way: {lost(true, told):.2%}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--aligned", action="store_true", help="Align only; map nothing.")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    given = parser.parse_args()
    for name in given.only or [*FIELDS, *(["potato"] if given.data else [])]:
        for seed in given.seeds:
            print("\n".join(compare(name, seed, given.data, aligned_only=given.aligned)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
