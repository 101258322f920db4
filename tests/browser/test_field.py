"""The page of a field, with a finger, with keys, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from pyproj import Geod

from fieldbox.dashboard.passwords import hash_password
from fieldbox.domain import Cover, Detection
from tests.browser.conftest import PASSWORD
from tests.browser.test_access import AXE, STICKS_OUT, VIOLATIONS
from tests.browser.test_dashboard import COLOURED, DESK, TAP_PX, Open, fits, painted, until, visit
from tests.dashboard.demo_box import (
    NORTH,
    SPOT,
    WEST,
    DemoBox,
    make_box,
    make_rasters,
    make_survey,
    to_geographic,
)
from tests.dashboard.second_date import EARLIER, add_date

__all__ = ["visit"]
PHONE = (360, 740)
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
MANY, COUNT = "sv-demo-9", 100_000
FIRST_VIEW_BYTES = 400_000
TILE_OF = """[...document.querySelectorAll(".leaflet-PANE-pane img.leaflet-tile-loaded")]
  .some((each) => each.src.includes("/ADDRESS/"))"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoBox]:
    """A box whose field was flown twice, and another field with very many weeds."""
    made = make_box(tmp_path_factory.mktemp("box"), pretty=True)
    made.store.add_user("asha", hash_password(PASSWORD), "owner")
    add_date(made, pretty=True)
    add_many(made)
    yield made
    made.store.close()


def add_many(demo: DemoBox) -> None:
    """100,000 weeds on a field of its own."""
    field = demo.store.field(demo.field_id)
    flight = demo.store.flight(demo.flight_id)
    assert field is not None and flight is not None and flight.started_at is not None
    other = demo.store.add_field("Many", [(lon + 0.01, lat) for lon, lat in field.boundary], drawn=True)
    demo.store.save_flight(
        replace(flight, id="fl-demo-9", field_id=other.id, started_at=flight.started_at + timedelta(days=9))
    )
    make_rasters(demo.root / "rasters" / MANY, pretty=True)
    rng = np.random.default_rng(4)
    angle = np.linspace(0, 2 * np.pi, 7)[:-1]
    shape = 0.04 * np.column_stack([np.sin(angle), np.cos(angle)])
    places = np.column_stack([WEST - 120 + 300 * rng.random(COUNT), NORTH + 80 - 200 * rng.random(COUNT)])
    weeds = [
        Detection(
            Cover.WEED,
            0.8,
            east,
            north,
            shape + np.array([east, north]),
            0.005,
            2.1,
            demo.photo,
            *SPOT,
            sure=i % 5 > 0,
        )
        for i, (east, north) in enumerate(places.tolist())
    ]
    survey = make_survey("fl-demo-9", other.id, demo.photo, weeds, known=True)
    demo.store.save_survey(
        replace(survey, id=MANY, made_at=datetime(2026, 6, 12, tzinfo=UTC)),
        weeds,
        [],
        plan_key="plan-9",
        release_sha="ef" * 32,
        to_geographic=to_geographic,
    )


def open_field(visit: Open, size: tuple[int, int], more: str = "", **told: Any) -> Page:
    page: Page = visit(size, **told).page
    page.goto(f"{page.url}fields/1{more}")
    return page


def name_of(size: tuple[int, int]) -> str:
    return "phone" if size == PHONE else "desk"


def middle(one: Locator) -> tuple[float, float]:
    box = one.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def stay(page: Page) -> None:
    """Leave a mark that a reload would wipe out."""
    page.evaluate("window.stayed = true")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


@SIZES
def test_the_layer_is_in_the_address_and_comes_back(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = open_field(visit, size)
    painted(page, "mosaic")
    assert fits(page)
    line = page.locator(".leaflet-line-pane svg").bounding_box()
    assert line is not None and line["width"] > 200
    page.screenshot(path=shots / f"field-{name_of(size)}.png", full_page=True)
    page.locator("label.chip", has_text=re.compile("^Place error$")).click()
    painted(page, "position")
    expect(page).to_have_url(re.compile(r"\?survey=sv-demo-1&layer=position$"))
    page.reload()
    painted(page, "position")
    expect(page.locator("[data-legend=position]")).to_be_visible()
    expect(page.locator("[data-legend=weed-cover]")).to_be_hidden()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=shots / f"field-place-{name_of(size)}.png")


def test_the_strength_of_the_colours_can_be_turned_down(visit: Open) -> None:
    page = open_field(visit, DESK, "?layer=health")
    painted(page, "health")
    slider = page.locator("#opacity")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowLeft")
    assert page.evaluate("document.querySelector('.leaflet-layer.cells').style.opacity") == "0.5"


@SIZES
def test_another_date_comes_without_a_reload(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = open_field(visit, size, "?layer=weed-cover")
    painted(page, "weed-cover")
    stay(page)
    slider = page.locator("#date")
    expect(page.locator("select[name=survey]")).to_be_hidden()
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.get_by_text("Weeds cover 1.1 % (0.7–1.6)")).to_be_visible()
    expect(page).to_have_url(re.compile(f"survey={EARLIER}&layer=weed-cover"))
    until(
        page,
        TILE_OF.replace("PANE", "now").replace("ADDRESS", f"{EARLIER}/weed-cover"),
    )
    expect(page.locator(".spot-marker")).to_have_count(1)
    assert page.evaluate("document.activeElement.id") == "date"
    expect(page.locator(f"a[href='/surveys/{EARLIER}/decide']")).to_be_visible()
    page.locator("#date").press("ArrowRight")
    expect(page.get_by_text("Weeds cover 3.2 % (2.1–4.4)")).to_be_visible()
    assert stayed(page)


@SIZES
def test_two_dates_are_compared_with_a_line_to_move(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = open_field(visit, size)
    painted(page, "mosaic")
    page.get_by_role("button", name="Compare").click()
    line = page.get_by_role("slider", name="Line between the two dates")
    expect(line).to_be_visible()
    until(
        page,
        TILE_OF.replace("PANE", "then").replace("ADDRESS", f"{EARLIER}/mosaic"),
    )
    expect(line.locator(".left-date")).to_contain_text("22 Apr 2026")
    expect(line.locator(".right-date")).to_contain_text("3 Jun 2026")
    page.screenshot(path=shots / f"field-compare-{name_of(size)}.png")
    x, y = middle(line.locator(".grip"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y, steps=4)
    page.mouse.up()
    assert middle(line)[0] == pytest.approx(x - 80, abs=2)
    share = int(line.get_attribute("aria-valuenow") or "")
    line.press("ArrowRight")
    assert int(line.get_attribute("aria-valuenow") or "") == share + 2
    # Each date is cut off where the other begins.
    cuts = page.evaluate(
        "['now', 'then'].map((name) => document.querySelector(`.leaflet-${name}-pane`).style.clipPath)"
    )
    xs = [sorted({float(x) for x in re.findall(r"(-?[\d.]+)px -?[\d.]+px", cut)}) for cut in cuts]
    assert xs[1][1] == xs[0][0]
    assert fits(page)
    page.locator("#compare").get_by_role("button", name="Done").click()
    expect(line).to_be_hidden()
    assert page.evaluate("document.querySelector('.leaflet-now-pane').style.clipPath") == ""


def metres(text: str) -> list[float]:
    return [float(one.replace(",", "")) for one in re.findall(r"([\d,.]+) (?:m²|m\b)", text)]


@SIZES
def test_lengths_and_areas_are_right_to_a_thousandth(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = open_field(visit, size)
    painted(page, "mosaic")
    page.get_by_role("button", name="Measure").click()
    told = page.locator("[data-measured]")
    expect(told).to_contain_text("Tap the map")
    box = page.locator("#map").bounding_box()
    assert box is not None
    for across, down in ((0.3, 0.35), (0.7, 0.35), (0.7, 0.65)):
        page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    expect(told).to_contain_text("m²")
    page.screenshot(path=shots / f"field-measure-{name_of(size)}.png")
    page.get_by_role("button", name="Undo").click()
    expect(told).not_to_contain_text("m²")
    page.get_by_role("button", name="Clear").click()
    page.locator("#map").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)  # the map slides
    page.keyboard.press("Enter")
    expect(told).to_contain_text("Length")
    page.keyboard.press("Escape")
    expect(page.locator("#measure")).to_be_hidden()


def test_what_is_measured_agrees_with_the_ellipsoid(visit: Open) -> None:
    page = open_field(visit, DESK)
    page.get_by_role("button", name="Measure").click()
    expect(page.locator("#measure")).to_be_visible()
    geod = Geod(ellps="WGS84")
    for lat in (0.0, 18.5, -47.0, 65.0):
        lats = lat + np.array([0.0, 0.001, 0.009, 0.004])
        lons = 73.8 + np.array([0.0, 0.009, 0.008, -0.002])
        points = [{"lat": a, "lng": o} for a, o in zip(lats.tolist(), lons.tolist(), strict=True)]
        area, around = geod.polygon_area_perimeter(lons, lats)
        assert page.evaluate("(points) => measure.area(points)", points) == pytest.approx(abs(area), rel=1e-4)
        assert page.evaluate("(points) => measure.length(points, true)", points) == pytest.approx(
            around, rel=1e-4
        )


@SIZES
def test_what_is_at_a_place(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = open_field(visit, size)
    painted(page, "mosaic")
    page.get_by_role("button", name="What is here").click()
    expect(page.locator("#map-hint")).to_have_text("Tap a place on the map.")
    x, y = middle(page.locator("#map"))
    page.mouse.click(x - 8, y - 8)
    dialog = page.locator("dialog")
    expect(dialog.locator("h2")).to_be_visible()
    expect(dialog.locator("summary", has_text="What the layers say here")).to_be_visible()
    expect(dialog.get_by_text("shows this place")).to_be_visible()  # a process starts
    until(page, "document.querySelector('dialog img.crop')?.naturalWidth > 100")
    page.screenshot(path=shots / f"field-here-{name_of(size)}.png")
    dialog.locator(".close").click()
    page.mouse.click(x, y, button="right")
    expect(dialog.locator("h2")).to_be_visible()
    assert fits(page)


def crop_of(page: Page) -> dict[str, str]:
    source = page.locator("dialog img.crop").get_attribute("src") or ""
    return dict(re.findall(r"(\w+)=([^&]+)", source))


def test_a_photo_is_looked_at_from_near_and_far_and_moved(visit: Open, shots: Path) -> None:
    page = open_field(visit, DESK)
    page.locator(".spot-marker").first.click()
    until(page, "document.querySelector('dialog img.crop')?.naturalWidth === 720")
    before = crop_of(page)
    page.get_by_role("link", name="Closer").click()
    assert crop_of(page)["size"] == "360"
    image = page.locator("dialog img.crop")
    box = image.bounding_box()
    assert box is not None
    x, y = middle(image)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 100, y, steps=4)
    page.mouse.up()
    moved = crop_of(page)
    assert int(moved["x"]) == pytest.approx(int(before["x"]) + 100 * 360 / box["width"], abs=2)
    assert (moved["mark_x"], moved["mark_y"]) == (before["x"], before["y"])
    page.get_by_role("link", name="Wider").click()
    page.get_by_role("link", name="Wider").click()
    assert crop_of(page)["size"] == "1200"  # all of it
    page.get_by_role("button", name="To the ring").click()
    page.get_by_role("link", name="Closer").click()
    assert (crop_of(page)["x"], crop_of(page)["size"]) == (before["x"], "360")
    page.locator("dialog a.shot").focus()
    page.keyboard.press("ArrowDown")
    assert int(crop_of(page)["y"]) == int(before["y"]) + 90
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_role("link", name="Show on the map").click()
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator(".here-marker")).to_be_visible()


def test_zones_lie_over_the_map(visit: Open, shots: Path) -> None:
    page = open_field(visit, DESK, "?layer=zones")
    until(page, "Number(document.getElementById('map').dataset.zones) > 0")
    until(page, COLOURED.replace("COLOUR", "[232, 89, 12]"))
    expect(page.locator("[data-legend=zones]")).to_be_visible()
    page.screenshot(path=shots / "field-zones.png")
    page.locator("label.chip", has_text=re.compile("^Zones of the crop$")).click()
    until(page, COLOURED.replace("COLOUR", "[140, 81, 10]"))
    page.locator("label.chip", has_text=re.compile("^Photo only$")).click()
    until(page, f"() => !({COLOURED.replace('COLOUR', '[140, 81, 10]')})()")


def choose_layer(page: Page, name: str) -> None:
    page.locator("label.chip", has_text=re.compile(f"^{name}$")).click()


def test_layers_that_are_tapped_fast_all_get_their_answer(visit: Open) -> None:
    page = open_field(visit, DESK)
    refused: list[str] = []
    page.on("response", lambda one: refused.append(one.url) if one.status >= 500 else None)
    names = ["Zones to spray", "Zones of the crop", "Weeds", "Place error"]
    for name in [*names, *names, "Zones of the crop", "Zones to spray"]:
        choose_layer(page, name)
    until(page, COLOURED.replace("COLOUR", "[232, 89, 12]"))
    expect(page.locator("#map-hint")).to_be_hidden()
    assert refused == []


def test_a_box_that_is_busy_is_asked_again_and_the_page_says_so(visit: Open) -> None:
    opened = visit(DESK)
    page: Page = opened.page
    page.goto(f"{page.url}fields/1")
    told = {"error": "The box is working out something else: ask again in a moment.", "code": "unavailable"}
    asked: list[str] = []

    def busy_once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        else:
            route.fulfill(status=503, headers={"Retry-After": "2"}, json=told)

    page.route("**/prescription*", busy_once)
    choose_layer(page, "Zones to spray")
    expect(page.locator("#map-hint")).to_have_text("The box is busy. This page asks again by itself.")
    until(page, COLOURED.replace("COLOUR", "[232, 89, 12]"))
    expect(page.locator("#map-hint")).to_be_hidden()
    opened.trouble.clear()  # the 503 of the test


def test_a_tile_that_a_busy_box_did_not_send_comes_later(visit: Open) -> None:
    opened = visit(DESK)
    page: Page = opened.page
    page.goto(f"{page.url}fields/1")
    refused: list[str] = []

    def busy_once(route: Route) -> None:
        if route.request.url in refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="")

    page.route("**/tiles/*/position/**", busy_once)
    choose_layer(page, "Place error")
    painted(page, "position")
    assert refused
    opened.trouble.clear()  # the 503 of the test


def test_what_nobody_looks_at_any_more_is_not_waited_for(visit: Open) -> None:
    page = open_field(visit, DESK)
    page.route("**/prescription*", lambda _route: None)  # an answer that takes for ever
    with page.expect_event("requestfailed", lambda one: "/prescription" in one.url) as given_up:
        choose_layer(page, "Zones to spray")
        choose_layer(page, "Photo only")
    assert given_up.value.failure == "net::ERR_ABORTED"
    expect(page.locator("#map-hint")).to_be_hidden()


OBJECTS = "Number(document.getElementById('map').dataset.objects)"


@SIZES
def test_a_hundred_thousand_weeds_stay_light(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = visit(size).page
    page.goto(f"{page.url}fields/2")
    painted(page, "plants")
    assert page.evaluate(OBJECTS) == 0
    page.screenshot(path=shots / f"field-many-{name_of(size)}.png")
    # A tap on the colour goes nearer; there are too many for outlines there still.
    x, y = middle(page.locator("#map"))
    page.mouse.click(x, y)
    if size == DESK:
        expect(page.locator("#map-hint")).to_contain_text("Too many weeds for outlines")
        painted(page, "plants")
        page.screenshot(path=shots / "field-many-near.png")
    for _ in range(2):
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(300)
        assert page.evaluate(OBJECTS) <= 2000
    until(page, f"{OBJECTS} > 0")
    page.screenshot(path=shots / f"field-outlines-{name_of(size)}.png")
    assert page.evaluate("document.querySelectorAll('*').length") < 2000


def test_the_first_view_is_light(visit: Open) -> None:
    """All that a phone has to fetch but the tiles of the map."""
    one = visit(PHONE)
    page = one.page
    sizes: dict[str, int] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.setBypassServiceWorker", {"bypass": True})
    addresses: dict[str, str] = {}
    session.on(
        "Network.responseReceived",
        lambda told: addresses.update({told["requestId"]: told["response"]["url"]}),
    )
    session.on(
        "Network.loadingFinished",
        lambda told: sizes.update({addresses.get(told["requestId"], "?"): told["encodedDataLength"]}),
    )
    page.goto(f"{page.url}fields/1", wait_until="networkidle")
    light = {address: size for address, size in sizes.items() if "/tiles/" not in address}
    assert any("leaflet.js" in address for address in light) and any(
        "/fields/1" in address for address in light
    )
    assert not any(
        name in address for address in light for name in ("compare.js", "measure.js", "evidence.js")
    )
    assert sum(light.values()) <= FIRST_VIEW_BYTES, light


def test_everything_to_tap_on_the_map_is_large_enough(visit: Open) -> None:
    page = open_field(visit, PHONE)
    page.get_by_role("button", name="Measure").click()
    expect(page.locator("#measure")).to_be_visible()
    small = page.evaluate(
        """(least) => [...document.querySelectorAll(
            ".tools button, .tool-box button, .panel input[type=range], .chip, .check, .actions a")]
          .filter((each) => each.offsetParent && each.getBoundingClientRect().height < least - 0.5)
          .map((each) => each.outerHTML)""",
        TAP_PX,
    )
    assert small == []


@SIZES
def test_without_scripts_the_layer_and_the_date_are_chosen_in_a_form(
    visit: Open, shots: Path, size: tuple[int, int]
) -> None:
    page = open_field(visit, size, script=False)
    page.locator("label.chip", has_text=re.compile("^Weeds$")).click()
    page.locator("select[name=survey]").select_option(EARLIER)
    page.get_by_role("button", name="Show", exact=True).first.click()
    still = page.locator("#map img.still")
    expect(still).to_have_attribute("src", f"/surveys/{EARLIER}/still/weed-cover")
    until(page, "document.querySelector('#map img.still').naturalWidth === 800")
    expect(page.locator("[data-legend=weed-cover]")).to_be_visible()
    expect(page.locator("#show-weeds")).to_be_hidden()
    assert fits(page)
    page.screenshot(path=shots / f"field-no-scripts-{name_of(size)}.png", full_page=size == PHONE)


@SIZES
def test_without_scripts_a_place_is_a_page(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = open_field(visit, size, script=False)
    page.get_by_role("link", name=re.compile("34 % weeds")).click()
    expect(page.locator("h1")).to_contain_text("Spot 1")
    page.get_by_role("link", name="Closer").click()
    assert "size=360" in (page.locator("img.crop").get_attribute("src") or "")
    assert fits(page)
    page.screenshot(path=shots / f"field-evidence-{name_of(size)}.png", full_page=True)


def faults(page: Page) -> list[str]:
    """What axe finds, and what sticks out."""
    page.evaluate(AXE.read_text("utf-8"))
    return [*page.evaluate(VIOLATIONS, None), *page.evaluate(STICKS_OUT)]


@SIZES
@pytest.mark.parametrize("theme", ["light", "dark", "sun"])
def test_everybody_can_use_each_tool(visit: Open, size: tuple[int, int], theme: str) -> None:
    page = open_field(visit, size, "?layer=position")
    page.emulate_media(reduced_motion="reduce")  # or a colour is caught between two themes
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    painted(page, "position")
    found = faults(page)
    for tool, box in {"Measure": "#measure", "Compare": "#compare"}.items():
        page.get_by_role("button", name=tool).click()
        expect(page.locator(box)).to_be_visible()
        found += faults(page)
        page.locator(box).get_by_role("button", name="Done").click()
    page.locator("#map").click(button="right")
    expect(page.locator("dialog .strip, dialog .views p").first).to_be_visible()
    found += faults(page)
    place = page.locator("dialog [data-show-at]").get_attribute("data-show-at") or ""
    lat, lon = place.split(",")
    page.goto(page.url.split("/fields")[0] + f"/surveys/{EARLIER}/here?lat={lat}&lon={lon}")
    found += faults(page)
    assert found == []
