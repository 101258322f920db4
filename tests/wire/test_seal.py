"""A signature stands for one key, one purpose and one content."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.wire.seal import SIGNATURE_BYTES, Forged, Purpose, content_of, seal, unseal

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


@given(st.binary(max_size=300), st.sampled_from(Purpose))
def test_content_comes_back(content: bytes, purpose: Purpose) -> None:
    sealed = seal(KEY, purpose, content)
    assert len(sealed) == len(content) + SIGNATURE_BYTES
    assert unseal(KEY.public_key(), purpose, sealed) == content == content_of(sealed)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_changed_bit_is_seen(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, Purpose.DOWN, content))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Forged):
        unseal(KEY.public_key(), Purpose.DOWN, bytes(sealed))


def test_another_key_or_purpose_does_not_pass() -> None:
    sealed = seal(KEY, Purpose.FRAME, b"content")
    with pytest.raises(Forged):
        unseal(OTHER.public_key(), Purpose.FRAME, sealed)
    for purpose in set(Purpose) - {Purpose.FRAME}:
        with pytest.raises(Forged):
            unseal(KEY.public_key(), purpose, sealed)


def test_no_purpose_begins_another() -> None:
    assert all(not one.value.startswith(other.value) for one in Purpose for other in set(Purpose) - {one})


@given(st.binary(max_size=200))
def test_noise_bears_no_signature(noise: bytes) -> None:
    with pytest.raises(Forged):
        unseal(KEY.public_key(), Purpose.FRAME, noise)
