"""Work on files that nobody vouches for, in processes of their own.

A damaged or hostile file can crash a decoder, fill the memory or keep it busy for ever. What reads such files runs
here in child processes with limits; when one dies or takes too long it is replaced, the file is refused with a
sentence, and nothing else notices. Children only ever send back the plain values and nouns listed in `_RETURNED`.
"""

from __future__ import annotations

import importlib
import io
import math
import os
import pickle
import queue
import resource
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from fieldbox.errors import FieldboxError, Misconfigured, Rejected, Unavailable
from fieldbox.i18n import N_

MEMORY_MB = 1500
"""Address space of a child: some 500 MB of it are libraries."""
SECONDS = 10.0
"""Of a processor, for one file, unless a call says otherwise."""
PATIENCE = 6.0
"""As many times those seconds may pass by the clock: other work has the cores too, and a card may be slow to read."""
_LARGEST_ANSWER = 64 * 2**20
_LENGTH = struct.Struct("<Q")
_LOOK_S = 0.05
"""Between two looks at how long a child has worked."""
_GRACE_S = 2
"""After this the kernel ends a child that its parent, gone meanwhile, did not stop."""
_POLITE = 5
"""Niceness of a child: copying, and the dashboard, go before it."""
_RETURNED = {"fieldbox", "datetime", "collections", "numpy"}
_RETURNED_BUILTINS = {"set", "frozenset", "complex", "bytearray"}
_TOO_LONG = N_(
    "Reading it took more than {seconds} s, so it was given up: copy it again from the drone's card."
)
_CRASHED = N_(
    "Reading it crashed the reader ({how}): it is damaged or no such file; copy it again from the card."
)
_TOO_MUCH = N_("Reading it takes more memory than the box allows: it is damaged, or far too large.")


@dataclass(frozen=True, slots=True)
class Failures:
    """Templates of what is said where a child does not answer."""

    too_long: str = _TOO_LONG
    """With {seconds}."""
    crashed: str = _CRASHED
    """With {how}."""
    too_much: str = _TOO_MUCH


class Apart:
    """Calls `task` ("module:function") in up to `processes` children. Threads may share it.

    What the function raises as one of our errors is raised here too.
    """

    def __init__(
        self, task: str, *, processes: int = 1, memory_mb: int = MEMORY_MB, failures: Failures | None = None
    ) -> None:
        self._task, self._memory_mb, self._failures = task, memory_mb, failures or Failures()
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _number in range(processes):
            self._idle.put(None)  # started when it is first needed
        self.processes = processes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children."""
        children = [self._idle.get() for _number in range(self.processes)]
        for child in children:
            if child:
                child.end()
            self._idle.put(None)

    def call(self, *arguments: Any, seconds: float = SECONDS, patience: float = PATIENCE) -> Any:
        """What the function makes of `arguments`.

        Raises Rejected if the child dies of it, needs too much memory, more than `seconds` both of a processor and by the
        clock, or `patience` times those by the clock alone.
        """
        child = self._idle.get()
        try:
            child = child or _Child(self._task, self._memory_mb, self._failures)
            return child.call(arguments, seconds, seconds * patience)
        finally:
            self._idle.put(child if child and child.alive else None)


@lru_cache(maxsize=8)  # of each task there is, so that none has to start again
def shared(task: str, processes: int) -> Apart:
    """The children of this process for a task: started when first needed, kept as long as it lives."""
    return Apart(task, processes=processes)


class _Child:
    """One process; alive until a call was not answered well."""

    def __init__(self, task: str, memory_mb: int, failures: Failures) -> None:
        self._failures = failures
        command = [sys.executable, "-m", "fieldbox.apart", task, str(memory_mb)]
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise Unavailable(
                N_("No further process can be started ({why}): restart the box."), why=error.strerror or "?"
            ) from error
        self.alive = True
        self._greeting()

    def call(self, arguments: tuple[Any, ...], seconds: float, at_most_s: float) -> Any:
        """`seconds` of a processor, `at_most_s` by the clock."""
        began = time.monotonic()
        try:
            _send(_pipe(self._process.stdin), pickle.dumps((arguments, math.ceil(at_most_s) + _GRACE_S)))
            self._await(began, seconds, at_most_s)
            answer = _receive(_pipe(self._process.stdout), began + at_most_s)
        except TimeoutError as error:
            self.end()
            raise Rejected(self._failures.too_long, seconds=round(time.monotonic() - began)) from error
        except (OSError, EOFError) as error:
            self.end()
            raise Rejected(self._failures.crashed, how=self._how()) from error
        except BaseException:
            self.end()
            raise
        return self._opened(answer)

    def end(self) -> None:
        """Stop it at once."""
        self.alive = False
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()

    def _await(self, began: float, seconds: float, at_most_s: float) -> None:
        """Until it answers. Raises TimeoutError once it has worked, or the clock has come, too far."""
        enough, pause = self._worked_s() + seconds, seconds
        while not select.select([_pipe(self._process.stdout)], [], [], pause)[0]:
            left = began + at_most_s - time.monotonic()
            if left <= 0 or self._worked_s() >= enough:
                raise TimeoutError
            pause = min(left, max(_LOOK_S, enough - self._worked_s()))

    def _worked_s(self) -> float:
        """Seconds of a processor that it has had."""
        with suppress(OSError):
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
            user, system = stat.rpartition(")")[2].split()[11:13]
            return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        return 0.0  # it is gone, which the pipe tells

    def _greeting(self) -> None:
        """Importing its libraries takes a while, and does not count against the first file."""
        try:
            _receive(_pipe(self._process.stdout), time.monotonic() + 120)
        except (OSError, EOFError, TimeoutError) as error:
            self.end()
            raise Misconfigured(
                N_("The reader of photos does not start ({how}): install fieldbox again."), how=self._how()
            ) from error

    def _opened(self, answer: bytes) -> Any:
        try:
            verdict, value = _Returned(io.BytesIO(answer)).load()
        except Exception as error:  # bytes of a process that may have been taken over
            self.end()
            raise Rejected(self._failures.crashed, how=type(error).__name__) from error
        if verdict == "done":
            return value
        if verdict == "refused":
            kind, template, params = value
            raise _ERRORS.get(kind, Rejected)(template, **params)
        self.end()  # out of memory: what is left of the process is not to be relied on
        raise Rejected(self._failures.too_much)

    def _how(self) -> str:
        code = self._process.poll()
        with suppress(ValueError):
            if code is not None and code < 0:
                return signal.Signals(-code).name
        return str(code)


_ERRORS: dict[str, type[FieldboxError]] = {
    one.__name__: one for one in (Rejected, Unavailable, Misconfigured)
}


class _Returned(pickle.Unpickler):
    """Reads nouns and plain values, and nothing that would run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins" and name in _RETURNED_BUILTINS:
            return super().find_class(module, name)
        if module.split(".", maxsplit=1)[0] in _RETURNED:
            return _type_of(super().find_class(module, name), module)
        raise pickle.UnpicklingError(f"{module}.{name}")


def _type_of(found: Any, module: str) -> Any:
    """Types, and the functions with which NumPy and dataclasses rebuild a value; no other function of ours."""
    if isinstance(found, type) or module.startswith(("numpy", "_codecs")):
        return found
    raise pickle.UnpicklingError(module)


def _pipe(pipe: Any) -> BinaryIO:
    if pipe is None:
        raise EOFError
    return pipe  # type: ignore[no-any-return]


def _send(pipe: BinaryIO, message: bytes) -> None:
    left = memoryview(_LENGTH.pack(len(message)) + message)
    while left:
        left = left[pipe.write(left) :]


def _receive(pipe: BinaryIO, until: float) -> bytes:
    """One message. Raises TimeoutError, EOFError, OSError."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size, until))
    if length > _LARGEST_ANSWER:
        raise EOFError
    return _read(pipe, length, until)


def _read(pipe: BinaryIO, size: int, until: float | None) -> bytes:
    parts, left = [], size
    while left:
        wait = None if until is None else max(0.0, until - time.monotonic())
        ready, _w, _x = select.select([pipe], [], [], wait)
        if not ready:
            raise TimeoutError
        part = pipe.read(left)
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


# -- in the child ---------------------------------------------------------------------------------


def main(task: str, memory_mb: int) -> None:
    """Answer calls on standard input until it is closed."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    _limit(memory_mb * 2**20)
    module, name = task.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    _send(answers, b"ready")
    calls = os.fdopen(0, "rb", buffering=0)
    while True:
        try:
            length = _LENGTH.unpack(_read(calls, _LENGTH.size, None))[0]
            arguments, seconds = pickle.loads(_read(calls, length, None))  # noqa: S301  from our own parent
        except EOFError:
            return
        signal.alarm(seconds)
        answer = pickle.dumps(_answer(function, arguments))
        signal.alarm(0)
        _send(answers, answer)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "done", function(*arguments)
    except FieldboxError as error:
        return "refused", (type(error).__name__, error.sentence.template, dict(error.sentence.params))
    except MemoryError:
        return "memory", None


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_POLITE)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
