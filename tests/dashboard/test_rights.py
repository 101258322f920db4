"""Whoever comes may do what rights.py says, and nothing else: each route, each method, each kind of visitor."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.guard import UNTIL_PASSWORD
from fieldbox.dashboard.rights import OPEN, RIGHTS
from fieldbox.domain import RIGHTS_OF, Right, Role
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import DemoBox
from tests.dashboard.samples import SAMPLES, make_full_box, walk

FOR_PROGRAMS = ("pictures", "api", "metrics")
"""Blueprints that are asked by programs and scripts, with a key or without."""
LET_IN, TO_LOG_IN, TO_PASSWORD, REFUSED = "let in", "to log in", "to the password", "refused"


@dataclass(frozen=True)
class Visitor:
    """Somebody who comes: a person (`name` None: nobody), or a program with a key of theirs; all that they may do."""

    name: str | None
    rights: frozenset[Right] = frozenset()
    key: Right | None = None
    """Of a program: what its key was made for."""
    newcomer: bool = False


def visitors() -> Iterator[Visitor]:
    """Every kind that there is."""
    yield Visitor(None)
    yield Visitor("shut out")
    yield Visitor("newcomer", RIGHTS_OF[Role.OWNER], newcomer=True)
    for role in Role:
        yield Visitor(f"a {role}", RIGHTS_OF[role])
        for scope in Right:
            yield Visitor(f"a {role}", RIGHTS_OF[role] & {scope}, scope)
    yield Visitor("shut out", key=Right.READ)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    """A box with a person of each role, one who is shut out, and one who has not chosen a password."""
    made = make_full_box(tmp_path_factory.mktemp("full"), password_hash)
    store = made.store
    for role in Role:
        give_keys(store, store.add_user(f"a {role}", password_hash, role).id)
    store.add_user("newcomer", "", "owner")
    gone = store.add_user("shut out", password_hash, "owner").id
    store.shut_out(gone)
    give_keys(store, gone)  # as if one were forgotten
    yield made
    store.close()


def give_keys(store: Store, person_id: int) -> None:
    for scope in Right:
        text = key_text(person_id, scope)
        store.add_token(hashlib.sha256(text.encode()).hexdigest(), scope, person_id, [scope])


def key_text(person_id: int, scope: Right) -> str:
    return f"fbx_key-of-{person_id}-to-{scope}"


@pytest.fixture
def app(full: DemoBox) -> Flask:
    made = create_app(full.store, full.root, secret_key=KEY, login_limit="100000 per minute")
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def test_each_endpoint_has_a_sample_that_leads_to_it(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints == SAMPLES.keys(), "tests/dashboard/samples.py: one line for each endpoint"
    adapter = app.url_map.bind("box")
    for rule in app.url_map.iter_rules():
        path = SAMPLES[rule.endpoint].partition("?")[0]
        found = {adapter.match(path, method=method)[0] for method in rule.methods or ()}
        assert rule.endpoint in found, path


@pytest.mark.parametrize("who", list(visitors()), ids=lambda who: f"{who.name} {who.key or ''}")
def test_rights_are_as_the_table_says(app: Flask, full: DemoBox, who: Visitor) -> None:
    ask = asking(app, full.store, who)
    for endpoint, method, path in walk(app):
        answer = ask(method, path)
        assert outcome(endpoint, answer) == expected(who, endpoint, method, path), (
            method,
            path,
            answer.status,
        )
        assert answer.status_code != 500, (method, path)


def asking(app: Flask, store: Store, who: Visitor) -> Callable[[str, str], TestResponse]:
    """Send requests as this visitor: logged in anew each time, for some of them log out."""
    user = store.user_by_name(who.name) if who.name else None

    def ask(method: str, path: str) -> TestResponse:
        client = app.test_client()
        headers = {}
        if user and who.key:
            headers["Authorization"] = f"Bearer {key_text(user.id, who.key)}"
        elif user:
            let_in(client, store, user.id)
        return client.open(path, method=method, headers=headers)

    return ask


def let_in(client: FlaskClient, store: Store, user_id: int) -> None:
    user = store.user(user_id)
    assert user
    with client.session_transaction() as session:
        session["_user_id"] = f"{user.id}:{user.sessions}"
        session["since"] = int(time.time())


def outcome(endpoint: str, answer: TestResponse) -> str:
    """What came of a request."""
    where = answer.headers.get("Location", "")
    if endpoint == "people.leave" or (RIGHTS[endpoint] is OPEN and answer.status_code != 403):
        return LET_IN  # whoever leaves comes to the log-in, and so does who was not in
    if where.startswith("/login"):
        return TO_LOG_IN
    if where == "/password" and endpoint != "people.choose_password":
        return TO_PASSWORD
    if answer.status_code == 401:
        return TO_LOG_IN
    return REFUSED if answer.status_code == 403 else LET_IN


def expected(who: Visitor, endpoint: str, method: str, path: str) -> str:
    """What rights.py says of it."""
    wanted = RIGHTS[endpoint]
    for_programs = path.startswith("/api/") or endpoint.partition(".")[0] in FOR_PROGRAMS
    if wanted is OPEN or endpoint == "people.leave":
        return LET_IN
    if who.name in (None, "shut out") or (who.key and not for_programs):
        return TO_LOG_IN
    if who.newcomer and endpoint not in UNTIL_PASSWORD:
        return REFUSED if for_programs else TO_PASSWORD
    if (endpoint, method) == ("api.revoke_key", "DELETE") and who.key not in (None, Right.OWN):
        return REFUSED  # it is another's: a key voids itself alone
    return LET_IN if wanted in who.rights else REFUSED
