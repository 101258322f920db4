"""What an answer weighs on the farm's Wi-Fi: text goes compressed, and what never changes is asked for once.

A secret beside words of a stranger can be guessed from the size of what is compressed, where TLS hides the rest. Cookies here are
SameSite=Lax, so that no other site has such pages fetched.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

SMALLEST: Final = 1000
"""Bytes from which on an answer is compressed: less goes in one packet anyhow."""
LEVEL: Final = 5
"""For pages: higher ones take a slow box longer than the bytes saved take on the Wi-Fi."""
TYPES: Final = frozenset(
    {
        "application/geo+json",
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "image/svg+xml",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)


def carry(app: Flask) -> None:
    """Let `app` send its answers so."""
    app.after_request(_compress)


def lasts(answer: Response) -> bool:
    """Whether what is answered never changes under its address: a file with its print in it, or of a numbered folder."""
    fixed = "v" in request.args or request.path.startswith(f"{current_app.static_url_path}/vendor/")
    return request.endpoint == "static" and answer.status_code in (200, 304) and fixed


def _compress(answer: Response) -> Response:
    if request.path.endswith(".woff2") and request.endpoint == "static":
        answer.mimetype = "font/woff2"  # not every system knows the ending
    if answer.mimetype not in TYPES:
        return answer
    answer.vary.add("Accept-Encoding")
    if not _may_be(answer):
        return answer
    if _is_file(answer):
        _put(answer, _file(_static_path()))
    elif len(answer.get_data()) >= SMALLEST:
        _put(answer, gzip.compress(answer.get_data(), LEVEL, mtime=0))
    return answer


def _may_be(answer: Response) -> bool:
    plain = (
        answer.status_code != 206 and answer.status_code >= 200 and "Content-Encoding" not in answer.headers
    )
    whole = _is_file(answer) or not (answer.is_streamed or answer.direct_passthrough)
    body = answer.status_code not in (204, 304)
    return plain and whole and body and request.accept_encodings["gzip"] > 0


def _is_file(answer: Response) -> bool:
    """Whether Flask found a static file and sends it: it has looked at the path then, and only then."""
    return request.endpoint == "static" and answer.status_code == 200


def _static_path() -> Path:
    found = safe_join(current_app.static_folder or "", (request.view_args or {})["filename"])
    if found is None:
        raise NotFound
    return Path(found)


def _file(path: Path) -> bytes:
    told = path.stat()
    return _compressed(path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=64)
def _compressed(path: Path, _changed: int, _size: int) -> bytes:
    """Once for each state of a file, so as well as can be."""
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _put(answer: Response, data: bytes) -> None:
    etag, _weak = answer.get_etag()
    if answer.direct_passthrough:
        answer.call_on_close(answer.response.close)  # type: ignore[union-attr]  # the file that is sent in another form
        answer.direct_passthrough = False
    answer.set_data(data)
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers.pop("Accept-Ranges", None)
    if etag:
        answer.set_etag(etag, weak=True)  # the same words in other bytes
