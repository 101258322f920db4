"""The reader's language and how numbers and times are written in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask import request
from flask_babel import get_domain, get_locale, gettext

from fieldbox.dashboard.ports import box
from fieldbox.domain import Interval
from fieldbox.i18n import Sentence, reader_of, translated

COOKIE = "language"
OWN_NAMES: Final[Mapping[str, str]] = {
    "en": "English",
    "hi": "हिन्दी",
    "kn": "ಕನ್ನಡ",
    "mr": "मराठी",
    "ta": "தமிழ்",
    "te": "తెలుగు",
}
"""Of the languages that come with the box, as Babel has them: asking it loads a megabyte for each."""


def languages() -> dict[str, str]:
    """Codes of the languages that have a catalogue, English first, with their own names."""
    return {"en": _own_name("en"), **{code: _own_name(code) for code in translated()}}


@lru_cache(maxsize=64)
def _own_name(code: str) -> str:
    if code in OWN_NAMES:
        return OWN_NAMES[code]
    return (Locale.parse(code).get_display_name(code) or code).capitalize()


def is_read(code: str) -> bool:
    """Whether a native speaker has read what the pages say in that language: its catalogue names them, or the owner does."""
    return code == "en" or bool(reader_of(code)) or box().store.setting(f"language.read.{code}") is not None


def choose() -> str:
    """The language of this request: the reader's own choice, then the browser's, then the box's."""
    known = languages()
    chosen = request.cookies.get(COOKIE, "")
    if chosen in known:
        return chosen
    fallback = box().language if box().language in known else "en"
    return request.accept_languages.best_match(list(known), fallback) or fallback


def current() -> Locale:
    """The locale of this request."""
    locale = get_locale()
    return locale if isinstance(locale, Locale) else Locale("en")


def say(message_id: str, /, **params: str | float) -> str:
    """`message_id` in the reader's language, its %(named)s places filled."""
    return str(gettext(message_id, **params))


def say_many(one: str, many: str, how_many: int, /, **params: str | float) -> str:
    """The plural form for `how_many` in the reader's language; %(num)s is the count, well written."""
    message = get_domain().get_translations().ungettext(one, many, how_many)
    return str(message % {"num": number(how_many), **params})


def in_words(sentence: Sentence) -> str:
    """A stored sentence in the reader's language, its dates and times in the reader's form."""
    return sentence.with_moments(day, when).in_language(current().language)


def number(value: float, digits: int = 0) -> str:
    """A number with exactly `digits` decimals."""
    whole = _grouping(current())
    return format_decimal(value, f"{whole}.{'0' * digits}" if digits else whole, locale=current())


def _grouping(locale: Locale) -> str:
    """How the whole part of a number is grouped: #,##0 in English, #,##,##0 in India's languages."""
    return str(locale.decimal_formats[None].pattern).partition(".")[0]


def metres(value: float) -> str:
    """A length in metres with as many decimals as it deserves."""
    return number(value, 2 if value < 0.095 else 1 if value < 9.95 else 0)


def interval(value: Interval, digits: int = 0) -> str:
    """Both ends of an interval."""
    return f"{number(value.low, digits)}–{number(value.high, digits)}"


def hardly_known(value: float, range95: Interval) -> bool:
    """Whether an interval is so wide that the number in it says little: from none to some times as many."""
    return range95.low < 0.5 and range95.high > 3 * max(value, 1)


def spread(value: float, range95: Interval | None) -> str:
    """The interval of a count, in words where it is wide; empty where it is not known."""
    if range95 is None:
        return ""
    if hardly_known(value, range95):
        return say("perhaps none, perhaps up to %(most)s", most=number(range95.high))
    if range95.high - range95.low > max(value, 1):
        return say(
            "anything from %(least)s to %(most)s", least=number(range95.low), most=number(range95.high)
        )
    return interval(range95)


def when(moment: datetime) -> str:
    """A date with its time: an instant in the box's time zone, a camera's time as the camera had it."""
    local = moment.astimezone() if moment.tzinfo else moment
    return format_datetime(local, "d MMM y, HH:mm", locale=current())


def day(moment: datetime) -> str:
    """A date alone."""
    return format_date(moment.astimezone() if moment.tzinfo else moment, "d MMMM y", locale=current())
