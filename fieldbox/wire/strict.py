"""CBOR (RFC 8949) of a stranger: only what JSON has too, and byte strings; nothing nested deeply, nothing of which a few bytes
make many."""

from __future__ import annotations

import io
from typing import Any, Final, NoReturn

import cbor2

MAX_DEPTH: Final = 16


def loads(data: bytes) -> Any:
    """The one value that `data` is. Raises ValueError for anything else, in whatever way it is wrong."""
    stream = io.BytesIO(data)
    try:
        value = cbor2.load(
            stream,
            tag_hook=_refuse,
            semantic_decoders=_REFUSED,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except Exception as error:  # a decoder that a stranger feeds fails in many ways, MemoryError among them
        raise ValueError("no CBOR that is known here") from error
    if stream.read(1) or not _is_plain(value):
        raise ValueError("CBOR of more, or of other things, than JSON's")
    return value


def _refuse(*_args: Any) -> NoReturn:
    raise ValueError("a tag")


_TAGS = (*range(6), *range(21, 41), *range(64, 88), 100, 256, 257, 258, 260, 261, 1004, 1040, 43000, 55799)
_REFUSED = dict.fromkeys(_TAGS, _refuse)
"""Tags that the decoder would follow: dates, fractions of any size, patterns, values that hold themselves."""


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, (str, bytes)) and _is_plain(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, bytes, int, float, bool)
