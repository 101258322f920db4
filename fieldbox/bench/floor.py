"""The floor: what no program on this machine can undercut without looking at less.

Entropy decoding of every photo (a JPEG decoded at 1/8 needs little else) and our own multiply-adds at
the machine's int8 matrix peak, both on all cores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnxruntime
import simplejpeg

SIDE = 2048
ROUNDS = 6
CORES = os.cpu_count() or 1


def entropy_seconds_per_photo(photos: Sequence[Path]) -> float:
    """Wall seconds for each photo to decode its Huffman codes, with all cores at work."""
    data = [photo.read_bytes() for photo in photos]

    def decode(one: bytes) -> None:
        simplejpeg.decode_jpeg(one, "RGB", min_width=1, min_height=1, min_factor=8)

    decode(data[0])
    return _wall(lambda pool: list(pool.map(decode, data))) / len(data)


def int8_peak_macs() -> float:
    """Multiply-adds a second of ONNX Runtime's int8 matrix product (U8S8), with all cores at work."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = (files("fieldbox.bench") / "int8-matmul.onnx").read_bytes()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    left = rng.integers(0, 256, (SIDE, SIDE), np.uint8)

    def multiply(_round: int) -> None:
        session.run(None, {"left": left})

    multiply(0)
    best = min(_wall(lambda pool: list(pool.map(multiply, range(CORES * ROUNDS)))) for _ in range(3))
    return CORES * ROUNDS * SIDE**3 / best


def _wall(work: Callable[[ThreadPoolExecutor], object]) -> float:
    with ThreadPoolExecutor(CORES) as pool:
        start = time.perf_counter()
        work(pool)
        return time.perf_counter() - start
