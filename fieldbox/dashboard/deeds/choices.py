"""Settings that are chosen on a page, and what is said where one is not accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from fieldbox.config import MOST_NAME, bounds_of, phone_number
from fieldbox.dashboard.ports import Settings, box
from fieldbox.domain import SettingValue
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_, Sentence

_PROBLEM: Final = re.compile(r"(\w+)(?:\.|: )(\w+): (.+)")
"""How `fieldbox.config` tells what is wrong: sms.daily_parts: …, or sms: numbers: …"""
_HOURS: Final = re.compile(r"([01]?\d|2[0-3]):[0-5]\d ?- ?([01]?\d|2[0-3]):[0-5]\d")


class NotAccepted(Rejected):
    """Settings that cannot be so. `at` says beside which of them what is to be said; "" is about all of them."""

    def __init__(self, at: Mapping[str, Sentence]) -> None:
        first = next(iter(at.values()))
        super().__init__(first.template, **first.params)
        self.at = dict(at)


def choose(actor: str, values: Mapping[str, SettingValue]) -> list[str]:
    """Keep what somebody chose; which of `values` are news. Raises NotAccepted, and changes nothing."""
    settings = _settings()
    # One that is fixed stands on the page as it is, and was not chosen.
    free = {name: value for name, value in values.items() if name not in settings.now().fixed}
    wrong = {name: found for name, value in free.items() if (found := _wrong(name, value)) is not None}
    if wrong:
        raise NotAccepted(wrong)
    _require_somebody(free)
    try:
        return list(settings.choose(actor, free))
    except Rejected as error:
        raise NotAccepted(_placed(error, free)) from error


def reset(actor: str, names: Collection[str]) -> list[str]:
    """Take back what was chosen of `names`; which of them were. Raises NotAccepted."""
    try:
        return list(_settings().reset(actor, names))
    except Rejected as error:
        raise NotAccepted(_placed(error, dict.fromkeys(names, ""))) from error


def hours_wrong(text: str) -> Sentence | None:
    """What is wrong with a span of the day; None: nothing, or there is none."""
    if not text or _HOURS.fullmatch(text):
        return None
    return Sentence(N_("Write the hours from when to when, like 21:00-05:30."))


def number_wrong(text: str, low: float, high: float) -> Sentence | None:
    """What is wrong with a number that somebody typed."""
    try:
        good = low <= float(text) <= high
    except ValueError:
        good = False
    told = {"low": f"{low:g}", "high": f"{high:.0f}"}
    return None if good else Sentence(N_("Write a number from {low} to {high}."), told)


def _settings() -> Settings:
    found = box().beyond.settings
    if found is None:
        raise Misconfigured(N_("The settings of this box can be changed in its file alone."))
    return found


def _numbers_wrong(text: str) -> Sentence | None:
    for one in filter(None, (part.strip() for part in text.split(","))):
        try:
            phone_number(one)
        except ValueError:
            return _number_sentence(one)
    return None


def _number_sentence(number: str) -> Sentence:
    digits = re.sub(r"[\s()-]", "", number)
    if re.fullmatch(r"0?[6-9]\d{9}", digits):  # a mobile number of India
        return Sentence(
            N_("Write the number of the country before it: {number} for India."),
            {"number": "+91" + digits[-10:]},
        )
    if re.fullmatch(r"00[1-9]\d{6,14}", digits):
        return Sentence(N_("Write + for 00: {number}."), {"number": "+" + digits[2:]})
    return Sentence(
        N_("{number} is no telephone number with its country's, like +919812345678."), {"number": number}
    )


def _name_wrong(text: str) -> Sentence | None:
    if len(text) <= MOST_NAME and text.isprintable():
        return None
    return Sentence(N_("A name has at most {most} letters."), {"most": MOST_NAME})


_CHECKS: Final[Mapping[str, Callable[[str], Sentence | None]]] = {
    "sms.numbers": _numbers_wrong,
    "sms.hub_number": _numbers_wrong,
    "sms.quiet_hours": hours_wrong,
    "box.name": _name_wrong,
}


def _wrong(name: str, value: SettingValue) -> Sentence | None:
    if name in _CHECKS:
        return _CHECKS[name](str(value))
    bounds = bounds_of(name)
    return number_wrong(str(value), bounds.low, bounds.high) if bounds else None


def _require_somebody(values: Mapping[str, SettingValue]) -> None:
    now = _settings().now().sms
    send, numbers = values.get("sms.send", now.send), values.get("sms.numbers", now.numbers)
    if send != "never" and not str(numbers).strip(" ,"):
        raise NotAccepted(
            {"sms.numbers": Sentence(N_("Write whom to text, or choose that nothing is texted."))}
        )


def _placed(error: Rejected, values: Mapping[str, SettingValue]) -> dict[str, Sentence]:
    """An error of the settings, beside the place that it is about."""
    problems = str(error.sentence.params.get("problems", "")).split("; ")
    found = {}
    for told in filter(None, map(_PROBLEM.fullmatch, problems)):
        name, why = f"{told[1]}.{told[2]}", told[3]
        if name in values:
            found[name] = Sentence(N_("This is not accepted: {why}"), {"why": why})
    return found or {"": error.sentence}
