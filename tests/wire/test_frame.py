"""A frame comes back as it was sent, and of anything else nothing is believed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import Message, MessageKind, MessageState
from fieldbox.wire import frame
from fieldbox.wire.frame import Unreadable
from fieldbox.wire.ids import message_id
from fieldbox.wire.seal import SIGNATURE_BYTES, Forged, Purpose, seal
from tests.wire import season
from tests.wire.bodies import ALERT, BOX, SUMMARY, facts

NAME = "bq3k7xm2a"
KEY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
AT = datetime(2026, 11, 23, 10, 5, 9, tzinfo=UTC)
REFUSED = (Unreadable, Forged)


class NobodyError(KeyError):
    """What a hub raises for a box that it does not know."""


def key_of(box: str) -> Ed25519PublicKey:
    if box != NAME:
        raise NobodyError(box)
    return KEY.public_key()


def message(kind: MessageKind, body: Any, number: int = 0, replaces: tuple[str, ...] = ()) -> Message:
    identity = message_id(AT + timedelta(seconds=number), f"{number:020x}", None)
    return Message(identity, kind, json.dumps(body), MessageState.WAITING, 0, AT, replaces=replaces)


OLD = message(MessageKind.SUMMARY, SUMMARY, 1).id
MESSAGES = (
    message(MessageKind.ALERT, ALERT, 2),
    message(MessageKind.SUMMARY, SUMMARY, 3, (OLD, message(MessageKind.ALERT, ALERT, 4).id)),
    message(MessageKind.ANSWER, {"id": "ab", "done": True}, 5),
    message(MessageKind.BOX, BOX, 6),
    message(MessageKind.PICTURE, {"jpeg": "QUJD" * 50}, 7),
)
PACKED = frame.pack(NAME, MESSAGES, KEY)


def test_messages_come_back() -> None:
    read = frame.read(PACKED, key_of)
    assert (read.box, read.batch) == (NAME, frame.batch_of(PACKED))
    for item, sent in zip(read.items, MESSAGES, strict=True):
        assert (item.id, item.kind, item.replaces) == (sent.id, sent.kind, sent.replaces)
        assert facts(item.body or "") == facts(sent.body)


def test_a_season_comes_back_compressed() -> None:
    told = season.season(60)
    packed = frame.pack(NAME, told, KEY)
    assert packed[1] == 1
    assert [facts(one.body or "") for one in frame.read(packed, key_of).items] == [
        facts(one.body) for one in told
    ]


def test_a_frame_has_one_id_and_another_one_another() -> None:
    assert frame.batch_of(PACKED) == frame.batch_of(frame.pack(NAME, MESSAGES, KEY))
    assert frame.batch_of(PACKED) != frame.batch_of(frame.pack(NAME, MESSAGES[1:], KEY))


def test_no_changed_byte_is_believed() -> None:
    chance = random.Random(2)  # noqa: S311  no secret
    for at in range(len(PACKED)):
        changed = PACKED[:at] + bytes([PACKED[at] ^ chance.randrange(1, 256)]) + PACKED[at + 1 :]
        # A name that was changed may be read, and then nobody has the key.
        with pytest.raises((*REFUSED, NobodyError)):
            frame.read(changed, key_of)


def test_no_part_of_a_frame_is_one() -> None:
    for length in range(len(PACKED)):
        with pytest.raises(REFUSED):
            frame.read(PACKED[:length], key_of)
    with pytest.raises(REFUSED):
        frame.read(PACKED + b"\0", key_of)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x01", b"\x01\x00", b"\x01\x01"]))
def test_noise_is_no_frame(noise: bytes, head: bytes) -> None:
    with pytest.raises((*REFUSED, NobodyError)):
        frame.read(head + noise, key_of)


def signed(plain: bytes, form: int = 0, version: int = 1) -> bytes:
    """What a box that is known, and has gone mad, may send."""
    return seal(KEY, Purpose.FRAME, bytes([version, form]) + plain)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3))
def test_signed_noise_is_no_frame(noise: bytes, form: int) -> None:
    with pytest.raises((*REFUSED, NobodyError)):
        frame.read(signed(noise, form), key_of)


ID = bytes.fromhex(OLD)
BAD_ROWS: dict[str, Any] = {
    "no list": 5,
    "too short": [1, ID, None],
    "too long": [1, ID, None, b"", 0],
    "a kind below 0": [-1, ID, None, b""],
    "a kind that is true": [True, ID, None, b""],
    "a kind that is text": ["1", ID, None, b""],
    "a short id": [1, ID[:-1], None, b""],
    "an id of text": [1, OLD[:16], None, b""],
    "no id": [1, None, None, b""],
    "a number for what it replaces": [1, ID, 7, b""],
    "a map for what it replaces": [1, ID, {ID: 1}, b""],
    "a short id that it replaces": [1, ID, [ID[:-1]], b""],
}


@pytest.mark.parametrize("row", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_row_that_is_none_makes_no_frame(row: Any) -> None:
    with pytest.raises(Unreadable):
        frame.read(signed(cbor2.dumps([NAME, [row]])), key_of)


@pytest.mark.parametrize("kind", [len(frame.KINDS), 99, 2**64 - 1])
def test_a_kind_that_is_not_known_leaves_the_others(kind: int) -> None:
    good = [1, ID, None, b'\x00{"a":1}']
    items = frame.read(signed(cbor2.dumps([NAME, [[kind, ID, None, b"\x00{}"], good]])), key_of).items
    assert [(one.kind, one.body) for one in items] == [(None, None), (MessageKind.SUMMARY, '{"a":1}')]


@pytest.mark.parametrize("body", [b"", b"\xff", None, 3, "text", [b"\x00{}"], b"\x02\xff"])
def test_a_body_that_cannot_be_read_leaves_the_others(body: Any) -> None:
    good = [1, ID, None, b'\x00{"a":1}']
    items = frame.read(signed(cbor2.dumps([NAME, [[1, ID, None, body], good]])), key_of).items
    assert [one.body for one in items] == [None, '{"a":1}']


@pytest.mark.parametrize(
    "content",
    [
        b"",
        cbor2.dumps(None),
        cbor2.dumps([NAME]),
        cbor2.dumps([NAME, [], 1]),
        cbor2.dumps({NAME: []}),
        cbor2.dumps([5, []]),
        cbor2.dumps([NAME, 5]),
        cbor2.dumps([NAME, [[1, ID, None, b""]] * (frame.MAX_MESSAGES + 1)]),
        cbor2.dumps([NAME, []]) + b"\0",
        b"\x81" * 100_000,
        b"\x82\x69" + NAME.encode() + b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        cbor2.dumps([NAME, cbor2.CBORTag(35, "(a+)+$")]),
    ],
)
def test_content_of_another_kind_is_no_frame(content: bytes) -> None:
    with pytest.raises(Unreadable):
        frame.read(signed(content), key_of)


def test_a_small_frame_does_not_unpack_to_a_large_one() -> None:
    narrow = zstandard.ZstdCompressionParameters(window_log=20, compression_level=19)
    packer = zstandard.ZstdCompressor(compression_params=narrow).compressobj()
    bomb = packer.compress(b"\0" * 200_000_000) + packer.flush()
    assert len(bomb) < frame.MAX_FRAME
    with pytest.raises(Unreadable, match="size"):
        frame.read(signed(bomb, form=1), key_of)


def test_a_wide_window_of_zstd_is_not_opened() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    wide = packer.compress(b"\0" * 2_000_000) + packer.flush()
    with pytest.raises(Unreadable):
        frame.read(signed(wide, form=1), key_of)


@pytest.mark.parametrize(
    "damage", [lambda z: z[:-3], lambda z: z[:10], lambda z: b"\0" + z, lambda z: z[:4] + b"\xff" * 20]
)
def test_broken_compression_is_no_frame(damage: Callable[[bytes], bytes]) -> None:
    packed = zstandard.ZstdCompressor().compress(cbor2.dumps([NAME, [[1, ID, None, b'\x00{"a":1}']] * 40]))
    with pytest.raises(Unreadable):
        frame.read(signed(damage(packed), form=1), key_of)


def test_a_newer_version_or_form_is_told_apart_from_damage() -> None:
    with pytest.raises(Unreadable, match="version"):
        frame.read(signed(cbor2.dumps([NAME, []]), version=2), key_of)
    with pytest.raises(Unreadable, match="form"):
        frame.read(signed(cbor2.dumps([NAME, []]), form=2), key_of)


def test_too_large_a_frame_is_not_looked_at() -> None:
    with pytest.raises(Unreadable, match="size"):
        frame.read(b"\x01\x00" + b"\0" * frame.MAX_FRAME, key_of)


def test_another_box_cannot_send_in_its_name() -> None:
    with pytest.raises(Forged):
        frame.read(frame.pack(NAME, MESSAGES, OTHER), key_of)
    with pytest.raises(NobodyError):
        frame.read(frame.pack("bzzzzzzzz", MESSAGES, KEY), key_of)


def test_what_was_signed_for_another_purpose_is_no_frame() -> None:
    for purpose in set(Purpose) - {Purpose.FRAME}:
        with pytest.raises(Forged):
            frame.read(seal(KEY, purpose, PACKED[:-SIGNATURE_BYTES]), key_of)
