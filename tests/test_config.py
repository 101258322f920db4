"""Settings come from a file and the environment; every mistake is told, each with what was meant."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fieldbox.config import Config, load_config, settings, settings_file, write_settings
from fieldbox.errors import Misconfigured


def loaded(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "fieldbox.toml"
    file.write_text(text, "utf-8")
    return load_config(environ, file)


def refusal(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        loaded(tmp_path, text, **environ)
    assert not caught.value.retry_helps
    return str(caught.value)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Config()
    assert Config().database == Path("/var/lib/fieldbox/fieldbox.db")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    text = '[storage]\nroot = "/data"\nreserve_mb = 7\n[summary]\nshare_name = true\n[map]\ncell_m = 2\n'
    config = loaded(tmp_path, text, FIELDBOX_STORAGE__ROOT="/other", FIELDBOX_SUMMARY__SHARE_POSITION="yes")
    assert config.storage.root == Path("/other")
    assert config.storage.reserve_mb == 7
    assert config.summary.share_name
    assert config.summary.share_position
    assert config.map.cell_m == 2.0
    assert isinstance(config.map.cell_m, float)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="does not exist"):
        load_config({}, tmp_path / "nowhere.toml")
    with pytest.raises(Misconfigured, match="does not exist"):
        load_config({"FIELDBOX_CONFIG": str(tmp_path / "nowhere.toml")})


def test_the_file_can_be_named_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[web]\nport = 9000\n")
    assert load_config({"FIELDBOX_CONFIG": str(tmp_path / "own.toml")}).web.port == 9000


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        "stoarge = 1\n[storage]\nreserve_mb = 'much'\n[web]\nprot = 8080\n[map]\ncell_m = 0\n",
        FIELDBOX_WORKER__THREADS="65",
        FIELDBOX_SUMMARY__SHARE_NAME="perhaps",
    )
    for part in (
        "unknown setting stoarge (did you mean storage?)",
        "storage.reserve_mb: 'much' is no whole number",
        "unknown setting web.prot (did you mean web.port?)",
        "map.cell_m: 0 must lie between 0.1 and 50",
        "worker.threads: 65 must lie between 0 and 64",
        "summary.share_name: 'perhaps' must be true or false",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("storage = 3\n", "storage must be a section"),
        ("[storage]\nroot = 3\n", "storage.root: must be text"),
        ("[storage]\nreserve_mb = true\n", "storage.reserve_mb: must be a number"),
        ("[storage]\nreserve_mb = 1.5\n", "storage.reserve_mb"),
        ("[storage]\nreserve_mb = inf\n", "storage.reserve_mb"),
        ("[map]\ncell_m = nan\n", "map.cell_m"),
        ("[map]\ncell_m = []\n", "map.cell_m"),
        ("[storage\n", "fieldbox.toml"),
    ],
)
def test_wrong_values(tmp_path: Path, text: str, part: str) -> None:
    assert part in refusal(tmp_path, text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "fieldbox.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Misconfigured, match=r"fieldbox\.toml"):
        load_config({}, tmp_path / "fieldbox.toml")
    with pytest.raises(Misconfigured):
        load_config({}, tmp_path)


def test_a_section_cannot_be_both_in_the_file_and_a_value(tmp_path: Path) -> None:
    assert "web must be a section" in refusal(tmp_path, "web = 3\n", FIELDBOX_WEB__PORT="1")


def test_settings_lists_every_one(tmp_path: Path) -> None:
    """What documentation and `doctor` show is what there is."""
    listed = dict(settings())
    config = Config()
    there = {
        f"{section.name}.{key.name}": getattr(getattr(config, section.name), key.name)
        for section in dataclasses.fields(config)
        if section.metadata.get("section", True)
        for key in dataclasses.fields(getattr(config, section.name))
    }
    assert listed == there
    assert len(listed) >= 14
    for name, value in listed.items():
        section, key = name.split(".")
        again = load_config({f"FIELDBOX_{section}__{key}".upper(): str(value)}, None)
        assert getattr(getattr(again, section), key) == value


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "settings.md").read_text("utf-8")
    for name, value in settings():
        shown = "" if value == Path() else value
        assert f"| `{name}` | `{shown}` |" in text, name


def test_threads_follow_the_machine() -> None:
    assert 1 <= Config().threads <= 4
    assert load_config({"FIELDBOX_WORKER__THREADS": "3"}).threads == 3


def test_the_tree_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().storage.root = Path("/x")  # type: ignore[misc]


def test_settings_are_written_where_they_belong(tmp_path: Path) -> None:
    file = tmp_path / "fieldbox.toml"
    file.write_text(
        "# of the farm\n[web]\nport = 9000 # phones\n\n[ worker ]\n# few\nthreads = 1\n[map]\ncell_m = 2\n"
    )
    write_settings(file, {"worker.threads": 2, "models.weeds": 'a "b".onnx', "web.host": "0.0.0.0"})  # noqa: S104
    config = load_config({}, file)
    assert (config.worker.threads, config.models.weeds, config.web.host) == (2, Path('a "b".onnx'), "0.0.0.0")  # noqa: S104
    assert (config.web.port, config.map.cell_m) == (9000, 2)
    for kept in ("# of the farm", "port = 9000 # phones", "# few"):
        assert kept in file.read_text()


def test_a_settings_file_is_never_made_invalid(tmp_path: Path) -> None:
    file = tmp_path / "fieldbox.toml"
    file.write_text("[web]\nport = 9000\n")
    with pytest.raises(Misconfigured, match=r"worker\.threads"):
        write_settings(file, {"worker.threads": 1000})
    assert file.read_text() == "[web]\nport = 9000\n"
    with pytest.raises(Misconfigured, match="cannot be written"):
        write_settings(tmp_path / "fieldbox.toml" / "below.toml", {"worker.threads": 1})


def test_which_settings_file_is_read(tmp_path: Path) -> None:
    assert settings_file({"FIELDBOX_CONFIG": "/a"}, tmp_path) == tmp_path
    assert settings_file({"FIELDBOX_CONFIG": "/a"}) == Path("/a")
    assert settings_file({}) == Path("/etc/fieldbox/fieldbox.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SMS__SEND", "often"),
        ("SMS__SEND", "surveys"),  # and nobody to text
        ("SMS__NUMBERS", "12345"),
        ("SMS__QUIET_HOURS", "at night"),
        ("SMS__HUB_NUMBER", "hub"),
        ("SYNC__LINKS", "moden"),
        ("SYNC__METERED", "all"),
        ("SYNC__MONTHLY_MB", "modem"),
        ("SYNC__QUIET_HOURS", "modem 25:00-3"),
    ],
)
def test_a_list_that_cannot_be_meant_is_told_with_its_key(key: str, value: str) -> None:
    section, _sign, name = key.lower().partition("__")
    named = "numbers" if value == "surveys" else name
    with pytest.raises(Misconfigured, match=f"{section}: {named}: "):
        load_config({f"FIELDBOX_{key}": value})
