"""Which model runs: the configured one if it is trusted and sound, else the last good one, and it is said."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

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
    Origin,
    Shelf,
    pinned,
    refusals,
    shipped_files,
    trust_outside,
    trust_shipped,
)
from fieldbox.models import choose_weeds, release_sha
from tests.modelops.keys import Signer

SHIPPED = Path(__file__).parents[2] / "models" / "weeds.onnx"


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound weed model with a digest of its own: the shipped one under another version."""
    model = onnx.load(str(SHIPPED))
    for entry in model.metadata_props:
        if entry.key == "version":
            entry.value = "77"
    return model.SerializeToString()


class Box:
    """A box whose settings name a model from outside."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "usb" / "new.onnx"
        self.file.parent.mkdir()
        self.signer = Signer()
        self.signer.trust(root / "keys")

    @property
    def config(self) -> Config:
        return load_config(
            {"FIELDBOX_STORAGE__ROOT": str(self.root), "FIELDBOX_MODELS__WEEDS": str(self.file)}
        )

    def bring(self, content: bytes, *, signed: bool = True) -> None:
        self.file.write_bytes(content)
        if signed:
            self.signer.sign(self.file)

    def falls_back(self, because: str, to: str = "fieldbox-weeds@") -> None:
        chosen = choose_weeds(self.config)
        assert chosen.file.origin in (Origin.SHIPPED, Origin.KEPT)
        place, reason = map(str, chosen.warnings)
        assert to in place
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
