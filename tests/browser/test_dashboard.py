"""A person with a phone, and one at a desk, find the weeds of their field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

from fieldbox.i18n import Sentence
from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.dashboard.demo_box import SHA, DemoBox

PHONE, DESK = (390, 844), (1366, 900)
TAP_PX = 44
PAINTED = """() => {
  const tiles = [...document.querySelectorAll("img.leaflet-tile-loaded")].filter(
    (img) => img.src.includes("/LAYER/") && img.naturalWidth > 1);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const draw = canvas.getContext("2d", { willReadFrequently: true });
  return tiles.map((img) => {
    draw.clearRect(0, 0, 8, 8);
    draw.drawImage(img, 0, 0, 8, 8);
    return Math.max(...draw.getImageData(0, 0, 8, 8).data.filter((_, i) => i % 4 === 3));
  }).filter((alpha) => alpha > 0).length;
}"""


@dataclass
class Visit:
    """A page with all that went wrong on it."""

    page: Page
    trouble: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings of the console."""
        if message.type in ("error", "warning"):
            self.trouble.append(f"{message.type}: {message.text}")

    def see(self, request: Request) -> None:
        """Keep every host that is asked."""
        if not request.url.startswith(("data:", "blob:")):
            self.hosts.add(request.url.split("/")[2])

    def read(self, response: Response) -> None:
        """Keep answers that say that something is wrong."""
        if response.status >= 400:
            self.trouble.append(f"{response.status} {response.url}")


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Open]:
    """Open a logged-in page of a given size; at the end nothing may have gone wrong on it."""
    made: list[Visit] = []

    def open_page(size: tuple[int, int], *, language: str = "en", script: bool = True) -> Visit:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size[0] < 500,
            is_mobile=size[0] < 500,
            locale=language,
            java_script_enabled=script,
        )
        one = Visit(context.new_page())
        one.page.set_default_timeout(PATIENCE_MS)
        one.page.on("console", one.hear)
        one.page.on("pageerror", lambda error: one.trouble.append(str(error)))
        one.page.on("request", one.see)
        one.page.on("response", one.read)
        made.append(one)
        one.page.goto(address)
        one.page.fill("input[name=name]", "asha")
        one.page.fill("input[name=password]", PASSWORD)
        one.page.click("main form button")
        one.page.wait_for_url(f"{address}/")
        return one

    yield open_page
    for one in made:
        one.page.context.close()
        assert one.trouble == []
        assert one.hosts <= {address.removeprefix("http://")}


def painted(page: Page, layer: str) -> None:
    """Wait until tiles of the layer are there and not empty."""
    until(page, PAINTED.replace("LAYER", layer))


def until(page: Page, script: str) -> None:
    """Wait until `script` is true. (Playwright's own wait_for_function evaluates text, which the CSP forbids.)"""
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never came true: {script}")


def fits(page: Page) -> bool:
    """Nothing sticks out to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_from_login_to_the_photo_behind_a_hotspot(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = visit(size).page
    name = "phone" if size == PHONE else "desk"
    expect(page.get_by_text("Weeds cover 3.2 %")).to_be_visible()
    assert fits(page)
    page.screenshot(path=shots / f"{name}-home.png", full_page=True)

    page.get_by_role("link", name="Open the map").click()
    painted(page, "mosaic")
    assert fits(page)
    page.screenshot(path=shots / f"{name}-field.png", full_page=True)

    page.locator("label", has_text=re.compile("^Weeds$")).click()
    painted(page, "weed-cover")
    expect(page.locator("[data-legend=weed-cover]")).to_be_visible()
    page.screenshot(path=shots / f"{name}-weeds.png")

    page.locator(".spot-marker").first.click()
    photo = page.locator("dialog img.crop")
    expect(photo).to_be_visible()
    until(page, "document.querySelector('dialog img.crop').naturalWidth === 720")
    box = photo.bounding_box()
    assert box is not None and box["width"] > min(size[0] * 0.8, 400) and box["y"] + box["height"] <= size[1]
    page.screenshot(path=shots / f"{name}-photo.png")
    page.locator("dialog .close").click()
    expect(page.locator("dialog")).to_be_hidden()


def test_single_weeds_are_outlined_when_near_and_can_be_tapped(
    visit: Open, demo: DemoBox, shots: Path
) -> None:
    page = visit(PHONE).page
    with page.expect_response(re.compile("/weeds")) as asked:
        page.goto(f"{page.url}fields/{demo.field_id}")
        page.locator("[data-spot='1']").click()
    assert asked.value.json()["features"]
    page.locator("dialog .close").click()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(600)
    canvas = page.locator("#map .leaflet-overlay-pane canvas")
    pink = canvas.evaluate(
        """(canvas) => {
          const box = canvas.getBoundingClientRect(), map = document.getElementById("map").getBoundingClientRect();
          const scale = canvas.width / box.width;
          const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          for (let i = 0; i < all.length; i += 4) {
            const x = (i / 4) % canvas.width / scale + box.x, y = Math.floor(i / 4 / canvas.width) / scale + box.y;
            const inside = x > map.x + 80 && x < map.right - 30 && y > map.y + 20 && y < map.bottom - 60;
            if (inside && all[i] > 200 && all[i + 1] < 80 && all[i + 2] > 100 && all[i + 3] > 200) return [x, y];
          }
          return null;
        }"""
    )
    page.screenshot(path=shots / "phone-near.png")
    assert pink, "no outline was drawn"
    page.mouse.click(pink[0], pink[1] - 12)  # a finger does not hit the pixel
    expect(page.locator("dialog h2")).to_have_text("Weed")


COLOURED = """() => [...document.querySelectorAll("#map canvas")].some((canvas) => {
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const draw = copy.getContext("2d", { willReadFrequently: true });
  draw.drawImage(canvas, 0, 0);
  const all = draw.getImageData(0, 0, copy.width, copy.height).data;
  for (let i = 0; i < all.length; i += 4) {
    if ([0, 1, 2].every((c) => Math.abs(all[i + c] - COLOUR[c]) < 8) && all[i + 3] > 250) return true;
  }
  return false;
})"""


@pytest.mark.parametrize(("key", "colour"), [("poor", (255, 230, 0)), ("gaps", (0, 71, 255))])
def test_what_is_wrong_with_the_crop_is_drawn_and_a_cut_is_told(
    visit: Open,
    demo: DemoBox,
    shots: Path,
    key: str,
    colour: tuple[int, ...],
) -> None:
    page = visit(DESK).page
    page.goto(f"{page.url}fields/{demo.field_id}")
    page.locator("#show-weeds").uncheck()
    page.locator(f"#show-{key}").check()
    until(page, COLOURED.replace("COLOUR", str(list(colour))))
    expect(page.locator("#map-hint")).to_be_hidden()
    page.screenshot(path=shots / f"desk-{key}.png")
    page.route(
        "**/*limit=*", lambda route: route.continue_(url=re.sub(r"limit=\d+", "limit=1", route.request.url))
    )
    page.locator(".leaflet-control-zoom-in").click()
    expect(page.locator("#map-hint")).to_have_text(re.compile("Only a part of the plants is drawn here"))
    page.locator(f"#show-{key}").uncheck()
    expect(page.locator("#map-hint")).to_be_hidden()


def test_a_tap_on_the_crop_tells_what_is_wrong(visit: Open, demo: DemoBox) -> None:
    page = visit(DESK).page
    page.goto(f"{page.url}fields/{demo.field_id}")
    page.locator("#show-poor").check()
    page.locator("#show-gaps").check()
    until(page, COLOURED.replace("COLOUR", "[0, 71, 255]"))
    middle = page.locator("#map").bounding_box()
    assert middle is not None
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    # The demo's poor plants stand in the middle of the field, its gaps one to three metres south of them.
    page.mouse.click(x + 4, y - 4)
    expect(page.locator("dialog h2")).to_have_text("Crop plant")
    page.locator("dialog .close").click()
    page.mouse.click(x + 6, y + 60)
    expect(page.locator(".leaflet-popup-content")).to_have_text("Plants missing here: about 3")


def test_progress_moves_without_a_reload(visit: Open, demo: DemoBox, shots: Path) -> None:
    page = visit(PHONE).page
    job = demo.store.enqueue(demo.flight_id, release_sha="another release")
    assert demo.store.claim()
    demo.store.progress(job, "look", 17, 42)
    page.reload()
    expect(page.locator(".num", has_text="17 / 42")).to_be_visible()
    page.screenshot(path=shots / "phone-progress.png")
    demo.store.progress(job, "look", 30, 42)
    expect(page.locator(".num", has_text="30 / 42")).to_be_visible()
    demo.store.fail(job, Sentence("It was stopped for a test."), retry_at=None)
    expect(page.get_by_text("It was stopped for a test.")).to_be_visible()
    demo.store.finish(demo.store.enqueue(demo.flight_id, release_sha=SHA))


def test_everything_to_tap_is_large_enough_on_a_phone(visit: Open, demo: DemoBox, shots: Path) -> None:
    one = visit(PHONE)
    home = one.page.url
    quality = f"surveys/{demo.survey_id}/quality"
    for path in ("", "settings", f"flights/{demo.flight_id}", f"fields/{demo.field_id}", quality, "nothing"):
        one.page.goto(home + path)
        small = one.page.evaluate(
            """(least) => [...document.querySelectorAll(
                "button, select, summary, .button, .chip, .check, nav a, .list a, .back a, .tap, h3 a, .leaflet-bar a, .links a")]
              .filter((each) => each.offsetParent && each.getBoundingClientRect().height < least - 0.5)
              .map((each) => each.outerHTML)""",
            TAP_PX,
        )
        assert small == [], path
        assert fits(one.page), path
        one.page.screenshot(path=shots / f"phone-{path.split('/')[0] or 'start'}.png", full_page=True)
    one.trouble = [each for each in one.trouble if "404" not in each]  # the last page is not there


def test_a_one_time_link_leads_to_a_first_password(
    browser: Browser, address: str, demo: DemoBox, shots: Path
) -> None:
    user = demo.store.add_user("ravi", "", "owner")
    digest = hashlib.sha256(b"a token").hexdigest()
    demo.store.add_login_token(digest, user.id, datetime.now(UTC) + timedelta(hours=1))
    page = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
    page.goto(f"{address}/enter/a token")
    page.wait_for_url(f"{address}/password")
    page.screenshot(path=shots / "phone-password.png")
    page.fill("input[name=new]", "my own words")
    page.fill("input[name=again]", "my own words")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()
    page.context.close()


def test_hindi_fits_on_a_phone(visit: Open, demo: DemoBox, shots: Path) -> None:
    page = visit(PHONE, language="hi").page
    page.screenshot(path=shots / "phone-hindi-home.png", full_page=True)
    assert fits(page)
    page.goto(f"{page.url}fields/{demo.field_id}")
    painted(page, "mosaic")
    assert fits(page)
    page.screenshot(path=shots / "phone-hindi-field.png", full_page=True)


def test_the_language_is_changed_with_one_tap(visit: Open) -> None:
    page = visit(PHONE).page
    page.select_option("select[name=language]", "hi")
    expect(page.locator("html")).to_have_attribute("lang", "hi")


SMALL = (360, 740)
RED_ON_THE_MAP, YELLOW, WHITE, ORANGE = (215, 25, 28), (255, 230, 0), (247, 247, 247), (253, 184, 99)


@pytest.mark.parametrize("size", [SMALL, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("language", ["en", "hi"])
def test_how_well_a_flight_was_flown(
    visit: Open, demo: DemoBox, shots: Path, size: tuple[int, int], language: str
) -> None:
    page = visit(size, language=language).page
    page.goto(f"{page.url}flights/{demo.flight_id}")
    page.locator(f"a[href='/surveys/{demo.survey_id}/quality']").first.click()
    verdict = page.locator(".note.warn").first
    expect(verdict.locator("li")).to_have_count(1)
    place = verdict.bounding_box()
    assert place is not None and place["y"] + place["height"] < size[1], (
        "the verdict is not on the first screen"
    )
    until(page, "document.getElementById('map').dataset.drawn === '2'")
    until(page, COLOURED.replace("COLOUR", str(list(YELLOW))))
    assert fits(page)
    name = f"quality-{language}-{size[0]}"
    page.screenshot(path=shots / f"{name}.png", full_page=size == SMALL)
    expect(page.locator("[data-key=outline]")).to_be_visible()
    page.locator("label.chip", has=page.locator("input[value=error]")).click()
    expect(page.locator("[data-key=outline]")).to_be_hidden()
    expect(page.locator("[data-key=error] .key")).to_have_count(5)
    expect(page.locator(".mark.thin")).to_be_visible()
    for colour in (WHITE, ORANGE):
        until(page, COLOURED.replace("COLOUR", str(list(colour))))
    page.screenshot(path=shots / f"{name}-errors.png")
    page.locator("label.chip", has=page.locator("input[value=none]")).click()
    until(page, f"() => !({COLOURED.replace('COLOUR', str(list(ORANGE)))})()")


def test_a_photo_on_the_map_tells_its_story(visit: Open, demo: DemoBox) -> None:
    page = visit(DESK).page
    page.goto(f"{page.url}surveys/{demo.survey_id}/quality")
    until(page, "document.getElementById('map').dataset.drawn === '2'")
    page.locator("label.chip", has=page.locator("input[value=error]")).click()
    until(page, COLOURED.replace("COLOUR", str(list(ORANGE))))
    dot = page.evaluate(
        """() => {
          const canvas = document.querySelector("#map canvas"), box = canvas.getBoundingClientRect();
          const scale = canvas.width / box.width;
          const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          for (let i = 0; i < all.length; i += 4) {
            if (Math.abs(all[i] - 253) < 4 && Math.abs(all[i + 1] - 184) < 4 && Math.abs(all[i + 2] - 99) < 4) {
              return [(i / 4) % canvas.width / scale + box.x, Math.floor(i / 4 / canvas.width) / scale + box.y];
            }
          }
          return null;
        }"""
    )
    assert dot
    page.mouse.click(dot[0], dot[1] + 6)
    popup = page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text("DJI_0001.JPG")
    expect(popup).to_contain_text("± 4.3 m")
    expect(popup).to_contain_text("It fits no other photo")
    page.locator("[data-hole='0']").click()
    until(page, COLOURED.replace("COLOUR", str(list(RED_ON_THE_MAP))))


def test_a_verdict_can_be_read_without_scripts(visit: Open, demo: DemoBox, shots: Path) -> None:
    page = visit(SMALL, script=False).page
    page.goto(f"{page.url}surveys/{demo.survey_id}/quality")
    expect(page.get_by_text("Usable, but look at this first:")).to_be_visible()
    drawing = page.locator("#map img.still")
    expect(drawing).to_be_visible()
    assert page.evaluate("document.querySelector('#map img.still').naturalWidth") > 100
    expect(page.locator("input[name=shown]").first).to_be_hidden()
    expect(page.locator("[data-key=error]")).to_be_visible()
    page.screenshot(path=shots / "quality-without-scripts.png", full_page=True)
    assert fits(page)


def test_without_scripts_the_pages_can_be_read(visit: Open, demo: DemoBox, shots: Path) -> None:
    page = visit(PHONE, script=False).page
    page.get_by_role("link", name="Open the map").click()
    expect(page.locator("#map img.still")).to_be_visible()
    page.screenshot(path=shots / "phone-without-scripts.png")
    page.get_by_role("link", name=re.compile("34 % weeds")).click()
    expect(page.locator("img.crop")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_what_to_do_is_on_the_map_and_in_a_file(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = visit(size).page
    page.goto(f"{page.url}fields/1?survey=sv-demo-1")
    page.get_by_role("link", name="What to do").click()  # a process starts
    expect(page.get_by_text("less than spraying it all")).to_be_visible()
    until(page, "Number(document.getElementById('map').dataset.drawn) > 0")
    assert fits(page)
    page.screenshot(path=shots / f"decide-{'phone' if size == PHONE else 'desk'}.png", full_page=True)
    page.get_by_label("Show how the crop stands").check()
    until(page, "document.querySelectorAll('.zone-marker.poor').length > 0")
    page.locator("[data-zone]").first.click()
    page.get_by_text("For the sprayer", exact=True).click()
    with page.expect_download() as coming:
        page.get_by_role("link", name="QGroundControl plan").click(no_wait_after=True)
    assert '"fileType": "Plan"' in Path(coming.value.path()).read_text()


def test_what_is_sprayed_with_is_told_in_a_form(visit: Open) -> None:
    page = visit(PHONE).page
    page.goto(f"{page.url}surveys/sv-demo-1/decide")
    expect(page.get_by_label("Name").first).to_be_visible()  # open, since nobody told a product
    page.get_by_label("Name").first.fill("quizalofop")
    page.get_by_label("Dose").first.fill("1.5")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".mixing")).to_contain_text("quizalofop: ")
    assert fits(page)
