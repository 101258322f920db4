"""The intake: what is put into the drop folder, sent from a browser or plugged in comes onto the box by itself.

It looks every few seconds, and does not wait for the kernel to tell of changes: over SMB and NFS nothing is told, and a
file counts as whole only when it was seen unchanged twice anyway. One thing is taken in after the other, cards first:
somebody waits beside them.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from fieldbox.arrivals import Arrival, take_in
from fieldbox.config import Config
from fieldbox.domain import Bringing, Brought, Came, Upload, Way
from fieldbox.errors import FieldboxError, Misconfigured, Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.ingest.drop import LOOSE, Settling, Stamp, Taken, is_temporary, look
from fieldbox.ingest.scan import Empty, as_text
from fieldbox.ingest.state import read_json
from fieldbox.ingest.status import Board
from fieldbox.ingest.uploads import Uploads
from fieldbox.services.box import open_store
from fieldbox.services.cards import STATES
from fieldbox.services.notify import notify
from fieldbox.services.queueing import go_on, queue
from fieldbox.services.running import running_as
from fieldbox.services.testflight import Pilot
from fieldbox.storage.store import Store

log = structlog.get_logger()

LOOK_S = 2.0
FIRST_RETRY_S, LAST_RETRY_S = 30.0, 3600.0
CLEAN_S = 24 * 3600.0
BEAT_S = 20.0
"""Between the signs of life of an intake that is at work."""
LONGEST_STEP_S = 3 * 3600.0
"""One file may take two hours (`inspecting.LONGEST_S`): an intake that has got no further for longer than this hangs."""


@dataclass(frozen=True, slots=True)
class Gift:
    """Something to take in."""

    way: Way
    id: str
    """The same as long as it is the same thing: a card that was pulled out and plugged in again is another one."""
    name: str
    path: Path
    only: Collection[str] | None = None
    field_name: str | None = None


class Doors:
    """All ways in of one box. `is_card` tells whether a folder below the cards' is a card that can be read."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        clock: Callable[[], float] = time.monotonic,
        is_card: Callable[[Path], bool] = os.path.ismount,
        beat_s: float = BEAT_S,
    ) -> None:
        self._config, self._store, self._clock, self._is_card = config, store, clock, is_card
        root = config.storage.root
        self._drop = config.drop_folder
        self._settling = Settling(config.ingest.settle_seconds)
        self._taken = Taken(root / "drop.json")
        self._uploads = uploads_of(config)
        self._retries = _Retries(clock)
        self._cards: dict[Path, str] = {}
        """Cards that were taken in and are still there."""
        self._cleaned = -CLEAN_S
        self._beat_s, self._went_on_at = beat_s, clock()
        self.board = Board(root, clock)
        self._told = {one.id for one in self.board.last}
        """Cards that cannot be read, by what was said of them."""

    def look(self) -> int:
        """Take in what is there and whole; how many things were."""
        self._make_drop()
        self._tell_refused()
        count = 0
        for gift in self._there():
            count += 1
            self._bring(gift)
        if self._clock() - self._cleaned >= CLEAN_S:
            self._cleaned = self._clock()
            self._uploads.clean(self._config.ingest.upload_days)
        self.board.beat()
        return count

    def take_up(self) -> None:
        """Bring to its end what an intake that was stopped or killed had copied, and whose card is gone."""
        self._went_on_at = self._clock()
        with self._beating():
            go_on(self._config, self._store, only_gone=True)

    def _there(self) -> Iterator[Gift]:
        for gifts in (self._plugged_in, self._sent, self._dropped):
            for gift in gifts():
                if self._retries.is_due(gift.id):
                    yield gift

    def _plugged_in(self) -> Iterator[Gift]:
        folder = self._config.ingest.cards_folder
        there = {path: _mount_id(path) for path in _folders(folder) if self._is_card(path)}
        self._cards = {path: mount for path, mount in self._cards.items() if there.get(path) == mount}
        for path, mount in there.items():
            if path not in self._cards:
                yield Gift(Way.CARD, f"card {mount}", _card_name(path), path)

    def _sent(self) -> Iterator[Gift]:
        for one in self._uploads.sessions():
            if one.state == "sent":
                path = self._uploads.files(one)
                yield Gift(Way.UPLOAD, f"upload {one.id}", one.user, path, field_name=one.field_name)

    def _dropped(self) -> Iterator[Gift]:
        groups = look(self._drop)
        for name in self._settling.see(groups, self._clock()):
            if self._taken.is_new(groups[name]):
                path = self._drop / name if name else self._drop
                only = [_within(file, name) for file in groups[name] if not is_temporary(file)]
                yield Gift(Way.DROP, f"drop {name}", as_text(name), path, only)
                self._note(groups, name)

    def _note(self, groups: dict[str, dict[str, Stamp]], name: str) -> None:
        """Back from taking it in: unless it is to be tried again, it is done with."""
        if not self._retries.is_waiting(f"drop {name}"):
            with suppress(OSError):
                self._taken.keep(groups[name], [file for listing in groups.values() for file in listing])

    def _bring(self, gift: Gift) -> None:
        log.info("takes in", way=gift.way.value, name=gift.name)
        try:
            arrival = self._take_in(gift)
        except FieldboxError as error:
            self._failed(gift, error.sentence, retry=error.retry_helps)
        except Exception as error:
            log.exception("fault while taking in", way=gift.way.value, name=gift.name)
            reason = N_("A fault of fieldbox stopped this ({what}); please report it.")
            self._failed(gift, Sentence(reason, {"what": repr(error)}), retry=False)
        else:
            self._came(gift, arrival)

    @contextmanager
    def _beating(self) -> Iterator[None]:
        """Show that the intake lives while the block runs: the dashboard and systemd do not wait as long as a large file, or
        finding which way the photos of a flight look, may take."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(self._beat_s) and self._clock() - self._went_on_at < LONGEST_STEP_S:
                notify("WATCHDOG=1")
                self.board.beat()

        beating = threading.Thread(target=beat, daemon=True)
        beating.start()
        try:
            yield
        finally:
            done.set()
            beating.join()

    def _take_in(self, gift: Gift) -> Arrival:
        with self._beating():
            return self._taken_in(gift)

    def _taken_in(self, gift: Gift) -> Arrival:
        def progress(step: str, done: int, total: int) -> None:
            self._went_on_at = self._clock()
            safe = step == "read"  # every file is copied and noted
            self.board.show(Bringing(gift.way, gift.name, gift.id, step, done, total, may_pull=safe))

        progress("copy", 0, 0)
        try:
            arrival = take_in(
                gift.path, self._config, self._store, progress, field_name=gift.field_name, only=gift.only
            )
        except Empty as empty:  # it names a folder that nobody knows
            raise _nothing() from empty
        queue(self._config, self._store, arrival)
        if not arrival.flights and not arrival.rejected and not arrival.lists:
            raise _nothing()
        return arrival

    def _came(self, gift: Gift, arrival: Arrival) -> None:
        self._retries.forget(gift.id)
        outcome = Came.DONE
        if arrival.rejected:
            outcome = Came.PARTLY if arrival.flights else Came.REFUSED
        reason = arrival.rejected[0].reason if arrival.rejected else None
        flights = tuple(one.id for one in arrival.flights)
        counts = (arrival.accepted, arrival.duplicates, len(arrival.rejected))
        now = datetime.now(UTC)
        self.board.add(Brought(gift.way, gift.name, gift.id, now, outcome, reason, *counts, flights))
        self._done_with(gift)

    def _failed(self, gift: Gift, reason: Sentence, *, retry: bool) -> None:
        log.warning("not taken in", way=gift.way.value, name=gift.name, reason=str(reason), retry=retry)
        outcome = Came.WAITING if retry else Came.REFUSED
        self.board.add(
            Brought(gift.way, gift.name, gift.id, datetime.now(UTC), outcome, reason, may_pull=not retry)
        )
        if retry:
            self._retries.later(gift.id)
        else:
            self._retries.forget(gift.id)
            self._done_with(gift, refused=reason)

    def _done_with(self, gift: Gift, refused: Sentence | None = None) -> None:
        if gift.way is Way.CARD:
            self._cards[gift.path] = gift.id.removeprefix("card ")
        elif gift.way is Way.UPLOAD:
            session = self._session(gift)
            if session and refused:
                self._uploads.fail(session, refused)
            elif session:
                self._uploads.remove(session)

    def _session(self, gift: Gift) -> Upload | None:
        return self._uploads.find(gift.id.removeprefix("upload "), gift.name)

    def _tell_refused(self) -> None:
        """Cards that the box cannot read, each once."""
        folder = self._config.ingest.cards_folder
        for file in sorted(folder.glob(f"*{STATES}")) if folder.is_dir() else ():
            told = read_json(file)
            if not isinstance(told, dict) or told.get("state") != "refused":
                continue
            key = f"card {file.name} {told.get('at')}"
            if key not in self._told:
                self._told.add(key)
                sentence = Sentence.from_json(json.dumps(told.get("sentence")))
                name = str(told.get("label") or file.stem)
                now = datetime.now(UTC)
                self.board.add(Brought(Way.CARD, name, key, now, Came.REFUSED, sentence))

    def _make_drop(self) -> None:
        try:
            self._drop.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                N_(
                    "The drop folder {folder} cannot be made ({why}): set ingest.drop_folder to one of yours."
                ),
                folder=str(self._drop),
                why=error.strerror or "?",
            ) from error


def _nothing() -> Rejected:
    return Rejected(N_("There are no photos here: give the folder that holds the drone's JPEG files."))


class _Retries:
    """What is tried again, later and later."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[str, tuple[float, float]] = {}
        """When, and after how long a pause."""

    def is_due(self, id_: str) -> bool:
        return id_ not in self._due or self._clock() >= self._due[id_][0]

    def is_waiting(self, id_: str) -> bool:
        return id_ in self._due

    def later(self, id_: str) -> None:
        pause = min(2 * self._due[id_][1], LAST_RETRY_S) if id_ in self._due else FIRST_RETRY_S
        self._due[id_] = (self._clock() + pause, pause)

    def forget(self, id_: str) -> None:
        self._due.pop(id_, None)


def uploads_of(config: Config) -> Uploads:
    """The uploads of a box, for the process that receives them and the one that takes them in."""
    reserve = config.storage.reserve_mb * 2**20
    return Uploads(config.storage.root / "uploads", reserve_bytes=reserve)


def serve(config: Config) -> None:
    """Take in what comes until SIGTERM or SIGINT; what is cut off goes on at the next start."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: _leave(stop))
    with open_store(config) as store, running_as(config, "intake"):
        doors, pilot = Doors(config, store), Pilot(config, store)
        doors.board.write()
        notify("READY=1")
        log.info("waits for photos", drop=str(config.drop_folder), cards=str(config.ingest.cards_folder))
        with suppress(_Leaving):
            doors.look()  # before what is left: somebody waits beside a card
            doors.take_up()
            while not stop.is_set():
                doors.look()
                pilot.look()
                notify("WATCHDOG=1")
                stop.wait(min(LOOK_S, config.ingest.settle_seconds / 2))
        notify("STOPPING=1")


class _Leaving(BaseException):
    """Asked to stop while something is taken in: every file is safe or not there, so that it can stop anywhere."""


def _leave(stop: threading.Event) -> None:
    if stop.is_set():
        return
    stop.set()
    raise _Leaving


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _mount_id(path: Path) -> str:
    """Another one after a card was pulled out and plugged in again, even if its device has the same number."""
    with suppress(OSError):
        told = path.stat()
        state = read_json(path.with_name(path.name + STATES))
        at = state.get("at") if isinstance(state, dict) else ""
        return f"{path.name} {told.st_dev} {at}"
    return f"{path.name} gone"


def _card_name(path: Path) -> str:
    state = read_json(path.with_name(path.name + STATES))
    label = state.get("label") if isinstance(state, dict) else None
    return as_text(str(label or path.name))


def _within(file: str, group: str) -> str:
    return as_text(file.removeprefix(f"{group}/") if group != LOOSE else file)
