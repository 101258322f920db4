"""Drawing on a field with a finger and with a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD
from tests.dashboard.demo_box import NORTH, WEST, DemoBox, lat_lon

SIZES = {"phone": (360, 740), "desk": (1440, 900)}


@pytest.fixture(params=SIZES)
def page(browser: Browser, address: str, demo: DemoBox, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The drawing page, in front of somebody who may draw."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.goto(f"{address}/login")
    opened.get_by_label("Name").fill("asha")
    opened.get_by_label("Password").fill(PASSWORD)
    opened.locator("main form button").click()
    opened.goto(f"{address}/fields/{demo.field_id}/draw")
    opened.wait_for_selector("#map[data-ready]")
    yield opened
    assert trouble == []
    context.close()


def corners(page: Page) -> list[str]:
    """As they would be sent."""
    return page.locator("textarea[name=corners]").input_value().splitlines()


def corner(page: Page, number: int) -> tuple[float, float]:
    """Where one is on the screen."""
    handle = page.locator(".marker-icon:not(.marker-icon-middle)").nth(number)
    box = handle.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_corner_is_dragged_and_the_outline_kept(page: Page, demo: DemoBox, shots: Path) -> None:
    before = corners(page)
    area = page.locator("#area").inner_text()
    x, y = corner(page, 0)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 25, steps=5)
    page.mouse.up()
    after = corners(page)
    assert len(after) == len(before)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert page.locator("#area").inner_text() != area
    page.screenshot(path=shots / f"draw-{page.viewport_size['width']}.png")
    page.get_by_role("button", name="Save the outline").click()
    expect(page.locator(".note.good")).to_contain_text("The outline is kept")
    field = demo.store.field(demo.field_id)
    assert field is not None
    assert field.drawn
    assert [f"{lat:.7f}, {lon:.7f}" for lon, lat in field.boundary] == after


def test_a_tap_deletes_a_corner_and_another_takes_it_back(page: Page) -> None:
    before = corners(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.mouse.click(*corner(page, 1))
    expect(page.locator("#area")).to_contain_text(f"{len(before) - 1} corners")
    assert len(corners(page)) == len(before) - 1
    page.get_by_role("button", name="As it was").click()
    assert corners(page) == before


def test_an_outline_is_drawn_anew_tap_by_tap(page: Page) -> None:
    box = page.locator("#map").bounding_box()
    assert box
    page.get_by_role("button", name="Anew").click()
    for right, down in ((0.4, 0.35), (0.7, 0.35), (0.7, 0.6), (0.45, 0.65)):
        page.mouse.click(box["x"] + right * box["width"], box["y"] + down * box["height"])
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#area")).to_contain_text("4 corners")
    assert len(corners(page)) == 4


def test_a_line_along_a_row_tells_its_direction(page: Page, demo: DemoBox) -> None:
    page.get_by_role("button", name="Row", exact=True).click()
    box = page.locator("#map").bounding_box()
    assert box
    x, y = box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"]
    page.mouse.click(x, y)
    down = 60 if box["width"] < 400 else -60
    page.mouse.click(x + 60, y + down)
    told = float(page.get_by_label("Direction in degrees").input_value())
    assert abs(told - (135 if down > 0 else 45)) < 2
    page.get_by_role("button", name="Keep this direction").click()
    expect(page.locator(".note.good")).to_contain_text("The rows run at")
    field = demo.store.field(demo.field_id)
    assert field is not None
    assert field.row_deg == pytest.approx(told)


def test_the_phone_s_place_becomes_a_point_and_a_tap_its_mark(
    page: Page, demo: DemoBox, address: str, shots: Path
) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    lat, lon = lat_lon(WEST + 30.0, NORTH - 20.0)
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": 0.4})
    page.goto(f"{address}/fields/{demo.field_id}/points")
    page.get_by_label("Name", exact=True).fill(f"gate {width}")
    page.get_by_role("button", name="Where this phone is").click()
    expect(page.locator("#gps")).to_contain_text("The phone says")
    page.get_by_role("button", name="Add the point").click()
    frame = page.locator("[data-marking]")
    expect(frame.locator(".pin.expected")).to_be_visible()
    box = frame.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    expect(frame.locator(".pin.true")).to_be_visible()
    page.screenshot(path=shots / f"point-{width}.png")
    left, whole = (float(frame.get_attribute(f"data-{name}") or "") for name in ("left", "width"))
    page.get_by_role("button", name="It is here").click()
    expect(page.locator("main")).to_contain_text("Marked in 1 photo so far.")
    point = next(one for one in demo.store.control_points(demo.field_id) if one.name == f"gate {width}")
    assert point.error_m == pytest.approx(0.4)
    assert (point.lat, point.lon) == pytest.approx((lat, lon), abs=1e-7)
    assert point.marks[0].pixel_x == pytest.approx(left + 0.25 * whole, abs=1.5)
