"""Every page can be used by everybody: axe finds nothing, nothing sticks out, all is large enough for a finger.

The pages are those of the app's own table of routes: one without a sample here fails. FIELDBOX_BROWSER_FULL=1 looks at every
page in every theme and size; else each page is looked at in one theme on a phone and in another one on a desk.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.language import languages
from fieldbox.services.offering import Offering
from fieldbox.services.web import beyond_of, watching
from tests.browser.conftest import FULL, PASSWORD, PATIENCE_MS
from tests.dashboard.demo_box import DemoBox
from tests.dashboard.every_page import NOT_PAGES, QUERY, live, pages_of
from tests.dashboard.second_date import add_date

AXE = Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js"
THEMES = ("light", "dark", "sun")
SIZES = {"phone": (360, 740), "desk": (1440, 900)}
NARROWEST, TAP_PX = 320, 44
WITHOUT_LOGIN = {"people.sign_in", "people.offer_entry"}
BROKEN = "/nothing"
"""Leads to an error page."""

# What the bar below covers can be scrolled free (a test of its own), and targets are measured by a larger measure (SMALL).
VIOLATIONS = """async (only) => {
  const found = await axe.run(document, {
    resultTypes: ["violations"],
    runOnly: only ? { type: "rule", values: only } : {
      type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
    rules: only ? {} : { "target-size": { enabled: false } },
  });
  return found.violations.flatMap((each) => each.nodes.map((node) =>
    `${each.id}: ${node.html.slice(0, 160)} (${(node.any[0] || node.all[0] || node.none[0])?.message})`));
}"""
SMALL = """(least) => [...document.querySelectorAll("a[href], button, select, summary, input, textarea, [role=button]")]
  .filter((each) => each.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .filter((each) => getComputedStyle(each).display !== "inline")  // a link within a sentence
  .map((each) => each.matches("[type=checkbox], [type=radio], [type=file]") && each.closest("label") || each)
  .filter((each) => Math.min(each.getBoundingClientRect().height, each.getBoundingClientRect().width) < least - 0.5)
  .map((each) => each.outerHTML.slice(0, 160))"""
SHOW_AS = "(theme) => { document.documentElement.dataset.theme = theme; }"
TWICE_AS_LARGE = "(size) => { document.documentElement.style.fontSize = size; }"
STICKS_OUT = """() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  return ["the page is wider than the screen", ...[...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > most + 1 && !each.closest("#map")).slice(-3)
    .map((each) => each.outerHTML.slice(0, 160))];
}"""


@dataclass
class Reader:
    """A browser of a person, with all that went wrong on the page that is open."""

    page: Page
    address: str
    trouble: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings of the console."""
        if message.type in ("error", "warning"):
            self.trouble.append(f"{message.type}: {message.text}")

    def see(self, request: Request) -> None:
        """Keep what is asked of another host."""
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(f"asked elsewhere: {request.url}")

    def go(self, path: str) -> int:
        """Open a page; its status."""
        self.trouble.clear()
        self.page.set_viewport_size({"width": SIZES["phone"][0], "height": SIZES["phone"][1]})
        answer = self.page.goto(self.address + path, wait_until="load")
        self.page.evaluate(AXE.read_text("utf-8"))
        return answer.status if answer else 0

    def look(self, theme: str, size: str, *, whole: bool = True) -> list[str]:
        """What is wrong with the open page in a theme and a size; not `whole`: with its colours alone."""
        width, height = SIZES[size]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate(SHOW_AS, theme)
        found = list(self.page.evaluate(VIOLATIONS, None if whole else ["color-contrast"]))
        if whole and size == "phone":
            found += [f"too small: {each}" for each in self.page.evaluate(SMALL, TAP_PX)]
        return [f"{theme}, {size}: {each}" for each in [*found, *self.page.evaluate(STICKS_OUT)]]

    def squeeze(self) -> list[str]:
        """What sticks out on the narrowest screen, and with letters twice as large."""
        self.page.set_viewport_size({"width": NARROWEST, "height": 640})
        narrow = self.page.evaluate(STICKS_OUT)
        self.page.set_viewport_size({"width": 2 * NARROWEST, "height": 900})
        self.page.evaluate(TWICE_AS_LARGE, "200%")
        large = self.page.evaluate(STICKS_OUT)
        self.page.evaluate(TWICE_AS_LARGE, "")
        return [f"{NARROWEST} px: {each}" for each in narrow] + [f"200 %: {each}" for each in large]


@pytest.fixture(scope="module")
def app(demo: DemoBox) -> Iterator[Flask]:
    """The app with all that a box can have, and a field of two dates."""
    add_date(demo, pretty=True)
    config = Config(storage=StorageConfig(root=demo.root, reserve_mb=0))
    live(demo, config)
    with closing(Offering(config, demo.store)) as offering, watching(config, demo.store) as watch:
        yield create_app(
            demo.store,
            demo.root,
            secret_key=os.urandom(16),
            login_limit="1000 per minute",
            beyond=beyond_of(config, demo.store, offering, watch),
        )


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """Where it answers."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=60)


@pytest.fixture(scope="module")
def stranger(browser: Browser, address: str) -> Iterator[Reader]:
    """Somebody who is not logged in."""
    yield from _reader(browser, address)


@pytest.fixture(scope="module")
def reader(browser: Browser, address: str) -> Iterator[Reader]:
    """Somebody who is."""
    for made in _reader(browser, address):
        made.page.goto(f"{address}/login")
        made.page.fill("input[name=name]", "asha")
        made.page.fill("input[name=password]", PASSWORD)
        made.page.click("main form button")
        made.page.wait_for_url(f"{address}/")
        yield made


def _reader(browser: Browser, address: str) -> Iterator[Reader]:
    context = browser.new_context(has_touch=True, reduced_motion="reduce")
    made = Reader(context.new_page(), address)
    made.page.set_default_timeout(PATIENCE_MS)
    made.page.on("console", made.hear)
    made.page.on("pageerror", lambda error: made.trouble.append(str(error)))
    made.page.on("request", made.see)
    yield made
    context.close()


def test_nothing_is_called_no_page_that_is_not_there(app: Flask) -> None:
    assert NOT_PAGES.keys() | QUERY.keys() | WITHOUT_LOGIN <= app.view_functions.keys()


def test_every_page_can_be_used_by_everybody(
    app: Flask, demo: DemoBox, reader: Reader, stranger: Reader
) -> None:
    wrong: list[str] = []
    for number, (endpoint, path) in enumerate(pages_of(app, demo)):
        who = stranger if endpoint in WITHOUT_LOGIN else reader
        status = who.go(path)
        found = [] if status == 200 else [f"answers {status}: give the demonstration box what it shows"]
        for i, (size, theme) in enumerate(looks(number)):
            found += who.look(theme, size, whole=i < 2)
        found += who.squeeze()
        if endpoint != "people.offer_entry":  # its link is used up at once, and is none
            found += who.trouble
        wrong += [f"{path} ({endpoint}): {each}" for each in dict.fromkeys(found)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not FULL, reason="FIELDBOX_BROWSER_FULL=1 looks at every page in every language")
@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_nothing_sticks_out_in_other_languages(app: Flask, demo: DemoBox, reader: Reader, code: str) -> None:
    reader.page.context.add_cookies([{"name": "language", "value": code, "url": reader.address}])
    wrong = []
    for _, path in pages_of(app, demo):
        reader.go(path)
        wrong += [f"{path}: {each}" for each in [*reader.page.evaluate(STICKS_OUT), *reader.squeeze()]]
    reader.page.context.clear_cookies(name="language")
    assert not wrong, "\n".join(wrong)


def looks(number: int) -> list[tuple[str, str]]:
    """In which sizes and themes a page is looked at; the first two are of different sizes."""
    first = [("phone", THEMES[number % 3]), ("desk", THEMES[(number + 1) % 3])]
    every = [pair for pair in itertools.product(SIZES, THEMES) if pair not in first]
    return [*first, *every] if FULL else first


def test_an_error_can_be_read_by_everybody(reader: Reader) -> None:
    assert reader.go(BROKEN) == 404
    found = [each for theme in THEMES for size in SIZES for each in reader.look(theme, size)]
    assert [*found, *reader.squeeze()] == []


def test_the_photo_over_a_map_can_be_used_by_everybody(reader: Reader, demo: DemoBox) -> None:
    reader.go(f"/fields/{demo.field_id}")
    reader.page.locator("[data-spot='1']").click()
    reader.page.locator("dialog[open] img.crop").wait_for()
    found = [each for theme in THEMES for each in reader.look(theme, "phone")]
    assert found + reader.trouble == []


@pytest.mark.parametrize("name", list(SIZES))
def test_what_has_the_focus_is_seen(reader: Reader, name: str) -> None:
    reader.go("/settings")
    width, height = SIZES[name]
    reader.page.set_viewport_size({"width": width, "height": min(height, 500)})
    reader.page.evaluate("scrollTo(0, 0)")
    hidden = []
    for _ in range(reader.page.locator("a, button, input, select").count()):
        reader.page.keyboard.press("Tab")
        hidden += reader.page.evaluate(
            """() => {
              const one = document.activeElement, box = one.getBoundingClientRect();
              if (one === document.body) return [];
              const x = box.x + box.width / 2, y = box.y + Math.min(box.height / 2, 20);
              const top = document.elementFromPoint(x, y);
              const seen = top && (one.contains(top) || top.contains(one) || top.closest("label")?.contains(one));
              return seen && getComputedStyle(one).outlineStyle !== "none" ? [] : [one.outerHTML.slice(0, 160)];
            }"""
        )
    assert hidden == []
