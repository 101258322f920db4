"""A program with a key for all, over the read-only box of the dashboard's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Right
from fieldbox.services.web import intake_of
from tests.dashboard.api.asking import Program, give_key
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import DemoBox, make_box


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    """A filled box for the tests of one module, which change it without getting into each other's way."""
    made = make_box(tmp_path_factory.mktemp("box"))
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def fresh_app(fresh: DemoBox) -> Flask:
    """The dashboard over it, with an intake."""
    intake = intake_of(Config(storage=StorageConfig(root=fresh.root, reserve_mb=0)))
    made = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(intake=intake))
    made.testing = True
    return made


@pytest.fixture(scope="module")
def key(fresh: DemoBox) -> dict[str, str]:
    """The header with a key for everything."""
    return give_key(fresh.store, *Right)


@pytest.fixture
def program(fresh_app: Flask, key: dict[str, str]) -> Program:
    """A program that may do everything."""
    return Program(fresh_app, fresh_app.test_client(), key)
