"""Texts of a box through the real ModemManager: what is on the phones in the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fieldbox.domain import SurveyVerdict, TextState
from fieldbox.services.texting import Parts, Texting
from fieldbox.simulate.modem import Fault
from fieldbox.sync.sms.modemmanager import ModemManager
from fieldbox.wire.gsm import length_of
from tests.modems import Managed, modem_manager
from tests.programs import until
from tests.services.test_texting import ANN, STRANGER, Farm


class Aired(Farm):
    """A box whose modem ModemManager looks after."""

    def __init__(self, path: Path, managed: Managed, modem: ModemManager, *, moment: int = 0) -> None:
        super().__init__(path, moment=moment)
        self.managed, self.real = managed, modem

    def step(self, times: int = 1) -> None:
        if not hasattr(self, "real"):
            super().step()
            return
        for _each in range(times):
            parts = Parts(self.real, local=lambda now: now)
            Texting(self.config, self.store, parts).step(self.clock.now)

    def bodies(self) -> list[str]:
        return [one.text for one in self.managed.network.arrived]

    def hears(self, text: str, number: str = ANN) -> None:
        known = len(self.store.texts())
        self.managed.network.text_in(number, text)

        def taken() -> bool:
            self.step()
            return len(self.store.texts()) > known

        until(taken, "a text that came in")

    def becomes(self, state: TextState) -> None:
        def become() -> bool:
            self.step()
            return self.states()[-1] is state

        until(become, state)


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    with modem_manager(tmp_path_factory.mktemp("modem")) as found:
        yield found


@pytest.fixture
def farm(tmp_path: Path, empty_database: Path, managed: Managed) -> Iterator[Aired]:
    path = Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))
    managed.network.arrived.clear()
    with closing(ModemManager(managed.address, patience_s=2)) as modem:
        farm = Aired(path, managed, modem)
        yield farm
        farm.store.close()


@pytest.mark.parametrize("language", ["en", "hi", "mr", "ta", "te", "kn"])
def test_a_text_in_each_language_arrives_as_it_was_written(farm: Aired, language: str) -> None:
    farm.use(language=language, script="script")
    farm.survey()
    farm.step()
    (arrived,) = farm.managed.network.arrived
    (kept,) = farm.store.texts()
    assert arrived.text == kept.body
    assert arrived.parts == kept.parts == length_of(kept.body).parts == (1 if language == "en" else 2)
    farm.becomes(TextState.DELIVERED)


def test_a_reply_is_entered_and_leaves_the_sim(farm: Aired) -> None:
    told = farm.survey()
    farm.step()
    code = farm.code()
    farm.hears(f"haan {code}")
    assert [one.verdict for one in farm.store.verdicts(told)] == [SurveyVerdict.RIGHT]
    farm.hears(f"नहीं {code}, " + "यह खेत ठीक नहीं दिखता, कल फिर से देखिए और मुझे बताइए। " * 2)
    assert farm.store.texts()[0].body.endswith("बताइए। ")
    farm.hears(f"NO {code}", STRANGER)
    assert [one.verdict for one in farm.store.verdicts(told)] == [SurveyVerdict.RIGHT]
    assert farm.real.came() == []


def test_an_error_ends_in_one_text(farm: Aired) -> None:
    farm.managed.network.faults.append(Fault.BUSY)
    farm.survey()
    farm.step()
    assert farm.bodies() == []
    farm.clock.on(minutes=10)
    farm.step()
    assert len(farm.bodies()) == 1


def test_a_lost_confirmation_with_its_report_ends_in_one_text(tmp_path: Path, empty_database: Path) -> None:
    path = Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))
    with modem_manager(tmp_path) as managed, closing(ModemManager(managed.address, patience_s=1)) as modem:
        farm = Aired(path, managed, modem)
        managed.network.faults.append(Fault.UNCONFIRMED)
        farm.survey()
        farm.step()
        assert farm.states() == [TextState.MAYBE]
        farm.becomes(TextState.DELIVERED)
        for _each in range(5):
            farm.clock.on(minutes=20)
            farm.step()
        assert len(farm.bodies()) == 1
        farm.store.close()


def test_a_lost_confirmation_without_a_report_is_told_where_it_goes_again(
    tmp_path: Path, empty_database: Path
) -> None:
    path = Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with (
        modem_manager(tmp_path / "first") as managed,
        closing(ModemManager(managed.address, patience_s=1)) as modem,
    ):
        farm = Aired(path, managed, modem)
        managed.network.reports = False
        managed.network.faults.append(Fault.UNCONFIRMED)
        farm.survey()
        farm.step()
        first = farm.bodies()
        farm.store.close()
    # The modem and what looks after it are started anew, as the watchdog of a box would.
    with modem_manager(tmp_path / "second") as managed, closing(ModemManager(managed.address)) as modem:
        farm = Aired(path, managed, modem, moment=1)
        for _each in range(4):
            farm.clock.on(minutes=20)
            farm.step()
        second = farm.bodies()
        farm.store.close()
    assert len(first) == len(second) == 1
    assert second[0].endswith("Maybe sent twice.")
