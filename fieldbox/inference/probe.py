"""Time one model file in a process of its own: `python -m fieldbox.inference.probe FILE THREADS WORKERS RUNS`.

A process of its own, because peak memory belongs to a process. Prints one JSON object: `ms`, wall milliseconds
of each run of one tile; with more than one worker these are of all workers together; `seconds`, wall seconds of
all runs; `cpu_ms`, processor milliseconds of one tile, which other work on the machine hardly changes;
`peak_mib`, most resident memory.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldbox.inference.runtime import Engine, OnnxRuntime, Port, read_model

SIDES = {"weeds": 640, "leaves": 224, "health": 64}
"""Height and width of an image where the model leaves them open."""
WARM_UP = 3


def sample(port: Port, kind: str) -> NDArray[Any]:
    """Noise that fits an input: the time does not depend on what is in a picture."""
    shape = [1 if axis == 0 else length or SIDES.get(kind, 64) for axis, length in enumerate(port.shape)]
    noise = np.random.default_rng(0).integers(0, 256, shape)
    return noise.astype(port.type) if port.type == "uint8" else (noise / 255).astype(port.type)


def timed(engine: Engine, workers: int, runs: int) -> tuple[list[float], float, float]:
    """Milliseconds of `runs` runs for each of `workers` Python threads that share the engine.

    Then wall seconds of all of them, and processor milliseconds of one.
    """
    given = sample(engine.inputs[0], engine.metadata.get("kind", "weeds"))
    for _ in range(WARM_UP):
        engine.run(given)

    def one(_number: int) -> float:
        begun = time.perf_counter()
        engine.run(given)
        return 1000 * (time.perf_counter() - begun)

    with ThreadPoolExecutor(workers) as pool:
        begun, cpu = time.perf_counter(), time.process_time()
        taken = list(pool.map(one, range(runs * workers)))
        used = 1000 * (time.process_time() - cpu) / len(taken)
        return taken, time.perf_counter() - begun, used


def peak_mib() -> float | None:
    """Most memory this process ever had resident, in MiB; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


def main() -> None:
    """Measure and print."""
    file, threads, workers, runs = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    engine = OnnxRuntime(read_model(file), threads)
    taken, seconds, cpu_ms = timed(engine, workers, runs)
    print(json.dumps({"ms": taken, "seconds": seconds, "cpu_ms": cpu_ms, "peak_mib": peak_mib()}))  # noqa: T201


if __name__ == "__main__":
    main()
