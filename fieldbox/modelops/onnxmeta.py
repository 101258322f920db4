"""What a model file says of itself, read without the runtime: pages must not load that.

An ONNX file is a protocol buffer; of its `ModelProto` only `metadata_props` (field 14: pairs of key, field 1, and value,
field 2) is looked at, all else is stepped over (https://onnx.ai/onnx/repo-docs/IR.html, https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_METADATA: Final = 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10


def metadata_of(content: bytes) -> dict[str, str]:
    """The metadata of a model file. Raises ValueError for what is none."""
    found = {}
    for number, value in _fields(content):
        if number == _METADATA and isinstance(value, memoryview):
            pair = dict(_fields(value))
            found[_text(pair.get(1))] = _text(pair.get(2))
    return found


def _fields(content: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    view, at = memoryview(content), 0
    while at < len(view):
        tag, at = _varint(view, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(view, at)
            yield number, value
            continue
        size, at = _varint(view, at) if kind == _BYTES else ({_FIXED64: 8, _FIXED32: 4}.get(kind, -1), at)
        if size < 0 or at + size > len(view):
            raise ValueError("this is no model file, or a part of one")
        yield number, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if at >= len(view):
            break
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at
    raise ValueError("this is no model file, or a part of one")


def _text(value: int | memoryview | None) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else ""
