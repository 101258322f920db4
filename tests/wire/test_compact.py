"""The short form of a body gives back every fact of it, and a stranger's bytes give nothing."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldbox.domain import MessageKind
from fieldbox.wire import compact
from fieldbox.wire.ids import message_id
from fieldbox.wire.texts import PHRASES
from tests.wire import season
from tests.wire.bodies import ALERT, ANSWER, BOX, PICTURE, SUMMARY, facts

KEY = "0123456789abcdef0123"
ID = message_id(datetime(2026, 11, 23, 10, 5, 9, tzinfo=UTC), KEY, None)
KINDS = list(MessageKind)
LAID_OUT = (
    (MessageKind.SUMMARY, SUMMARY),
    (MessageKind.ALERT, ALERT),
    (MessageKind.ANSWER, ANSWER),
    (MessageKind.BOX, BOX),
    (MessageKind.PICTURE, PICTURE),
)

NAMES = (*(name for _kind, body in LAID_OUT for name in body), "new", "")
scalar = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=30)
    | st.sampled_from(
        [
            0.0,
            -0.0,
            4,
            4.0,
            1e-7,
            1.25,
            2**63,
            -(2**63),
            2**200,
            1e300,
            "\ud800",
            "F01",
            "F1",
            "2026-11-23T10:05:00Z",
        ]
    )
)
anything = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


def back(kind: MessageKind, body: str) -> Any:
    told = compact.unpack(kind, compact.pack(kind, body, ID), ID)
    assert told is not None
    return facts(told)


@pytest.mark.parametrize(("kind", "body"), LAID_OUT, ids=str)
def test_a_body_comes_back_from_its_layout(kind: MessageKind, body: dict[str, Any]) -> None:
    text = json.dumps(body)
    short = compact.pack(kind, text, ID)
    assert short[0] == compact.LAID_OUT
    assert len(short) < len(cbor2.dumps(body)) * 0.85  # of a picture most is the picture itself
    assert back(kind, text) == facts(text)


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    changes=st.dictionaries(st.sampled_from(NAMES), anything, max_size=4),
    lacks=st.sets(st.sampled_from(NAMES), max_size=4),
)
def test_whatever_a_body_says_comes_back(kind: MessageKind, changes: dict[str, Any], lacks: set[str]) -> None:
    base = dict(LAID_OUT)[kind]
    body = {**{name: value for name, value in base.items() if name not in lacks}, **changes}
    text = json.dumps(body)
    assert back(kind, text) == facts(text)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), body=anything)
def test_any_json_comes_back(kind: MessageKind, body: Any) -> None:
    text = json.dumps(body)
    assert back(kind, text) == facts(text)


@given(
    st.lists(st.sampled_from([*PHRASES, "3", "é", "🌱", "The ", " m"]), max_size=6).map("".join),
    st.integers(0, 400),
)
def test_texts_come_back_wherever_they_are_cut(text: str, length: int) -> None:
    body = json.dumps({**SUMMARY, "warnings": [text[:length], text]})
    assert back(MessageKind.SUMMARY, body) == facts(body)


def test_no_phrase_is_there_twice() -> None:
    assert len(set(PHRASES)) == len(PHRASES)
    assert PHRASES.index("weeds@") == 1  # places are sent, and never change


def test_phrases_are_what_fieldbox_says() -> None:
    source = "".join(file.read_text("utf-8") for file in Path(compact.__file__).parents[1].rglob("*.py"))
    said = re.sub(r'"\s*\n\s*f?"', "", source)
    long = [one for one in PHRASES if len(one) > 20]
    # Counted without the table itself, in which each stands once.
    still = [one for one in long if said.count(one) > 1]
    assert len(still) >= 0.8 * len(long), set(long) - set(still)


def test_a_newer_version_and_fields_that_are_not_known_are_kept() -> None:
    body = {**SUMMARY, "v": 2, "soil": {"ph": 6.5, "at": [1, 2.0]}}
    assert back(MessageKind.SUMMARY, json.dumps(body)) == facts(json.dumps(body))


def test_a_season_is_short() -> None:
    told = season.season(120)
    assert mean(len(compact.pack(one.kind, one.body, one.id)) for one in told) <= 130
    assert season.bytes_each(told, 20) <= 110
    for one in told:
        assert facts(
            compact.unpack(one.kind, compact.pack(one.kind, one.body, one.id), one.id) or ""
        ) == facts(one.body)


# -- a stranger's bytes ----------------------------------------------------------------------------

BOMBS = {
    "nothing": b"",
    "an array of 2**63": b"\x01\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "a text of 2**63": b"\x01\x7b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "a hundred thousand arrays in each other": b"\x01" + b"\x81" * 100_000,
    "a number of a megabyte": b"\x01\xc2\x5a\x00\x0f\x00\x00" + b"\xff" * 0xF0000,
    "a fraction with a huge exponent": b"\x01" + cbor2.dumps(cbor2.CBORTag(4, [10**9, 1])),
    "a list that holds itself": b"\x01\xd8\x1c\x81\xd8\x1d\x00",
    "a pattern": b"\x01" + cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")),
    "not a number": b"\x01" + cbor2.dumps(float("nan")),
    "infinity": b"\x01" + cbor2.dumps({"weeds": float("inf")}),
    "undefined": b"\x01\xf7",
    "bytes": b"\x01\x41a",
    "more behind it": b"\x01\x01\x01",
    "JSON that is none": b"\x00{",
    "JSON with NaN": b"\x00NaN",
    "JSON in each other": b"\x00" + b"[" * 100_000,
    "no UTF-8": b'\x00"\xff"',
    "a form that is not known": b"\xff\x00",
    "a number without an end": b"\x02" + b"\xff" * 50,
    "a list of 2**60 texts": b"\x02\x02" + b"\xff" * 8 + b"\x0f",
}


@pytest.mark.parametrize("short", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("kind", KINDS)
def test_bytes_that_are_no_body_give_nothing(kind: MessageKind, short: bytes) -> None:
    assert compact.unpack(kind, short, ID) is None


@pytest.mark.parametrize("short", [None, 3, "text", [1], {"a": 1}, 1.5])
def test_what_is_no_bytes_gives_nothing(short: Any) -> None:
    assert compact.unpack(MessageKind.SUMMARY, short, ID) is None


@settings(max_examples=500, deadline=None)
@example(b"\x02")
@given(st.binary(max_size=200))
def test_any_bytes_give_a_text_or_nothing(noise: bytes) -> None:
    for kind in KINDS:
        for first in (b"", b"\x00", b"\x01", b"\x02"):
            told = compact.unpack(kind, first + noise, ID)
            assert told is None or (json.loads(told) is not ... and len(told) < 200_000)


@pytest.mark.parametrize(
    ("kind", "body"), [(MessageKind.SUMMARY, SUMMARY), (MessageKind.ALERT, ALERT), (MessageKind.BOX, BOX)]
)
def test_changed_and_cut_bodies_give_a_text_or_nothing(kind: MessageKind, body: dict[str, Any]) -> None:
    short = compact.pack(kind, json.dumps(body), ID)
    chance = random.Random(1)  # noqa: S311  no secret
    for at in range(len(short)):
        for byte in {0, 0x7F, 0xFF, chance.randrange(256)}:
            told = compact.unpack(kind, short[:at] + bytes([byte]) + short[at + 1 :], ID)
            assert told is None or isinstance(json.loads(told), object)
        cut = compact.unpack(kind, short[:at], ID)
        assert cut is None or facts(cut) != facts(json.dumps(body))
