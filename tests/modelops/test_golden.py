"""Golden tiles: the shipped models answer as they should, and a model that does not is found out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from fieldbox import golden
from fieldbox.cli import main
from fieldbox.errors import Misconfigured
from fieldbox.inference.runtime import description_of
from fieldbox.inference.weeds import WeedModel
from fieldbox.modelops.files import Origin, Trusted, shipped_files, trust_shipped
from fieldbox.modelops.golden import (
    Answer,
    Reference,
    differences,
    read_references,
    same_plants,
    write_references,
)

MODELS = Path(__file__).parents[2] / "models"
ANSWER = Answer(100.0, {"cover": 0.5}, ((1, 10.0, 10.0), (2, 50.0, 50.0)))


def test_every_shipped_model_has_reference_answers() -> None:
    references = read_references()
    for file in shipped_files():
        assert references[file.name].sha256 == trust_shipped(file).sha256


def test_tiles_are_the_same_each_time() -> None:
    first = golden.tiles()
    golden.tiles.cache_clear()
    again = golden.tiles()
    assert [tile.shape for tile in first] == [(golden.SIDE, golden.SIDE, 3)] * 3
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("file", shipped_files(), ids=lambda file: file.name)
def test_shipped_models_answer_as_the_reference(file: Path) -> None:
    given = golden.ASK[description_of(file).get("kind", "weeds")](trust_shipped(file))
    assert differences(file.name, read_references()[file.name].answers, given) == []


def test_eight_bits_and_float_pass_for_each_other() -> None:
    """The tolerance holds between processors if it holds between 8 bits and float."""
    references = read_references()
    small, full = references["weeds.onnx"], references["weeds-fp32.onnx"]
    assert differences("weeds.onnx", full.answers, small.answers) == []


def test_a_model_with_a_spoilt_weight_is_found_out(tmp_path: Path) -> None:
    """A fault that leaves it a model: one layer's scale is wrong."""
    model = onnx.load(str(MODELS / "weeds.onnx"))
    scale = next(w for w in model.graph.initializer if w.name == "head_scales")
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * np.float32(0.7), scale.name))
    spoilt = tmp_path / "weeds.onnx"
    onnx.save(model, str(spoilt))
    loaded = WeedModel.load(spoilt)
    given = golden.ask_weeds(Trusted(spoilt, loaded.digest, Origin.SIGNED))
    said = [str(one) for one in differences("weeds.onnx", read_references()["weeds.onnx"].answers, given)]
    assert said
    assert all(
        line.startswith("weeds.onnx answers otherwise on this machine: on golden tile") for line in said
    )


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"level": 103.0}, "drawn otherwise"),
        ({"shares": {"cover": 0.57}}, "cover is 0.57 and should be 0.5"),
        ({"shares": {"cover": float("nan")}}, "cover is nan"),
        ({"shares": {"other": 0.5}}, "other answers"),
        ({"plants": ((1, 10.0, 10.0),)}, "67 % of the plants"),
        ({"plants": ((1, 10.0, 10.0), (1, 50.0, 50.0))}, "50 % of the plants"),
        ({"plants": ((1, 10.0, 10.0), (2, 50.0, 63.0))}, "50 % of the plants"),
    ],
)
def test_what_differs_is_said(changed: dict[str, object], because: str) -> None:
    other = dataclasses.replace(ANSWER, **changed)
    (said,) = differences("weeds.onnx", [ANSWER], [other])
    assert because in str(said)
    assert "weeds.onnx" in str(said)


def test_small_differences_are_let_pass() -> None:
    near = Answer(100.5, {"cover": 0.54}, ((1, 12.0, 13.0), (2, 45.0, 50.0)))
    assert differences("weeds.onnx", [ANSWER], [near]) == []
    assert same_plants((), ()) == 1
    assert same_plants((), ANSWER.plants) == 0
    assert len(differences("weeds.onnx", [ANSWER], [])) == 1


def test_references_are_stored(tmp_path: Path) -> None:
    file = tmp_path / "golden.json"
    write_references(
        {"b.onnx": Reference("1" * 64, (ANSWER, ANSWER)), "a.onnx": Reference("0" * 64, ())}, file
    )
    assert read_references(file) == {
        "b.onnx": Reference("1" * 64, (ANSWER, ANSWER)),
        "a.onnx": Reference("0" * 64, ()),
    }
    json.loads(file.read_text())


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"sha256": "x", "answers": [{"level": 1}]}}'])
def test_damaged_references_are_a_fault_of_the_box(tmp_path: Path, text: str) -> None:
    file = tmp_path / "golden.json"
    file.write_text(text)
    with pytest.raises(Misconfigured, match=r"golden\.json are missing or damaged"):
        read_references(file)


def test_verify_compares_them(tmp_path: Path) -> None:
    settings = tmp_path / "box.toml"
    settings.write_text(f'[storage]\nroot = "{tmp_path}"\n')
    said = CliRunner().invoke(main, ["--config", str(settings), "models", "verify", "--json"])
    assert said.exit_code == 0, said.output
    verdicts = {one["file"]: one for one in json.loads(said.output)}
    assert verdicts["weeds.onnx"] == {"file": "weeds.onnx", "sound": True, "faults": [], "golden_tiles": 3}
