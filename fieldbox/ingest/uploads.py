"""Uploads from a browser: files that come in chunks, and go on where they stopped.

    uploads/SESSION/session.json   whose it is, of which field, whether all was sent
                    offers.jsonl   one line for each file: name, size, time; its place in the list is its number
                    parts/N        the bytes so far
                    parts/N.log    one line for each chunk that is on the disk: where it ends, its CRC-32
                    files/NAME     whole

The protocol is that of tus 1.0 (https://tus.io/protocols/resumable-upload): ask for a file's offset, send the chunk
that begins there. A chunk's CRC-32 is compared before it is written; the chunk is on the disk (fsync) before its line
in the log is, and that before the sender hears of it. So what was acknowledged survives a pulled plug, and what was
not is sent again. When the last chunk is there, the file is read back and each chunk's CRC-32 compared again. From
then on it is protected as every file on a card: the intake copies it under a BLAKE3 digest and reads the copy back.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from fieldbox.domain import Offer, Standing, Upload
from fieldbox.errors import FieldboxError, Rejected, Unavailable, WrongOffset
from fieldbox.i18n import N_, Sentence
from fieldbox.ingest.paths import Names
from fieldbox.ingest.state import read_json, write_json
from fieldbox.wholefile import sync_folder

LARGEST_CHUNK = 4 << 20
MOST_FILES = 20_000
LARGEST_FILE = 1 << 40
MOST_SESSIONS = 50
_ID_BYTES = 12
_SECONDS_PER_DAY = 86_400.0


class Uploads:
    """All uploads of a box, in a folder. Every method may raise Unavailable if the disk is full or read-only."""

    def __init__(self, folder: Path, *, reserve_bytes: int) -> None:
        self._folder = folder
        self._reserve = reserve_bytes

    def create(self, user: str, field_name: str | None) -> Upload:
        """A new upload of `user`. Raises Rejected where too many are open already."""
        if len(self.sessions()) >= MOST_SESSIONS:
            raise Rejected(N_("Too many uploads are open: finish or cancel one of them first."))
        session = Upload(secrets.token_hex(_ID_BYTES), user, field_name)
        with _storing():
            for name in ("parts", "files"):
                (self._folder / session.id / name).mkdir(parents=True)
            self._save(session)
            sync_folder(self._folder)
        return session

    def find(self, session_id: str, user: str) -> Upload | None:
        """An upload of `user`; None if there is none."""
        session = self._read(session_id)
        return session if session and session.user == user else None

    def sessions(self) -> list[Upload]:
        """All uploads."""
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except OSError:
            return []
        return [session for name in names if (session := self._read(name))]

    def offer(self, session: Upload, offers: Sequence[Offer]) -> list[Standing]:
        """Tell of each file how far it is; new ones are noted. Raises Unavailable where the box lacks space.

        A file lies on the disk twice until the intake is done with it, so space is needed for that.
        """
        with self._alone(session):
            known = self._offers(session)
            told = _Offering(known)
            answers = [told.answer(offer) for offer in offers]
            self._require_space(2 * (sum(one.size for one in told.new) + self._missing(session, known)))
            with _storing(), self._path(session, "offers.jsonl").open("a", encoding="ascii") as file:
                file.writelines(json.dumps([one.name, one.size, one.modified]) + "\n" for one in told.new)
                file.flush()
                os.fsync(file.fileno())
            return [
                one if one.number is None else replace(one, offset=self._offset(session, one.number))
                for one in answers
            ]

    def offset(self, session: Upload, number: int) -> tuple[int, int]:
        """(bytes that are here, bytes in all) of a file. Raises Rejected if there is no such file."""
        offer = self._offered(session, number)
        return self._offset(session, number), offer.size

    def write(self, session: Upload, number: int, offset: int, chunk: bytes, crc: int) -> int:
        """Keep a chunk for good; the file's new offset. Raises WrongOffset, and Rejected for a damaged chunk."""
        if zlib.crc32(chunk) != crc:
            raise Rejected(N_("A part of the file was damaged on its way: it is sent again."))
        with self._alone(session):
            offer = self._offered(session, number)
            here = self._offset(session, number)
            if here != offset or (here == offer.size and chunk):
                raise WrongOffset(here)
            if offset + len(chunk) > offer.size:
                raise Rejected(N_("The file has grown since it was chosen: choose it again."))
            self._require_space(len(chunk))
            with _storing():
                self._append(session, number, offset, chunk, crc)
                if offset + len(chunk) == offer.size:
                    self._complete(session, number, offer)
        return offset + len(chunk)

    def finish(self, session: Upload) -> int:
        """All files were sent: hand the upload over to the intake; how many files. Raises Rejected if some are missing."""
        with self._alone(session):
            offers = self._offers(session)
            missing = sum(not self._file(session, one).is_file() for one in offers)
            if not offers:
                raise Rejected(N_("There is nothing in this upload: choose photos or a folder."))
            if missing:
                raise Rejected(
                    N_("{missing} of {count} files are not here yet: choose the same files again."),
                    missing=missing,
                    count=len(offers),
                )
            with _storing():
                _sync_tree(self._path(session, "files"))
                self._save(replace(session, state="sent"))
        return len(offers)

    def fail(self, session: Upload, reason: Sentence) -> None:
        """The intake cannot use it, and trying again would not help."""
        with _storing():
            self._save(replace(session, state="failed", reason=reason))

    def files(self, session: Upload) -> Path:
        """The folder with the whole files, as they were on the phone."""
        return self._path(session, "files")

    def remove(self, session: Upload) -> None:
        """Cancel it, or clear it away after the intake."""
        gone = self._folder / f".{session.id}"
        with suppress(OSError):  # renamed first: half an upload is never seen
            (self._folder / session.id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def clean(self, days: float) -> int:
        """Remove uploads that nobody went on with for `days`, but not those that wait for the intake; how many."""
        limit, removed = time.time() - days * _SECONDS_PER_DAY, 0
        for session in self.sessions():
            if session.state != "sent" and self._touched(session) < limit:
                self.remove(session)
                removed += 1
        for rest in self._folder.glob(".*"):
            shutil.rmtree(rest, ignore_errors=True)
        return removed

    def _path(self, session: Upload, name: str) -> Path:
        return self._folder / session.id / name

    def _read(self, session_id: str) -> Upload | None:
        if len(session_id) != 2 * _ID_BYTES or not set(session_id) <= set("0123456789abcdef"):
            return None
        raw = read_json(self._folder / session_id / "session.json")
        return _session(session_id, raw) if isinstance(raw, dict) else None

    def _save(self, session: Upload) -> None:
        reason = session.reason.to_json() if session.reason else None
        row = {
            "user": session.user,
            "field": session.field_name,
            "state": session.state,
            "reason": reason,
        }
        write_json(self._path(session, "session.json"), row)

    def _touched(self, session: Upload) -> float:
        """When a chunk or a file of it came last."""
        times = [0.0]
        for path in (self._folder / session.id, *(self._path(session, n) for n in ("parts", "files"))):
            with suppress(OSError):
                times.append(path.stat().st_mtime)
        for log in self._path(session, "parts").glob("*.log"):
            with suppress(OSError):
                times.append(log.stat().st_mtime)
        return max(times)

    @contextmanager
    def _alone(self, session: Upload) -> Iterator[None]:
        """One request after the other: two pages may go on with the same upload. Raises Rejected if it is closed."""
        try:
            descriptor = os.open(self._folder / session.id, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            _refuse_closed()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            kept = self._read(session.id)
            if kept is None or kept.state != "open":
                _refuse_closed()
            yield
        finally:
            os.close(descriptor)

    def _offers(self, session: Upload) -> list[Offer]:
        try:
            lines = self._path(session, "offers.jsonl").read_text("ascii").split("\n")[:-1]
        except (OSError, UnicodeDecodeError):
            return []
        offers = []
        for line in lines:
            with suppress(ValueError, TypeError):
                offers.append(Offer(*json.loads(line)))
        return offers

    def _offered(self, session: Upload, number: int) -> Offer:
        offers = self._offers(session)
        if not 0 <= number < len(offers):
            raise Rejected(N_("This file is not part of the upload: choose it again."))
        return offers[number]

    def _file(self, session: Upload, offer: Offer) -> Path:
        return self._path(session, "files") / offer.name

    def _offset(self, session: Upload, number: int) -> int:
        offer = self._offers(session)[number]
        return offer.size if self._file(session, offer).is_file() else self._log(session, number)[0]

    def _log(self, session: Upload, number: int) -> tuple[int, list[tuple[int, int]]]:
        """(bytes that are safe, (end, CRC-32) of each chunk); a line that a crash cut off does not count."""
        chunks: list[tuple[int, int]] = []
        with suppress(OSError):
            for line in self._path(session, f"parts/{number}.log").read_bytes().split(b"\n")[:-1]:
                words = line.split()
                if len(words) != 2 or not all(word.isdigit() for word in words):
                    break
                chunks.append((int(words[0]), int(words[1])))
        return (chunks[-1][0] if chunks else 0), chunks

    def _append(self, session: Upload, number: int, offset: int, chunk: bytes, crc: int) -> None:
        part, log = self._path(session, f"parts/{number}"), self._path(session, f"parts/{number}.log")
        new = not part.exists()
        with part.open("r+b" if not new else "x+b", buffering=0) as file:
            file.truncate(offset)  # what was not acknowledged is not there
            file.seek(offset)
            left = memoryview(chunk)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        safe = b"".join(b"%d %d\n" % one for one in self._log(session, number)[1])
        with log.open("r+b" if log.exists() else "x+b", buffering=0) as file:
            file.truncate(len(safe))
            file.seek(len(safe))
            file.write(b"%d %d\n" % (offset + len(chunk), crc))
            os.fsync(file.fileno())
        if new:
            sync_folder(part.parent)

    def _complete(self, session: Upload, number: int, offer: Offer) -> None:
        """Read the whole file back and give it its name. Raises Unavailable where the disk gives other bytes."""
        part, log = self._path(session, f"parts/{number}"), self._path(session, f"parts/{number}.log")
        if not _matches(part, self._log(session, number)[1]):
            part.unlink()
            log.unlink()
            raise Unavailable(N_("The box's disk gave back other bytes than were written: replace the disk."))
        target = self._file(session, offer)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.utime(part, ns=(offer.modified * 1_000_000,) * 2)
        part.rename(target)
        sync_folder(target.parent)
        log.unlink()

    def _missing(self, session: Upload, offers: Sequence[Offer]) -> int:
        """Bytes that are still to come of what was offered before."""
        return sum(one.size for one in offers if not self._file(session, one).is_file())

    def _require_space(self, needed: int) -> None:
        with _storing():
            disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < needed + self._reserve:
            raise Unavailable(N_("The box's disk is full: delete old surveys or connect a larger disk."))


class _Offering:
    """Gives each offered file its number."""

    def __init__(self, known: Sequence[Offer]) -> None:
        self._numbers = {offer: number for number, offer in enumerate(known)}
        self._names = Names(one.name for one in known)
        self.new: list[Offer] = []

    def answer(self, offer: Offer) -> Standing:
        if offer in self._numbers:
            return Standing(offer.name, self._numbers[offer], 0)
        refused = self._refusal(offer)
        if refused:
            return Standing(offer.name, None, 0, refused)
        number = self._numbers[offer] = len(self._numbers)
        self.new.append(offer)
        return Standing(offer.name, number, 0)

    def _refusal(self, offer: Offer) -> Sentence | None:
        try:
            if not 0 < offer.size <= LARGEST_FILE:
                raise Rejected(N_("The file is empty or far too large for a photo."))
            if len(self._numbers) >= MOST_FILES:
                raise Rejected(
                    N_("An upload has at most {most} files: send the others in a second one."),
                    most=MOST_FILES,
                )
            self._names.add(offer.name)
        except FieldboxError as error:
            return error.sentence
        return None


def _refuse_closed() -> NoReturn:
    raise Rejected(N_("This upload is closed: begin a new one."))


def _session(session_id: str, raw: dict[str, Any]) -> Upload:
    reason = Sentence.from_json(raw["reason"]) if raw.get("reason") else None
    return Upload(session_id, str(raw.get("user")), raw.get("field"), str(raw.get("state")), reason)


def _matches(part: Path, chunks: Sequence[tuple[int, int]]) -> bool:
    """Whether the disk holds what was sent."""
    at = 0
    with part.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for end, crc in chunks:
            data = bytearray()
            while len(data) < end - at and (block := file.read(end - at - len(data))):
                data += block
            if len(data) != end - at or zlib.crc32(data) != crc:
                return False
            at = end
        return not file.read(1)


def _sync_tree(folder: Path) -> None:
    for path, _folders, _files in os.walk(folder):
        sync_folder(Path(path))


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            N_("The box cannot write to its disk ({detail}): check the disk and its rights."),
            detail=error.strerror or type(error).__name__,
        ) from error
