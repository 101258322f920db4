"""What the errors of ModemManager mean for a text."""

from __future__ import annotations

import pytest
from jeepney import DBusAddress, DBusErrorResponse, new_error, new_method_call

from fieldbox.sync.sms.modem import Barred, NoModem, Unconfirmed
from fieldbox.sync.sms.modemmanager import _refusal, _unmade

ERROR = "org.freedesktop.ModemManager1.Error"


def error(name: str, why: str = "") -> DBusErrorResponse:
    asked = new_method_call(DBusAddress("/", "x.y"), "Send")
    asked.header.serial = 1
    return DBusErrorResponse(new_error(asked, name, "s", (why,)))


@pytest.mark.parametrize(
    ("name", "why", "kind", "again"),
    [
        ("Message.Unknown", "Unknown message error: 42", "Unsent", True),
        ("Message.Unknown", "Unknown message error: 10", "Barred", False),
        ("Message.InvalidPduParameter", "Invalid PDU parameter", "Barred", False),
        ("Message.NoNetwork", "No network", "Unsent", True),
        ("MobileEquipment.SimBusy", "SIM busy", "Unsent", True),
        ("Core.WrongState", "modem not enabled", "Unsent", True),
        ("Core.Unauthorized", "", "Unsent", True),
        ("Serial.ResponseTimeout", "Serial command timed out", "Unconfirmed", True),
        ("Core.Failed", "port closed", "Unconfirmed", True),
    ],
)
def test_an_error_of_sending(name: str, why: str, kind: str, again: bool) -> None:
    found = _refusal(error(f"{ERROR}.{name}", why))
    assert type(found).__name__ == kind
    assert found.retry_helps is again
    assert isinstance(found, Unconfirmed) == (kind == "Unconfirmed")


def test_an_error_of_making_one() -> None:
    assert isinstance(_unmade(error(f"{ERROR}.Core.InvalidArgs", "no number")), Barred)
    assert isinstance(_unmade(error(f"{ERROR}.Core.Unauthorized")), NoModem)
    later = _unmade(error(f"{ERROR}.Core.WrongState", "not yet"))
    assert later.retry_helps
    assert not isinstance(later, NoModem)
