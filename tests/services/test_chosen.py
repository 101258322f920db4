"""What the owner chose on a page: over the hub's word, under that of the environment, and acted on at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.config import Config, load_config
from fieldbox.domain import LinkKind, SettingSource
from fieldbox.errors import Rejected
from fieldbox.services import chosen, fromhub
from fieldbox.services.chosen import ALLOWED, FRESH_S, Choices, all_now, choose, reset, settled, told
from fieldbox.services.commanding import Commander
from fieldbox.storage.store import Store
from fieldbox.wire.commands import Settings
from fieldbox.wire.down import DownKind
from tests.services.joinedbox import NOW, joined_box

OWNER = "asha"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)}, _file(tmp_path, ""))


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.database) as opened:
        yield opened


def _file(folder: Path, text: str) -> Path:
    file = folder / "fieldbox.toml"
    file.write_text(text, "utf-8")
    return file


def hub_says(store: Store, **values: Any) -> None:
    store.set_setting(fromhub.SETTING, json.dumps({f"sync.{key}": value for key, value in values.items()}))


def test_the_page_goes_over_the_hub_which_goes_over_the_file(tmp_path: Path, store: Store) -> None:
    config = load_config(
        {}, _file(tmp_path, "[sync]\ngather_hours = 7\nlisten_hours = 7\nmonth_starts = 7\n")
    )
    hub_says(store, gather_hours=8, listen_hours=8)
    choose(config, store, OWNER, {"sync.gather_hours": 9})
    now = settled(config, store).sync
    assert (now.gather_hours, now.listen_hours, now.month_starts) == (9, 8, 7)
    sources = {name: one.source for name, one in all_now(config, store).items()}
    assert sources["sync.gather_hours"] is SettingSource.PAGE
    assert sources["sync.listen_hours"] is SettingSource.HUB
    assert sources["sync.month_starts"] is SettingSource.FILE
    assert sources["sms.send"] is SettingSource.DEFAULT


def test_what_the_environment_says_is_changed_by_nobody(tmp_path: Path, store: Store) -> None:
    config = load_config({"FIELDBOX_SYNC__GATHER_HOURS": "3"}, _file(tmp_path, ""))
    hub_says(store, gather_hours=8)
    store.set_setting(chosen.SETTING, '{"sync.gather_hours": 9}')
    assert settled(config, store).sync.gather_hours == 3
    assert all_now(config, store)["sync.gather_hours"].fixed
    with pytest.raises(Rejected, match="FIELDBOX_SYNC__GATHER_HOURS"):
        choose(config, store, OWNER, {"sync.gather_hours": 5})


def test_a_value_that_is_not_accepted_changes_nothing_and_says_why(config: Config, store: Store) -> None:
    with pytest.raises(Rejected, match=r"gather_hours: -1\.0 must lie between"):
        choose(config, store, OWNER, {"sync.listen_hours": 3, "sync.gather_hours": -1.0})
    with pytest.raises(Rejected, match="names nobody to text"):
        choose(config, store, OWNER, {"sms.send": "alerts"})
    with pytest.raises(Rejected, match="box does not speak xx"):
        choose(config, store, OWNER, {"locale.language": "xx"})
    with pytest.raises(Rejected, match="too long"):
        choose(config, store, OWNER, {"sms.numbers": "+91981234567, " * 500})
    assert (told(store), store.audits()) == ({}, [])


@pytest.mark.parametrize(
    "name", ["storage.root", "web.host", "sync.identity", "hub.database", "no.such", "x"]
)
def test_what_is_not_listed_cannot_be_chosen(config: Config, store: Store, name: str) -> None:
    with pytest.raises(Rejected, match=name):
        choose(config, store, OWNER, {name: "1"})
    with pytest.raises(Rejected, match=name):
        reset(config, store, OWNER, [name])


def test_every_setting_that_can_be_chosen_is_one(config: Config, store: Store) -> None:
    assert set(all_now(config, store)) == set(ALLOWED)
    assert choose(config, store, OWNER, {n: one.value for n, one in all_now(config, store).items()}) == []


def test_settings_that_make_sense_only_together_are_chosen_and_kept_together(
    config: Config, store: Store
) -> None:
    choose(config, store, OWNER, {"sms.send": "alerts", "sms.numbers": "+919812345678"})
    assert settled(config, store).sms.send == "alerts"
    with pytest.raises(Rejected, match="nobody to text"):
        reset(config, store, OWNER, ["sms.numbers"])
    assert reset(config, store, OWNER, ["sms.numbers", "sms.send", "sms.script"]) == [
        "sms.numbers",
        "sms.send",
    ]
    assert settled(config, store) == config


def test_one_that_this_release_does_not_take_holds_off_no_other(config: Config, store: Store) -> None:
    kept = {"sms.send": "alerts", "sms.numbers": "+919812345678", "sms.script": "runes", "old.key": 1}
    store.set_setting(chosen.SETTING, json.dumps(kept))
    now = settled(config, store).sms
    assert (now.send, now.script) == ("alerts", "script")
    assert all_now(config, store)["sms.script"].source is SettingSource.DEFAULT


def test_who_chose_what_is_written_down_and_only_news_are(config: Config, store: Store) -> None:
    values = {"box.name": "शिवार", "sync.gather_hours": "4", "sync.pictures": "yes"}
    assert choose(config, store, OWNER, values) == ["box.name", "sync.pictures"]
    assert told(store) == {"box.name": "शिवार", "sync.pictures": True}
    assert choose(config, store, OWNER, values) == []
    reset(config, store, OWNER, ["box.name"])
    noted = [(one.actor, one.action, one.detail) for one in store.audits()]
    assert noted == [
        (OWNER, "setting taken back", "box.name"),
        (OWNER, "setting chosen", "sync.pictures = true"),
        (OWNER, "setting chosen", 'box.name = "शिवार"'),
    ]


def test_the_hub_is_told_that_the_owner_chose_otherwise(tmp_path: Path) -> None:
    config, hub = joined_box(tmp_path)
    with Store.open(config.database, clock=lambda: NOW) as store:
        choose(config, store, OWNER, {"sync.gather_hours": 9})
        Commander(config, store, lambda: NOW).follow(
            hub.orders(DownKind.SETTINGS, Settings({"sync.gather_hours": 2, "sync.listen_hours": 2}))
        )
        (command,) = store.commands()
        assert not command.done
        assert "sync.gather_hours" in str(command.why)
        assert fromhub.told(store) == {}


def test_the_owner_bars_the_hub_from_settings_on_a_page(tmp_path: Path) -> None:
    config, hub = joined_box(tmp_path)
    with Store.open(config.database, clock=lambda: NOW) as store:
        choose(config, store, OWNER, {"sync.hub_settings": False})
        Commander(config, store, lambda: NOW).follow(
            hub.orders(DownKind.SETTINGS, Settings({"sync.listen_hours": 2}))
        )
        assert "sync.hub_settings" in str(store.commands()[0].why)


def test_pages_read_the_settings_seldom_and_their_own_changes_at_once(config: Config, store: Store) -> None:
    moment = [0.0]
    choices = Choices(config, store, clock=lambda: moment[0])
    assert choices.now().box.name == ""
    choose(config, store, "command line", {"box.name": "Hill farm"})
    assert choices.now().box.name == ""
    moment[0] += FRESH_S
    assert choices.now().box.name == "Hill farm"
    choices.choose(OWNER, {"box.name": "Well farm"})
    assert choices.now().box.name == "Well farm"
    choices.reset(OWNER, ["box.name"])
    assert (choices.now().box.name, choices.all()["box.name"].source) == ("", SettingSource.DEFAULT)


def test_links_and_budgets_are_settled_in_the_words_that_sending_reads(config: Config, store: Store) -> None:
    choose(config, store, OWNER, {"sync.links": "wifi", "sync.monthly_mb": "modem 3"})
    now = settled(config, store).sync
    assert (now.kinds, now.budgets) == ((LinkKind.WIFI,), {LinkKind.MODEM: 3_000_000})


def test_the_command_line_lists_sets_and_resets(tmp_path: Path) -> None:
    config = replace(Config(), storage=replace(Config().storage, root=tmp_path))

    def run(*words: str) -> tuple[int, str]:
        environ = {"FIELDBOX_STORAGE__ROOT": str(config.storage.root), "FIELDBOX_CONFIG": ""}
        came = CliRunner().invoke(main, ["settings", *words], env=environ)
        return came.exit_code, came.output

    assert run("set", "sms.numbers", "+91 98123 45678") == (0, 'sms.numbers is "+91 98123 45678" now.\n')
    listed = json.loads(run("list", "--json")[1])
    assert listed["sms.numbers"] == {"value": "+91 98123 45678", "source": "page"}
    assert run("set", "sms.numbers", "98123")[0] == 1
    assert run("reset", "sms.numbers") == (0, 'sms.numbers is "" now.\n')
    with Store.open(config.database) as store:
        assert {one.actor for one in store.audits()} == {"command line"}
