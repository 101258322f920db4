"""The simulated modem by itself: commands, PDUs, faults."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.simulate import pdu
from fieldbox.simulate.modem import AtModem, Fault, Network, serve_terminal

AT = datetime(2026, 11, 23, 12, 30, 15, tzinfo=timezone(timedelta(hours=5, minutes=30)))
ONE = "0001000C91198921436587000005E8329BFD06"
"""SMS-SUBMIT of "hello" to +919812345678."""


def ask(modem: AtModem, command: str) -> str:
    return modem.receive(f"{command}\r".encode("latin-1")).decode("latin-1")


def quiet(network: Network) -> AtModem:
    modem = AtModem(network)
    ask(modem, "ATE0")
    return modem


def test_a_text_is_sent() -> None:
    network = Network()
    modem = quiet(network)
    assert ask(modem, "AT+CMGS=18") == "\r\n> "
    assert modem.receive(f"{ONE}\x1a".encode()) == b"\r\n+CMGS: 1\r\n\r\nOK\r\n"
    assert [(one.number, one.text) for one in network.arrived] == [("+919812345678", "hello")]


def test_what_is_typed_comes_back_until_that_is_turned_off() -> None:
    modem = AtModem(Network())
    assert ask(modem, "AT") == "AT\r\r\nOK\r\n"
    assert ask(modem, "ATE0").startswith("ATE0")
    assert ask(modem, "AT") == "\r\nOK\r\n"


def test_bytes_may_come_one_by_one() -> None:
    modem = quiet(Network())
    said = b"".join(modem.receive(bytes([one])) for one in b"AT+CPIN?\r\n")
    assert said == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"


@pytest.mark.parametrize(
    ("fault", "said", "arrives"),
    [
        (Fault.BUSY, b"\r\n+CMS ERROR: 42\r\n", False),
        (Fault.BARRED, b"\r\n+CMS ERROR: 10\r\n", False),
        (Fault.UNCONFIRMED, b"", True),
        (Fault.LOST, b"", False),
    ],
)
def test_faults(fault: Fault, said: bytes, arrives: bool) -> None:
    network = Network()
    modem = quiet(network)
    network.faults.append(fault)
    ask(modem, "AT+CMGS=18")
    assert modem.receive(f"{ONE}\x1a".encode()) == said
    assert bool(network.arrived) is arrives


def test_a_pdu_that_is_none_and_one_that_is_given_up() -> None:
    network = Network()
    modem = quiet(network)
    ask(modem, "AT+CMGS=18")
    assert modem.receive(b"00FF\x1a") == b"\r\n+CMS ERROR: 304\r\n"
    ask(modem, "AT+CMGS=18")
    assert modem.receive(f"{ONE}\x1b".encode()) == b"\r\nOK\r\n"
    assert network.arrived == []


def test_a_text_that_comes_in_is_told_read_and_deleted() -> None:
    network = Network(clock=lambda: AT)
    modem = quiet(network)
    ask(modem, "AT+CNMI=2,1,0,1,0")
    network.text_in("+919812345678", "OK 7A1")
    assert modem.news() == b'\r\n+CMTI: "SM",1\r\n'
    assert modem.news() == b""
    told = ask(modem, "AT+CMGR=1")
    assert "040C91198921436587000062113221035122" in told
    assert "OK" in told
    assert '"SM",1,30' in ask(modem, "AT+CPMS?")
    ask(modem, "AT+CMGD=1")
    assert ask(modem, "AT+CMGR=1") == "\r\n+CMS ERROR: 321\r\n"


def test_a_full_sim_leaves_texts_in_the_network() -> None:
    network = Network()
    modem = AtModem(network, slots=1)
    for _each in range(2):
        network.text_in("+919812345678", "hello")
        modem.news()
    assert ask(modem, "AT+CMGR=2").endswith("321\r\n")
    ask(modem, "AT+CMGD=1")
    modem.news()
    assert "+CMGR" in ask(modem, "AT+CMGR=1")


def test_what_it_does_not_know_is_an_error() -> None:
    assert ask(quiet(Network()), "AT+NOSUCH") == "\r\n+CME ERROR: 4\r\n"


def test_the_clock_is_the_networks() -> None:
    assert '"26/11/23,07:00:15+00"' in ask(quiet(Network(clock=lambda: AT)), "AT+CCLK?")


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_pdu_is_too_strange(raw: bytes) -> None:
    try:
        pdu.read_submit(raw.hex())
    except pdu.BadPdu:
        return


def test_a_zone_west_of_greenwich() -> None:
    (told,) = pdu.write_deliver("+919812345678", "hi", AT.astimezone(timezone(timedelta(hours=-3))), 1)
    assert "62113240005129" in told


def test_it_is_served_at_a_terminal() -> None:
    stop, ready, path = threading.Event(), threading.Event(), []

    def told(name: str) -> None:
        path.append(name)
        ready.set()

    serving = threading.Thread(target=serve_terminal, args=(AtModem(Network()), stop, told))
    serving.start()
    assert ready.wait(10)
    port = os.open(path[0], os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(port, b"AT+CPIN?\r")
        said = b""
        while b"OK" not in said:
            said += os.read(port, 100)
    finally:
        os.close(port)
        stop.set()
        serving.join()
    assert b"+CPIN: READY" in said
