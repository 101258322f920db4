"""A short season, with everything that happens in a long one."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from fieldbox.services.season import Result, Season, as_text, season
from fieldbox.simulate.season import What
from tests.storage.samples import REPOSITORY


@pytest.fixture(scope="module")
def short() -> Result:
    return season(Season(days=20, cuts=5, seed=4), lambda _line: None)


def test_all_that_was_not_superseded_arrives_once_and_in_its_order(short: Result) -> None:
    assert short.wrong == []
    assert short.surveys >= 10
    assert short.messages["waiting"] == short.messages["sent"] == short.messages["refused"] == 0
    assert short.messages["superseded"] >= 15
    assert short.arrived >= short.messages["acknowledged"] >= short.surveys
    assert sum(short.cuts.values()) == 5
    assert short.tries > short.connections > 0
    if short.disk is not None:
        assert short.refused_by_disk > 0


def test_the_outbox_is_looked_at_on_the_way(short: Result) -> None:
    assert [round(one.day) for one in short.samples[:4]] == [5, 10, 15, 20]
    assert all(one.rows["sent"] == one.rows["acknowledged"] == 0 for one in short.samples[:4])
    assert short.samples[-1].rows["waiting"] == 0
    text = as_text(short)
    assert "nothing was lost, nothing arrived twice" in text
    assert "day 20: rows " in text
    assert json.loads(json.dumps(short.document()))["seed"] == 4


def test_what_goes_wrong_is_told_and_fails() -> None:
    told = as_text(Result(1, 1, wrong=["a message is waiting"]))
    assert "WRONG: a message is waiting" in told
    assert "nothing was lost" not in told


def test_the_command_explains_itself() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "fieldbox", "simulate", "season", "--days", "3"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert "10<=x<=1000" in said.stderr


def test_a_season_is_the_same_for_the_same_seed_and_has_all_of_it() -> None:
    chosen = Season()
    events = chosen.events()
    assert events == Season().events() != Season(seed=2).events()
    assert {one.what for one in events} == set(What)
    flown = [one for one in events if one.what is What.FLOWN and one.at < chosen.link_comes]
    assert 100 <= len(flown) <= 104
    assert len(chosen.cut_times()) == 200
    assert sum(one < chosen.link_comes for one in chosen.cut_times()) == 100


def test_a_link_carries_some_of_the_time_and_only_after_the_season() -> None:
    chosen = Season()
    assert not any(chosen.carries(timedelta(days=day)) for day in range(240))
    assert chosen.is_there(timedelta(days=98))
    assert not chosen.is_there(timedelta(days=200))
    up = [chosen.carries(timedelta(days=240, seconds=17 * n)) for n in range(50_000)]
    assert 0.4 < sum(up) / len(up) < 0.6
