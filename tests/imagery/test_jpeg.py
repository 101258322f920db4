from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldbox.errors import Rejected
from fieldbox.imagery.decode import decode_jpeg, jpeg_size
from fieldbox.imagery.jpeg import read_header
from tests.imagery.photos import exif_bytes, jpeg

GOOD = jpeg(size=(641, 479), packet=b"<x/>")


def framed(width: int, height: int) -> bytes:
    """A header that claims a size, with no pixels behind it."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    scan = b"\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
    segments = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload
        for marker, payload in ((0xC0, frame), (0xDA, scan))
    )
    return b"\xff\xd8" + segments + b"\x00\xff\xd9"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"II*\x00\x08\x00\x00\x00", "TIFF"),
        (b"MM\x00*\x00\x00\x00\x08", "TIFF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF89a", "GIF"),
        (b"\x00\x00\x00\x20ftypisom", "video"),
        (b"RIFF....AVI ", "video"),
        (b"once upon a time", "not a photo"),
        (b"\x00" * 4096, "not a photo"),
        (b"\xff", "not a photo"),
        (b"\xff\xd8", "cut off"),
        (b"\xff\xd8\xff\xe1\xff\xff", "cut off"),
        (b"\xff\xd8\xff\xe1\x00\x01\x00\x00", "cut off"),
        (b"\xff\xd8garbage garbage", "damaged"),
        (b"\xff\xd8" + b"\xff" * 1000, "cut off"),
        (GOOD[:300], "cut off"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (GOOD[:-2], "cut off"),
        (GOOD[: len(GOOD) // 2] + bytes(len(GOOD) // 2), "cut off"),
        (framed(65000, 65000), "megapixels"),
        (framed(160, 120), "160 x 120"),
        (framed(0, 0), "0 x 0"),
        (jpeg(mode="L"), "no colours"),
        (jpeg(mode="CMYK"), "CMYK"),
    ],
)
def test_what_is_no_usable_photo_gets_one_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(data)
    with pytest.raises(Rejected) as refusal:
        read_header(path)
    assert says in str(refusal.value)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "gone.jpg")


def test_header_of_a_good_photo(tmp_path: Path) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(GOOD)
    header = read_header(path)
    assert (header.width, header.height) == (641, 479)
    assert header.xmp == b"<x/>"
    assert header.exif == exif_bytes()[6:]


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_decode_at_each_reduction(reduction: int, options: dict[str, object]) -> None:
    data = jpeg(size=(641, 479), **options)
    pixels = decode_jpeg(data, reduction=reduction)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (-(-479 // reduction), -(-641 // reduction), 3)
    # Each pixel stands for a whole square of reduction x reduction pixels, also at the right and bottom.
    whole = np.asarray(Image.open(io.BytesIO(data)), dtype=float)[:472, :640]
    truth = whole.reshape(472 // reduction, reduction, 640 // reduction, reduction, 3).mean(axis=(1, 3))
    assert np.abs(pixels[: truth.shape[0], : truth.shape[1]] - truth).mean() < 1.5
    assert jpeg_size(data) == (641, 479)


def test_orientation_is_left_alone() -> None:
    assert decode_jpeg(jpeg(size=(400, 300), exif=exif_bytes(base={0x0112: 6}))).shape == (300, 400, 3)


def test_decode_refuses_an_odd_reduction() -> None:
    with pytest.raises(ValueError, match="reduction"):
        decode_jpeg(GOOD, reduction=3)


@pytest.mark.parametrize("reduction", [1, 8])
def test_damaged_pixels_are_rejected(reduction: int) -> None:
    with pytest.raises(Rejected, match="cut off"):
        decode_jpeg(GOOD[: len(GOOD) // 2], reduction=reduction)
    middle = len(GOOD) * 2 // 3
    holed = GOOD[:middle] + bytes(600) + GOOD[middle + 600 :]
    with pytest.raises(Rejected, match="damaged"):
        decode_jpeg(holed, reduction=reduction)
