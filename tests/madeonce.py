"""What each of thousands of tests would make anew, and all make alike: an empty database, and templates that are compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import flask
import jinja2
import pytest
from jinja2.bccache import Bucket

from fieldbox.storage import store
from fieldbox.storage.migrate import prepare
from fieldbox.wholefile import put
from tests import flown


@cache
def _migrated() -> Path:
    return flown.once("empty database", prepare)


def _prepare(path: Path) -> None:
    """As `prepare`; where there is no database yet it begins with a copy of one that the migrations made before."""
    if not path.exists():
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            put(path, _migrated().read_bytes())  # safe from a pulled plug, as the migrations leave it
    prepare(path)


class _Compiled(jinja2.BytecodeCache):
    """Templates by their names and sources."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        code = self._kept.get((bucket.key, bucket.checksum))
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@contextlib.contextmanager
def made_once() -> Iterator[None]:
    """Stores and apps that this process makes share both; what they do is the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "prepare", _prepare)
        patch.setattr(flask.Flask, "jinja_options", {"bytecode_cache": _Compiled()})
        yield
