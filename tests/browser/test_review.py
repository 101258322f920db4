"""People check plants with a thumb, with keys, two at once, and with a Wi-Fi that comes and goes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.domain import LabelVerdict
from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.dashboard.review_box import ReviewBox, make_review_box

PHONE, DESK = (360, 740), (1440, 900)
TAP_PX, THUMB_PX = 44, 56
Enter = Callable[..., Page]
HITS = """() => [...document.querySelectorAll("#review button, #review a")].filter((one) => one.offsetParent).map((one) => {
  const box = one.getBoundingClientRect();
  return [one.textContent.trim().slice(0, 20), Math.round(box.width), Math.round(box.height)];
})"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[ReviewBox]:
    made = make_review_box(tmp_path / "box")
    secret = hash_password(PASSWORD)
    made.store.add_user("asha", secret, "owner")
    made.store.add_user("ravi", secret, "agronomist")
    yield made
    made.store.close()


@pytest.fixture
def at(box: ReviewBox) -> Iterator[str]:
    """Where the dashboard of this box answers."""
    app = create_app(box.store, box.root, secret_key=os.urandom(16), login_limit="1000 per minute")
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=60)


@pytest.fixture
def enter(browser: Browser, at: str) -> Iterator[Enter]:
    """Open the queue as somebody; at the end no script may have failed."""
    opened: list[BrowserContext] = []
    trouble: list[str] = []

    def open_queue(
        size: tuple[int, int] = PHONE, *, who: str = "asha", script: bool = True, scheme: str = "light"
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
            locale="en",
            java_script_enabled=script,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"{at}/login")
        page.fill("input[name=name]", who)
        page.fill("input[name=password]", PASSWORD)
        page.click("main form button")
        page.wait_for_url(f"{at}/")
        page.goto(f"{at}/review")
        return page

    yield open_queue
    for context in opened:
        context.close()
    assert trouble == []


def shown(page: Page) -> int:
    """The number of the plant that is shown."""
    return int(page.locator("#review").get_attribute("data-plant") or 0)


def next_after(page: Page, plant: int) -> int:
    """The number of the plant that is shown after this one."""
    expect(page.locator("#review")).not_to_have_attribute("data-plant", str(plant))
    return shown(page)


def all_saved(page: Page) -> None:
    expect(page.locator("#review")).to_have_attribute("data-unsaved", "0")


def given(box: ReviewBox) -> dict[int, tuple[str, LabelVerdict]]:
    return {one.plant: (one.who, one.verdict) for one in box.store.labels()}


def swipe(page: Page, by: int) -> None:
    photo = page.locator("[data-plant][role=img]").bounding_box()
    assert photo is not None
    x, y = photo["x"] + photo["width"] / 2, photo["y"] + photo["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by / 2, y, steps=3)
    page.mouse.move(x + by, y, steps=3)
    page.mouse.up()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_all_that_is_needed_lies_under_the_thumb(enter: Enter, size: tuple[int, int], shots: Path) -> None:
    page = enter(size)
    name = "phone" if size == PHONE else "desk"
    page.wait_for_load_state("networkidle")
    page.screenshot(path=shots / f"{name}-review.png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert all(min(width, height) >= TAP_PX for _, width, height in page.evaluate(HITS))
    for verdict in ("right", "wrong", "crop", "unsure"):
        button = page.locator(f"[data-verdict={verdict}]").bounding_box()
        assert button is not None and button["height"] >= THUMB_PX
        assert button["y"] + button["height"] <= size[1]


def test_one_tap_is_a_verdict_and_the_next_plant_is_there_already(enter: Enter, box: ReviewBox) -> None:
    page = enter(PHONE)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wanted = {}
    for verdict in ("right", "wrong", "crop", "unsure"):
        plant = shown(page)
        page.locator(f"[data-verdict={verdict}]").tap()
        wanted[plant] = ("asha", LabelVerdict(verdict))
        source = page.locator("[data-picture] image").get_attribute("href")
        assert next_after(page, plant) and f"{source}" not in "".join(asked)
    all_saved(page)
    assert given(box) == wanted
    expect(page.locator("[data-mine]")).to_have_text("4 of about 40")


def test_the_photo_is_swiped_right_for_a_weed_and_left_for_none(enter: Enter, box: ReviewBox) -> None:
    page = enter(PHONE)
    first = shown(page)
    swipe(page, 20)  # too little to mean anything
    assert shown(page) == first
    swipe(page, 140)
    second = next_after(page, first)
    swipe(page, -140)
    next_after(page, second)
    all_saved(page)
    assert given(box) == {first: ("asha", LabelVerdict.RIGHT), second: ("asha", LabelVerdict.WRONG)}


def test_a_photo_that_was_brought_closer_is_moved_and_not_swiped_away(enter: Enter) -> None:
    page = enter(PHONE)
    first = shown(page)
    image = page.locator("[data-plant][role=img]")
    whole = image.get_attribute("viewBox")
    page.locator("[data-zoom=in]").tap()
    closer = image.get_attribute("viewBox")
    swipe(page, 140)
    assert shown(page) == first and len({whole, closer, image.get_attribute("viewBox")}) == 3


def test_keys_give_verdicts_and_take_them_back(enter: Enter, box: ReviewBox) -> None:
    page = enter(DESK)
    plants = [shown(page)]
    for key in ("1", "ArrowLeft", "c", "T", "s"):
        page.keyboard.press(key)
        plants.append(next_after(page, plants[-1]))
    all_saved(page)
    verdicts = (LabelVerdict.RIGHT, LabelVerdict.WRONG, LabelVerdict.CROP, LabelVerdict.UNSURE)
    assert given(box) == {plant: ("asha", told) for plant, told in zip(plants[:4], verdicts, strict=True)}
    page.keyboard.press("u")  # what was skipped
    assert next_after(page, plants[5]) == plants[4]
    page.keyboard.press("Control+z")
    assert next_after(page, plants[4]) == plants[3]
    page.keyboard.press("2")
    next_after(page, plants[3])
    all_saved(page)
    expect(page.locator("[data-mine]")).to_have_text("4 of about 40")
    assert given(box)[plants[3]] == ("asha", LabelVerdict.WRONG)


def test_what_an_earlier_visit_gave_is_taken_back_too(enter: Enter, box: ReviewBox) -> None:
    page = enter(DESK)
    first = shown(page)
    page.keyboard.press("1")
    next_after(page, first)
    all_saved(page)
    page.reload()
    page.get_by_role("button", name="Take back").click()
    page.wait_for_url("**plant=*")
    assert shown(page) == first and given(box) == {}


def test_the_outline_is_hidden_and_shown_again(enter: Enter) -> None:
    page = enter(PHONE)
    outline = page.locator("[data-outline]")
    expect(outline).to_be_visible()
    page.get_by_role("button", name="Hide the outline").tap()
    expect(outline).to_be_hidden()
    page.get_by_role("button", name="Show the outline").tap()
    expect(outline).to_be_visible()


def test_nothing_is_lost_or_doubled_when_the_wifi_goes_and_comes(
    enter: Enter, box: ReviewBox, shots: Path
) -> None:
    page = enter(PHONE)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    plants = [shown(page)]
    for verdict in ("right", "wrong", "right"):
        page.locator(f"[data-verdict={verdict}]").tap()
        plants.append(next_after(page, plants[-1]))
    expect(page.get_by_text("3 checks not yet saved: they are kept on this phone.")).to_be_visible()
    page.screenshot(path=shots / "phone-review-away.png")
    page.get_by_role("button", name="Take back").tap()
    assert next_after(page, plants[3]) == plants[2]
    assert given(box) == {}
    page.context.set_offline(False)
    all_saved(page)
    expect(page.locator("[data-saved]")).to_be_hidden()
    assert given(box) == {
        plants[0]: ("asha", LabelVerdict.RIGHT),
        plants[1]: ("asha", LabelVerdict.WRONG),
    }


def test_what_was_not_saved_is_saved_on_the_next_visit(enter: Enter, box: ReviewBox, at: str) -> None:
    page = enter(PHONE)
    page.wait_for_load_state("networkidle")
    plant = shown(page)
    page.route("**/api/v1/review/verdicts", lambda route: route.abort())
    page.locator("[data-verdict=crop]").tap()
    next_after(page, plant)
    expect(page.get_by_text("1 check not yet saved")).to_be_visible()
    page.unroute("**/api/v1/review/verdicts")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{at}/review")
    all_saved(page)
    assert given(box) == {plant: ("asha", LabelVerdict.CROP)}


def test_an_answer_that_got_lost_does_not_double_a_verdict(enter: Enter, box: ReviewBox) -> None:
    page = enter(PHONE)
    plant, lost = shown(page), []

    def lose_the_first(route: object) -> None:
        if lost:
            route.continue_()  # type: ignore[attr-defined]
        else:
            lost.append(route.fetch())  # type: ignore[attr-defined]  # the box has it, the page never hears so
            route.abort()  # type: ignore[attr-defined]

    page.route("**/api/v1/review/verdicts", lose_the_first)
    page.locator("[data-verdict=right]").tap()
    next_after(page, plant)
    all_saved(page)
    assert len(lost) == 1
    assert [(one.plant, one.verdict) for one in box.store.labels()] == [(plant, LabelVerdict.RIGHT)]


def test_two_people_at_once_check_different_plants(enter: Enter, box: ReviewBox) -> None:
    pages = {who: enter(PHONE, who=who) for who in ("asha", "ravi")}
    for _ in range(8):
        for page in pages.values():
            plant = shown(page)
            page.locator("[data-verdict=right]").tap()
            next_after(page, plant)
    for page in pages.values():
        all_saved(page)
    labels = box.store.labels()
    assert len(labels) == 16 and len({one.plant for one in labels}) >= 14


def test_when_all_is_checked_the_page_says_so(enter: Enter, box: ReviewBox, shots: Path) -> None:
    plants = box.store.called(box.survey_id).plants.tolist()
    page = enter(PHONE)
    for plant in plants:
        if plant != shown(page):
            box.store.give_label(
                plant, LabelVerdict.RIGHT, who="asha", act=f"act-of-asha-{plant}", by_chance=True
            )
    page.reload()
    plant = shown(page)
    page.locator("[data-verdict=wrong]").tap()
    expect(page.get_by_text("Nothing is left for you to check here now.")).to_be_visible()
    expect(page.get_by_text("All 84 plants that are called weeds here were checked").first).to_be_visible()
    page.screenshot(path=shots / "phone-review-done.png")
    page.get_by_role("button", name="Take back my last check").tap()
    page.wait_for_url("**plant=*")
    assert shown(page) == plant


def test_without_a_script_each_verdict_is_a_page(enter: Enter, box: ReviewBox) -> None:
    page = enter(PHONE, script=False)
    for name in ("Weed", "No plant"):
        with page.expect_navigation():
            page.get_by_role("button", name=name).first.tap()
    assert sorted(told.value for _, told in given(box).values()) == ["right", "wrong"]
    page.get_by_role("button", name="Take back").tap()
    page.wait_for_url("**plant=*")
    assert len(given(box)) == 1


def test_in_the_dark_it_is_dark(enter: Enter, shots: Path) -> None:
    page = enter(DESK, scheme="dark")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=shots / "desk-review-dark.png", full_page=True)
    ground = page.locator("[data-verdict=crop]").evaluate("(one) => getComputedStyle(one).backgroundColor")
    assert max(int(part) for part in ground.strip("rgb()").split(",")) < 80


def test_a_photo_that_cannot_be_shown_is_told_of(enter: Enter, box: ReviewBox, at: str) -> None:
    page = enter(PHONE)
    expect(page.locator("[data-broken]")).to_be_hidden()
    page.route("**/crop?*", lambda route: route.abort())
    # Seven are in hand, whose photos are there.
    for _ in range(8):
        plant = shown(page)
        page.locator("[data-skip]").tap()
        next_after(page, plant)
    expect(page.get_by_text("The photo is not here")).to_be_visible()
