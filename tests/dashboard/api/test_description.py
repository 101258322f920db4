"""The description and the routes are one thing."""

from __future__ import annotations

import json
import re

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from fieldbox.dashboard.api.description import description, every, path_of
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
