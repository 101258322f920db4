"""Which model runs: the configured one if it is trusted and sound, else the last good one, and it is said."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from fieldbox.cli import main
from fieldbox.config import Config, load_config
from fieldbox.errors import Misconfigured
from fieldbox.inference.runtime import CHANNELS
from fieldbox.inference.weeds import WeedModel
from fieldbox.modelops.files import (
    KINDS,
    Origin,
    Shelf,
    pinned,
    refusals,
    shipped_files,
    trust_outside,
    trust_shipped,
)
from fieldbox.models import Chosen, choose_health, choose_weeds, release_sha
from fieldbox.services import timing
from fieldbox.services.leaf import choose_leaves
from fieldbox.services.modelling import choose_all, list_models, verify_models
from tests.modelops.keys import Signer

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = MODELS / "weeds.onnx"
CHOOSE: dict[str, Callable[[Config], Chosen[Any]]] = {
    "weeds": choose_weeds,
    "health": choose_health,
    "leaves": choose_leaves,
}


def under_version_77(file: Path) -> bytes:
    """A sound model with a digest of its own: a shipped one under another version."""
    model = onnx.load(str(file))
    for entry in model.metadata_props:
        if entry.key == "version":
            entry.value = "77"
    return model.SerializeToString()


@pytest.fixture(scope="module")
def retrained() -> bytes:
    return under_version_77(SHIPPED)


class Box:
    """A box whose settings name a model from outside."""

    def __init__(self, root: Path, kind: str = "weeds") -> None:
        self.root, self.kind = root, kind
        self.file = root / "usb" / "new.onnx"
        self.file.parent.mkdir()
        self.signer = Signer()
        self.signer.trust(root / "keys")

    @property
    def config(self) -> Config:
        named = f"FIELDBOX_MODELS__{self.kind.upper()}"
        return load_config({"FIELDBOX_STORAGE__ROOT": str(self.root), named: str(self.file)})

    def bring(self, content: bytes, *, signed: bool = True) -> None:
        self.file.write_bytes(content)
        if signed:
            self.signer.sign(self.file)

    def falls_back(self, because: str, to: str = "") -> None:
        chosen = CHOOSE[self.kind](self.config)
        assert chosen.file.origin in (Origin.SHIPPED, Origin.KEPT)
        place, reason = map(str, chosen.warnings)
        assert (to or f"fieldbox-{self.kind}@") in place
        assert "runs in its place" in place
        assert because in reason
        assert self.file.name in reason
        assert reason.endswith(".")
        assert "\n" not in reason
        assert chosen.model.digest == chosen.file.sha256
        assert any(because in str(sentence) for sentence in refusals(self.config))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_without_settings_the_shipped_one_runs(tmp_path: Path) -> None:
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})
    chosen = choose_weeds(config)
    assert chosen.file.origin is Origin.SHIPPED
    assert chosen.warnings == ()
    assert chosen.model.digest == pinned("weeds.onnx") == release_sha(config)
    assert refusals(config) == []


@pytest.mark.parametrize("hashed", [True, False])
def test_a_signed_model_runs(box: Box, retrained: bytes, hashed: bool) -> None:
    box.bring(retrained)
    box.signer.sign(box.file, hashed=hashed, comment="weeds 77")
    chosen = choose_weeds(box.config)
    assert (chosen.file.origin, chosen.file.comment) == (Origin.SIGNED, "weeds 77")
    assert chosen.model.release == "fieldbox-weeds@77"
    assert chosen.warnings == ()
    assert refusals(box.config) == []


def test_a_copy_of_a_shipped_one_needs_no_signature(box: Box) -> None:
    box.bring(SHIPPED.read_bytes(), signed=False)
    assert choose_weeds(box.config).file.origin is Origin.COPY


def test_without_a_signature_it_is_refused(box: Box, retrained: bytes) -> None:
    box.bring(retrained, signed=False)
    box.falls_back("has no signature")
    assert release_sha(box.config) == pinned("weeds.onnx")


def test_a_missing_file_is_refused(box: Box) -> None:
    box.falls_back("cannot be read")


def test_what_is_no_file_is_refused(box: Box) -> None:
    box.file.mkdir()
    box.falls_back("cannot be read")
    with pytest.raises(Misconfigured, match="zero is larger than any model"):
        trust_outside(Path("/dev/zero"), box.root / "keys")


def test_a_stranger_s_signature_is_refused(box: Box, retrained: bytes) -> None:
    box.bring(retrained, signed=False)
    Signer(number=b"stranger").sign(box.file)
    box.falls_back("does not trust")


def test_the_signature_of_another_file_is_refused(box: Box, retrained: bytes) -> None:
    other = box.file.with_name("other.onnx")
    other.write_bytes(b"other")
    box.bring(retrained, signed=False)
    shutil.copy(box.signer.sign(other), box.file.with_name(box.file.name + ".minisig"))
    box.falls_back("not the one that was signed")


def test_a_signature_with_another_comment_is_refused(box: Box, retrained: bytes) -> None:
    box.bring(retrained)
    signature = box.file.with_name(box.file.name + ".minisig")
    signature.write_text(signature.read_text().replace("a model", "the best model"))
    box.falls_back("comment in the signature")


def test_a_withdrawn_key_is_no_longer_trusted(box: Box, retrained: bytes) -> None:
    box.bring(retrained)
    assert choose_weeds(box.config).warnings == ()
    (box.root / "keys" / "farm.pub").unlink()
    box.falls_back("does not trust")
    assert choose_weeds(box.config).file.origin is Origin.SHIPPED


def test_the_last_good_one_keeps_running(box: Box, retrained: bytes) -> None:
    box.bring(retrained)
    good = choose_weeds(box.config).file.sha256
    box.bring(retrained[:-1], signed=False)
    box.falls_back("not the one that was signed", to="fieldbox-weeds@77")
    assert choose_weeds(box.config).file.sha256 == good
    box.file.unlink()
    box.falls_back("cannot be read", to="fieldbox-weeds@77")
    Shelf.of(box.config, "weeds").kept.write_bytes(retrained[:1000])
    box.falls_back("cannot be read", to=WeedModel.load(SHIPPED).release)


def test_a_new_key_signs_the_kept_one_too(box: Box, retrained: bytes) -> None:
    box.bring(retrained)
    good = choose_weeds(box.config).file.sha256
    box.signer = Signer(number=b"\x09" * 8)
    box.signer.trust(box.root / "keys", "new.pub")
    box.bring(retrained)
    assert choose_weeds(box.config).warnings == ()
    (box.root / "keys" / "farm.pub").unlink()
    box.file.unlink()
    box.falls_back("cannot be read", to="fieldbox-weeds@77")
    assert choose_weeds(box.config).file.sha256 == good


@pytest.mark.parametrize("kind", ["health", "leaves"])
def test_each_kind_may_come_from_outside(tmp_path: Path, kind: str) -> None:
    own = under_version_77(MODELS / f"{kind}.onnx")
    box = Box(tmp_path, kind)
    box.bring(own, signed=False)
    box.falls_back("has no signature")
    box.bring(own)
    chosen = CHOOSE[kind](box.config)
    assert (chosen.file.origin, chosen.model.release) == (Origin.SIGNED, f"fieldbox-{kind}@77")
    assert chosen.warnings == ()
    box.bring(own[:-1], signed=False)
    box.falls_back("not the one that was signed", to=f"fieldbox-{kind}@77")
    assert CHOOSE[kind](box.config).file.sha256 == chosen.file.sha256


def test_a_health_model_of_other_features_is_refused(tmp_path: Path) -> None:
    """It would load, and then stop every survey."""
    model = onnx.load(str(MODELS / "health.onnx"))
    for entry in model.metadata_props:
        if entry.key == "features":
            entry.value = json.dumps(list(reversed(json.loads(entry.value))))
    box = Box(tmp_path, "health")
    box.bring(model.SerializeToString())
    box.falls_back("another kind")


@pytest.mark.parametrize("kind", ["health", "leaves"])
def test_a_weed_model_is_refused_in_another_place(tmp_path: Path, retrained: bytes, kind: str) -> None:
    box = Box(tmp_path, kind)
    box.bring(retrained)
    box.falls_back("another kind")
    (verdict,) = [one for one in verify_models(box.config) if one.file == box.file.name]
    assert ["another kind" in str(fault) for fault in verdict.faults] == [True]
    refused = next(row for row in list_models(box.config).rows if row.file == box.file.name)
    assert (refused.kind, refused.runs) == (kind, False)
    assert "another kind" in str(refused.problem)


def test_the_list_marks_what_runs_of_each_kind(tmp_path: Path) -> None:
    def marked(config: Config) -> list[tuple[str, str, str]]:
        return [(row.kind, row.file, row.origin) for row in list_models(config).rows if row.runs]

    leaves = under_version_77(MODELS / "leaves.onnx")
    box = Box(tmp_path, "leaves")
    box.bring(leaves)
    others = [("health", "health.onnx", "shipped"), ("weeds", "weeds.onnx", "shipped")]
    assert marked(box.config) == [*others, ("leaves", "new.onnx", "signed")]
    box.file.write_bytes(leaves[:-1])
    assert marked(box.config) == [*others, ("leaves", "leaves.onnx", "kept")]
    assert marked(load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})) == [
        ("health", "health.onnx", "shipped"),
        ("leaves", "leaves.onnx", "shipped"),
        ("weeds", "weeds.onnx", "shipped"),
    ]


def test_a_shipped_file_that_is_named_is_listed_once(tmp_path: Path) -> None:
    full = MODELS / "weeds-fp32.onnx"
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path), "FIELDBOX_MODELS__WEEDS": str(full)})
    (row,) = [row for row in list_models(config).rows if row.file == full.name]
    assert row.runs


def test_any_truncation_is_refused(box: Box, retrained: bytes) -> None:
    box.bring(retrained)
    lengths = {*range(0, len(retrained), 50_021), *(2**n for n in range(21)), len(retrained) - 1}
    for kept in lengths:
        box.file.write_bytes(retrained[:kept])
        with pytest.raises(Misconfigured, match=r"new\.onnx is not the one that was signed"):
            trust_outside(box.file, box.root / "keys")
    box.falls_back("not the one that was signed")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_flipped_byte_is_refused(box: Box, retrained: bytes, data: st.DataObject) -> None:
    if not box.file.exists():
        box.bring(retrained)
    flipped = bytearray(retrained)
    for _ in range(data.draw(st.integers(1, 3))):
        flipped[data.draw(st.integers(0, len(retrained) - 1))] ^= data.draw(st.integers(1, 255))
    box.file.write_bytes(flipped)
    if bytes(flipped) == retrained:  # flipped back
        return
    with pytest.raises(Misconfigured, match=r"new\.onnx is not the one that was signed"):
        trust_outside(box.file, box.root / "keys")


def other_model(shape: list[object], kind: str = "weeds", made: int = CHANNELS) -> bytes:
    """A sound ONNX model with an image input of `shape` and `made` channels of nothing."""
    image = helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, shape)
    plants = helper.make_tensor_value_info(
        "plants", onnx.TensorProto.FLOAT, ["batch", made, "rows", "columns"]
    )
    zeros = numpy_helper.from_array(np.zeros((1, made, 8, 8), np.float32), "zeros")
    graph = helper.make_graph(
        [helper.make_node("Identity", ["zeros"], ["plants"])], "other", [image], [plants], [zeros]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"name": "other", "version": "1", "kind": kind})
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (other_model(["b", 3, "h", "w"]), "another kind"),
        (other_model(["b", "h", "w", 4]), "another kind"),
        (other_model(["b", "h", "w", 3], made=CHANNELS + 1), "another kind"),
        (other_model(["b", "h", "w", 3], kind="leaves"), "another kind"),
        (other_model(["b", "h", "w", 3]), "lacks its description"),
        (b"\x08\x08signed, but no model", "damaged or no model"),
        (b"", "damaged or no model"),
    ],
    ids=["planes first", "four bands", "channels", "kind", "metadata", "nonsense", "empty"],
)  # fmt: skip
def test_a_signed_file_that_is_no_weed_model_is_refused(box: Box, content: bytes, because: str) -> None:
    box.bring(content)
    box.falls_back(because)
    assert not Shelf.of(box.config, "weeds").kept.exists()


def test_a_refusal_is_forgotten_when_the_file_is_mended(box: Box, retrained: bytes) -> None:
    box.bring(b"no model")
    box.falls_back("damaged or no model")
    box.bring(retrained)
    assert choose_weeds(box.config).warnings == ()
    assert refusals(box.config) == []


def test_a_damaged_shipped_file_is_a_fault_of_the_box(tmp_path: Path) -> None:
    content = SHIPPED.read_bytes()
    damaged = tmp_path / "weeds.onnx"
    for kept in (0, 100, len(content) - 1):
        damaged.write_bytes(content[:kept])
        with pytest.raises(Misconfigured, match=r"weeds\.onnx is not the one of this release"):
            trust_shipped(damaged)
    unknown = tmp_path / "unknown.onnx"
    unknown.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"unknown\.onnx is not one of this release"):
        trust_shipped(unknown)


def test_every_shipped_model_is_pinned() -> None:
    files = shipped_files()
    assert SHIPPED in files
    for file in files:
        assert hashlib.sha256(file.read_bytes()).hexdigest() == pinned(file.name)


@pytest.mark.parametrize("command", ["list", "verify"])
def test_the_command_line_says_what_is_refused(box: Box, retrained: bytes, command: str) -> None:
    box.bring(retrained[:5000])
    settings_file = box.root / "box.toml"
    settings_file.write_text(f'[models]\nweeds = "{box.file}"\n')
    # The environment goes before the file, and `make` sets it.
    where = {"FIELDBOX_STORAGE__ROOT": str(box.root)}
    said = CliRunner(env=where).invoke(main, ["--config", str(settings_file), "models", command])
    assert said.exit_code == (0 if command == "list" else 1)
    assert "new.onnx" in said.output
    assert "damaged or no model" in said.output
    assert "Traceback" not in said.output
    assert ("runs in its place" in said.output) == (command == "list")


def test_status_says_so_too(box: Box, retrained: bytes) -> None:
    box.bring(retrained, signed=False)
    settings_file = box.root / "box.toml"
    settings_file.write_text(f'[storage]\nroot = "{box.root}"\n[models]\nweeds = "{box.file}"\n')
    said = CliRunner().invoke(main, ["--config", str(settings_file), "status"])
    assert said.exit_code == 0
    assert "new.onnx has no signature" in said.output


def test_bench_times_the_last_good_one(box: Box, retrained: bytes) -> None:
    box.bring(retrained)
    choose_weeds(box.config)
    box.file.write_bytes(retrained[:-1])
    report = timing.bench(box.config, runs=1, photos=0, shown=lambda *_: None)
    place, reason = report.warnings
    assert "fieldbox-weeds@77 runs in its place" in place
    assert "new.onnx is not the one that was signed" in reason
    timed = {(row.file, row.origin) for row in report.rows}
    assert timed == {(file.name, Origin.SHIPPED) for file in shipped_files()} | {("weeds.onnx", Origin.KEPT)}
    assert reason in report.to_text()
    assert "weeds.onnx (kept)" in report.to_text()
    assert json.loads(report.to_json())["warnings"] == [place, reason]


def test_every_kind_is_chosen_and_is_a_setting(tmp_path: Path) -> None:
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})
    assert sorted(choose_all(config)) == sorted(KINDS)
    assert all(hasattr(config.models, kind) for kind in KINDS)
