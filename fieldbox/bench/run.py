"""`fieldbox bench`: the naive way, ours and the floor, on one 20 MP flight in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fieldbox.bench import floor, naive
from fieldbox.bench.memory import PeakWatch
from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.geometry import geometries_of
from fieldbox.georef.coverage import plan_coverage
from fieldbox.i18n import N_, _
from fieldbox.imagery.captures import capture_of
from fieldbox.imagery.metadata import read_metadata
from fieldbox.looking import judge_scene
from fieldbox.models import load_scenes, load_weeds, models_folder
from fieldbox.services.simulation import simulate_flight
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions

Progress = Callable[[str, int, int], None]

FIELD = FieldOptions(size_m=(30.0, 20.0), weeds_per_m2=2.0)
CAMERA = "m2p"


@dataclass(frozen=True)
class Ours:
    """Our own run, with `reduction` 1 for full scale and 2 for half."""

    reduction: int
    seconds_per_photo: float
    peak_mib: float
    photos_looked_at: int
    megapixels_per_photo: float
    """Looked at by the model, margins included, for each photo flown."""
    floor_seconds_per_photo: float

    @property
    def times_floor(self) -> float:
        """How many times the floor ours takes."""
        return self.seconds_per_photo / self.floor_seconds_per_photo


@dataclass(frozen=True)
class Report:
    """Seconds are wall seconds for each photo flown; ratios are within this run."""

    photos: int
    naive_photos: int
    cores: int
    naive_seconds_per_photo: float
    entropy_seconds_per_photo: float
    int8_peak_gmacs: float
    full: Ours
    half: Ours

    def to_json(self) -> dict[str, Any]:
        """All figures and ratios."""
        scales = {"full": self.full, "half": self.half}
        ratios = {
            name: {"naive_over_ours": self.faster(one), "ours_over_floor": one.times_floor}
            for name, one in scales.items()
        }
        return {**asdict(self), "ratios": ratios}

    def faster(self, ours: Ours) -> float:
        """How many times faster than the naive way."""
        return self.naive_seconds_per_photo / ours.seconds_per_photo

    def to_text(self) -> str:
        """A table for a person."""
        lines = [
            _(
                "{photos} photos of 20 MP at 75/65 % overlap, {cores} cores; seconds for each photo flown"
            ).format(photos=self.photos, cores=self.cores),
            _("naive (whole photos, fp32; {count} photos)  {seconds:.3f} s").format(
                count=self.naive_photos, seconds=self.naive_seconds_per_photo
            ),
        ]
        for name, ours in ((_("full scale"), self.full), (_("half scale"), self.half)):
            lines += [
                _(
                    "ours, {name}  {seconds:.3f} s  {faster:.1f} x faster than naive  {times:.2f} x the floor ({floor:.3f} s)"
                ).format(
                    name=name,
                    seconds=ours.seconds_per_photo,
                    faster=self.faster(ours),
                    times=ours.times_floor,
                    floor=ours.floor_seconds_per_photo,
                ),
                _(
                    "  {used} photos looked at, {megapixels:.2f} MP a photo flown, peak memory {peak:.0f} MiB"
                ).format(
                    used=ours.photos_looked_at, megapixels=ours.megapixels_per_photo, peak=ours.peak_mib
                ),
            ]
        lines.append(
            _("floor: entropy decoding {entropy:.3f} s a photo, int8 peak {peak:.0f} GMAC/s").format(
                entropy=self.entropy_seconds_per_photo, peak=self.int8_peak_gmacs
            )
        )
        return "\n".join(lines)


def run(config: Config, *, photos: int, naive_photos: int, folder: Path | None, shown: Progress) -> Report:
    """Measure. `folder` keeps the simulated flight for another run; None makes it anew."""
    with tempfile.TemporaryDirectory(prefix="fieldbox-bench-") as scratch:
        flight = folder or Path(scratch) / "flight"
        make_flight(flight, photos, shown)
        files = sorted(flight.glob("*.JPG"))
        middle = (len(files) - naive_photos) // 2
        naive_s = _naive(config, files[max(0, middle) :][:naive_photos], shown)
        shown("floor", 0, 1)
        entropy_s, peak = floor.entropy_seconds_per_photo(files), floor.int8_peak_macs()
        shown("floor", 1, 1)
        full, half = (_ours(config, flight, files, r, Path(scratch), entropy_s, peak) for r in (1, 2))
        return Report(len(files), naive_photos, floor.CORES, naive_s, entropy_s, peak / 1e9, full, half)


def make_flight(folder: Path, photos: int, shown: Progress) -> None:
    """A simulated flight of about `photos` photos of 20 MP in `folder`, unless one is there."""
    if not (folder / "truth.json").exists():
        simulate_flight(folder, _options(photos), FIELD, shown)


def _options(photos: int) -> FlightOptions:
    """A block of about `photos` photos, wider than deep as flights are, over a field that repeats."""
    lines = max(3, round((photos / 1.6) ** 0.5))
    each = -(-photos // lines)
    camera = FlightOptions(camera=CAMERA).make_camera()
    gsd_m = 10.0 / camera.focal_px
    across, along = camera.width * gsd_m, camera.height * gsd_m
    extent = (across * (1 + 0.35 * (lines - 1)), along * (1 + 0.25 * (each - 1)))
    return FlightOptions(
        camera=CAMERA,
        repeat=True,
        extent_m=extent,
        overhang=0.0,
        # What the tags of a plain drone are off by: the alignment has work to do.
        gps_sigma_m=1.5,
        gps_drift_m=1.0,
        height_sigma_m=0.5,
        yaw_sigma_deg=3.0,
        tilt_sigma_deg=1.5,
    )


def _naive(config: Config, files: list[Path], shown: Progress) -> float:
    decoding = load_weeds(config).decoding
    model = models_folder() / "weeds-fp32.onnx"
    return naive.seconds_per_photo(files, model, decoding, lambda done, total: shown("naive", done, total))


def _ours(
    config: Config,
    flight: Path,
    files: list[Path],
    reduction: int,
    scratch: Path,
    entropy_s: float,
    peak: float,
) -> Ours:
    """Run `fieldbox ingest --wait` as a user would, in a process of its own, on a fresh box."""
    environment = {
        **os.environ,
        "FIELDBOX_STORAGE__ROOT": str(scratch / f"box-{reduction}"),
        "FIELDBOX_MAP__PHOTO_REDUCTION": str(reduction),
    }
    command = [sys.executable, "-m", "fieldbox", "ingest", str(flight), "--wait", "--json"]
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        with PeakWatch(process.pid) as watch:
            printed, _nothing = process.communicate()
        seconds = (time.perf_counter() - start) / len(files)
    if process.returncode != 0:
        raise Misconfigured(N_("The run that was to be timed failed; its reason stands above."))
    used = json.loads(printed)["surveys"][0]["photos_used"]
    pixels = _planned_pixels(config, files, reduction)
    macs = pixels * load_weeds(config).macs_per_pixel
    floor_s = entropy_s + macs / len(files) / peak
    return Ours(reduction, seconds, watch.peak_mib, used, pixels / len(files) / 1e6, floor_s)


def _planned_pixels(config: Config, files: list[Path], reduction: int) -> float:
    """Pixels that the coverage plan has the model look at, on the scale that the flight is looked at."""
    by_name = {file.name: file for file in files}
    captures = [capture_of(file.name, file.name, 0, read_metadata(file)) for file in files]
    geometries = geometries_of(captures)
    scene = judge_scene(
        list(geometries.values()),
        lambda name: by_name[name].read_bytes(),
        load_weeds(config),
        load_scenes(),
        least_reduction=reduction,
    )
    return plan_coverage(geometries.values()).pixels / scene.scale**2
