"""Sending photos from a browser: the page, and what its script asks for.

A file is sent in parts, each with its offset and its CRC-32, and goes on where it stopped (as tus 1.0 has it). A part that
does not begin where the file ends is answered by 409 and the right offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask_login import current_user

from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import Uploads, box
from fieldbox.domain import Offer, Standing, Upload
from fieldbox.errors import WrongOffset

uploading = Blueprint("uploading", __name__)
LARGEST_CHUNK, LARGEST_OFFER = 4 << 20, 1 << 20
"""Bytes of a part of a file, and of a list of files."""
CHUNK_BYTES = 2 << 20
"""What the page sends at once: on the disk before the next one comes."""
OFFERED_AT_ONCE = 200
CHUNK_ENDPOINT, OFFER_ENDPOINT = "uploading.write", "uploading.offer"
LONGEST_NAME = 80
_STATES = ("open", "failed")


@uploading.get("/upload")
def page() -> str:
    """Choose photos and send them."""
    uploads = _uploads()
    return render_template(
        "upload.html",
        fields=[field.name for field in box().store.fields()],
        unfinished=[one for one in _mine(uploads) if one.state in _STATES],
        setup={"chunk": CHUNK_BYTES, "batch": OFFERED_AT_ONCE, "words": _words()},
    )


@uploading.get("/api/uploads")
def listed() -> Response:
    """The uploads of whoever asks."""
    return jsonify(uploads=[_plain(one) for one in _mine(_uploads())])


@uploading.post("/api/uploads")
def create() -> tuple[Response, int]:
    """A new upload, for the field that is named if one is."""
    name = " ".join(str(_told().get("field") or "").split())[:LONGEST_NAME] or None
    return jsonify(_plain(_uploads().create(_user(), name))), 201


@uploading.post("/api/uploads/<upload_id>/files")
def offer(upload_id: str) -> Response:
    """How far each of the files is that the browser has; those that are new are expected from now on."""
    rows = _told().get("files")
    if not isinstance(rows, list) or not all(map(_is_offer, rows)):
        abort(400)
    offers = [Offer(name, size, modified) for name, size, modified in rows]
    return jsonify(files=[_standing(one) for one in _uploads().offer(_upload(upload_id), offers)])


@uploading.get("/api/uploads/<upload_id>/files/<int:number>")
def offset(upload_id: str, number: int) -> Response:
    """How much of a file is here."""
    here, size = _uploads().offset(_upload(upload_id), number)
    return jsonify(offset=here, size=size)


@uploading.patch("/api/uploads/<upload_id>/files/<int:number>")
def write(upload_id: str, number: int) -> Response | tuple[Response, int]:
    """Keep a part of a file."""
    at, crc = (_header(name) for name in ("Upload-Offset", "Upload-Crc32"))
    try:
        return jsonify(offset=_uploads().write(_upload(upload_id), number, at, request.get_data(), crc))
    except WrongOffset as wrong:
        return jsonify(offset=wrong.offset), 409


@uploading.post("/api/uploads/<upload_id>/finish")
def finish(upload_id: str) -> Response:
    """All was sent: the intake takes it from here."""
    return jsonify(files=_uploads().finish(_upload(upload_id)))


@uploading.delete("/api/uploads/<upload_id>")
def cancel(upload_id: str) -> Response:
    """Throw away what came of an upload."""
    found = _upload(upload_id)
    if found.state == "sent":
        abort(400)
    _uploads().remove(found)
    return jsonify(ok=True)


def _uploads() -> Uploads:
    intake = box().beyond.intake
    if intake is None:
        abort(404)
    return intake.uploads


def _user() -> str:
    return str(current_user.name)


def _mine(uploads: Uploads) -> list[Upload]:
    return [one for one in uploads.sessions() if one.user == _user()]


def _upload(upload_id: str) -> Upload:
    found = _uploads().find(upload_id, _user())
    if found is None:
        abort(404)
    return found


def _told() -> dict[str, Any]:
    try:
        told = request.get_json(silent=True)
    except RecursionError:  # brackets within brackets, as far as the request is long
        return {}
    return told if isinstance(told, dict) else {}


def _is_offer(row: Any) -> bool:
    """A name, a size and a time, numbers as JSON has them."""
    if not isinstance(row, Sequence) or len(row) != 3 or not isinstance(row[0], str):
        return False
    return all(isinstance(one, int) and abs(one) < 1 << 53 for one in row[1:])


def _header(name: str) -> int:
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 17):
        abort(400)
    return int(value)


def _plain(one: Upload) -> dict[str, Any]:
    reason = in_words(one.reason) if one.reason else None
    return {"id": one.id, "field": one.field_name, "state": one.state, "reason": reason}


def _standing(one: Standing) -> dict[str, Any]:
    refused = in_words(one.refused) if one.refused else None
    return {"number": one.number, "offset": one.offset, "refused": refused}


def _words() -> dict[str, str]:
    """What the script says."""
    return {
        "chosen": say("%(count)s files, %(size)s", count="COUNT", size="SIZE"),
        "progress": say(
            "%(done)s of %(count)s files, %(sent)s of %(size)s",
            done="DONE",
            count="COUNT",
            sent="SENT",
            size="SIZE",
        ),
        "left": say("about %(minutes)s min left", minutes="MINUTES"),
        "soon": say("less than a minute left"),
        "away": say("The box does not answer. It goes on by itself when the phone is back in its network."),
        "paused": say("Paused."),
        "pause": say("Pause"),
        "on": say("Go on"),
        "done": say("All of it is on the box. You can close this page: the box reads the photos now."),
        "login": say("You are not logged in any more: open this page again and choose the same files."),
        "unreadable": say("The browser cannot read it any more: choose it again."),
        "damaged": say(
            "It does not arrive whole, however often it is sent: choose it again, or use the card."
        ),
        "leave": say("Photos are still being sent."),
        "nothing": say("None of these files can be sent."),
    }
