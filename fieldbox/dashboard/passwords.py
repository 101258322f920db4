"""Password hashes: argon2id with OWASP's small-memory parameters, 19 MiB, 2 passes, 1 lane.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. argon2-cffi's own
default takes 64 MiB a login, too much beside a worker on a small box.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

SHORTEST = 8
LONGEST = 200
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_ONE_AT_A_TIME = threading.Lock()
"""Each hash takes its 19 MiB while it runs."""
_NOBODY = _HASHER.hash("nobody has this password")


def hash_password(password: str, name: str = "") -> str:
    """The hash to store of the password of `name`. Raises Rejected for one that is guessed too easily, or too long."""
    _check(password, name)
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def renewed(password_hash: str, password: str) -> str | None:
    """Another hash of a password that fits, where the kept one was made with other parameters; None: it is as it should be."""
    if not _HASHER.check_needs_rehash(password_hash):
        return None
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def _check(password: str, name: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise Rejected(
            N_("The password must have {shortest} to {longest} characters."),
            shortest=SHORTEST,
            longest=LONGEST,
        )
    plain = password.strip().casefold()
    if plain in commonest() or len(set(plain)) < 3:
        raise Rejected(N_("That password is one of the first that anybody tries: choose another one."))
    if name and _letters(plain) in ("", _letters(name.casefold())):
        raise Rejected(
            N_(
                "That password is your name, or has no letters: choose another one, of several words for instance."
            )
        )


@lru_cache(maxsize=1)
def commonest() -> frozenset[str]:
    """Passwords of eight characters and more that are tried first, in small letters."""
    text = (resources.files("fieldbox.dashboard") / "commonest.txt").read_text("utf-8")
    return frozenset(text.split())


def _letters(text: str) -> str:
    return "".join(one for one in text if one.isalpha())


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` belongs to `password_hash`. An unknown one (None) takes as long."""
    try:
        with _ONE_AT_A_TIME:
            _HASHER.verify(password_hash or _NOBODY, password[: LONGEST + 1])
        return bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False
