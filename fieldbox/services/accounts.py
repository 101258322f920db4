"""People who may log in: made and let in again from the box itself."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from fieldbox.config import Config
from fieldbox.services.box import open_store
from fieldbox.storage.store import Store

LINK_LIFE = timedelta(hours=24)
NO_PASSWORD = ""
"""The hash of somebody who has not chosen a password: no password fits it, only a link lets them in."""


def login_link(config: Config, name: str) -> str:
    """A link that lets `name` in once within a day, to choose a password. A new name becomes an owner."""
    with open_store(config) as store:
        return f"http://{shown_host(config)}:{config.web.port}/enter/{new_token(store, name)}"


def new_token(store: Store, name: str) -> str:
    """A one-time token for `name`; only its SHA-256 is kept."""
    user = store.user_by_name(name) or store.add_user(name, NO_PASSWORD, "owner")
    token = secrets.token_urlsafe(24)
    store.add_login_token(hashlib.sha256(token.encode()).hexdigest(), user.id, datetime.now(UTC) + LINK_LIFE)
    store.audit("command line", "login link", name)
    return token


def shown_host(config: Config) -> str:
    """A host that can be typed into a browser on this machine."""
    return "127.0.0.1" if config.web.host in ("0.0.0.0", "::") else config.web.host  # noqa: S104
