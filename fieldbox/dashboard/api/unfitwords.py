"""Why a value is not as it should be, in the reader's language: msgspec says it in English, in a few forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fieldbox.dashboard.language import say
from fieldbox.i18n import N_

KINDS: Final[Mapping[str, str]] = {
    "int": N_("a whole number"),
    "float": N_("a number"),
    "str": N_("text"),
    "bool": N_("true or false"),
    "array": N_("a list"),
    "object": N_("an object"),
    "null": N_("null"),
    "datetime": N_("an instant, like 2026-06-03T10:00:00Z"),
    "date": N_("a day, like 2026-06-03"),
}
"""What JSON's and msgspec's kinds of values are called."""
_FORMS: Final = tuple(
    (re.compile(form), words)
    for form, words in (
        (r"Expected `(?:int|float)` >= (?P<end>.+)", N_("it is %(end)s or more")),
        (r"Expected `(?:int|float)` <= (?P<end>.+)", N_("it is %(end)s or less")),
        (r"Expected `(?:int|float)` > (?P<end>.+)", N_("it is more than %(end)s")),
        (r"Expected `(?:int|float)` < (?P<end>.+)", N_("it is less than %(end)s")),
        (r"Expected `str` of length >= (?P<end>\d+)", N_("it has %(end)s characters or more")),
        (r"Expected `str` of length <= (?P<end>\d+)", N_("it has %(end)s characters or fewer")),
        (r"Expected `\w+` of length >= (?P<end>\d+)", N_("it has %(end)s parts or more")),
        (r"Expected `\w+` of length <= (?P<end>\d+)", N_("it has %(end)s parts or fewer")),
        (r"Expected `\w+` of length (?P<end>\d+).*", N_("it has %(end)s parts")),
        (r"Expected `str` matching regex '(?P<end>.*)'", N_("it is written like this pattern: %(end)s")),
        (r"Expected `datetime` with .*", N_("it has its zone, like 2026-06-03T10:00:00Z")),
        (r"Invalid RFC3339 encoded datetime", N_("it is an instant, like 2026-06-03T10:00:00Z")),
        (r"Invalid RFC3339 encoded date", N_("it is a day, like 2026-06-03")),
        (r"Invalid (?:enum )?value (?P<end>.*)", N_("%(end)s is none of the values that it can have")),
        (r"Number out of range", N_("the number is too large")),
    )
)
_KIND: Final = re.compile(r"Expected `(?P<kinds>[\w |]+)`(?:, got `\w+`)?")


def in_words(told: str) -> str:
    """What msgspec says of a value, without its place; as it says it where the form is another one."""
    for form, words in _FORMS:
        if found := form.fullmatch(told):
            return say(words, **found.groupdict())
    found = _KIND.fullmatch(told)
    if found is None:
        return told
    kinds = [say(KINDS[one]) if one in KINDS else one for one in found["kinds"].split(" | ")]
    return (
        say("it is one of these: %(kinds)s", kinds=", ".join(kinds))
        if len(kinds) > 1
        else say("it is %(kind)s", kind=kinds[0])
    )
