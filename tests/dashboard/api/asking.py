"""A program that asks the API, and holds each answer against the description."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from fieldbox.dashboard.api.description import description, every, path_of
from fieldbox.domain import Right
from fieldbox.storage.store import Store

KEY_TEXT = "fbx_a-key-of-tests-that-nobody-guesses"


def give_key(store: Store, *scopes: Right, name: str = "asha", key: str = KEY_TEXT) -> dict[str, str]:
    """A key made by a person; the header that shows it."""
    user = store.user_by_name(name)
    assert user
    store.add_token(hashlib.sha256(key.encode()).hexdigest(), "a test", user.id, scopes)
    return {"Authorization": f"Bearer {key}"}


@dataclass
class Program:
    """A program with a key."""

    app: Flask
    client: FlaskClient
    header: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        """Ask, and check that the answer is what the description says."""
        headers = {**self.header, **more.pop("headers", {})}
        answer = self.client.open(path, method=method, headers=headers, **more)
        self._hold(method, path, answer)
        return answer

    def get(self, path: str, status: int = 200) -> Any:
        """The JSON of an answer that has this status."""
        answer = self.ask("GET", path)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.json

    def _hold(self, method: str, path: str, answer: TestResponse) -> None:
        adapter = self.app.url_map.bind("localhost")
        endpoint, _ = adapter.match(path.partition("?")[0], method=method)
        rule = next(one for one in every() if one.endpoint == endpoint)
        told = description()["paths"][path_of(rule.rule)][method.lower()]
        hold(told, answer.status_code, answer.mimetype, answer.data)


def hold(told: dict[str, Any], status: int, media: str, body: bytes) -> None:
    """Check that an operation's description has this answer."""
    assert str(status) in told["responses"], f"{status} is not described"
    shape = told["responses"][str(status)]
    if "$ref" in shape:
        shape = description()["components"]["responses"][shape["$ref"].rpartition("/")[2]]
    if status == 204:
        assert body == b""
        return
    assert media in shape["content"], f"{media} is not described for {status}"
    schema = shape["content"][media]["schema"]
    if schema:
        errors = list(validator(schema["$ref"]).iter_errors(json.loads(body)))
        assert not errors, errors[0]


@cache
def validator(reference: str) -> Draft202012Validator:
    """Of a schema of the description."""
    return Draft202012Validator({"$ref": reference, "components": description()["components"]})
