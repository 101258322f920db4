"""In which order the fields of each kind of message go, and how: what `fieldbox.wire.compact` packs without their names.

A layout that a box has sent never changes: bodies of a new version get a new one behind it, which hubs have to know before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fieldbox.domain import MessageKind
from fieldbox.wire.ids import ID_BYTES, KEY_DIGITS
from fieldbox.wire.numbers import Reader, Unfit, whole
from fieldbox.wire.parts import (
    CAMERA_SECOND,
    CODE,
    DAY,
    DECIMAL,
    FILE,
    KEY,
    PAIR,
    SPOTS,
    TEXT,
    TRUE,
    UTC_SECOND,
    WHOLE,
    Around,
    Estimates,
    Form,
    One,
    Part,
    choice,
    digits,
    maybe,
    row,
    several,
)

_WRONG_KIND = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What a part raises for a value that is not of its kind."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts in their order. A number before them says which are there: a bit for each, 1 where it is not as usual."""

    parts: tuple[Part, ...]

    def put(self, body: Mapping[str, Any], around: Around) -> tuple[bytes, dict[str, Any]]:
        """The parts of `body` that can be laid out, and what is left of it."""
        rest, found, unusual = dict(body), b"", 0
        for bit, part in enumerate(self.parts):
            piece = _piece(part, body, around)
            if piece is not None:
                laid, told = piece
                found += laid
                rest = {name: value for name, value in rest.items() if name not in told}
            unusual |= ((piece is not None) != part.usual) << bit
        return whole(unusual) + found, rest

    def get(self, reader: Reader, around: Around) -> dict[str, Any]:
        """What `put` laid out. Raises Unfit."""
        unusual = reader.whole()
        if unusual >> len(self.parts):
            raise Unfit("a part that is not known")
        found: dict[str, Any] = {}
        for bit, part in enumerate(self.parts):
            if part.usual != bool(unusual >> bit & 1):
                found |= part.get(reader, around)
        return found


def _piece(part: Part, body: Mapping[str, Any], around: Around) -> tuple[bytes, dict[str, Any]] | None:
    """A part's bytes and the fields they hold; None: the body has none of them, or they do not come back as they were."""
    told = {name: body[name] for name in part.names if name in body}
    if not told:
        return None
    try:
        laid = part.put(told, around)
        back = part.get(Reader(laid), around)
    except _WRONG_KIND:
        return None
    return (laid, back) if back and _as_json({name: told[name] for name in back}) == _as_json(back) else None


def _as_json(told: Mapping[str, Any]) -> str:
    """To compare by: to Python 4 and 4.0, True and 1 are equal."""
    return json.dumps(told, sort_keys=True)


def inner(*parts: Part) -> Form:
    """A value that has fields itself, all of them known."""
    layout = Layout(parts)

    def put(value: Mapping[str, Any], around: Around) -> bytes:
        laid, rest = layout.put(value, around)
        if rest:
            raise Unfit("fields")
        return laid

    return Form(put, layout.get)


_VERSION: Final = choice(1)
_SPRAY: Final = inner(
    Estimates(("ha", "l")),
    One("how", choice("spots", "patches", "swaths")),
)
_VERDICT: Final = choice("good", "usable", "again")

SUMMARY: Final = Layout(
    (
        One("name", TEXT, usual=False),
        One("warnings", several(TEXT), usual=False),
        One("crop", TEXT, usual=False),
        One("missing", WHOLE, usual=False),
        One("spray", _SPRAY, usual=False),
        One("verdict", _VERDICT, usual=False),
        One("flown", CAMERA_SECOND),
        One("row_based", TRUE, usual=False),
        One("simulated", TRUE, usual=False),
        One("v", _VERSION),
        One("id", KEY),
        One("field", CODE),
        One("made", UTC_SECOND),
        Estimates(
            ("area_ha", "weed_pct", "weeds", "crop_pct", "crops", "health", "unsure_pct", "unseen_pct")
        ),
        One("gsd_cm", DECIMAL),
        One("pos_err_m", DECIMAL),
        One("label", choice("calibrated", "relative", "RGB-only")),
        One("release", TEXT),
        One("photos", row(WHOLE, WHOLE)),
        One("spots", SPOTS),
        One("spots_total", WHOLE),
    )
)
"""Of `summary-v1.schema.json`."""

ALERT: Final = Layout(
    (
        One("spray", _SPRAY, usual=False),
        One("health", PAIR, usual=False),
        One("weeds_ha", PAIR, usual=False),
        One("weed_pct", PAIR, usual=False),
        One("since", DAY, usual=False),
        One("flown", DAY),
        One("simulated", TRUE, usual=False),
        One("v", _VERSION),
        One("survey", KEY),
        One("field", CODE),
        One("made", UTC_SECOND),
        One("why", several(choice("weeds", "health", "spray"))),
    )
)
"""Of `alert-v1.schema.json`."""

_STATES: Final = tuple(
    One(state, WHOLE) for state in ("waiting", "sent", "acknowledged", "superseded", "refused")
)
BOX: Final = Layout(
    (
        One("link", TEXT, usual=False),
        One("last_failure", TEXT, usual=False),
        One("throttled", maybe(choice(False, True))),
        One("full_days", maybe(WHOLE)),
        One("v", _VERSION),
        One("made", UTC_SECOND),
        One("app", TEXT),
        One("models", several(TEXT)),
        One("up_h", maybe(WHOLE)),
        One("clock", choice("set", "unset", "unknown")),
        One("disk_gb", row(DECIMAL, DECIMAL)),
        One("db_mb", DECIMAL),
        One("temp_c", maybe(DECIMAL)),
        One("surveys", WHOLE),
        One("photos_total", WHOLE),
        One("outbox", inner(*_STATES)),
        One("failed", WHOLE),
    )
)
"""Of `box-v1.schema.json`."""

_COMMAND: Final = digits(2 * ID_BYTES)
_DONE: Final = choice(False, True)
ANSWER: Final = Layout(
    (
        One("count", WHOLE, usual=False),
        One("v", _VERSION),
        One("to", _COMMAND),
        One("done", _DONE),
        One("why", TEXT),
    )
)
"""Of `answer-v1.schema.json`."""

PICTURE: Final = Layout(
    (
        One("v", _VERSION),
        One("to", _COMMAND),
        One("survey", digits(KEY_DIGITS)),
        One("spot", WHOLE),
        One("as", choice("jpeg", "webp")),
        One("b85", FILE),
    )
)
"""Of `picture-v1.schema.json`."""

LAYOUTS: Final[Mapping[MessageKind, tuple[Layout, ...]]] = {
    MessageKind.ALERT: (ALERT,),
    MessageKind.SUMMARY: (SUMMARY,),
    MessageKind.ANSWER: (ANSWER,),
    MessageKind.BOX: (BOX,),
    MessageKind.PICTURE: (PICTURE,),
}
