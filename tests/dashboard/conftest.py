"""One box for the read-only tests, a fresh one for those that change something."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from tests.dashboard.demo_box import DemoBox, make_box

KEY = b"a key for these tests only"
PASSWORD = "correct horse"  # noqa: S105 - of a throw-away box
LogIn = Callable[[FlaskClient], FlaskClient]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hashing takes a while: once is enough."""
    return hash_password(PASSWORD)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    """A filled box with one user, `asha`."""
    made = make_box(tmp_path_factory.mktemp("box"))
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture
def app(demo: DemoBox) -> Flask:
    """A new app over the box: its own limits and sessions."""
    made = create_app(demo.store, demo.root, secret_key=KEY)
    made.testing = True
    return made


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A browser that is not logged in."""
    return app.test_client()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is logged in as asha."""
    return log_in(app.test_client())


def token_of(client: FlaskClient, page: str) -> str:
    """The CSRF token in a page's first form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))
    assert found, f"no form on {page}"
    return found[1]


def log_in(client: FlaskClient, name: str = "asha", password: str = PASSWORD) -> FlaskClient:
    """Log in through the form, as a browser does."""
    form = {"csrf_token": token_of(client, "/login"), "name": name, "password": password}
    assert client.post("/login", data=form).status_code == 302
    return client
