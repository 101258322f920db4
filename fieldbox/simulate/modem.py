"""A GSM modem without a radio: AT commands (3GPP TS 27.005 and 27.007) in, answers out, and a network behind it that loses
what it is told to lose.

`AtModem` reads bytes and gives bytes, and knows nothing of ports; `serve_socket` and `serve_terminal` put it where a program
looks for a modem.
"""

from __future__ import annotations

import os
import re
import select
import socket
import threading
import tty
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from fieldbox.simulate import pdu

_LOOK_S: Final = 0.02
"""How often a port looks whether the modem has something to say by itself."""
_END, _CANCEL = "\x1a", "\x1b"
NO_SERVICE: Final = 331
"""+CMS ERROR (TS 27.005 section 3.2.5): no network service."""


class Fault(Enum):
    """What goes wrong with the next part that is sent."""

    BUSY = "busy"
    """The network refuses it: try again later."""
    BARRED = "barred"
    """The network refuses it for good."""
    UNCONFIRMED = "unconfirmed"
    """It arrives, and its confirmation is lost."""
    LOST = "lost"
    """It does not arrive, and nothing is said."""


_ERRORS: Final = {Fault.BUSY: 42, Fault.BARRED: 10}
"""+CMS ERROR by TS 24.011 annex E-2: congestion; call barred."""


class Refused(Exception):
    """The network does not take a text; `cause` is the number of the +CMS ERROR."""

    def __init__(self, cause: int) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole text on a phone."""

    number: str
    text: str
    parts: int


@dataclass(slots=True)
class Network:
    """The network and the phones in it."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    service: bool = True
    """Whether the modem is registered."""
    reports: bool = True
    """Whether it says of texts that they have arrived, where that is asked for."""
    arrived: list[Arrived] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    """Of the next parts, one each."""
    _reference: int = 0
    _parts: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)
    _reports: deque[str] = field(default_factory=deque)
    _deliveries: deque[str] = field(default_factory=deque)
    _last: Sequence[str] = ()
    _texts: int = 0

    def submit(self, told: str) -> int | None:
        """Take an SMS-SUBMIT; its reference, or None where the confirmation is lost. Raises Refused, and pdu.BadPdu."""
        part = pdu.read_submit(told)
        if not self.service:
            raise Refused(NO_SERVICE)
        fault = self.faults.popleft() if self.faults else None
        if fault in _ERRORS:
            raise Refused(_ERRORS[fault])
        self._reference = self._reference % 255 + 1
        if fault is not Fault.LOST:
            self._arrive(part)
            if part.wants_report and self.reports:
                self._reports.append(self._report(part.number))
        return None if fault in (Fault.UNCONFIRMED, Fault.LOST) else self._reference

    def text_in(self, number: str, text: str) -> None:
        """Somebody texts the modem."""
        self._texts += 1
        self._last = pdu.write_deliver(number, text, self.clock(), self._texts)
        self._deliveries.extend(self._last)

    def text_again(self) -> None:
        """The network brings the last text once more, as it does where an acknowledgement was lost."""
        self._deliveries.extend(self._last)

    def next_delivery(self) -> str | None:
        """A part that came in for the modem."""
        return self._deliveries.popleft() if self._deliveries else None

    def next_report(self) -> str | None:
        """A delivery report for the modem."""
        return self._reports.popleft() if self._reports else None

    def _report(self, number: str) -> str:
        now = self.clock()
        return pdu.write_report(self._reference, number, now, now, pdu.DELIVERED)

    def _arrive(self, part: pdu.Submitted) -> None:
        if part.series is None:
            self.arrived.append(Arrived(part.number, part.text, 1))
            return
        key = part.number, part.series.reference
        known = self._parts.setdefault(key, {})
        known[part.series.number] = part.text
        if len(known) == part.series.total:
            whole = "".join(known[place] for place in sorted(known))
            self.arrived.append(Arrived(part.number, whole, len(known)))
            del self._parts[key]


_TOLD: Final = {
    "I": "FIELDBOX SIMULATED MODEM",
    "+GMI": "FIELDBOX",
    "+CGMI": "FIELDBOX",
    "+GMM": "SIMULATED",
    "+CGMM": "SIMULATED",
    "+GMR": "1",
    "+CGMR": "1",
    "+GSN": "490154203237518",
    "+CGSN": "490154203237518",
    "+CIMI": "001010000000001",
    "+CCID": "+CCID: 8900101000000000001F",
    "+CPIN?": "+CPIN: READY",
    "+GCAP": "+GCAP: +CGSM",
    "+CSCA?": '+CSCA: "+919198900000",145',
    "+CSMS?": "+CSMS: 1,1,1,1",
    "+CSMS=?": "+CSMS: (0,1)",
    "+CMGF=?": "+CMGF: (0)",
    "+CMGF?": "+CMGF: 0",
    "+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")',
    "+CNMI=?": "+CNMI: (0,1,2),(0,1),(0,2),(0,1,2),(0,1)",
    "+CSCS=?": '+CSCS: ("IRA","GSM","UCS2")',
    "+CSCS?": '+CSCS: "IRA"',
    "+CBC": "+CBC: 0,90",
    "+CRSM=176,12258,0,0,10": '+CRSM: 144,0,"98101000000000000010"',
}
"""What it says of itself."""
_TAKEN: Final = re.compile(
    r"$|[ZH]$|&[FWCD]|E[01]|[VQX]\d|S0=|\+(CMEE|CSCS|CFUN|COPS|CREG|CGREG|CTZU|CTZR|CSMP|CLIP|CRC|CSDH|CPBS|CSMS|CUSD|CCWA|CMGF)="
    r"|\+(IFC|ICF|IPR)"
)
"""Settings that it takes and has no use for."""


class AtModem:
    """Commands in, answers out; texts in PDU mode alone, as programs use it."""

    def __init__(self, network: Network, *, slots: int = 30) -> None:
        """`slots`: parts that its SIM keeps; more wait in the network."""
        self._network, self._slots = network, slots
        self._sim: dict[int, str] = {}
        self._typed, self._echo, self._asks_pdu = "", True, False
        self._tells_texts = self._tells_reports = False
        self._commands: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
            (re.compile(pattern), answer)
            for pattern, answer in (
                (r"E([01])", self._set_echo),
                (r"\+CNMI=(.*)", self._tell),
                (r"\+CSQ$", lambda _: _said(f"+CSQ: {17 if self._network.service else 99},0")),
                (r"\+(CREG|CGREG)\?", self._registration),
                (r"\+COPS\?", self._operator),
                (r"\+CCLK\?", self._clock),
                (r"\+CNMI\?", self._told),
                (r"\+CPMS(\?|=[^?])", self._memory),
                (r"\+CMGL", self._list),
                (r"\+CMGR=(\d+)", self._read),
                (r"\+CMGD=(\d+)", self._delete),
                (r"\+CMGS=\d+", self._prompt),
            )
        ]

    def receive(self, typed: bytes) -> bytes:
        """What it answers to some bytes; part of a command waits for the rest."""
        told = typed.decode("latin-1")
        echoed = told if self._echo and not self._asks_pdu else ""
        self._typed += told
        answers = [echoed]
        while (answer := self._next()) is not None:
            answers.append(answer)
        return "".join(answers).encode("latin-1")

    def news(self) -> bytes:
        """One thing that it says unasked, and did not say yet: a text came in, a delivery report. ModemManager 1.20 takes only
        the first of several that it reads at once."""
        if self._asks_pdu:
            return b""
        while len(self._sim) < self._slots and (came := self._network.next_delivery()) is not None:
            slot = next(place for place in range(1, self._slots + 1) if place not in self._sim)
            self._sim[slot] = came
            if self._tells_texts:
                return f'\r\n+CMTI: "SM",{slot}\r\n'.encode()
        report = self._network.next_report() if self._tells_reports else None
        return b"" if report is None else f"\r\n+CDS: {pdu.length_of(report)}\r\n{report}\r\n".encode()

    def _next(self) -> str | None:
        """The answer to the first whole command, or PDU, that was typed; None: there is none."""
        found = re.search(f"[{_END}{_CANCEL}]" if self._asks_pdu else "[\r\n]", self._typed)
        if found is None:
            return None
        told, self._typed = self._typed[: found.start()].strip(), self._typed[found.end() :]
        if self._asks_pdu:
            self._asks_pdu = False
            return _said() if found.group() == _CANCEL else self._send(told)
        return self._answer(told) if told.upper().startswith("AT") else ""

    def _answer(self, line: str) -> str:
        command = line[2:].strip().upper()
        for pattern, answer in self._commands:
            if found := pattern.match(command):
                return answer(found)
        if command in _TOLD:
            return _said(_TOLD[command])
        return _said() if _TAKEN.match(command) else "\r\n+CME ERROR: 4\r\n"

    def _send(self, told: str) -> str:
        try:
            reference = self._network.submit(told)
        except Refused as refused:
            return _error(refused.cause)
        except pdu.BadPdu:
            return _error(304)
        return "" if reference is None else _said(f"+CMGS: {reference}")

    def _set_echo(self, found: re.Match[str]) -> str:
        self._echo = found.group(1) == "1"
        return _said()

    def _tell(self, found: re.Match[str]) -> str:
        if found.group(1) == "?":
            return _said(_TOLD["+CNMI=?"])
        told = [*found.group(1).split(","), "0", "0", "0", "0"]
        self._tells_texts, self._tells_reports = told[1] == "1", told[3] == "1"
        return _said()

    def _told(self, _found: re.Match[str]) -> str:
        return _said(f"+CNMI: 2,{int(self._tells_texts)},0,{int(self._tells_reports)},0")

    def _registration(self, found: re.Match[str]) -> str:
        return _said(f"+{found.group(1)}: 0,{int(self._network.service)}")

    def _operator(self, _found: re.Match[str]) -> str:
        return _said('+COPS: 0,0,"FIELDBOX",0' if self._network.service else "+COPS: 0")

    def _clock(self, _found: re.Match[str]) -> str:
        return _said(f'+CCLK: "{self._network.clock().astimezone(UTC):%y/%m/%d,%H:%M:%S}+00"')

    def _memory(self, found: re.Match[str]) -> str:
        used = f"{len(self._sim)},{self._slots}"
        if found.group(1) == "?":
            return _said("+CPMS: " + ",".join([f'"SM",{used}'] * 3))
        return _said("+CPMS: " + ",".join([used] * 3))

    def _list(self, _found: re.Match[str]) -> str:
        return _said(
            *(f"+CMGL: {slot},0,,{pdu.length_of(one)}\r\n{one}" for slot, one in sorted(self._sim.items()))
        )

    def _read(self, found: re.Match[str]) -> str:
        one = self._sim.get(int(found.group(1)))
        return _error(321) if one is None else _said(f"+CMGR: 0,,{pdu.length_of(one)}\r\n{one}")

    def _delete(self, found: re.Match[str]) -> str:
        self._sim.pop(int(found.group(1)), None)
        return _said()

    def _prompt(self, _found: re.Match[str]) -> str:
        if not self._network.service:
            return _error(NO_SERVICE)
        self._asks_pdu = True
        return "\r\n> "


def _said(*lines: str) -> str:
    return "".join(f"\r\n{line}\r\n" for line in lines) + "\r\nOK\r\n"


def _error(cause: int) -> str:
    return f"\r\n+CMS ERROR: {cause}\r\n"


def serve_socket(modem: AtModem, name: str, stop: threading.Event) -> None:
    """Be the modem behind the abstract Unix socket `name`, as ModemManager's test mode looks for one, until `stop`."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("\0" + name)
        listening.listen()
        listening.settimeout(_LOOK_S)
        while not stop.is_set():
            try:
                connection, _address = listening.accept()
            except TimeoutError:
                continue
            with connection:
                _serve(modem, connection.fileno(), stop)


def serve_terminal(modem: AtModem, stop: threading.Event, ready: Callable[[str], None]) -> None:
    """Be the modem at a pseudo-terminal until `stop`; `ready` is told its path, like /dev/pts/4."""
    ours, theirs = os.openpty()
    try:
        tty.setraw(ours)
        tty.setraw(theirs)
        ready(os.ttyname(theirs))
        _serve(modem, ours, stop)
    finally:
        os.close(ours)
        os.close(theirs)


def _serve(modem: AtModem, port: int, stop: threading.Event) -> None:
    while not stop.is_set():
        readable, _writable, _wrong = select.select([port], [], [], _LOOK_S)
        typed = os.read(port, 4096) if readable else None
        if typed == b"":
            return
        said = modem.receive(typed) if typed else modem.news()
        while said:
            said = said[os.write(port, said) :]
