"""One living box for all journeys of a run, and people who travel through its dashboard.

Each journey is made in both languages, with a phone and at a desk, by `make browser`. `make test` makes those marked `main`
once, by turns in Marathi with a phone and in English at a desk; the rest is skipped.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from tests.browser.conftest import FULL
from tests.browser.journeys.living import LivingBox, living_in
from tests.browser.journeys.traveller import Traveller, Way, arrive

WAYS = [Way(language, size) for language in ("mr", "en") for size in ("phone", "desk")]
MAIN = (Way("en", "desk"), Way("mr", "phone"))
LEFT_OUT = "make browser runs it"
Travel = Callable[..., Traveller]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each journey in every language and size, most of them for `make browser` alone."""
    if "way" not in metafunc.fixturenames:
        return
    main = metafunc.definition.get_closest_marker("main_journey") is not None
    turn = MAIN[zlib.crc32(metafunc.definition.name.encode()) % len(MAIN)]
    chosen = [one for one in WAYS if FULL or (main and one == turn)]
    left_out = pytest.mark.skip(reason=LEFT_OUT)
    params = [
        pytest.param(one, id=f"{one.language}-{one.size}", marks=[] if one in chosen else [left_out])
        for one in WAYS
    ]
    metafunc.parametrize("way", params)


@pytest.fixture(scope="session")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingBox]:
    """A box that was flown twice, with all of its services."""
    with living_in(tmp_path_factory.mktemp("living")) as box:
        yield box


@pytest.fixture(scope="session")
def ticket(living: LivingBox, browser: Browser, shots: Path) -> Callable[[str], StorageState]:
    """The cookies of somebody who logged in: once in a run, for the box lets nobody guess fast."""

    @cache
    def of(who: str) -> StorageState:
        one = arrive(browser, living.address, Way("en", "desk"), shots)
        one.log_in(who)
        one.page.wait_for_url(f"{living.address}/")
        kept = one.page.context.storage_state()
        one.page.context.close()
        return kept

    return of


@pytest.fixture
def travel(
    living: LivingBox, browser: Browser, shots: Path, way: Way, ticket: Callable[[str], StorageState]
) -> Iterator[Travel]:
    """Somebody logged in, or nobody yet (None); at the end nothing may have gone wrong."""
    made: list[Traveller] = []

    def begin(who: str | None = "asha", *, script: bool = True) -> Traveller:
        state = ticket(who) if who else None
        made.append(arrive(browser, living.address, way, shots, state=state, script=script))
        return made[-1]

    yield begin
    for one in made:
        one.page.context.close()
    assert [each for one in made for each in one.trouble] == [], living.said("web")
