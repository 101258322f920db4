"""A short form of `tests.durability.ingest_proof`, and what the box does when the card does not come back."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fieldbox.domain import FileState
from tests.durability.ingest_proof import PULLABLE, held, make_card, prove_kills
from tests.durability.kill_proof import started
from tests.path.box import COMMAND, REPOSITORY, Box


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_card(tmp_path_factory.mktemp("proof"))


@pytest.mark.long
def test_killed_while_a_card_comes_in(card: Path, tmp_path: Path) -> None:
    calm = Box(tmp_path / "calm")
    assert calm.run("ingest", card).code == 3
    wanted = held(calm.root)
    assert wanted.rejected == ("cut off.jpg", "film.avi", "notes.txt")
    told = prove_kills(card, tmp_path, 2, wanted, random.Random(2))  # noqa: S311  no secret
    assert told.startswith("kill -9: 2 kills")


@pytest.mark.long
def test_what_was_copied_is_mapped_though_the_card_is_gone(card: Path, tmp_path: Path) -> None:
    calm, shaken = Box(tmp_path / "calm"), Box(tmp_path / "shaken")
    calm.run("ingest", card)
    stick = tmp_path / "stick"
    shutil.copytree(card, stick)
    command = [*COMMAND, "ingest", str(stick)]
    with subprocess.Popen(
        command,
        env=shaken.environment,
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr
        assert any(PULLABLE in line for line in process.stderr)
        process.send_signal(signal.SIGKILL)  # the plug is pulled as soon as the card may be
    shutil.rmtree(stick)
    with shaken.store() as store:
        (ingest,) = store.ingests()
        assert ingest.ended_at is None
    with started(shaken, tmp_path / "worker.log", "worker") as process:
        end = time.monotonic() + 120
        while not _all_read(shaken):
            assert time.monotonic() < end
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert held(shaken.root) == held(calm.root)
    with shaken.store() as store:
        assert all(store.job_for_flight(row.id) for row in store.flights() if row.field_id is not None)


def _all_read(box: Box) -> bool:
    with box.store() as store:
        (ingest,) = store.ingests()
        return ingest.ended_at is not None and not store.given_in(ingest.id, state=FileState.COPIED)
