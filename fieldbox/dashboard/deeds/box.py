"""What somebody can have done about the box itself."""

from __future__ import annotations

from collections.abc import Iterable

from fieldbox.dashboard.ports import Machine, box
from fieldbox.errors import Rejected
from fieldbox.i18n import N_


def check_disk(actor: str) -> None:
    """Have the disk and the database looked through soon. Raises Rejected where nobody looks after the box."""
    _machine().check()
    box().store.audit(actor, "disk checked", "")


def make_room(actor: str) -> None:
    """Have what may go removed soon. Raises Rejected where nobody looks after the box."""
    _machine().make_room()
    box().store.audit(actor, "room made", "")


def make_support_file(actor: str, language: str) -> Iterable[bytes]:
    """The bytes of the file for those who help, a ZIP. Raises Rejected where nobody looks after the box."""
    support = box().beyond.support
    if support is None:
        raise Rejected(
            N_("Nothing looks after this box while its pages are served: ask whoever installed it.")
        )
    box().store.audit(actor, "support file made", "")
    return support.zipped(language)


def _machine() -> Machine:
    found = box().beyond.machine
    if found is None:
        raise Rejected(
            N_("Nothing looks after this box while its pages are served: ask whoever installed it.")
        )
    return found
