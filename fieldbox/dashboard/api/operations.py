"""How an operation of the API is declared: its route, what it reads and what it tells, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import getdoc
from typing import Any, Final, TypeVar

import numpy as np
from flask import Blueprint, Response
from msgspec import Struct, json

from fieldbox.dashboard.api.reading import read_body, read_headers, read_query

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
api = Blueprint("api", __name__, url_prefix="/api/v1")
Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)


class Told(Struct, kw_only=True):
    """What is told. Every field is there, always."""


class Asked(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is asked: parameters of an address, or a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    endpoint: str
    method: str
    rule: str
    """As Flask has it, with the prefix."""
    tag: str
    summary: str
    details: str
    answers: type | None
    """What is told as JSON; None: nothing, or a file."""
    status: int
    media: tuple[str, ...]
    """Of the answer."""
    query: type[Struct] | None
    headers: type[Struct] | None
    body: type[Struct] | None
    raw: str | None
    """Media type of a body that is no JSON."""
    problems: tuple[int, ...]
    """What can go wrong beside what always can."""


OPERATIONS: Final[dict[str, Operation]] = {}
"""By their endpoints, in the order of their declaration."""


def operation(
    method: str,
    rule: str,
    *,
    tag: str,
    answers: type | None = None,
    media: str | tuple[str, ...] = JSON,
    **more: Any,
) -> Callable[[H], H]:
    """Declare a handler for a path under /api/v1.

    It is called with the parts of the path and, where they are declared, with `query`, `headers` and `body`; `raw` bodies
    are its own affair. It returns what `answers` says, or a response. Its docstring is its description: the first line the
    summary. `more` are fields of `Operation`.
    """

    def declare(handler: H) -> H:
        name = handler.__name__
        one = declared(handler, f"api.{name}", method, f"/api/v1{rule}", tag, answers, media, more)
        OPERATIONS[one.endpoint] = one
        api.add_url_rule(rule, name, _answering(one, handler), methods=[method])
        return handler

    return declare


def declared(
    handler: Handler,
    endpoint: str,
    method: str,
    rule: str,
    tag: str,
    answers: type | None,
    media: str | tuple[str, ...],
    more: Mapping[str, Any],
) -> Operation:
    """The declaration of one handler, wherever its route is made."""
    summary, _, details = (getdoc(handler) or "").partition("\n")
    usual: dict[str, Any] = {"status": 200, "query": None, "headers": None, "body": None, "raw": None}
    return Operation(
        endpoint=endpoint,
        method=method,
        rule=rule,
        tag=tag,
        summary=summary.rstrip("."),
        details=details.strip(),
        answers=answers,
        media=(media,) if isinstance(media, str) else media,
        problems=tuple(more.get("problems", ())),
        **{name: more.get(name, value) for name, value in usual.items()},
    )


def encode(told: Any) -> bytes:
    """As JSON; what is not a number is null."""
    return json.encode(told, enc_hook=_plain)


def _plain(told: Any) -> Any:
    """A number of NumPy as one of Python: what another process worked out comes as it was worked out. Raises TypeError."""
    if isinstance(told, np.generic):
        return told.item()
    raise TypeError(type(told))


def _answering(one: Operation, handler: Handler) -> Handler:
    @wraps(handler)
    def answer(**path: Any) -> Response:
        given = dict(path)
        asked = read_query(one.query)
        if one.query is not None:
            given["query"] = asked
        if one.headers is not None:
            given["headers"] = read_headers(one.headers)
        if one.body is not None:
            given["body"] = read_body(one.body)
        told = handler(**given)
        if isinstance(told, Response):
            return told
        if told is None:
            return Response(status=204)
        return Response(encode(told), one.status, mimetype=one.media[0])

    return answer
