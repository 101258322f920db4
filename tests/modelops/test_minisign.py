"""Signatures: what the real minisign made is accepted, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.errors import Misconfigured
from fieldbox.modelops.minisign import Malformed, parse_key, parse_signature, read_keys, verify
from tests.modelops.keys import Signer

CONTENT = b"fieldbox test vector\n"
KEY = """untrusted comment: minisign public key 857AB34553ECBC08
RWQIvOxTRbN6hQKiKaMmF6BVTB2KdifrOlddUuX/PXTy7Q3UzQRbzlkS
"""
# Both made with minisign 0.11; its secret key is gone.
HASHED = """untrusted comment: signature from minisign secret key
RUQIvOxTRbN6hVRy8K+nMFcwjm5rd3Eg9bUnO+1F2O8ol9I88qgeb7zrPlX1kC+SclMqvw3oaoKFT12lQ7gyZjxWvF7HwY8bqAw=
trusted comment: fieldbox-weeds 1
ZnDS8s4+eyEkon9U3l6I45PuPCam5Jv9aWkyYakfI7tPQwijQ191sbF3ZqQVZ0sCuDseB4ASq+McZt2vVieuDA==
"""
WHOLE = """untrusted comment: signature from minisign secret key
RWQIvOxTRbN6hfRwMjuqVgKurcP6EIvflPYAT4oLCcqHrhxZHlwZtbfgx5OYdhHGQ7FGUdFP1oiY60FhwpNbbd2QIhYqhu3OKwE=
trusted comment: fieldbox-weeds 1 legacy
mIRN1QtzFsODk/DBmV9rS+zgIAbzCkhoEDXA9yvjde/wcW67vijPSflZ7/mw5B1iGELJ4NMuJU9+TvMf71krDw==
"""


def checked(tmp_path: Path, signature: str | bytes, content: bytes = CONTENT, key: str = KEY) -> str:
    file = tmp_path / "model.onnx.minisig"
    file.write_bytes(signature if isinstance(signature, bytes) else signature.encode())
    return verify(content, file, [parse_key(key)], name="model.onnx")


@pytest.mark.parametrize(
    ("signature", "comment"), [(HASHED, "fieldbox-weeds 1"), (WHOLE, "fieldbox-weeds 1 legacy")]
)
def test_what_minisign_signed_is_accepted(tmp_path: Path, signature: str, comment: str) -> None:
    assert checked(tmp_path, signature) == comment
    assert checked(tmp_path, signature.replace("\n", "\r\n")) == comment
    assert parse_signature(signature).key_id == parse_key(KEY).id == "857AB34553ECBC08"


def test_a_key_may_be_given_as_its_line_alone(tmp_path: Path) -> None:
    assert checked(tmp_path, HASHED, key=KEY.splitlines()[1]) == "fieldbox-weeds 1"


@pytest.mark.parametrize("signature", [HASHED, WHOLE])
def test_another_content_is_refused(tmp_path: Path, signature: str) -> None:
    for content in (b"", CONTENT[:-1], CONTENT + b" ", CONTENT.swapcase()):
        with pytest.raises(Misconfigured, match=r"model\.onnx is not the one that was signed"):
            checked(tmp_path, signature, content)


def test_a_changed_comment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="comment in the signature of the model file"):
        checked(tmp_path, HASHED.replace("weeds 1", "weeds 2"))


def test_the_two_algorithms_are_not_mixed_up(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="not the one that was signed"):
        checked(tmp_path, HASHED.replace("RUQI", "RWQI"))


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    stranger = Signer(number=b"\xff" * 8)
    file = tmp_path / "model.onnx"
    file.write_bytes(CONTENT)
    with pytest.raises(
        Misconfigured, match="signed with the key FFFFFFFFFFFFFFFF, which this box does not trust"
    ):
        verify(CONTENT, stranger.sign(file), [parse_key(KEY)], name="model.onnx")


def test_another_key_under_a_trusted_number_is_refused(tmp_path: Path) -> None:
    impostor = Signer(number=parse_key(KEY).number)
    file = tmp_path / "model.onnx"
    file.write_bytes(CONTENT)
    with pytest.raises(Misconfigured, match="not the one that was signed"):
        verify(CONTENT, impostor.sign(file), [parse_key(KEY)], name="model.onnx")


@settings(max_examples=200)
@given(st.data())
def test_no_change_of_a_signature_is_accepted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Of any byte in what is signed; the untrusted comment is nobody's word."""
    raw = bytearray(HASHED.encode())
    begin = raw.index(b"\n") + 1
    place = data.draw(st.integers(begin, len(raw) - 2))
    raw[place] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("signature", numbered=True)
    try:
        said = checked(folder, bytes(raw))
    except Misconfigured as error:
        assert "model.onnx" in str(error)
        assert str(error).endswith(".")
    else:  # base64 has bits that mean nothing in its last character, and spaces at the ends are left out
        assert said == "fieldbox-weeds 1"
        assert parse_signature(raw.decode()) == parse_signature(HASHED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "untrusted comment: x\n",
        KEY,
        HASHED + HASHED,
        HASHED[:-20],
        HASHED.replace("trusted comment: f", "f"),
        "\0" * 300,
    ],
)
def test_what_is_no_signature(tmp_path: Path, text: str) -> None:
    with pytest.raises(Malformed):
        parse_signature(text)
    with pytest.raises(Misconfigured, match="damaged or no minisign signature"):
        checked(tmp_path, text)
    with pytest.raises(Misconfigured, match="damaged or no minisign signature"):
        checked(tmp_path, b"\xff\xfe" * 100)
    with pytest.raises(Misconfigured, match="damaged or no minisign signature"):
        checked(tmp_path, HASHED + " " * 20_000)


def test_a_missing_signature_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        Misconfigured, match=r"model\.onnx has no signature.*model\.onnx\.minisig must lie beside"
    ):
        verify(CONTENT, tmp_path / "model.onnx.minisig", [parse_key(KEY)], name="model.onnx")


def test_keys_of_a_folder(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "none") == []
    (tmp_path / "a.pub").write_text(KEY)
    Signer().trust(tmp_path, "b.pub")
    (tmp_path / "note.txt").write_text("not a key")
    assert [key.id for key in read_keys(tmp_path)] == ["857AB34553ECBC08", "0807060504030201"]
    (tmp_path / "c.pub").write_text("no key")
    with pytest.raises(Misconfigured, match=r"c\.pub cannot be read as a minisign public key"):
        read_keys(tmp_path)
