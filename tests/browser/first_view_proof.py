"""How soon a farmer's phone can use the page of a field: `python -m tests.browser.first_view_proof`.

Chromium with a processor slowed down four times and 5 Mbit/s with 40 ms of delay (DevTools' own brakes), nothing in its cache,
a field that was flown twice. A page is called interactive at the end of the last long task (more than 50 ms of the page's
thread) before the first second without one, once its scripts have run and the map's first tile is there; all tasks longer than
50 ms, less 50 ms each, add up to the blocked time. Prints the median and the worst of some visits; it tests nothing.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import threading
from pathlib import Path

import waitress
from playwright.sync_api import Browser, sync_playwright

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.conftest import PASSWORD
from tests.dashboard.demo_box import make_box
from tests.dashboard.second_date import add_date

VISITS = 5
SLOWER, MBIT_S, DELAY_MS = 4, 5, 40
QUIET_MS = 1000
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push([one.startTime, one.duration])))
  .observe({ type: "longtask", buffered: true });
"""
TILE = """() => performance.getEntriesByType("resource").filter((one) => one.name.includes("/tiles/"))
  .map((one) => one.responseEnd).sort((a, b) => a - b)[0] ?? null"""
LOADED = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def interactive_ms(tasks: list[tuple[float, float]], ready_ms: float) -> float:
    """The end of the last long task before a quiet second after `ready_ms`."""
    at = ready_ms
    for start, length in sorted(tasks):
        if start + length <= at:
            continue
        if start - at >= QUIET_MS:
            break
        at = start + length
    return at


def visit(browser: Browser, address: str) -> tuple[float, float, int]:
    """Milliseconds until the page is interactive, those in which it was blocked, and bytes without the tiles."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("input[name=name]", "asha")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{address}/")
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.setBypassServiceWorker", {"bypass": True})
    speed = MBIT_S * 1e6 / 8
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": DELAY_MS, "downloadThroughput": speed, "uploadThroughput": speed},
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    sizes: dict[str, int] = {}
    tiles: set[str] = set()
    session.on(
        "Network.responseReceived",
        lambda told: tiles.add(told["requestId"]) if "/tiles/" in told["response"]["url"] else None,
    )
    session.on(
        "Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]})
    )
    page.add_init_script(WATCH)
    page.goto(f"{address}/fields/1")
    page.wait_for_timeout(6000)
    first = page.evaluate(TILE)
    ready = max(page.evaluate(LOADED), first or 0.0)
    tasks = [(start, length) for start, length in page.evaluate("window.tasks")]
    blocked = sum(length - 50 for _start, length in tasks)
    context.close()
    return interactive_ms(tasks, ready), blocked, sum(sizes[one] for one in sizes.keys() - tiles)


def main() -> None:
    """Print what some visits took."""
    logging.getLogger("waitress").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = make_box(Path(folder), pretty=True)
        demo.store.add_user("asha", hash_password(PASSWORD), "owner")
        add_date(demo, pretty=True)
        app = create_app(demo.store, demo.root, secret_key=os.urandom(16), login_limit="1000 per minute")
        server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        threading.Thread(target=server.run, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        told = [visit(browser, f"http://127.0.0.1:{server.effective_port}") for _ in range(VISITS)]
        browser.close()
        server.close()
    for name, values, unit in zip(
        ("interactive", "blocked", "fetched without tiles"),
        zip(*told, strict=True),
        ("ms", "ms", "bytes"),
        strict=True,
    ):
        sys.stdout.write(
            f"{name}: median {statistics.median(values):.0f} {unit}, worst {max(values):.0f} {unit}\n"
        )


if __name__ == "__main__":
    main()
