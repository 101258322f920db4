"""Folders that look like what Linux tells of a Raspberry Pi 5."""

from __future__ import annotations

from pathlib import Path

from fieldbox.services.machine import Machine

MEMINFO = """MemTotal:        8252960 kB
MemFree:          322112 kB
MemAvailable:    5120000 kB
Buffers:          120400 kB
HugePages_Total:       0
"""


def tool(folder: Path, says: str) -> str:
    """A vcgencmd that says so."""
    made = folder / "vcgencmd"
    made.write_text(f"#!/bin/sh\n{says}\n")
    made.chmod(0o755)
    return str(made)


def put(file: Path, text: str) -> None:
    """A file with its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def raspberry(root: Path, *, celsius: float = 61.25, vcgencmd: str = "no-such-tool") -> Machine:
    """A Pi 5 as a service sees it that has a /dev of its own: without vcgencmd."""
    put(root / "proc" / "uptime", "93784.55 371000.10\n")
    put(root / "proc" / "loadavg", "1.20 0.80 0.60 2/310 4711\n")
    put(root / "proc" / "meminfo", MEMINFO)
    put(root / "proc" / "device-tree" / "model", "Raspberry Pi 5 Model B Rev 1.0\0")
    put(root / "thermal" / "thermal_zone0" / "type", "cpu-thermal\n")
    put(root / "thermal" / "thermal_zone0" / "temp", f"{round(celsius * 1000)}\n")
    put(root / "cpu" / "cpu0" / "cpufreq" / "scaling_cur_freq", "1500000\n")
    put(root / "cpu" / "cpu0" / "cpufreq" / "cpuinfo_max_freq", "2400000\n")
    put(root / "hwmon" / "hwmon0" / "name", "cpu_thermal\n")
    put(root / "hwmon" / "hwmon1" / "name", "rpi_volt\n")
    put(root / "hwmon" / "hwmon1" / "in0_lcrit_alarm", "0\n")
    return Machine(
        proc=root / "proc",
        thermal=root / "thermal",
        vcgencmd=vcgencmd,
        hwmon=root / "hwmon",
        platform=root / "platform",
        cpu=root / "cpu",
        synchronised=root / "synchronised",
    )


def say_bits(root: Path, bits: int) -> None:
    """Have the firmware's device say get_throttled."""
    put(
        root / "platform" / "soc@107c000000" / "soc@107c000000:firmware" / "get_throttled",
        f"{bits:x}\n",
    )
