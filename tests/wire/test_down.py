"""What a hub says reaches the box that it is for, and nothing else is followed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.wire import down
from fieldbox.wire.down import Acknowledgement, Down, DownKind, Unreadable
from fieldbox.wire.seal import Forged, Purpose, seal

BOX = "bq3k7xm2a"
HUB = Ed25519PrivateKey.from_private_bytes(b"h" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
ID = "0f" * 16
ISSUED = datetime(2026, 11, 23, 10, 5, 9, tzinfo=UTC)
TOLD = Down(BOX, ID, ISSUED, DownKind.SETTINGS, {"sync": {"budget_mb": 5}})
PACKED = down.pack(TOLD, HUB)

ids = st.lists(st.binary(min_size=8, max_size=16).map(bytes.hex), max_size=5).map(tuple)


def test_a_command_comes_back() -> None:
    assert down.read(PACKED, HUB.public_key(), BOX) == TOLD


@given(
    ids,
    ids,
    st.dictionaries(st.binary(min_size=16, max_size=16).map(bytes.hex), st.text(max_size=8), max_size=3),
)
def test_an_acknowledgement_comes_back(
    batches: tuple[str, ...], messages: tuple[str, ...], refused: dict[str, str]
) -> None:
    told = Acknowledgement(batches, messages, refused)
    packed = down.pack(Down(BOX, ID, ISSUED, DownKind.ACKNOWLEDGE, told.body()), HUB)
    assert Acknowledgement.of(down.read(packed, HUB.public_key(), BOX).body) == told


@pytest.mark.parametrize("body", [{"b": 5}, {"b": ["text"]}, {"m": [None]}, {"r": [1]}, {"b": [2**70]}])
def test_an_acknowledgement_of_another_kind_is_none(body: Any) -> None:
    with pytest.raises(Unreadable):
        Acknowledgement.of(body)


def test_no_changed_or_cut_command_is_followed() -> None:
    chance = random.Random(3)  # noqa: S311  no secret
    for at in range(len(PACKED)):
        changed = PACKED[:at] + bytes([PACKED[at] ^ chance.randrange(1, 256)]) + PACKED[at + 1 :]
        for wrong in (changed, PACKED[:at]):
            with pytest.raises(Forged):
                down.read(wrong, HUB.public_key(), BOX)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_noise_is_no_command(noise: bytes) -> None:
    with pytest.raises(Forged):
        down.read(noise, HUB.public_key(), BOX)
    with pytest.raises(Unreadable):
        down.read(seal(HUB, Purpose.DOWN, noise), HUB.public_key(), BOX)


def test_another_hub_is_not_followed() -> None:
    with pytest.raises(Forged):
        down.read(down.pack(TOLD, OTHER), HUB.public_key(), BOX)


def test_a_command_for_another_box_is_not_followed() -> None:
    with pytest.raises(Unreadable, match="box"):
        down.read(PACKED, HUB.public_key(), "bzzzzzzzz")


@pytest.mark.parametrize(
    "told",
    [
        [2, BOX, bytes(16), 0, 0, {}],
        [1, BOX, bytes(15), 0, 0, {}],
        [1, BOX, "a" * 16, 0, 0, {}],
        [1, BOX, bytes(16), 10**15, 0, {}],
        [1, BOX, bytes(16), "now", 0, {}],
        [1, BOX, bytes(16), 0, 99, {}],
        [1, BOX, bytes(16), 0, 0, [1]],
        [1, 5, bytes(16), 0, 0, {}],
        [1, BOX, bytes(16), 0, 0],
        cbor2.CBORTag(35, "(a+)+$"),
        None,
    ],
)
def test_a_signed_command_that_is_not_known_is_not_followed(told: Any) -> None:
    with pytest.raises(Unreadable):
        down.read(seal(HUB, Purpose.DOWN, cbor2.dumps(told)), HUB.public_key(), BOX)


def test_too_large_a_command_is_not_looked_at() -> None:
    with pytest.raises(Unreadable, match="size"):
        down.read(bytes(down.MAX_BYTES + 1), HUB.public_key(), BOX)
