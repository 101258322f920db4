"""People who may log in: made, shut out and let in again from the box itself."""

from __future__ import annotations

from datetime import UTC, datetime

from fieldbox.config import Config
from fieldbox.domain import LINK_LIFE, LONGEST_NAME, NO_PASSWORD, Role, Secret, tidy_name
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.services.box import open_store
from fieldbox.storage.rows import User
from fieldbox.storage.store import Store

WHO = "command line"
"""In the record of who did what."""


def login_link(config: Config, name: str) -> str:
    """A link that lets `name` in once within a day, to choose a password. A new name becomes an owner. Raises Rejected."""
    with open_store(config) as store:
        return _address(config, new_token(store, name))


def new_token(store: Store, name: str) -> str:
    """A one-time token for `name`; only its SHA-256 is kept."""
    user = store.user_by_name(name) or store.add_user(_name(name), NO_PASSWORD, Role.OWNER)
    return _token(store, user)


def listed(config: Config) -> str:
    """Everybody, a line each."""
    with open_store(config) as store:
        people = store.users()
    widest = max((len(one.name) for one in people), default=0)
    return "\n".join(f"{one.name:{widest}}  {one.role.value:10}  {_state(one)}" for one in people)


def add(config: Config, name: str, role: Role) -> str:
    """Let somebody come in; the link for them. Raises Rejected."""
    with open_store(config) as store:
        user = store.add_user(_name(name), NO_PASSWORD, role)
        store.audit(WHO, "person added", f"{user.name}: {user.role}")
        return _address(config, _token(store, user))


def link(config: Config, name: str) -> str:
    """A one-time link for somebody who is there. Raises Rejected."""
    with open_store(config) as store:
        return _address(config, _token(store, _there(store, name)))


def shut_out(config: Config, name: str) -> str:
    """Let somebody in no more; what is so now. Raises Rejected."""
    with open_store(config) as store:
        user = store.shut_out(_there(store, name).id)
        store.audit(WHO, "person shut out", user.name)
    return _("{name} is shut out: logged out everywhere, links and keys are void.").format(name=user.name)


def let_in(config: Config, name: str) -> str:
    """Let somebody in again; what is so now. Raises Rejected."""
    with open_store(config) as store:
        user = store.let_in(_there(store, name).id)
        store.audit(WHO, "person let in", user.name)
    return _("{name} may come in again, with the password as it was.").format(name=user.name)


def shown_host(config: Config) -> str:
    """A host that can be typed into a browser on this machine."""
    return "127.0.0.1" if config.web.host in ("0.0.0.0", "::") else config.web.host  # noqa: S104


def _address(config: Config, token: str) -> str:
    return f"http://{shown_host(config)}:{config.web.port}/enter/{token}"


def _token(store: Store, user: User) -> str:
    if not user.active:
        raise Rejected(N_("{name} is shut out: let them in again first."), name=user.name)
    secret = Secret.new()
    store.add_login_token(secret.print, user.id, datetime.now(UTC) + LINK_LIFE)
    store.audit(WHO, "login link", user.name)
    return secret.text


def _name(told: str) -> str:
    name = tidy_name(told)
    if name is None:
        raise Rejected(
            N_("A name has 1 to {longest} characters that can be read: give another one."),
            longest=LONGEST_NAME,
        )
    return name


def _there(store: Store, name: str) -> User:
    user = store.user_by_name(tidy_name(name) or "")
    if user is None:
        raise Rejected(
            N_("There is nobody named {name}: fieldbox people list shows who there is."), name=name
        )
    return user


def _state(user: User) -> str:
    if not user.active:
        return _("shut out")
    if not user.password_hash:
        return _("has not chosen a password yet")
    if user.seen_at is None:
        return _("has not come in yet")
    return _("last log-in {when}").format(when=user.seen_at.astimezone().strftime("%Y-%m-%d %H:%M"))
