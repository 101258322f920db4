"""A box of the tests' own: the real command line in a process of its own, on a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fieldbox.config import Config, load_config
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions, exact
from fieldbox.storage.store import Store
from tests.flown import flown_to
from tests.path import warm

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "fieldbox")
NOT_FOUND = -1
PATIENCE_S = 300


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    def refused(self) -> str:
        """The one sentence of a command that failed: nothing else was said, and no traceback."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("fieldbox: ")
        assert lines[0].endswith(".")
        return lines[0]


@dataclass(frozen=True)
class Box:
    """A data folder and the settings to run on it."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    fresh: bool = False
    """Whether each command is an interpreter of its own from the start, or begins with its libraries loaded."""

    @property
    def environment(self) -> dict[str, str]:
        """Of the box's processes. The disk of a tests' machine may be nearly full: no reserve."""
        own = {
            "FIELDBOX_STORAGE__ROOT": str(self.root),
            "FIELDBOX_STORAGE__RESERVE_MB": "0",
            "FIELDBOX_WORKER__POLL_SECONDS": "0.1",
            "FIELDBOX_WORKER__THREADS": "2",
            **self.settings,
        }
        return {**os.environ, **own}

    @property
    def config(self) -> Config:
        """The settings as the box's processes read them."""
        return load_config(self.environment)

    def with_settings(self, **settings: str) -> Box:
        """The same folder with settings like map__cell_m="2"."""
        named = {f"FIELDBOX_{name.upper()}": value for name, value in settings.items()}
        return replace(self, settings={**self.settings, **named})

    def run(self, *arguments: object, user: int | None = None) -> Said:
        """Run a command of fieldbox to its end."""
        if not self.fresh and user is None:
            code, out, err = warm.server().run(_encoded(arguments), self.environment, PATIENCE_S)
            return Said(code, out.decode(), err.decode())
        done = subprocess.run(
            [*COMMAND, *_encoded(arguments)],
            env=self.environment,
            capture_output=True,
            cwd=REPOSITORY,
            timeout=PATIENCE_S,
            check=False,
            user=user,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ingest(self, folder: Path, *more: object) -> Said:
        """`fieldbox ingest FOLDER --wait --json`."""
        return self.run("ingest", folder, "--wait", "--json", *more)

    def mapped(self, folder: Path, *more: object) -> dict[str, Any]:
        """The JSON of an ingest that must go well."""
        said = self.ingest(folder, *more)
        assert said.code == 0, (said.out, said.err)
        document: dict[str, Any] = said.json
        return document

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The box's database."""
        with Store.open(self.root / "fieldbox.db") as store:
            yield store

    def files(self) -> list[str]:
        """All files and folders under the root, relative to it."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


def simulated(
    folder: Path, field_options: FieldOptions | None = None, **flight: Any
) -> tuple[Path, dict[str, Any]]:
    """A small exact flight over a made field, flown into `folder`; the folder and its truth."""
    ground = field_options or FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=3)
    options = {"camera": "small", "seed": 3, **flight}
    flown_to(folder, ground, exact(FlightOptions(**options)))
    return folder, json.loads((folder / "truth.json").read_text())


def _encoded(arguments: tuple[object, ...]) -> list[bytes]:
    """File names are bytes: not all of them are text."""
    return [os.fsencode(one) if isinstance(one, Path) else str(one).encode() for one in arguments]
