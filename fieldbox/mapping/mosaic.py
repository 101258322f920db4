"""The mosaic and the map as Cloud-Optimised GeoTIFFs, in bounded memory.

Each view leaves a patch: its ground, warped to the pixels of the mosaic. Patches are painted in the
order of their digests, one strip of tiles at a time; the mosaic as a whole is never in memory.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from fieldbox.domain import FieldMap, Window
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.mapping.cog import TILE, CogWriter, Place
from fieldbox.mapping.files import north_up, replacing

MAX_PIXELS = 64e6
FINEST_M = 0.005
PATCH_QUALITY = 92
MOSAIC_QUALITY = 85
_CACHE_BYTES = 96 * 2**20
_NODE = 16
_RIM = 16
"""Side of the blocks in which a JPEG with colours at half scale is coded."""
_PATCH = struct.Struct("<4sIdqqIII")
_MAGIC = b"FBP1"
MAP_BANDS = (
    "seen",
    "weed_cover",
    "crop_cover",
    "weed_density",
    "unsure",
    "exg",
    "gli",
    "vari",
    "health_z",
)

GroundToPixel = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""[N, 2] east, north to [N, 2] full-scale pixels."""
Levelled = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
OwnedMask = Callable[[float, float, float, tuple[int, int]], NDArray[np.uint8]]
"""(west, north, cell_m, (rows, columns)) to uint8 [rows, columns], 255 where the view is painted."""


@dataclass(frozen=True, eq=False, slots=True)
class Patch:
    """A view on the mosaic's pixels, which are aligned to multiples of `gsd_m` (rows count southwards)."""

    gsd_m: float
    row: int
    column: int
    pixels: NDArray[np.uint8]
    """[h, w, 3] RGB."""
    mask: NDArray[np.bool_]
    """[h, w], True where there is a picture."""


@dataclass(frozen=True, slots=True)
class MosaicInfo:
    """What was written, and the patches that could not be read (to be painted again)."""

    west: float
    north: float
    gsd_m: float
    width: int
    height: int
    damaged: tuple[Path, ...]


def choose_mosaic_gsd(gsd_m: float, area_m2: float) -> float:
    """Metres per pixel of the mosaic: twice the photos', no more than 64 million pixels, 5 mm at the finest.

    Rounded up to a tenth of a millimetre.
    """
    wanted = max(2 * gsd_m, math.sqrt(area_m2 / MAX_PIXELS), FINEST_M)
    return math.ceil(round(wanted * 1e4, 6)) / 1e4


def paint_patch(
    rgb: NDArray[np.uint8],
    window: Window,
    bounds: tuple[float, float, float, float],
    ground_to_pixel: GroundToPixel,
    owned_mask: OwnedMask,
    gsd_m: float,
    levelled: Levelled = lambda picture: picture,
) -> Patch | None:
    """Warp the ground that a view owns onto the mosaic's pixels; None if nothing of it is in the window.

    `rgb` uint8 [h, w, 3] shows `window` of the photo, at full scale or smaller. `bounds` are west,
    south, east, north of the ground. `levelled` changes the brightness of a picture of the window, at any scale: it
    is given the smallest that will do. The projection is evaluated at every 16th pixel and
    interpolated between, which is exact for a photo that looks straight down.
    """
    column, row = math.floor(bounds[0] / gsd_m) - 1, math.floor(-bounds[3] / gsd_m) - 1
    columns = math.ceil(bounds[2] / gsd_m) + 1 - column
    rows = math.ceil(-bounds[1] / gsd_m) + 1 - row
    across, down = _lookup(row, column, rows, columns, gsd_m, ground_to_pixel)
    mask = owned_mask(column * gsd_m, -row * gsd_m, gsd_m, (rows, columns)) > 0
    mask &= (across >= window.x0 - 0.5) & (across <= window.x1 - 0.5)
    mask &= (down >= window.y0 - 0.5) & (down <= window.y1 - 0.5)
    if not mask.any():
        return None
    image = levelled(_shrunk(rgb, across, down, mask, window))
    scale_x, scale_y = image.shape[1] / (window.x1 - window.x0), image.shape[0] / (window.y1 - window.y0)
    pixels = cv2.remap(
        image,
        (across - (window.x0 - 0.5)) * np.float32(scale_x) - np.float32(0.5),
        (down - (window.y0 - 0.5)) * np.float32(scale_y) - np.float32(0.5),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # What lies outside the mask is kept: black there would ring into the picture in a JPEG.
    return Patch(gsd_m, row, column, pixels.astype(np.uint8, copy=False), mask)


def save_patch(patch: Patch, path: Path) -> None:
    """Write a patch (JPEG, mask of single bits, checksum), whole or not at all."""
    options = [cv2.IMWRITE_JPEG_QUALITY, PATCH_QUALITY]
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(patch.pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise Misconfigured(N_("{name} cannot be written: {reason}."), name=path.name, reason="JPEG")
    mask = zlib.compress(np.packbits(patch.mask).tobytes(), 1)
    body = jpeg.tobytes() + mask
    header = _PATCH.pack(
        _MAGIC, zlib.crc32(body), patch.gsd_m, patch.row, patch.column, *patch.mask.shape, len(jpeg)
    )
    with replacing(path) as target:
        target.write_bytes(header + body)


def read_patch(path: Path) -> Patch | None:
    """Read back `save_patch`; None if the file is missing or damaged."""
    head = _read_header(path)
    if head is None:
        return None
    body = path.read_bytes()[_PATCH.size :]
    if zlib.crc32(body) != head.checksum:
        return None
    bgr = cv2.imdecode(np.frombuffer(body, np.uint8, head.jpeg_size), cv2.IMREAD_COLOR)
    bits = np.frombuffer(zlib.decompress(body[head.jpeg_size :]), np.uint8)
    mask = np.unpackbits(bits, count=head.rows * head.columns).reshape(head.rows, head.columns).astype(bool)
    if bgr is None:
        return None
    pixels = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    return Patch(head.gsd_m, head.row, head.column, pixels, mask)


def assemble(
    patches: Iterable[Path], path: Path, *, epsg: int, gsd_m: float, error95_m: float | None = None
) -> MosaicInfo | None:
    """Paint the patches in the order of their file names and write the mosaic; None without a patch.

    A GeoTIFF for the web: JPEG (YCbCr) tiles of 512 px, an internal mask, overviews. It tells the 95 % radius of the
    error of its places.
    """
    found: list[tuple[Path, _Header]] = []
    damaged: list[Path] = []
    for one in sorted(patches, key=lambda file: file.name):
        head = _read_header(one)
        if head is None or head.gsd_m != gsd_m:
            damaged.append(one)
        else:
            found.append((one, head))
    if not found:
        return None
    top, left = min(head.row for _, head in found), min(head.column for _, head in found)
    height = max(head.row + head.rows for _, head in found) - top
    width = max(head.column + head.columns for _, head in found) - left
    with replacing(path) as target:
        place = Place(epsg, left * gsd_m, -top * gsd_m, gsd_m, error95_m)
        damaged += _write(found, target, (top, left, height, width), place)
    return MosaicInfo(left * gsd_m, -top * gsd_m, gsd_m, width, height, tuple(sorted(set(damaged))))


def write_map(grid: FieldMap, path: Path) -> None:
    """Write a field map as a GeoTIFF for the web: one float32 band a layer, NaN where it is not known."""
    rows, columns = grid.seen.shape
    profile = {
        "driver": "GTiff",
        "width": max(columns, 1),
        "height": max(rows, 1),
        "count": len(MAP_BANDS) + len(grid.spectral),
        "dtype": "float32",
        "nodata": math.nan,
        "crs": f"EPSG:{grid.epsg}",
        "transform": north_up(grid.west, grid.north, grid.cell_m),
    }
    with replacing(path) as target, MemoryFile() as memory:
        with memory.open(**profile) as raster:
            layers = {name: getattr(grid, name) for name in MAP_BANDS} | dict(grid.spectral)
            for band, (name, layer) in enumerate(layers.items(), start=1):
                raster.set_band_description(band, name)
                if rows and columns:
                    raster.write(layer, band)
            raster.update_tags(cell_m=repr(grid.cell_m), rows=str(rows), columns=str(columns))
        with memory.open() as raster:
            rasterio.shutil.copy(
                raster, target, driver="COG", compress="DEFLATE", blocksize=256, overviews="NONE"
            )


def read_map(path: Path) -> FieldMap:
    """Read back `write_map`. Raises Misconfigured if there is no such map."""
    try:
        with rasterio.open(path) as raster:
            names = tuple(raster.descriptions)
            if names[: len(MAP_BANDS)] != MAP_BANDS:
                raise Misconfigured(N_("{name} is not a field map of fieldbox."), name=path.name)
            tags = raster.tags()
            rows, columns = int(tags["rows"]), int(tags["columns"])
            layers = {name: raster.read(band)[:rows, :columns] for band, name in enumerate(names, 1)}
            spectral = {name: layers.pop(name) for name in names[len(MAP_BANDS) :]}
            transform: Affine = raster.transform
            return FieldMap(
                epsg=int(raster.crs.to_epsg()),
                west=float(transform.c),
                north=float(transform.f),
                cell_m=float(tags["cell_m"]),
                **layers,
                spectral=spectral,
            )
    except (RasterioError, KeyError) as error:
        raise Misconfigured(N_("{name} cannot be read as a field map."), name=path.name) from error


@dataclass(frozen=True, slots=True)
class _Header:
    checksum: int
    gsd_m: float
    row: int
    column: int
    rows: int
    columns: int
    jpeg_size: int


def _read_header(path: Path) -> _Header | None:
    try:
        with path.open("rb") as file:
            magic, *rest = _PATCH.unpack(file.read(_PATCH.size))
    except (OSError, struct.error):
        return None
    return _Header(*rest) if magic == _MAGIC else None


def _lookup(
    row: int, column: int, rows: int, columns: int, gsd_m: float, ground_to_pixel: GroundToPixel
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y in the photo, float32 [rows, columns], of the mosaic's pixel centres."""
    nodes_x = np.arange(-(-columns // _NODE) + 1) * _NODE
    nodes_y = np.arange(-(-rows // _NODE) + 1) * _NODE
    east, north = np.meshgrid((column + nodes_x + 0.5) * gsd_m, -(row + nodes_y + 0.5) * gsd_m)
    pixels = ground_to_pixel(np.column_stack([east.ravel(), north.ravel()]))
    # Nodes that the camera cannot see stay far outside any window.
    nodes = np.nan_to_num(pixels, nan=-1e6).reshape(*east.shape, 2).astype(np.float32)
    places = np.meshgrid(np.arange(columns) / _NODE, np.arange(rows) / _NODE)
    xs, ys = (one.astype(np.float32) for one in places)
    return _between(nodes[..., 0], xs, ys), _between(nodes[..., 1], xs, ys)


def _between(
    nodes: NDArray[np.float32], xs: NDArray[np.float32], ys: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.asarray(cv2.remap(nodes, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _shrunk(
    rgb: NDArray[np.uint8],
    across: NDArray[np.float32],
    down: NDArray[np.float32],
    mask: NDArray[np.bool_],
    window: Window,
) -> NDArray[np.uint8]:
    """The picture made smaller by a whole number, so that the warp does not skip over its pixels."""
    step_x = np.hypot(np.diff(across, axis=1)[:-1], np.diff(down, axis=1)[:-1])[mask[:-1, :-1]]
    scale = rgb.shape[1] / (window.x1 - window.x0)
    factor = int(float(np.median(step_x)) * scale + 0.25) if step_x.size else 1
    if factor < 2:
        return rgb
    size = (max(1, rgb.shape[1] // factor), max(1, rgb.shape[0] // factor))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _write(
    found: Sequence[tuple[Path, _Header]], path: Path, frame: tuple[int, int, int, int], place: Place
) -> list[Path]:
    """Paint and write the mosaic strip by strip; returns the damaged patches."""
    top, left, height, width = frame
    cache = _Cache(_CACHE_BYTES)
    with CogWriter(path, width, height, place, quality=MOSAIC_QUALITY) as writer:
        for start in range(0, height, TILE):
            rows = min(TILE, height - start)
            pixels, mask = np.zeros((rows, width, 3), np.uint8), np.zeros((rows, width), bool)
            for file, head in found:
                if head.row - top < start + rows and head.row - top + head.rows > start:
                    _paint(cache.get(file), pixels, mask, top + start, left)
            writer.write(_without_surplus(pixels, mask), mask)
    return cache.damaged


def _without_surplus(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pixels that are black beyond the mask, but for the blocks of the JPEG along its edge: who does not know the mask
    sees no smears."""
    near = cv2.dilate(mask.view(np.uint8), np.ones((2 * _RIM + 1,) * 2, np.uint8))
    return np.asarray(cv2.copyTo(pixels, near), np.uint8)


def _paint(
    patch: Patch | None, pixels: NDArray[np.uint8], mask: NDArray[np.bool_], top: int, left: int
) -> None:
    if patch is None:
        return
    first, column = patch.row - top, patch.column - left
    low, high = max(first, 0), min(first + patch.mask.shape[0], mask.shape[0])
    columns = slice(column, column + patch.mask.shape[1])
    rows = slice(low - first, high - first)
    shown, painted = patch.mask[rows], mask[low:high, columns]
    # Beyond its mask a patch only fills what is still black: an edge there would ring into the JPEG.
    cv2.copyTo(patch.pixels[rows], (shown | ~painted).view(np.uint8), pixels[low:high, columns])
    painted |= shown


class _Cache:
    """The patches used last, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._patches: OrderedDict[Path, Patch | None] = OrderedDict()
        self._size = 0
        self.damaged: list[Path] = []

    def get(self, path: Path) -> Patch | None:
        if path in self._patches:
            self._patches.move_to_end(path)
            return self._patches[path]
        patch = read_patch(path)
        if patch is None:
            self.damaged.append(path)
        self._patches[path] = patch
        self._size += _bytes(patch)
        while self._size > self._limit and len(self._patches) > 1:
            _path, dropped = self._patches.popitem(last=False)
            self._size -= _bytes(dropped)
        return patch


def _bytes(patch: Patch | None) -> int:
    return 0 if patch is None else patch.pixels.nbytes + patch.mask.nbytes
