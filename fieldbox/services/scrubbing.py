"""Takes out of a text what tells of the farm and its people, for a file that is given to strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fieldbox.config import Config
from fieldbox.masking import HIDDEN, mask_text, mask_value
from fieldbox.storage.store import Store

_SHORTEST: Final = 2
"""Letters; a name of one would take half of all words along."""
_LONGEST: Final = 1000
"""Letters of a text that is told; cut in the middle, half a name would be left of it."""
_NAMES: Final = re.compile(r"[^\s/\\\"'<>|]+")
"""What may be the name of a file."""
_ENDINGS: Final = re.compile(
    r"\.(?:jpe?g|tiff?|dng|png|txt|csv|mrk|srt|mp4|mov|geojson|kml|gpx|zip|pdf)\b",
    re.IGNORECASE,
)
_PATHS: Final = re.compile(r"(?<![\w.])/[^\s\"':,()]*")
_WORDS: Final = re.compile(r"\S+")
_ODD: Final = re.compile(r"[<>{}\[\]@&=#$*`|\\~^]")
"""Signs that no sentence of ours has: words with them are parts of names, addresses, codes."""
_PLACE_IN_CODE: Final = re.compile(r'^  File "(?:[^"\n]*/)?([\w.]+\.py)", (line \d+, in [\w<>.]+)')
_FAULT: Final = re.compile(
    r"^([A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Rejected|Unavailable))\b"
)
_LONG_HEX: Final = re.compile(r"\b[0-9a-f]{24,}\b", re.IGNORECASE)
"""Digests of keys and passwords among them."""
_TOLD: Final = frozenset({"reason", "why", "trace", "state", "step", "way", "kind", "link", "of", "version"})
"""What a line of a log may tell in words; of all else only numbers."""


class Scrubber:
    """Knows what on this box is personal."""

    def __init__(self, config: Config, store: Store) -> None:
        known = {one.strip() for one in _personal(config, store)}
        words = sorted((one for one in known if len(one) >= _SHORTEST), key=len, reverse=True)
        self._known = re.compile(
            rf"(?<!\w)(?:{'|'.join(map(re.escape, words)) or '(?!)'})(?!\w)", re.IGNORECASE
        )

    def text(self, text: str) -> str:
        """Without names, numbers, keys, places, files and paths; of a very long one only how long it was."""
        if len(text) > _LONGEST:
            return f"({len(text)} letters)"
        text = self._known.sub(HIDDEN, text)
        text = _NAMES.sub(_no_file, text)
        text = _WORDS.sub(_nothing_odd, _PATHS.sub("/" + HIDDEN, text))
        return _LONG_HEX.sub(HIDDEN, mask_text(text))

    def told(self, told: Mapping[str, object]) -> dict[str, Any]:
        """What belongs to a line of a log."""
        return {name: self._value(name, value) for name, value in told.items()}

    def _value(self, name: str, value: object) -> Any:
        if isinstance(value, str) and name in _TOLD:
            return _trace(value) if name == "trace" else self.text(value)
        value = mask_value(name, value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return float(f"{value:.3g}")
        return HIDDEN


def _no_file(found: re.Match[str]) -> str:
    """Up to the last ending of a file in it. Sought by endings and not with one pattern, which would be slow by the square."""
    ends = [one.end() for one in _ENDINGS.finditer(found[0])]
    return "(file)" + found[0][ends[-1] :] if ends else found[0]


def _nothing_odd(found: re.Match[str]) -> str:
    return HIDDEN if _ODD.search(found[0]) else found[0]


def _trace(text: str) -> str:
    """Where in the program it was and which fault; what a fault says may be anything."""
    kept = []
    for line in text.splitlines():
        place, fault = _PLACE_IN_CODE.match(line), _FAULT.match(line)
        if place:
            kept.append(f"{place[1]}, {place[2]}")
        elif fault:
            kept.append(fault[1])
    return "\n".join(kept)


def _personal(config: Config, store: Store) -> Iterator[str]:
    for field in store.fields():
        yield field.name
        yield from (one.name for one in store.spraying(field.id).keep_off)
    yield from (one.name for one in store.users())
    yield from (one.name for one in store.tokens())
    yield from (one.source for one in store.ingests())
    yield from (config.box.name, config.sync.modem_connection, config.sms.numbers, config.sms.hub_number)
    yield from config.sms.allowed
    yield from (one.number for one in store.texts() if one.number)
