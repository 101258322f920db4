"""Each error that a person can cause tells what happened, why, what to do, and leads on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fieldbox.config import load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.language import languages
from fieldbox.dashboard.ports import Beyond
from fieldbox.dashboard.turns import Turns
from fieldbox.domain import Role
from fieldbox.services.offering import Offering
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import SURVEY, DemoBox, make_box

FROM = {"Referer": "http://localhost/settings"}


@pytest.fixture
def fresh(tmp_path: Path, password_hash: str) -> Iterator[DemoBox]:
    """A box that a test may break."""
    made = make_box(tmp_path)
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture
def visitor(fresh: DemoBox) -> FlaskClient:
    return log_in(create_app(fresh.store, fresh.root, secret_key=KEY).test_client())


def told(answer: TestResponse, code: int, title: str) -> str:
    """The page, which has its title once, at least one more sentence, and a way on."""
    assert answer.status_code == code
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.text
    assert f"<h1>{title}</h1>" in page
    main = page.partition("<main")[2].partition("</main>")[0]
    assert main.count("<p") >= 3
    assert '<a class="button' in main
    return page


def test_400(client: FlaskClient) -> None:
    answer = client.get(f"/surveys/{SURVEY}/look/{'ab' * 32}?x=nan&y=8", headers=FROM)
    assert 'href="/settings">Back' in told(answer, 400, "This was not understood.")


def test_403(demo: DemoBox, password_hash: str) -> None:
    demo.store.add_user("vera", password_hash, Role.VIEWER)
    client = log_in(create_app(demo.store, demo.root, secret_key=KEY).test_client(), "vera")
    page = f"/fields/{demo.field_id}"
    form = {"csrf_token": token_of(client, "/settings"), "name": "Mine"}
    told(client.post(f"{page}/name", data=form), 403, "You may look, but not do this here.")


def test_404(client: FlaskClient) -> None:
    page = told(client.get("/fields/99"), 404, "There is no such page or it is gone.")
    assert 'href="/">Home' in page and "Try again" not in page


def test_405(client: FlaskClient) -> None:
    told(client.get("/logout"), 405, "This address shows no page.")


def test_413(client: FlaskClient) -> None:
    form = {"csrf_token": token_of(client, "/settings"), "name": "x" * 100_000}
    told(client.post("/fields/1/name", data=form), 413, "That is too large to send.")


def test_429_says_how_long_to_wait(stranger: FlaskClient) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "name": "asha", "password": "wrong"}
    for _ in range(5):
        assert stranger.post("/login", data=form).status_code == 401
    answer = stranger.post("/login", data=form, headers={"Referer": "http://localhost/login"})
    page = told(answer, 429, "Too many tries.")
    wait_s = int(answer.headers["Retry-After"])
    assert 1 <= wait_s <= 61
    assert re.search(f"Wait {wait_s} seconds?, then try again", page)
    assert 'href="/login">Try again' in page


def test_a_form_of_another_log_in_is_not_taken_and_leads_back(client: FlaskClient) -> None:
    answer = client.post("/password", data={"csrf_token": "of another"}, headers=FROM)
    assert 'href="/settings">Back' in told(answer, 400, "This page was open for too long.")


def test_a_log_in_page_that_was_open_too_long_leads_to_a_new_one(stranger: FlaskClient) -> None:
    answer = stranger.post("/login", data={"csrf_token": "of another"})
    assert 'href="/login">Log in' in told(answer, 400, "This page was open for too long.")


def test_503_while_the_box_works_out_something_else(fresh: DemoBox) -> None:
    offering = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(fresh.root)}), fresh.store)
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(decisions=offering))
    client = log_in(app.test_client())
    offering._turns = Turns(1, line=1, wait_s=0.01)
    offering._turns._places.acquire()
    answer = client.get(f"/surveys/{SURVEY}/files/report")
    offering.close()
    page = told(answer, 503, "The box cannot do this just now.")
    assert "ask again in a moment" in page and int(answer.headers["Retry-After"]) > 0
    assert f'href="/surveys/{SURVEY}/files/report">Try again' in page
    assert 'data-again="5"' in page and "This page asks again by itself." in page


def test_503_on_a_full_disk(visitor: FlaskClient, fresh: DemoBox) -> None:
    form = {"csrf_token": token_of(visitor, "/settings"), "name": "x" * 80}
    with fresh.store._database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    codes = set()
    for i in range(400):
        answer = visitor.post(
            "/fields/1/name", data={**form, "name": f"{i} {form['name']}"[:80]}, headers=FROM
        )
        codes.add(answer.status_code)
        if answer.status_code == 503:
            break
    assert codes == {302, 503}
    assert "disk" in told(answer, 503, "The box cannot do this just now.")


def test_a_box_that_cannot_read_who_somebody_is_still_answers(visitor: FlaskClient, fresh: DemoBox) -> None:
    fresh.store.close()
    fresh.store.path.with_name(fresh.store.path.name + "-wal").unlink(missing_ok=True)
    fresh.store.path.write_bytes(b"no database any more" * 1000)
    answer = visitor.get("/settings")
    page = told(answer, 503, "Somebody must look after the box.")
    assert "<nav" not in page and "csrf_token" not in page


def test_a_mistake_of_the_box_is_told_as_one(app: Flask, client: FlaskClient) -> None:
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.view_functions["home.show"] = lambda: str(1 // 0)
    told(client.get("/"), 500, "Something went wrong in the box.")


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_an_error_is_told_in_the_language_of_the_reader(stranger: FlaskClient, code: str) -> None:
    stranger.set_cookie("language", code)
    answer = stranger.post("/login")
    assert answer.status_code == 400 and f'<html lang="{code}"' in answer.text


def test_a_referer_from_elsewhere_leads_nowhere(client: FlaskClient) -> None:
    page = client.get("/fields/99", headers={"Referer": "http://evil.example/x"}).text
    assert "evil" not in page and ">Back</a>" not in page
