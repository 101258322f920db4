"""Files that are there whole or not at all, and how rasters lie on the ground."""

from __future__ import annotations

import errno
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rasterio.transform import Affine

from fieldbox.errors import FieldboxError, Misconfigured, Unavailable
from fieldbox.i18n import N_
from fieldbox.wholefile import sync_folder


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """A path to write to, in a folder of its own beside `path`, put in its place when the block ends well.

    All files of that folder move (a shapefile is several). If not `lasting`, the file may be damaged after a power cut:
    for what carries a checksum and is quickly made again, since each flush costs a memory card time and wear. Raises
    Unavailable when there is no space.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            yield Path(folder) / path.name
            for written in sorted(Path(folder).iterdir()):
                if lasting:
                    _flush(written)
                written.replace(path.parent / written.name)
            for folder_of_name in (path.parent, path.parent.parent) if lasting else ():
                sync_folder(folder_of_name)
    except OSError as error:
        raise _told(error, path) from error


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """An archive of named files: the same files make the same archive, whatever the box's clock says."""
    with replacing(path) as target, zipfile.ZipFile(target, "w") as archive:
        for name, told in members.items():
            archive.writestr(zipfile.ZipInfo(name), told, zipfile.ZIP_DEFLATED)


def north_up(west: float, north: float, cell_m: float) -> Affine:
    """The transform of a raster with square cells and row 0 in the north."""
    return Affine(cell_m, 0.0, west, 0.0, -cell_m, north)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _told(error: OSError, path: Path) -> FieldboxError:
    # GDAL tells of a full disk in words only.
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS} or "No space left" in str(error)
    if full:
        return Unavailable(N_("{name} cannot be written: free some space on the box."), name=path.name)
    return Misconfigured(N_("{name} cannot be written: {reason}."), name=path.name, reason=str(error))


def printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(one for one in text if one.isprintable())
