"""What every page shares, in a real browser: letters, places, paper, and what the phone keeps when the box is away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest
import waitress
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from fieldbox.dashboard.app import create_app
from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.dashboard.demo_box import DemoBox

MOST_BYTES = 400_000
"""Of the field's page in English without the tiles of its map, at its first visit."""
LABELS = {
    "mr": ["मुख्यपान", "उड्डाणे", "तपासणी", "पाठवणे", "बॉक्स", "सेटिंग्ज"],
    "ta": ["முகப்பு", "பறத்தல்கள்", "சரிபார்ப்பு", "அனுப்புதல்", "பெட்டி", "அமைப்புகள்"],
}
ALL_PLACES = """(labels) => {
  document.documentElement.lang = labels[0];
  const bar = document.querySelector(".places"), one = bar.querySelector("a");
  bar.replaceChildren(...labels[1].map((label) => {
    const made = one.cloneNode(true);
    made.querySelector("span").textContent = label;
    return made;
  }));
}"""
TOO_TIGHT = """() => [...document.querySelectorAll(".places a")].filter((each) => {
  const label = each.querySelector("span").getBoundingClientRect(), box = each.getBoundingClientRect();
  const lines = Math.round(label.height / parseFloat(getComputedStyle(each).lineHeight));
  return box.width < 44 || label.left < box.left || label.right > box.right || lines > 2;
}).map((each) => each.textContent)"""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A phone of somebody who is logged in."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en")
    yield log_in(context.new_page(), address)
    context.close()


def log_in(page: Page, address: str) -> Page:
    """Through the form."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/login")
    page.fill("input[name=name]", "asha")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{address}/")
    return page


def test_a_page_in_english_is_light_and_loads_no_letters_of_india(
    browser: Browser, page: Page, address: str, demo: DemoBox
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="en", service_workers="block"
    )
    context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    visitor = context.new_page()
    heard = context.new_cdp_session(visitor)
    heard.send("Network.enable")
    urls: dict[str, str] = {}
    weights: dict[str, float] = {}
    heard.on(
        "Network.responseReceived", lambda told: urls.update({told["requestId"]: told["response"]["url"]})
    )
    heard.on(
        "Network.loadingFinished", lambda told: weights.update({told["requestId"]: told["encodedDataLength"]})
    )
    visitor.goto(f"{address}/fields/{demo.field_id}", wait_until="networkidle")
    context.close()
    assert not [url for url in urls.values() if url.endswith(".woff2")]
    own = {urls[one]: weight for one, weight in weights.items() if one in urls and "/tiles/" not in urls[one]}
    assert any("leaflet.js" in url for url in own)
    assert 0 < sum(own.values()) < MOST_BYTES, own


def test_a_phone_without_letters_of_india_is_given_them(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="hi")
    page.goto(f"{address}/login")
    page.evaluate("document.fonts.ready.then(() => true)")
    assert page.evaluate("document.fonts.check('16px \"Box Devanagari\"', 'अ')")
    loaded = page.evaluate(
        "[...document.fonts].filter((each) => each.status === 'loaded').map((each) => each.unicodeRange)"
    )
    assert loaded and all("U+900" in each.upper() for each in loaded)  # of its own script alone
    page.context.close()


@pytest.mark.parametrize("language", list(LABELS))
def test_the_names_of_all_places_fit_on_a_phone(page: Page, language: str) -> None:
    page.evaluate(ALL_PLACES, [language, LABELS[language]])
    page.evaluate("document.fonts.ready.then(() => true)")
    assert page.evaluate(TOO_TIGHT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_bar_below_covers_nothing_at_the_end_of_a_page(page: Page) -> None:
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    end, bar = page.locator(".bottom").bounding_box(), page.locator(".places").bounding_box()
    assert end and bar and end["y"] + end["height"] <= bar["y"] + 1


def test_colours_are_chosen_with_one_tap(page: Page) -> None:
    page.select_option("select[name=theme]", "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_what_is_drawn_on_maps_has_the_same_colours_in_every_theme(page: Page, demo: DemoBox) -> None:
    page.goto(f"{page.url}fields/{demo.field_id}")
    colours = set()
    for theme in ("light", "dark", "sun"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        colours.add(
            tuple(
                page.evaluate(
                    """() => [...document.querySelectorAll(".mark")].map((each) =>
                      getComputedStyle(each).backgroundColor + getComputedStyle(each, "::before").borderColor)"""
                )
            )
        )
    assert len(colours) == 1


def test_on_paper_everything_is_open_and_nothing_is_to_be_pressed(page: Page, demo: DemoBox) -> None:
    page.goto(f"{page.url}flights/{demo.flight_id}")
    printed = PdfReader(BytesIO(page.pdf(format="A4", print_background=False)))
    text = "\n".join(one.extract_text() for one in printed.pages)
    assert "DJI_0002.JPG" in text  # within what is shut on the screen
    assert "Open the map" not in text and "Settings" not in text and "Language" not in text
    assert page.locator("details[open]").count() == 0  # as before


def test_a_map_is_printed_as_it_is_on_the_screen(page: Page, demo: DemoBox) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{page.url}fields/{demo.field_id}", wait_until="networkidle")
    printed = PdfReader(BytesIO(page.pdf(format="A4", print_background=False)))
    pictures = [image.image for image in printed.pages[0].images if image.image]
    assert sum(one.width * one.height for one in pictures) > 300_000, "no tiles were printed"
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    stage, leaflet = page.locator(".stage").bounding_box(), page.locator("#map").bounding_box()
    assert stage and leaflet and stage["width"] == pytest.approx(180 / 25.4 * 96, abs=1)
    assert leaflet["width"] <= stage["width"] + 1 and leaflet["height"] <= stage["height"] + 1
    assert not page.locator(".leaflet-control-zoom").is_visible()
    expect(page.locator(".check:has(#show-weeds)")).to_be_visible()
    expect(page.locator(".check:has(#show-gaps)")).to_be_hidden()  # is not on the map


@contextmanager
def served(demo: DemoBox, port: int) -> Iterator[None]:
    """The dashboard, until the box goes away."""
    app = create_app(demo.store, demo.root, secret_key=b"kept between starts", login_limit="1000 per minute")
    server = waitress.create_server(app, host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.close()
        while thread.is_alive():  # a browser keeps its connections open, and opens new ones
            for channel in list(server.active_channels.values()):
                channel.handle_close()
            thread.join(timeout=0.2)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


CACHED = """async () => {
  const all = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
  }
  return all;
}"""


def test_without_the_box_the_phone_says_so_and_keeps_nothing_of_the_farm(
    browser: Browser, demo: DemoBox
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en")
    with served(demo, port):
        page = log_in(context.new_page(), address)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.goto(f"{address}/fields/{demo.field_id}", wait_until="networkidle")
        page.goto(f"{address}/settings")
        page.select_option("main select[name=language]", "hi")
        expect(page.locator("html")).to_have_attribute("lang", "hi")
        page.wait_for_load_state("networkidle")
        kept = page.evaluate(CACHED)
    assert "/offline" in kept
    assert all(path == "/offline" or path.startswith("/static/") for path in kept), kept
    page.goto(f"{address}/fields/{demo.field_id}")
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".places")).to_have_count(0)
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.button')).minHeight") == "44px"
    )  # with its colours
    with served(demo, port):
        page.locator("main .button").click()
        expect(page.locator("#map")).to_be_visible()
    context.close()


def test_a_new_version_leaves_nothing_of_the_one_before(browser: Browser, demo: DemoBox) -> None:
    port = free_port()
    context = browser.new_context()
    with served(demo, port):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/login")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        names = page.evaluate("caches.open('fieldbox-of-before').then(() => caches.keys())")
        assert len(names) == 2
        page.evaluate("navigator.serviceWorker.getRegistration().then((each) => each.unregister())")
        page.goto(f"http://127.0.0.1:{port}/login")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.wait_for_timeout(300)
        left = page.evaluate("caches.keys()")
    context.close()
    assert len(left) == 1 and left[0] in names and left[0] != "fieldbox-of-before"
