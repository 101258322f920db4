"""A person sends photos from a phone, loses the network, and goes on."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, Page, Route, expect

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond
from fieldbox.ingest.uploads import Uploads
from fieldbox.services.web import intake_of
from fieldbox.storage.store import Store
from tests.browser.conftest import PASSWORD, PATIENCE_MS

PHONE, DESK = (390, 844), (1366, 900)
Served = tuple[str, Path]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A box's address and folder."""
    root = tmp_path / "root"
    with Store.open(root / "fieldbox.db") as store:
        store.add_user("asha", hash_password(PASSWORD), "owner")
        intake = intake_of(Config(storage=StorageConfig(root=root, reserve_mb=0)))
        app = create_app(store, root, secret_key=os.urandom(16), beyond=Beyond(intake=intake))
        server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.effective_port}", root
        server.close()
        thread.join(timeout=60)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Files of some megabytes, each its own."""
    folder = tmp_path / "DCIM"
    folder.mkdir()
    for number in range(4):
        (folder / f"DJI_{number:04}.JPG").write_bytes(os.urandom(3_000_000 + number))
    return sorted(folder.iterdir())


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def page(request: pytest.FixtureRequest, browser: Browser, served: Served) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 500)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(f"{served[0]}/login")
    opened.fill("input[name=name]", "asha")
    opened.fill("input[name=password]", PASSWORD)
    opened.click("main form button")
    opened.goto(f"{served[0]}/upload")
    yield opened
    context.close()


def sent(root: Path) -> dict[str, int]:
    """CRC-32 of all files of the one upload that came whole."""
    uploads = Uploads(root / "uploads", reserve_bytes=0)
    (one,) = uploads.sessions()
    assert one.state == "sent"
    return {path.name: zlib.crc32(path.read_bytes()) for path in uploads.files(one).rglob("*.JPG")}


def crcs(photos: list[Path]) -> dict[str, int]:
    return {path.name: zlib.crc32(path.read_bytes()) for path in photos}


def test_photos_are_sent(
    page: Page, served: Served, photos: list[Path], shots: Path, request: pytest.FixtureRequest
) -> None:
    width = "phone" if page.viewport_size and page.viewport_size["width"] < 500 else "desk"
    page.screenshot(path=shots / f"upload-{width}.png", full_page=True)
    page.set_input_files("[data-files]", photos)
    expect(page.locator("[data-chosen]")).to_contain_text("4 files, 12 MB")
    page.fill("input[name=field]", "North field")
    page.screenshot(path=shots / f"upload-chosen-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("[data-send]")
    expect(page.locator("[data-finished]")).to_be_visible()
    page.screenshot(path=shots / f"upload-done-{width}.png", full_page=True)
    assert sent(served[1]) == crcs(photos)


def test_it_waits_while_the_box_is_out_of_reach(page: Page, served: Served, photos: list[Path]) -> None:
    away = True
    tried = 0

    def gate(route: Route) -> None:
        nonlocal tried
        tried += 1
        if away and tried > 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*/files/*", gate)
    page.set_input_files("[data-files]", photos)
    page.click("[data-send]")
    expect(page.locator("[data-trouble]")).to_contain_text("does not answer")
    away = False
    expect(page.locator("[data-finished]")).to_be_visible()
    assert sent(served[1]) == crcs(photos)


def test_it_goes_on_after_the_page_was_closed(page: Page, served: Served, photos: list[Path]) -> None:
    first = True
    parts = 0

    def gate(route: Route) -> None:
        nonlocal parts
        parts += 1
        if first and parts > 3:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*/files/*", gate)
    page.set_input_files("[data-files]", photos)
    page.click("[data-send]")
    expect(page.locator("[data-trouble]")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{served[0]}/upload")
    expect(page.get_by_text("Not finished")).to_be_visible()
    first, parts = False, 0
    page.set_input_files("[data-files]", photos)
    page.click("[data-send]")
    expect(page.locator("[data-finished]")).to_be_visible()
    assert sent(served[1]) == crcs(photos)
    # Of 8 parts of 2 MiB or less, those that were acknowledged are not sent again.
    assert parts < 8


def test_a_pause_is_a_pause(page: Page, served: Served, photos: list[Path]) -> None:
    page.route("**/api/v1/uploads/*/files", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.set_input_files("[data-files]", photos)
    page.click("[data-send]")
    page.click("[data-pause]")
    page.wait_for_timeout(1500)
    expect(page.locator("[data-finished]")).to_be_hidden()
    page.click("[data-pause]")
    expect(page.locator("[data-finished]")).to_be_visible()
    assert sent(served[1]) == crcs(photos)
