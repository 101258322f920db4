"""Phone photos: upright, of many formats, refused with one sentence, and never a drone's."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldbox.errors import Rejected
from fieldbox.imagery.phone import read_phone_photo
from tests.imagery.photos import (
    FIELDBOX_NS,
    PIX4D_NS,
    SENSEFLY_NS,
    dji_xmp,
    exif_bytes,
    jpeg,
    real_data,
    xmp,
)

PHONE = {0x010F: "Samsung", 0x0110: "SM-A145F"}


def phone_exif(orientation: int | None = None, place: tuple[float, float] | None = (18.5, 74.2)) -> bytes:
    """As a phone writes it, with a place: that alone makes no drone."""
    base: dict[int, object] = dict(PHONE)
    if orientation is not None:
        base[0x0112] = orientation
    return exif_bytes(base=base, place=place)


def quadrants(size: tuple[int, int] = (320, 160)) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    colours = np.array([[[220, 20, 20], [20, 220, 20]], [[20, 20, 220], [235, 235, 235]]], np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(tmp_path: Path, data: bytes, name: str = "leaf.jpg") -> np.ndarray:
    path = tmp_path / name
    path.write_bytes(data)
    return read_phone_photo(path)


def reason(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        read(tmp_path, data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def corners(pixels: np.ndarray) -> list[str]:
    """The colour of each corner, row by row."""
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    rows, columns = pixels.shape[0], pixels.shape[1]
    spots = [
        (rows // 8, columns // 8),
        (rows // 8, -columns // 8),
        (-rows // 8, columns // 8),
        (-rows // 8, -columns // 8),
    ]
    return [names[tuple(int(v > 128) for v in pixels[spot])] for spot in spots]  # type: ignore[index]


UPRIGHT = ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda image: image),
        (3, lambda image: image.transpose(Image.Transpose.ROTATE_180)),
        (6, lambda image: image.transpose(Image.Transpose.ROTATE_90)),
        (8, lambda image: image.transpose(Image.Transpose.ROTATE_270)),
        (2, lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    ],
)
def test_a_photo_is_turned_as_it_says(
    tmp_path: Path, orientation: int, stored: Callable[[Image.Image], Image.Image]
) -> None:
    data = encoded(stored(quadrants()), "JPEG", exif=phone_exif(orientation), quality=90)
    pixels = read(tmp_path, data)
    assert pixels.shape == (160, 320, 3)
    assert pixels.dtype == np.uint8
    assert corners(pixels) == UPRIGHT


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_formats(tmp_path: Path, kind: str) -> None:
    assert corners(read(tmp_path, encoded(quadrants(), kind))) == UPRIGHT


def test_other_kinds_of_pixels(tmp_path: Path) -> None:
    clear = quadrants().convert("RGBA")
    clear.putalpha(0)
    assert read(tmp_path, encoded(clear, "PNG")).min() == 255
    assert read(tmp_path, encoded(quadrants().convert("L"), "PNG")).shape == (160, 320, 3)
    assert corners(read(tmp_path, encoded(quadrants().convert("P"), "PNG"))) == UPRIGHT
    deep = Image.fromarray(np.full((150, 150), 128 * 257, np.uint16))
    assert np.abs(read(tmp_path, encoded(deep, "PNG")).astype(int) - 128).max() <= 1
    cmyk = read(tmp_path, encoded(quadrants().convert("CMYK"), "JPEG"))
    assert corners(cmyk) == UPRIGHT


def test_a_large_photo_is_not_decoded_whole(tmp_path: Path) -> None:
    pixels = read(tmp_path, encoded(quadrants((4000, 3000)), "JPEG"))
    assert pixels.shape == (750, 1000, 3)
    assert corners(pixels) == UPRIGHT


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"hello, this is a letter", "not a photo"),
        (b"%PDF-1.7 and so on", "not a photo"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200), "HEIC"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(200), "HEIC"),
        (jpeg(exif=None)[:900], "damaged or cut off"),
        (jpeg(exif=None)[:20], "not a photo"),
        (encoded(quadrants(), "PNG")[:300], "damaged or cut off"),
        (encoded(quadrants((100, 300)), "PNG"), "100 x 300"),
        (encoded(quadrants(), "GIF"), "not a photo"),
    ],
)
def test_what_is_no_photo_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in reason(tmp_path, data)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    assert "120 million pixels" in reason(tmp_path, bomb)


def test_a_missing_file_or_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.jpg"):
        with pytest.raises(Rejected, match="read"):
            read_phone_photo(path)


@pytest.mark.parametrize(
    "data",
    [
        jpeg(exif=exif_bytes()),  # made by DJI
        jpeg(exif=phone_exif(), packet=dji_xmp()),
        jpeg(exif=None, packet=xmp(SENSEFLY_NS, "sensefly", {"yaw": "12"})),
        jpeg(exif=phone_exif(), packet=xmp(PIX4D_NS, "Camera", {"Yaw": "1", "Pitch": "0", "Roll": "0"})),
        jpeg(exif=None, packet=xmp(FIELDBOX_NS, "fieldbox", {"Simulated": "true"})),
        jpeg(exif=exif_bytes(base={0x010F: "Parrot"}, place=None)),
    ],
)
def test_a_drone_frame_is_sent_where_it_belongs(tmp_path: Path, data: bytes) -> None:
    assert "fieldbox ingest" in reason(tmp_path, data)


def test_a_phone_with_a_place_is_no_drone(tmp_path: Path) -> None:
    packet = xmp("http://ns.google.com/photos/1.0/camera/", "GCamera", {"MotionPhoto": "1"})
    assert read(tmp_path, jpeg(exif=phone_exif(), packet=packet)).shape == (256, 320, 3)


@pytest.mark.shared
def test_real_flights_and_bad_files() -> None:
    data = real_data()
    for photo in [
        *sorted((data / "flights" / "brighton").glob("*.JPG")),
        *(data / "flights" / "seneca").glob("*.jpg"),
    ]:
        with pytest.raises(Rejected, match="fieldbox ingest"):
            read_phone_photo(photo)
    for file in sorted((data / "badfiles").iterdir()):
        try:
            assert read_phone_photo(file).dtype == np.uint8
        except Rejected as error:
            assert str(error).endswith(".")
