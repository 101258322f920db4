"""The units are sound, and what reads strangers' files has few rights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).resolve().parents[1] / "systemd"
ANALYZE = shutil.which("systemd-analyze")
UNITS = sorted(path.name for path in (SYSTEMD / "system").iterdir())
pytestmark = pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with the units, and something to start."""
    root = tmp_path_factory.mktemp("image")
    subprocess.run([SYSTEMD / "install.sh"], env={**os.environ, "DESTDIR": str(root)}, check=True)
    return root


def analyzed(*arguments: object) -> str:
    done = subprocess.run([str(ANALYZE), *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_everything_is_installed(installed: Path) -> None:
    there = {path.name for path in installed.rglob("*") if path.is_file()}
    assert {*UNITS, "90-fieldbox-card.rules", "60-fieldbox.rules", "fieldbox.conf"} <= there


def test_the_rules_come_when_it_is_known_what_is_on_a_device() -> None:
    """And before systemd's own: files are read in the order of their names, wherever they lie."""
    (rules,) = (path.name for path in (SYSTEMD / "udev").iterdir())
    assert "60-persistent-storage.rules" < rules < "99-systemd.rules"


@pytest.mark.parametrize("name", UNITS)
def test_each_unit_is_sound(installed: Path, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    shutil.copytree(installed / "etc/systemd/system", folder)
    for unit in folder.iterdir():  # the command is not on this machine
        unit.write_text(unit.read_text().replace("/opt/fieldbox/.venv/bin/fieldbox", "/bin/true"))
    named = name.replace("@.", "@sda1.")
    if named != name:
        (folder / name).rename(folder / named)
    said = analyzed("verify", folder / named)
    # Of the machine's own units it may say whatever it likes.
    assert not [line for line in said.splitlines() if "fieldbox" in line], said


@pytest.mark.parametrize("name", ["web", "worker", "intake", "sync", "hub", "broker"])
def test_services_have_few_rights(installed: Path, name: str) -> None:
    unit = installed / f"etc/systemd/system/fieldbox-{name}.service"
    said = analyzed("security", "--offline=true", unit)
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    if exposure is None:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert float(exposure[1]) < (2.3 if name == "sync" else 2.0), (
        "one sets the clock, and hears of links from the kernel"
    )


def test_only_what_mounts_is_root() -> None:
    for unit in (SYSTEMD / "system").glob("*.service"):
        assert ("User=fieldbox" in unit.read_text()) == (unit.name != "fieldbox-card@.service")


def test_what_unmounts_a_card_is_not_killed_with_its_unit() -> None:
    assert "KillMode=mixed" in (SYSTEMD / "system" / "fieldbox-card@.service").read_text().splitlines()
