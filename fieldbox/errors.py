"""Everything that can go wrong, as a small tree.

    FieldboxError
    ├── Rejected        the input is wrong: this file or flight, never the box      (no retry helps)
    ├── Unsent          the link did not carry a message                            (retry later)
    │   └── Distrusted  the box and its hub do not accept each other's certificates (a person must act)
    │       └── Unwelcome   the hub does not accept this box's
    ├── Unavailable     a resource of the box is short: disk full, read-only        (retry when mended)
    └── Misconfigured   the box itself: settings, a model file, a database          (a person must act)

The text of each is one clear sentence that says what is wrong and what to do. It is a `Sentence`, so
it can be stored and shown in the reader's language.
"""

from __future__ import annotations

from fieldbox.i18n import Param, Sentence


class FieldboxError(Exception):
    """Base of all our errors. `retry_helps` tells whether doing the same again later can succeed."""

    retry_helps = False

    def __init__(self, template: str, **params: Param) -> None:
        self.sentence = Sentence(template, params)
        super().__init__(template, params)

    def __str__(self) -> str:
        return str(self.sentence)


class Rejected(FieldboxError):
    """Input that cannot be used; good input beside it goes on."""


class Unsent(FieldboxError):
    """A message that the link did not carry."""

    retry_helps = True


class Distrusted(Unsent):
    """Box and hub do not accept each other: a wrong or expired certificate, another hub, a box that is not known."""

    retry_helps = False


class Unwelcome(Distrusted):
    """The hub does not accept this box: another certificate of it may do."""


class Unavailable(FieldboxError):
    """Something of the box is short just now, such as space on its disk."""

    retry_helps = True


class Misconfigured(FieldboxError):
    """The box is set up wrongly; a person must act."""


class WrongOffset(Exception):
    """A part of an upload that does not begin where its file ends by now, at `offset`: it is sent from there."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset
