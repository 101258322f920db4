"""Whatever goes wrong is told in one shape, with the right status, in the reader's language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from fieldbox.dashboard.api.description import every
from fieldbox.dashboard.api.operations import Operation
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.guard import pace
from fieldbox.dashboard.rights import RIGHTS
from fieldbox.domain import Right
from tests.dashboard.api.asking import Program, give_key
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import SURVEY, DemoBox


def told(program: Program, method: str, path: str, **more: Any) -> tuple[int, str, str | None]:
    answer = program.client.open(
        path, method=method, headers={**program.header, **more.pop("headers", {})}, **more
    )
    assert answer.mimetype == "application/json"
    assert answer.json is not None and answer.json["error"]
    assert set(answer.json) <= {"error", "code", "parameter"}
    return answer.status_code, answer.json["code"], answer.json.get("parameter")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=2001", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=3,2,1,4", "bbox"),
        ("cursor=nonsense", "cursor"),
        ("cursor=nan_1", "cursor"),
        ("colour=red", "colour"),
    ],
)
def test_a_wrong_parameter_is_named(program: Program, query: str, parameter: str) -> None:
    path = f"/api/v1/surveys/{SURVEY}/weeds?{query}"
    assert told(program, "GET", path) == (400, "invalid", parameter)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (b"[" * 5000, "body"),
        (b'{"name": ""}', "name"),
        (b'{"name": 3}', "name"),
        (b'{"colour": "red"}', "colour"),
    ],
)
def test_a_wrong_body_is_told_by_its_place(program: Program, body: bytes, parameter: str) -> None:
    header = {"Content-Type": "application/json"}
    answer = told(program, "PATCH", "/api/v1/fields/1", data=body, headers=header)
    assert answer == (400, "invalid", parameter)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"name": "x" * 81}, "it has 80 characters or fewer"),
        ({"name": " "}, "it is written like this pattern"),
        ({"name": 3}, "it is text"),
        ({"crop": 3}, "it is one of these: text, null"),
        ({"row_deg": 400}, "it is 360.0 or less"),
    ],
)
def test_why_a_value_is_wrong_is_said_in_words(program: Program, body: dict[str, Any], why: str) -> None:
    answer = program.client.patch("/api/v1/fields/1", headers=program.header, json=body)
    assert answer.status_code == 400 and answer.json is not None
    assert why in answer.json["error"] and "`" not in answer.json["error"]


def test_a_body_that_is_not_said_to_be_json(program: Program) -> None:
    assert told(program, "PATCH", "/api/v1/fields/1", data="name=x") == (415, "wrong_type", None)


def test_a_body_that_is_too_large(program: Program) -> None:
    body = {"name": "x" * 70_000}
    assert told(program, "PATCH", "/api/v1/fields/1", json=body) == (413, "too_large", None)


def test_what_is_not_there(program: Program) -> None:
    for path in ("/api/v1/fields/99", "/api/v1/surveys/none/weeds", "/api/v1/nothing", "/tiles/a/b/1/2/3"):
        assert told(program, "GET", path) == (404, "not_found", None)


def test_a_method_that_a_path_has_not_names_those_it_has(program: Program) -> None:
    assert told(program, "DELETE", "/api/v1/fields") == (405, "method_not_allowed", None)
    answer = program.client.delete("/api/v1/fields", headers=program.header)
    assert "GET" in answer.headers["Allow"]


def test_a_key_without_the_scope(program: Program, fresh: DemoBox) -> None:
    program.header = give_key(fresh.store, Right.READ, key="fbx_another-key-of-tests")
    assert told(program, "PATCH", "/api/v1/fields/1", json={"name": "x"}) == (403, "forbidden", None)


def test_no_key_and_a_wrong_one(program: Program) -> None:
    for header in ({}, {"Authorization": "Bearer fbx_nothing"}, {"Authorization": "Basic !"}):
        program.header = header
        assert told(program, "GET", "/api/v1/fields") == (401, "login_needed", None)
    assert "Basic" in program.client.get("/api/v1/fields").headers["WWW-Authenticate"]


def test_it_is_said_in_the_readers_language(program: Program) -> None:
    hindi = {**program.header, "Accept-Language": "hi"}
    answer = program.client.get("/api/v1/flights/none", headers=hindi)
    assert answer.json is not None and answer.json["code"] == "not_found"
    assert program.client.get("/api/v1/flights/none", headers={**program.header}).json != {}


def test_other_web_sites_may_not_read_the_answers(program: Program) -> None:
    header = {**program.header, "Origin": "https://example.org"}
    answer = program.client.get("/api/v1/fields", headers=header)
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_key_may_ask_so_often_and_is_told_when_to_go_on(fresh: DemoBox, key: dict[str, str]) -> None:
    app = create_app(fresh.store, fresh.root, secret_key=KEY)
    pace(app, "3 per minute")
    other = give_key(fresh.store, Right.READ, key="fbx_a-third-key-of-tests")
    client = app.test_client()
    assert [client.get("/api/v1/fields", headers=key).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = client.get("/api/v1/fields", headers=key)
    assert answer.json is not None and answer.json["code"] == "too_many"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert client.get("/api/v1/fields", headers=other).status_code == 200
    assert client.get("/legend/health", headers=key).status_code == 200


def sample(one: Operation) -> str:
    """A path of an operation, whether or not it leads to something."""
    return re.sub(r"<int:\w+>", "1", re.sub(r"<\w+>", "x", one.rule))


@pytest.mark.parametrize("one", every(), ids=lambda one: one.endpoint)
def test_nothing_is_told_without_a_key_or_without_its_scope(
    fresh_app: Flask, fresh: DemoBox, one: Operation
) -> None:
    client = fresh_app.test_client()
    assert client.open(sample(one), method=one.method).status_code == 401
    asked = RIGHTS[one.endpoint]
    assert asked is not None
    key = f"fbx_a-key-of-tests-without-{one.endpoint}"
    header = give_key(fresh.store, *(set(Right) - {asked}), key=key)
    refused = client.open(sample(one), method=one.method, headers=header)
    hindi = client.open(sample(one), method=one.method, headers={**header, "Accept-Language": "hi"})
    assert refused.status_code == hindi.status_code == 403
    assert hindi.json["error"] != refused.json["error"]  # type: ignore[index]
