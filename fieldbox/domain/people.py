"""People and programs that may use the box, and what each may do. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

LONGEST_NAME: Final = 40
"""Characters of a person's name."""
NO_PASSWORD: Final = ""
"""The hash of somebody who has not chosen a password: no password fits it, only a link lets them in."""
LINK_LIFE: Final = timedelta(hours=24)
"""Of a one-time link."""
KEY_PREFIX: Final = "fbx_"
"""Of keys of programs, so that one that lies about is recognised."""


class Right(StrEnum):
    """What somebody may do. A token's scopes are these too."""

    READ = "read"
    """See everything of the farm: fields, maps, photos, flights, what was sent."""
    JUDGE = "judge"
    """Say what is right and wrong: review, verdicts on a survey."""
    WORK = "work"
    """Bring photos, draw fields, plan spraying, pin and map flights again, send now."""
    OWN = "own"
    """Decide what leaves the farm, who may come in, and what is deleted."""


class Role(StrEnum):
    """What a person is on this farm."""

    OWNER = "owner"
    OPERATOR = "operator"
    AGRONOMIST = "agronomist"
    VIEWER = "viewer"

    @property
    def rights(self) -> frozenset[Right]:
        """All that such a person may do."""
        return RIGHTS_OF[self]


RIGHTS_OF: Final[Mapping[Role, frozenset[Right]]] = {
    Role.OWNER: frozenset(Right),
    Role.OPERATOR: frozenset({Right.READ, Right.JUDGE, Right.WORK}),
    Role.AGRONOMIST: frozenset({Right.READ, Right.JUDGE}),
    Role.VIEWER: frozenset({Right.READ}),
}


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A key for a program. Of the key itself only its SHA-256 is kept; it may never do more than the person who made it."""

    id: int
    name: str
    """What it is for."""
    user_id: int
    """Who made it."""
    scopes: frozenset[Right]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To the hour: a look every second must not write every second."""
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are wanted; None: all."""

    actors: Collection[str] | None = None
    """By any of these names."""
    actions: Collection[str] | None = None
    other_than: bool = False
    """Of all actions but `actions`."""
    before: int | None = None
    """Older than the row of this id."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that lets its holder in: a one-time link, a key. It is shown once; only `print` is kept."""

    text: str

    @classmethod
    def new(cls, prefix: str = "") -> Self:
        """One that nobody guesses: 192 random bits."""
        return cls(prefix + secrets.token_urlsafe(24))

    @property
    def print(self) -> str:
        """Its SHA-256, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def tidy_name(told: str, longest: int = LONGEST_NAME) -> str | None:
    """A name as it is kept: no blanks around it, one between words; None if it is none, or longer than `longest`."""
    name = " ".join(told.split())
    return name if name and len(name) <= longest and name.isprintable() else None


CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of setup codes: none that is read for another."""
CODE_LENGTH: Final = 12
"""30^12 codes (59 bits). Wrong ones are not counted, so that nobody who guesses can keep out whoever has the right one: their
number is enough. The box answers a few hundred requests a second; were it a thousand, that are 86,400,000 codes a day, of which
one is right with a chance of 86,400,000 / 30^12 = 1.6e-10; 6e-8 within a year, on a box that nobody sets up meanwhile."""
_GROUP: Final = 4
SETUP_CODE: Final = "setup.code"
"""The setting that holds the hash of the setup code."""


def new_code() -> str:
    """A setup code: whoever has the box in hand lets themselves in with it, once."""
    return "".join(secrets.choice(CODE_LETTERS) for _each in range(CODE_LENGTH))


def code_as_read(code: str) -> str:
    """In groups: ABCD-EFGH-JKMN."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def code_hash(code: str) -> str:
    """What is kept of a code. It is quick to work out, as that of a link is: a slow one would hold up the pages if many guess."""
    return hashlib.sha256(code.encode()).hexdigest()


def tidy_code(typed: str) -> str | None:
    """A code as somebody typed it; None if it can be none."""
    code = "".join(one for one in typed.upper() if one.isalnum())
    return code if len(code) == CODE_LENGTH and set(code) <= set(CODE_LETTERS) else None
