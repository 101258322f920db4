"""Texts, for the command line."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from fieldbox.config import Config
from fieldbox.domain import SentText, TextState
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.services.box import open_store
from fieldbox.services.chosen import settled
from fieldbox.services.examples import write_trial
from fieldbox.services.finding import find_survey
from fieldbox.services.style import style_of
from fieldbox.services.telephone import telephone
from fieldbox.services.texting import (
    Texting,
    about_survey,
    code_for,
    has_alert,
    litres_told,
    parts_of,
)
from fieldbox.storage.store import Store, utc_now
from fieldbox.sync.sms.modem import Modem
from fieldbox.sync.sms.modemmanager import ModemManager
from fieldbox.sync.sms.templates import LANGUAGES, MOST_LETTERS, Kind, Script, templates
from fieldbox.sync.sms.texts import text_of
from fieldbox.wire.gsm import ROOM, Length, length_of

_WENT = frozenset({TextState.SENT, TextState.DELIVERED})


@dataclass(frozen=True, slots=True)
class Listed:
    """Texts, and what they cost."""

    texts: tuple[SentText, ...]
    paid: int
    """Parts within a day."""
    config: Config

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        sms = self.config.sms
        cost = {"per_part": sms.cost_per_part, "currency": sms.currency} if sms.cost_per_part else None
        return {
            "parts_24h": self.paid,
            "parts_allowed": sms.daily_parts,
            "cost": cost,
            "texts": [_row(one) for one in self.texts],
        }

    def to_text(self) -> str:
        """For people."""
        sms = self.config.sms
        told = _("{paid} of {most} parts went within 24 hours").format(paid=self.paid, most=sms.daily_parts)
        if sms.cost_per_part:
            cost = f"{self.paid * sms.cost_per_part:.2f} {sms.currency}".strip()
            told += _(", which cost {cost}").format(cost=cost)
        return "\n".join([*(_line(one) for one in self.texts), told])


def listed(config: Config, limit: int) -> Listed:
    """The newest texts."""
    with open_store(config) as store:
        now = settled(config, store)
        return Listed(tuple(store.texts(limit)), store.text_parts_paid(utc_now()), now)


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as it would go."""

    text: str
    length: Length
    urgent: bool
    code: str

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "text": self.text,
            "parts": self.length.parts,
            "units": self.length.units,
            "room": _room(self.length),
            "coding": self.length.coding,
            "urgent": self.urgent,
            "code": self.code,
        }

    def to_text(self) -> str:
        """For people."""
        return f"{self.text}\n{_length(self.length)}"


def preview(config: Config, survey_id: str, language: str | None, script: str | None) -> Preview:
    """The text of a survey, which is that of its alert if it raises one, and how long it is."""
    with open_store(config) as store:
        survey = find_survey(store, survey_id)
        litres = litres_told(store, survey.id)
        about = about_survey(store, survey.id, code_for(store, survey.id), litres)
        urgent = has_alert(store, survey)
        style = style_of(settled(config, store))
    if about is None:
        raise Rejected(N_("The field of this survey is gone."))
    style = replace(style, language=language or style.language, script=Script(script or style.script))
    text = text_of(about, Kind.ALERT if urgent else Kind.SURVEY, style)
    return Preview(text, length_of(text), urgent, about.code)


def trial(config: Config, number: str, modem: Modem | None = None) -> tuple[str, bool]:
    """Text a number that this is a test; what came of it, and whether it went. Raises Rejected for a number that may not be
    texted."""
    told = telephone(number)
    with open_store(config) as store:
        if told not in settled(config, store).sms.allowed:
            raise Rejected(N_("{number} is not among sms.numbers: put it there first."), number=told)
        with closing(modem or ModemManager()) as used:
            return _tried(config, store, used, told)


def _tried(config: Config, store: Store, modem: Modem, number: str) -> tuple[str, bool]:
    now = utc_now()
    reception = modem.reception()
    key = write_trial(settled(config, store), store, number, now).key
    Texting(config, store, parts_of(config, store, modem)).step(now)
    found = next(one for one in store.texts() if one.key == key)
    lines = [
        _("The modem hears its network at {percent} %.").format(percent=reception.percent)
        if reception.registered
        else _("The modem is in no network just now."),
        _line(found),
    ]
    return "\n".join(lines), found.state in _WENT


def wordings() -> list[dict[str, Any]]:
    """Every wording, as it is registered."""
    return [
        {
            "language": one.language,
            "script": one.script.value,
            "kind": one.kind.value,
            "template": one.registered,
            "variables": one.registered.count("{#"),
            "variable_letters": MOST_LETTERS,
            "fits_registration": one.kind not in (Kind.SPOTS, Kind.SPOTS_AGAIN),
        }
        for one in templates()
    ]


def wordings_as_text(rows: list[dict[str, Any]]) -> str:
    """Each on a line under its language."""
    lines = []
    for code, name in LANGUAGES.items():
        lines.append(f"{name} ({code})")
        lines += [f"  {row['kind']:<16} {row['template']}" for row in rows if row["language"] == code]
    lines.append(_("The answer to MORE has a variable longer than {most} letters.").format(most=MOST_LETTERS))
    return "\n".join(lines)


def _row(text: SentText) -> dict[str, Any]:
    return {
        "id": text.id,
        "way": "in" if text.incoming else "out",
        "number": text.number,
        "text": text.body,
        "parts": text.parts,
        "state": text.state,
        "why": str(text.why) if text.why else None,
        "order": text.order,
        "survey": text.survey_id,
        "code": text.code,
        "attempts": text.attempts,
        "paid_parts": text.paid_parts,
        "created_at": text.created_at.isoformat(),
        "sent_at": text.sent_at.isoformat() if text.sent_at else None,
        "delivered_at": text.delivered_at.isoformat() if text.delivered_at else None,
    }


def _line(text: SentText) -> str:
    way = "<" if text.incoming else ">"
    why = f" ({text.why})" if text.why else ""
    return f"{text.created_at:%Y-%m-%d %H:%M} {way} {text.number}  {text.state}{why}  {text.body}"


def _room(length: Length) -> int:
    single, each = ROOM[length.coding]
    return single if length.parts == 1 else each * length.parts


def _length(length: Length) -> str:
    return _("{parts} part(s), {units} of {room} {coding}").format(
        parts=length.parts, units=length.units, room=_room(length), coding=length.coding
    )
