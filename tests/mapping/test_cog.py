"""The COG writer, read back by GDAL and, as an independent reader, by Pillow."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from PIL import Image

from fieldbox.mapping.cog import TILE, CogWriter, Place

PLACE = Place(32644, 500_000.0, 2_211_500.0, 0.02)


def scene(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture and a mask with a round hole and an empty corner."""
    draw = np.random.default_rng(0)
    pixels = cv2.resize(
        draw.integers(0, 255, (9, 9, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    mask = np.ones((height, width), np.uint8)
    cv2.circle(mask, (width // 2, height // 2), 70, 0, -1)
    mask[: height // 2, : width // 2] = 0
    return pixels, mask > 0


def write(path: Path, pixels: np.ndarray, mask: np.ndarray) -> None:
    height, width = mask.shape
    with CogWriter(path, width, height, PLACE, quality=90) as writer:
        for start in range(0, height, TILE):
            writer.write(pixels[start : start + TILE], mask[start : start + TILE])


@pytest.mark.parametrize(
    ("width", "height"), [(300, 200), (512, 512), (1500, 700), (2333, 2501), (4100, 513)]
)
def test_gdal_reads_what_was_written(width: int, height: int, tmp_path: Path) -> None:
    pixels, mask = scene(width, height)
    write(tmp_path / "m.tif", pixels, mask)
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert (raster.width, raster.height, raster.count) == (width, height, 3)
        assert raster.crs.to_epsg() == 32644
        assert tuple(raster.transform)[:6] == (0.02, 0, 500_000.0, 0, -0.02, 2_211_500.0)
        assert ((raster.dataset_mask() > 0) == mask).all()
        found = np.moveaxis(raster.read(), 0, 2)
        assert np.abs(found.astype(int) - pixels)[mask].mean() < 2
        assert raster.overviews(1) == [2**n for n in range(1, len(raster.overviews(1)) + 1)]
        assert max(width, height) / 2 ** len(raster.overviews(1)) <= TILE
    assert [one.name for one in tmp_path.iterdir()] == ["m.tif"]


def test_overviews_are_means_of_what_is_there(tmp_path: Path) -> None:
    pixels, mask = scene(2333, 2501)
    pixels[~mask] = 0
    write(tmp_path / "m.tif", pixels, mask)
    weight = mask.astype(np.float64)
    for level in range(3):
        with rasterio.open(tmp_path / "m.tif", overview_level=level) as raster:
            found = np.moveaxis(raster.read(), 0, 2).astype(float)
            shown = raster.dataset_mask() > 0
        step = 2 ** (level + 1)
        rows, columns = shown.shape
        assert (rows, columns) == (-(-2501 // step), -(-2333 // step))
        size = (rows * step, columns * step)
        pad = ((0, size[0] - 2501), (0, size[1] - 2333))
        sums = np.pad(weight, pad).reshape(rows, step, columns, step).sum(axis=(1, 3))
        assert (shown == (sums > 0)).all()
        whole = np.pad(weight[..., None] * pixels, (*pad, (0, 0))).reshape(rows, step, columns, step, 3)
        expected = whole.sum(axis=(1, 3)) / np.maximum(sums, 1)[..., None]
        inside = sums == step * step
        assert np.abs(found - expected)[inside].mean() < 2.5


def test_pillow_reads_it_too(tmp_path: Path) -> None:
    pixels, mask = scene(1500, 700)
    mask[:] = True
    write(tmp_path / "m.tif", pixels, mask)
    with Image.open(tmp_path / "m.tif") as picture:
        found = np.asarray(picture.convert("RGB"))
    assert np.abs(found.astype(int) - pixels).mean() < 2


def test_directories_come_first_and_small_overviews_before_large(tmp_path: Path) -> None:
    """What the COG validators check: order of directories and of their data; tiles framed by their size."""
    pixels, mask = scene(2333, 2501)
    write(tmp_path / "m.tif", pixels, mask)
    data = (tmp_path / "m.tif").read_bytes()
    at, ends, first, sizes = struct.unpack_from("<I", data, 4)[0], [], [], []
    while at:
        count = struct.unpack_from("<H", data, at)[0]
        tags = {}
        for entry in range(count):
            tag, kind, number, value = struct.unpack_from("<HHII", data, at + 2 + 12 * entry)
            tags[tag] = (kind, number, value)
        ends.append(at + 6 + 12 * count)
        _kind, number, place = tags[324]
        offsets = struct.unpack_from(f"<{number}I", data, place) if number > 1 else (place,)
        lengths = struct.unpack_from(f"<{number}I", data, tags[325][2]) if number > 1 else (tags[325][2],)
        for offset, length in zip(offsets, lengths, strict=True):
            if length:
                assert struct.unpack_from("<I", data, offset - 4)[0] == length
                assert (
                    data[offset + length - 4 : offset + length] == data[offset + length : offset + length + 4]
                )
        assert list(filter(None, offsets)) == sorted(filter(None, offsets))
        first.append(min(filter(None, offsets)))
        sizes.append(tags[256][2])
        assert at % 2 == 0
        at = struct.unpack_from("<I", data, at + 2 + 12 * count)[0]
    assert max(ends) < min(first)
    assert ends == sorted(ends)
    assert sizes == sorted(sizes, reverse=True)
    assert first[0::2] == sorted(first[0::2], reverse=True)
    assert sum(1 for length in lengths if length) <= len(lengths)


@pytest.mark.parametrize(("width", "height"), [(300, 200), (1500, 700), (2333, 2501)])
def test_gdals_validator_finds_nothing(width: int, height: int, tmp_path: Path) -> None:
    """The rules of GDAL's validate_cloud_optimized_geotiff.py, asked of GDAL itself; for the masks too."""
    pixels, mask = scene(width, height)
    write(tmp_path / "m.tif", pixels, mask)
    with rasterio.open(tmp_path / "m.tif") as raster:
        levels = [None, *range(len(raster.overviews(1)))]
        ghost = raster.get_tag_item("GDAL_STRUCTURAL_METADATA", "TIFF")
        directories = [int(raster.get_tag_item("IFD_OFFSET", "TIFF", 1, level)) for level in levels]
        blocks = [first_block(raster, level) for level in levels]
        assert raster.files == [str(tmp_path / "m.tif")]
    assert "KNOWN_INCOMPATIBLE_EDITION=NO" in ghost
    assert "LAYOUT=IFDS_BEFORE_DATA" in ghost
    assert directories[0] < 300
    assert directories == sorted(directories)
    assert blocks == sorted(blocks, reverse=True)
    assert blocks[-1] > directories[-1]
    for level in levels:
        with rasterio.open(
            tmp_path / "m.tif", **({} if level is None else {"overview_level": level})
        ) as part:
            assert part.block_shapes == [(TILE, TILE)] * 3
            assert part.mask_flag_enums == ([rasterio.enums.MaskFlags.per_dataset],) * 3


def first_block(raster: rasterio.DatasetReader, level: int | None) -> int:
    """Where the first tile that there is of an overview (None: of the picture) begins in the file."""
    step = 2 ** (0 if level is None else level + 1)
    columns, rows = (-(-size // step // TILE) for size in (raster.width, raster.height))
    found = [
        raster.get_tag_item(f"BLOCK_OFFSET_{x}_{y}", "TIFF", 1, level)
        for y in range(rows)
        for x in range(columns)
    ]
    return min(int(one) for one in found if one)


def test_nothing_stays_behind_when_painting_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), CogWriter(tmp_path / "m.tif", 600, 600, PLACE):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
