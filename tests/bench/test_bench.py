"""The benchmark measures what it says: memory of a process tree, work a second, ratios of one run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from fieldbox.bench import floor, naive
from fieldbox.bench.memory import PeakWatch
from fieldbox.bench.run import Ours, Report
from fieldbox.config import load_config
from fieldbox.models import load_weeds, models_folder

TAKE_64_MIB = "import sys, time; taken = b'x' * (64 << 20); print('there', flush=True); time.sleep(30)"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TAKE_64_MIB!r}])"


def test_peak_memory_counts_children() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as process:
        with PeakWatch(process.pid) as watch:
            assert process.stdout and process.stdout.readline() == "there\n"
            time.sleep(0.5)
        subprocess.run(["pkill", "-P", str(process.pid)], check=False)
        process.kill()
    assert 64 < watch.peak_mib < 200


def test_the_floor_is_measured(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    photo = tmp_path / "a.jpg"
    photo.write_bytes(simplejpeg.encode_jpeg(pixels))
    assert 0 < floor.entropy_seconds_per_photo([photo]) < 5
    assert floor.int8_peak_macs() > 1e9


def test_the_naive_way_looks_at_whole_photos(tmp_path: Path) -> None:
    pixels = np.full((700, 1300, 3), 120, np.uint8)
    photo = tmp_path / "a.jpg"
    photo.write_bytes(simplejpeg.encode_jpeg(pixels))
    seen: list[tuple[int, int]] = []
    model = models_folder() / "weeds-fp32.onnx"
    seconds = naive.seconds_per_photo(
        [photo], model, load_weeds(load_config({})).decoding, lambda done, total: seen.append((done, total))
    )
    assert seconds > 0
    assert seen == [(1, 1)]


@pytest.mark.parametrize(("length", "tiles"), [(640, 1), (641, 2), (1152, 2), (1153, 3)])
def test_naive_tiles_overlap_by_a_fifth_and_cover_all(length: int, tiles: int) -> None:
    starts = naive._starts(length)
    assert len(starts) == tiles
    assert starts[0] == 0
    assert starts[-1] + naive.TILE == length
    assert all(after - before <= 512 for before, after in pairwise(starts))


def test_ratios_are_those_of_the_run() -> None:
    ours = Ours(1, 0.2, 600.0, 24, 2.5, 0.05)
    report = Report(48, 4, 2, 4.0, 0.03, 2000.0, ours, ours)
    told = json.loads(json.dumps(report.to_json()))
    assert told["ratios"]["full"] == {
        "naive_over_ours": pytest.approx(20.0),
        "ours_over_floor": pytest.approx(4.0),
    }
    assert "20.0 x faster" in report.to_text()
