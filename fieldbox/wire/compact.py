"""The short form of a message's JSON, and back: the same facts."""

from __future__ import annotations

import json
from typing import Any

import cbor2

from fieldbox.domain import MessageKind


def pack(kind: MessageKind, body: str, identity: str) -> bytes:  # noqa: ARG001
    """`body` (JSON) of the message `identity` in its short form."""
    return cbor2.dumps(json.loads(body))


def unpack(kind: MessageKind, short: Any, identity: str) -> str | None:  # noqa: ARG001
    """The JSON of a short form; None: it is none."""
    try:
        return json.dumps(cbor2.loads(short), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except Exception:  # noqa: BLE001  bytes of a stranger
        return None
