"""Commands that begin with their libraries loaded are what new interpreters would be."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.path import warm
from tests.path.box import Box
from tests.path.conftest import Mapped


@pytest.mark.parametrize(
    "words",
    [
        ["summary", "SURVEY"],
        ["locate", "FLIGHT", "DJI_0001.JPG", 640, 480],
        ["locate", "FLIGHT", "gone.JPG", 640, 480],
        ["status", "--nonsense"],
    ],
    ids=["done", "with libraries", "refused", "wrong usage"],
)
def test_it_says_and_ends_the_same(mapped: Mapped, words: list[object]) -> None:
    box, document = mapped
    names = {"SURVEY": document["surveys"][0]["id"], "FLIGHT": document["flight"]}
    told = [names.get(str(word), word) for word in words]
    assert box.run(*told) == replace(box, fresh=True).run(*told)


def test_each_has_its_own_settings(box: Box) -> None:
    assert box.with_settings(worker__threads="none").run("status").code == 1
    assert box.run("status").code == 0


def test_one_that_does_not_end_is_ended(box: Box) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        warm.server().run([b"worker"], box.environment, 3.0)
    with box.store() as store, store.worker_lock() as alone:
        assert alone
    assert box.run("--version").code == 0
