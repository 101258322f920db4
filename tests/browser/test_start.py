"""A new box is set up with a phone, from the code to the map of a test flight: real processes, a real browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fieldbox.config import load_config
from fieldbox.i18n import translated
from fieldbox.services import starting
from fieldbox.services.box import open_store
from fieldbox.services.chosen import settled

PHONE = {"width": 360, "height": 740}
PASSWORD = "three wet geese"  # noqa: S105 - of a throw-away box
PATIENCE_S = 60


@dataclass(frozen=True)
class NewBox:
    """A box that nobody has set up."""

    environ: dict[str, str]
    url: str

    def code(self) -> str:
        return starting.setup_code(load_config(self.environ))


@pytest.fixture
def new_box(tmp_path: Path) -> Iterator[NewBox]:
    """Web, intake and worker, as they run on a box."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {
        "FIELDBOX_STORAGE__ROOT": str(tmp_path / "box"),
        "FIELDBOX_WEB__PORT": str(port),
        "FIELDBOX_WORKER__POLL_SECONDS": "0.2",
        "FIELDBOX_INGEST__CARDS_FOLDER": str(tmp_path / "cards"),
        "FIELDBOX_INGEST__SETTLE_SECONDS": "1",
    }
    modules = (["fieldbox", "web"], ["tests.browser.smallintake"], ["fieldbox", "worker"])
    commands = [[sys.executable, "-m", *words] for words in modules]
    processes = [subprocess.Popen(command, env=os.environ | environ) for command in commands]
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield NewBox(environ, f"http://127.0.0.1:{port}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=PATIENCE_S)


def _wait_for(url: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own address
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def shot(page: Page, shots: Path, name: str) -> None:
    """Keep a picture, its letters loaded; nothing is wider than the phone."""
    page.evaluate("document.fonts.ready.then(() => true)")
    page.screenshot(path=shots / f"start-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def next_page(page: Page) -> None:
    """Press the button that goes on: the first that is seen in the form of the question."""
    page.locator("form[action^='/start/'] .actions button").first.click()


@pytest.mark.parametrize("language", ["en", *(one for one in ("mr",) if one in translated())])
def test_a_phone_sets_up_a_new_box(new_box: NewBox, browser: Browser, shots: Path, language: str) -> None:
    context = browser.new_context(viewport=PHONE, locale=language)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(new_box.url + "/")
    expect(page).to_have_url(re.compile(r"/start$"))
    shot(page, shots, f"{language}-0-code")
    page.fill("#code", new_box.code())
    page.keyboard.press("Enter")
    _answer(page, shots, language)
    if language == "en":
        _fly(page, shots)
    next_page(page)
    expect(page).to_have_url(re.compile(r"/start/ready$"))
    shot(page, shots, f"{language}-8-ready")
    page.goto(new_box.url + "/")
    expect(page).to_have_url(re.compile(r":\d+/$"))
    shot(page, shots, f"{language}-9-home")
    with open_store(load_config(new_box.environ)) as store:
        now = settled(load_config(new_box.environ), store)
        assert (now.locale.language, now.box.name, now.sms.send) == (language, "Hill farm", "alerts")
        assert (now.summary.share_name, now.summary.share_position) == (True, False)
        assert [one.name for one in store.users()] == ["Asha"]
    context.close()


def _answer(page: Page, shots: Path, language: str) -> None:
    expect(page).to_have_url(re.compile(r"/start/language$"))
    page.locator(f"input[value={language}]").check()
    page.select_option("[name='locale.area_unit']", "acre")
    shot(page, shots, f"{language}-1-language")
    next_page(page)
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.fill("[name='box.name']", "Hill farm")
    shot(page, shots, f"{language}-2-farm")
    next_page(page)
    page.fill("#name", "Asha")
    page.fill("#new", PASSWORD)
    page.fill("#again", "three wet")
    next_page(page)
    expect(page.locator("#again-wrong")).to_be_visible()
    shot(page, shots, f"{language}-3-you")
    page.fill("#new", PASSWORD)
    page.fill("#again", PASSWORD)
    next_page(page)
    page.fill("[name='sms.numbers']", "9812345678")
    page.select_option("[name='sms.send']", "alerts")
    page.select_option("[name='sms.language']", language)
    next_page(page)
    expect(page.locator("#sms-numbers-wrong")).to_contain_text("+919812345678")
    shot(page, shots, f"{language}-4-texts")
    page.fill("[name='sms.numbers']", "+919812345678")
    next_page(page)
    shot(page, shots, f"{language}-5-hub")
    page.locator("form[action='/start/hub'] .actions button").first.click()
    page.locator("[name='summary.share_name']").check()
    shot(page, shots, f"{language}-6-leaving")
    next_page(page)
    expect(page).to_have_url(re.compile(r"/start/flight$"))
    shot(page, shots, f"{language}-7-flight")


def _fly(page: Page, shots: Path) -> None:
    page.locator("form[action='/start/flight/fly'] button").click()
    expect(page.locator("[data-busy] progress").first).to_be_visible()
    shot(page, shots, "en-7-flying")
    expect(page.get_by_text("The test flight is on the map.")).to_be_visible(timeout=300_000)
    shot(page, shots, "en-7-flown")
