"""What programmers read: the API's description for programs, and as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template, request

from fieldbox.dashboard.api import description as described
from fieldbox.dashboard.api.kinds import LARGEST
from fieldbox.dashboard.api.operations import Operation
from fieldbox.dashboard.curling import curl
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.problems import CODES
from fieldbox.dashboard.rights import OPEN, RIGHTS
from fieldbox.domain import RIGHTS_OF, Right

manual = Blueprint("manual", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter, or a field of an answer."""

    name: str
    kind: str
    needed: bool
    about: str
    of: str = ""
    """The schema that it is made of, if it is one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation on the page."""

    id: str
    method: str
    path: str
    summary: str
    details: str
    scope: str
    roles: str
    parameters: Sequence[Row]
    body: str
    """Its schema."""
    answers: str
    media: str
    status: int
    problems: str
    curl: str


@manual.get("/api")
def show() -> str:
    """The API as a page."""
    fields = box().store.fields()
    surveys = box().store.surveys(field_id=fields[0].id) if fields else []
    return render_template(
        "api.html",
        subjects=_subjects(request.url_root.rstrip("/")),
        total=len(described.every()),
        schemas=_shapes(),
        problems=[(status, CODES[status].value, about) for status, (_, about) in described.RESPONSES.items()],
        roles=[
            (role.value, [right.value for right in Right if right in rights])
            for role, rights in RIGHTS_OF.items()
        ],
        root=request.url_root.rstrip("/"),
        survey=surveys[0].id if surveys else "SURVEY",
    )


@manual.get("/api/openapi.json")
def openapi() -> Response:
    """The API for programs, in OpenAPI 3.1."""
    return Response(_encoded(), mimetype="application/json")


@cache
def _encoded() -> bytes:
    return json.dumps(described.description(), ensure_ascii=False, separators=(",", ":")).encode()


def _subjects(root: str) -> dict[str, list[Entry]]:
    grouped = described.tags(described.every())
    return {tag: [_entry(one, root) for one in some] for tag, some in grouped.items()}


def _entry(one: Operation, root: str) -> Entry:
    path = described.path_of(one.rule)
    told = described.description()["paths"][path][one.method.lower()]
    right = RIGHTS[one.endpoint]
    return Entry(
        id=told["operationId"],
        method=one.method,
        path=path,
        summary=one.summary,
        details=one.details,
        scope="" if right is OPEN else right.value,
        roles=", ".join(told.get("x-roles", ())),
        parameters=[
            Row(each["name"], _kind(each["schema"]), each["required"], each["description"])
            for each in told["parameters"]
        ],
        body=one.body.__name__ if one.body else "",
        answers=one.answers.__name__ if one.answers else "",
        media=", ".join(one.media) if one.status != 204 else "",
        status=one.status,
        problems=", ".join(map(str, described.problems_of(one))),
        curl=curl(one, root),
    )


@cache
def _shapes() -> dict[str, tuple[str, list[Row]]]:
    """Of each schema what it is, and its fields."""
    schemas = described.description()["components"]["schemas"]
    return {name: (shape.get("description", ""), _rows(shape)) for name, shape in schemas.items()}


def _rows(shape: Mapping[str, Any]) -> list[Row]:
    needed = shape.get("required", ())
    return [
        Row(name, _kind(one), name in needed, _about(one), _schema_in(one))
        for name, one in shape.get("properties", {}).items()
    ] or ([Row("", _kind(shape), True, "")] if "enum" in shape else [])


def _about(shape: Mapping[str, Any]) -> str:
    """What a field is; of a list without a word of its own, what is in it."""
    inner = shape.get("items")
    return str(
        shape.get("description") or (inner.get("description", "") if isinstance(inner, Mapping) else "")
    )


def _kind(shape: Mapping[str, Any]) -> str:
    """What values a schema takes, in a few words."""
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "anyOf" in shape:
        return " or ".join(_kind(one) for one in shape["anyOf"])
    if "enum" in shape:
        return " | ".join(map(str, shape["enum"]))
    if "const" in shape:
        return str(shape["const"])
    kind = str(shape.get("type", "anything"))
    if kind == "array":
        inner = shape.get("prefixItems") or [shape.get("items") or {}]
        return "[" + ", ".join(_kind(one) for one in inner) + ("]" if "prefixItems" in shape else ", …]")
    return f"{kind} {shape['format']}" if "format" in shape else kind + _range(shape)


def _range(shape: Mapping[str, Any]) -> str:
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    if high == LARGEST:  # where whole numbers of JSON end
        high = None
    if low is None and high is None:
        return ""
    return f" ({'' if low is None else low} … {'' if high is None else high})"


def _schema_in(shape: Any) -> str:
    """The first schema that a value is made of."""
    if isinstance(shape, Mapping):
        if "$ref" in shape:
            return str(shape["$ref"]).rpartition("/")[2]
        return next((found for one in shape.values() if (found := _schema_in(one))), "")
    if isinstance(shape, list):
        return next((found for one in shape if (found := _schema_in(one))), "")
    return ""
