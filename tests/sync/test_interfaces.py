"""What an interface is, from what the kernel shows of it; folders as those of real ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import LinkKind
from fieldbox.sync.interfaces import is_up, kind_of
from fieldbox.sync.rtnetlink import DefaultRoute, Refused, default_routes


def interface(root: Path, name: str, *, driver: str | None = None, **files: str) -> None:
    folder = root / "net" / name
    folder.mkdir(parents=True)
    for file, text in {"type": "1", "operstate": "up", "uevent": f"INTERFACE={name}"}.items():
        (folder / file).write_text(files.pop(file, text) + "\n")
    for other, text in files.items():
        (folder / other).mkdir() if text == "/" else (folder / other).write_text(text)
    if driver:
        there = root / "drivers" / driver
        there.mkdir(parents=True, exist_ok=True)
        (folder / "device").mkdir()
        (folder / "device" / "driver").symlink_to(there)


@pytest.mark.parametrize(
    ("name", "driver", "files", "kind"),
    [
        ("eth0", "macb", {}, LinkKind.ETHERNET),
        ("wlan0", "brcmfmac", {"phy80211": "/", "wireless": "/"}, LinkKind.WIFI),
        ("wwan0", "qmi_wwan", {"uevent": "DEVTYPE=wwan\nINTERFACE=wwan0"}, LinkKind.MODEM),
        ("wwp1s0u1", "cdc_mbim", {"uevent": "DEVTYPE=wwan"}, LinkKind.MODEM),
        ("ppp0", None, {"type": "512", "operstate": "unknown"}, LinkKind.MODEM),
        ("usb0", "rndis_host", {}, LinkKind.PHONE),
        ("enx1", "cdc_ether", {}, LinkKind.PHONE),
        ("eth1", "ipheth", {}, LinkKind.PHONE),
        ("tun0", None, {"type": "65534", "tun_flags": "0x1", "operstate": "unknown"}, LinkKind.OTHER),
        ("tap0", None, {"tun_flags": "0x2"}, LinkKind.OTHER),
        ("wg0", None, {"type": "65534", "operstate": "unknown"}, LinkKind.OTHER),
    ],
)
def test_kinds(tmp_path: Path, name: str, driver: str | None, files: dict[str, str], kind: LinkKind) -> None:
    interface(tmp_path, name, driver=driver, **files)
    assert kind_of(name, tmp_path / "net") is kind
    assert is_up(name, tmp_path / "net")


def test_a_bridge_is_what_it_lies_over(tmp_path: Path) -> None:
    interface(tmp_path, "wwan0", driver="qmi_wwan")
    interface(tmp_path, "eth0", driver="macb")
    interface(tmp_path, "br0", lower_wwan0="/")
    interface(tmp_path, "br1", lower_wwan0="/", lower_eth0="/")
    interface(tmp_path, "br2", lower_br2="/")
    kinds = {name: kind_of(name, tmp_path / "net") for name in ("br0", "br1", "br2", "gone")}
    assert kinds == {
        "br0": LinkKind.MODEM,
        "br1": LinkKind.OTHER,
        "br2": LinkKind.ETHERNET,
        "gone": LinkKind.OTHER,
    }


@pytest.mark.parametrize(
    ("state", "up"), [("up", True), ("unknown", True), ("down", False), ("dormant", False)]
)
def test_up(tmp_path: Path, state: str, up: bool) -> None:
    interface(tmp_path, "eth0", operstate=state)
    assert is_up("eth0", tmp_path / "net") is up
    assert not is_up("eth9", tmp_path / "net")


def test_an_error_of_the_kernel_is_told() -> None:
    with pytest.raises(Refused) as caught:
        default_routes(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -1))
    assert caught.value.errno == 1


@given(st.binary(max_size=300))
def test_whatever_the_kernel_says_it_ends(answer: bytes) -> None:
    try:
        routes, last = default_routes(answer)
    except Refused:
        return
    assert isinstance(last, bool)
    assert all(isinstance(one, DefaultRoute) for one in routes)
