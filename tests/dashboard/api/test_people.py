"""People, keys and who did what, for programs of the owner."""

from __future__ import annotations

import pytest
from flask import Flask

from fieldbox.domain import Right
from tests.dashboard.api.asking import Program, give_key
from tests.dashboard.demo_box import DemoBox


@pytest.fixture(scope="module")
def reader(fresh_app: Flask, fresh: DemoBox) -> Program:
    """A program that may look alone."""
    header = give_key(fresh.store, Right.READ, key="fbx_a-key-that-looks-alone")
    return Program(fresh_app, fresh_app.test_client(), header)


def test_a_program_learns_who_it_is(program: Program, reader: Program) -> None:
    assert program.get("/api/v1/me") == {
        "name": "asha",
        "role": "owner",
        "scopes": ["read", "judge", "work", "own"],
        "key": "a test",
    }
    assert reader.get("/api/v1/me")["scopes"] == ["read"]


def test_somebody_is_let_in_changed_and_shut_out(program: Program, fresh: DemoBox) -> None:
    made = program.ask("POST", "/api/v1/people", json={"name": "Ravi", "role": "viewer"})
    assert made.status_code == 201 and made.json is not None
    assert "/enter/" in made.json["link"] and made.json["person"]["has_password"] is False
    path = f"/api/v1/people/{made.json['person']['id']}"
    changed = program.ask("PATCH", path, json={"role": "agronomist", "active": False}).json
    assert changed is not None and (changed["role"], changed["active"]) == ("agronomist", False)
    assert program.ask("POST", f"{path}/link").status_code == 422
    assert program.ask("PATCH", path, json={"active": True}).json["active"] is True  # type: ignore[index]
    assert program.ask("POST", f"{path}/link").status_code == 200
    assert program.ask("POST", f"{path}/end-sessions").status_code == 200
    assert {one["name"] for one in program.get("/api/v1/people")["people"]} == {"asha", "Ravi"}
    program.get("/api/v1/people/99", 404)


def test_nobody_changes_their_own_role(program: Program, fresh: DemoBox) -> None:
    me = fresh.store.user_by_name("asha")
    assert me
    answer = program.ask("PATCH", f"/api/v1/people/{me.id}", json={"role": "viewer"})
    assert answer.status_code == 422 and "another owner" in answer.json["error"]  # type: ignore[index]


def test_a_key_is_made_shown_once_and_made_void(program: Program) -> None:
    body = {"name": "QGIS", "scopes": ["read"], "days": 30}
    made = program.ask("POST", "/api/v1/keys", json=body)
    assert made.status_code == 201 and made.json is not None
    secret = made.json["key"]
    header = {"Authorization": f"Bearer {secret}"}
    assert program.client.get("/api/v1/fields", headers=header).status_code == 200
    listed = program.get("/api/v1/keys")["keys"]
    assert secret not in str(listed) and "QGIS" in {one["name"] for one in listed}
    assert program.ask("DELETE", f"/api/v1/keys/{made.json['id']}").status_code == 204
    assert program.client.get("/api/v1/fields", headers=header).status_code == 401
    assert program.ask("DELETE", f"/api/v1/keys/{made.json['id']}").status_code == 422


def test_a_program_that_only_looks_makes_no_keys_and_sees_no_people(reader: Program) -> None:
    body = {"name": "another", "scopes": ["read"], "days": 0}
    assert reader.ask("POST", "/api/v1/keys", json=body).status_code == 403
    for path in ("/api/v1/people", "/api/v1/audit", "/api/v1/settings"):
        reader.get(path, 403)


def test_a_program_that_only_looks_makes_no_other_key_void_but_its_own(
    program: Program, fresh_app: Flask, fresh: DemoBox
) -> None:
    header = give_key(fresh.store, Right.READ, key="fbx_a-key-that-gives-itself-up")
    passing = Program(fresh_app, fresh_app.test_client(), header)
    mine = max(fresh.store.tokens(), key=lambda one: one.id).id
    for other in [one.id for one in fresh.store.tokens() if one.id != mine]:
        assert passing.ask("DELETE", f"/api/v1/keys/{other}").status_code == 403
    assert program.get("/api/v1/me")["key"] == "a test"
    assert passing.ask("DELETE", f"/api/v1/keys/{mine}").status_code == 204
    passing.get("/api/v1/me", 401)


def test_a_key_of_no_offered_life_is_refused(program: Program) -> None:
    body = {"name": "x", "scopes": ["read"], "days": 7}
    assert program.ask("POST", "/api/v1/keys", json=body).status_code == 400


def test_what_was_done_is_told_page_by_page(program: Program, fresh: DemoBox) -> None:
    for number in range(3):
        fresh.store.audit("meena", "flight pinned", str(number))
    path, found = "/api/v1/audit?who=meena&limit=2", []
    while path:
        told = program.get(path)
        found += [one["detail"] for one in told["deeds"]]
        path = told["next"]
    assert found == ["2", "1", "0"]
    assert program.get("/api/v1/audit?action=nothing")["deeds"] == []
