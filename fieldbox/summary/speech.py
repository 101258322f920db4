"""Words, numbers and dates for paper, in any language that has a catalogue of them."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from fieldbox.domain import Interval
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, PAPER, Sentence, translated, translator

_WHOLE, _DIGITS = "#,##0", "0"


def paper_languages() -> tuple[str, ...]:
    """Codes of the languages that reports and sheets are printed in, English first."""
    found = translated(PAPER)
    return ("en", *found)


class Speech:
    """One language. Digits are Latin in all of them."""

    def __init__(self, language: str | None) -> None:
        """Raise Rejected for a language that nothing is printed in; None is English."""
        code = (language or "en").strip().lower().replace("_", "-").split("-")[0]
        if code not in paper_languages():
            _refuse(language or "")
        self.language = code
        self._translated = translator(code)
        self._locale = Locale.parse(code)

    def say(self, message_id: str, /, **params: str | int) -> str:
        """`message_id` in this language, its {named} places filled."""
        return self._translated(message_id).format(**params)

    def say_name(self, name: str) -> str:
        """What a person called something, translated if it is a word that we know."""
        return self._translated(name) if name else name

    def tell(self, sentence: Sentence) -> str:
        """A stored sentence, its dates in the form of this language; in English where there is no translation."""
        return sentence.with_moments(self.day, self.when).in_language(self.language)

    def number(self, value: float, digits: int = 0) -> str:
        """With exactly `digits` decimals."""
        pattern = f"{_WHOLE}.{_DIGITS * digits}" if digits else _WHOLE
        return str(format_decimal(value, pattern, locale=self._locale))

    def quantity(self, value: float, symbol: str, digits: int = 0) -> str:
        """A number with its unit."""
        return self.with_unit(self.number(value, digits), symbol)

    def with_unit(self, written: str, symbol: str) -> str:
        """A number that is written already, with its unit in this language."""
        return f"{written} {self.unit(symbol)}"

    def unit(self, symbol: str) -> str:
        """A unit in this language: pages and papers share its words."""
        return self._translated(symbol)

    def interval(self, value: Interval, digits: int = 0) -> str:
        """Both ends."""
        return f"{self.number(value.low, digits)}–{self.number(value.high, digits)}"

    def metres(self, value: float) -> str:
        """With as many decimals as it deserves."""
        return self.number(value, 2 if value < 0.095 else 1 if value < 9.95 else 0)

    def day(self, moment: datetime) -> str:
        """An instant in the box's time zone, a camera's time as the camera had it."""
        return format_date(_local(moment), "d MMMM y", locale=self._locale)

    def when(self, moment: datetime) -> str:
        """A day with its time."""
        return format_datetime(_local(moment), "d MMM y, HH:mm", locale=self._locale)


def _local(moment: datetime) -> datetime:
    return moment.astimezone() if moment.tzinfo else moment


def _refuse(wanted: str) -> NoReturn:
    known = ", ".join(f"{code} ({Locale.parse(code).get_display_name('en')})" for code in paper_languages())
    raise Rejected(
        N_("Nothing is printed in the language {wanted}: choose one of {known}."), wanted=wanted, known=known
    )
