"""The short form of a message's JSON, and back: the same facts, whatever they are.

The first byte names the form. `JSON` and `CBOR` hold any body; a form with a layout holds the fields that it knows in a fixed
order, without their names, and what is left of a body, if anything, as one CBOR map at the end. A body takes the shortest form
that gives all of it back; that is tried out each time, not assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import cbor2

from fieldbox.domain import MessageKind
from fieldbox.wire import strict
from fieldbox.wire.layouts import LAYOUTS
from fieldbox.wire.numbers import Reader
from fieldbox.wire.parts import Around

JSON: Final = 0
"""The JSON itself, as UTF-8."""
CBOR: Final = 1
"""Of any body that CBOR can hold."""
LAID_OUT: Final = 2
"""And above: the layouts of `LAYOUTS`, by kind, from the first. One is never changed; a new one comes behind it."""


def pack(kind: MessageKind, body: str, identity: str) -> bytes:
    """`body` (JSON) of the message `identity` in its short form."""
    plain = bytes([JSON]) + body.encode("utf-8", "replace")
    try:
        value = json.loads(body)
        facts = _canonical(value)
        forms = [_laid_out(kind, value, identity), _as_cbor(value)]
    except (ValueError, RecursionError):  # no JSON, or no id: it goes as it is, for the hub to refuse
        return plain
    true = [one for one in forms if one and _facts_of(kind, one, identity) == facts]
    return min([*true, plain], key=len)


def unpack(kind: MessageKind, short: Any, identity: str) -> str | None:
    """The JSON of a short form; None: it is none, or one that is not known here."""
    if not isinstance(short, bytes) or not short:
        return None
    try:
        return _dump(_value(kind, short, identity))
    except (
        ValueError,
        TypeError,
        RecursionError,
    ):  # a stranger's bytes: what reads them says no more than that
        return None


def _value(kind: MessageKind, short: bytes, identity: str) -> Any:
    """Raises ValueError for what is none of the forms."""
    form, content = short[0], short[1:]
    if form == JSON:
        return json.loads(content.decode(), parse_constant=_no_number)
    if form == CBOR:
        return strict.loads(content)
    layouts = LAYOUTS.get(kind, ())
    if form - LAID_OUT >= len(layouts):
        raise ValueError("a form that is not known")
    reader = Reader(content)
    told = layouts[form - LAID_OUT].get(reader, Around.of(identity))
    rest = strict.loads(reader.take(reader.left)) if reader.left else {}
    if not isinstance(rest, dict) or rest.keys() & told.keys():
        raise ValueError("what is left")
    return {**told, **rest}


def _laid_out(kind: MessageKind, value: Any, identity: str) -> bytes | None:
    """By the newest layout; None: there is none for such a body."""
    layouts = LAYOUTS.get(kind, ())
    if not layouts or not isinstance(value, Mapping):
        return None
    laid, rest = layouts[-1].put(value, Around.of(identity))
    told = _as_cbor(rest) if rest else bytes([CBOR])
    return None if told is None else bytes([LAID_OUT + len(layouts) - 1]) + laid + told[1:]


def _as_cbor(value: Any) -> bytes | None:
    """None: CBOR cannot hold it, as half of a character."""
    try:
        return bytes([CBOR]) + cbor2.dumps(value, canonical=True)
    except Exception:  # noqa: BLE001  an encoder written in another language, fed whatever JSON can hold; the JSON goes itself
        return None


def _facts_of(kind: MessageKind, short: bytes, identity: str) -> str | None:
    told = unpack(kind, short, identity)
    return None if told is None else _canonical(json.loads(told))


def _canonical(value: Any) -> str:
    """The same text for the same facts: 4, 4.0 and "4" differ, the order of names does not matter."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character, which only JSON's own way of writing can hold
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text


def _no_number(name: str) -> float:
    raise ValueError(name)
