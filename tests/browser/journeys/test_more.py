"""Journeys that are made less often, or that change the box: photos are brought, people let in, settings changed."""

from __future__ import annotations

import io
import json
import re
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from playwright.sync_api import Download, Locator, expect

from tests.browser.conftest import PASSWORD
from tests.browser.journeys.conftest import Travel
from tests.browser.journeys.living import NORTH, OWNER, SOUTH, LivingBox
from tests.browser.journeys.traveller import Traveller

LONG_MS = 300_000
"""A flight is mapped meanwhile, beside other work of the machine."""


def bring(me: Traveller, photos: list[Path], field: str) -> None:
    """Choose files, send them, wait until all are on the box."""
    me.go("/upload")
    me.page.set_input_files("[data-files]", photos)
    me.page.get_by_label(me.t("Field, if you want to name it")).fill(field)
    me.look("upload")
    me.press(me.button("Send to the box"))
    expect(me.page.locator("[data-finished]")).to_be_visible()


def test_photos_are_sent_mapped_looked_at_and_deleted(travel: Travel, living: LivingBox) -> None:
    """From the file chooser to the map, with what is going on at home; then all of it goes, and says what it frees."""
    me = travel()
    photos = sorted((living.folder / "small").glob("*.JPG"))
    bring(me, photos, SOUTH)
    me.press(me.page.locator("[data-finished]").get_by_role("link", name=me.t("Home"), exact=True))
    expect(me.heading("Coming in")).to_be_visible()
    me.look("coming-in")
    flight = me.link("See the flight").first
    expect(flight).to_be_visible(timeout=LONG_MS)
    me.press(flight)
    me.page.wait_for_url(re.compile("/flights/"))
    mapped = me.link("Open the map").first
    expect(mapped).to_be_visible(timeout=LONG_MS)
    me.look("mapped")
    address = me.page.url
    me.press(mapped)
    expect(me.page.get_by_role("heading", level=1, name=SOUTH)).to_be_visible()
    me.look("new-map")
    me.page.goto(address)
    me.press(me.link("Delete …"))
    expect(me.heading("What becomes free")).to_be_visible()
    expect(me.page.locator(".figures dd").first).to_contain_text("MB")
    me.page.get_by_label(me.t("Yes, all of this may go for good")).check()
    me.press(me.button("Delete the flight"))
    expect(me.heading("Flights")).to_be_visible()
    assert address.rsplit("/", 1)[1] not in me.page.content()


def test_a_flight_is_looked_at_anew(travel: Travel) -> None:
    """Nothing has changed, so the page says; looked at anew all the same, it comes to a new map."""
    me = travel()
    me.go("/flights")
    me.press(me.page.locator("main li").get_by_role("link").last)
    me.press(me.page.get_by_text(me.t("Look anew at every photo")))
    me.press(me.button("Look anew"))
    expect(me.page.locator("[data-busy] progress")).to_be_visible()
    me.look("again")
    expect(me.page.get_by_text(me.t("Look anew at every photo"))).to_be_visible(timeout=LONG_MS)
    expect(me.link("Open the map").first).to_be_visible()


def test_what_to_do_is_taken_along_as_files(travel: Travel) -> None:
    """What is sprayed where, by the numbers of the reader's own sprayer; a map for a program, and a sheet on paper."""
    me = travel()
    me.go("/fields/1")
    me.press(me.link("What to do"))
    expect(me.heading("What to do")).to_be_visible()
    me.look("decide")
    form = me.page.get_by_text(me.t("Sprayer, product, prices"))
    if not me.page.locator("input[name=product0]").is_visible():
        me.press(form)
    me.page.locator("input[name=product0]").fill("Quizalofop")
    me.page.locator("input[name=dose0]").fill("1.0")
    me.press(me.page.locator("form.stack").get_by_role("button", name=me.t("Save"), exact=True))
    expect(me.heading("What it takes")).to_be_visible()
    expect(me.page.get_by_text("Quizalofop").first).to_be_visible()
    me.look("decided")
    assert downloaded(me, "sheet")[:5] == b"%PDF-"
    assert json.loads(downloaded(me, "zones"))["type"] == "FeatureCollection"


def downloaded(me: Traveller, key: str) -> bytes:
    """What a link of the page of what to do hands out."""
    link = me.page.locator(f'a[download][href$="{key}"]')
    folded = me.page.locator("details:not([open])").filter(has=link).locator("summary")
    if folded.count():
        me.press(folded.first)
    with me.page.expect_download(timeout=LONG_MS) as told:
        me.press(link)
    return content(told.value)


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def test_what_changed_between_two_dates_is_told(travel: Travel) -> None:
    """More or less, in which spots, with ranges; or why it is not told."""
    me = travel()
    me.go("/fields/1")
    me.press(me.link("What changed"))
    expect(me.heading("What changed")).to_be_visible()
    expect(me.page.get_by_label(me.t("Compare with"))).to_be_visible()
    expect(me.page.locator("main .lead")).to_be_visible()
    me.look("change")
    me.press(me.page.get_by_label(me.t("In between it was sprayed as the box said")))
    me.page.wait_for_url(re.compile("sprayed=1"))
    expect(me.page.locator("main .note").first).to_be_visible()


def test_the_box_says_how_it_is_and_makes_a_file_for_who_helps(travel: Travel, living: LivingBox) -> None:
    """How the box is, its models with their cards, its log; a support file that tells nothing of the farm."""
    me = travel()
    me.go("/")
    me.place("Box")
    expect(me.heading("What runs")).to_be_visible()
    me.look("box")
    me.go("/box/models")
    me.press(me.link("How it was made and measured").first)
    expect(me.page.get_by_role("heading", level=1)).to_contain_text("fieldbox")
    me.look("model")
    me.go("/box/log")
    expect(me.page.locator(".said").first).to_be_visible()
    me.look("log")
    me.go("/box")
    with me.page.expect_download(timeout=LONG_MS) as told:
        me.press(me.button("Make a support file"))
    with zipfile.ZipFile(io.BytesIO(content(told.value))) as packed:
        text = "\n".join(packed.read(one).decode("utf-8", "replace") for one in packed.namelist())
    assert len(text) > 500
    for secret in (NORTH, OWNER, PASSWORD, living.setting("web.secret_key"), "scrypt:", "74.24"):
        assert secret and secret not in text


def test_somebody_is_let_in_who_may_only_look(travel: Travel) -> None:
    """A link for a reader, in a browser of their own: they see all, and what they may not do is not there."""
    me = travel()
    name = f"lata-{me.language}-{me.size}"
    me.go("/people")
    me.page.get_by_label(me.t("Name to log in with")).fill(name)
    me.page.get_by_role("radio", name=re.compile("^" + re.escape(me.t("Reader")))).check()
    me.press(me.button("Add, and show the link for them"))
    text = me.page.get_by_label(me.t("Text to pass on")).input_value()
    me.look("link")
    address = re.search(r"http://\S+", text)
    assert address
    other = travel(None)
    other.page.goto(address[0])
    other.page.wait_for_url(re.compile("/password$"))
    other.look("first-password")
    for label in ("New password, at least 8 characters", "New password again"):
        other.page.get_by_label(me.t(label), exact=True).fill("mangoes in the rain")
    other.press(other.button("Set the password"))
    other.page.wait_for_url(re.compile(r":\d+/$"))
    expect(other.page.get_by_role("heading", name=NORTH)).to_be_visible()
    expect(other.link("Add photos")).to_have_count(0)
    other.go("/fields/1")
    expect(other.link("What to do")).to_be_visible()
    expect(other.page.get_by_text(me.t("Rename this field"))).to_have_count(0)
    other.page.goto(me.address + "/people")
    expect(other.page.get_by_role("heading", level=1)).to_have_text(
        me.t("You may look, but not do this here.")
    )
    other.look("not-allowed")


def test_a_program_reads_with_a_key_and_may_do_no_more(travel: Travel) -> None:
    """A key that is shown once; it sees fields, and does not rename them."""
    me = travel()
    me.go("/settings")
    me.press(me.link("Keys of programs"))
    me.page.get_by_label(me.t("What it is for"), exact=True).fill(f"QGIS {me.language} {me.size}")
    me.press(me.button("Make the key"))
    secret = me.page.locator("[data-copied]").input_value()
    me.look("key")
    assert NORTH in asked(me, "/api/v1/fields", secret)[1]
    assert asked(me, "/api/v1/fields", "nonsense")[0] == 401
    assert asked(me, "/api/v1/fields/1", secret, {"name": "Another"})[0] == 403


def asked(me: Traveller, path: str, key: str, change: dict[str, str] | None = None) -> tuple[int, str]:
    """What the box answers a program."""
    request = urllib.request.Request(  # noqa: S310  a box of this machine
        me.address + path,
        data=json.dumps(change).encode() if change else None,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        method="PATCH" if change else "GET",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def chooser(me: Traveller, name: str) -> Locator:
    return me.page.locator("main").get_by_role("combobox", name=me.t(name), exact=True)


def test_language_unit_and_colours_are_the_readers_own(travel: Travel) -> None:
    """Marathi and back, areas in guntha, dark and for bright sun: at once, on every page."""
    me = travel()
    me.go("/settings")
    was, other = me.language, "en" if me.language == "mr" else "mr"
    for language in (other, was):
        chooser(me, "Language").select_option(language)
        expect(me.page.locator("html")).to_have_attribute("lang", language)
        me.language = language
    chooser(me, "Areas in").select_option("guntha")
    me.page.wait_for_load_state()
    for theme in ("dark", "sun"):
        chooser(me, "Colours").select_option(theme)
        expect(me.page.locator("html")).to_have_attribute("data-theme", theme)
        me.go("/fields/1")
        expect(me.page.locator("html")).to_have_attribute("data-theme", theme)
        me.look(f"theme-{theme}")
        me.go("/settings")


def test_without_scripts_all_can_be_read_and_a_plant_be_judged(travel: Travel) -> None:
    """An old phone, or a browser that runs none: log in, read, and say of one plant what it is."""
    me = travel(None, script=False)
    me.log_in(OWNER)
    expect(me.page.get_by_role("heading", name=NORTH)).to_be_visible()
    me.press(me.link("Open the map").first)
    expect(me.page.locator("#map img.still")).to_be_visible()
    me.press(me.link("The flight behind this map"))
    expect(me.page.locator("#map img.still")).to_be_visible()
    me.go("/review")
    form = me.page.locator("form.verdicts")
    action = form.get_attribute("action") or ""
    with me.page.expect_navigation():
        me.press(me.page.locator("button[value=right]"))
    expect(form).not_to_have_attribute("action", action)
    with me.page.expect_navigation():
        me.press(me.page.locator(".back-one button"))
    expect(form).to_have_attribute("action", action)


def test_what_goes_wrong_is_told_in_the_readers_language(travel: Travel, tmp_path: Path) -> None:
    """A wrong password, an address that leads nowhere, a page that was open for too long, a file that is no photo."""
    stranger = travel(None)
    stranger.log_in(OWNER, "not the password")
    stranger.says("The name or the password is wrong.")
    stranger.look("wrong-password")
    me = travel()
    me.page.goto(me.address + "/nothing")
    me.says("There is no such page or it is gone.")
    me.look("nowhere")
    me.go("/settings")
    me.page.evaluate(
        "document.querySelectorAll('[name=csrf_token]').forEach((one) => { one.value = 'old'; })"
    )
    me.press(me.button("Log me out everywhere else"))
    me.says("This page was open for too long.")
    me.look("stale")
    text = tmp_path / "wind.txt"
    text.write_text(f"Wind from the west. {me.language} {me.size}\n", "utf-8")
    bring(me, [text], "")
    me.go("/")
    why = me.t("It is not a photo: give the JPEG photos that the drone took.")
    expect(me.page.locator("main").get_by_text(why).first).to_be_visible()
    me.look("no-photo")


def test_an_outline_is_drawn_and_spots_are_walked_to(travel: Travel) -> None:
    """The outline of the field kept as it stands; then out with the phone, which says how far the first spot is."""
    me = travel()
    me.go("/fields/1")
    me.press(me.link("Draw the boundary, mark points"))
    me.page.wait_for_selector("#map[data-ready]")
    me.look("draw")
    me.press(me.button("Save the outline"))
    expect(me.page.locator(".note.good")).to_be_visible()
    me.go("/fields/1")
    me.press(me.link("Walk there"))
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.t("Walk through %(name)s", name=NORTH))
    me.page.context.grant_permissions(["geolocation"])
    me.page.context.set_geolocation({"latitude": 18.5612, "longitude": 74.2405, "accuracy": 3.0})
    me.press(me.button("Start walking"))
    expect(me.page.locator("[data-away]")).to_contain_text(re.compile(r"\d"))
    me.look("walk")
