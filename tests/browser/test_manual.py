"""The page of the API on a phone: folded by subject, found by words, and good without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.browser.test_access import SHOW_AS, SMALL, STICKS_OUT, VIOLATIONS
from tests.browser.test_people import log_in

AXE = Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js"
PHONE = {"width": 360, "height": 740}
SCREENS = 6
"""More than so many screens of a phone nobody scrolls through."""


@pytest.fixture(scope="module")
def inside(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser of somebody who has logged in."""
    made = browser.new_context(viewport=PHONE)
    made.set_default_timeout(PATIENCE_MS)
    log_in(made.new_page(), address, "asha", PASSWORD)
    yield made
    made.close()


@pytest.fixture
def manual(inside: BrowserContext, address: str) -> Iterator[Page]:
    page = inside.new_page()
    page.goto(f"{address}/api")
    yield page
    page.close()


def test_it_is_folded_until_somebody_opens_a_subject(manual: Page) -> None:
    assert manual.evaluate("document.documentElement.scrollHeight / window.innerHeight") < SCREENS
    manual.get_by_text("Control points", exact=True).last.click()
    operation = manual.locator("summary", has_text="Add a control point")
    expect(operation).to_be_visible()
    operation.click()
    curl = manual.locator("#add_control_point pre")
    expect(curl).to_be_visible()
    assert '"error_m"' in curl.inner_text() and "/api/v1/fields/1/points" in curl.inner_text()


def test_an_operation_is_found_by_its_words(manual: Page) -> None:
    manual.get_by_label("Find an operation").fill("put boundary")
    expect(manual.get_by_role("status")).to_contain_text("1 of ")
    expect(manual.locator("details.operation[data-words]:visible")).to_have_count(1)
    expect(manual.locator("summary", has_text="Give a field another outline")).to_be_visible()
    manual.get_by_label("Find an operation").fill("nothing has this")
    expect(manual.get_by_role("status")).to_have_text("No operation has these words.")
    manual.get_by_label("Find an operation").fill("")
    expect(manual.locator("details.subject[open]")).to_have_count(0)


def test_an_address_opens_what_it_leads_to(manual: Page, address: str) -> None:
    manual.goto(f"{address}/api#draw_boundary")
    expect(manual.locator("#draw_boundary pre")).to_be_visible()
    manual.locator("#draw_boundary").get_by_role("link", name="Outline").click()
    expect(manual.locator("#schema-Outline table")).to_be_in_viewport()


def test_it_is_read_without_a_script(browser: Browser, inside: BrowserContext, address: str) -> None:
    plain = browser.new_context(
        viewport=PHONE, java_script_enabled=False, storage_state=inside.storage_state()
    )
    page = plain.new_page()
    page.goto(f"{address}/api")
    expect(page.get_by_label("Find an operation")).to_be_hidden()
    page.get_by_text("Flights", exact=True).last.click()
    expect(page.locator("summary", has_text="Map a flight again")).to_be_visible()
    plain.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (1440, 900)])
def test_what_is_opened_can_be_used_by_everybody(
    manual: Page, shots: Path, theme: str, size: tuple[int, int]
) -> None:
    manual.set_viewport_size({"width": size[0], "height": size[1]})
    manual.evaluate(SHOW_AS, theme)
    manual.screenshot(path=shots / f"api-{theme}-{size[0]}.png")
    manual.get_by_text("Control points", exact=True).last.click()
    for name in ("add_control_point", "mark_control_point"):
        manual.evaluate(f"document.querySelector('#{name}').parentElement.open = true")
    manual.locator("#add_control_point").scroll_into_view_if_needed()
    manual.evaluate(AXE.read_text("utf-8"))
    manual.screenshot(path=shots / f"api-open-{theme}-{size[0]}.png")
    assert manual.evaluate(VIOLATIONS, None) == []
    assert manual.evaluate(STICKS_OUT) == []
    assert manual.evaluate(SMALL, 44) == []
