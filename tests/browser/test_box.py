"""The pages of the box itself in a real browser: nothing wider than a phone, nothing refused, and pictures to look at."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, Page, expect

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Vital
from fieldbox.services.beating import beating
from fieldbox.services.logbook import LogFile, logs_folder
from fieldbox.services.support import Support
from fieldbox.services.watching import Watch
from tests.browser.conftest import PASSWORD
from tests.dashboard.demo_box import DemoBox, make_box
from tests.services.machines import put, raspberry

SIZES = {"phone": (360, 740), "desk": (1440, 900)}
PAGES = {"box": "/box", "models": "/box/models", "log": "/box/log"}


def lived(demo: DemoBox, config: Config, days: int = 20) -> None:
    """Readings of so many days, warm at noon, and services that said something."""
    now = datetime.now(UTC)
    for step in range(days * 72):
        hour = step / 3
        at = now - timedelta(hours=days * 24 - hour)
        warm = 55 + 9 * math.sin(hour / 24 * 2 * math.pi) + 2 * math.sin(hour)
        busy = int(hour / 24) in (8, 15, 19) and 9 < hour % 24 < 12
        free = round(240e9 - 3.1e9 * int(hour / 24 / 3) * 3)
        demo.store.keep_vital(Vital(at, warm + 18 * busy, busy, False, free, 500 * 10**9, 5 * 10**9, 0.8))
    worker = LogFile(logs_folder(config), "worker")
    for number in range(55):
        worker.add("info", "flight mapped", {"flight": f"9c1d{number}", "photos": 120 + number})
    told = "None of its photos could be placed; each says why."
    worker.add("warning", "flight not mapped", {"flight": "77ab", "reason": told, "state": "failed"})
    trace = (
        'Traceback (most recent call last):\n  File "/opt/fieldbox/fieldbox/pipeline.py", line 10, in run\n'
        * 4
    )
    worker.add("error", "fault while mapping", {"flight": "77ab", "trace": trace})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Where the dashboard of a box answers that has lived for three weeks, and the files of its machine."""
    demo = make_box(tmp_path_factory.mktemp("box"), pretty=True)
    demo.store.add_user("asha", hash_password(PASSWORD), "owner")
    config = Config(storage=StorageConfig(root=demo.root))
    files = tmp_path_factory.mktemp("machine")
    machine = raspberry(files)
    put(files / "synchronised", "")
    lived(demo, config)
    watch = Watch(config, demo.store, machine)
    watch.walk()
    app = create_app(
        demo.store,
        demo.root,
        secret_key=os.urandom(16),
        login_limit="1000 per minute",
        beyond=Beyond(machine=watch, support=Support(config, demo.store, watch)),
    )
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with beating(config, "web"), beating(config, "worker"), beating(config, "intake"):
        yield f"http://127.0.0.1:{server.effective_port}", files
    server.close()
    thread.join(timeout=60)
    demo.store.close()


@pytest.fixture(params=list(SIZES))
def page(request: pytest.FixtureRequest, browser: Browser, house: tuple[str, Path]) -> Iterator[Page]:
    """Logged in, on a phone and on a desk; a browser that refuses something fails the test."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=house[0])
    opened = context.new_page()
    refused: list[str] = []
    opened.on("console", lambda told: refused.append(told.text) if told.type == "error" else None)
    opened.goto("/login")
    opened.fill("input[name=name]", "asha")
    opened.fill("input[name=password]", PASSWORD)
    opened.click("main button")
    opened.wait_for_url("**/")
    refused.clear()
    yield opened
    assert refused == []
    context.close()


def name_of(page: Page) -> str:
    size = page.viewport_size
    assert size
    return "phone" if size["width"] < 800 else "desk"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", list(PAGES))
def test_the_pages_fit_and_look_right(page: Page, shots: Path, which: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(PAGES[which])
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.screenshot(path=shots / f"{which}-{name_of(page)}-{scheme}.png", full_page=True)
    assert wide <= 0


def test_a_card_fits_on_a_phone_and_its_tables_scroll_for_themselves(page: Page, shots: Path) -> None:
    page.goto("/box/models")
    page.click("text=How it was made and measured >> nth=0")
    expect(page.locator("h1")).to_contain_text("fieldbox-weeds")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.screenshot(path=shots / f"model-{name_of(page)}.png")
    assert wide <= 0


def test_a_box_that_is_not_well_says_what_to_do(page: Page, house: tuple[str, Path], shots: Path) -> None:
    zone = house[1] / "thermal" / "thermal_zone0" / "temp"
    put(zone, "83400\n")
    put(house[1] / "hwmon" / "hwmon1" / "in0_lcrit_alarm", "1\n")
    page.goto("/box")
    expect(page.locator(".note.bad")).to_have_count(2)
    page.screenshot(path=shots / f"unwell-{name_of(page)}.png")
    put(zone, "61250\n")
    put(house[1] / "hwmon" / "hwmon1" / "in0_lcrit_alarm", "0\n")


def test_the_support_file_is_downloaded(page: Page) -> None:
    page.goto("/box")
    with page.expect_download() as told:
        page.click("text=Make a support file")
    assert told.value.suggested_filename.startswith("fieldbox-support-")


def test_the_log_is_searched(page: Page) -> None:
    page.goto("/box/log")
    page.fill("input[name=words]", "placed")
    page.click("main button")
    expect(page.locator(".said")).to_have_text(["Flight not mapped"])
