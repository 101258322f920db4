"""Ten people look at the box while it maps a flight: `make proof-dashboard` (minutes).

The same flight is mapped alone and with ten phones that each open a page every five seconds, with the pictures of its map;
worker and web are processes of their own, the worker as polite as its unit makes it (Nice=10). Printed: how long pages and tiles
took (median, 99th percentile), how many failed, and by how much the flight became slower. The phones run on the same cores, so
what they cost is in the figures.
"""

from __future__ import annotations

import gzip
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
import numpy as np

from fieldbox.config import load_config
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.tiles import extent
from fieldbox.services.box import open_store
from tests.programs import free_port

PHONES: Final = 10
EVERY_S: Final = 5.0
TILES: Final = 9
"""That a phone shows at once."""
PASSWORD: Final = "ten people at once"  # noqa: S105  of a throw-away box
PAGE_MS, TILE_MS, SLOWER = 300.0, 150.0, 1.15
"""What is asked: the 99th percentile of pages and of tiles that the box has at hand, and the flight's time."""


@dataclass
class Times:
    """What the phones measured, milliseconds."""

    pages: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    """Tiles when first asked for."""
    warm: list[float] = field(default_factory=list)
    """The same again, as another phone asks for them."""
    failed: list[str] = field(default_factory=list)


class Phone:
    """A browser of few wants: one connection, one cookie."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.ask("/login")[1].decode())
        form = {"csrf_token": token[1] if token else "", "name": "asha", "password": PASSWORD}
        code, _body, _ms = self.ask("/login", urllib.parse.urlencode(form))
        if code != 302:
            raise RuntimeError(f"no log-in: {code}")

    def ask(self, path: str, form: str | None = None) -> tuple[int, bytes, float]:
        """Status, body and milliseconds."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Accept-Encoding": "gzip"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._line.request("GET" if form is None else "POST", path, form, headers)
        answer = self._line.getresponse()
        body = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        told = (one.partition(";")[0].partition("=") for one in answer.headers.get_all("Set-Cookie", []))
        self._cookies |= {name: value for name, _sign, value in told}
        return answer.status, body, took


def look(phone: Phone, pages: list[str], tiles: list[str], times: Times, stop: threading.Event) -> None:
    """Open a page every few seconds, and the tiles of a map after each."""
    turn = 0
    while not stop.is_set():
        began = time.monotonic()
        for kind, path in _wanted(pages, tiles, turn):
            code, _body, took = phone.ask(path)
            getattr(times, kind).append(took)
            if code != 200:
                times.failed.append(f"{code} {path}")
        turn += 1
        stop.wait(max(0.0, EVERY_S - (time.monotonic() - began)))


def _wanted(pages: list[str], tiles: list[str], turn: int) -> Iterator[tuple[str, str]]:
    yield "pages", pages[turn % len(pages)]
    first = turn * TILES % len(tiles)
    for path in (tiles + tiles)[first : first + TILES]:
        yield "cold", path
        yield "warm", path


@contextmanager
def service(root: Path, name: str, port: int, *, nice: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """One process of fieldbox over the box at `root`."""
    environ = {**os.environ, "FIELDBOX_STORAGE__ROOT": str(root), "FIELDBOX_WEB__PORT": str(port)}
    command = ["nice", "-n", str(nice), sys.executable, "-m", "fieldbox", name]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def mapped(root: Path, flight: Path, port: int, phones: Times | None) -> float:
    """Map a copy of `flight` on the box at `root`, with phones or without; the seconds that it took."""
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(root)})
    command = [sys.executable, "-m", "fieldbox", "ingest", str(flight)]
    environ = {**os.environ, "FIELDBOX_STORAGE__ROOT": str(root)}
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
    with open_store(config) as store:
        flight_id = store.flights()[0].id
        with _looking(root, port, phones), service(root, "worker", port, nice=10):
            began = time.monotonic()
            while (job := store.job_for_flight(flight_id)) and job.state in ("waiting", "running"):
                time.sleep(0.2)
            took = time.monotonic() - began
        if job is None or job.state != "done":
            raise RuntimeError(f"the flight was not mapped: {job}")
    return took


@contextmanager
def _looking(root: Path, port: int, times: Times | None) -> Iterator[None]:
    if times is None:
        yield
        return
    pages, tiles, stop = pages_of(root), tiles_of(root), threading.Event()
    phones = [Phone(port) for _ in range(PHONES)]
    threads = [
        threading.Thread(target=look, args=(one, pages[i:] + pages[:i], tiles[i:] + tiles[:i], times, stop))
        for i, one in enumerate(phones)
    ]
    for number, one in enumerate(threads):
        threading.Timer(number * EVERY_S / PHONES, one.start).start()
    try:
        yield
    finally:
        stop.set()
        time.sleep(EVERY_S)
        for one in threads:
            one.join()


def pages_of(root: Path) -> list[str]:
    """The pages that people open, of the first field."""
    with open_store(load_config({"FIELDBOX_STORAGE__ROOT": str(root)})) as store:
        field_, flight = store.fields()[0], store.flights()[-1]
        survey = store.surveys(field_id=field_.id)[-1]
    return [
        "/",
        f"/fields/{field_.id}",
        f"/flights/{flight.id}",
        "/flights",
        f"/surveys/{survey.id}/quality",
        "/sending",
        "/review",
        "/box",
        f"/fields/{field_.id}?survey={survey.id}",
        "/now",
    ]


def tiles_of(root: Path) -> list[str]:
    """Tiles of the mosaic and of weed cover, as a map of the whole field shows them."""
    with open_store(load_config({"FIELDBOX_STORAGE__ROOT": str(root)})) as store:
        survey = store.surveys(field_id=store.fields()[0].id)[-1]
    place = extent(root / "rasters" / survey.id / "mosaic.tif")
    found = []
    for zoom in (place.native_zoom - 3, place.native_zoom - 1, place.native_zoom):
        west, north = _tile(place.bounds.west, place.bounds.north, zoom)
        east, south = _tile(place.bounds.east, place.bounds.south, zoom)
        spots = [(x, y) for x in range(west, east + 1) for y in range(north, south + 1)]
        step = max(1, len(spots) // 40)
        for x, y in spots[::step]:
            found += [f"/tiles/{survey.id}/{layer}/{zoom}/{x}/{y}" for layer in ("mosaic", "weed-cover")]
    return found


def _tile(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    across = (lon + 180) / 360
    down = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2
    return int(across * 2**zoom), int(down * 2**zoom)


def _told(name: str, took: list[float]) -> str:
    if not took:
        return f"{name}: none"
    middle, last = np.percentile(took, [50, 99])
    return f"{name}: {len(took)} asked for, median {middle:.0f} ms, 99th percentile {last:.0f} ms, longest {max(took):.0f} ms"


@click.command()
@click.option("--size-m", default=40.0, help="Side of the made field.")
def main(size_m: float) -> None:
    """Print what ten people cost, and what the flight costs them."""
    with tempfile.TemporaryDirectory() as folder:
        root, flights, port = Path(folder) / "box", [], free_port()
        for number in range(3):
            flight = Path(folder) / f"flight{number}"
            _simulated(flight, size_m, number)
            flights.append(flight)
        with open_store(load_config({"FIELDBOX_STORAGE__ROOT": str(root)})) as store:
            store.add_user("asha", hash_password(PASSWORD), "owner")
        times = Times()
        first = mapped(root, flights[0], port, None)
        with service(root, "web", port):
            _wait_for(port)
            looked = mapped(root, flights[1], port, times)
        second = mapped(root, flights[2], port, None)
    alone = (first + second) / 2
    click.echo(
        f"{PHONES} phones, a page every {EVERY_S:.0f} s each, while a flight was mapped in {looked:.0f} s"
    )
    for name, took in (
        ("pages", times.pages),
        ("tiles, first time", times.cold),
        ("tiles at hand", times.warm),
    ):
        click.echo(_told(name, took))
    click.echo(f"failed: {len(times.failed)} {sorted(set(times.failed))[:5]}")
    click.echo(
        f"the flight alone: {first:.0f} and {second:.0f} s; with the phones {looked:.0f} s, x {looked / alone:.2f}"
    )
    good = (
        not times.failed
        and np.percentile(times.pages, 99) <= PAGE_MS
        and np.percentile(times.warm, 99) <= TILE_MS
        and looked / alone <= SLOWER
    )
    click.echo("as asked" if good else "NOT as asked")
    sys.exit(0 if good else 1)


def _simulated(folder: Path, size_m: float, seed: int) -> None:
    command = [
        sys.executable,
        "-m",
        "fieldbox",
        "simulate",
        "flight",
        str(folder),
        "--size",
        *2 * [str(size_m)],
    ]
    subprocess.run([*command, "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", "/healthz")
            if line.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the web process does not answer")


if __name__ == "__main__":
    main()
