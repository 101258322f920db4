"""The pictures of the documents, taken of a box that lives: `python -m tests.browser.pictures OUT`.

Flies a field on two days and another one once, maps all of it, joins a hub, sends what was flown first, and looks at the pages
with a phone and at a desk. Takes minutes; needs Chromium, and mosquitto for the hub. Nothing on the pictures is a real field.
"""

from __future__ import annotations

import logging
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from fieldbox.config import load_config
from fieldbox.domain import Vital
from fieldbox.services import starting
from fieldbox.services.box import open_store
from fieldbox.sync import identity
from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.conftest import PATIENCE_MS
from tests.browser.journeys.living import OWNER, PATIENCE_S, LivingBox, fly
from tests.browser.journeys.traveller import LETTERS_ARE_THERE, Traveller, Way, arrive, t
from tests.browser.test_dashboard import painted
from tests.hubs import Station, station_in

GAP, GROUND, EDGE = 16, (226, 231, 225), (196, 203, 195)
MOST_BYTES = 300_000
HIGH = 740
"""Pixels of the pictures that stand beside each other."""
GROWN = ("--size", "26", "17", "--weeds", "1.5", "--symptoms", "5", "--soil", "red")
FLIGHTS = {
    "first": GROWN,
    "second": (*GROWN, "--later", "14", "--new-patches", "2"),
    "river": ("--size", "14", "10", "--weeds", "0.8", "--seed", "9", "--lat", "18.5731", "--lon", "74.2512"),
}
FIELDS = {"first": "North field", "river": "River field"}
PRODUCT = "Quizalofop"


def main() -> None:
    """Take all of them into the folder that is named."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    logging.getLogger("waitress").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        start(browser, folder / "new", out)
        box = LivingBox(folder / "farm")
        prepare(box, folder / "far")
        try:
            box.start(("web", "worker", "intake"))
            Album(browser, box, folder, out).all()
        finally:
            box.stop()
            browser.close()


def prepare(box: LivingBox, far: Path) -> None:
    """Flown, mapped, the first of it with a hub that then is out of reach."""
    far.mkdir()
    fly(box, FLIGHTS)
    box.people(**{OWNER: "owner", "ravi": "agronomist"})
    (box.folder / "cards").mkdir(exist_ok=True)
    with station_in(far) as hub:
        join(box, hub)
        for name in ("first", "river"):
            box.run("ingest", box.folder / name, "--field", FIELDS[name], "--wait")
        box.run("sync", "--once")
    box.run("ingest", box.folder / "second", "--wait")
    box.begin("sync", "--once").wait(PATIENCE_S)  # the hub is gone: what waits says so
    lived(box)


def join(box: LivingBox, hub: Station) -> None:
    """As people do it, with two files."""
    mine = identity.own(load_config(box.environ).identity)
    request, welcome = hub.folder / "request", hub.folder / "welcome"
    request.write_text(mine.request())
    hub.ok("hub", "enrol", request, "-o", welcome, "--name", "Hill")
    identity.join_hub(mine, identity.welcomed(mine, welcome.read_bytes()))


def lived(box: LivingBox, days: int = 20) -> None:
    """Made-up readings of so many days, as a Raspberry Pi tells them: warm at noon, and now and then at work."""
    now = datetime.now(UTC)
    with open_store(load_config(box.environ)) as store:
        for step in range(days * 72):
            hour = step / 3
            at = now - timedelta(hours=days * 24 - hour)
            busy = int(hour / 24) in (8, 15, 19) and 9 < hour % 24 < 11
            warm = 52 + 7 * math.sin(hour / 24 * 2 * math.pi) + 2 * math.sin(hour)
            free = round(240e9 - 1.1e9 * int(hour / 72) * 3)
            store.keep_vital(Vital(at, warm + 14 * busy, False, False, free, 500 * 10**9, 5 * 10**9, 0.8))


def start(browser: Browser, folder: Path, out: Path) -> None:
    """The first pages of a new box."""
    box = LivingBox(folder)
    try:
        box.start(("web",))
        me = arrive(browser, box.address, Way("en", "phone"), folder)
        me.go("/start")
        taken = [shot(me.page, folder / "0.png")]
        me.page.fill("#code", starting.setup_code(load_config(box.environ)))
        me.page.keyboard.press("Enter")
        me.page.wait_for_url("**/start/language")
        taken.append(shot(me.page, folder / "1.png"))
        me.go("/start/leaving")
        taken.append(shot(me.page, folder / "2.png"))
        me.page.context.close()
    finally:
        box.stop()
    beside(taken, out / "start.png")


class Album:
    """Pictures of the pages of one box."""

    def __init__(self, browser: Browser, box: LivingBox, folder: Path, out: Path) -> None:
        self.browser, self.box, self.folder, self.out = browser, box, folder, out
        self.state: StorageState | None = None
        self.number = 0

    def open(self, size: str, language: str = "en") -> Traveller:
        """Somebody logged in."""
        one = arrive(self.browser, self.box.address, Way(language, size), self.folder, state=self.state)
        if self.state is None:
            one.log_in(OWNER)
            one.page.wait_for_url(f"{self.box.address}/")
            self.state = one.page.context.storage_state()
        return one

    def take(self, me: Traveller, path: str, before: Callable[[Page], object] | None = None) -> Image.Image:
        """A page as it is seen first, or after `before`."""
        me.go(path)
        if me.page.locator("#map").count():
            me.page.wait_for_selector("img.leaflet-tile-loaded", timeout=PATIENCE_MS)
        if before:
            before(me.page)
        me.page.wait_for_timeout(1500)  # the map slides, pictures come
        self.number += 1
        return shot(me.page, self.folder / f"{self.number}.png")

    def all(self) -> None:
        """Each into its file."""
        phone, desk = self.open("phone"), self.open("desk")
        for _ in range(60):  # services that have just begun show no sign of life yet
            desk.go("/")
            if not desk.page.locator(".need.u0").count():
                break
            desk.page.wait_for_timeout(2000)
        field = "/fields/1"
        beside([self.take(phone, "/"), self.take(desk, field, photo_is_there)], self.out / "dashboard.png")
        me = self.open("phone", "mr")
        spot = "[data-spot='1']"
        taken = [self.take(me, "/"), self.take(me, field, photo_is_there)]
        taken.append(self.take(me, field, lambda page: look_at(page, spot)))
        beside(taken, self.out / "field-mr.png")
        self.checked(phone)
        beside([self.take(phone, "/review"), self.take(desk, "/review")], self.out / "review.png")
        beside([self.take(desk, "/box"), self.take(phone, "/box/models")], self.out / "box.png")
        desk.go("/sending")
        message = desk.page.locator(".messages a").last.get_attribute("href") or ""
        beside([self.take(desk, "/sending"), self.take(phone, message)], self.out / "sending.png")
        self.decide(desk)

    def checked(self, me: Traveller) -> None:
        """Somebody has checked some plants."""
        me.go("/review")
        for number in range(14):
            plant = me.page.locator("#review").get_attribute("data-plant")
            me.page.locator(f"[data-verdict={'wrong' if number == 5 else 'right'}]").tap()
            me.page.wait_for_selector(f"#review:not([data-plant='{plant}'])")
        me.page.wait_for_selector("#review[data-unsaved='0']")

    def decide(self, me: Traveller) -> None:
        """What is sprayed where, with a product that the reader named."""
        me.go("/fields/1")
        me.link("What to do").click()
        me.page.wait_for_url("**/decide")
        if not me.page.locator("input[name=product0]").is_visible():
            me.page.get_by_text(t("Sprayer, product, prices", "en")).click()
        me.page.fill("input[name=product0]", PRODUCT)
        me.page.fill("input[name=dose0]", "1.0")
        me.page.fill("input[name=tank_l]", "15")
        me.page.locator("form.stack button").last.click()
        me.page.wait_for_load_state()
        path = me.page.url.removeprefix(self.box.address)
        beside([self.take(me, path)], self.out / "decide.png")


def photo_is_there(page: Page) -> None:
    painted(page, "mosaic")


def look_at(page: Page, spot: str) -> None:
    """A spot in its photo."""
    page.locator(spot).tap()
    page.wait_for_selector("dialog img.crop", timeout=PATIENCE_MS)
    page.wait_for_selector("dialog [data-view]", timeout=PATIENCE_MS)


def shot(page: Page, path: Path) -> Image.Image:
    page.evaluate(LETTERS_ARE_THERE)
    page.screenshot(path=path)
    return Image.open(path).convert("RGB")


def beside(taken: Sequence[Image.Image], path: Path) -> None:
    """Pictures of the same height beside each other, in as few colours as keep them small."""
    sized = [
        one.resize((round(one.width * HIGH / one.height), HIGH), Image.Resampling.LANCZOS) for one in taken
    ]
    wide = sum(one.width for one in sized) + GAP * (len(sized) + 1)
    sheet = Image.new("RGB", (wide, HIGH + 2 * GAP), GROUND)
    x = GAP
    for one in sized:
        sheet.paste(EDGE, (x - 1, GAP - 1, x + one.width + 1, GAP + HIGH + 1))
        sheet.paste(one, (x, GAP))
        x += one.width + GAP
    for colours in (256, 160, 96, 64):
        few = sheet.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return


if __name__ == "__main__":
    main()
