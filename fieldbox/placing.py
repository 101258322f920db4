"""Where the photos of a flight are: aligned once, and kept; the field's boundary follows what was flown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from fieldbox.aligning import (
    Alignment,
    Search,
    Searched,
    SearchedOf,
    align_points,
    alignment_key,
    as_told,
    searches,
)
from fieldbox.alignmentfile import alignment_file, read_alignment, write_alignment
from fieldbox.config import Config
from fieldbox.domain import HOPELESS, Field, Flight, Placement, hangs_together
from fieldbox.errors import Rejected
from fieldbox.geometry import geometries_of, is_mosaic
from fieldbox.georef.controlled import control_in_frame
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import Given, given_for
from fieldbox.i18n import N_
from fieldbox.imagery.glance import worth_of
from fieldbox.ingest.fields import hull
from fieldbox.looking import UnusablePhoto, decoded
from fieldbox.making import Maker, Unmade
from fieldbox.mapping.files import replacing
from fieldbox.memory import give_back
from fieldbox.ordered import in_order
from fieldbox.pictures import picture_path
from fieldbox.quality import footprint_of, placements_of
from fieldbox.storage.store import Store
from fieldbox.task import Flown

NOTHING_PLACED = N_("No photo of this flight could be placed, so there is nothing to map.")

Progress = Callable[[str, int, int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Cancelled(Exception):
    """The worker is being stopped; what is committed stays and the rest is done at the next start."""


class Placer:
    """Puts flights of the store on the map. What it finds of each photo is on the disk as soon as it is there."""

    def __init__(self, config: Config, store: Store, cancelled: Callable[[], bool]) -> None:
        self._config, self._store, self._cancelled = config, store, cancelled
        self._root = config.storage.root
        self._maker = Maker(self._root, config.threads, config.multispectral.albedo)

    def given(self, flight_id: str) -> Given:
        """A flight with the best that was told of its photos. Raises Rejected if there is none."""
        flight = self._store.flight(flight_id)
        if flight is None:
            raise Rejected(NOTHING_PLACED)
        return given_for(self._store, flight)

    def flown(self, given: Given, progress: Progress) -> Flown:
        """The flight aligned, over its field as that is now. Raises Rejected if no photo has a place."""
        flight = given.flight
        field = self._store.field(flight.field_id) if flight.field_id is not None else None
        if field is None:
            raise Rejected(NOTHING_PLACED)
        try:
            developed = self._maker.ensure(flight.captures, partial(progress, "make"))
        except Unmade as unmade:
            raise UnusablePhoto(unmade.digest, unmade.sentence) from unmade
        alignment, key = self._align(given, progress)
        placed = placements_of(alignment)
        return Flown(given, self._followed(field, flight, placed), alignment, key, placed, developed)

    def side_by_side(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Each item with its result, in order. Raises Cancelled when the worker is to stop."""
        with closing(in_order(self._config.threads, work, items)) as results:
            for one in results:
                if self._cancelled():
                    raise Cancelled
                yield one

    def forget_points(self, flight_id: str) -> None:
        """Remove what was found in single photos: their alignment is kept."""
        shutil.rmtree(self._points_folder(flight_id), ignore_errors=True)

    def forget_alignments(self) -> None:
        """Remove alignments that no survey was made with: of flights that have grown, of lists that came later."""
        needed = {
            alignment_file(self._root, one.quality.alignment).name
            for one in self._store.surveys()
            if one.quality
        }
        for path in (self._root / "alignments").glob("*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)  # left by a kill
            elif path.name not in needed:
                path.unlink(missing_ok=True)

    def _align(self, given: Given, progress: Progress) -> tuple[Alignment, str]:
        """The photos as their pixels put them, and the key of that: kept, so that it is worked out once."""
        captures = given.flight.captures
        told = geometries_of(captures)
        if not told:
            raise Rejected(NOTHING_PLACED)
        taken_at = {one.digest: one.taken_at for one in captures}
        key = alignment_key(told, taken_at, given.control_key)
        path = alignment_file(self._root, key)
        if is_mosaic(captures):
            return as_told(told, taken_at), key
        found = read_alignment(path, told, taken_at)
        if found is None:
            searched = self._searched(given.flight.id, told, progress)
            control = given.control
            found = align_points(
                told,
                taken_at,
                searched,
                threads=self._config.threads,
                control=(lambda frame: control_in_frame(control, list(told), frame)) if control else None,
            )
            write_alignment(found, path)
            give_back()  # points and pairs of a large flight are several hundred megabytes
            self.forget_points(given.flight.id)
        return found, key

    def _searched(self, flight_id: str, told: Mapping[str, PhotoGeometry], progress: Progress) -> SearchedOf:
        """Search each photo for points; what is found is on the disk, photo by photo, until the survey is there."""
        folder = self._points_folder(flight_id)
        wanted = searches(told.values())
        files = {one.digest: folder / one.name for one in wanted}
        todo = [one for one in wanted if not _is_searched(files[one.digest])]
        progress("align", len(told) - len(todo), len(told))

        def search(one: Search) -> bytes:
            return one.made(decoded(one.digest, self._read, one.reduction)).to_bytes()

        for number, (one, found) in enumerate(self.side_by_side(search, todo), start=1):
            with replacing(files[one.digest], lasting=False) as target:
                target.write_bytes(found)
            progress("align", len(told) - len(todo) + number, len(told))
        return lambda digest: Searched.from_bytes(files[digest].read_bytes())

    def _points_folder(self, flight_id: str) -> Path:
        return self._root / "work" / f"points-{flight_id}"

    def _read(self, digest: str) -> bytes:
        return picture_path(self._root, digest).read_bytes()

    def _followed(self, field: Field, flight: Flight, placed: Sequence[Placement]) -> Field:
        """A field whose boundary nobody drew follows what was flown, as the alignments put it."""
        if field.drawn:
            return field
        boundary = hull(tuple(self._shown(field, flight.id, placed)))
        if boundary == field.boundary:
            return field
        return self._store.update_field(field.id, boundary=boundary, drawn=False)

    def _shown(
        self, field: Field, flight_id: str, placed: Sequence[Placement]
    ) -> Iterator[tuple[float, float]]:
        """Corners (lon, lat) of all photos over a field: of this flight as placed, of others by their last surveys."""
        aligned = [one for one in placed if one.block is not None]
        # A photo that is not where it seems to be makes no land.
        for one in aligned if hangs_together(len(aligned), len(placed)) else placed:
            yield from one.footprint
        for other in self._store.flights(field.id):
            if other.id != flight_id:
                yield from self._outline(other.id)

    def _outline(self, flight_id: str) -> Iterator[tuple[float, float]]:
        survey = next(iter(self._store.surveys(flight_id=flight_id)), None)
        known = self._store.placements(survey.id) if survey else []
        if known:
            for one in known:
                yield from one.footprint
            return
        flight = self._store.flight(flight_id)
        if flight is None:  # deleted meanwhile
            return
        for photo in geometries_of(given_for(self._store, flight).flight.captures).values():
            yield from footprint_of(photo)


def worth_of_photos(alignment: Alignment) -> dict[str, float]:
    """How much worse than the flight's usual each photo is for looking at: blurred, badly exposed, or out of place.

    Where the flight hangs together, a photo that does not belong to it would show plants twice or not at all: its
    ground is left to the others where they see it.
    """
    worth = worth_of(alignment.glances)
    kept = alignment.kept
    if hangs_together(len(alignment.geometries) - len(kept), len(alignment.geometries)):
        worth |= dict.fromkeys(kept, HOPELESS)
    return worth


def _is_searched(file: Path) -> bool:
    """Whether a photo's points are on the disk, whole."""
    try:
        Searched.from_bytes(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
