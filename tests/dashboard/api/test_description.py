"""The description and the routes are one thing."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from fieldbox.dashboard.api.description import SUBJECTS, description, every, path_of
from fieldbox.dashboard.api.operations import Operation
from fieldbox.dashboard.curling import curl
from fieldbox.dashboard.rights import RIGHTS
from tests.dashboard.api.asking import Program
from tests.dashboard.demo_box import DemoBox

PARTS = re.compile(r"<(?:\w+:)?(\w+)>")


def test_every_route_of_the_api_is_described_and_every_described_one_is_a_route(fresh_app: Flask) -> None:
    described = {(path, method.upper()) for path, some in description()["paths"].items() for method in some}
    routes = {
        (path_of(rule.rule), method)
        for rule in fresh_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    of_the_api = {one for one in routes if one[0].startswith("/api/v1/")}
    assert of_the_api and of_the_api <= described <= routes


def test_every_picture_that_a_program_may_fetch_is_described(fresh_app: Flask) -> None:
    pictures = {
        path_of(rule.rule) for rule in fresh_app.url_map.iter_rules() if rule.endpoint.startswith("pictures.")
    }
    assert pictures <= set(description()["paths"])


def test_an_operation_has_a_summary_an_id_of_its_own_and_the_scope_that_is_asked_for() -> None:
    ids = []
    for one in every():
        told = description()["paths"][path_of(one.rule)][one.method.lower()]
        ids.append(told["operationId"])
        assert told["summary"]
        assert told["x-scope"] == RIGHTS[one.endpoint]
        assert {part["name"] for part in told["parameters"] if part["in"] == "path"} == set(
            PARTS.findall(one.rule)
        )
        assert all(part["description"] for part in told["parameters"]), one.endpoint
    assert len(set(ids)) == len(ids)


def test_every_operation_has_a_subject_and_every_subject_operations() -> None:
    assert {one.tag for one in every()} == set(SUBJECTS)
    assert [one["name"] for one in description()["tags"]] == list(SUBJECTS)


@pytest.mark.parametrize("one", every(), ids=lambda one: one.endpoint)
def test_the_example_of_an_operation_is_asked_for_as_it_is_described(one: Operation) -> None:
    words = shlex.split(curl(one, "http://box"))
    assert words[:3] == ["curl", "-H", "Authorization: Bearer fbx_…"]
    assert words[-1].startswith("http://box/")
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    assert method == one.method and "<" not in words[-1]
    if one.body is not None:
        schema = schema_of(one)
        body = json.loads(words[words.index("-d") + 1])
        assert set(schema.get("required", ())) <= set(body)


def schema_of(one: Operation) -> dict[str, Any]:
    told = description()["paths"][path_of(one.rule)][one.method.lower()]["requestBody"]["content"]
    name = told["application/json"]["schema"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = description()["components"]["schemas"][name]
    return found


def test_schemas_are_json_schemas_and_their_names_fit_openapi() -> None:
    for name, schema in description()["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_it_is_served_as_json_and_as_a_page(client: FlaskClient, demo: DemoBox) -> None:
    told = client.get("/api/openapi.json").json
    assert told == json.loads(json.dumps(description()))
    page = client.get("/api").get_data(as_text=True)
    for one in every():
        assert f"<code>{path_of(one.rule)}</code>" in page
    for name in description()["components"]["schemas"]:
        assert f'id="schema-{name}"' in page
    assert demo.survey_id in page and "http://localhost/tiles/" in page


def test_the_page_links_to_nothing_that_is_not_there(client: FlaskClient) -> None:
    page = client.get("/api").get_data(as_text=True)
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_a_program_reads_the_description_with_its_key(program: Program) -> None:
    answer = program.client.get("/api/openapi.json", headers=program.header)
    assert answer.status_code == 200 and answer.json["openapi"].startswith("3.1")  # type: ignore[index]
