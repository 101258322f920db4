"""What people do with a box every week: home, the map, checking plants, flights, and what leaves the farm."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.journeys.conftest import Travel
from tests.browser.journeys.living import NORTH
from tests.browser.journeys.traveller import Traveller
from tests.browser.test_dashboard import painted, until

pytestmark = pytest.mark.main_journey
LAID = "JSON.parse(document.getElementById('setup').dataset.map).zones"
"""Layers that are drawn as zones, with where these are asked for."""
KEYS = {"right": "1", "wrong": "2", "crop": "3", "unsure": "4"}
ROUNDS = 4
"""Of ten, at most, until chance has chosen enough of the plants."""
TEN = ("right", "right", "wrong", "right", "crop", "right", "unsure", "right", "wrong", "right")


def test_home_says_what_needs_somebody_and_leads_there(travel: Travel) -> None:
    """What needs me now, each with the page where I do it; my fields; how box and link are."""
    me = travel()
    me.go("/")
    expect(me.heading("What needs you now")).to_be_visible()
    me.look("home")
    needs = me.page.get_by_role("listitem").filter(has=me.page.locator("p")).get_by_role("link")
    wanted = [(one.inner_text(), one.get_attribute("href") or "") for one in needs.all()]
    assert wanted
    for words, address in wanted:
        assert words.strip()
        me.press(me.page.locator(f'main a[href="{address}"]').first)
        me.page.wait_for_url(re.compile(re.escape(address) + "$"))
        expect(me.page.get_by_role("heading", level=1).first).to_be_visible()
        me.go("/")
    expect(me.page.get_by_role("heading", name=NORTH)).to_be_visible()
    me.press(me.link("All flights"))
    expect(me.heading("Flights")).to_be_visible()


def the_map(me: Traveller) -> Page:
    """Home, and by its link to the map of the field that was flown twice."""
    me.go("/")
    card = me.page.get_by_role("article").filter(has=me.page.get_by_role("heading", name=NORTH, exact=True))
    me.press(card.get_by_role("link", name=me.t("Open the map"), exact=True))
    me.page.wait_for_url(re.compile(r"/fields/\d+\?survey="))
    painted(me.page, "mosaic")
    return me.page


def choose_layer(me: Traveller, key: str) -> None:
    me.press(me.page.locator("label.chip").filter(has=me.page.locator(f"input[name=layer][value='{key}']")))


def test_every_layer_of_the_map_says_what_its_colours_mean(travel: Travel) -> None:
    """Layer by layer with its legend; an address that is passed on shows the same layer and date."""
    me = travel()
    page = the_map(me)
    me.look("map")
    keys = [one.get_attribute("value") or "" for one in page.locator("input[name=layer]").all()]
    assert {"weed-cover", "weed-density", "crop-cover"} <= set(keys)
    laid = page.evaluate(LAID)
    for key in filter(None, keys):
        if key in laid:  # worked out by a process that does one thing after the other
            with page.expect_response(re.compile(re.escape(laid[key]) + "$")) as answer:
                choose_layer(me, key)
            assert answer.value.ok
        else:
            choose_layer(me, key)
        legend = page.locator(f"[data-legend='{key}']")
        expect(legend).to_be_visible()
        assert (legend.inner_text()).strip()
    choose_layer(me, "weed-cover")
    painted(page, "weed-cover")
    slider = page.get_by_role("slider", name=me.t("Date"))
    newest, before = page.locator("#date-told").inner_text(), page.url
    slider.press("ArrowLeft")
    expect(page.locator("#date-told")).not_to_have_text(newest)
    expect(page).not_to_have_url(before)
    expect(page).to_have_url(re.compile(r"survey=.+&layer=weed-cover"))
    shown, date = page.url, page.locator("#date-told").inner_text()
    me.look("layers")
    other = page.context.new_page()
    other.goto(shown)
    expect(other.locator("input[name=layer]:checked")).to_have_value("weed-cover")
    expect(other.locator("#date-told")).to_have_text(date)
    painted(other, "weed-cover")
    other.close()


def test_two_dates_are_held_against_each_other(travel: Travel) -> None:
    """One date left of a line, the other right of it; the line is moved with a key and with a finger."""
    me = travel()
    page = the_map(me)
    me.press(me.button("Compare"))
    line = page.get_by_role("slider", name=me.t("Line between the two dates"))
    expect(line).to_be_visible()
    share = int(line.get_attribute("aria-valuenow") or "")
    line.press("ArrowRight")
    assert int(line.get_attribute("aria-valuenow") or "") > share
    assert line.locator(".left-date").inner_text() != line.locator(".right-date").inner_text()
    until(page, "document.querySelectorAll('.leaflet-then-pane img.leaflet-tile-loaded').length > 0")
    me.look("compare")
    me.press(page.locator("#compare").get_by_role("button", name=me.t("Done"), exact=True))
    expect(line).to_be_hidden()


def test_a_spot_is_seen_in_every_photo_that_shows_it(travel: Travel) -> None:
    """From the list of spots to the photo, closer and closer, and to the same place seen from elsewhere."""
    me = travel()
    page = the_map(me)
    me.press(page.locator("[data-spot='1']"))
    dialog = page.get_by_role("dialog")
    until(page, "document.querySelector('dialog img.crop')?.naturalWidth > 300")
    crop = dialog.locator("img.crop")
    closer = dialog.get_by_role("link", name=me.t("Closer"), exact=True)
    while closer.get_attribute("aria-disabled") is None:
        before = crop.get_attribute("src")
        me.press(closer)
        expect(crop).not_to_have_attribute("src", str(before))
    wanted = re.search(r"[?&]size=(\d+)", crop.get_attribute("src") or "")
    assert wanted
    until(page, f"document.querySelector('dialog img.crop')?.naturalWidth >= {wanted[1]}")
    views = dialog.locator("[data-view]")
    expect(views.nth(1)).to_be_visible()
    first = crop.get_attribute("src")
    me.press(views.nth(1))
    expect(crop).not_to_have_attribute("src", str(first))
    me.look("spot")
    me.press(dialog.get_by_role("button", name=me.t("Close"), exact=True))
    expect(dialog).to_be_hidden()


def test_a_length_and_an_area_are_measured(travel: Travel) -> None:
    """Two points are a length, three an area, in the unit of the reader."""
    me = travel()
    page = the_map(me)
    me.press(me.button("Measure"))
    said = page.locator("[data-measured]")
    expect(said).to_have_text(me.t("Tap the map, or move the cross with the arrow keys and add points."))
    me.look("measure-first")
    box = page.locator("#map").bounding_box()
    assert box is not None
    points = ((0.3, 0.35), (0.7, 0.35), (0.7, 0.65))
    for number, (across, down) in enumerate(points, 1):
        at = (box["x"] + across * box["width"], box["y"] + down * box["height"])
        if me.touches:
            page.touchscreen.tap(*at)
        else:
            page.mouse.click(*at)
        if number == 2:
            expect(said).to_have_text(me.told("Length %(metres)s m"))
    expect(said).to_have_text(me.told("Length around %(metres)s m, area %(area)s"))
    me.look("measure")


def give(me: Traveller, verdict: str) -> int:
    """A verdict on the plant that is shown, by key or finger; the number of the next one."""
    queue = me.page.locator("#review")
    plant = queue.get_attribute("data-plant")
    if me.touches:
        me.page.locator(f"[data-verdict={verdict}]").tap()
    else:
        me.page.keyboard.press(KEYS[verdict])
    expect(queue).not_to_have_attribute("data-plant", str(plant))
    return int(queue.get_attribute("data-plant") or 0)


def test_plants_are_checked_one_after_the_other(travel: Travel) -> None:
    """Ten verdicts, one taken back, and what came of them as a share with its range once they are enough."""
    me = travel()
    me.go("/")
    me.place("Review")
    expect(me.heading("Is this a weed?")).to_be_visible()
    me.look("review")
    queue = me.page.locator("#review")
    expect(queue).to_have_attribute("data-plant", re.compile(r"\d+"))
    for verdict in TEN:
        give(me, verdict)
    expect(queue).to_have_attribute("data-unsaved", "0")
    shown = queue.get_attribute("data-plant")
    if me.touches:
        me.page.locator("[data-undo] button").tap()
    else:
        me.page.keyboard.press("u")
    expect(queue).not_to_have_attribute("data-plant", str(shown))
    give(me, "right")
    expect(queue).to_have_attribute("data-unsaved", "0")
    me.page.reload()
    expect(me.page.get_by_role("heading", name=me.t("What the checks say"))).to_be_visible()
    lead = me.page.locator(".came-of .lead")
    for _ in range(ROUNDS):
        if "%" in lead.inner_text():
            break
        for verdict in TEN:
            give(me, verdict)
        expect(queue).to_have_attribute("data-unsaved", "0")
        me.page.reload()
    expect(lead).to_contain_text("%")
    me.look("review-after")


def test_two_people_check_different_plants(travel: Travel) -> None:
    """The owner and the agronomist, at the same time."""
    pages = [travel("asha"), travel("ravi")]
    seen: list[list[int]] = [[], []]
    for me in pages:
        me.go("/review")
        expect(me.page.locator("#review")).to_have_attribute("data-plant", re.compile(r"\d+"))
    for _ in range(3):
        for me, mine in zip(pages, seen, strict=True):
            mine.append(int(me.page.locator("#review").get_attribute("data-plant") or 0))
            give(me, "right")
    assert not set(seen[0]) & set(seen[1])


def test_a_flight_tells_what_became_of_every_file(travel: Travel) -> None:
    """The list, the map of the photos, how well it was flown, what was not taken and what helps."""
    me = travel()
    me.go("/")
    me.place("Flights")
    me.look("flights")
    flights = me.page.locator("main li").get_by_role("link")
    expect(flights).not_to_have_count(0)
    me.press(flights.last)
    me.page.wait_for_url(re.compile(r"/flights/\w+$"))
    until(me.page, "document.querySelector('#map')?.dataset.drawn === '9'")
    me.look("flight")
    refused = me.page.get_by_role("group").filter(has_text="DJI_0990.JPG").first
    refused.locator("summary").scroll_into_view_if_needed()
    me.press(refused.locator("summary"))
    expect(refused.get_by_text("DJI_0990.JPG")).to_be_visible()
    me.press(me.link("How well it was flown").first)
    expect(me.heading("How well it was flown")).to_be_visible()
    folded = me.page.locator("summary", has_text=me.t("Was everything photographed?"))
    me.press(folded)
    until(me.page, "document.querySelectorAll('#map img.leaflet-tile-loaded').length > 0")
    me.look("quality")


def test_photos_are_kept_and_nothing_is_deleted_unasked(travel: Travel) -> None:
    """Keep the photos of a flight and let them go; read what deleting would free, and do not."""
    me = travel()
    me.go("/flights")
    me.press(me.page.locator("main li").get_by_role("link").last)
    me.press(me.button("Keep these photos"))
    me.press(me.button("Let these photos go"))
    expect(me.button("Keep these photos")).to_be_visible()
    me.press(me.link("Delete …"))
    expect(me.heading("What becomes free")).to_be_visible()
    expect(me.heading("What is lost")).to_be_visible()
    expect(me.heading("What stays")).to_be_visible()
    me.look("delete")
    me.press(me.link("Keep it"))
    expect(me.heading("Delete this flight")).to_be_visible()


def test_a_box_without_a_hub_says_what_to_do(travel: Travel) -> None:
    """Sending: each message and every byte of it, and how one joins a hub."""
    me = travel()
    me.go("/")
    me.place("Sending")
    me.says("The box has joined no hub yet.")
    me.look("sending")
    me.press(me.page.locator(".messages").get_by_role("link").first)
    expect(me.heading("Exactly what leaves")).to_be_visible()
    rows = me.page.get_by_role("row")
    expect(rows).not_to_have_count(0)
    me.look("message")
    me.press(me.page.locator(".back").get_by_role("link"))
    me.press(me.link("Join a hub"))
    expect(me.link("Download the request")).to_be_visible()
    me.look("join")
