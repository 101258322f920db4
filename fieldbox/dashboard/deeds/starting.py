"""Setting up a new box: the code, the first person, and how far the set-up is."""

from __future__ import annotations

import hmac
import json
from typing import Final

from fieldbox.dashboard.deeds import flights as flight_deeds
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import UserLike, box
from fieldbox.domain import (
    CODE_LENGTH,
    LONGEST_NAME,
    NO_PASSWORD,
    SETUP_CODE,
    Role,
    code_hash,
    tidy_code,
    tidy_name,
)
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

STEPS: Final = ("language", "farm", "you", "texts", "hub", "leaving", "flight")
"""In their order; one question each."""
SETTING: Final = "setup.steps"
"""The key under which it is kept which of them are done or passed over."""
FIRST_NAME: Final = "owner"
"""Of the first person, until a name is chosen."""


def is_new() -> bool:
    """Whether nobody has chosen a password yet: the box is as it came."""
    return all(not one.password_hash for one in box().store.users())


def read_code(typed: str) -> str:
    """A setup code as it was typed. Raises Rejected for what can be none."""
    code = tidy_code(typed)
    if code is None:
        raise Rejected(
            N_("The code has {count} letters and digits; 0, 1, I, L, O and U are not among them."),
            count=CODE_LENGTH,
        )
    return code


def enter(code: str) -> UserLike | None:
    """The first person of the box, for whoever has its code; None: it is another one. Tries are not counted, see CODE_LENGTH."""
    kept = box().store.setting(SETUP_CODE) or ""
    return _first() if hmac.compare_digest(kept.encode(), code_hash(code).encode()) else None


def become(user: UserLike, name: str, password: str) -> UserLike:
    """Give the first person a name and a password; the code is void then. Raises Rejected, and changes nothing."""
    kept = tidy_name(name)
    if kept is None:
        raise Rejected(
            N_("A name has 1 to {longest} characters that can be read: give another one."),
            longest=LONGEST_NAME,
        )
    hashed = hash_password(password, kept)
    store = box().store
    if kept != user.name:
        store.rename_user(user.id, kept)
    store.set_password_hash(user.id, hashed)
    store.set_setting(SETUP_CODE, "")
    store.audit(kept, "set up", "")
    return store.user(user.id) or user


def done() -> dict[str, str]:
    """Steps that are done ("done") or were passed over ("later")."""
    kept = json.loads(box().store.setting(SETTING) or "{}")
    return {step: kept[step] for step in STEPS if step in kept}


def note(step: str, how: str) -> None:
    """Note that a step is done, or comes later."""
    box().store.change_setting(SETTING, lambda text: json.dumps(json.loads(text or "{}") | {step: how}))


def next_step() -> str | None:
    """The first that is neither done nor passed over; None: the set-up is over."""
    over = done()
    return next((step for step in STEPS if step not in over), None)


def test_flight(actor: str, language: str = "en") -> None:
    """Ask for a test flight, whose field is named in a language.

    Raises Rejected where this box makes none, or one is under way.
    """
    flights = box().beyond.test_flights
    if flights is None:
        raise Rejected(N_("This box makes no test flights."))
    flights.wish(language)
    box().store.audit(actor, "test flight", "")


def forget_flight(actor: str) -> None:
    """Delete the test flight, and its field unless another flight was over it or somebody told anything of it.

    Raises Rejected while it is being mapped.
    """
    flights = box().beyond.test_flights
    found = flights.now() if flights else None
    flight = box().store.flight(found.flight_id) if found and found.flight_id else None
    if flights is None or flight is None:
        raise Rejected(N_("There is no test flight on the box."))
    flight_deeds.delete(actor, flight.id)
    if flight.field_id is not None:
        box().store.remove_empty_field(flight.field_id)
    flights.forget()


def _first() -> UserLike:
    store = box().store
    owners = [one for one in store.users() if one.active and one.role is Role.OWNER]
    return owners[0] if owners else store.add_user(FIRST_NAME, NO_PASSWORD, Role.OWNER)
