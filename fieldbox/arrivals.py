"""What comes in on a card or in a folder: photos onto the box, grouped into flights, each over a field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fieldbox import inspecting
from fieldbox.apart import shared
from fieldbox.config import Config
from fieldbox.domain import FileKind, FileState, Flight, Original, Rejection
from fieldbox.errors import Rejected
from fieldbox.films import tells_place
from fieldbox.i18n import N_
from fieldbox.imagery.kinds import kind_of
from fieldbox.ingest.copy import Shelf, original_path
from fieldbox.ingest.intake import Handlers
from fieldbox.ingest.intake import take_in as copy_all
from fieldbox.ingest.scan import as_text
from fieldbox.lists import ByHand, Lists, Offered, TakenList, beside, by_hand
from fieldbox.receiving import Receiver
from fieldbox.retention import Keeper
from fieldbox.sorties import Cutting, flights_of, spoken_of
from fieldbox.storage.rows import JobState
from fieldbox.storage.store import Store

LONGEST_NAME = 80
READERS = 2
"""Processes that read what has been copied, as the box has cores."""
LIVE = {JobState.WAITING, JobState.RUNNING}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Arrival:
    """What came of taking in one card or folder."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]
    flights: tuple[Flight, ...]
    """As they are given (`fieldbox.given`): of the photos, and of those that a list speaks of."""
    ingest_id: int
    lists: tuple[TakenList, ...] = ()


def take_in(
    path: Path,
    config: Config,
    store: Store,
    progress: Progress,
    *,
    field_name: str | None = None,
    crop: str | None = None,
    lists: ByHand | None = None,
    only: Collection[str] | None = None,
) -> Arrival:
    """Copy the photos of `path` onto the box and group them into flights, each over a field.

    `field_name` names that field and `crop` what grows on it; without, both are as the box knows them. `lists` of
    positions and control points are kept beside those that `path` itself holds. `only` names the files that are taken, as
    paths relative to `path`; None: all of them.

    Raises Rejected where there is nothing to take in, Unavailable where the box cannot store more.
    """
    lists = lists or ByHand()
    offered = by_hand(lists)  # before anything is copied: a wrong name is told at once
    field_name, crop = _clean_name(field_name), _clean_name(crop)
    with _ingest(store, as_text(path.resolve())) as ingest_id:
        if lists.bands:
            store.tell_bands(ingest_id, lists.bands)
        receiver = _receiver(config, store, ingest_id, partial(progress, "read"))
        with receiver:
            try:
                copy_all(path, _shelf(config, store), _handlers(receiver, partial(progress, "copy"), only))
            except BaseException:
                receiver.progress = partial(progress, "rest")  # the card is not done with
                raise
            finally:
                receiver.read_left()  # also what came before the card was pulled out, or the disk was full
            return _arrive(receiver, config, offered, Told(field_name, crop, lists.system))


def resume(config: Config, store: Store, progress: Progress, *, only_gone: bool = False) -> Iterator[Arrival]:
    """Bring ingests to their end that were cut off, from what the box has copied: the card may be gone. With `only_gone` it has
    to be: what is still there is given again, and then whole.

    Those that another process works on are left to it. Raises Unavailable where the box cannot store more.
    """
    for one in store.ingests():
        if one.ended_at is None and not (only_gone and Path(one.source).exists()):
            with store.ingest_lock(one.id) as mine:
                if mine:
                    with _receiver(config, store, one.id, partial(progress, "read")) as receiver:
                        receiver.take_up()
                        yield _arrive(receiver, config, (), Told(None, None, None))


@contextmanager
def _ingest(store: Store, source: str) -> Iterator[int]:
    """A new ingest of a source, or the last one if it was cut off; while the block runs nobody else works on it."""
    unfinished = _unfinished(store, source)
    if unfinished is not None:
        with store.ingest_lock(unfinished) as mine:
            if mine:
                store.reopen_ingest(unfinished)  # else nobody would go on with it if it is cut off once more
                yield unfinished
                return
    ingest_id = store.begin_ingest(source)
    with store.ingest_lock(ingest_id):
        yield ingest_id


def _receiver(config: Config, store: Store, ingest_id: int, progress: Callable[[int, int], None]) -> Receiver:
    processes = max(1, min(config.threads, READERS))
    return Receiver(
        store,
        ingest_id,
        config.storage.root / "originals",
        shared(inspecting.TASK, processes),
        processes,
        {rejection.name for rejection in store.rejections(ingest_id=ingest_id)},
        progress,
        store.told_bands(ingest_id),
    )


def _shelf(config: Config, store: Store) -> Shelf:
    root, reserve = config.storage.root, config.storage.reserve_mb * 2**20
    return Shelf(root / "originals", root / "tmp", reserve, Keeper(config, store).make_room)


def _handlers(
    receiver: Receiver, progress: Callable[[int, int], None], only: Collection[str] | None
) -> Handlers:
    return Handlers(
        kind_of,
        receiver.on_copies,
        receiver.on_rejection,
        progress,
        receiver.store.has_size,
        receiver.store.is_lost,
        partial(receiver.store.expect_file, receiver.ingest_id),
        (lambda _name: True) if only is None else frozenset(only).__contains__,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody said of what they gave."""

    field_name: str | None
    crop: str | None
    system: str | None
    """Projection of the coordinates in lists that name none."""


def _arrive(receiver: Receiver, config: Config, offered: Sequence[Offered], told: Told) -> Arrival:
    """Exposures, lists and flights of what was given, all of which is on the box now."""
    receiver.join_bands(shared(inspecting.PANEL_TASK, 1).call)
    receiver.join_rasters()
    receiver.join_films()
    store, ingest_id, given = receiver.store, receiver.ingest_id, receiver.given
    names = {one.digest: one.name for one in reversed(given)}
    with store.grouping_lock():  # two cards at once must not make the same field
        captures = store.captures(store.captures_made_of(dict.fromkeys(one.digest for one in given)))
        keeper = Lists(
            store, ingest_id, {one.digest: names.get(one.digest, one.name) for one in captures}, told.system
        )
        kept_lists = _keep_lists(keeper, receiver, offered)
        new = {one.digest for one in store.captures_of_ingest(ingest_id)}
        cutting = Cutting({one.digest for one in given}, receiver.bands)
        flights = tuple(flights_of(store, captures, config, told.field_name, ingest_id, cutting))
        flights += tuple(spoken_of(store, kept_lists, flights, config, told.field_name))
        if told.crop is not None:
            for field_id in sorted({one.field_id for one in flights if one.field_id is not None}):
                store.update_field(field_id, crop=told.crop)
    # Counted from the database: photos that this ingest brought before it was cut off are no duplicates.
    accepted = len(new & {one.digest for one in captures})
    duplicates = (
        len(captures) - accepted + _given_twice(given, names.keys() & {one.digest for one in captures})
    )
    store.end_ingest(ingest_id, duplicates)
    return Arrival(accepted, duplicates, tuple(receiver.rejected), flights, ingest_id, kept_lists)


def _given_twice(given: Sequence[Original], photos: Collection[str]) -> int:
    """Photos that lay on the card under another name as well."""
    return sum(one.digest in photos for one in given) - len(photos)


def _keep_lists(keeper: Lists, receiver: Receiver, offered: Sequence[Offered]) -> tuple[TakenList, ...]:
    """What is kept of the lists; what is none is rejected. Later ones count more: those that somebody named come last."""
    every = [one for one in receiver.given if one.kind is FileKind.TEXT]
    texts = [one for one in every if not tells_place(one.name)]
    receiver.store.settle_files((one.digest for one in every if tells_place(one.name)), FileState.TAKEN)
    taken = [_tried(keeper, receiver, one) for one in texts] + [keeper.take(one) for one in offered]
    for one in taken:
        if isinstance(one, Rejection):
            receiver.on_rejection(one)
    return tuple(one for one in taken if isinstance(one, TakenList))


def _tried(keeper: Lists, receiver: Receiver, text: Original) -> TakenList | Rejection:
    try:
        taken = keeper.take(beside(original_path(receiver.originals, text.digest, text.kind), text.name))
    except Rejected as unreadable:
        taken = Rejection(text.name, unreadable.sentence)
    state = FileState.TAKEN if isinstance(taken, TakenList) else FileState.REFUSED
    receiver.store.settle_files([text.digest], state)
    return taken


def _clean_name(name: str | None) -> str | None:
    """A field's or a crop's name on one line, with single spaces. Raises Rejected for none, or too long a one."""
    if name is None:
        return None
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(clean) <= LONGEST_NAME:
        raise Rejected(
            N_("The name of a field or a crop has 1 to {longest} characters."), longest=LONGEST_NAME
        )
    return clean


def _unfinished(store: Store, source: str) -> int | None:
    """The newest ingest of the same source, if it was cut off before its photos were mapped: it goes on."""
    newest = next((one for one in store.ingests() if one.source == source), None)
    if newest and (newest.ended_at is None or _is_waited_for(store, newest.id)):
        return newest.id
    return None


def _is_waited_for(store: Store, ingest_id: int) -> bool:
    """Whether the map of a flight that this ingest brought is still to come."""
    brought = {store.flight_of_capture(one.digest) for one in store.captures_of_ingest(ingest_id)}
    flights = [row for row in store.flights() if row.id in brought and row.field_id is not None]
    return any(row.job is None or row.job.state in LIVE for row in flights)
