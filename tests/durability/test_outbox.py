"""A short form of `tests.durability.outbox_proof`."""

from __future__ import annotations

import ctypes.util
import os
import random
import shutil
from pathlib import Path

import pytest

from tests.durability.outbox_proof import prove


def test_the_plug_is_pulled_while_messages_come_and_go(tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("mkfs.ext4") or not ctypes.util.find_library("fuse"):
        pytest.skip("a disk whose writes are logged needs root, mkfs.ext4 and libfuse")
    if not Path("/dev/fuse").exists():
        pytest.skip("there is no /dev/fuse")
    told = prove(tmp_path, 24, 4, random.Random(3))  # noqa: S311  no secret
    assert told.startswith("power cuts: 4 of a log")
