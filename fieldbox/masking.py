"""What must not stand in a log or leave the farm in one: telephone numbers, keys, passwords, places."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

HIDDEN: Final = "…"
_SECRET_NAMES: Final = re.compile(
    r"(^|_)(password|passwd|secret|token|key|hash|pin|authorization|cookie|session)s?$", re.IGNORECASE
)
"""Names of values that are hidden whole."""
_PLACE_NAMES: Final = re.compile(
    r"^(lat|lon|latitude|longitude|position|place|bounds|boundary)$", re.IGNORECASE
)
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_KEYS: Final = re.compile(
    r"fbx_[\w-]+|\$argon2\w*\$\S+|(?<=/enter/)[\w-]+"
    r"|(?<=bearer )[\w.~+/=-]+|(?<=password=)[^\s&]+|(?<=token=)[^\s&]+",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\+[1-9](?:[ ()./-]?\d){6,14}(?!\d)|(?<![\w.:+-])0?[6-9]\d{9}(?![\w:])")
"""With its country's, or ten digits as in India."""
_PLACE: Final = re.compile(r"(?<![\w.:])-?\d{1,3}\.\d{5,}(?!\w)")
"""A degree with five decimals is a metre."""


def mask_text(text: str) -> str:
    """`text` without keys and places; of telephone numbers the last three digits are left, to tell two apart."""
    text = _PEM.sub(HIDDEN, text)
    text = _KEYS.sub(HIDDEN, text)
    text = _NUMBER.sub(lambda found: HIDDEN + found[0][-3:], text)
    return _PLACE.sub(HIDDEN, text)


def mask_value(name: str, value: Any) -> Any:
    """A value, or what it is made of, so; `name` is what it is called."""
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAMES.search(name) or _PLACE_NAMES.match(name):
        return HIDDEN
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {str(key): mask_value(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(name, one) for one in value]
    return value if isinstance(value, int | float) else mask_text(str(value))


def mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """As a processor of structlog: before what writes."""
    for name, value in event.items():
        if name not in ("exc_info", "timestamp", "level"):
            event[name] = mask_value(name, value)
    return event
