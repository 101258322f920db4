"""How quickly tiles come while a flight is processed: `python -m tests.dashboard.tile_pace_proof`.

The dashboard in a process of its own, as on a box; ten browsers that ask for one tile after the other; and, as kind as the
box's own worker is (nice 10), the whole path of a simulated flight on all cores. Prints, for tiles that are made for the first
time and for those that are at hand, the median and the 99th percentile, and the same without any flight. Then how long single
tiles of 100,000 weeds take. It tests nothing.
"""

from __future__ import annotations

import http.client
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import waitress

from fieldbox.dashboard import plants, planttiles
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.storage.store import Store
from tests.dashboard.conftest import PASSWORD, log_in
from tests.dashboard.demo_box import HEIGHT_M, NORTH, SURVEY, WEST, WIDTH_M, make_box
from tests.dashboard.test_pictures import tile_at
from tests.dashboard.test_plants import field_of, tile_over

CLIENTS, SECONDS = 10, 20.0
KEY = b"a key for this proof only"
LAYERS = ("mosaic", "weed-cover", "plants", "position")


def main() -> None:
    """Print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "box"
        root.mkdir()
        cookie = _fill(root)
        apart = multiprocessing.get_context("spawn")
        port_of = apart.Queue()
        server = apart.Process(target=_serve, args=(root, port_of), daemon=True)
        server.start()
        port = port_of.get(timeout=60)
        pages = _pages()
        _tell("made for the first time, no flight", _ask_each(port, cookie, pages))
        _tell("at hand, no flight", _ask_for(port, cookie, pages, SECONDS, None))
        flight = _process(Path(folder))
        told = _ask_for(port, cookie, pages, SECONDS, flight)
        _tell(f"at hand, a flight is processed ({'still' if flight.poll() is None else 'done early'})", told)
        flight.kill()
        flight.wait()
        server.terminate()
    _weeds()


def _fill(root: Path) -> str:
    """A box with a field; the cookie of somebody who is logged in."""
    demo = make_box(root, pretty=True)
    demo.store.add_user("asha", hash_password(PASSWORD), "owner")
    client = log_in(create_app(demo.store, root, secret_key=KEY).test_client())
    cookie = client.get_cookie("fieldbox")
    demo.store.close()
    assert cookie is not None
    return f"fieldbox={cookie.value}"


def _serve(root: Path, port_of: Any) -> None:
    logging.getLogger("waitress").setLevel(logging.ERROR)
    with Store.open(root / "fieldbox.db") as store:
        server = waitress.create_server(
            create_app(store, root, secret_key=KEY), host="127.0.0.1", port=0, threads=4
        )
        port_of.put(server.effective_port)
        server.run()


def _pages() -> list[str]:
    """All tiles of the field at three zooms."""
    found = []
    for zoom in (19, 20, 21):
        left, top, *_ = tile_at(WEST, NORTH, zoom)
        right, low, *_ = tile_at(WEST + WIDTH_M, NORTH - HEIGHT_M, zoom)
        found += [(zoom, x, y) for x in range(left, right + 1) for y in range(top, low + 1)]
    return [f"/tiles/{SURVEY}/{layer}/{z}/{x}/{y}" for layer in LAYERS for z, x, y in found]


def _ask_each(port: int, cookie: str, pages: Sequence[str]) -> list[float]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = [pages[number::CLIENTS] for number in range(CLIENTS)]
        return [
            one for some in pool.map(lambda share: _get(port, cookie, share, None), shares) for one in some
        ]


def _ask_for(
    port: int, cookie: str, pages: Sequence[str], seconds: float, flight: subprocess.Popen[bytes] | None
) -> list[float]:
    end = threading.Event()

    def client(number: int) -> list[float]:
        turned = [*pages[number * 7 % len(pages) :], *pages[: number * 7 % len(pages)]]
        return _get(port, cookie, turned, end)

    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(client, number) for number in range(CLIENTS)]
        until = time.monotonic() + seconds
        while time.monotonic() < until and (flight is None or flight.poll() is None):
            time.sleep(0.1)
        end.set()
        return [one for some in asked for one in some.result()]


def _get(port: int, cookie: str, pages: Sequence[str], end: threading.Event | None) -> list[float]:
    """Milliseconds of each answer; with `end` round and round until it is set."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took = []
    while True:
        for page in pages:
            if end is not None and end.is_set():
                return took
            start = time.perf_counter()
            line.request("GET", page, headers={"Cookie": cookie})
            answer = line.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            took.append(1000 * (time.perf_counter() - start))
        if end is None:
            return took


def _process(folder: Path) -> subprocess.Popen[bytes]:
    """A flight, looked at and mapped by a process that is as kind as the box's worker."""
    card = folder / "card"
    fieldbox = [sys.executable, "-m", "fieldbox"]
    subprocess.run([*fieldbox, "simulate", "flight", str(card)], check=True, stdout=subprocess.DEVNULL)
    place = {**os.environ, "FIELDBOX_STORAGE__ROOT": str(folder / "other")}
    begun = subprocess.Popen(
        ["nice", "-n", "10", *fieldbox, "ingest", str(card), "--wait"],
        env=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(5.0)  # until it is at work
    return begun


def _tell(what: str, took: Sequence[float]) -> None:
    half, most = np.percentile(took, (50, 99))
    sys.stdout.write(f"{what}: {len(took)} tiles, median {half:.0f} ms, 99 of 100 within {most:.0f} ms\n")


def _weeds() -> None:
    weeds = plants.packed(field_of(100_000, 1000))
    for zoom in (15, 17, 19, 20, 21):
        start = time.perf_counter()
        tile = planttiles.plant_tile(weeds, zoom, *tile_over(zoom))
        took = 1000 * (time.perf_counter() - start)
        sys.stdout.write(f"100,000 weeds, zoom {zoom}: {took:.0f} ms, {len(tile.data)} bytes\n")


if __name__ == "__main__":
    main()
