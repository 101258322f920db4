"""The dashboard behind waitress, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from fieldbox.config import load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond
from fieldbox.services.listening import listening
from fieldbox.services.offering import Offering
from fieldbox.services.web import THREADS
from tests.browser.chromium import ARGUMENTS, chromium
from tests.dashboard.demo_box import DemoBox, make_box

PASSWORD = "correct horse"  # noqa: S105 - of a throw-away box
FULL = os.environ.get("FIELDBOX_BROWSER_FULL") == "1"
"""`make browser` looks at all sizes, themes and languages."""
SIZES = ("phone", "desk")
BY_TURNS = ("phone", "desk", "phone")
"""Most people come with a phone."""
PATIENCE_MS = 60_000
"""As long as a page may take for a step: the machine may have other work."""
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is looked at on a phone and at a desk alike: `make test` does it at one of them."""
    if FULL:
        return
    asked = {item.nodeid for item in items}
    left = [item for item in items if not _has_its_turn(item.nodeid, asked)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _has_its_turn(name: str, asked: set[str]) -> bool:
    test, _bracket, way = name.partition("[")
    parts = way.removesuffix("]").split("-")
    mine = next((size for size in SIZES if size in parts), None)
    if mine is None or not test.startswith("tests/browser/test_"):
        return True
    others = {"-".join(other if part == mine else part for part in parts) for other in SIZES}
    both = all(f"{test}[{one}]" in asked for one in others)
    return not both or BY_TURNS[zlib.crc32(test.encode()) % len(BY_TURNS)] == mine


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the tests are skipped."""
    found = chromium()
    if found is None:
        pytest.skip("chromium is not installed (on Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoBox]:
    """A box that looks like a field, with the user asha."""
    made = make_box(tmp_path_factory.mktemp("box"), pretty=True)
    made.store.add_user("asha", hash_password(PASSWORD), "owner")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def address(demo: DemoBox) -> Iterator[str]:
    """Where the dashboard answers."""
    offering = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)}), demo.store)
    app = create_app(
        demo.store,
        demo.root,
        secret_key=os.urandom(16),
        login_limit="1000 per minute",
        beyond=Beyond(decisions=offering, views=offering.views),
    )
    server = listening(app, "127.0.0.1", 0, threads=THREADS, ident="fieldbox", taken="")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=60)
    offering.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: FIELDBOX_SCREENSHOTS, else pytest's own temporary folder."""
    folder = Path(os.environ.get("FIELDBOX_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
