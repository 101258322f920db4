"""`fieldbox sms`, `fieldbox summary --sms`, and the simulated modem that a person tries."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldbox.cli import main
from fieldbox.config import Config, SmsConfig, StorageConfig
from fieldbox.errors import Rejected
from fieldbox.services import smstold
from fieldbox.services.trymodem import heard
from fieldbox.simulate.modem import AtModem, Fault, Network
from fieldbox.storage.store import Store
from fieldbox.sync.sms.memory import MemoryModem, Trouble
from tests.services.test_texting import ANN, SMS, STRANGER, Farm


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A box on which a survey was told and answered."""
    Store.open(tmp_path / "fieldbox.db").close()
    farm = Farm(tmp_path / "fieldbox.db", SMS)
    farm.survey()
    farm.step()
    farm.reply(f"OK {farm.code()}")
    farm.store.close()
    return tmp_path


def fieldbox(root: Path, *words: str, **settings: str) -> Result:
    environ = {"FIELDBOX_STORAGE__ROOT": str(root)} | settings
    return CliRunner().invoke(main, words, env=environ, catch_exceptions=False)


def test_texts_are_listed(root: Path) -> None:
    told = json.loads(fieldbox(root, "sms", "list", "--json").stdout)
    assert [(one["way"], one["state"], one["number"]) for one in told["texts"]] == [
        ("in", "followed", ANN),
        ("out", "delivered", ANN),
    ]
    assert told["parts_allowed"] == 100
    text = fieldbox(
        root, "sms", "list", FIELDBOX_SMS__COST_PER_PART="0.25", FIELDBOX_SMS__CURRENCY="INR"
    ).stdout
    assert "Fieldbox F01" in text
    assert "OK" in text


@pytest.mark.parametrize(
    ("words", "length"),
    [
        (("--sms",), r"1 part\(s\), \d+ of 160 GSM-7"),
        (("--sms", "--lang", "hi"), r"2 part\(s\), \d+ of 134 UCS-2"),
        (("--lang", "ta", "--script", "latin"), r"1 part\(s\), \d+ of 160 GSM-7"),
    ],
)
def test_the_text_of_a_survey_is_printed_with_its_parts(
    root: Path, words: tuple[str, ...], length: str
) -> None:
    told = fieldbox(root, "summary", "survey 1", *words).stdout.splitlines()
    assert told[0].startswith("Fieldbox F01 #")
    assert re.fullmatch(length, told[1])


def test_the_text_of_a_survey_for_machines(root: Path) -> None:
    told = json.loads(fieldbox(root, "summary", "survey 1", "--sms", "--lang", "hi", "--json").stdout)
    assert told["text"].startswith(f"Fieldbox F01 #{told['code']}")
    assert (told["parts"], told["room"], told["coding"], told["urgent"]) == (2, 134, "UCS-2", False)
    assert 67 < told["units"] == len(told["text"]) <= 134


def test_the_text_of_a_survey_that_raises_an_alert_is_the_alert(tmp_path: Path) -> None:
    Store.open(tmp_path / "fieldbox.db").close()
    farm = Farm(tmp_path / "fieldbox.db", SMS)
    farm.survey(alert=True)
    farm.store.close()
    assert fieldbox(tmp_path, "summary", "survey 1", "--sms").stdout.startswith("Fieldbox ALERT F01 #")


def test_a_modem_takes_no_file_away(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("kept")
    told = fieldbox(tmp_path, "simulate", "modem", "--link", str(kept))
    assert (told.exit_code, kept.read_text()) == (1, "kept")
    assert "choose another name" in told.output


def test_templates_are_printed_for_registration(root: Path) -> None:
    rows = json.loads(fieldbox(root, "sms", "templates", "--json").stdout)
    assert {row["language"] for row in rows} == {"en", "hi", "mr", "ta", "te", "kn"}
    assert all(row["variables"] <= 2 for row in rows)
    assert "{#alphanumeric#}" in fieldbox(root, "sms", "templates").stdout


def test_a_trial_says_what_came_of_it(tmp_path: Path) -> None:
    config = Config(storage=StorageConfig(root=tmp_path), sms=SmsConfig(numbers=ANN))
    modem = MemoryModem()
    told, went = smstold.trial(config, "+91 98123 45678", modem)
    assert went
    assert "54 %" in told
    assert "this is a test" in modem.arrived[0][1]
    modem.troubles.append(Trouble.BARRED)
    told, went = smstold.trial(config, ANN, modem)
    assert not went
    assert "barred" in told


@pytest.mark.parametrize("number", [STRANGER, "12345", "Ann"])
def test_a_trial_goes_to_nobody_else(tmp_path: Path, number: str) -> None:
    config = Config(storage=StorageConfig(root=tmp_path), sms=SmsConfig(numbers=ANN))
    with pytest.raises(Rejected):
        smstold.trial(config, number, MemoryModem())


def test_a_trial_without_a_modem_is_one_sentence(root: Path) -> None:
    found = fieldbox(
        root, "sms", "test", ANN, FIELDBOX_SMS__NUMBERS=ANN, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={root}/none"
    )
    assert found.exit_code == 1
    assert "D-Bus" in found.stderr
    assert "Traceback" not in found.stderr


def test_what_is_typed_at_the_simulated_modem_comes_in() -> None:
    network = Network()
    modem = AtModem(network)
    heard(network, f"{ANN} OK 7A1\n")
    heard(network, "busy\n")
    heard(network, "\n")
    modem.news()
    assert b"+CMGR" in modem.receive(b"ATE0\rAT+CMGR=1\r")
    assert list(network.faults) == [Fault.BUSY]
