"""The first start of a box: the code with which whoever has it in hand lets themselves in."""

from __future__ import annotations

import structlog

from fieldbox.config import Config
from fieldbox.domain import SETUP_CODE, code_as_read, code_hash, new_code
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.services.accounts import WHO, shown_host
from fieldbox.services.box import open_store
from fieldbox.storage.store import Store

log = structlog.get_logger()


def setup_code(config: Config) -> str:
    """A new code, as it is read; one that was there is void. Raises Rejected where somebody has a password already."""
    with open_store(config) as store:
        if not is_new(store):
            raise Rejected(
                N_("This box is set up already: fieldbox login-link lets somebody in who has no password.")
            )
        return _made(store, WHO)


def first_code(config: Config, store: Store) -> None:
    """At the start of the dashboard: a box that nobody has set up tells in its log how that is done."""
    if not is_new(store):
        return
    address = f"http://{shown_host(config)}:{config.web.port}/start"
    if store.setting(SETUP_CODE):
        log.info("this box is not set up: fieldbox setup-code makes a new code", address=address)
    else:
        log.info("this box is not set up", address=address, code=_made(store, "fieldbox"))


def is_new(store: Store) -> bool:
    """Whether nobody has chosen a password yet."""
    return all(not one.password_hash for one in store.users())


def _made(store: Store, actor: str) -> str:
    code = new_code()
    store.set_setting(SETUP_CODE, code_hash(code))
    store.audit(actor, "setup code", "")
    return code_as_read(code)
