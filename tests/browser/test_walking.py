"""Walking from spot to spot with a phone that knows where it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fieldbox.config import load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Cover, LabelVerdict, Spot, SpotKind, Walk
from fieldbox.i18n import Sentence
from fieldbox.services.offering import Offering
from tests.browser.conftest import PASSWORD
from tests.dashboard.demo_box import NORTH, SURVEY, WEST, DemoBox, lat_lon

SIZES = {"phone": (360, 740), "desk": (1440, 900)}
SPOTS = ((WEST + 9.0, NORTH - 9.0), (WEST + 40.0, NORTH - 20.0))
"""Of the walk: the first a weed in doubt, the second poor crop."""


class Walks(Offering):
    """An offering whose walk is known: to a weed in doubt, and to poor crop."""

    def walk(self, survey_id: str) -> Walk:
        weed = self._store.detections(survey_id, cover=Cover.WEED)[0]
        (lat, lon), (other_lat, other_lon) = (weed.lat, weed.lon), lat_lon(*SPOTS[1])
        doubt = Spot(
            rank=1,
            name="D1",
            kind=SpotKind.DOUBTFUL,
            lat=lat,
            lon=lon,
            why=Sentence("The box cannot tell what grows here."),
            checks=(Sentence("Look at the leaves."),),
            digest=weed.digest,
            pixel_x=weed.pixel_x,
            pixel_y=weed.pixel_y,
        )
        poor = Spot(
            rank=2,
            name="P1",
            kind=SpotKind.CROP,
            lat=other_lat,
            lon=other_lon,
            why=Sentence("The crop is thin."),
        )
        path = ((lat, lon), (other_lat, other_lon), (lat, lon))
        return Walk(start=path[0], spots=(doubt, poor), path=path, length_m=66.0, error_m=2.1)


@pytest.fixture(scope="module")
def address(demo: DemoBox) -> Iterator[str]:
    """Where a box with that walk answers."""
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)})
    with closing(Walks(config, demo.store)) as offering:
        beyond = Beyond(decisions=offering, views=offering.views)
        app = create_app(
            demo.store, demo.root, secret_key=os.urandom(16), login_limit="1000 per minute", beyond=beyond
        )
        server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.effective_port}"
        server.close()
        thread.join(timeout=60)


@pytest.fixture(params=SIZES)
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Somebody with a phone, at the page of the walk."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.goto(f"{address}/login")
    opened.get_by_label("Name").fill("asha")
    opened.get_by_label("Password").fill(PASSWORD)
    opened.locator("main form button").click()
    opened.goto(f"{address}/surveys/{SURVEY}/walk")
    opened.wait_for_selector("#map[data-ready]")
    yield opened
    assert trouble == []
    context.close()


def stand(context: BrowserContext, east: float, north: float, accuracy: float = 4.0) -> None:
    """Take the phone to a place."""
    lat, lon = lat_lon(east, north)
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": accuracy})


def first_weed(demo: DemoBox) -> tuple[float, float]:
    """Where the weed in doubt stands."""
    one = demo.store.detections(SURVEY, cover=Cover.WEED)[0]
    return one.lat, one.lon


def test_a_walk_to_two_spots(page: Page, demo: DemoBox, shots: Path) -> None:
    before = len(demo.store.labels(survey_id=SURVEY))
    leg = page.locator("#leg")
    expect(leg.get_by_role("heading")).to_have_text("Next: spot 1")
    stand(page.context, WEST + 1.0, NORTH - 30.0)
    page.get_by_role("button", name="Start walking").click()
    expect(leg.locator("[data-away]")).to_contain_text("m to the")
    expect(page.locator("#gps")).to_have_text("The phone knows its place to 4 m.")
    assert leg.locator("[data-arrived]").is_hidden()
    page.screenshot(path=shots / f"walk-{page.viewport_size['width']}.png")

    lat, lon = first_weed(demo)
    page.context.set_geolocation({"latitude": lat + 3e-5, "longitude": lon, "accuracy": 4.0})
    expect(leg.locator("[data-arrived]")).to_have_text("You are there: what is it?")
    page.screenshot(path=shots / f"there-{page.viewport_size['width']}.png")
    leg.get_by_role("button", name="It is a weed").click()
    expect(leg.locator("[data-queue]")).to_have_text("Told to the box.")
    told = demo.store.labels(survey_id=SURVEY)
    assert len(told) >= max(1, before)
    assert (told[0].verdict, told[0].who) == (LabelVerdict.RIGHT, "asha")

    expect(leg.get_by_role("heading")).to_have_text("Next: spot 2")
    expect(leg.locator("[data-away]")).to_contain_text("m to the")
    assert leg.locator("[data-arrived]").is_hidden()
    stand(page.context, SPOTS[1][0] + 8.0, SPOTS[1][1], accuracy=12.0)
    expect(leg.locator("[data-arrived]")).to_have_text("You are there: look at this.")
    assert leg.get_by_role("button", name="It is a weed").is_hidden()
    leg.get_by_role("button", name="Done, next spot").click()
    expect(leg.get_by_role("heading")).to_have_text("All spots are done.")


def test_what_was_done_is_known_when_the_page_is_opened_again(page: Page) -> None:
    page.get_by_role("button", name="Done, next spot").click()
    page.reload()
    page.wait_for_selector("#map[data-ready]")
    expect(page.locator("#leg").get_by_role("heading")).to_have_text("Next: spot 2")
    expect(page.locator("[data-stop='1'] .tick")).to_be_visible()
    page.get_by_role("button", name="Begin again").click()
    expect(page.locator("#leg").get_by_role("heading")).to_have_text("Next: spot 1")


def test_a_verdict_waits_on_the_phone_while_the_box_is_out_of_reach(page: Page, demo: DemoBox) -> None:
    leg, before = page.locator("#leg"), {one.id for one in demo.store.labels(survey_id=SURVEY)}
    expect(leg.locator("[data-photo]")).to_be_visible()
    page.wait_for_function("document.querySelector('[data-photo]').src.startsWith('blob:')")
    page.context.set_offline(True)
    lat, lon = first_weed(demo)
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": 3.0})
    page.get_by_role("button", name="Start walking").click()
    leg.get_by_role("button", name="Neither").click()
    expect(leg.locator("[data-queue]")).to_contain_text("kept on this phone")
    assert {one.id for one in demo.store.labels(survey_id=SURVEY)} == before
    page.context.set_offline(False)
    expect(leg.locator("[data-queue]")).to_have_text("Told to the box.")
    (fresh,) = [one for one in demo.store.labels(survey_id=SURVEY) if one.id not in before]
    assert fresh.verdict is LabelVerdict.WRONG


def test_a_phone_that_tells_no_place_is_told_so(page: Page) -> None:
    page.get_by_role("button", name="Start walking").click()
    expect(page.locator("#gps")).to_contain_text("The phone does not tell where it is")
    place = page.locator("[data-stop='1'] .num").inner_text().replace(", ", ",")
    expect(page.get_by_role("link", name="Open in a map app 1")).to_have_attribute("href", f"geo:{place}")


def test_over_plain_http_the_walk_is_offered_as_files(page: Page) -> None:
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.reload()
    page.wait_for_selector("#map[data-ready]")
    expect(page.locator("#gps")).to_contain_text("Take the walk along as a file instead")
    assert page.get_by_role("button", name="Start walking").is_hidden()
    expect(page.locator("#gps + #files").get_by_role("link", name="GPX")).to_be_visible()
