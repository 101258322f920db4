"""Languages that come as a file: a translation of the pages (.po), as any translation program writes it."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from gettext import GNUTranslations, c2py
from pathlib import Path
from string import Formatter
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, PoFileParser

from fieldbox.errors import Rejected
from fieldbox.i18n import DOMAIN, N_, TRANSLATIONS
from fieldbox.wholefile import put

LARGEST: Final = 2 * 2**20
"""Bytes of a file; those that came with fieldbox have a fifth of it."""
MOST_FORMS: Final = 6
"""Of a plural; Arabic has them."""
_COUNTED: Final = 200
"""How far a plural is tried: further on, languages repeat themselves."""
_PER_CENT: Final = re.compile(r"%\(\w+\)s|%%")
_PLACES: Final = re.compile(r"%\(\w+\)s|%%|\{[^{}]*\}")
_SIGNS: Final = re.compile(r"<[^<>]*>|[<>&\"]")
"""Of HTML: pages take a translation as it is."""
_MAY_DIVIDE: Final = re.compile(r"/|%(?!\s*[1-9])")
"""By nothing, for some number."""


class _Bounded(Catalog):
    """A catalogue with few forms of a plural: each message has a place for each of them."""

    @property
    def num_plurals(self) -> int:
        """As the header says. Raises ValueError."""
        told = super().num_plurals
        if not 1 <= told <= MOST_FORMS:
            raise ValueError(f"nplurals={told}")
        return told


@dataclass(frozen=True, slots=True)
class Brought:
    """What was taken of a file."""

    code: str
    taken: int
    of: int
    """Messages that pages and reports have."""
    passed_over: int
    """Those whose places for values, or signs of HTML, are not those of the English message."""


def template() -> bytes:
    """What a translator starts from: every message, without a translation."""
    return (TRANSLATIONS / f"{DOMAIN}.pot").read_bytes()


def take_in(data: bytes, folder: Path) -> Brought:
    """Keep a translation below `folder`, whole or not at all; one of the same language before it is replaced.

    Raises:
        Rejected: it is no such file, or says of no language that it is for.
    """
    brought = _read(data)
    known = {_key(one): one for one in _read(template()) if one.id}
    code = _code(brought)
    kept, passed_over = Catalog(code, domain=DOMAIN, fuzzy=False), 0
    kept.mime_headers = brought.mime_headers
    for one in brought:
        if not one.id or not _is_whole(one) or _key(one) not in known:
            continue
        meant = known[_key(one)].id
        if isinstance(meant, str) is isinstance(one.id, str) and _fits(one):
            kept.add(meant, one.string)
        else:
            passed_over += 1
    if len(kept) == 0:
        raise Rejected(
            N_("This file translates no message of fieldbox: start from the template that stands beside it.")
        )
    whole = _whole(kept)
    place = folder / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place, whole)
    return Brought(code, len(kept), len(known), passed_over)


def _read(data: bytes) -> Catalog:
    found = _Bounded(domain=DOMAIN)
    try:
        # By lines of text: what the header says of its letters is not gone by.
        text = data.decode("utf-8-sig")
        PoFileParser(found, abort_invalid=True).parse(io.StringIO(text, newline=None))
    except (PoFileError, ValueError, UnknownLocaleError) as error:
        raise _unreadable(str(error)) from error
    found.charset = "utf-8"
    return found


def _unreadable(why: str) -> Rejected:
    return Rejected(N_("This is no translation file (.po) that can be read: {why}."), why=why[:200])


def _whole(kept: Catalog) -> bytes:
    """The catalogue as pages read it. Raises Rejected where they could not, or not count by it."""
    out = io.BytesIO()
    try:
        write_mo(out, kept)
        forms, rule = kept.num_plurals, _plural(out.getvalue())
        fits = all(0 <= rule(number) < forms for number in range(_COUNTED + 1))
    except (ValueError, LookupError, ArithmeticError, SyntaxError) as error:
        raise _unreadable(f"Plural-Forms, {error}") from error
    if not fits:
        raise _unreadable(f"Plural-Forms, {kept.plural_forms}")
    return out.getvalue()


def _plural(mo: bytes) -> Callable[[int], int]:
    """Which form each number takes, as gettext reads it. Raises ValueError, LookupError."""
    told = GNUTranslations(io.BytesIO(mo)).info().get("plural-forms", "")
    expression = told.split(";")[1].partition("plural=")[2]
    if _MAY_DIVIDE.search(expression):
        raise ValueError(expression)
    return c2py(expression)


def _code(one: Catalog) -> str:
    told = one.locale_identifier or ""
    try:
        locale = Locale.parse(told)
    except (ValueError, UnknownLocaleError, TypeError):
        locale = None
    if locale is None or locale.language == "en":
        raise Rejected(
            N_("The file does not say which language it is for: its header needs a line like {line}."),
            line='"Language: gu\\n"',
        )
    return str(locale.language)


def _key(one: Message) -> str:
    return one.id if isinstance(one.id, str) else str(one.id[0])


def _strings(one: Message) -> list[str]:
    return [one.string] if isinstance(one.string, str) else [str(text) for text in one.string or ("",)]


def _is_whole(one: Message) -> bool:
    return not one.fuzzy and all(_strings(one))


def _fits(one: Message) -> bool:
    """Whether every form has the places and signs of an English one: another one would fail when it is filled, or draw."""
    ids = [one.id] if isinstance(one.id, str) else list(one.id)
    return all(any(_is_like(text, english) for english in ids) for text in _strings(one))


def _is_like(text: str, english: str) -> bool:
    same = all(Counter(sort.findall(text)) == Counter(sort.findall(english)) for sort in (_PLACES, _SIGNS))
    filled = (_fills, _formats)
    return same and "\0" not in text and all(fill(text) for fill in filled if fill(english))


def _fills(text: str) -> bool:
    """Whether `text % values` works, of values by their names."""
    return "%" not in _PER_CENT.sub("", text)


def _formats(text: str) -> bool:
    """Whether the form that `Sentence` fills is sound; its places are compared beside it."""
    try:
        list(Formatter().parse(text))
    except ValueError:
        return False
    return True
