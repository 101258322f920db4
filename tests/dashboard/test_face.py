"""What every page shares: where one can go, how it looks."""

from __future__ import annotations

import json
import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from fieldbox.dashboard import face
from fieldbox.dashboard.app import create_app, find_web
from fieldbox.dashboard.theme import DARK
from fieldbox.domain import Role
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import DemoBox

CSS = find_web() / "static" / "app.css"
PLACE = re.compile(
    r'<a href="([^"]+)"( aria-current="\w+")?><svg class="icon" aria-hidden="true"><use href="([^"]+)"'
)


def places(client: FlaskClient, page: str) -> dict[str, str]:
    """Of the navigation: where to, and what is said of it."""
    return {one[1]: one[2].strip() if one[2] else "" for one in PLACE.finditer(client.get(page).text)}


def test_who_is_not_logged_in_is_led_nowhere(stranger: FlaskClient) -> None:
    assert "<nav" not in stranger.get("/login").text


def test_the_present_place_is_marked(client: FlaskClient, demo: DemoBox) -> None:
    assert places(client, "/")["/"] == 'aria-current="page"'
    assert places(client, "/sending")["/"] == ""
    field = places(client, f"/fields/{demo.field_id}")
    assert field["/"] == 'aria-current="true"' and field["/settings"] == ""
    assert places(client, "/settings")["/settings"] == 'aria-current="page"'


def test_each_icon_of_a_place_is_drawn(client: FlaskClient) -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (find_web() / "static" / "icons.svg").read_text()))
    used = {match[3].partition("#")[2] for match in PLACE.finditer(client.get("/").text)}
    assert used and used <= drawn


def test_a_viewer_is_not_led_where_he_may_not_go(demo: DemoBox, password_hash: str) -> None:
    demo.store.add_user("vera", password_hash, Role.VIEWER)
    client = log_in(create_app(demo.store, demo.root, secret_key=KEY).test_client(), "vera")
    for place in places(client, "/"):
        assert client.get(place).status_code == 200


@pytest.mark.parametrize("theme", ["light", "dark", "sun"])
def test_the_theme_that_a_reader_chose_stays(stranger: FlaskClient, theme: str) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "theme": theme, "next": "/login"}
    answer = stranger.post("/theme", data=form)
    assert answer.status_code == 302 and answer.location == "/login"
    page = stranger.get("/login").text
    assert f'data-theme="{theme}"' in page
    assert page.count('name="theme-color"') == 1


def test_without_a_choice_the_phone_decides(stranger: FlaskClient) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "theme": "dark", "next": "/login"}
    stranger.post("/theme", data=form)
    stranger.post("/theme", data={**form, "theme": ""})
    page = stranger.get("/login").text
    assert "data-theme" not in page
    assert '<meta name="color-scheme" content="light dark">' in page


def test_a_theme_that_there_is_not_is_refused(stranger: FlaskClient) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "theme": "red", "next": "/login"}
    assert stranger.post("/theme", data=form).status_code == 400


def test_a_theme_sends_nobody_elsewhere(stranger: FlaskClient) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "theme": "dark", "next": "//evil.example"}
    assert stranger.post("/theme", data=form).location == "/"


def test_dark_by_choice_is_dark_by_the_phone() -> None:
    css = CSS.read_text()
    followed = re.search(r":root:not\(\[data-theme\]\) \{(.*?)\}", css, re.S)
    chosen = re.search(r":root\[data-theme=dark\] \{(.*?)\}", css, re.S)
    assert followed and chosen
    assert followed[1].split() == chosen[1].split()


def test_every_colour_of_a_stylesheet_is_there() -> None:
    sheets = [CSS, *(CSS.parent / "css").glob("*.css")]
    defined = set(re.findall(r"(--[\w-]+):", CSS.read_text()))
    for sheet in sheets:
        assert set(re.findall(r"var\((--[\w-]+)\)", sheet.read_text())) <= defined, sheet.name


def test_the_manifest_speaks_and_looks_as_the_reader_chose(stranger: FlaskClient) -> None:
    stranger.set_cookie("language", "hi")
    stranger.set_cookie("theme", "dark")
    answer = stranger.get("/manifest.webmanifest")
    told = answer.json
    assert answer.mimetype == "application/manifest+json" and told is not None
    assert (told["lang"], told["start_url"], told["scope"]) == ("hi", "/", "/")
    assert told["theme_color"] == DARK.bar
    assert {(one["sizes"], one["purpose"]) for one in told["icons"]} >= {
        ("192x192", "any"),
        ("512x512", "maskable"),
    }
    for one in told["icons"]:
        with Image.open(BytesIO(stranger.get(one["src"]).data)) as picture:
            assert f"{picture.width}x{picture.height}" == one["sizes"]


def test_what_a_phone_keeps_is_there_and_holds_nothing_of_a_person(client: FlaskClient) -> None:
    script = client.get("/worker.js")
    setup = json.loads(script.text.partition("const SETUP = ")[2].partition(";\n")[0])
    for address in setup["files"]:
        answer = client.get(address)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
    page = client.get(setup["offline"])
    assert "The box does not answer." in page.text
    assert "Set-Cookie" not in page.headers
    for personal in ("csrf_token", "asha", "<nav", "<form"):
        assert personal not in page.text


def test_a_changed_file_makes_a_new_version_of_the_worker(tmp_path: Path, demo: DemoBox) -> None:
    web = tmp_path / "web"
    shutil.copytree(find_web(), web)
    versions = set()
    for more in ("", "/* changed */"):
        (web / "static" / "app.css").write_text((web / "static" / "app.css").read_text() + more)
        face._print_of_all.cache_clear()
        app = create_app(demo.store, demo.root, secret_key=KEY, web=web)
        versions.add(app.test_client().get("/worker.js").text.partition(";")[0])
    face._print_of_all.cache_clear()
    assert len(versions) == 2


def test_letters_of_india_are_looked_for_on_the_phone_first() -> None:
    rules = re.findall(r"@font-face \{(.*?)\}", (CSS.parent / "css" / "fonts.css").read_text(), re.S)
    assert len(rules) == 8
    for rule in rules:
        assert "font-display: swap" in rule and "unicode-range: U+0" in rule
        assert rule.index("local(") < rule.index("url(")
        file = re.search(r'url\("\.\./([^"]+)"\)', rule)
        assert file and (CSS.parent / file[1]).stat().st_size < 50_000
