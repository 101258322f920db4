"""One small interface over ONNX Runtime.

A `Session` is loaded once and shared: `run` may be called from several Python threads at the same time.
That is faster, and needs less memory, than one session with several threads of its own or one a process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

INPUT, OUTPUT = "image", "plants"
CHANNELS = 6
STRIDE = 4


class Session:
    """A loaded model that turns RGB bytes into maps of plants."""

    def __init__(self, session: onnxruntime.InferenceSession, digest: str) -> None:
        self._session = session
        self.digest = digest
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)

    @classmethod
    def load(cls, path: Path, *, threads: int | None = 1, expected_sha256: str | None = None) -> Session:
        """Load an ONNX model file.

        `threads` is what one call of `run` may use; None leaves all to the runtime's own defaults. With
        `expected_sha256` (hexadecimal) any other file is refused. Raises `Misconfigured`, with the file and
        the reason, for a file that is missing, damaged, not the expected one or not a model with our inputs
        and outputs.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise Misconfigured(
                N_("The model file {file} cannot be read: {reason}."), file=path.name, reason=reason
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        if expected_sha256 is not None and digest != expected_sha256.lower():
            raise Misconfigured(
                N_("The model file {file} is not the one of this release; install the release again."),
                file=path.name,
            )
        try:
            session = onnxruntime.InferenceSession(
                content, _options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises a dozen kinds, some of them plain RuntimeError
            raise Misconfigured(
                N_("The model file {file} is damaged or no model; install the release again."), file=path.name
            ) from error
        _check(session, path)
        return cls(session, digest)

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the model.

        images: uint8 [batch, height, width, 3] RGB, height and width multiples of 32.
        Returns float32 [batch, 6, height / 4, width / 4]: probabilities of soil, crop and weed,
        probability of a plant's centre, offset x and y in pixels to the centre of the cell's plant.
        Raises `ValueError` for another shape or type.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(f"uint8 [batch, height, width, 3] expected, not {images.dtype} {images.shape}")
        if images.shape[1] % 32 or images.shape[2] % 32 or not images.size:
            raise ValueError(f"height and width must be multiples of 32, not {images.shape[1:3]}")
        maps: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: np.ascontiguousarray(images)})[0]
        return maps


def _options(threads: int | None) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    if threads is None:
        return options
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait in a loop would take the cores from the workers beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _check(session: onnxruntime.InferenceSession, path: Path) -> None:
    inputs = [(item.name, item.type, len(item.shape), item.shape[-1]) for item in session.get_inputs()]
    outputs = [(item.name, item.type, len(item.shape), item.shape[1]) for item in session.get_outputs()]
    wanted = ([(INPUT, "tensor(uint8)", 4, 3)], [(OUTPUT, "tensor(float)", 4, CHANNELS)])
    if (inputs, outputs) != wanted:
        raise Misconfigured(
            N_("The file {file} is a model of another kind; install the release again."), file=path.name
        )
