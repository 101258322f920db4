"""Proof that `kill -9` costs nothing but the photos in work: `python -m tests.durability.kill_proof --kills 50`.

One flight is mapped undisturbed, and once more in a process that is killed at random moments of every
step and started again each time. Then the two boxes must agree in all but the times.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from fieldbox.domain import Survey
from fieldbox.simulate.field import FieldOptions
from fieldbox.storage.store import Store
from tests.path.box import REPOSITORY, Box, simulated

SAME = 1e-6
STEPS = ("start", "copy", "align", "plan", "look", "again", "map", "mosaic", "save")
THREADS = 2
IN_WORK = 2 * THREADS
"""Views, and searches of photos, that are begun and not committed, at most (see `fieldbox.pipeline`)."""
# A message's id begins with twelve digits of when it was written.
_TRIGGERS = """
CREATE TABLE proof (what TEXT, which TEXT);
CREATE TRIGGER proof_view AFTER INSERT ON views BEGIN INSERT INTO proof
    VALUES ('view', CASE WHEN instr(NEW.plan_key, '+') THEN 'again-' ELSE '' END || NEW.digest); END;
CREATE TRIGGER proof_again AFTER UPDATE ON views BEGIN INSERT INTO proof
    VALUES ('view', CASE WHEN instr(NEW.plan_key, '+') THEN 'again-' ELSE '' END || NEW.digest); END;
CREATE TRIGGER proof_photo AFTER INSERT ON captures BEGIN INSERT INTO proof VALUES ('photo', NEW.digest); END;
CREATE TRIGGER proof_survey AFTER INSERT ON surveys BEGIN INSERT INTO proof VALUES ('survey', NEW.id); END;
CREATE TRIGGER proof_message AFTER INSERT ON messages BEGIN INSERT INTO proof
    VALUES ('message', substr(NEW.id, 13)); END;
"""


@dataclass(frozen=True)
class Moment:
    """When to kill: `wait_s` after the process begins `step` (or has done `done` parts of it)."""

    step: str
    done: int
    wait_s: float


@dataclass
class Proof:
    """What was seen."""

    kills: Counter[str] = field(default_factory=Counter)
    """By the step that they fell in."""
    rounds: int = 0
    """A run that ends before its next kill begins anew on an empty box."""
    photos: int = 0
    needed: int = 0
    """Views of the plan and second looks at doubtful plants, over all rounds."""
    looked: int = 0
    """Views begun, over all processes."""
    most_lost: int = 0
    """Views in work at one kill."""
    seconds: float = 0.0

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {self.kills[step]}" for step in STEPS)
        return (
            f"{self.kills.total()} kills ({steps}) in {self.rounds} rounds, then the same survey as the "
            f"undisturbed run's.\n"
            f"{self.photos} photos were taken in once each. {self.needed} views were needed and committed once "
            f"each; {self.looked} were looked at in all: the {self.looked - self.needed} beyond were in work at "
            f"a kill, {self.most_lost} at most at one ({self.seconds:.0f} s)."
        )


class Round:
    """One box that is killed again and again, until its flight is mapped."""

    def __init__(self, flight: Path, folder: Path, proof: Proof) -> None:
        self.box, self._flight, self._folder, self._proof = Box(folder / "root"), flight, folder, proof
        self._kept: dict[Path, tuple[int, int]] = {}
        self._processes = 0
        self.said: dict[str, Any] | None = None
        """The JSON of the process that came to the end."""
        _count(self.box)

    def kill(self, moment: Moment) -> str | None:
        """Start it and kill it at `moment`: the step that the kill fell in; None if it ended before."""
        with self._process() as (process, log):
            if await_moment(process, log, moment):
                process.send_signal(signal.SIGKILL)
            if process.wait() != -signal.SIGKILL:
                self._end(process)
                return None
        return _step(log)

    def finish(self) -> dict[str, Any]:
        """Let it come to its end; its JSON."""
        if self.said is None:
            with self._process() as (process, _log):
                self._end(process)
        assert self.said is not None
        return self.said

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (out, err)
        self.said = json.loads(out)

    @contextmanager
    def _process(self) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """A process, and afterwards a look at what it did twice."""
        self._processes += 1
        log = self._folder / f"{self._processes}.log"
        before, searched = _committed(self.box), _searched(self.box)
        with started(self.box, log, "ingest", self._flight, "--wait", "--json") as process:
            yield process, log
        _check_views(self._proof, log, before, _committed(self.box))
        _check_searches(log, searched)
        self._kept = _check_originals(self.box, self._kept)


def prove(flight: Path, folder: Path, moments: Iterable[Moment], tell: Any = print) -> Proof:
    """Map `flight` in `folder` undisturbed and with kills; AssertionError where the two differ."""
    begun = time.monotonic()
    calm = Box(folder / "calm")
    _count(calm)
    wanted = calm.mapped(flight)
    proof = Proof(photos=wanted["captures"]["accepted"])
    run = _new_round(flight, folder, proof)
    for moment in moments:
        while (step := run.kill(moment)) is None:
            _compare(calm, run, wanted)
            run = _new_round(flight, folder, proof)
        proof.kills[step] += 1
        tell(f"kill {proof.kills.total()}: {step}, {len(_committed(run.box))} views committed")
    run.finish()
    _compare(calm, run, wanted)
    proof.needed = proof.rounds * len(_committed(calm))
    proof.seconds = time.monotonic() - begun
    return proof


def _new_round(flight: Path, folder: Path, proof: Proof) -> Round:
    proof.rounds += 1
    home = folder / f"round-{proof.rounds}"
    home.mkdir()
    return Round(flight, home, proof)


def moments_of(kills: int, photos: int, views: int, seed: int) -> list[Moment]:
    """Random moments over all steps, in an order in which each can come.

    A tenth fall soon after the start, a quarter while copying, a tenth while photos are aligned, a tenth while
    planning, eight (four, if there are few) in the last steps, the others while looking for the first time.
    """
    draw = random.Random(seed)  # noqa: S311  no secret
    last = 2 if kills >= 30 else 1
    soon, plans, copies = max(1, kills // 10), max(1, kills // 10), max(1, kills // 4)
    aligns = max(1, kills // 10)
    looks = max(1, kills - soon - plans - aligns - copies - 4 * last)
    copying = [Moment("copy", n, draw.uniform(0, 0.02)) for n in _spread(draw, copies, photos)]
    looking = [Moment("look", n, draw.uniform(0, 0.03)) for n in _spread(draw, looks, views)]
    early = [Moment("start", 0, draw.uniform(0, 2.0)) for _ in range(soon)]
    planning = [Moment("plan", 0, draw.uniform(0, 0.3)) for _ in range(plans)]
    for moment in planning:
        looking.insert(draw.randrange(len(looking)), moment)
    aligning = [Moment("align", n, draw.uniform(0, 0.3)) for n in _spread(draw, aligns, photos)]
    work = copying + aligning + looking
    for moment in early:
        work.insert(draw.randrange(len(work)), moment)
    ending = {"again": 0.1, "map": 0.02, "mosaic": 0.02, "save": 0.003}
    return work + [
        Moment(step, 0, draw.uniform(0, wait_s)) for step, wait_s in ending.items() for _ in range(last)
    ]


def _spread(draw: random.Random, count: int, total: int) -> list[int]:
    return sorted(draw.randrange(1, total) for _ in range(count))


# -- one process ----------------------------------------------------------------------------------


@contextmanager
def started(box: Box, log: Path, *command: object) -> Iterator[subprocess.Popen[bytes]]:
    """A watched process of fieldbox; killed at the end of the block if it still runs."""
    arguments = [sys.executable, "-m", "tests.durability.watched", str(log), *map(str, command)]
    process = subprocess.Popen(
        arguments, env=box.environment, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def await_moment(
    process: subprocess.Popen[bytes], log: Path, moment: Moment, patience_s: float = 120
) -> bool:
    """Return `moment.wait_s` after the process told of `moment`; False if it ended before."""
    deadline = time.monotonic() + patience_s
    while not _reached(log, moment):
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, f"{moment} never came"
        time.sleep(0.002)
    time.sleep(moment.wait_s)
    return True


def _reached(log: Path, moment: Moment) -> bool:
    return moment.step == "start" or any(
        step == moment.step and done >= moment.done for step, done in _told(log)
    )


def _told(log: Path) -> list[tuple[str, int]]:
    """(step, parts done) as the process told them."""
    lines = [line.split() for line in (log.read_text().splitlines() if log.exists() else [])]
    return [(words[0], int(words[1])) for words in lines if words[0] in STEPS]


def _step(log: Path) -> str:
    told = _told(log)
    return told[-1][0] if told else "start"


# -- what was redone ------------------------------------------------------------------------------


def _count(box: Box) -> None:
    """Let the database itself note each photo, view, survey and message that is committed."""
    box.root.mkdir(parents=True)
    with box.store():
        pass
    with closing(sqlite3.connect(box.root / "fieldbox.db")) as connection:
        connection.executescript(_TRIGGERS)


def _proof_rows(box: Box) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(box.root / "fieldbox.db")) as connection:
        return list(connection.execute("SELECT what, which FROM proof"))


def _committed(box: Box) -> set[str]:
    return {which for what, which in _proof_rows(box) if what == "view"}


def _views(log: Path) -> list[str]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split()[1] for line in lines if line.startswith("view ")]


def _check_views(proof: Proof, log: Path, before: set[str], after: set[str]) -> None:
    """No view that was committed before is looked at again, and none twice by one process."""
    begun = _views(log)
    proof.looked += len(begun)
    assert len(begun) == len(set(begun)), "a view was looked at twice by one process"
    assert not before & set(begun), "a committed view was looked at again"
    lost = len(set(begun) - after)
    assert lost <= IN_WORK, f"{lost} views were lost at one kill"
    proof.most_lost = max(proof.most_lost, lost)


def _searched(box: Box) -> set[str]:
    """Photos whose points are on the disk."""
    return {path.name.split("-")[0] for path in (box.root / "work").glob("points-*/*.points")}


def _check_searches(log: Path, before: set[str]) -> None:
    """No photo whose points were on the disk is searched again, and none twice by one process."""
    lines = log.read_text().splitlines() if log.exists() else []
    begun = [line.split()[1] for line in lines if line.startswith("search ")]
    assert len(begun) == len(set(begun)), "a photo was searched twice by one process"
    assert not before & set(begun), "a photo was searched again"


def _check_originals(box: Box, before: dict[Path, tuple[int, int]]) -> dict[Path, tuple[int, int]]:
    """A copy that was there is never written again."""
    files = (box.root / "originals").rglob("*.jpg")
    now = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
    assert before.items() <= now.items(), "a copied photo was written again"
    return now


# -- the two results ------------------------------------------------------------------------------


def _compare(calm: Box, run: Round, wanted: dict[str, Any]) -> None:
    shaken, got = run.box, run.finish()
    assert _timeless(got, wanted) == _timeless(wanted, wanted)
    rows = _proof_rows(shaken)
    counted = Counter(rows)
    assert set(counted.values()) == {1}, f"committed twice: {[row for row, n in counted.items() if n > 1]}"
    kinds = Counter(what for what, _which in rows)
    assert set(rows) == set(_proof_rows(calm)), kinds
    assert kinds["photo"] == wanted["captures"]["accepted"], kinds
    assert (kinds["survey"], kinds["message"]) == (1, 1), kinds
    with calm.store() as one, shaken.store() as other:
        _compare_stores(one, other)
    survey = wanted["surveys"][0]["id"]
    for name in ("map.tif", "mosaic.tif"):
        _compare_rasters(*(box.root / "rasters" / survey / name for box in (calm, shaken)))
    assert _tidy(shaken) == _tidy(calm)


def _timeless(document: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Without what may differ: the time; and photos are "known already" if only the telling was cut off."""
    known = {"accepted": 0, "rejected": 0, "duplicates": wanted["captures"]["accepted"]}
    captures = wanted["captures"] if document["captures"] == known else document["captures"]
    return {**document, "seconds": 0, "captures": captures}


def _compare_stores(calm: Store, shaken: Store) -> None:
    assert shaken.check() == []
    (one,), (other,) = calm.surveys(), shaken.surveys()
    assert _when_less(one) == _when_less(other)
    plants = [
        sorted(
            (p.cover.value, p.lat, p.lon, p.score, p.area_cm2, p.position_error_m, p.digest) for p in found
        )
        for found in (calm.detections(one.id), shaken.detections(other.id))
    ]
    assert len(plants[0]) == len(plants[1])
    for a, b in zip(*plants, strict=True):
        assert (a[0], a[-1]) == (b[0], b[-1])
        assert np.allclose(a[1:-1], b[1:-1], rtol=SAME, atol=0)
    (said,), (again,) = calm.messages(), shaken.messages()
    assert (said.kind, said.state, said.attempts) == (again.kind, again.state, again.attempts)
    assert _untimed(said.body) == _untimed(again.body)
    assert [job.state.value for job in shaken.jobs()] == ["done"]
    ingests = [(one.accepted, one.rejected, one.duplicates) for one in shaken.ingests()]
    assert ingests[-1] == (calm.ingests()[0].accepted, 0, 0)
    assert len(ingests) <= 2


def _when_less(survey: Survey) -> Survey:
    return replace(survey, made_at=datetime(2000, 1, 1, tzinfo=UTC))


def _untimed(body: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(body).items() if "made" not in name}


def _compare_rasters(one: Path, other: Path) -> None:
    with rasterio.open(one) as a, rasterio.open(other) as b:
        assert (a.crs, a.transform, a.shape, a.dtypes) == (b.crs, b.transform, b.shape, b.dtypes)
        assert np.array_equal(a.read(), b.read(), equal_nan=a.dtypes[0] == "float32"), one.name
        assert np.array_equal(a.dataset_mask(), b.dataset_mask())


def _tidy(box: Box) -> list[str]:
    """Every file, but those that SQLite makes while the database is open."""
    return [name for name in box.files() if not name.startswith("fieldbox.db-")]


def main() -> None:
    """Run the proof and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flight, truth = simulated(
            folder / "flight", FieldOptions(size_m=(11.0, 8.0), margin_m=1.0, seed=3), camera="tiny"
        )
        photos = len(truth["photos"])
        views = Box(folder / "counted").mapped(flight)["surveys"][0]["photos_used"]
        print(f"{photos} photos, {views} views", flush=True)  # noqa: T201
        moments = moments_of(given.kills, photos, views, given.seed)
        print(prove(flight, folder, moments, tell=lambda line: print(line, flush=True)))  # noqa: T201


if __name__ == "__main__":
    main()
