"""Lists of positions and of control points among what comes in: recognised, tied to their photos, and kept.

`gcp_list.txt`, `geo.txt` and `*.MRK` are lists by their names; any other small text is one if it says something of
photos. A list that comes with photos is about these. One that comes alone is about the photos of the box that have
its names, where their GPS does not contradict it; where two flights have them, nothing is guessed.

Why a list is not used is kept with the photos that it names or, where it cannot be read, with those it came with: their
flight may have been mapped long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path, PurePosixPath

from blake3 import blake3

from fieldbox.domain import Flight, Rejection, SideFile, SideKind
from fieldbox.errors import Rejected
from fieldbox.georef.control import FILE_NAME as CONTROL_NAME
from fieldbox.georef.crs import map_system
from fieldbox.georef.mrk import SUFFIX as MRK_SUFFIX
from fieldbox.georef.positions import FILE_NAME as POSITIONS_NAME
from fieldbox.georef.positions import looks_like_list
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.kinds import MAX_TEXT_BYTES, no_picture
from fieldbox.ingest.scan import as_text
from fieldbox.listed import disagreement, named_in, read_list
from fieldbox.storage.store import Store

MAX_SAID = 20
"""Lines of a list whose faults are told one by one."""
NO_PHOTO_NAMED = Sentence(
    N_(
        "The list names no photo that came with it or that the box has: give it together with its photos, under"
        " the names that it uses."
    )
)
SEVERAL_FLIGHTS = Sentence(
    N_("Several flights have photos with the names in this list: give it together with its photos.")
)


@dataclass(frozen=True, slots=True)
class ByHand:
    """Lists that somebody named, wherever they lie, and what else they said."""

    positions: tuple[Path, ...] = ()
    control: tuple[Path, ...] = ()
    system: str | None = None
    """Projection of the coordinates of lists that name none themselves."""
    bands: tuple[str, ...] = ()
    """What those of an orthomosaic are, in their order (of `domain.BANDS`); (): as it says itself."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that may be a list."""

    name: str
    data: bytes
    kinds: tuple[SideKind, ...]
    """What it may be, the likeliest first."""
    otherwise: Sentence | None
    """What to say if it is no list; None: it is meant to be one."""
    folder: PurePosixPath | None
    """Where it lies among the photos; None: somewhere else."""


@dataclass(frozen=True, slots=True)
class TakenList:
    """A list that the box keeps."""

    name: str
    kind: SideKind
    photos: frozenset[str]
    """Digests of those that it says something of."""
    fresh: bool
    """False: the box knew all of it."""
    problems: tuple[Sentence, ...]
    """Lines that are not used, and weaknesses of the whole."""


def by_hand(given: ByHand) -> list[Offered]:
    """The lists that somebody named. Raises Rejected where one cannot be read, or the projection is unknown."""
    if given.system is not None:
        map_system(given.system)
    positions = [
        (path, SideKind.MRK if path.suffix.upper() == MRK_SUFFIX else SideKind.POSITIONS)
        for path in given.positions
    ]
    control = [(path, SideKind.CONTROL) for path in given.control]
    return [
        Offered(as_text(path), _bytes(path), (kind,), None, None) for path, kind in (*positions, *control)
    ]


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Rejected(N_("{path} is no file: give the list itself."), path=as_text(path))
        with path.open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise Rejected(
            N_("{path} cannot be read ({detail}): check the card and its rights."),
            path=as_text(path),
            detail=error.strerror or type(error).__name__,
        ) from error
    if len(data) > MAX_TEXT_BYTES:
        raise Rejected(
            N_("{path} is larger than {limit} MB, which no list of positions is: give the list alone."),
            path=as_text(path),
            limit=MAX_TEXT_BYTES // 1_000_000,
        )
    return data


def beside(path: Path, name: str) -> Offered:
    """A text file that lay among the photos as `name`. Raises Rejected where it cannot be read."""
    given, data = PurePosixPath(name), _bytes(path)
    kinds, otherwise = _kinds(given.name), None
    if kinds is None:
        kinds, otherwise = (SideKind.POSITIONS, SideKind.CONTROL), no_picture(data)
    return Offered(name, data, kinds, otherwise, given.parent)


def _kinds(name: str) -> tuple[SideKind, ...] | None:
    """What a file must be by its name."""
    if name.upper().endswith(MRK_SUFFIX):
        return (SideKind.MRK,)
    known = {CONTROL_NAME: SideKind.CONTROL, POSITIONS_NAME: SideKind.POSITIONS}
    kind = known.get(name.lower())
    return None if kind is None else (kind,)


PhotosFor = Callable[[SideFile, PurePosixPath | None], dict[str, str]]
"""The photos that a list in a folder may mean: digests with names."""


class Lists:
    """Ties lists to photos: to those that came along (their names by digest), or else to those of the box."""

    def __init__(
        self, store: Store, ingest_id: int, names: Mapping[str, str], system: str | None = None
    ) -> None:
        self._store, self._ingest_id, self._system = store, ingest_id, system
        self._names = names
        self._flights: tuple[Flight, ...] | None = None
        self._about: set[str] = set()
        """Photos of the box that the list at hand names."""

    def take(self, offered: Offered) -> TakenList | Rejection:
        """Keep a list, or say why it is none."""
        refusal: Sentence | None = None
        self._about = set()
        for kind, photos_for in product(offered.kinds, self._sources(offered)):
            try:
                taken = self._keep(self._file(offered, kind), offered, photos_for)
            except Rejected as error:
                refusal = refusal or error.sentence
                continue
            if taken is not None:
                return taken
        if offered.otherwise is not None and not looks_like_list(offered.data):
            return Rejection(offered.name, offered.otherwise)
        refused = Rejection(offered.name, refusal or NO_PHOTO_NAMED)
        about = self._about or _near(offered.kinds[0], offered.folder, self._names)
        self._store.refuse_list(refused, about, ingest_id=self._ingest_id)
        return refused

    def _sources(self, offered: Offered) -> list[PhotosFor]:
        """Where to look for a list's photos: a file that only may be one is not held against the whole box."""
        sources: list[PhotosFor] = [self._of_this_ingest] if self._names else []
        if not self._names or offered.otherwise is None:
            sources.append(self._of_the_box)
        return sources

    def _keep(self, file: SideFile, offered: Offered, photos_for: PhotosFor) -> TakenList | None:
        """None: the list says nothing of any photo. Raises Rejected where it cannot be read."""
        file = replace(file, photos=photos_for(file, offered.folder))
        captures = self._store.captures(file.photos)
        read = read_list(file, captures)
        named = named_in(file, read)
        if not named:
            return None
        # A card that is plugged in once more does not take back what somebody gave since.
        latest = offered.folder is None or not self._names
        fresh = self._store.add_side_file(file, named=named, ingest_id=self._ingest_id, latest=latest)
        wrong = disagreement(file, read, captures)
        if wrong is None:
            self._store.settle_list(file.name, named)
        else:
            self._store.refuse_list(Rejection(file.name, wrong), named, ingest_id=self._ingest_id)
        said = (*((wrong,) if wrong else ()), *read.problems[:MAX_SAID], *read.notes)
        return TakenList(file.name, file.kind, frozenset(named), fresh, said)

    def _file(self, offered: Offered, kind: SideKind) -> SideFile:
        told = f"{kind.value}\n{self._system or ''}\n".encode() + offered.data
        return SideFile(blake3(told).hexdigest(), offered.name, kind, self._system, offered.data, {})

    def _of_this_ingest(self, file: SideFile, folder: PurePosixPath | None) -> dict[str, str]:
        return _near(file.kind, folder, self._names)

    def _of_the_box(self, file: SideFile, folder: PurePosixPath | None) -> dict[str, str]:
        """Photos of the flights that the list may be about. Raises Rejected where it could be two of them."""
        photos: dict[str, str] = {}
        named, wrong = 0, None
        for flight in self._known_flights():
            names = _near(file.kind, folder, {one.digest: one.name for one in flight.captures})
            alone = replace(file, photos=names)
            read = read_list(alone, flight.captures)
            if not (about := named_in(alone, read)):
                continue
            self._about |= about
            doubt = disagreement(alone, read, flight.captures)
            if doubt is not None:
                wrong = wrong or doubt
                continue
            named += 1
            # The flight stands for a folder, so that photos of two flights with one name can be told apart.
            photos |= {digest: f"{flight.id}/{name}" for digest, name in names.items()}
        if named == 0 and wrong is not None:
            raise Rejected(wrong.template, **wrong.params)
        whole = replace(file, photos=photos)
        if named > 1 and not named_in(whole, read_list(whole, self._store.captures(photos))):
            raise Rejected(SEVERAL_FLIGHTS.template)
        return photos

    def _known_flights(self) -> tuple[Flight, ...]:
        if self._flights is None:
            rows = self._store.flights()
            self._flights = tuple(one for row in rows if (one := self._store.flight(row.id)))
        return self._flights


def _near(kind: SideKind, folder: PurePosixPath | None, names: Mapping[str, str]) -> dict[str, str]:
    """The photos that a list in `folder` may mean. Numbers in an MRK are those of its own folder's photos."""
    if kind is not SideKind.MRK or folder is None:
        return dict(names)
    folders = {digest: PurePosixPath(name).parent for digest, name in names.items()}
    same = {digest: names[digest] for digest, other in folders.items() if other == folder}
    return same or {digest: names[digest] for digest, other in folders.items() if _ends_alike(other, folder)}


def _ends_alike(a: PurePosixPath, b: PurePosixPath) -> bool:
    """Whether one path may be the end of the other: a card was given once whole and once by a folder of it."""
    shorter = min(len(a.parts), len(b.parts))
    return shorter == 0 or a.parts[-shorter:] == b.parts[-shorter:]


def follow(store: Store, flight: Flight, ingest_id: int) -> None:
    """Tell the lists that the box keeps of photos that came later into the same flight."""
    for file in store.side_files(one.digest for one in flight.captures):
        taken = set(file.photos.values())
        later = {
            one.digest: one.name
            for one in flight.captures
            if one.digest not in file.photos and one.name not in taken
        }
        folder = PurePosixPath(file.name).parent if file.kind is SideKind.MRK else None
        later = _near(file.kind, folder, later)
        grown = replace(file, photos={**file.photos, **later})
        with suppress(Rejected):  # it was read before, by an earlier release
            if later:
                named = named_in(grown, read_list(grown, store.captures(grown.photos)))
                store.add_side_file(grown, named=named, ingest_id=ingest_id)
