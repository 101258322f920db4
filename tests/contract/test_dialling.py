"""Links that are up for a burst only: NetworkManager's, and their twin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldbox.errors import Unsent
from fieldbox.sync.memoryways import MemoryDialler
from fieldbox.sync.networkmanager import NetworkManager
from fieldbox.sync.ways import Dialler
from tests.networkmanagers import network_manager


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with network_manager(tmp_path_factory.mktemp("nm")) as address:
        yield address


@pytest.fixture(params=["memory", "real"])
def dialler(request: pytest.FixtureRequest) -> Dialler:
    if request.param == "memory":
        return MemoryDialler({"burst": "v0", "nowhere": ""})
    return NetworkManager(request.getfixturevalue("bus"), dial_s=20)


def test_which_profiles_there_are(dialler: Dialler) -> None:
    assert dialler.can("burst")
    assert dialler.can("nowhere")
    assert not dialler.can("another")


def test_a_link_is_brought_up_and_taken_down(dialler: Dialler) -> None:
    assert dialler.dial("burst") == "v0"
    assert dialler.dial("burst") == "v0"
    dialler.hang_up("burst")
    dialler.hang_up("burst")
    assert dialler.dial("burst") == "v0"
    dialler.hang_up("burst")


@pytest.mark.parametrize("name", ["nowhere", "another"])
def test_what_does_not_come_up_is_unsent(dialler: Dialler, name: str) -> None:
    with pytest.raises(Unsent, match=name) as caught:
        dialler.dial(name)
    assert caught.value.retry_helps
    dialler.hang_up(name)


def test_a_link_that_a_process_left_up_is_taken_down(dialler: Dialler) -> None:
    dialler.dial("burst")
    dialler.end("burst")
    dialler.end("burst")
    dialler.end("another")
    assert dialler.dial("burst") == "v0"
    dialler.hang_up("burst")


def test_what_networkmanager_says_of_a_link(bus: str) -> None:
    manager, other = NetworkManager(bus), NetworkManager(bus)
    assert manager.metered("v0") is None
    assert manager.metered("v9") is None
    manager.dial("burst")
    assert manager.metered("v0") is True
    assert other.dial("burst") == "v0"
    other.hang_up("burst")
    assert manager.metered("v0") is True, "who did not bring it up does not take it down"
    other.end("burst")
    assert eventually_unsaid(manager)
    manager.hang_up("burst")


def eventually_unsaid(manager: NetworkManager) -> bool:
    """Taking down takes a moment."""
    until = time.monotonic() + 20
    while manager.metered("v0") is not None and time.monotonic() < until:
        time.sleep(0.02)
    return manager.metered("v0") is None


def test_without_a_bus_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for address in (f"unix:path={tmp_path / 'none'}", f"unix:path={tmp_path / 'file'}"):
        nobody = NetworkManager(address)
        assert nobody.metered("eth0") is None
        assert not nobody.can("burst")
        nobody.end("burst")
        with pytest.raises(Unsent):
            nobody.dial("burst")
