"""A connection goes over the interface that was chosen."""

from __future__ import annotations

import socket

import pytest

from fieldbox.sync.ports import Traffic
from fieldbox.sync.tcp import Wire, connected


def listening() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    return made


@pytest.mark.parametrize("interface", [None, "lo", "none0"])
def test_over_an_interface(interface: str | None) -> None:
    """What listens on the machine itself is reached whatever link was chosen."""
    with listening() as there, connected(there.getsockname(), 5.0, interface) as made:
        assert made.getpeername() == there.getsockname()
        assert made.gettimeout() == 5.0


def test_nobody_listens_or_there_is_no_such_interface() -> None:
    with pytest.raises(OSError, match="No such device"):
        connected(("192.0.2.1", 9), 5.0, "none0")
    with listening() as there:
        address = there.getsockname()
    with pytest.raises(ConnectionRefusedError):
        connected(address, 5.0, "lo")


def test_what_tries_cost_is_counted_and_a_later_one_succeeds() -> None:
    wire = Wire()
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen(0)  # one connection waits to be accepted, and the next is not heard
        address = there.getsockname()
        with socket.create_connection(address):
            with pytest.raises(TimeoutError):
                wire.reach(address, 0.3, None)
            assert wire.counts().traffic == Traffic(60, 0)
            there.accept()[0].close()
            with wire.reach(address, 5.0, None) as made:
                assert made.gettimeout() == 5.0
