"""The owner lets somebody in from a phone, who chooses a password and comes back with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, PATIENCE_MS

SMALL = {"width": 360, "height": 740}
WORDS = "mangoes in the rain"
SMALLER_THAN_A_FINGER = """() => [...document.querySelectorAll(
    "main a, main button, main select, main textarea, main input:not([type=hidden]):not(.away)")]
  .map((one) => [one, (one.closest("label.choice") || one).getBoundingClientRect()])
  .filter(([_, box]) => box.width && box.height < 44).map(([one]) => one.outerHTML)"""


@pytest.fixture
def phones(browser: Browser) -> Iterator[list[BrowserContext]]:
    """The owner's phone and that of somebody new."""
    made = [browser.new_context(viewport=SMALL, has_touch=True, is_mobile=True) for _ in range(2)]
    for one in made:
        one.set_default_timeout(PATIENCE_MS)
    yield made
    for one in made:
        one.close()


def log_in(page: Page, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/login")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.click("main form button")
    page.wait_for_url(f"{address}/")


def is_for_fingers(page: Page, heading: str) -> None:
    """On the page of this heading nothing sticks out to the side, and all that is tapped is large enough."""
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    assert page.evaluate(SMALLER_THAN_A_FINGER) == [], page.url


def test_somebody_is_let_in_and_out_again(phones: list[BrowserContext], address: str) -> None:
    owner, new = (phone.new_page() for phone in phones)
    log_in(owner, address, "asha", PASSWORD)
    owner.goto(f"{address}/settings")
    is_for_fingers(owner, "Settings")
    owner.get_by_role("link", name=re.compile("^People")).click()
    is_for_fingers(owner, "People")
    owner.get_by_label("Name to log in with").fill("lata")
    owner.get_by_label("Pilot or worker").check()
    owner.get_by_role("button", name="Add, and show the link").click()
    is_for_fingers(owner, "A link for lata")
    text = owner.get_by_label("Text to pass on").input_value()
    owner.get_by_role("button", name="Copy", exact=True).click()
    expect(owner.get_by_role("button", name="Copied")).to_be_visible()
    link = re.search(r"http://\S+", text)
    assert link

    new.goto(link[0])
    new.wait_for_url(f"{address}/password")
    new.goto(f"{address}/")
    new.wait_for_url(f"{address}/password")  # nothing else before there is a password
    new.fill("input[name=new]", WORDS)
    new.fill("input[name=again]", WORDS)
    new.get_by_role("button", name="Set the password").click()
    new.wait_for_url(f"{address}/")
    new.goto(f"{address}/people")
    expect(new.get_by_text("Ask the owner to do it")).to_be_visible()

    owner.goto(f"{address}/people")
    owner.get_by_role("link", name="lata").click()
    is_for_fingers(owner, "lata")
    owner.get_by_role("button", name="Shut out").click()
    expect(owner.get_by_text("cannot log in")).to_be_visible()
    new.goto(f"{address}/")
    expect(new.get_by_role("heading", name="Log in")).to_be_visible()
    owner.goto(f"{address}/diary")
    is_for_fingers(owner, "Who did what")
    expect(owner.get_by_text("Shut somebody out").first).to_be_visible()


def test_a_key_is_made_and_revoked(phones: list[BrowserContext], address: str) -> None:
    page = phones[0].new_page()
    log_in(page, address, "asha", PASSWORD)
    page.goto(f"{address}/keys")
    page.get_by_label("What it is for").fill("QGIS")
    page.get_by_role("button", name="Make the key").click()
    is_for_fingers(page, "The key “QGIS”")
    assert page.locator("[data-copied]").input_value().startswith("fbx_")
    page.goto(f"{address}/keys")
    is_for_fingers(page, "Keys of programs")
    page.get_by_role("button", name="Revoke the key QGIS").click()
    expect(page.get_by_text("You have no keys")).to_be_visible()
