"""Languages that people bring, and who has read them."""

from __future__ import annotations

from typing import Final

from flask_babel import get_domain

from fieldbox.dashboard import byfile
from fieldbox.dashboard.byfile import Brought
from fieldbox.dashboard.ports import box
from fieldbox.errors import Rejected
from fieldbox.i18n import BROUGHT, N_, add_folder, look_again

LONGEST_NAME: Final = 80


def read_key(code: str) -> str:
    """The setting that says who has read a language."""
    return f"language.read.{code}"


def add(actor: str, data: bytes) -> Brought:
    """Take in a translation. Raises Rejected for a file that is none, or is too large."""
    if not data:
        raise Rejected(N_("Choose a translation file (.po) first."))
    if len(data) > byfile.LARGEST:
        raise Rejected(N_("This file is too large for a translation: 2 MB at most."))
    folder = box().root / BROUGHT
    came = byfile.take_in(data, folder)
    add_folder(folder)
    look_again()
    get_domain().cache.clear()  # of the one before it, of that language
    box().store.audit(actor, "language added", f"{came.code}: {came.taken} of {came.of}")
    return came


def note_reader(actor: str, code: str, who: str) -> None:
    """Note who has read a language. Raises Rejected without a name."""
    name = " ".join(who.split())[:LONGEST_NAME]
    if not name:
        raise Rejected(N_("Write the name of the native speaker who has read it."))
    box().store.set_setting(read_key(code), name)
    box().store.audit(actor, "language read", f"{code}: {name}")
