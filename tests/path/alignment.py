"""What the alignment makes of a flight: `python -m tests.path.alignment FOLDER`.

FOLDER holds the photos of one flight and, if `fieldbox simulate` made them, their truth.json. Prints how far photos
disagree about the place of the same thing before and after, and with a truth how far poses are off.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fieldbox.aligning import Alignment, align
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.imagery.metadata import read_metadata


@dataclass(frozen=True)
class Flown:
    """A folder's placed photos by name, and their alignment."""

    told: dict[str, PhotoGeometry]
    alignment: Alignment
    seconds: float


def aligned_folder(folder: Path, threads: int = 1) -> Flown:
    """Align the placed photos of a folder."""
    told: dict[str, PhotoGeometry] = {}
    taken = {}
    for path in sorted(one for one in folder.iterdir() if one.suffix.lower() in {".jpg", ".jpeg"}):
        data = read_metadata(path)
        if data.pose is None or data.camera is None:
            continue
        plane = (
            next(iter(told.values())).plane if told else GroundPlane.for_point(data.pose.lat, data.pose.lon)
        )
        told[path.name] = PhotoGeometry(path.name, data.pose, data.camera, plane)
        taken[path.name] = data.taken_at
    begun = time.perf_counter()
    found = align(told, taken, lambda name: (folder / name).read_bytes(), threads=threads)
    return Flown(told, found, time.perf_counter() - begun)


def off_truth(flown: Flown, truth: dict[str, object], *, told: bool) -> np.ndarray:
    """[N, 2] metres by which photos stand off their true places."""
    photos: list[dict[str, float]] = truth["photos"]  # type: ignore[assignment]
    where = flown.told if told else flown.alignment.geometries
    return np.array(
        [
            where[str(one["file"])].centre - (one["east"], one["north"])
            for one in photos
            if str(one["file"]) in where
        ]
    )


def apart(flown: Flown, truth: dict[str, object], *, told: bool) -> np.ndarray:
    """[M] metres between where two photos put the same point of the true ground's plane, seen through their true
    poses; the ground's own relief is left out of it."""
    photos = {str(one["file"]): one for one in truth["photos"]}  # type: ignore[attr-defined, index]
    where = flown.told if told else flown.alignment.geometries
    rng = np.random.default_rng(0)
    found = []
    names = sorted(set(photos) & set(where))
    true = {name: true_photo(flown.told[name], photos[name]["pose"]) for name in names}
    for first, second in itertools.pairwise(names):
        middle = (true[first].centre + true[second].centre) / 2
        ground = middle + rng.uniform(-1, 1, (20, 2))
        here, there = (
            where[name].pixel_to_ground(true[name].ground_to_pixel(ground)) for name in (first, second)
        )
        found += np.linalg.norm(here - there, axis=1).tolist()
    return np.array(found)


def true_photo(photo: PhotoGeometry, pose: dict[str, float]) -> PhotoGeometry:
    """The photo with its true pose."""
    return replace(
        photo,
        pose=replace(
            photo.pose, lat=pose["lat"], lon=pose["lon"], height_m=pose["height_m"], yaw_deg=pose["yaw"],
            pitch_deg=pose["pitch"], roll_deg=pose["roll"],
        ),
    )  # fmt: skip


def told_of(flown: Flown, truth: dict[str, object] | None) -> list[str]:
    """What happened to a flight, in lines."""
    photos, found = flown.told, flown.alignment
    gsd = float(np.median([one.gsd_m for one in photos.values()]))
    lines = [
        f"{len(photos)} photos, {found.compared} pairs compared, {found.matched} matched",
        f"{len(found.kept)} kept as told; {flown.seconds:.1f} s; rms {found.adjusted.rms_px:.2f} px of the photo",
    ]
    for name, before in (("told", True), ("aligned", False)) if truth else ():
        off, between = off_truth(flown, truth, told=before), apart(flown, truth, told=before)
        mean, spread = root(off), root(off - off.mean(0))
        lines.append(
            f"{name}: places off by {mean:.2f} m, about their mean {spread:.3f} m; "
            f"neighbours apart by {root(between[:, None]):.4f} m rms ({root(between[:, None]) / gsd:.1f} GSD)"
        )
    return lines


def root(errors: np.ndarray) -> float:
    """Root mean square length of errors [N, k]."""
    return float(np.sqrt((errors**2).sum(1).mean()))


def pairs_of(flown: Flown) -> list[str]:
    """Each pair of photos with the root mean square of its residuals, in pixels of the picture that was searched."""
    found, names = flown.alignment, list(flown.told)
    lines = []
    for first, second, residual in found.adjusted.pairs.tolist():
        one, other = int(first), int(second)
        step = (found.step_px[one] + found.step_px[other]) / 2
        lines.append(f"{names[one]} {names[other]} {residual / step:.2f} px")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", action="store_true", help="List every pair's residual.")
    given = parser.parse_args()
    truth = given.folder / "truth.json"
    told = json.loads(truth.read_text()) if truth.exists() else None
    flown = aligned_folder(given.folder)
    print("\n".join([*told_of(flown, told), *(pairs_of(flown) if given.pairs else [])]))  # noqa: T201


if __name__ == "__main__":
    main()
