"""One small interface over the runtime that runs model files.

A `Session` is loaded once and shared: `run` may be called from several Python threads at the same time.
That is faster, and needs less memory, than one session with several threads of its own or one a process.

What a model must look like is a `Kind`; what runs it is an `Engine`. ONNX Runtime is the one engine there
is: another one is a class with the four members of `Engine`, made from a file's bytes.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

if TYPE_CHECKING:
    import onnxruntime  # loaded with the first model: it starts a thread and opens a database of its own

INPUT, OUTPUT = "image", "plants"
CHANNELS = 8
STRIDE = 4

Shape = tuple[int | None, ...]
"""Length of each axis; None where any is allowed."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a model: its name, the type of its numbers ("uint8", "float32") and its shape.

    In a file, a length that is fixed here may not be another one; one that is free here may be anything.
    """

    name: str
    type: str
    shape: Shape

    def accepts(self, given: Port) -> bool:
        """Whether a model file's port `given` is one of these."""
        return (
            (self.name, self.type, len(self.shape)) == (given.name, given.type, len(given.shape))
            and all(wanted in (None, length) for wanted, length in zip(self.shape, given.shape, strict=True))
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """What models for one purpose have in common.

    name      as in the files' metadata `kind`
    input     what goes in; the first axis is the batch
    output    what comes out; the first axis is the batch
    multiple  height and width of an input image must be multiples of this
    stride    pixels a side for each cell of a map that comes out; None where the answer is no map
    """

    name: str
    input: Port
    output: Port
    multiple: int = 1
    stride: int | None = None

    def check(self, given: NDArray[Any]) -> None:
        """Raise `ValueError` where `given` is no input of this kind."""
        shape, wanted = given.shape, self.input.shape
        fits = len(shape) == len(wanted) and all(w in (None, s) for w, s in zip(wanted, shape, strict=True))
        if given.dtype != self.input.type or not fits:
            raise ValueError(f"{self.input.type} {_axes(wanted)} expected, not {given.dtype} {_axes(shape)}")
        if not given.size or any(side % self.multiple for side in shape[1:3]):
            raise ValueError(f"height and width must be multiples of {self.multiple}, not {shape[1:3]}")


def _axes(shape: Shape) -> str:
    return f"[{', '.join('any' if length is None else str(length) for length in shape)}]"


WEEDS = Kind(
    "weeds",
    Port(INPUT, "uint8", (None, None, None, 3)),
    Port(OUTPUT, "float32", (None, CHANNELS, None, None)),
    multiple=32,
    stride=STRIDE,
)
"""RGB bytes [batch, height, width, 3] in, maps of plants [batch, CHANNELS, height / 4, width / 4] out."""


class Engine(Protocol):
    """A loaded model in some runtime. `run` must be safe to call from several threads."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]

    def run(self, given: NDArray[Any]) -> NDArray[Any]:
        """The first output for the first input."""
        ...


Opener = Callable[[bytes, int | None], Engine]
"""Makes an engine of a model file's bytes and the threads one call may use; raises `Unloadable`."""


class Unloadable(Exception):
    """The runtime makes nothing of these bytes."""


class OnnxRuntime:
    """A model in ONNX Runtime, on the processor."""

    def __init__(self, content: bytes, threads: int | None) -> None:
        import onnxruntime  # noqa: PLC0415  most commands look at no photo

        try:
            self._session = onnxruntime.InferenceSession(
                content, _options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises a dozen kinds, some of them plain RuntimeError
            raise Unloadable(str(error)) from error
        self.inputs = tuple(_port(item) for item in self._session.get_inputs())
        self.outputs = tuple(_port(item) for item in self._session.get_outputs())
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._runs = itertools.count(1)

    def run(self, given: NDArray[Any]) -> NDArray[Any]:
        """As `Engine.run`."""
        how = _shrinking() if next(self._runs) % SHRINK_EVERY == 0 else None
        made: NDArray[Any] = self._session.run([self.outputs[0].name], {self.inputs[0].name: given}, how)[0]
        return made


@cache
def _shrinking() -> onnxruntime.RunOptions:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


SHRINK_EVERY = 8
"""Runs after which ONNX Runtime gives back what its arena has grown by: tiles of ever new sizes made it hold some 180 MiB
more than it needs. After every run it would cost a fifth of the time."""


def _options(threads: int | None) -> onnxruntime.SessionOptions:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised; nothing is to be said beside it
    if threads is None:
        return options
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait in a loop would take the cores from the workers beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


def _port(item: Any) -> Port:
    """An input or output as ONNX Runtime describes it; axes without a fixed length have a name or None."""
    shape = tuple(length if isinstance(length, int) else None for length in item.shape)
    return Port(item.name, _TYPES.get(item.type, item.type), shape)


class Session:
    """A loaded model of one kind, its file checked."""

    def __init__(self, engine: Engine, digest: str, kind: Kind = WEEDS) -> None:
        self._engine = engine
        self.kind = kind
        self.digest = digest
        self.metadata = engine.metadata

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        threads: int | None = 1,
        expected_sha256: str | None = None,
        kind: Kind = WEEDS,
        engine: Opener = OnnxRuntime,
    ) -> Session:
        """Load a model file.

        `threads` is what one call of `run` may use; None leaves all to the runtime's own defaults. With
        `expected_sha256` (hexadecimal) any other file is refused. Raises `Misconfigured`, with the file and
        the reason, for a file that is missing, damaged, not the expected one or not a model of this `kind`.
        """
        content = read_model(path)
        digest = hashlib.sha256(content).hexdigest()
        if expected_sha256 is not None and digest != expected_sha256.lower():
            raise Misconfigured(
                N_("The model file {file} is not the one of this release; install the release again."),
                file=path.name,
            )
        return cls(_opened(content, path, threads, kind, engine), digest, kind)

    def run(self, given: NDArray[Any]) -> NDArray[np.float32]:
        """Run the model.

        given: as the kind's `input` says; for `WEEDS` uint8 [batch, height, width, 3] RGB, height and width
        multiples of 32. Returns what the kind's `output` says; for `WEEDS` float32
        [batch, CHANNELS, height / 4, width / 4], described in `plants.py`.
        Raises `ValueError` for another shape or type.
        """
        self.kind.check(given)
        made: NDArray[np.float32] = self._engine.run(np.ascontiguousarray(given))
        return made


def read_model(path: Path) -> bytes:
    """The bytes of a model file. Raises `Misconfigured`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(
            N_("The model file {file} cannot be read: {reason}."),
            file=path.name, reason=error.strerror or str(error),
        ) from error  # fmt: skip


def _opened(content: bytes, path: Path, threads: int | None, kind: Kind, opener: Opener) -> Engine:
    try:
        engine = opener(content, threads)
    except Unloadable as error:
        raise Misconfigured(
            N_("The model file {file} is damaged or no model; install the release again."), file=path.name
        ) from error
    named = engine.metadata.get("kind", kind.name)
    ports = (engine.inputs, engine.outputs)
    wanted = ((kind.input,), (kind.output,))
    alike = all(
        len(mine) == len(theirs) and all(m.accepts(t) for m, t in zip(mine, theirs, strict=True))
        for mine, theirs in zip(wanted, ports, strict=True)
    )
    if named != kind.name or not alike:
        raise Misconfigured(
            N_("The file {file} is a model of another kind; install the release again."), file=path.name
        )
    return engine


def description_of(path: Path) -> Mapping[str, str]:
    """The metadata of a model file of any kind. Raises `Misconfigured`."""
    content = read_model(path)
    try:
        return OnnxRuntime(content, 1).metadata
    except Unloadable as error:
        raise Misconfigured(
            N_("The model file {file} is damaged or no model; install the release again."), file=path.name
        ) from error
