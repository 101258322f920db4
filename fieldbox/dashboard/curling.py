"""How each operation of the API is asked for with curl, with made-up values in the right form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from fieldbox.dashboard.api import description as described
from fieldbox.dashboard.api.operations import GEOJSON, JSON, Operation

_PARTS: Final = {
    "field_id": "1",
    "flight_id": "FLIGHT",
    "survey_id": "SURVEY",
    "key_id": "1",
    "message_id": "MESSAGE",
    "name": "sms.send",
    "person_id": "1",
    "point_id": "1",
    "code": "hi",
    "upload_id": "UPLOAD",
    "digest": "DIGEST",
    "key": "weed-cover",
    "number": "0",
    "z": "19",
    "x": "369802",
    "y": "234113",
}
"""Of a path."""
_TEXTS: Final = ("text/plain", "text/csv")
_DEEP: Final = 6
"""Levels of a body that are written."""


def curl(one: Operation, root: str) -> str:
    """The command; `root`: the address of the box."""
    told = ["curl", "-H 'Authorization: Bearer fbx_…'"]
    if one.method != "GET":
        told.append(f"-X {one.method}")
    if one.body is not None:
        told.append(f"-H 'Content-Type: {JSON}' -d '{_body(one)}'")
    parameters = described.description()["paths"][described.path_of(one.rule)][one.method.lower()][
        "parameters"
    ]
    told += [f"-H '{each['name']}: {_value(each)}'" for each in parameters if each["in"] == "header"]
    if one.raw is not None:
        told.append(f"-H 'Content-Type: {one.raw}' --data-binary @FILE")
    if one.answers is None and one.status != 204 and not set(one.media) & {JSON, GEOJSON, *_TEXTS}:
        told.append("-o FILE")
    needed = [each for each in parameters if each["in"] == "query" and each["required"]]
    query = "&".join(f"{each['name']}={_value(each)}" for each in needed)
    address = f"{root}{_path(one)}{'?' if query else ''}{query}"
    return " ".join([*told, f"'{address}'" if query else address])


def example(schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that a schema takes: of an object what must be there, or its first part."""
    if "$ref" in schema:
        return example(_schema(str(schema["$ref"])), name, depth)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "const" in schema:
        return schema["const"]
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if kinds:
        return example(kinds[0], name, depth)
    return _of_kind(schema, name, depth)


def _of_kind(schema: Mapping[str, Any], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" and depth < _DEEP:
        parts = schema.get("properties", {})
        wanted = schema.get("required") or list(parts)[:1]
        return {one: example(parts[one], one, depth + 1) for one in wanted}
    if kind == "array":
        inner = schema.get("prefixItems") or [schema["items"]]
        return [example(one, name, depth + 1) for one in inner]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return True if kind == "boolean" else name.upper() or "…"


def _body(one: Operation) -> str:
    (told,) = {json.dumps(example(kind["schema"]), ensure_ascii=False) for kind in _request(one).values()}
    return told.replace("'", "’")


def _request(one: Operation) -> Mapping[str, Any]:
    told = described.description()["paths"][described.path_of(one.rule)][one.method.lower()]
    found: Mapping[str, Any] = told["requestBody"]["content"]
    return found


def _value(parameter: Mapping[str, Any]) -> Any:
    return example(parameter["schema"], parameter["name"])


def _path(one: Operation) -> str:
    path = one.rule
    for name, _, _ in described.parts_of(one.rule):
        for part in (f"<{name}>", f"<int:{name}>"):
            path = path.replace(part, _PARTS[name])
    return path


def _schema(reference: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = described.description()["components"]["schemas"][reference.rpartition("/")[2]]
    return found
