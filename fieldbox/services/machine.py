"""What the machine says of itself: temperature, power, memory, load, disk. What it does not say is None, never 0.

Weak power and slowing down are told by a Raspberry Pi alone, in three ways, as far as this process may use them:

- `vcgencmd get_throttled`: all bits, now (0 to 3) and since the start (16 to 19). It needs /dev/vcio, which a service with a
  /dev of its own has not.
- hwmon `rpi_volt`, `in0_lcrit_alarm`: too little voltage within the last two seconds (the driver asks the firmware so often and
  clears what it remembered: Linux, drivers/hwmon/raspberrypi-hwmon.c).
- `get_throttled` of the firmware's device, hexadecimal: the bits as the driver has got them last, so that those of "since the
  start" stand for two seconds alone and are left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from fieldbox.domain import Reading, Strain, Vital
from fieldbox.sync.timekeeping import KernelTime

_PATIENCE_S: Final = 5.0
_BITS: Final = (Strain.WEAK_POWER, Strain.CAPPED, Strain.SLOWED, Strain.WARM)
"""Bits 0 to 3 of get_throttled; Raspberry Pi documentation, "vcgencmd"."""
_SINCE_START: Final = 16
_SLOWING: Final = (Strain.CAPPED, Strain.SLOWED, Strain.WARM)
_PROCESSOR: Final = ("cpu", "soc", "x86_pkg", "core")
"""Beginnings of the names of a processor's thermal zone."""
_COLDEST_C, _HOTTEST_C = -60.0, 150.0
"""What a sensor that works can tell."""
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the machine tells of itself."""

    proc: Path = Path("/proc")
    thermal: Path = Path("/sys/class/thermal")
    vcgencmd: str = "vcgencmd"
    hwmon: Path = Path("/sys/class/hwmon")
    platform: Path = Path("/sys/devices/platform")
    cpu: Path = Path("/sys/devices/system/cpu")
    synchronised: Path = Path("/run/systemd/timesync/synchronized")

    def read(self, folder: Path, now: datetime) -> Reading:
        """All of it; the disk is the one that holds `folder`. Raises OSError where that is gone."""
        strained, was_strained = self.strains()
        memory = self._memory()
        return Reading(
            vital=self._vital(folder, now, strained, memory.get("MemAvailable")),
            strained=strained,
            was_strained=was_strained,
            up_s=self._up_s(),
            memory_total=memory.get("MemTotal"),
            mhz=self._mhz("scaling_cur_freq"),
            most_mhz=self._mhz("cpuinfo_max_freq"),
            cores=os.cpu_count() or 1,
            model=self._model(),
            clock_kept=KernelTime(self.synchronised).synchronised(),
        )

    def _vital(
        self, folder: Path, now: datetime, strained: Mapping[Strain, bool], memory_free: int | None
    ) -> Vital:
        disk = os.statvfs(folder)
        return Vital(
            at=now,
            temperature_c=self.temperature_c(),
            slowed=_any_of(strained, _SLOWING),
            weak_power=strained.get(Strain.WEAK_POWER),
            disk_free=disk.f_bavail * disk.f_frsize,
            disk_total=disk.f_blocks * disk.f_frsize,
            memory_free=memory_free,
            load=self._load(),
        )

    def up_hours(self) -> float | None:
        """Since the start."""
        seconds = self._up_s()
        return None if seconds is None else seconds / 3600

    def temperature_c(self) -> float | None:
        """Of the processor: the zone that is called so, else the first one."""
        zones = sorted(self.thermal.glob("thermal_zone*")) if self.thermal.is_dir() else []
        named = [one for one in zones if _text(one / "type").lower().startswith(_PROCESSOR)]
        for zone in (*named, *zones[:1]):
            found = _told(lambda zone=zone: int(_text(zone / "temp")) / 1000)  # type: ignore[misc]
            if found is not None and _COLDEST_C < found < _HOTTEST_C:
                return found
        return None

    def throttled(self) -> bool | None:
        """Whether it was slowed down or had too little voltage since the start."""
        bits = self._asked()
        return None if bits is None else any(bits & (1 << at | 1 << (at + _SINCE_START)) for at in range(4))

    def strains(self) -> tuple[dict[Strain, bool], dict[Strain, bool]]:
        """What holds it back just now, and what did since the start, as far as it says so."""
        bits = self._asked()
        if bits is not None:
            now = {one: bool(bits & 1 << at) for at, one in enumerate(_BITS)}
            return now, {one: now[one] or bool(bits & 1 << (at + 16)) for at, one in enumerate(_BITS)}
        found = self._from_firmware()
        alarm = self._alarm()
        return (found if alarm is None else found | {Strain.WEAK_POWER: alarm}), {}

    def _asked(self) -> int | None:
        tool = shutil.which(self.vcgencmd)
        if tool is None:
            return None
        try:
            told = subprocess.run(  # noqa: S603  the system's own tool
                [tool, "get_throttled"], capture_output=True, text=True, timeout=_PATIENCE_S, check=True
            ).stdout
            return int(told.partition("=")[2], 16)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None

    def _from_firmware(self) -> dict[Strain, bool]:
        for file in sorted(self.platform.glob("soc*/*firmware/get_throttled")):
            bits = _told(lambda file=file: int(_text(file), 16))  # type: ignore[misc]
            if bits is not None:
                return {one: bool(bits & 1 << at) for at, one in enumerate(_BITS)}
        return {}

    def _alarm(self) -> bool | None:
        for folder in sorted(self.hwmon.glob("hwmon*")):
            if _text(folder / "name") == "rpi_volt":
                return {"0": False, "1": True}.get(_text(folder / "in0_lcrit_alarm"))
        return None

    def _up_s(self) -> float | None:
        return _told(lambda: float(_text(self.proc / "uptime").split()[0]))

    def _load(self) -> float | None:
        load = _told(lambda: float(_text(self.proc / "loadavg").split()[1]))
        return None if load is None else load / (os.cpu_count() or 1)

    def _memory(self) -> dict[str, int]:
        """Bytes by the names of /proc/meminfo."""
        lines = (line.split() for line in _text(self.proc / "meminfo").splitlines())
        return {
            line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if len(line) > 1 and line[1].isdigit()
        }

    def _mhz(self, name: str) -> float | None:
        return _told(lambda: int(_text(self.cpu / "cpu0" / "cpufreq" / name)) / 1000)

    def _model(self) -> str | None:
        return _text(self.proc / "device-tree" / "model").strip("\0 ") or None


def _any_of(strained: Mapping[Strain, bool], which: tuple[Strain, ...]) -> bool | None:
    known = [strained[one] for one in which if one in strained]
    return any(known) if known else None


def _told(ask: Callable[[], Told]) -> Told | None:
    try:
        return ask()
    except (ValueError, IndexError):
        return None


def _text(file: Path) -> str:
    """What a file of the kernel says; nothing where it does not."""
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
