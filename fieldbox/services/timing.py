"""`fieldbox models bench`: how fast each model is on this machine, and which choice is best."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fieldbox.config import Config, write_settings
from fieldbox.errors import Misconfigured, Unavailable
from fieldbox.geometry import geometries_of
from fieldbox.georef.coverage import plan_coverage
from fieldbox.i18n import N_, _
from fieldbox.imagery.captures import capture_of
from fieldbox.imagery.glance import glance_at
from fieldbox.imagery.metadata import read_metadata
from fieldbox.inference.runtime import description_of, read_model
from fieldbox.looking import Brightness, Looker, decoded, judge_scene
from fieldbox.mapping.mosaic import choose_mosaic_gsd
from fieldbox.modelops.files import (
    FLOAT_SUFFIX,
    Origin,
    Trusted,
    configured,
    models_folder,
    shipped_files,
    trust_shipped,
)
from fieldbox.models import load_scenes, load_weeds
from fieldbox.services.modelling import choose_all, origin_word
from fieldbox.services.simulation import simulate_flight
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions, exact

Progress = Callable[[str, int, int], None]

WORTH_IT = 1.1
"""The float file has to be this many times faster to be preferred: it needs more memory and disk."""
NEARLY_ALL = 0.95
"""Of the most tiles a second: a thread that adds less is left to the dashboard."""
FIELD = FieldOptions(size_m=(12.0, 10.0), weeds_per_m2=2.0)
CAMERA = "m2p"
GLANCED = 4
"""Its photos are decoded at 1 / so much for a glance at them, as the worker does."""
BUSY = 0.8
"""Share of its wall time that a single run has the processor on a machine with nothing else to do, at least."""
QUANTISED = (b"DequantizeLinear", b"MatMulInteger")
"""Operators that only 8-bit models have; a file holds their names as they are."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: half, nine tenths and 99 % of the runs were faster; of `runs` runs."""

    p50: float
    p90: float
    p99: float
    runs: int

    @classmethod
    def of(cls, taken: list[float]) -> Spread:
        """Of measured milliseconds."""
        p50, p90, p99 = (round(float(value), 2) for value in np.percentile(taken, [50, 90, 99]))
        return cls(p50, p90, p99, len(taken))

    def to_text(self) -> str:
        """As in the tables."""
        return f"{self.p50:9.2f}{self.p90:9.2f}{self.p99:9.2f}"


@dataclass(frozen=True, slots=True)
class Timed:
    """One model file on this machine: `threads` inside one run, or `workers` Python threads over one session."""

    file: str
    origin: Origin
    """A file from outside may bear the name of a shipped one."""
    kind: str
    precision: str
    megabytes: float
    threads: int
    workers: int
    ms: Spread
    cpu_ms: float
    """Processor milliseconds of one tile."""
    tiles_per_s: float
    peak_mib: float | None

    @property
    def shipped(self) -> bool:
        """Whether it came with fieldbox."""
        return self.origin is Origin.SHIPPED

    def to_text(self) -> str:
        """A row of the table."""
        peak = "-" if self.peak_mib is None else f"{self.peak_mib:.0f}"
        named = self.file if self.shipped else f"{self.file} ({origin_word(self.origin)})"
        return (
            f"{named:<22}{self.precision:<6}{self.megabytes:>7.3f}{self.threads:>9}{self.workers:>9}"
            f"{self.ms.to_text()}{self.cpu_ms:>9.2f}{self.tiles_per_s:>9.1f}{peak:>6}"
        )


@dataclass(frozen=True, slots=True)
class Photo:
    """Milliseconds of whole photos of a small simulated flight, `threads` side by side: wall, and processor."""

    ms: Spread
    cpu_ms: Spread
    threads: int

    def to_text(self) -> str:
        """One line."""
        words = _(
            "a 20 MP photo (decoding, looking, its part of the map), {threads} at once: p50 {p50:.0f} ms, "
            "p90 {p90:.0f} ms, p99 {p99:.0f} ms of {runs} photos; cpu ms p50 {cpu:.0f}"
        )
        return words.format(threads=self.threads, cpu=self.cpu_ms.p50, **asdict(self.ms))


@dataclass(frozen=True, slots=True)
class Choice:
    """What is recommended for this machine."""

    file: str
    path: str
    """Of the setting `models.weeds`: empty for the shipped 8-bit one."""
    workers: int
    tiles_per_s: float


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All that was measured."""

    cores: int
    rows: list[Timed]
    photo: Photo | None
    choice: Choice
    warnings: tuple[str, ...] = ()
    """Which configured file was refused and why, and what was timed in its place."""

    @property
    def busy(self) -> bool:
        """Whether single runs had to wait for the processor for a good part of their time."""
        alone = [row for row in self.rows if row.threads == row.workers == 1 and row.ms.p50 > 1]
        return any(row.cpu_ms < BUSY * row.ms.p50 for row in alone)

    def to_json(self) -> str:
        """For machines."""
        told: dict[str, Any] = {**asdict(self), "busy": self.busy, "against_float": self._against_float()}
        return json.dumps(told)

    def _against_float(self) -> list[dict[str, Any]]:
        """For each shipped model with a float file beside it: share of its size, and how many times as fast.

        By processor time of single runs, since the two are timed one after the other.
        """
        alone = {row.file: row for row in self.rows if row.shipped and row.threads == row.workers == 1}
        pairs = ((row, alone.get(_float_name(name))) for name, row in alone.items())
        return [
            {
                "file": row.file,
                "size_share": round(row.megabytes / full.megabytes, 3),
                "times_faster": round(full.cpu_ms / row.cpu_ms, 2),
            }
            for row, full in pairs
            if full is not None
        ]

    def to_text(self) -> str:
        """Tables and the recommendation."""
        lines = [
            *self.warnings,
            _("{cores} cores; wall milliseconds for one tile").format(cores=self.cores),
            f"{_('file'):<22}{'':<6}{'MB':>7}{_('threads'):>9}{_('workers'):>9}{'p50':>9}{'p90':>9}{'p99':>9}"
            f"{_('cpu ms'):>9}{_('tiles/s'):>9}{'MiB':>6}",
            *(row.to_text() for row in self.rows),
            "",
            *(
                [_("Other work kept this machine busy: go by the processor's milliseconds.")]
                if self.busy
                else []
            ),
        ]
        words = _("{file}: {share:.0f} % of the float file's size, {times:.2f} times as fast")
        lines += [
            words.format(file=one["file"], share=100 * one["size_share"], times=one["times_faster"])
            for one in self._against_float()
        ]
        if self.photo is not None:
            lines.append(self.photo.to_text())
        words = _("recommended: {file} with {workers} worker threads ({tiles:.1f} tiles a second)")
        lines.append(
            words.format(file=self.choice.file, workers=self.choice.workers, tiles=self.choice.tiles_per_s)
        )
        return "\n".join(lines)


def _float_name(name: str) -> str:
    return name.removesuffix(".onnx") + FLOAT_SUFFIX + ".onnx"


def bench(config: Config, *, runs: int, photos: int, shown: Progress) -> BenchReport:
    """Time every model of this box with every number of threads, then whole photos (none if `photos` is 0).

    Where a configured file is refused, the last good one is timed in its place, as it runs in its place.
    Raises Misconfigured for a shipped model that is damaged.
    """
    cores = os.cpu_count() or 1
    # One run with several threads of its own; and several workers over one session with one thread.
    ways = [(n, 1) for n in range(1, cores + 1)] + [(1, n) for n in range(2, cores + 1)]
    files, warnings = _files(config)
    rows = []
    for number, (file, (threads, workers)) in enumerate((f, way) for f in files for way in ways):
        shown("tiles", number, len(files) * len(ways))
        rows.append(_timed(file, threads, workers, runs))
    shown("tiles", 1, 1)
    photo = _photo_ms(config, photos, shown) if photos else None
    return BenchReport(cores, rows, photo, recommended(rows), warnings)


def _files(config: Config) -> tuple[list[Trusted], tuple[str, ...]]:
    """All that can run: the shipped files and what runs of each kind. And what is to be said of the choice."""
    chosen = choose_all(config).values()
    shipped = [trust_shipped(path) for path in shipped_files()]
    paths = {file.path for file in shipped}
    outside = [one.file for one in chosen if one.file.path not in paths]
    return shipped + outside, tuple(str(warning) for one in chosen for warning in one.warnings)


def _timed(file: Trusted, threads: int, workers: int, runs: int) -> Timed:
    command = [sys.executable, "-m", "fieldbox.inference.probe", str(file.path)]
    done = subprocess.run(  # noqa: S603
        [*command, str(threads), str(workers), str(runs)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Misconfigured(N_("The model file {file} cannot be timed on this machine."), file=file.path.name)
    told = json.loads(done.stdout)
    content = read_model(file.path)
    return Timed(
        file=file.path.name,
        origin=file.origin,
        kind=description_of(file.path).get("kind", "weeds"),
        precision="int8" if any(name in content for name in QUANTISED) else "fp32",
        megabytes=round(len(content) / 1e6, 3),
        threads=threads,
        workers=workers,
        ms=Spread.of(told["ms"]),
        cpu_ms=round(told["cpu_ms"], 3),
        tiles_per_s=round(len(told["ms"]) / told["seconds"], 1),
        peak_mib=told["peak_mib"],
    )


def recommended(rows: list[Timed]) -> Choice:
    """The shipped weed file and the number of workers that are best on the machine of these rows."""
    single = [row for row in rows if row.kind == "weeds" and row.shipped and row.threads == 1]
    best = {
        name: max(row.tiles_per_s for row in single if row.file == name)
        for name in ("weeds.onnx", _float_name("weeds.onnx"))
        if any(row.file == name for row in single)
    }
    small, full = "weeds.onnx", _float_name("weeds.onnx")
    name = full if best.get(full, 0.0) > WORTH_IT * best[small] else small
    enough = [row for row in single if row.file == name and row.tiles_per_s >= NEARLY_ALL * best[name]]
    row = min(enough, key=lambda one: one.workers)
    path = "" if name == small else str(models_folder() / name)
    return Choice(name, path, row.workers, row.tiles_per_s)


def write_choice(config: Config, file: Path, report: BenchReport) -> None:
    """Put the choice into the settings file. A model from outside stays: then only the threads are written.

    Raises Unavailable where the machine was busy, and the choice so by chance.
    """
    if report.busy:
        raise Unavailable(
            N_(
                "The settings were not changed: other work kept this machine busy, run it again when it is idle."
            )
        )
    choice = report.choice
    values: dict[str, str | int] = {"worker.threads": choice.workers}
    outside = configured(config, "weeds")
    if outside is None or outside.parent == models_folder():
        values["models.weeds"] = choice.path
    write_settings(file, values)


def _photo_ms(config: Config, photos: int, shown: Progress) -> Photo:
    """Milliseconds that one 20 MP photo of a simulated flight takes among others, as the worker does it."""
    with tempfile.TemporaryDirectory(prefix="fieldbox-bench-") as scratch:
        flight = Path(scratch) / "flight"
        options = FlightOptions(camera=CAMERA, repeat=True, max_photos=photos)
        simulate_flight(flight, exact(options), FIELD, shown)
        looker = _looker(config, sorted(flight.glob("*.JPG")))

        def look(index: int) -> tuple[float, float]:
            begun, cpu = time.perf_counter(), time.thread_time()
            looker.look(index)
            return 1000 * (time.perf_counter() - begun), 1000 * (time.thread_time() - cpu)

        count = len(looker.plan.views)
        with ThreadPoolExecutor(config.threads) as pool:
            taken = []
            for number, both in enumerate(pool.map(look, range(count)), start=1):
                taken.append(both)
                shown("look", number, count)
    wall, cpu = zip(*taken, strict=True)
    return Photo(Spread.of(list(wall)), Spread.of(list(cpu)), config.threads)


def _looker(config: Config, files: list[Path]) -> Looker:
    cv2.setNumThreads(1)  # as the worker does
    by_name = {file.name: file for file in files}
    geometries = geometries_of([capture_of(file.name, file.name, 0, read_metadata(file)) for file in files])
    model, known = load_weeds(config), load_scenes()

    def read(name: str) -> bytes:
        return by_name[name].read_bytes()

    scene = judge_scene(
        list(geometries.values()), read, model, known, least_reduction=config.map.photo_reduction
    )
    plan = plan_coverage(geometries.values())
    gsd_m = choose_mosaic_gsd(scene.gsd_m * scene.scale, plan.area_m2)
    glances = {file.name: glance_at(decoded(file.name, read, GLANCED)) for file in files}
    brightness = Brightness.of(glances, geometries)
    return Looker(read, plan, geometries, scene, model, known, config.map.cell_m, gsd_m, brightness, plan)
