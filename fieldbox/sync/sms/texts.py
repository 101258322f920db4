"""What a text says of a survey: its values in the fixed wording of `templates`.

What is not known is `?`, never 0. No value holds a person's name or a telephone number; the field's name and positions go only
where the owner allows it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeGuard

from fieldbox.domain import Field, Hotspot, Interval, Survey
from fieldbox.sync.sms.templates import Kind, Script, template
from fieldbox.wire import gsm

MOST_WHO: Final = 22
"""Letters of the first variable: the field, its crop or name, and the reply code."""
_MOST_CODE: Final = 6
_MOST_CROP: Final = 10
_MOST_DIGITS: Final = 4
"""Of a field's name: more could be a telephone number."""
MOST_SPOTS: Final = 5
_SPOTS_PARTS: Final = 2
_SPOTS: Final = (Kind.SPOTS, Kind.SPOTS_AGAIN)
_UNKNOWN: Final = "?"
_SIMULATED: Final = "simulated"


@dataclass(frozen=True, slots=True)
class Style:
    """In what words a text is, and what it may tell."""

    language: str = "en"
    script: Script = Script.SCRIPT
    share_name: bool = False
    share_position: bool = False

    @property
    def letters(self) -> Script:
        """The letters that texts are in: English has its own alone."""
        return template(self.language, self.script, Kind.TEST).script


@dataclass(frozen=True, slots=True)
class About:
    """What a text is about."""

    survey: Survey
    field: Field
    code: str
    litres: float | None = None
    """To spray; None: nobody told how this field is sprayed."""
    simulated: bool = False
    """Nothing of it is a real field."""


def text_of(about: About, kind: Kind, style: Style) -> str:
    """The text of a survey, an alert or what withdraws one: in Latin letters always one part, in a script at most two; or the
    worst spots, as many of the first `MOST_SPOTS` as go into two parts."""
    if kind in _SPOTS:
        return _spots_text(about, kind, style)
    return _filled(kind, style, who(about, style), figures(about))


def _spots_text(about: About, kind: Kind, style: Style) -> str:
    if about.survey.weed_cover_pct is None:
        return _filled(kind, style, who(about, style), _UNKNOWN)
    told = [_spot(one, style) for one in about.survey.hotspots[:MOST_SPOTS]]
    while told:
        text = _filled(kind, style, who(about, style), "; ".join(told))
        if gsm.length_of(text).parts <= _SPOTS_PARTS:
            return text
        told.pop()
    return _filled(kind, style, who(about, style), "-")


def trial_text(what: str, style: Style) -> str:
    """A text to try the modem with."""
    return _filled(Kind.TEST, style, what[:MOST_WHO])


def who(about: About, style: Style) -> str:
    """The first variable: `F07 tomato #7A1`."""
    code = "".join(one for one in about.field.code if one.isascii() and one.isalnum())[:_MOST_CODE]
    room = MOST_WHO - len(code) - len(about.code) - 3
    return " ".join(filter(None, (code, _more(about, room, style), f"#{about.code}")))


def _more(about: About, room: int, style: Style) -> str | None:
    """What stands between the field's code and the reply code."""
    if about.simulated:
        return _SIMULATED
    name = _name(about.field.name, room, style) if style.share_name else None
    return name or _crop(about.field.crop, min(room, _MOST_CROP), style)


def figures(about: About) -> str:
    """The second variable: `4.2(3-5.5)/3/61/12`."""
    survey = about.survey
    weeds = _percent(survey.weed_cover_pct, survey.weed_cover_pct_interval95)
    spots = _UNKNOWN if survey.weed_cover_pct is None else _whole(len(survey.hotspots), 999)
    health = _whole(_within(survey.health_index), 100) if _known(survey.health_index) else _UNKNOWN
    return "/".join((weeds, spots, health, _litres(about.litres)))


def _filled(kind: Kind, style: Style, *variables: str) -> str:
    return template(style.language, style.script, kind).text(*variables)


def _percent(value: float | None, interval: Interval | None) -> str:
    if not _known(value):
        return _UNKNOWN
    if interval is None or not (_known(interval.low) and _known(interval.high)):
        return f"{_number(_within(value))}({_UNKNOWN})"
    low, high = _within(interval.low), _within(interval.high)
    return f"{_number(_within(value))}({_number(low, math.floor)}-{_number(high, math.ceil)})"


def _number(value: float, to_whole: Callable[[float], int] = round) -> str:
    """With a decimal below ten; what is more than 0 is never told as 0 unless it is the lower end of an interval."""
    tenths = to_whole(round(10 * value, 6))
    if tenths == 0 and value > 0 and to_whole is round:
        return "<0.1"
    return str(to_whole(round(value, 6))) if tenths >= 100 else f"{tenths / 10:g}"


def _whole(value: float, most: int) -> str:
    return f">{most}" if round(value) > most else str(round(value))


def _litres(value: float | None) -> str:
    if not _known(value):
        return _UNKNOWN
    return ">9999" if value > 9999 else _number(max(0.0, value), math.ceil)


def _within(value: float) -> float:
    return min(100.0, max(0.0, value))


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _spot(spot: Hotspot, style: Style) -> str:
    told = f"{_number(max(0.0, spot.area_m2), math.ceil)}/{_number(_within(100 * spot.weed_cover))}"
    known = style.share_position and _known(spot.lat) and _known(spot.lon)
    return f"{told} {spot.lat:.5f},{spot.lon:.5f}" if known else told


def _crop(crop: str | None, room: int, style: Style) -> str | None:
    """The crop where it is short and is letters alone."""
    told = _plain(crop or "", style)
    return told if told and len(told) <= room and all(_is_letter(one) or one == " " for one in told) else None


def _name(name: str, room: int, style: Style) -> str | None:
    told = _plain(name, style)
    if told is None or sum(one.isdigit() for one in told) > _MOST_DIGITS:
        return None
    return _cut(told, room) or None


def _plain(text: str, style: Style) -> str | None:
    """`text` on one line; None where it has letters that the texts cannot have."""
    told = " ".join(unicodedata.normalize("NFKC", text).split())
    right = all(_may_go(one, style) for one in told)
    return told if right and told else None


def _may_go(letter: str, style: Style) -> bool:
    if style.letters is Script.LATIN:
        return letter in gsm.PLAIN and letter.isprintable()
    return ord(letter) <= 0xFFFF and (letter.isprintable() or unicodedata.category(letter) == "Cf")


def _is_letter(letter: str) -> bool:
    return letter.isalpha() or unicodedata.category(letter) in ("Mn", "Mc", "Cf")


def _cut(text: str, room: int) -> str:
    """At most `room` letters, none without the signs that belong to it."""
    if len(text) <= room:
        return text
    end = room
    while end > 0 and unicodedata.category(text[end]) in ("Mn", "Mc", "Cf"):
        end -= 1
    return text[:end].strip()
