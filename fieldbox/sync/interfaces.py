"""What an interface is, as sysfs tells (Documentation/ABI/testing/sysfs-class-net of the kernel)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from fieldbox.domain import LinkKind

CLASS_NET: Final = Path("/sys/class/net")
_PPP = "512"
"""ARPHRD_PPP."""
_PHONES = frozenset({"rndis_host", "cdc_ether", "cdc_ncm", "ipheth"})
"""Drivers of phones on a cable; also of modem sticks that pass for a network card, whose bytes cost as well."""
_MODEMS = frozenset({"qmi_wwan", "cdc_mbim", "huawei_cdc_ncm", "sierra_net", "hso", "cdc_wdm"})
_DOWN = frozenset({"down", "lowerlayerdown", "dormant", "notpresent"})
_DEEPEST = 4
"""Interfaces laid over each other, such as a bridge over a bond."""


def is_up(name: str, root: Path = CLASS_NET) -> bool:
    """Whether an interface carries; point-to-point ones do not say and count as up."""
    state = _read(root / name / "operstate")
    return state is not None and state not in _DOWN


def kind_of(name: str, root: Path = CLASS_NET, depth: int = _DEEPEST) -> LinkKind:
    """What an interface is; of bridges and the like, what lies below them."""
    folder = root / name
    below = _below(folder) if depth else []
    if below:
        kinds = {kind_of(one, root, depth - 1) for one in below}
        return kinds.pop() if len(kinds) == 1 else LinkKind.OTHER
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return LinkKind.WIFI
    driver = _driver(folder)
    if _is_modem(folder, name) or driver in _MODEMS:
        return LinkKind.MODEM
    if driver in _PHONES:
        return LinkKind.PHONE
    return LinkKind.ETHERNET if _is_wired(folder) else LinkKind.OTHER


def _is_modem(folder: Path, name: str) -> bool:
    told = _read(folder / "uevent") or ""
    return "DEVTYPE=wwan" in told or name.startswith("wwan") or _read(folder / "type") == _PPP


def _is_wired(folder: Path) -> bool:
    """A card, or one end of a virtual cable; no tunnel, which has no address of its own layer."""
    ethernet = _read(folder / "type") == "1"
    return ethernet and ((folder / "device").exists() or not (folder / "tun_flags").exists())


def _below(folder: Path) -> list[str]:
    with suppress(OSError):
        return [one.name.removeprefix("lower_") for one in folder.glob("lower_*")]
    return []


def _driver(folder: Path) -> str | None:
    with suppress(OSError):
        return (folder / "device" / "driver").resolve(strict=True).name
    return None


def _read(file: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text("ascii").strip()
    return None
