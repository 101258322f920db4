"""Holds a message's JSON against the published schema of its kind.

The schemas are the files `*.schema.json` of the package, JSON Schema 2020-12, found by their `$id` (`urn:fieldbox:summary:v1`).
What of the language they use is checked here; a schema that uses more of it is refused when it is read, never passed over.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from fieldbox.domain import MessageKind
from fieldbox.wire import MAX_BYTES

MOST_PICTURE_BYTES: Final = 256 * 1024
"""Of a picture's JSON; other messages have `fieldbox.wire.MAX_BYTES`."""
_FOLDERS: Final = ("wire", "summary")
_ID: Final = re.compile(r"urn:fieldbox:([a-z]+):v(\d+)")
_SAYS_NOTHING: Final = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default", "format"}
)

Json = Any
Schema = Mapping[str, Any]


def fault(kind: MessageKind, body: str | None) -> str | None:
    """What is wrong with a message's body, in a word: `size`, `json` or `schema`; None: nothing."""
    if body is None:
        return "json"
    if not _fits(kind, body):
        return "size"
    try:
        value = parse(body)
    except ValueError:
        return "json"
    return None if isinstance(value, dict) and _is_published(kind, value) else "schema"


def _fits(kind: MessageKind, body: str) -> bool:
    most = MOST_PICTURE_BYTES if kind is MessageKind.PICTURE else MAX_BYTES
    return len(body.encode("utf-8", "surrogatepass")) <= most


def parse(body: str) -> Json:
    """JSON as RFC 8259 has it: no NaN, no number beyond a float's, no surrogate that stands alone. Raises ValueError."""
    try:
        value = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _no_number(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _is_published(kind: MessageKind, value: Mapping[str, Any]) -> bool:
    version = value.get("v")
    schema = published().get((kind.value, version)) if isinstance(version, int) else None
    return schema is not None and is_valid(value, schema)


@cache
def published() -> Mapping[tuple[str, Any], Schema]:
    """The schemas by kind and version."""
    package = Path(__file__).parents[1]
    found: dict[tuple[str, Any], Schema] = {}
    for file in sorted(one for folder in _FOLDERS for one in (package / folder).glob("*.schema.json")):
        schema = json.loads(file.read_text("utf-8"))
        named = _ID.fullmatch(schema["$id"])
        if named is not None:
            found[named[1], int(named[2])] = schema
            for part in _parts(schema):
                _refuse_unknown(part)
    return found


def _parts(schema: Schema) -> Iterator[Schema]:
    """A schema and all schemas in it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [one for name in ("prefixItems", "oneOf", "anyOf", "allOf") for one in schema.get(name, ())]
    inner += [
        schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)
    ]
    for one in inner:
        yield from _parts(one)


def _refuse_unknown(schema: Schema) -> None:
    unknown = schema.keys() - _SAYS_NOTHING - _RULES.keys()
    if unknown:
        raise ValueError(f"nothing here checks {sorted(unknown)}")


def is_valid(value: Json, schema: Schema, whole: Schema | None = None) -> bool:
    """Whether `value` is as `schema` says; references in it are to parts of `whole`, else to its own."""
    root = schema if whole is None else whole
    return all(rule(value, schema[name], schema, root) for name, rule in _RULES.items() if name in schema)


Rule = Callable[[Json, Any, Schema, Schema], bool]


def _is_type(value: Json, named: str) -> bool:
    if isinstance(value, bool):
        return named == "boolean"
    if named == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, _TYPES[named])


_TYPES: Final[Mapping[str, Any]] = {
    "null": type(None),
    "boolean": bool,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
}


def _type(value: Json, told: Any, _schema: Schema, _root: Schema) -> bool:
    return any(_is_type(value, one) for one in ([told] if isinstance(told, str) else told))


def _same(one: Json, other: Json) -> bool:
    """JSON's equality, for which true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _number(allowed: Callable[[Any, Any], bool]) -> Rule:
    def rule(value: Json, told: Any, _schema: Schema, _root: Schema) -> bool:
        return not _is_type(value, "number") or allowed(value, told)

    return rule


def _length(kind: type[str] | type[list[Any]], allowed: Callable[[int, int], bool]) -> Rule:
    def rule(value: Json, told: Any, _schema: Schema, _root: Schema) -> bool:
        return not isinstance(value, kind) or allowed(len(value), told)

    return rule


def _pattern(value: Json, told: Any, _schema: Schema, _root: Schema) -> bool:
    return not isinstance(value, str) or re.search(told, value) is not None


def _reference(value: Json, told: Any, _schema: Schema, root: Schema) -> bool:
    return is_valid(value, root["$defs"][told.removeprefix("#/$defs/")], root)


def _properties(value: Json, told: Any, _schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(is_valid(value[name], one, root) for name, one in told.items() if name in value)


def _additional(value: Json, told: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict) or told is True:
        return True
    others = [one for name, one in value.items() if name not in schema.get("properties", {})]
    return not others if told is False else all(is_valid(one, told, root) for one in others)


def _items(value: Json, told: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, list) or told is True:
        return True
    rest = value[len(schema.get("prefixItems", ())) :]
    return not rest if told is False else all(is_valid(one, told, root) for one in rest)


def _first_items(value: Json, told: Any, _schema: Schema, root: Schema) -> bool:
    if not isinstance(value, list):
        return True
    return all(is_valid(one, each, root) for one, each in zip(value, told, strict=False))


def _count_of(value: Json, told: Any, root: Schema) -> int:
    return sum(is_valid(value, one, root) for one in told)


_RULES: Final[Mapping[str, Rule]] = {
    "$ref": _reference,
    "type": _type,
    "const": lambda value, told, _schema, _root: _same(value, told),
    "enum": lambda value, told, _schema, _root: any(_same(value, one) for one in told),
    "minimum": _number(lambda value, told: value >= told),
    "maximum": _number(lambda value, told: value <= told),
    "exclusiveMinimum": _number(lambda value, told: value > told),
    "exclusiveMaximum": _number(lambda value, told: value < told),
    "minLength": _length(str, lambda length, told: length >= told),
    "maxLength": _length(str, lambda length, told: length <= told),
    "pattern": _pattern,
    "minItems": _length(list, lambda length, told: length >= told),
    "maxItems": _length(list, lambda length, told: length <= told),
    "required": lambda value, told, _schema, _root: not isinstance(value, dict) or set(told) <= value.keys(),
    "properties": _properties,
    "additionalProperties": _additional,
    "prefixItems": _first_items,
    "items": _items,
    "oneOf": lambda value, told, _schema, root: _count_of(value, told, root) == 1,
    "anyOf": lambda value, told, _schema, root: _count_of(value, told, root) > 0,
    "allOf": lambda value, told, _schema, root: _count_of(value, told, root) == len(told),
}
