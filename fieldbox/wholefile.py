"""Files that are there whole or not at all, also after a power cut or a stick that was pulled out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_PREFIX, _SUFFIX = ".", ".part"
PRIVATE: Final = 0o600
PUBLIC: Final = 0o644


@contextmanager
def written(
    file: Path, *, mode: int | None = PUBLIC, replace: bool = True, lasting: bool = True
) -> Iterator[BinaryIO]:
    """Write what becomes `file` when the block ends well; if it raises, all is as before.

    Without `replace`, a file that is there by then stays. `mode` None: none is set, as on a stick, which knows none.
    If not `lasting`, it may be lost in a power cut. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(prefix=f"{_PREFIX}{file.name}.", suffix=_SUFFIX, dir=file.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            if mode is not None:
                os.fchmod(out.fileno(), mode)
            if lasting:
                os.fsync(out.fileno())
        if replace:
            partial.replace(file)
        else:
            with suppress(FileExistsError):
                os.link(partial, file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    if lasting:
        sync_folder(file.parent)


def put(
    file: Path, content: bytes, *, mode: int | None = PUBLIC, replace: bool = True, lasting: bool = True
) -> None:
    """`content` as `file`; see `written`. Raises OSError."""
    with written(file, mode=mode, replace=replace, lasting=lasting) as out:
        out.write(content)


def clear_leftovers(folder: Path, name: str) -> None:
    """Remove what was being written to become the file `name` in `folder` when the stick was pulled out."""
    for one in folder.glob(f"{_PREFIX}{name}.*{_SUFFIX}"):
        with suppress(OSError):
            one.unlink()


def sync_folder(folder: Path) -> None:
    """Without this a new name in `folder` may itself be lost when the plug is pulled. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
