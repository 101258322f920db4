"""Reading what was asked by its declaration, and saying what is wrong with it."""

from __future__ import annotations

import re
from typing import Final, NoReturn, TypeVar

from flask import abort, request
from msgspec import DecodeError, Struct, ValidationError, convert, json, structs

from fieldbox.dashboard.api.unfitwords import in_words
from fieldbox.dashboard.language import say
from fieldbox.dashboard.problems import Unfit
from fieldbox.i18n import N_

_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<place>[^`]*)`)?$", re.DOTALL)
_NAMED: Final = re.compile(r"Object (?P<how>missing required|contains unknown) field `(?P<name>[^`]*)`")
A = TypeVar("A", bound=Struct)


def read_query(kind: type[A] | None) -> A | None:
    """The parameters of the address. Raises Unfit for any that is wrong, unknown, or there twice."""
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Unfit(name, say("The parameter %(name)s stands there more than once.", name=name))
        given[name] = values[0]
    if kind is not None:
        return _convert(given, kind)
    for name in given:
        raise Unfit(name, _unknown(name))
    return None


def read_headers(kind: type[A]) -> A:
    """The headers that are declared."""
    names = [one.encode_name for one in structs.fields(kind)]
    return _convert({name: request.headers[name] for name in names if name in request.headers}, kind)


def read_body(kind: type[A]) -> A:
    """The JSON of the body. Answers 415 where it is not said to be that."""
    if not request.is_json:
        abort(415)
    try:
        return json.decode(request.get_data(), type=kind)
    except ValidationError as error:
        raise _unfit(error) from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise Unfit("body", say("The body is not JSON.")) from None


def _convert(given: dict[str, str], kind: type[A]) -> A:
    try:
        found = convert(given, kind, strict=False)
    except ValidationError as error:
        raise _unfit(error) from None
    for one in structs.fields(kind):
        if one.encode_name in given and getattr(found, one.name) is None:
            # The word "null" counts as nothing there, which is said by leaving the parameter out.
            unfit_value(one.encode_name, N_("it is left out where there is none"))
    return found


def _unfit(error: ValidationError) -> Unfit:
    found = _PLACE.match(str(error))
    what, place = (found["what"], found["place"] or "") if found else (str(error), "")
    named = _NAMED.match(what)
    if named is None:
        name = place or "body"
        return Unfit(name, _wrong(name, in_words(what)))
    name = f"{place}.{named['name']}" if place else named["name"]
    if named["how"].startswith("missing"):
        return Unfit(name, say("%(name)s is missing.", name=name))
    return Unfit(name, _unknown(name))


def _unknown(name: str) -> str:
    return say("%(name)s is not known here.", name=name)


def unfit_value(name: str, why: str) -> NoReturn:
    """Raise Unfit for a parameter whose form is right and whose value is not; `why` is a message id."""
    raise Unfit(name, _wrong(name, say(why)))


def _wrong(name: str, why: str) -> str:
    return say("%(name)s is not as it should be: %(why)s.", name=name, why=why)
