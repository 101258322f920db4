"""Sending photos to the box.

A file is sent in parts, each with its offset and its CRC-32, and goes on where it stopped (as tus 1.0 has it). A part that
does not begin where the file ends is answered by 409 and the right offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from flask import Response, abort, request
from flask_login import current_user
from msgspec import Meta, field

from fieldbox.dashboard.api.kinds import LARGEST, Count, Words
from fieldbox.dashboard.api.operations import Asked, Told, encode, operation
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import Uploads, box
from fieldbox.dashboard.problems import Code
from fieldbox.domain import Bringing, Brought, Came, Offer, Standing, Upload, Way
from fieldbox.errors import WrongOffset

TAG = "Uploads"
LARGEST_CHUNK, LARGEST_OFFER = 4 << 20, 1 << 20
"""Bytes of a part of a file, and of a list of files."""
CHUNK_ENDPOINT, OFFER_ENDPOINT = "api.write_upload", "api.offer_files"
CHUNK_TYPE: Final = "application/offset+octet-stream"
LONGEST_NAME = 80
_FAR = LARGEST
Number = Annotated[int, Meta(ge=-_FAR, le=_FAR)]


class UploadTold(Told):
    """An upload."""

    id: str
    field: str | None
    state: Annotated[str, Meta(description="open (files come), sent (all came) or failed.")]
    reason: Annotated[str | None, Meta(description="Why it failed, in the language of Accept-Language.")]


class UploadList(Told):
    """The uploads of whoever asks."""

    uploads: list[UploadTold]


class UploadNew(Asked):
    """A new upload."""

    field: Annotated[str | None, Meta(description="Name of the field, if it is to be named.")] = None


class FilesOffered(Asked):
    """Files that somebody has."""

    files: Annotated[
        list[tuple[str, Number, Number]],
        Meta(description="Of each its name, its bytes, and its own time in milliseconds since 1970."),
    ]


class FileStanding(Told):
    """How far a file is."""

    number: Annotated[int | None, Meta(description="By which it is sent; null: it is not taken.")]
    offset: Annotated[int, Meta(ge=0, description="Bytes that are here.")]
    refused: Annotated[str | None, Meta(description="Why it is not taken.")]


class FilesStanding(Told):
    """How far files are, in the order in which they were offered."""

    files: list[FileStanding]


class Offset(Told):
    """How much of a file is here."""

    offset: Count


class OffsetAndSize(Offset):
    """How much of a file is here, and how much it is."""

    size: Count


class WrongOffsetTold(Told):
    """The part does not begin where the file ends by now."""

    error: Words
    code: Code
    offset: Annotated[int, Meta(ge=0, description="Where it ends: go on from there.")]


class PartHeaders(Told):
    """Which part it is."""

    offset: Annotated[int, Meta(ge=0, le=_FAR, description="Where in the file it begins.")] = field(
        name="Upload-Offset"
    )
    crc32: Annotated[int, Meta(ge=0, le=_FAR, description="Its CRC-32, as a number.")] = field(
        name="Upload-Crc32"
    )


class BringingTold(Told):
    """Something that is being taken in."""

    way: Way
    name: str
    step: Annotated[str, Meta(description="copy, then read.")]
    done: Count
    total: Annotated[int, Meta(ge=0, description="Files.")]
    may_pull: Annotated[bool, Meta(description="All of it is on the box: its card is not needed any more.")]


class BroughtTold(Told):
    """Something that was taken in, or was not."""

    way: Way
    name: str
    ended_at: datetime
    outcome: Came
    sentence: Annotated[str | None, Meta(description="Why not all of it was taken.")]
    accepted: Count
    duplicates: Count
    rejected: Count
    flights: Annotated[list[str], Meta(description="Ids.")]
    may_pull: bool


class IntakeTold(Told):
    """What the intake does, and what it did last; `at` null: nobody knows."""

    at: datetime | None
    now: list[BringingTold]
    last: Annotated[list[BroughtTold], Meta(description="Newest first.")]


class Finished(Told):
    """What was handed over."""

    files: Count


@operation("GET", "/uploads", tag=TAG, answers=UploadList)
def uploads() -> UploadList:
    """The uploads of whoever asks."""
    return UploadList(uploads=[_told(one) for one in mine(uploads_or_404())])


@operation("POST", "/uploads", tag=TAG, answers=UploadTold, body=UploadNew, status=201, problems=(422,))
def new_upload(body: UploadNew) -> UploadTold:
    """Begin an upload, for the field that is named if one is."""
    name = " ".join((body.field or "").split())[:LONGEST_NAME] or None
    return _told(uploads_or_404().create(_user(), name))


@operation(
    "POST",
    "/uploads/<upload_id>/files",
    tag=TAG,
    answers=FilesStanding,
    body=FilesOffered,
    problems=(422,),
)
def offer_files(upload_id: str, body: FilesOffered) -> FilesStanding:
    """Ask how far files are; those that are new are expected from now on."""
    offers = [Offer(name, size, modified) for name, size, modified in body.files]
    found = uploads_or_404().offer(_upload(upload_id), offers)
    return FilesStanding(files=[_standing(one) for one in found])


@operation("GET", "/uploads/<upload_id>/files/<int:number>", tag=TAG, answers=OffsetAndSize, problems=(422,))
def upload_offset(upload_id: str, number: int) -> OffsetAndSize:
    """Ask how much of a file is here."""
    here, size = uploads_or_404().offset(_upload(upload_id), number)
    return OffsetAndSize(offset=here, size=size)


@operation(
    "PATCH",
    "/uploads/<upload_id>/files/<int:number>",
    tag=TAG,
    answers=Offset,
    headers=PartHeaders,
    raw=CHUNK_TYPE,
    problems=(409, 422),
)
def write_upload(upload_id: str, number: int, headers: PartHeaders) -> Offset | Response:
    """Send a part of a file, 4 MiB at most.

    What was answered by 200 is on the disk. 409 tells in `offset` where to go on.
    """
    if request.mimetype != CHUNK_TYPE:
        abort(415)
    found = _upload(upload_id)
    try:
        written = uploads_or_404().write(found, number, headers.offset, request.get_data(), headers.crc32)
    except WrongOffset as wrong:
        told = WrongOffsetTold(
            error=say("This part does not begin where the file ends."),
            code=Code.CONFLICT,
            offset=wrong.offset,
        )
        return Response(encode(told), 409, mimetype="application/json")
    return Offset(offset=written)


@operation("POST", "/uploads/<upload_id>/finish", tag=TAG, answers=Finished, problems=(422,))
def finish_upload(upload_id: str) -> Finished:
    """Say that all was sent: the box reads it from here on."""
    return Finished(files=uploads_or_404().finish(_upload(upload_id)))


@operation("DELETE", "/uploads/<upload_id>", tag=TAG, status=204, problems=(409,))
def cancel_upload(upload_id: str) -> None:
    """Throw away what came of an upload; 409 where all of it came already."""
    found = _upload(upload_id)
    if found.state == "sent":
        abort(409)
    uploads_or_404().remove(found)


@operation("GET", "/intake", tag=TAG, answers=IntakeTold)
def intake() -> IntakeTold:
    """What is being brought to the box, by card, by browser or in the drop folder, and what came last."""
    found = box().beyond.intake
    status = found.status() if found else None
    if status is None:
        return IntakeTold(at=None, now=[], last=[])
    return IntakeTold(
        at=status.at,
        now=[_bringing(one) for one in status.now],
        last=[_brought(one) for one in status.last],
    )


def _bringing(one: Bringing) -> BringingTold:
    return BringingTold(
        way=one.way, name=one.name, step=one.step, done=one.done, total=one.total, may_pull=one.may_pull
    )


def _brought(one: Brought) -> BroughtTold:
    return BroughtTold(
        way=one.way,
        name=one.name,
        ended_at=one.ended_at,
        outcome=one.outcome,
        sentence=in_words(one.sentence) if one.sentence else None,
        accepted=one.accepted,
        duplicates=one.duplicates,
        rejected=one.rejected,
        flights=list(one.flights),
        may_pull=one.may_pull,
    )


def uploads_or_404() -> Uploads:
    """What takes them in, if the box has that."""
    intake = box().beyond.intake
    if intake is None:
        abort(404)
    return intake.uploads


def mine(found: Uploads) -> Sequence[Upload]:
    """The uploads of whoever asks."""
    return [one for one in found.sessions() if one.user == _user()]


def _user() -> str:
    return str(current_user.name)


def _upload(upload_id: str) -> Upload:
    found = uploads_or_404().find(upload_id, _user())
    if found is None:
        abort(404)
    return found


def _told(one: Upload) -> UploadTold:
    reason = in_words(one.reason) if one.reason else None
    return UploadTold(id=one.id, field=one.field_name, state=one.state, reason=reason)


def _standing(one: Standing) -> FileStanding:
    refused = in_words(one.refused) if one.refused else None
    return FileStanding(number=one.number, offset=one.offset, refused=refused)
