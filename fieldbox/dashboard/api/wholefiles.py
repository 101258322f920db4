"""Large answers that map programs read in parts: written once to the disk, then sent from there.

GDAL, and so QGIS, asks for a length and then for one range after the other. Such an answer is made in a file that has no name
any more, so that nothing of it is left over however the process ends, and the last few are kept for the ranges to come.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final

from flask import Response, current_app, request
from werkzeug.wsgi import wrap_file

from fieldbox.dashboard.ports import box
from fieldbox.errors import Unavailable
from fieldbox.i18n import N_

KEPT: Final = 2
"""Files at hand: one of 100,000 weeds has some 50 MB."""
_EXTENSION: Final = "fieldbox.wholefiles"


class _Part(io.RawIOBase):
    """A view of a file that has a place of its own in it: several answers read the same file at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = offset + (os.fstat(self._file.fileno()).st_size if start is None else start)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = os.pread(self._file.fileno(), len(view), self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


class WholeFiles:
    """The files of one app, in its data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._kept: OrderedDict[str, BinaryIO] = OrderedDict()

    def answer(self, key: str, pieces: Callable[[], Iterable[bytes]], media: str) -> Response:
        """The file of that key, made of `pieces` if it is not at hand; of it what the request asks for.

        Raises Unavailable where there is no room for it.
        """
        file = self._file(key, pieces)
        size = os.fstat(file.fileno()).st_size
        answer = Response(wrap_file(request.environ, io.BufferedReader(_Part(file))), mimetype=media)
        answer.direct_passthrough = True
        answer.content_length = size
        answer.set_etag(hashlib.blake2b(f"{key}/{size}".encode(), digest_size=8).hexdigest())
        answer.make_conditional(request, accept_ranges=True, complete_length=size)
        answer.headers["Cache-Control"] = "private, no-cache"
        return answer

    def _file(self, key: str, pieces: Callable[[], Iterable[bytes]]) -> BinaryIO:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = self._write(pieces())
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)  # whoever reads it still holds it
            return found

    def _write(self, pieces: Iterable[bytes]) -> BinaryIO:
        try:
            file: BinaryIO = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  it is kept
            file.writelines(pieces)
            file.flush()
        except OSError:
            raise Unavailable(
                N_("The box's disk is full: delete old surveys or connect a larger disk.")
            ) from None
        return file


def whole_files() -> WholeFiles:
    """Those of the app that answers the present request."""
    found = current_app.extensions.setdefault(_EXTENSION, WholeFiles(box().root))
    assert isinstance(found, WholeFiles)  # noqa: S101  for the type
    return found
