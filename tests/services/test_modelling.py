"""The services behind `fieldbox models`: measuring, timing, making small, exporting."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from fieldbox import golden
from fieldbox.cli import main
from fieldbox.config import Config, load_config
from fieldbox.errors import Misconfigured, Rejected, Unavailable
from fieldbox.inference.weeds import WeedModel
from fieldbox.modelops.files import Origin
from fieldbox.services import converting, evaluating, single, timing
from fieldbox.services.timing import BenchReport, Spread, Timed, recommended

MODELS = Path(__file__).parents[2] / "models"
FULL = MODELS / "weeds-fp32.onnx"


def run(tmp_path: Path, *words: object) -> Result:
    settings = tmp_path / "box.toml"
    if not settings.exists():
        settings.write_text(f'[storage]\nroot = "{tmp_path / "root"}"\n')
    return CliRunner().invoke(main, ["--config", str(settings), "models", *map(str, words)])


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two labelled tiles: what the model itself finds is the truth of the first, the second is bare."""
    folder = tmp_path_factory.mktemp("tiles")
    model = WeedModel.load(MODELS / "weeds.onnx")
    for name, tile in (("weedy", golden.tiles()[0]), ("bare", golden.tiles()[2])):
        cv2.imwrite(str(folder / f"{name}.png"), tile[..., ::-1])
        plants = model.look(tile, golden.GSD_MM).plants
        shapes = [
            {"label": "potato" if kind == 1 else "weed", "points": outline.tolist()}
            for kind, outline in zip(plants.classes, plants.outlines, strict=True)
        ]
        raw = {"imagePath": f"{name}.png", "imageHeight": tile.shape[0], "imageWidth": tile.shape[1]}
        (folder / f"{name}.json").write_text(json.dumps({**raw, "shapes": shapes}))
    return folder


def test_eval_measures_what_the_labels_say(tmp_path: Path, tiles: Path) -> None:
    said = run(tmp_path, "eval", tiles, "--json")
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    assert told["tiles"] == 2
    assert told["labelled"] == told["reported"]
    assert told["labelled"]["weed"] > 5
    assert told["by_class"]["weed"]["f1"] == [1, 1, 1]
    assert told["by_class"]["crop"]["ap50"][0] == pytest.approx(1)
    assert told["overall"]["false_weeds_per_100_m2"][0] == 0
    assert told["rejected"] == []


def test_fine_tiles_are_seen_on_the_models_own_scale(tmp_path: Path, tiles: Path) -> None:
    fine, times = tmp_path / "fine", 2
    fine.mkdir()
    for file in tiles.glob("*.json"):
        raw = json.loads(file.read_text())
        picture = cv2.imread(str(tiles / raw["imagePath"]))
        assert picture is not None
        larger = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(fine / raw["imagePath"]), larger)
        for shape in raw["shapes"]:
            shape["points"] = (times * (np.array(shape["points"]) + 0.5) - 0.5).tolist()
        raw |= {"imageHeight": larger.shape[0], "imageWidth": larger.shape[1]}
        (fine / file.name).write_text(json.dumps(raw))
    told = json.loads(run(tmp_path, "eval", fine, "--gsd-mm", 1.4, "--json").output)
    assert told["by_class"]["weed"]["f1"][0] > 0.9
    assert told["by_class"]["crop"]["ap50"][0] > 0.9

    config = Config()
    cv2.imwrite(str(tmp_path / "own.jpg"), golden.tiles()[0][..., ::-1])
    own_tile = cv2.imread(str(fine / "weedy.png"))
    assert own_tile is not None
    cv2.imwrite(str(tmp_path / "fine.jpg"), own_tile)
    own = _middles(single.detect(config, tmp_path / "own.jpg", 2.8))
    seen = _middles(single.detect(config, tmp_path / "fine.jpg", 1.4))
    assert len(seen) == pytest.approx(len(own), rel=0.2)
    off = np.linalg.norm(times * (own[:, None] + 0.5) - 0.5 - seen[None], axis=2).min(axis=1)
    assert np.median(off) < 4  # pixels of 1.4 mm


def _middles(found: dict[str, Any]) -> NDArray[np.float64]:
    """[N, 2] the middles of the boxes around what `detect` found."""
    outlines = [np.array(one["polygon"]) for one in found["detections"]]
    return np.array([(one.min(axis=0) + one.max(axis=0)) / 2 for one in outlines])


def test_eval_lists_what_it_could_not_use(tmp_path: Path, tiles: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    for file in tiles.glob("bare.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "cut.json").write_text("{")
    said = run(tmp_path, "eval", folder, "--gsd-mm", 9)
    assert said.exit_code == 3
    assert "cut.json is no LabelMe file or damaged." in said.output
    assert "would call no single weeds here" in said.output
    assert "expected calibration error" in said.output
    (folder / "bare.png").write_bytes(b"")
    said = run(tmp_path, "eval", folder)
    assert said.exit_code == 1
    assert "No tile of" in said.output


@pytest.mark.parametrize("label", ["potato", "=crop", "potato=plant"])
def test_eval_wants_labels_with_a_meaning(tmp_path: Path, tiles: Path, label: str) -> None:
    assert run(tmp_path, "eval", tiles, "--label", label).exit_code == 2


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(
        Misconfigured, match=r"needs no_such_module: install it with `pip install 'fieldbox\[quantize\]'`"
    ):
        evaluating.require("no_such_module", "quantize")
    evaluating.require("numpy", "quantize")


def row(
    file: str, workers: int, tiles_per_s: float, threads: int = 1, origin: Origin = Origin.SHIPPED
) -> Timed:
    precision, ms = "fp32" if "fp32" in file else "int8", Spread(1, 1, 1, 10)
    return Timed(file, origin, "weeds", precision, 1.0, threads, workers, ms, 1.0, tiles_per_s, 100.0)


def report(rows: list[Timed]) -> BenchReport:
    return BenchReport(2, rows, None, recommended(rows))


@pytest.mark.parametrize(
    ("rows", "choice"),
    [
        ([row("weeds.onnx", 1, 30), row("weeds.onnx", 2, 55), row("weeds-fp32.onnx", 1, 15)], ("weeds.onnx", 2)),
        ([row("weeds.onnx", 1, 30), row("weeds.onnx", 2, 31), row("weeds.onnx", 4, 31.5)], ("weeds.onnx", 1)),
        ([row("weeds.onnx", 1, 30), row("weeds-fp32.onnx", 1, 32)], ("weeds.onnx", 1)),
        ([row("weeds.onnx", 1, 30), row("weeds-fp32.onnx", 1, 40)], ("weeds-fp32.onnx", 1)),
        ([row("weeds.onnx", 1, 30), row("weeds.onnx", 1, 90, threads=4)], ("weeds.onnx", 1)),
        ([row("weeds.onnx", 1, 30), row("weeds.onnx", 2, 90, origin=Origin.KEPT)], ("weeds.onnx", 1)),
    ],
    ids=["more workers", "no gain", "hardly faster", "float wins", "threads inside do not count", "a namesake"],
)  # fmt: skip
def test_the_choice(rows: list[Timed], choice: tuple[str, int]) -> None:
    found = recommended(rows)
    assert (found.file, found.workers) == choice
    assert (found.path == "") == (found.file == "weeds.onnx")
    assert not found.path or Path(found.path).is_file()


def test_a_choice_is_written_and_runs(tmp_path: Path) -> None:
    file = tmp_path / "box.toml"
    file.write_text(
        f'# mine\n[worker]\nthreads = 3  # old\npoll_seconds = 1\n[storage]\nroot = "{tmp_path}"\n'
    )
    timing.write_choice(
        load_config({}, file), file, report([row("weeds.onnx", 1, 30), row("weeds-fp32.onnx", 2, 40)])
    )
    config = load_config({}, file)
    assert (config.worker.threads, config.worker.poll_seconds) == (2, 1)
    assert config.models.weeds == FULL
    assert file.read_text().startswith("# mine\n")
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_written_on_a_busy_machine(tmp_path: Path) -> None:
    waiting = dataclasses.replace(row("weeds.onnx", 1, 3), ms=Spread(300, 350, 400, 10), cpu_ms=35)
    with pytest.raises(Unavailable, match="busy, run it again when it is idle"):
        timing.write_choice(Config(), tmp_path / "box.toml", report([waiting]))
    assert not list(tmp_path.iterdir())


def test_a_model_from_outside_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "box.toml"
    file.write_text('[models]\nweeds = "/usb/own.onnx"\n')
    timing.write_choice(load_config({}, file), file, report([row("weeds.onnx", 2, 30)]))
    config = load_config({}, file)
    assert config.models.weeds == Path("/usb/own.onnx")
    assert config.worker.threads == 2


def test_bench_times_every_file_and_way(tmp_path: Path) -> None:
    # Naming a shipped file does not time it twice.
    where = {"FIELDBOX_STORAGE__ROOT": str(tmp_path), "FIELDBOX_MODELS__WEEDS": str(FULL)}
    report = timing.bench(load_config(where), runs=3, photos=0, shown=lambda *_: None)
    told = json.loads(report.to_json())
    files = {one["file"] for one in told["rows"]}
    assert files == {file.name for file in MODELS.glob("*.onnx")}
    ways = {(one["threads"], one["workers"]) for one in told["rows"]}
    cores = os.cpu_count() or 1
    assert ways == {(n, 1) for n in range(1, cores + 1)} | {(1, n) for n in range(2, cores + 1)}
    assert len(told["rows"]) == len(files) * len(ways)
    assert told["warnings"] == []
    assert all(0 < one["ms"]["p50"] <= one["ms"]["p90"] <= one["ms"]["p99"] for one in told["rows"])
    assert all(one["peak_mib"] > 20 for one in told["rows"])
    assert all(one["cpu_ms"] > 0 for one in told["rows"])
    precisions = {one["file"]: one["precision"] for one in told["rows"]}
    assert (precisions["weeds.onnx"], precisions["weeds-fp32.onnx"]) == ("int8", "fp32")
    (against,) = [one for one in told["against_float"] if one["file"] == "weeds.onnx"]
    assert against["times_faster"] > 1
    assert report.photo is None
    assert "recommended: weeds" in report.to_text()


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        tile = np.roll(golden.tiles()[number % 2], 40 * number, 0)
        cv2.imwrite(str(folder / f"{number}.png"), tile[..., ::-1])
    return folder


def test_a_float_model_is_made_small(tmp_path: Path) -> None:
    target = tmp_path / "small.onnx"
    images = pictures(tmp_path / "images", 4)
    said = run(tmp_path, "quantize", FULL, "--images", images, "-o", target, "--count", 2, "--json")
    assert said.exit_code == 0, said.output
    compared = json.loads(said.stdout.splitlines()[-1])["compared"]
    assert compared["bytes8"] < 0.65 * compared["bytes"]
    assert compared["same_class_pct"] > 98
    assert compared["matched_pct"] > 85
    small = WeedModel.load(target)
    assert small.release == WeedModel.load(FULL).release
    assert len(small.look(golden.tiles()[0], golden.GSD_MM).plants) > 5


def test_what_cannot_be_made_small(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Rejected, match="holds no pictures"):
        converting.quantise(FULL, tmp_path / "x.onnx", empty, method="percentile", count=2)
    with pytest.raises(Misconfigured, match=r"nowhere\.onnx cannot be read"):
        converting.quantise(tmp_path / "nowhere.onnx", tmp_path / "x.onnx", empty, method="entropy", count=2)
    assert not (tmp_path / "x.onnx").exists()


def test_where_a_small_model_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(FULL.read_bytes())
    with pytest.raises(Misconfigured, match=r"own\.onnx is the model itself"):
        converting.quantise(own, own, tmp_path, method="percentile", count=2)
    assert own.read_bytes() == FULL.read_bytes()
    cv2.imwrite(str(tmp_path / "tile.png"), golden.tiles()[0])
    folder = tmp_path / "folder"
    folder.mkdir()
    said = run(tmp_path, "quantize", FULL, "--images", tmp_path, "-o", folder, "--count", 1)
    assert said.exit_code == 1
    assert "folder cannot be written" in said.output
    assert not list(tmp_path.glob("*.part"))


def test_export(tmp_path: Path) -> None:
    target = tmp_path / "usb" / "out.onnx"
    assert run(tmp_path, "export", MODELS / "weeds.onnx", "--format", "onnx", "-o", target).exit_code == 0
    assert target.read_bytes() == (MODELS / "weeds.onnx").read_bytes()
    for words, because in (
        ((MODELS / "weeds.onnx", "--format", "tflite"), "TFLite is not supported"),
        ((tmp_path / "last.pt", "--format", "onnx"), "checkpoint of the training recipe"),
        ((tmp_path / "no.onnx", "--format", "onnx"), "cannot be read"),
    ):
        said = run(tmp_path, "export", *words, "-o", tmp_path / "x")
        assert said.exit_code == 1
        assert because in said.output
        assert "Traceback" not in said.output
    assert not (tmp_path / "x").exists()


def test_settings_of_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "box.toml"
    timing.write_choice(Config(), file, report([row("weeds.onnx", 2, 30)]))
    assert load_config({}, file).worker.threads == 2


def test_the_documentation_has_every_command() -> None:
    text = (MODELS.parent / "docs" / "models.md").read_text("utf-8")
    group = main.commands["models"]
    assert isinstance(group, click.Group)
    for name in group.commands:
        assert f"`fieldbox models {name}`" in text, name
