"""`fieldbox leaf`: what a person and a machine are told of one phone photo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fieldbox.cli import main
from fieldbox.inference.leaves import Leaf, LeafVerdict
from fieldbox.services.leaf import sentence_of
from tests.imagery.photos import exif_bytes, jpeg, real_data


def verdict(
    found: Leaf | None, no_leaf: float = 0.01, *, not_a_leaf: bool = False, share: float = 0.9
) -> LeafVerdict:
    shares = {leaf: share if leaf is Leaf.RUST else (1 - share) / 2 for leaf in Leaf}
    return LeafVerdict(found, Leaf.RUST, shares, no_leaf, not_a_leaf)


def test_each_verdict_has_its_sentence() -> None:
    assert "bean rust (90 % certain)" in str(sentence_of(verdict(Leaf.RUST)))
    assert "99 %" in str(sentence_of(verdict(Leaf.RUST, share=0.9999)))
    assert str(sentence_of(verdict(None, share=0.5), leaf=0.1)).startswith(
        "Unsure; most like bean rust (50 %)"
    )
    assert "whether this is a bean leaf" in str(sentence_of(verdict(None, no_leaf=0.3), leaf=0.1))
    assert "not seen as a bean leaf" in str(sentence_of(verdict(None, no_leaf=0.9, not_a_leaf=True)))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path / "box"))
    return tmp_path


def soil(path: Path) -> Path:
    grain = np.random.default_rng(0).normal(0, 12, (600, 800, 1))
    Image.fromarray(np.clip(np.array([130, 105, 80]) + grain, 0, 255).astype(np.uint8)).save(path)
    return path


def test_a_picture_of_soil(root: Path) -> None:
    said = CliRunner().invoke(main, ["leaf", str(soil(root / "soil.png")), "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["not_a_leaf"]
    assert found["class"] is None
    assert found["likeliest"] is None
    assert found["probabilities"] is None
    assert found["not_a_leaf_probability"] > 0.5
    assert found["release"].startswith("fieldbox-leaves@")
    text = CliRunner().invoke(main, ["leaf", str(root / "soil.png")])
    assert text.exit_code == 0
    assert "not seen as a bean leaf" in text.stdout
    assert "only bean leaves" in text.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (jpeg(exif=exif_bytes()), "fieldbox ingest"),
        (b"no photo", "not a photo"),
        (jpeg(exif=None)[:900], "cut off"),
    ],
)
def test_a_rejected_photo_ends_with_3_and_one_sentence(root: Path, content: bytes, said: str) -> None:
    photo = root / "photo.jpg"
    photo.write_bytes(content)
    plain = CliRunner().invoke(main, ["leaf", str(photo)])
    assert plain.exit_code == 3
    assert plain.stdout == ""
    assert len(plain.stderr.strip().splitlines()) == 1
    assert said in plain.stderr
    machine = CliRunner().invoke(main, ["leaf", str(photo), "--json"])
    assert machine.exit_code == 3
    assert said in json.loads(machine.stdout)["rejected"]


def test_a_refused_model_is_named_and_the_shipped_one_answers(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = root / "own-leaves.onnx"
    own.write_bytes(b"cut off")
    monkeypatch.setenv("FIELDBOX_MODELS__LEAVES", str(own))
    said = CliRunner().invoke(main, ["leaf", str(soil(root / "soil.png")), "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["release"].startswith("fieldbox-leaves@")
    place, reason = found["sentences"][-2:]
    assert f"{found['release']} runs in its place" in place
    assert "own-leaves.onnx has no signature" in reason


def test_without_an_image_the_use_is_wrong() -> None:
    assert CliRunner().invoke(main, ["leaf"]).exit_code == 2


@pytest.mark.shared
def test_a_real_photo_of_rust(root: Path) -> None:
    photo = real_data() / "leaves" / "beans" / "val" / "bean_rust" / "bean_rust_val_10.jpg"
    found = json.loads(CliRunner().invoke(main, ["leaf", str(photo), "--json"]).stdout)
    assert found["likeliest"] == "bean_rust"
    assert not found["not_a_leaf"]
