"""Processes of fieldbox that begin with its libraries loaded.

Loading them takes a second and a half of a processor, and the tests run hundreds of commands. So one process loads them and
forks for each command: what it forks is a process of its own with its own arguments, environment, output and end, and runs
`python -m fieldbox` from its first line. What only a new interpreter shows (that it starts at all, another seed for
hashes) is left to boxes that are `fresh`.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

LOADED = (
    "alembic.command",
    "fieldbox.cli",
    "fieldbox.services.checking",
    "fieldbox.services.converting",
    "fieldbox.services.deciding",
    "fieldbox.services.intake",
    "fieldbox.services.locating",
    "fieldbox.services.modelling",
    "fieldbox.services.results",
    "fieldbox.services.simulation",
    "fieldbox.services.single",
)
"""What most commands would load by themselves."""
LARGEST = 1 << 17
"""Bytes of a request: arguments and environment."""

Ended = tuple[int, bytes, bytes]
"""Exit code (or the signal, negative), standard output and standard error."""


class Server:
    """The process that forks; it ends with its owner. One command at a time."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.path.warm", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).resolve().parents[2],
            )
        self._one = threading.Lock()

    def run(self, arguments: list[bytes], environment: dict[str, str], timeout: float) -> Ended:
        """Run `fieldbox ARGUMENTS` until it, and whatever else has its standard error, is gone."""
        with self._one, tempfile.TemporaryFile() as out:
            reading, writing = os.pipe()
            request = pickle.dumps((arguments, environment))
            socket.send_fds(self._line, [request], [out.fileno(), writing])
            os.close(writing)
            pid = int(self._line.recv(LARGEST))
            try:
                err = _read(reading, time.monotonic() + timeout)
            except TimeoutError as error:
                os.kill(pid, signal.SIGKILL)
                self._line.recv(LARGEST)
                raise subprocess.TimeoutExpired(arguments, timeout) from error
            finally:
                os.close(reading)
            code = int(self._line.recv(LARGEST))
            out.seek(0)
            return code, out.read(), err


@cache
def server() -> Server:
    """The server of this process's tests."""
    return Server()


def _read(pipe: int, until: float) -> bytes:
    """All that comes, until the pipe is closed. Raises TimeoutError."""
    parts = []
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        parts.append(os.read(pipe, 1 << 16))
        if not parts[-1]:
            return b"".join(parts)
    raise TimeoutError


# -- in the server ---------------------------------------------------------------------------------


def main(line: socket.socket) -> None:
    """Fork for each request until the owner is gone; what is forked goes on as `python -m fieldbox`."""
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # pages that no collection touches stay shared
    while True:
        request, files, _flags, _address = socket.recv_fds(line, LARGEST, 2)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            break
        for file in files:
            os.close(file)
        line.send(str(pid).encode())
        _pid, status = os.waitpid(pid, 0)
        line.send(str(os.waitstatus_to_exitcode(status)).encode())
    line.close()
    _become(files, *pickle.loads(request))  # noqa: S301  from our own parent


def _become(files: list[int], arguments: list[bytes], environment: dict[str, str]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in zip([nothing, *files], range(3), strict=True):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["fieldbox", *map(os.fsdecode, arguments)]
    runpy.run_module("fieldbox", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
