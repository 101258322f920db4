"""Who may come in, and as what."""

from __future__ import annotations

from datetime import UTC, datetime

from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import UserLike, box
from fieldbox.domain import LINK_LIFE, LONGEST_NAME, NO_PASSWORD, Role, Secret, tidy_name
from fieldbox.errors import Rejected
from fieldbox.i18n import N_


def add_person(actor: str, name: str, role: str) -> tuple[UserLike, Secret]:
    """Let somebody come in; the secret is that of their one-time link. Raises Rejected."""
    kept = tidy_name(name)
    if kept is None:
        raise Rejected(
            N_("A name has 1 to {longest} characters that can be read: give another one."),
            longest=LONGEST_NAME,
        )
    store = box().store
    user = store.add_user(kept, NO_PASSWORD, _role(role))
    store.audit(actor, "person added", f"{user.name}: {user.role}")
    return user, _link(user)


def make_link(actor: str, person_id: int) -> tuple[UserLike, Secret]:
    """A one-time link for somebody who has forgotten the password. Raises Rejected."""
    user = _person(person_id)
    if not user.active:
        raise Rejected(N_("{name} is shut out: let them in again first."), name=user.name)
    secret = _link(user)
    box().store.audit(actor, "login link", user.name)
    return user, secret


def change_role(actor: str, person_id: int, role: str) -> UserLike:
    """Make somebody something else on this farm. Raises Rejected."""
    return change_person(actor, person_id, role, None)


def shut_out(actor: str, person_id: int) -> UserLike:
    """Let somebody in no more: their sessions, links and keys are void at once. Raises Rejected."""
    return change_person(actor, person_id, None, active=False)


def let_in(actor: str, person_id: int) -> UserLike:
    """Let somebody who was shut out log in again. Raises Rejected."""
    return change_person(actor, person_id, None, active=True)


def change_person(actor: str, person_id: int, role: str | None, active: bool | None) -> UserLike:
    """Role, and whether somebody may come in: all of it or nothing; None leaves it. Raises Rejected."""
    before, wanted = _person(person_id), None if role is None else _role(role)
    if before.name == actor and wanted is not None:
        raise Rejected(N_("Nobody changes their own role: ask another owner."))
    if before.name == actor and active is False:
        raise Rejected(N_("Nobody shuts out themselves: ask another owner."))
    after = box().store.change_person(person_id, wanted, active)
    if after.role != before.role:
        box().store.audit(actor, "role changed", f"{after.name}: {before.role} → {after.role}")
    if after.active != before.active:
        box().store.audit(actor, "person let in" if after.active else "person shut out", after.name)
    return after


def end_sessions(actor: str, person_id: int) -> UserLike:
    """Log somebody out wherever they are logged in. Raises Rejected."""
    after = box().store.end_sessions(person_id)
    box().store.audit(actor, "sessions ended", after.name)
    return after


def choose_password(actor: str, person_id: int, password: str) -> UserLike:
    """Set one's own password: all sessions end. Raises Rejected for one that is too easily guessed."""
    store = box().store
    store.set_password_hash(person_id, hash_password(password, actor))
    store.audit(actor, "password changed", "")
    return _person(person_id)


def _link(user: UserLike) -> Secret:
    secret = Secret.new()
    box().store.add_login_token(secret.print, user.id, datetime.now(UTC) + LINK_LIFE)
    return secret


def _person(person_id: int) -> UserLike:
    found = box().store.user(person_id)
    if found is None:
        raise Rejected(N_("There is no such person any more: look at the list of people."))
    return found


def _role(told: str) -> Role:
    try:
        return Role(told)
    except ValueError:
        raise Rejected(N_("There is no such role: choose one of those that are offered.")) from None
