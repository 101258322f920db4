"""No page shows a date as machines write it, or a unit in letters that its reader does not use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.units import SYMBOLS
from fieldbox.domain import KeepOff, LinkDoing, LinkState, Product, Spraying
from fieldbox.i18n import Sentence, translator
from fieldbox.services.offering import Offering
from fieldbox.services.web import beyond_of, watching
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import DemoBox, square
from tests.dashboard.every_page import live, pages_of
from tests.dashboard.second_date import add_date

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LANGUAGE = "mr"


class Visible(HTMLParser):
    """The text of a page without scripts, without what stands for machines (commands, file names), and without documents in
    English (the cards of models)."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._within: list[str] = []
        """Elements of the same name as the outermost one that is left out, that one first."""

    @property
    def _unseen(self) -> bool:
        return bool(self._within)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Scripts, styles, code and documents in English are not read."""
        left_out = tag in ("script", "style", "code", "pre") or (tag != "html" and ("lang", "en") in attrs)
        if self._within[:1] == [tag] or (not self._within and left_out):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Out of it again."""
        if self._within[:1] == [tag]:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._unseen:
            self.parts.append(data)


def text_of(page: str) -> str:
    seen = Visible()
    seen.feed(page)
    return re.sub(r"\s+", " ", "".join(seen.parts))


@pytest.fixture(scope="module")
def app(demo: DemoBox) -> Iterator[Flask]:
    """The app with all that a box can have."""
    add_date(demo)
    pond = KeepOff("pond", (square(40, 10, 4, 5),), 3.0)
    demo.store.spray(demo.field_id, Spraying(products=(Product("Quizalofop", 1.0),), keep_off=(pond,)))
    config = Config(storage=StorageConfig(root=demo.root, reserve_mb=0))
    live(demo, config)
    away = Sentence(
        "Over the {link!t} the hub was not reached: the next try is at {time}.",
        {"link": "modem", "time": "2026-12-01 13:28"},
    )
    demo.store.keep_link_state(LinkState(datetime.now(UTC), LinkDoing.WAITING, away, notes=(away,)))
    with closing(Offering(config, demo.store)) as offering, watching(config, demo.store) as watch:
        beyond = beyond_of(config, demo.store, offering, watch)
        yield create_app(demo.store, demo.root, secret_key=KEY, beyond=beyond)


@pytest.fixture(scope="module")
def texts(app: Flask, demo: DemoBox) -> dict[str, str]:
    """What a Marathi reader reads, by the addresses of pages."""
    client: FlaskClient = log_in(app.test_client())
    client.set_cookie("language", LANGUAGE)
    client.set_cookie("area_unit", "acre")
    read = {path: client.get(path) for _endpoint, path in pages_of(app, demo)}
    return {
        path: text_of(page.get_data(as_text=True)) for path, page in read.items() if page.status_code == 200
    }


def test_no_page_shows_a_date_as_machines_write_it(texts: dict[str, str]) -> None:
    found = {path: DATE.findall(text) for path, text in texts.items()}
    assert len(texts) > 40
    assert {path: dates for path, dates in found.items() if dates} == {}


def test_a_unit_beside_a_number_is_in_the_readers_words(texts: dict[str, str]) -> None:
    say = translator(LANGUAGE)
    foreign = "|".join(re.escape(one) for one in SYMBOLS if say(one) != one)
    beside = re.compile(rf"\d[\d.,]*\s?(?:{foreign})(?![\w²/])")
    found = {path: beside.findall(text) for path, text in texts.items()}
    assert {path: units for path, units in found.items() if units} == {}
