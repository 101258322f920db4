"""Who comes while others are served waits in a short line, not for ever, and is not served when gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.config import load_config
from fieldbox.dashboard.turns import GONE, Busy, Turns
from fieldbox.services.offering import IN_LINE, Offering
from fieldbox.services.web import THREADS
from tests.dashboard.demo_box import SURVEY, DemoBox

LONG_S = 60.0


@contextmanager
def taken(turns: Turns) -> Iterator[threading.Event]:
    """The turns while somebody has one, until the event is set."""
    has, done = threading.Event(), threading.Event()

    def have() -> None:
        with turns.one():
            has.set()
            assert done.wait(LONG_S)

    thread = threading.Thread(target=have)
    thread.start()
    assert has.wait(LONG_S)
    yield done
    done.set()
    thread.join()


def test_who_comes_while_another_is_served_waits_for_a_turn() -> None:
    turns, served = Turns(1, line=1, wait_s=LONG_S), threading.Event()

    def come() -> None:
        with turns.one():
            served.set()

    with taken(turns) as done:
        late = threading.Thread(target=come)
        late.start()
        assert not served.wait(0.05)
        done.set()
        assert served.wait(LONG_S)
        late.join()


def test_a_line_that_is_too_slow_is_left() -> None:
    turns = Turns(1, line=1, wait_s=0.01)
    with taken(turns), pytest.raises(Busy, match="ask again in a moment"), turns.one():
        pass


def test_nobody_waits_where_the_line_is_full() -> None:
    turns = Turns(1, line=0, wait_s=LONG_S)
    with taken(turns), pytest.raises(Busy), turns.one():
        pass


def test_who_has_gone_is_not_served_and_holds_up_nobody(app: Flask) -> None:
    turns = Turns(1, line=1, wait_s=LONG_S)
    with app.test_request_context(environ_overrides={GONE: lambda: True}):
        with pytest.raises(Busy), turns.one():
            pass
        with taken(turns), pytest.raises(Busy), turns.one():
            pass
    with turns.one():
        pass


def test_a_tile_that_nobody_waits_for_is_not_made(client: FlaskClient) -> None:
    gone = client.get(f"/tiles/{SURVEY}/mosaic/20/1/1", environ_overrides={GONE: lambda: True})
    assert gone.status_code == 503 and gone.headers["Retry-After"] == "5"
    assert client.get(f"/tiles/{SURVEY}/mosaic/20/1/1").status_code == 200


def test_several_layers_asked_for_at_once_are_all_worked_out(demo: DemoBox) -> None:
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)})
    with closing(Offering(config, demo.store)) as offering, ThreadPoolExecutor(1 + IN_LINE) as browsers:
        asked = [
            browsers.submit(lambda ask: ask(SURVEY), ask)
            for ask in (offering.prescription, offering.vigour, offering.walk, offering.vigour)
        ]
        assert all(one.result() is not None for one in asked)


def test_other_pages_have_threads_of_their_own_while_all_of_the_line_waits() -> None:
    assert THREADS - (1 + IN_LINE) >= 2
