"""What scripts write has its unit in the reader's words, and a dose in another measure is the same dose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fieldbox.domain import Product, Spraying
from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.dashboard.demo_box import DemoBox

NUMBER = "input[name={}]"


@pytest.fixture(scope="module")
def page(browser: Browser, address: str, demo: DemoBox) -> Iterator[Page]:
    """A person who reckons in acres, before a field that is sprayed with pumps of 15 L."""
    demo.store.spray(
        demo.field_id, Spraying(tank_l=15, spray_l_ha=500, products=(Product("Quizalofop", 1.0),))
    )
    context = browser.new_context(reduced_motion="reduce")
    context.add_cookies([{"name": "area_unit", "value": "acre", "url": address}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/login")
    page.fill("input[name=name]", "asha")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{address}/")
    yield page
    context.close()


def test_the_scale_of_a_map_is_in_the_readers_words(page: Page, address: str) -> None:
    page.context.add_cookies([{"name": "language", "value": "mr", "url": address}])
    page.goto(f"{address}/fields/1")
    expect(page.locator(".leaflet-control-scale-line")).to_contain_text("मी")
    page.context.add_cookies([{"name": "language", "value": "en", "url": address}])


def test_a_dose_that_is_told_in_another_measure_is_the_same_dose(page: Page, address: str) -> None:
    page.goto(f"{address}/surveys/sv-demo-1/decide")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    dose, water = page.locator(NUMBER.format("dose0")), page.locator(NUMBER.format("water"))
    expect(dose).to_have_value("30")  # 1 L in 500 L: 30 ml in 15 L
    page.locator("select[name=dose_by]").select_option("area")
    expect(dose).to_have_value("404.686")
    page.locator("select[name=water_by]").select_option("area")
    expect(water).to_have_value("202.343")
    page.locator("select[name=dose_by]").select_option("hectare")
    expect(dose).to_have_value("1")
    page.locator("select[name=water_by]").select_option("hectare")
    expect(water).to_have_value("500")


def test_who_tells_pumps_finds_pumps_again(page: Page, address: str, demo: DemoBox) -> None:
    page.goto(f"{address}/surveys/sv-demo-1/decide")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.locator("select[name=water_by]").select_option("pumps")
    page.locator(NUMBER.format("tank_l")).fill("16")
    page.locator(NUMBER.format("water")).fill("10")
    page.locator(NUMBER.format("dose0")).fill("40")
    page.locator("form[data-area-ha] button").click()
    expect(page.locator(".mixing")).to_contain_text("Quizalofop: 40 ml into each full pump")
    expect(page.locator(NUMBER.format("water"))).to_have_value("10")
    expect(page.locator(NUMBER.format("dose0"))).to_have_value("40")
    assert demo.store.spraying(demo.field_id).spray_l_ha == pytest.approx(395.4, abs=0.1)
