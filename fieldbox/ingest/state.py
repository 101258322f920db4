"""Small files of state: there whole or not at all, also after a power cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fieldbox.wholefile import PUBLIC, put


def write_json(path: Path, value: object, *, lasting: bool = True, mode: int = PUBLIC) -> None:
    """Replace the JSON file `path` as a whole, its folder made if need be.

    If not `lasting`, it may be lost in a power cut: for what is quickly known again. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, json.dumps(value).encode("ascii"), mode=mode, lasting=lasting)


def read_json(path: Path, most_bytes: int = 64 << 20) -> Any:
    """What `write_json` wrote; None where there is nothing, or nothing that can be read."""
    try:
        with path.open("rb") as file:
            text = file.read(most_bytes + 1)
        return json.loads(text) if len(text) <= most_bytes else None
    except (OSError, ValueError, RecursionError):
        return None
