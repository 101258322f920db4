"""What a form wants is done and said, or it is said why not."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash

from fieldbox.dashboard.language import in_words
from fieldbox.errors import FieldboxError, Rejected


def done(deed: Callable[[], object], told: str = "", *, but: type[FieldboxError] = Rejected) -> bool:
    """Do it and say `told`, in the reader's language, or why it is refused; whether it was done. Raises what is no `but`."""
    try:
        deed()
    except but as error:
        flash(in_words(error.sentence), "error")
        return False
    if told:
        flash(told)
    return True
