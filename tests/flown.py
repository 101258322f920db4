"""Fields, flights and boxes that many tests want alike: made once in a run, whatever number of processes share the tests."""

from __future__ import annotations

import fcntl
import pickle
import shutil
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.film import film
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.simulate.scene import SimField


class _Shelf:
    """Where they lie; None outside of a run of the tests, where each is made anew."""

    folder: Path | None = None


def keep_in(folder: Path) -> None:
    """Keep what is made in `folder` from now on; the processes of one run give the same."""
    folder.mkdir(exist_ok=True)
    _Shelf.folder = folder


def once(key: str, make: Callable[[Path], object]) -> Path:
    """What `make` puts at the path that it is given: a file or folder to be read only. The first to ask makes it."""
    assert _Shelf.folder is not None
    place = _Shelf.folder / blake2b(key.encode(), digest_size=12).hexdigest()
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            half = place.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            make(half)
            half.rename(place)
    return place


@lru_cache(maxsize=2)
def grown(options: FieldOptions) -> SimField:
    """`grow_field`; not to be changed."""
    if _Shelf.folder is None:
        return grow_field(options)
    path = once(repr(options), lambda path: path.write_bytes(pickle.dumps(grow_field(options))))
    field: SimField = pickle.loads(path.read_bytes())  # noqa: S301  our own
    return field


def flown(ground: FieldOptions, flight: FlightOptions) -> Path:
    """The folder of a flight over a field that is grown for it; not to be changed."""
    return once(repr((ground, flight)), lambda folder: fly(grown(ground), flight, folder))


def flown_to(folder: Path, ground: FieldOptions, flight: FlightOptions) -> Path:
    """A copy of such a flight in `folder`, which may be there already."""
    if _Shelf.folder is None:
        return fly(grown(ground), flight, folder)
    return Path(shutil.copytree(flown(ground, flight), folder, dirs_exist_ok=True))


def filmed_to(folder: Path, ground: FieldOptions, flight: FlightOptions, fps: int) -> Path:
    """A copy of a film of such a flight in `folder`."""
    if _Shelf.folder is None:
        return film(grown(ground), flight, folder, fps=fps)
    made = once(repr((ground, flight, fps)), lambda folder: film(grown(ground), flight, folder, fps=fps))
    return Path(shutil.copytree(made, folder, dirs_exist_ok=True))
