"""Labelled tiles: what is read, and what is rejected while the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fieldbox.domain import Cover
from fieldbox.errors import Rejected
from fieldbox.inference.labelme import read_folder
from fieldbox.inference.plants import CROP, WEED


def tile(
    folder: Path, name: str, shapes: list[dict[str, Any]], *, ending: str = ".jpg", **changed: Any
) -> Path:
    pixels = np.full((60, 80, 3), (20, 90, 160), np.uint8)
    cv2.imwrite(str(folder / (name + ending)), pixels[..., ::-1])
    raw = {"imagePath": name + ending, "imageHeight": 60, "imageWidth": 80, "shapes": shapes, **changed}
    file = folder / f"{name}.json"
    file.write_text(json.dumps(raw))
    return file


def square(label: str, x: float = 10, y: float = 10, side: float = 20) -> dict[str, Any]:
    return {"label": label, "points": [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]}


def reasons(folder: Path, **kwargs: Any) -> dict[str, str]:
    return {one.name: str(one.reason) for one in read_folder(folder, **kwargs)[1]}


def test_plants_of_a_tile(tmp_path: Path) -> None:
    shapes = [
        square("potato"),
        square("Weed", 40, 30),
        {"label": "crop", "shape_type": "rectangle", "points": [[0, 0], [5, 9]]},
        {"label": "weed", "shape_type": "circle", "points": [[50, 20], [53, 24]]},
    ]
    tile(tmp_path, "a", shapes, ending=".png")
    (one,), rejected = read_folder(tmp_path)
    assert rejected == []
    assert one.labels.classes.tolist() == [CROP, WEED, CROP, WEED]
    assert one.labels.outlines[2].tolist() == [[0, 0], [5, 0], [5, 9], [0, 9]]
    assert cv2.contourArea(one.labels.outlines[3]) == pytest.approx(np.pi * 25, rel=0.02)
    pixels = one.pixels()
    assert pixels.shape == (60, 80, 3)
    assert pixels[30, 30].tolist() == [20, 90, 160]


def test_labels_can_be_named(tmp_path: Path) -> None:
    tile(tmp_path, "a", [square("beet"), square("thistle"), square("stone")])
    assert "has the label beet: say what it is" in reasons(tmp_path)["a.json"]
    mapping = {"beet": Cover.CROP, "Thistle": Cover.WEED, "stone": None}
    (one,), rejected = read_folder(tmp_path, mapping)
    assert rejected == []
    assert one.labels.classes.tolist() == [CROP, WEED]


def test_an_image_is_found_by_name_alone(tmp_path: Path) -> None:
    tile(tmp_path, "a", [], imagePath="C:\\labels\\a.jpg")
    tile(tmp_path, "b", [], imagePath="../../elsewhere/b.jpg")
    tile(tmp_path, "c", [], imagePath=None)
    tiles, rejected = read_folder(tmp_path)
    assert [one.image.name for one in tiles] == ["a.jpg", "b.jpg", "c.jpg"]
    assert rejected == []


def test_what_cannot_be_used_is_listed_and_the_others_go_on(tmp_path: Path) -> None:
    tile(tmp_path, "good", [square("weed")])
    tile(tmp_path, "lost", [square("weed")])
    (tmp_path / "lost.jpg").unlink()
    tile(tmp_path, "line", [{"label": "weed", "shape_type": "line", "points": [[0, 0], [9, 9]]}])
    tile(tmp_path, "nan", [{"label": "weed", "points": [[0, 0], [float("nan"), 9], [3, 3]]}])
    tile(tmp_path, "huge", [], imageWidth=10**9)
    tile(tmp_path, "sizeless", [], imageWidth=None)
    shapeless = tile(tmp_path, "shapeless", [])
    shapeless.write_text(shapeless.read_text().replace('"shapes": []', '"shapes": 7'))
    (tmp_path / "cut.json").write_text('{"shapes": [')
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    tiles, rejected = read_folder(tmp_path)
    assert [one.name for one in tiles] == ["good"]
    said = {one.name: str(one.reason) for one in rejected}
    assert set(said) == {
        f"{name}.json"
        for name in ("lost", "line", "nan", "huge", "sizeless", "shapeless", "cut", "list", "bytes", "deep")
    }
    assert "no image beside it" in said["lost.json"]
    assert "kind line" in said["line.json"]
    assert all(reason.endswith(".") and name in reason for name, reason in said.items())


def test_a_damaged_image_is_refused(tmp_path: Path) -> None:
    tile(tmp_path, "a", [])
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    tile(tmp_path, "b", [], imageWidth=81)
    tile(tmp_path, "c", [])
    (tmp_path / "c.jpg").write_bytes(b"")
    tiles, _ = read_folder(tmp_path)
    for one, because in zip(tiles, ("damaged or no picture", "not of the size", "damaged"), strict=True):
        with pytest.raises(Rejected, match=because):
            one.pixels()


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no LabelMe files"):
        read_folder(tmp_path)
    with pytest.raises(Rejected, match="no folder"):
        read_folder(tmp_path / "nowhere")
