"""Languages that come as a file: a translation of the pages (.po), as any translation program writes it."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from fieldbox.errors import Rejected
from fieldbox.i18n import DOMAIN, N_, TRANSLATIONS
from fieldbox.wholefile import put

LARGEST: Final = 2 * 2**20
"""Bytes of a file; those that came with fieldbox have a fifth of it."""
_PLACES: Final = re.compile(r"%\(\w+\)s|%%|\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Brought:
    """What was taken of a file."""

    code: str
    taken: int
    of: int
    """Messages that pages and reports have."""
    passed_over: int
    """Those whose places for values are not those of the English message: they would tell something else."""


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
        if _fits(one):
            kept.add(known[_key(one)].id, one.string)
        else:
            passed_over += 1
    if len(kept) == 0:
        raise Rejected(
            N_("This file translates no message of fieldbox: start from the template that stands beside it.")
        )
    out = io.BytesIO()
    write_mo(out, kept)
    place = folder / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place, out.getvalue())
    return Brought(code, len(kept), len(known), passed_over)


def _read(data: bytes) -> Catalog:
    try:
        return read_po(io.BytesIO(data), domain=DOMAIN, abort_invalid=True, charset="utf-8")
    except (PoFileError, ValueError, UnknownLocaleError) as error:
        raise Rejected(
            N_("This is no translation file (.po) that can be read: {why}."), why=str(error)[:200]
        ) from error


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
    """Whether every form has the places of the English one: another one would fail when it is filled."""
    ids = [one.id] if isinstance(one.id, str) else list(one.id)
    allowed = [Counter(_PLACES.findall(text)) for text in ids]
    return all(Counter(_PLACES.findall(text)) in allowed for text in _strings(one))
