"""The API in OpenAPI 3.1, made of the declarations that its handlers are called by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from msgspec import Struct
from msgspec.json import schema_components

from fieldbox import __version__
from fieldbox.dashboard.api.beside import BESIDE
from fieldbox.dashboard.api.kinds import LARGEST
from fieldbox.dashboard.api.operations import GEOJSON, JSON, OPERATIONS, Operation
from fieldbox.dashboard.problems import Problem
from fieldbox.dashboard.rights import OPEN, RIGHTS
from fieldbox.domain import RIGHTS_OF

SUBJECTS: Final = (
    "Fields",
    "Flights",
    "Surveys",
    "Features",
    "Control points",
    "What to do",
    "Checking plants",
    "Uploads",
    "Sending",
    "The hub",
    "People and keys",
    "The box",
    "Languages",
    "Tiles and pictures",
    "Figures",
)
"""In the order in which they are told."""
REF: Final = "#/components/schemas/{name}"
_PART: Final = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_KINDS: Final[Mapping[str | None, Mapping[str, Any]]] = {
    None: {"type": "string", "minLength": 1},
    "int": {"type": "integer", "minimum": 0, "maximum": LARGEST},
}
_PARTS: Final = {
    "field_id": "A field's number.",
    "flight_id": "A flight's id.",
    "survey_id": "A survey's id.",
    "key_id": "A key's number.",
    "message_id": "A message's id.",
    "name": "The name of a setting.",
    "person_id": "A person's number.",
    "point_id": "A control point's number.",
    "code": "A language's code.",
    "upload_id": "An upload's id.",
    "digest": "BLAKE3 of a photo, lower-case hexadecimal.",
    "key": "The key of a layer or a file.",
    "number": "A file's number in its upload.",
    "z": "Zoom.",
    "x": "Column.",
    "y": "Row, from the north.",
}
RESPONSES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("Invalid", "A parameter or the body is not as described; `parameter` says which."),
    401: ("LoginNeeded", "No valid key, and nobody is logged in."),
    403: ("Forbidden", "The key has not the scope, or its maker not the role."),
    404: ("NotFound", "There is no such thing, or the box cannot do it."),
    409: ("Conflict", "It does not go with how things stand."),
    410: ("Gone", "It was removed to make room."),
    413: ("TooLarge", "The body is larger than is taken."),
    415: ("WrongType", "The body is of another media type."),
    422: ("Refused", "It was understood, and the box cannot do it; `error` says why and what to do."),
    429: ("TooMany", "More requests than a key may make; `Retry-After` says how long to wait."),
    503: ("Unavailable", "Something of the box is short just now; `Retry-After` says when to try again."),
}
ABOUT: Final = """Everything that the pages of a box do, for programs.

Send a key as `Authorization: Bearer fbx_…`, or as the password of HTTP's basic log-in with any name. A key does what its
scopes say and never more than the person who made it. Other web sites may not call it (no CORS).
"""


def every() -> list[Operation]:
    """All operations that are described, in order."""
    return [*OPERATIONS.values(), *BESIDE]


@cache
def description() -> dict[str, Any]:
    """All of it, as OpenAPI 3.1."""
    operations = every()
    schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(path_of(one.rule), {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fieldbox",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This box."}],
        "tags": [{"name": tag} for tag in tags(operations)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {name: _problem(code, about) for code, (name, about) in RESPONSES.items()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of the box: fbx_…"},
                "password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Any name, and a key of the box as the password: it only reads.",
                },
            },
        },
    }


def path_of(rule: str) -> str:
    """A path of Flask's as OpenAPI has it."""
    return _PART.sub(r"{\g<name>}", rule)


def parts_of(rule: str) -> list[tuple[str, Mapping[str, Any], str]]:
    """Names, schemas and descriptions of the parts of a path that vary."""
    return [(one["name"], _KINDS[one["kind"]], _PARTS[one["name"]]) for one in _PART.finditer(rule)]


def problems_of(one: Operation) -> list[int]:
    """What can go wrong with an operation, as statuses."""
    found = {403, 503, *one.problems}
    if RIGHTS[one.endpoint] is not OPEN:
        found |= {401, 429}
    if one.query or one.headers or one.body:
        found.add(400)
    found.add(400)  # a parameter that is not described
    if parts_of(one.rule):
        found.add(404)
    if one.body or one.raw:
        found |= {413, 415}
    return sorted(found)


def _operation(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.endpoint.rpartition(".")[2],
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": [
            *_path_parameters(one),
            *_parameters(one.query, "query"),
            *_parameters(one.headers, "header"),
        ],
        "responses": _responses(one),
        **_security(one),
    }
    if one.details:
        told["description"] = one.details
    if one.body is not None:
        kinds = (JSON, GEOJSON) if one.method == "PUT" and GEOJSON in one.media else (JSON,)
        content = {kind: {"schema": _reference(one.body)} for kind in kinds}
        told["requestBody"] = {"required": True, "content": content}
    elif one.raw is not None:
        shape = {"type": "string", "format": "binary"}
        told["requestBody"] = {"required": True, "content": {one.raw: {"schema": shape}}}
    return told


def _security(one: Operation) -> dict[str, Any]:
    right = RIGHTS[one.endpoint]
    if right is OPEN:
        return {"security": []}
    roles = [role.value for role, rights in RIGHTS_OF.items() if right in rights]
    return {
        "security": [{"key": [right.value]}, {"password": [right.value]}],
        "x-scope": right.value,
        "x-roles": roles,
    }


def _responses(one: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done." if one.status == 204 else "As asked."}
    if one.answers is not None:
        good["content"] = {kind: {"schema": _reference(one.answers)} for kind in one.media}
    elif one.status != 204:
        good["content"] = {kind: {"schema": {}} for kind in one.media}
    bad = {str(code): {"$ref": f"#/components/responses/{RESPONSES[code][0]}"} for code in problems_of(one)}
    return {str(one.status): good, **bad}


def _problem(code: int, about: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": about, "content": {JSON: {"schema": _reference(Problem)}}}
    if code in (429, 503):
        told["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return told


def _path_parameters(one: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "description": about, "schema": dict(schema)}
        for name, schema, about in parts_of(one.rule)
    ]


def _parameters(kind: type[Struct] | None, place: str) -> list[dict[str, Any]]:
    if kind is None:
        return []
    (reference,), components = schema_components([kind], ref_template=REF)
    shape = components[str(reference["$ref"]).rpartition("/")[2]]
    return [
        _parameter(name, schema, place, required=name in shape.get("required", ()))
        for name, schema in shape["properties"].items()
    ]


def _parameter(name: str, schema: Mapping[str, Any], place: str, *, required: bool) -> dict[str, Any]:
    shape = _given(schema)
    about = schema.get("description") or shape.pop("description", "")
    shape.pop("description", None)
    return {"name": name, "in": place, "required": required, "description": about, "schema": shape}


def _given(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Of a parameter, which is there or not: never null."""
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "description", "default")}
    if len(kinds) == 1:
        rest |= kinds[0]
    elif kinds:
        rest["anyOf"] = kinds
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    return rest


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    kinds = [kind for one in operations for kind in (one.answers, one.body) if kind is not None]
    _, components = schema_components([*dict.fromkeys(kinds), Problem], ref_template=REF)
    return {name: components[name] for name in sorted(components)}


def _reference(kind: type) -> dict[str, Any]:
    (found,), _ = schema_components([kind], ref_template=REF)
    return found


def tags(operations: Sequence[Operation]) -> dict[str, list[Operation]]:
    """Operations by their subjects."""
    found: dict[str, list[Operation]] = {tag: [] for tag in SUBJECTS}
    for one in operations:
        found[one.tag].append(one)
    return found
