"""Password hashes: argon2id with OWASP's small-memory parameters, 19 MiB, 2 passes, 1 lane.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. argon2-cffi's own
default takes 64 MiB a login, too much beside a worker on a small box.
"""

from __future__ import annotations

import threading

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


def hash_password(password: str) -> str:
    """The hash to store. Raises Rejected for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Rejected(
            N_("The password must have {shortest} to {longest} characters."),
            shortest=SHORTEST,
            longest=LONGEST,
        )
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` belongs to `password_hash`. An unknown one (None) takes as long."""
    try:
        with _ONE_AT_A_TIME:
            _HASHER.verify(password_hash or _NOBODY, password[: LONGEST + 1])
        return bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False
