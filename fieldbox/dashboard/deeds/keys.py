"""Keys of programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from fieldbox.dashboard.person import Person
from fieldbox.dashboard.ports import box
from fieldbox.domain import KEY_PREFIX, ApiToken, Right, Secret, tidy_name
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

LONGEST_NAME: Final = 60
LIVES: Final = (30, 90, 365)
"""Days after which a key may run out; 0: never."""
MOST_KEYS: Final = 50
"""That one person may have at a time."""


def make_key(maker: Person, name: str, scopes: Collection[str], days: int) -> tuple[ApiToken, Secret]:
    """A key for a program, which may do no more than its maker; the secret is shown once. Raises Rejected."""
    kept, wanted = tidy_name(name, LONGEST_NAME), _scopes(maker, scopes)
    if kept is None:
        raise Rejected(
            N_("Say in 1 to {longest} characters what the key is for."),
            longest=LONGEST_NAME,
        )
    if days and days not in LIVES:
        raise Rejected(N_("There is no such time: choose one of those that are offered."))
    if len(good(box().store.tokens(maker.user.id))) >= MOST_KEYS:
        raise Rejected(N_("You have {most} keys already: revoke one that is not used."), most=MOST_KEYS)
    secret = Secret.new(KEY_PREFIX)
    ends = datetime.now(UTC) + timedelta(days=days) if days else None
    made = box().store.add_token(secret.print, kept, maker.user.id, wanted, ends)
    box().store.audit(maker.name, "key made", f"{made.name}: {', '.join(sorted(wanted))}")
    return made, secret


def revoke_key(actor: Person, key_id: int) -> ApiToken:
    """Make a key void: one's own, an owner any. Raises Rejected."""
    mine = None if actor.may(Right.OWN) else actor.user.id
    found = next((one for one in good(box().store.tokens(mine)) if one.id == key_id), None)
    if found is None or not box().store.revoke_token(key_id):
        raise Rejected(N_("There is no such key, or it is void already."))
    box().store.audit(actor.name, "key revoked", found.name)
    return found


def good(tokens: Iterable[ApiToken]) -> list[ApiToken]:
    """Those that are neither revoked nor have run out."""
    now = datetime.now(UTC)
    return [
        one for one in tokens if one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
    ]


def _scopes(maker: Person, told: Collection[str]) -> frozenset[Right]:
    wanted = frozenset(right for right in Right if right.value in told)
    if not wanted or len(wanted) != len(set(told)):
        raise Rejected(N_("Choose what the key may do."))
    if not wanted <= maker.rights:
        raise Rejected(N_("A key can do no more than you may do yourself."))
    return wanted
