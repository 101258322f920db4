"""Somebody looks at flights, stops one, and deletes one; at home it is said what needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from fieldbox.domain import Finding, FlightCheck, Verdict
from fieldbox.i18n import Sentence
from tests.browser.test_dashboard import DESK, PHONE, Open, fits, until, visit
from tests.dashboard.demo_box import SHA, DemoBox, square

__all__ = ["visit"]
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


@pytest.fixture(autouse=True, scope="module")
def flights(demo: DemoBox) -> Iterator[None]:
    """A second flight in work, and how good both were when they came in."""
    first = demo.store.flight(demo.flight_id)
    assert first is not None
    second = replace(first, id="second", started_at=datetime(2026, 6, 9, 9), ended_at=None)
    demo.store.save_flight(second)
    check = FlightCheck(
        mosaic=False,
        photos=3,
        placed=2,
        started_at=second.started_at,
        gsd_mm=2.8,
        smallest_weed_mm=15.0,
        overlap=5.0,
        thin_pct=12.0,
        bare_pct=0.8,
        holes=((square(40, 10, 4, 5),),),
        thin=((square(0, 0, 60, 40), square(5, 5, 30, 30)),),
        blurred=0,
        badly_exposed=0,
        findings=(Finding("overlap", Verdict.USABLE, Sentence("Some ground is on one photo only.")),),
    )
    for flight_id in (first.id, second.id):
        demo.store.keep_check(flight_id, check)
    job = demo.store.enqueue(second.id, release_sha=SHA)
    demo.store.claim()
    demo.store.progress(job, "look", 20, 40, spent={"look": 360.0}, worked={"look": 20})
    yield


@SIZES
def test_home_says_what_needs_somebody(visit: Open, shots: Path, size: tuple[int, int]) -> None:
    page = visit(size).page
    expect(page.get_by_role("heading", name="What needs you now")).to_be_visible()
    expect(page.get_by_text("About 6 minutes left for this step.")).to_be_visible()
    assert fits(page)
    page.screenshot(path=shots / f"{'phone' if size == PHONE else 'desk'}-needs.png", full_page=True)


@SIZES
def test_the_list_leads_to_a_flight_with_its_photos_on_a_map(
    visit: Open, demo: DemoBox, shots: Path, size: tuple[int, int]
) -> None:
    page = visit(size).page
    name = "phone" if size == PHONE else "desk"
    page.goto(f"{page.url}flights")
    assert fits(page)
    page.screenshot(path=shots / f"{name}-flights.png", full_page=True)
    page.locator(f'.flights a[href="/flights/{demo.flight_id}"]').click()
    until(page, "document.querySelector('#map').dataset.drawn === '3'")
    assert fits(page)
    page.screenshot(path=shots / f"{name}-flight.png", full_page=True)
    page.locator("#map").scroll_into_view_if_needed()
    page.locator("#map").click()
    expect(page.locator(".leaflet-popup")).to_be_visible()
    expect(page.get_by_role("link", name="Look at the photo")).to_be_visible()


def test_the_list_is_narrowed_by_choosing(visit: Open) -> None:
    page = visit(DESK).page
    page.goto(f"{page.url}flights")
    page.get_by_label("Work").select_option(label="In work or waiting")
    page.wait_for_url("**/flights?field=&state=work")
    expect(page.locator(".flights li")).to_have_count(1)


def test_without_a_script_the_flight_is_a_drawing(visit: Open, demo: DemoBox) -> None:
    page = visit(PHONE, script=False).page
    page.goto(f"{page.url}flights/{demo.flight_id}")
    expect(page.locator("#map img.still")).to_be_visible()


def test_deleting_is_asked_for_twice(visit: Open, demo: DemoBox, shots: Path) -> None:
    page = visit(PHONE).page
    page.goto(f"{page.url}flights/{demo.flight_id}")
    page.get_by_role("link", name="Delete …").click()
    expect(page.get_by_role("heading", name="What is lost")).to_be_visible()
    assert fits(page)
    page.screenshot(path=shots / "phone-delete.png", full_page=True)
    page.get_by_role("button", name="Delete the flight").click()  # the browser asks for the tick first
    assert page.url.endswith("/delete")
    page.get_by_role("link", name="Keep it").click()
    assert demo.store.flight(demo.flight_id) is not None


def test_work_is_stopped_with_one_tap(visit: Open, demo: DemoBox) -> None:
    page = visit(PHONE).page
    page.goto(f"{page.url}flights/second")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("asha wants it to stop")).to_be_visible()
    job = demo.store.job_for_flight("second")
    assert job is not None and job.stop_by == "asha"
