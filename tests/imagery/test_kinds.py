"""What a file is, by its first bytes; what is of no use is told before it is copied."""

from __future__ import annotations

import pytest

from fieldbox.domain import FileKind
from fieldbox.errors import Rejected
from fieldbox.imagery.kinds import MAX_TEXT_BYTES, SNIFFED, kind_of, no_picture


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"\xff\xd8\xff\xe1", "DJI_0001.JPG", FileKind.JPEG),
        (b"\xff\xd8\xff\xe1", "photo named.txt", FileKind.JPEG),
        (b"II*\x00", "IMG_0001_1.tif", FileKind.TIFF),
        (b"MM\x00*", "no ending", FileKind.TIFF),
        (b"II+\x00", "big.tif", FileKind.TIFF),
        (b"DJI_0001.JPG 77 12", "geo.txt", FileKind.TEXT),
        (b"1\t", "a.MRK", FileKind.TEXT),
        (b"\0\0\0\x20ftypisom", "DJI_0001.MP4", FileKind.VIDEO),
        (b"\0\0\0\x14ftypqt  ", "a.mov", FileKind.VIDEO),
        (b"\0\0\0\x20ftypisom", "DJI_20260812140054_0003_W.MP4", FileKind.VIDEO),
        (b"0.02\n0\n0", "north.TFW", FileKind.TEXT),
        (b"PROJCS[", "north.prj", FileKind.TEXT),
        (b"1\n00:00:00,000 --> 00:00:01,000", "DJI_0001.SRT", FileKind.TELEMETRY),
    ],
)
def test_kinds(head: bytes, name: str, kind: FileKind) -> None:
    assert kind_of(head.ljust(SNIFFED, b"\0"), 1000, name) is kind


@pytest.mark.parametrize(
    ("head", "name", "size", "said"),
    [
        (b"", "a.jpg", 0, "empty"),
        (b"II*\x00", "DJI_0001.DNG", 9, "raw picture"),
        (b"\0\0\0\x18ftypheic", "a.heic", 9, "HEIC or AVIF"),
        (b"\0\0\0\x20ftypisom", "DJI_20260812140054_0003_D.LRF", 9, "small preview"),
        (b"\0\0\0\x20ftypisom", "DJI_20260812140054_0003_T.MP4", 9, "thermal camera"),
        (b"words", "log.txt", MAX_TEXT_BYTES + 1, "not a photo"),
        (b"%PDF-1.4", "a.jpg", 9, "PDF"),
        (b"whatever", "a.jpg", 9, "not a photo"),
    ],
)
def test_what_is_of_no_use(head: bytes, name: str, size: int, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        kind_of(head, size, name)


def test_a_text_that_is_no_list() -> None:
    assert "not a photo" in str(no_picture(b"wind from the west"))
