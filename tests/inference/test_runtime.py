"""Kinds of models, and another runtime behind the same interface."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.inference.runtime import WEEDS, Kind, Port, Session, Unloadable, description_of

MODELS = Path(__file__).parents[2] / "models"
VECTOR = Kind("vector", Port("features", "float32", (None, 9)), Port("shares", "float32", (None, 3)))


class Doubling:
    """A runtime of the test's own: `run` doubles what it is given."""

    metadata: Mapping[str, str] = {"kind": "vector", "name": "double"}

    def __init__(self, content: bytes, threads: int | None) -> None:
        if content != b"double":
            raise Unloadable
        self.threads = threads
        self.inputs = (Port("features", "float32", (None, 9)),)
        self.outputs = (Port("shares", "float32", (None, 3)),)

    def run(self, given: NDArray[Any]) -> NDArray[Any]:
        return 2 * given[:, :3]


def file_of(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "double.onnx"
    file.write_bytes(content)
    return file


def test_another_runtime_serves_a_session(tmp_path: Path) -> None:
    session = Session.load(file_of(tmp_path, b"double"), kind=VECTOR, engine=Doubling)
    given = np.arange(18, dtype=np.float32).reshape(2, 9)
    assert session.run(given).tolist() == [[0, 2, 4], [18, 20, 22]]
    assert session.metadata["name"] == "double"
    with pytest.raises(ValueError, match=r"float32 \[any, 9\] expected, not float64 \[2, 9\]"):
        session.run(given.astype(np.float64))
    with pytest.raises(ValueError, match="expected"):
        session.run(given[:, :8])


def test_it_is_held_to_the_same_checks(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"double\.onnx is damaged or no model"):
        Session.load(file_of(tmp_path, b"triple"), kind=VECTOR, engine=Doubling)
    with pytest.raises(Misconfigured, match=r"double\.onnx is a model of another kind"):
        Session.load(file_of(tmp_path, b"double"), engine=Doubling)
    with pytest.raises(Misconfigured, match="not the one of this release"):
        Session.load(file_of(tmp_path, b"double"), kind=VECTOR, engine=Doubling, expected_sha256="0" * 64)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        (Port("image", "uint8", (None, None, None, 3)), True),
        (Port("image", "uint8", (1, 640, 640, 3)), True),
        (Port("image", "uint8", (None, None, None, None)), False),
        (Port("image", "uint8", (None, None, None, 4)), False),
        (Port("image", "uint8", (None, None, 3)), False),
        (Port("image", "float32", (None, None, None, 3)), False),
        (Port("picture", "uint8", (None, None, None, 3)), False),
    ],
)
def test_which_inputs_fit(given: Port, fits: bool) -> None:
    assert WEEDS.input.accepts(given) is fits


def test_a_description_is_read_of_any_kind(tmp_path: Path) -> None:
    assert description_of(MODELS / "weeds.onnx")["name"] == "fieldbox-weeds"
    with pytest.raises(Misconfigured, match=r"double\.onnx is damaged or no model"):
        description_of(file_of(tmp_path, b"double"))


def test_the_runtime_keeps_no_record_of_its_use(tmp_path: Path) -> None:
    """Left alone it writes one below the home folder, and sends it when there is a network."""
    code = (
        "import sys; from pathlib import Path; from fieldbox.inference.runtime import OnnxRuntime\n"
        "OnnxRuntime(Path(sys.argv[1]).read_bytes(), 1); assert 'onnxruntime' in sys.modules"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    subprocess.run(
        [sys.executable, "-c", code, MODELS / "weeds.onnx"],
        env={**kept, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=MODELS.parent,
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []
