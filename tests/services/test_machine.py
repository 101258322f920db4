"""What a machine says of itself is read as it says it, and what it does not say is not known."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldbox.domain import Strain
from fieldbox.services.machine import Machine
from tests.services.machines import put, raspberry, say_bits, tool

NOW = datetime(2027, 6, 10, 5, tzinfo=UTC)
EVERY = (Strain.WEAK_POWER, Strain.CAPPED, Strain.SLOWED, Strain.WARM)


def test_a_raspberry_tells_all_of_it(tmp_path: Path) -> None:
    found = raspberry(tmp_path).read(tmp_path, NOW)
    assert (found.vital.at, found.vital.temperature_c) == (NOW, 61.25)
    assert (found.vital.memory_free, found.memory_total) == (5_120_000 * 1024, 8_252_960 * 1024)
    assert found.vital.load == pytest.approx(0.8 / (os.cpu_count() or 1))
    assert (found.up_s, found.mhz, found.most_mhz) == (93784.55, 1500, 2400)
    assert found.model == "Raspberry Pi 5 Model B Rev 1.0"
    assert 0 < found.vital.disk_free <= found.vital.disk_total


def test_a_machine_that_says_nothing_is_not_known(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    dumb = Machine(nothing, nothing, "no-such-tool", nothing, nothing, nothing, nothing)
    found = dumb.read(tmp_path, NOW)
    vital = found.vital
    assert (vital.temperature_c, vital.slowed, vital.weak_power, vital.memory_free, vital.load) == (None,) * 5
    assert (found.strained, found.was_strained) == ({}, {})
    assert (found.up_s, found.memory_total, found.mhz, found.most_mhz, found.model) == (None,) * 5


@pytest.mark.parametrize(
    ("bits", "now", "since"),
    [
        (0x0, (), ()),
        (0x1, (Strain.WEAK_POWER,), (Strain.WEAK_POWER,)),
        (0x50000, (), (Strain.WEAK_POWER, Strain.SLOWED)),
        (0x50005, (Strain.WEAK_POWER, Strain.SLOWED), (Strain.WEAK_POWER, Strain.SLOWED)),
        (0xA000A, (Strain.CAPPED, Strain.WARM), (Strain.CAPPED, Strain.WARM)),
        (0xF0000, (), EVERY),
    ],
)
def test_every_bit_of_vcgencmd_is_told_for_now_and_since_the_start(
    tmp_path: Path, bits: int, now: tuple[Strain, ...], since: tuple[Strain, ...]
) -> None:
    machine = raspberry(tmp_path, vcgencmd=tool(tmp_path, f"echo throttled={bits:#x}"))
    found = machine.read(tmp_path, NOW)
    assert tuple(one for one in EVERY if found.strained[one]) == now
    assert tuple(one for one in EVERY if found.was_strained[one]) == since
    assert found.vital.weak_power is (Strain.WEAK_POWER in now)
    assert found.vital.slowed is bool(set(now) - {Strain.WEAK_POWER})


def test_without_vcgencmd_the_voltage_alarm_tells_of_weak_power(tmp_path: Path) -> None:
    machine = raspberry(tmp_path)
    assert machine.read(tmp_path, NOW).strained == {Strain.WEAK_POWER: False}
    put(tmp_path / "hwmon" / "hwmon1" / "in0_lcrit_alarm", "1\n")
    found = machine.read(tmp_path, NOW)
    assert (found.vital.weak_power, found.vital.slowed) == (True, None)


def test_the_firmwares_device_tells_what_holds_it_back_now_alone(tmp_path: Path) -> None:
    machine = raspberry(tmp_path)
    say_bits(tmp_path, 0xF0006)
    found = machine.read(tmp_path, NOW)
    assert found.strained == {
        Strain.WEAK_POWER: False,
        Strain.CAPPED: True,
        Strain.SLOWED: True,
        Strain.WARM: False,
    }
    assert found.was_strained == {}, "the driver forgets those bits every two seconds"


def test_the_processors_zone_is_taken_and_not_the_first_one(tmp_path: Path) -> None:
    machine = raspberry(tmp_path, celsius=40)
    put(tmp_path / "thermal" / "thermal_zone0" / "type", "acpitz\n")
    put(tmp_path / "thermal" / "thermal_zone1" / "type", "x86_pkg_temp\n")
    put(tmp_path / "thermal" / "thermal_zone1" / "temp", "72500\n")
    assert machine.temperature_c() == 72.5


@pytest.mark.parametrize("says", ["", "nonsense", "-274000", "900000"])
def test_a_sensor_that_cannot_be_right_is_not_believed(tmp_path: Path, says: str) -> None:
    machine = raspberry(tmp_path)
    put(tmp_path / "thermal" / "thermal_zone0" / "temp", says)
    assert machine.temperature_c() is None


def test_files_of_nonsense_are_not_known(tmp_path: Path) -> None:
    machine = raspberry(tmp_path)
    for name in ("uptime", "loadavg", "meminfo"):
        put(tmp_path / "proc" / name, "\x00\xff nonsense\n")
    say_bits(tmp_path, 0)
    put(next(tmp_path.glob("platform/*/*/get_throttled")), "zz")
    put(tmp_path / "hwmon" / "hwmon1" / "in0_lcrit_alarm", "perhaps")
    found = machine.read(tmp_path, NOW)
    assert (found.up_s, found.vital.load, found.vital.memory_free, found.strained) == (None, None, None, {})
