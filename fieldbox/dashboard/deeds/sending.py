"""Sending at once, and carrying messages by hand."""

from __future__ import annotations

from typing import Final

from fieldbox.dashboard.ports import SendingDesk, box
from fieldbox.domain import Carried, ExampleText
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_, Sentence

LARGEST: Final = 48 * 2**20
"""Bytes of a file of the hub's; a model in it has a few MB."""


def send_now(actor: str) -> None:
    """Have the box try at once. Raises Rejected without a hub."""
    _joined_desk().send_now()
    box().store.audit(actor, "send now", "")


def pack(actor: str, *, everything: bool) -> Carried:
    """What waits, as a file for a stick. Raises Rejected without a hub, Unavailable while another one is packed."""
    made = _joined_desk().pack(everything=everything)
    box().store.audit(actor, "messages packed", f"{made.name}: {made.messages}")
    return made


def unpack(actor: str, name: str, data: bytes) -> Sentence:
    """Take in a file of the hub's; what came of it. Raises Rejected without a hub, and for one that is not to be trusted."""
    if not data:
        raise Rejected(N_("Choose the file first that came from the hub; its name ends with .down."))
    if len(data) > LARGEST:
        raise Rejected(N_("This file is larger than any that a hub writes."))
    came = _joined_desk().unpack(name, data)
    box().store.audit(actor, "hub file taken in", name[:80])
    return came


def try_text(actor: str, number: str) -> ExampleText:
    """Let a text go that says that it is a test. Raises Rejected for a number that is not texted."""
    examples = box().beyond.examples
    if examples is None:
        raise Misconfigured(N_("This box cannot text from its pages."))
    text = examples.try_text(number)
    box().store.audit(actor, "test text", number)
    return text


def _joined_desk() -> SendingDesk:
    desk = _desk()
    if not desk.joined():
        raise Rejected(N_("The box has no hub to send to: join one on the settings page first."))
    return desk


def _desk() -> SendingDesk:
    found = box().beyond.sending
    if found is None:
        raise Misconfigured(N_("This box cannot send from its pages."))
    return found
