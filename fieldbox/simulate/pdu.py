"""Texts as a modem takes and gives them: PDUs of 3GPP TS 23.040, in hexadecimal digits behind the service centre's number.

Sections named below are of TS 23.040. It reads what a modem is given to send (SMS-SUBMIT) and writes what it gives
(SMS-DELIVER, SMS-STATUS-REPORT).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fieldbox.wire import gsm

_CENTRE: Final = "+919198900000"
_SUBMIT, _DELIVER, _STATUS_REPORT = 0x01, 0x00, 0x02
_NO_MORE, _WANTS_REPORT, _HAS_HEADER = 0x04, 0x20, 0x40
_GSM7, _UCS2 = 0x00, 0x08
_INTERNATIONAL, _NATIONAL, _LETTERS = 0x91, 0xA1, 0xD0
_SHORT_SERIES, _LONG_SERIES = 0x00, 0x08
DELIVERED: Final = 0x00
"""Status (section 9.2.3.15): the phone has it."""
EXPIRED: Final = 0x46
"""Status: it was kept for as long as the network keeps texts, and did not arrive."""


class BadPdu(ValueError):
    """It is no SMS-SUBMIT."""


@dataclass(frozen=True, slots=True)
class Series:
    """Where a part of a text belongs."""

    reference: int
    total: int
    number: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a modem was given to send."""

    number: str
    text: str
    series: Series | None
    """None: it is whole."""
    wants_report: bool


def read_submit(told: str) -> Submitted:
    """Read an SMS-SUBMIT (section 9.2.2.2). Raises BadPdu."""
    try:
        return _read(bytes.fromhex(told))
    except (ValueError, IndexError) as error:
        raise BadPdu(str(error)) from error


def write_deliver(number: str, text: str, sent_at: datetime, reference: int) -> list[str]:
    """The SMS-DELIVERs (section 9.2.2.1) of a text from `number`, which may be letters; `reference` names a text of several
    parts."""
    parts = gsm.split(text)
    ucs2 = gsm.coding_of(text) is gsm.Coding.UCS2
    return [
        _deliver(
            number,
            sent_at,
            part,
            Series(reference & 0xFF, len(parts), place) if len(parts) > 1 else None,
            ucs2=ucs2,
        )
        for place, part in enumerate(parts, start=1)
    ]


def write_report(reference: int, number: str, sent_at: datetime, done_at: datetime, status: int) -> str:
    """An SMS-STATUS-REPORT (section 9.2.2.3)."""
    head = bytes([_STATUS_REPORT | _NO_MORE, reference])
    return _hex(head + _address(number) + _stamp(sent_at) + _stamp(done_at) + bytes([status]))


def length_of(pdu: str) -> int:
    """Bytes of a PDU without the service centre's number, as modems tell it beside one."""
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)


def _read(raw: bytes) -> Submitted:
    first, *_rest = raw = raw[1 + raw[0] :]
    if first & 0x03 != _SUBMIT:
        raise BadPdu(f"message type {first & 0x03}")
    digits, kind = raw[2], raw[3]
    after = 4 + -(-digits // 2)
    number = _swapped(raw[4:after])[:digits]
    coding = raw[after + 1] & 0x0C
    validity = {0x00: 0, 0x10: 1}.get(first & 0x18, 7)
    length, body = raw[after + 2 + validity], raw[after + 3 + validity :]
    series, text = _body(body, length, coding, has_header=bool(first & _HAS_HEADER))
    return Submitted(("+" if kind & 0x70 == 0x10 else "") + number, text, series, bool(first & _WANTS_REPORT))


def _body(body: bytes, length: int, coding: int, *, has_header: bool) -> tuple[Series | None, str]:
    header = 1 + body[0] if has_header else 0
    series = _series(body[1:header]) if has_header else None
    if coding == _UCS2:
        _checked(len(body) == length)
        return series, body[header:].decode("utf-16-be")
    skipped = -(-header * 8 // 7)
    _checked(len(body) == -(-length * 7 // 8))
    return series, gsm.from_septets(
        gsm.unpack(body[header:], length - skipped, shift=skipped * 7 - header * 8)
    )


def _checked(right: bool) -> None:
    if not right:
        raise BadPdu("length")


def _series(header: bytes) -> Series | None:
    while len(header) > 1:
        kind, size, told = header[0], header[1], header[2 : 2 + header[1]]
        if kind == _SHORT_SERIES:
            return Series(told[0], told[1], told[2])
        if kind == _LONG_SERIES:
            return Series(told[0] << 8 | told[1], told[2], told[3])
        header = header[2 + size :]
    return None


def _deliver(number: str, sent_at: datetime, text: str, series: Series | None, *, ucs2: bool) -> str:
    header = bytes([5, _SHORT_SERIES, 3, series.reference, series.total, series.number]) if series else b""
    first = _DELIVER | _NO_MORE | (_HAS_HEADER if series else 0)
    head = bytes([first]) + _address(number) + bytes([0, _UCS2 if ucs2 else _GSM7]) + _stamp(sent_at)
    if ucs2:
        body = header + text.encode("utf-16-be")
        return _hex(head + bytes([len(body)]) + body)
    skipped = -(-len(header) * 8 // 7)
    codes = gsm.septets(text)
    packed = gsm.pack(codes, shift=skipped * 7 - len(header) * 8)
    return _hex(head + bytes([skipped + len(codes)]) + header + packed)


def _hex(pdu: bytes) -> str:
    digits = _nibbles(_CENTRE[1:])
    return (bytes([1 + len(digits), _INTERNATIONAL]) + digits + pdu).hex().upper()


def _address(number: str) -> bytes:
    digits = number.removeprefix("+")
    if not digits.isdecimal():
        packed = gsm.pack(gsm.septets(digits))
        return bytes([-(-len(digits) * 7 // 4), _LETTERS]) + packed
    kind = _INTERNATIONAL if number.startswith("+") else _NATIONAL
    return bytes([len(digits), kind]) + _nibbles(digits)


def _stamp(at: datetime) -> bytes:
    """Section 9.2.3.11: two digits each, the zone in quarters of an hour."""
    quarters = int((at.utcoffset() or timedelta()) / timedelta(minutes=15))
    told = _nibbles(at.strftime("%y%m%d%H%M%S") + f"{abs(quarters):02d}")
    return told[:-1] + bytes([told[-1] | (0x08 if quarters < 0 else 0)])


def _nibbles(digits: str) -> bytes:
    padded: Sequence[str] = digits + "F" * (len(digits) % 2)
    return bytes(int(padded[place + 1] + padded[place], 16) for place in range(0, len(padded), 2))


def _swapped(raw: bytes) -> str:
    return "".join(f"{one & 0x0F:x}{one >> 4:x}" for one in raw)
