"""What commands of a hub hold, and answers to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import MessageKind
from fieldbox.wire import MAX_BYTES, commands, schemas
from fieldbox.wire.commands import Certificate, Command, Picture, Resend, Settings
from fieldbox.wire.down import DownKind, Unreadable

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
COMMAND = "ab" * 16
ORDERS: list[tuple[DownKind, Command]] = [
    (DownKind.RESEND, Resend(("0" * 32, "f" * 32))),
    (DownKind.RESEND, Resend(since=SINCE)),
    (DownKind.PICTURE, Picture("3f2a", 2)),
    (DownKind.SETTINGS, Settings({"sync.gather_hours": 6, "sync.quiet_hours": None})),
    (DownKind.CERTIFICATE, Certificate("-----BEGIN")),
]


@pytest.mark.parametrize(("kind", "order"), ORDERS)
def test_an_order_comes_back_as_it_was_given(kind: DownKind, order: Command) -> None:
    assert commands.read(kind, cbor2.loads(cbor2.dumps(order.body()))) == order


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (DownKind.ACKNOWLEDGE, {}),
        (DownKind.RESEND, {}),
        (DownKind.RESEND, {"ids": [b"short"]}),
        (DownKind.RESEND, {"ids": [bytes(16)] * 1001}),
        (DownKind.RESEND, {"since": 10**20}),
        (DownKind.PICTURE, {"survey": "a", "spot": 0}),
        (DownKind.PICTURE, {"survey": 7}),
        (DownKind.SETTINGS, {"set": {}}),
        (DownKind.SETTINGS, {"set": {"a.b": [1]}}),
        (DownKind.SETTINGS, {"set": 3}),
        (DownKind.CERTIFICATE, {"crt": b"x"}),
    ],
)
def test_what_is_no_order(kind: DownKind, body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        commands.read(kind, body)


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=20) | st.floats()
bodies = st.dictionaries(
    st.sampled_from(["ids", "since", "survey", "spot", "set", "crt"]),
    plain | st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=3), plain, max_size=3),
)


@given(st.sampled_from(DownKind), bodies)
def test_whatever_a_hub_signs_it_is_an_order_or_none(kind: DownKind, body: dict[str, Any]) -> None:
    try:
        order = commands.read(kind, body)
    except Unreadable:
        return
    assert commands.read(kind, order.body()) == order


@given(st.text(), st.booleans())
def test_an_answer_is_as_published_and_fits(why: str, done: bool) -> None:
    told = commands.answer(COMMAND, done, why, count=5)
    assert len(told.encode()) <= MAX_BYTES
    assert schemas.fault(MessageKind.ANSWER, told) is None


@given(st.binary(max_size=commands.PICTURE_BYTES))
def test_a_picture_is_as_published(file: bytes) -> None:
    told = commands.picture(COMMAND, Picture("3f2a"), file, "webp")
    assert schemas.fault(MessageKind.PICTURE, told) is None
