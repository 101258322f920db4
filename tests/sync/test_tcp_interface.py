"""A connection goes over the interface that was chosen."""

from __future__ import annotations

import socket

import pytest

from fieldbox.sync.tcp import connected


def listening() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    return made


@pytest.mark.parametrize("interface", [None, "lo"])
def test_over_an_interface(interface: str | None) -> None:
    with listening() as there, connected(there.getsockname(), 5.0, interface) as made:
        assert made.getpeername() == there.getsockname()
        assert made.gettimeout() == 5.0


def test_nobody_listens_or_there_is_no_such_interface() -> None:
    with listening() as there:
        address = there.getsockname()
        with pytest.raises(OSError, match="No such device"):
            connected(address, 5.0, "none0")
    with pytest.raises(ConnectionRefusedError):
        connected(address, 5.0, "lo")
