"""What leaves the farm: each message's journey, and every byte of it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import costs
from fieldbox.dashboard.deeds import sending as deeds
from fieldbox.dashboard.doing import done
from fieldbox.dashboard.language import in_words, number, say, say_many, when
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.words import Figure
from fieldbox.domain import (
    OPEN,
    GivenVerdict,
    LinkDoing,
    LinkKind,
    LinkState,
    Message,
    MessageKind,
    MessageState,
    SentText,
    SurveyVerdict,
    TextState,
)
from fieldbox.domain.messages import KIND_WORDS, STATE_WORDS
from fieldbox.errors import FieldboxError
from fieldbox.i18n import N_
from fieldbox.wire import compact

sending = Blueprint("sending", __name__)
SHOWN = 30
PATIENCE = timedelta(minutes=2)
"""The sending process looks every few seconds whether somebody waits; a connection takes a minute at most."""
LONGEST = 300
"""Characters of a value on a page; a picture has more."""
LINKS: Mapping[LinkKind, str] = {
    LinkKind.ETHERNET: N_("Cable"),
    LinkKind.WIFI: N_("Wi-Fi"),
    LinkKind.PHONE: N_("Phone"),
    LinkKind.MODEM: N_("Modem"),
    LinkKind.OTHER: N_("Another link"),
}
TEXTS: Mapping[TextState, str] = {
    TextState.WAITING: N_("waits"),
    TextState.SENDING: N_("is being sent"),
    TextState.SENT: N_("sent"),
    TextState.DELIVERED: N_("on the phone"),
    TextState.MAYBE: N_("sent, nobody confirmed it"),
    TextState.FAILED: N_("not sent"),
    TextState.REFUSED: N_("may not go"),
    TextState.SUPERSEDED: N_("a newer one goes in its place"),
    TextState.FOLLOWED: N_("came in"),
    TextState.PASSED: N_("came in, changed nothing"),
}
PARTS: Mapping[str, str] = {
    "v": N_("version of this list"),
    "id": N_("number of the survey"),
    "field": N_("code of the field"),
    "name": N_("name of the field, because the owner allows it"),
    "flown": N_("when it was flown"),
    "made": N_("when it was worked out"),
    "area_ha": N_("ground seen, hectares"),
    "weed_pct": N_("weed cover, %"),
    "weeds": N_("single weeds"),
    "crop_pct": N_("crop cover, %"),
    "crops": N_("crop plants"),
    "health": N_("crop health, 100 is best"),
    "unsure_pct": N_("ground where no class is sure, %"),
    "unseen_pct": N_("part of the field not seen, %"),
    "gsd_cm": N_("detail of the photos, cm a pixel"),
    "pos_err_m": N_("how far off a plant may lie, m"),
    "label": N_("how far the layers can be trusted"),
    "release": N_("the model that looked"),
    "photos": N_("photos used, photos that could not be placed"),
    "spots": N_("worst spots: weeds, m², cover; places only if the owner allows"),
    "spots_total": N_("number of spots"),
    "warnings": N_("warnings"),
    "row_based": N_("weeds by rows, since the model does not know the crop"),
    "simulated": N_("made by simulation"),
    "crop": N_("the crop"),
    "missing": N_("plants missing in the rows"),
    "verdict": N_("how well it was flown"),
    "spray": N_("what treating takes: hectares, litres"),
    "survey": N_("number of the survey"),
    "since": N_("day of the earlier flight"),
    "why": N_("why"),
    "weeds_ha": N_("weeds a hectare"),
    "app": N_("version of fieldbox"),
    "models": N_("the models"),
    "up_h": N_("hours since the start"),
    "clock": N_("state of the clock"),
    "disk_gb": N_("disk: free, all, GB"),
    "full_days": N_("days until the disk is full"),
    "db_mb": N_("size of the database, MB"),
    "temp_c": N_("temperature, °C"),
    "throttled": N_("slowed down by heat or weak power"),
    "surveys": N_("number of surveys"),
    "photos_total": N_("number of photos"),
    "outbox": N_("messages by how far they have come"),
    "link": N_("what is to be known of the link"),
    "failed": N_("flights that could not be mapped"),
    "last_failure": N_("why the last of them could not"),
    "to": N_("what of the hub it answers"),
    "done": N_("whether it was done"),
    "count": N_("how many"),
    "spot": N_("which spot"),
    "as": N_("kind of picture"),
    "b85": N_("the picture"),
}
"""What the parts of a message are; one that is not here is shown by its key."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message as it leaves."""

    title: str
    value: str
    bytes: int
    """Of its JSON, key and comma and all."""


@dataclass(frozen=True, slots=True)
class LinkCard:
    """How the box stands with its hub."""

    lead: str
    steps: Sequence[str]
    notes: Sequence[str]
    used: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text that tells of a message."""

    number: str
    """Its last digits alone: the page may be looked at over a shoulder."""
    state: str
    note: str
    when: str


@dataclass(frozen=True, slots=True)
class Line:
    """A message in a list."""

    id: str
    title: str
    about: str
    state: str
    when: str
    size: str
    trouble: bool


@sending.get("/sending")
def outbox() -> str:
    """The newest messages, or those before `?before=`."""
    store = box().store
    found, last = page_of(store.message_page(SHOWN + 1, request.args.get("before")), SHOWN)
    counts = store.message_counts()
    return render_template(
        "sending.html",
        lead=lead(counts),
        lines=[line_of(one) for one in found],
        older=last.id if last else None,
        first="before" not in request.args,
        **_now(),
    )


@sending.get("/sending/now")
def part() -> str:
    """The moving part of the page: the link, and what somebody asked for."""
    return render_template("parts/sending.html", **_now())


@sending.post("/sending/now")
def send_now() -> AnyResponse:
    """Try now, whatever the box waits for."""
    told = say("The box tries within a few seconds; what comes of it stands below.")
    done(lambda: deeds.send_now(current_user.name), told, but=FieldboxError)
    return redirect(url_for("sending.outbox"))


@sending.post("/sending/pack")
def pack() -> AnyResponse:
    """What waits, as a file to carry to the hub."""
    try:
        made = deeds.pack(current_user.name, everything="everything" in request.form)
    except FieldboxError as error:
        flash(in_words(error.sentence), "error")
        return redirect(url_for("sending.outbox"))
    return send_file(
        io.BytesIO(made.data), "application/octet-stream", as_attachment=True, download_name=made.name
    )


@sending.post("/sending/unpack")
def unpack() -> AnyResponse:
    """Take in what the hub wrote."""
    sent = request.files.get("file")
    name = (sent.filename or "") if sent else ""
    try:
        came = deeds.unpack(current_user.name, name, sent.read(deeds.LARGEST + 1) if sent else b"")
        flash(in_words(came))
    except FieldboxError as error:
        flash(in_words(error.sentence), "error")
    return redirect(url_for("sending.outbox"))


def _now() -> dict[str, Any]:
    store, desk, settings = box().store, box().beyond.sending, box().beyond.settings
    asked = desk.asked() if desk else None
    return {
        "link": link_card(store.link_state()),
        "can_send": desk is not None,
        "joined": bool(desk and desk.joined()),
        "trying": bool(asked and asked.came is None and datetime.now(UTC) - asked.at < PATIENCE),
        "unheard": bool(asked and asked.came is None and datetime.now(UTC) - asked.at >= PATIENCE),
        "came": asked.came if asked else None,
        "came_at": asked.done_at if asked else None,
        "costs": costs.in_words(costs.month(settings.now(), store, date.today())) if settings else [],
        "config": settings.now() if settings else None,
    }


@sending.get("/sending/<message_id>")
def message(message_id: str) -> str:
    """All that leaves the farm in one message."""
    found = box().store.message(message_id)
    if found is None:
        abort(404)
    told = box().store.survey_told(found.id)
    survey = box().store.survey(told) if told else None
    return render_template(
        "message.html",
        message=found,
        line=line_of(found),
        journey=journey(found),
        parts=parts_of(found.body),
        texts=[text_line(one) for one in box().store.texts_of(found.id)],
        sizes=sizes(found),
        survey=survey,
        verdicts=[verdict_line(one) for one in box().store.verdicts(survey.id)] if survey else [],
        field=box().store.field(survey.field_id) if survey else None,
    )


# -- in words --------------------------------------------------------------------------------------


def lead(counts: Mapping[MessageState, int]) -> str:
    """How the messages stand, in one or two sentences."""
    waiting = sum(counts[state] for state in OPEN)
    arrived = counts[MessageState.ACKNOWLEDGED]
    told = [
        say_many("%(num)s message waits for a link.", "%(num)s messages wait for a link.", waiting)
        if waiting
        else say("No message waits."),
        say_many("%(num)s has arrived.", "%(num)s have arrived.", arrived) if arrived else "",
    ]
    return " ".join(filter(None, told))


def link_card(state: LinkState | None) -> LinkCard:
    """How the box stands with its hub, in words."""
    if state is None:
        return LinkCard(say("Nothing sends yet: the sending process has not run on this box."), (), (), ())
    connected = state.doing is LinkDoing.CONNECTED
    steps = [
        say("The hub was last reached on %(when)s.", when=when(state.last_success))
        if state.last_success
        else say("The hub has not been reached yet."),
        say("Next try: %(when)s.", when=when(state.next_try)) if state.next_try and not connected else "",
    ]
    return LinkCard(
        in_words(state.why),
        [one for one in steps if one],
        [in_words(one) for one in state.notes],
        [_used(kind, state) for kind in LinkKind if kind.value in state.used or kind.value in state.allowed],
    )


def _used(kind: LinkKind, state: LinkState) -> Figure:
    """The bytes of this month over one kind of link."""
    allowed = state.allowed.get(kind.value)
    of = say("of %(mb)s MB this month", mb=number(allowed / 1e6)) if allowed else say("MB this month")
    return Figure(say(LINKS[kind]), number(state.used.get(kind.value, 0) / 1e6, 2), of, None)


WAYS_OF_VERDICTS: Mapping[str, str] = {
    "sms": N_("by SMS"),
    "hub": N_("from the hub"),
    "dashboard": N_("on the dashboard"),
}


def verdict_line(given: GivenVerdict) -> str:
    """What somebody on the ground says of a survey. Of a telephone number the last digits are shown."""
    right = given.verdict is SurveyVerdict.RIGHT
    template = (
        N_("Right, says %(who)s %(way)s, %(when)s.")
        if right
        else N_("Wrong, says %(who)s %(way)s, %(when)s.")
    )
    who = f"…{given.who[-3:]}" if given.way == "sms" else given.who
    how = say(WAYS_OF_VERDICTS[given.way]) if given.way in WAYS_OF_VERDICTS else given.way
    return say(template, who=who, way=how, when=when(given.at))


def text_line(text: SentText) -> TextLine:
    """A text in one line."""
    return TextLine(
        f"…{text.number[-3:]}",
        say(TEXTS[text.state]),
        in_words(text.why) if text.why else "",
        when(text.sent_at or text.created_at),
    )


def line_of(message: Message) -> Line:
    """A message in one line."""
    body = _read(message.body)
    return Line(
        id=message.id,
        title=say(KIND_WORDS[message.kind]),
        about=str(body.get("field", "")),
        state=say(STATE_WORDS[message.state]),
        when=when(message.created_at),
        size=say_many("%(num)s byte", "%(num)s bytes", len(message.body.encode())),
        trouble=message.state is MessageState.REFUSED,
    )


def journey(message: Message) -> list[str]:
    """What became of a message, step by step."""
    steps = [say("Written on %(when)s.", when=when(message.created_at))]
    if message.sent_at:
        steps.append(
            say("Last handed to a link on %(when)s (%(way)s).", when=when(message.sent_at), way=way(message))
        )
    if message.state is MessageState.ACKNOWLEDGED and message.acknowledged_at:
        steps.append(say("The hub confirmed on %(when)s that it has it.", when=when(message.acknowledged_at)))
    elif message.state in OPEN and message.next_try:
        steps.append(say("It goes again after %(when)s unless it is confirmed.", when=when(message.next_try)))
    elif message.state is MessageState.SUPERSEDED:
        steps.append(
            say("It does not go any more: a newer one goes in its place.")
            if message.kind is MessageKind.BOX
            else say("It does not go any more: a newer one of the same survey goes in its place.")
        )
    if message.why:
        steps.append(in_words(message.why))
    return steps


WAYS = {"mqtt": N_("internet"), "courier": N_("USB stick"), "sms": N_("SMS")}


def way(message: Message) -> str:
    """Over what a message last left."""
    carrier = message.carrier or ""
    return say(WAYS[carrier]) if carrier in WAYS else carrier


def sizes(message: Message) -> list[str]:
    """How many bytes a message has, as it is and as it travels."""
    plain, short = (
        len(message.body.encode()),
        len(compact.pack(message.kind, message.body, message.id)),
    )
    told = [
        say_many("%(num)s byte as text.", "%(num)s bytes as text.", plain),
        say_many(
            "%(num)s byte as it travels, before it is put together with others.",
            "%(num)s bytes as it travels, before it is put together with others.",
            short,
        ),
    ]
    if message.bytes_sent:
        told.append(
            say_many(
                "%(num)s byte has left for it so far.",
                "%(num)s bytes have left for it so far.",
                message.bytes_sent,
            )
        )
    return told


def parts_of(body: str) -> list[Part]:
    """All parts of a message's JSON with their bytes, which add up to the whole but for the two braces."""
    return [
        Part(
            say(PARTS[name]) if name in PARTS else name,
            _plainly(value),
            len(_dump({name: value})) - 1,  # its braces go, its comma comes
        )
        for name, value in _read(body).items()
    ]


def _plainly(value: Any) -> str:
    if value is None:
        return say("not known")
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
    if isinstance(value, list):
        return _listed(value)
    return _dump(value).decode()


def _listed(values: Sequence[Any]) -> str:
    """An estimate with its interval as people write it; other lists one after the other."""
    if len(values) == 3 and all(isinstance(one, int | float) for one in values):
        return f"{_number(values[0])} ({_number(values[1])}–{_number(values[2])})"
    return "; ".join(
        ", ".join(map(_plainly, one)) if isinstance(one, list) else _plainly(one) for one in values
    )


def _number(value: float) -> str:
    """As many decimals as it has, five at most."""
    decimals = f"{value:.5f}".rstrip("0").partition(".")[2]
    return number(value, len(decimals))


def _read(body: str) -> dict[str, Any]:
    told = json.loads(body)
    return told if isinstance(told, dict) else {"": told}


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


__all__: Sequence[str] = ("sending",)
