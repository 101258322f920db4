"""Files of couriers: whole or refused, whatever a stick holds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldbox.wire import courier
from fieldbox.wire.courier import FOLDER, Part, PartKind, Unreadable, Way
from fieldbox.wire.seal import Purpose, seal

BOX = "babcdefgh"
KEY = Ed25519PrivateKey.generate()
MADE = datetime(2026, 6, 1, 8, tzinfo=UTC)
PARTS = [
    Part(PartKind.FRAME, b"frame" * 100),
    Part(PartKind.SAID, b""),
    Part(PartKind.REQUEST, b"please"),
    Part(PartKind.MODEL, b"\x00" * 3000, "weeds-2.onnx"),
]


def read(folder: Path, box: str = BOX, way: Way = Way.UP) -> list[tuple[PartKind | None, str, bytes]]:
    with courier.opened(folder, box, way, KEY.public_key()) as package:
        assert (package.way, package.box, package.made) == (way, box, MADE)
        return [(part.kind, part.name, content) for part, content in package.contents()]


def refused(folder: Path, box: str = BOX, way: Way = Way.UP) -> str:
    with pytest.raises(Unreadable) as told, courier.opened(folder, box, way, KEY.public_key()):
        pass
    return str(told.value)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    courier.write(tmp_path, Way.UP, BOX, PARTS, KEY, MADE)
    return tmp_path


def file_of(stick: Path) -> Path:
    return stick / FOLDER / f"{BOX}.up"


def test_what_is_written_is_read(stick: Path) -> None:
    assert read(stick) == [(one.kind, one.name, one.content) for one in PARTS]
    assert courier.names(stick, Way.UP) == [BOX]
    assert courier.names(stick, Way.DOWN) == []
    assert [one.name for one in (stick / FOLDER).iterdir()] == [f"{BOX}.up"]


def test_an_empty_file_is_whole_too(tmp_path: Path) -> None:
    courier.write(tmp_path, Way.DOWN, BOX, [], KEY, MADE)
    assert read(tmp_path, way=Way.DOWN) == []


def test_a_file_is_part_of_another_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"m" * 3_000_000)
    courier.write(tmp_path, Way.DOWN, BOX, [Part(PartKind.MODEL, tmp_path / "m.onnx", "m.onnx")], KEY, MADE)
    assert read(tmp_path, way=Way.DOWN) == [(PartKind.MODEL, "m.onnx", b"m" * 3_000_000)]


def test_every_cut_is_refused(stick: Path) -> None:
    whole = file_of(stick).read_bytes()
    for length in [*range(0, 300, 7), *range(300, len(whole), 97), len(whole) - 1]:
        file_of(stick).write_bytes(whole[:length])
        assert refused(stick) in {"short", "content", "size"}, length
    file_of(stick).write_bytes(whole + b"x")
    assert refused(stick) == "short"


def test_every_changed_byte_is_refused(stick: Path) -> None:
    whole = file_of(stick).read_bytes()
    for at in [*range(0, 400), *range(400, len(whole), 61)]:
        changed = bytearray(whole)
        changed[at] ^= 0x10
        file_of(stick).write_bytes(changed)
        refused(stick)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_noise_is_refused(tmp_path: Path, noise: bytes) -> None:
    (tmp_path / FOLDER).mkdir(exist_ok=True)
    for start in (b"", b"fieldbox courier 1\n", b"fieldbox courier 1\n\x00\x00\x00\x80"):
        file_of(tmp_path).write_bytes(start + noise)
        refused(tmp_path)


def test_a_file_of_another_box_or_way_under_this_name_is_refused(stick: Path) -> None:
    file_of(stick).rename(stick / FOLDER / "bzzzzzzzz.up")
    assert refused(stick, "bzzzzzzzz") == "box"
    (stick / FOLDER / "bzzzzzzzz.up").rename(stick / FOLDER / f"{BOX}.down")
    assert refused(stick, way=Way.DOWN) == "box"


def test_a_file_that_another_signed_is_refused(tmp_path: Path) -> None:
    courier.write(tmp_path, Way.UP, BOX, PARTS, Ed25519PrivateKey.generate(), MADE)
    assert refused(tmp_path) == "forged"


def listing(stick: Path, told: object, key: Ed25519PrivateKey = KEY, rest: bytes = b"") -> None:
    """A file with a list of our choosing under a right signature."""
    sealed = seal(key, Purpose.COURIER, cbor2.dumps(told))
    (stick / FOLDER).mkdir(exist_ok=True)
    file_of(stick).write_bytes(b"fieldbox courier 1\n" + len(sealed).to_bytes(4, "big") + sealed + rest)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([0, 2**40, b"d" * 32, ""], "size"),
        ([0, -1, b"d" * 32, ""], "size"),
        ([0, 257 * 1024, b"d" * 32, ""], "size"),
        ([3, 1, b"d" * 32, "../../etc/passwd"], "name"),
        ([3, 1, b"d" * 32, "/etc/x.onnx"], "name"),
        ([3, 1, b"d" * 32, "a/b.onnx"], "name"),
        ([3, 1, b"d" * 32, ".hidden.onnx"], "name"),
        ([3, 1, b"d" * 32, "x" * 300 + ".onnx"], "name"),
        ([3, 1, b"d" * 32, ""], "name"),
        ([0, 1, b"d" * 32, "named.onnx"], "name"),
        ([0, 1, b"short", ""], "content"),
        ([0, 1, "d" * 32, ""], "content"),
        (["0", 1, b"d" * 32, ""], "content"),
        ([True, 1, b"d" * 32, ""], "content"),
        ([0, 1.5, b"d" * 32, ""], "content"),
        ([0, 1], "content"),
        (7, "content"),
    ],
)
def test_a_hostile_list_is_refused(tmp_path: Path, row: object, why: str) -> None:
    listing(tmp_path, [1, 0, BOX, 1_780_000_000, [row]])
    assert refused(tmp_path) == why


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([2, 0, BOX, 1_780_000_000, []], "version"),
        ([1, 9, BOX, 1_780_000_000, []], "content"),
        ([1, 0, 5, 1_780_000_000, []], "content"),
        ([1, 0, BOX, 10**30, []], "content"),
        ([1, 0, BOX, "now", []], "content"),
        ([1, 0, BOX, 1_780_000_000], "content"),
        ({"a": 1}, "content"),
    ],
)
def test_a_list_of_another_kind_is_refused(tmp_path: Path, told: object, why: str) -> None:
    listing(tmp_path, told)
    assert refused(tmp_path) == why


def test_a_part_of_a_kind_to_come_is_passed_over(tmp_path: Path) -> None:
    from blake3 import blake3  # noqa: PLC0415

    later, frame = b"later", b"frame"
    rows = [[77, 5, blake3(later).digest(), "x"], [0, 5, blake3(frame).digest(), ""]]
    rows[0][3] = ""
    listing(tmp_path, [1, 0, BOX, int(MADE.timestamp()), rows], rest=later + frame)
    assert read(tmp_path) == [(PartKind.FRAME, "", frame)]


@pytest.mark.parametrize("make", [Path.symlink_to, lambda link, _to: os.mkfifo(link)])
def test_links_and_pipes_on_a_stick_are_not_followed(
    tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    courier.write(elsewhere_folder(elsewhere), Way.UP, BOX, PARTS, KEY, MADE)
    (tmp_path / FOLDER).mkdir()
    make(file_of(tmp_path), file_of(elsewhere))
    assert refused(tmp_path) == "link"


def elsewhere_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_folder_that_is_a_link_holds_nothing(stick: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / FOLDER).symlink_to(stick / FOLDER)
    assert courier.names(other, Way.UP) == []
    assert refused(other) == "link"
    with pytest.raises(Unreadable):
        courier.write(other, Way.UP, BOX, [], KEY, MADE)
    assert len(read(stick)) == len(PARTS)


def test_a_part_that_is_too_long_is_not_written(stick: Path) -> None:
    before = file_of(stick).read_bytes()
    with pytest.raises(Unreadable):
        courier.write(stick, Way.UP, BOX, [Part(PartKind.REQUEST, b"x" * 70_000)], KEY, MADE)
    assert file_of(stick).read_bytes() == before


def test_what_was_cut_off_while_it_was_written_is_cleared_away(stick: Path) -> None:
    (stick / FOLDER / f".{BOX}.up.abc.part").write_bytes(b"half")
    courier.write(stick, Way.UP, BOX, PARTS, KEY, MADE)
    assert [one.name for one in (stick / FOLDER).iterdir()] == [f"{BOX}.up"]


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fieldbox.wire import courier
from fieldbox.wire.courier import Part, PartKind, Way
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sys.argv[2]))
print("goes", flush=True)
number = 0
while True:
    number += 1
    parts = [Part(PartKind.FRAME, bytes([number % 256]) * 200_000)] * (number % 7)
    courier.write(Path(sys.argv[1]), Way.UP, "babcdefgh", parts, key, datetime(2026, 6, 1, 8, tzinfo=UTC))
"""


def test_whoever_is_killed_while_writing_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311
    whole = 0
    for _ in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, KEY.private_bytes_raw().hex()], stdout=subprocess.PIPE
        )
        with child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.uniform(0, 0.1))
            child.kill()
        if file_of(tmp_path).exists():
            content = read(tmp_path)
            assert len({one for _kind, _name, part in content for one in part}) <= 1
            whole += 1
    assert whole
