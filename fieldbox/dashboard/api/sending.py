"""What leaves the farm, and how the box stands with its hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from flask import Response, abort, request, url_for
from flask_login import current_user
from msgspec import Meta

from fieldbox.dashboard.api.kinds import Count, Words
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.deeds import sending as deeds
from fieldbox.dashboard.language import in_words
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import box
from fieldbox.domain import (
    LinkDoing,
    LinkKind,
    LinkState,
    Message,
    MessageKind,
    MessageState,
    SendNow,
    SentText,
    TextState,
)

TAG = "Sending"
SHOWN = 30


class MessageTold(Told):
    """A message with all that leaves in it."""

    id: str
    kind: MessageKind
    state: MessageState
    attempts: Count
    created_at: datetime
    sent_at: Annotated[datetime | None, Meta(description="When it was last handed to a link.")]
    acknowledged_at: Annotated[datetime | None, Meta(description="When the hub confirmed it.")]
    next_try: Annotated[datetime | None, Meta(description="Not before; null: at once, or never again.")]
    carrier: Annotated[str | None, Meta(description="Over what it last left: mqtt, sms or courier.")]
    why: Annotated[str | None, Meta(description="Why it was given up.")]
    bytes: Annotated[int, Meta(ge=0, description="Of its body.")]
    bytes_sent: Annotated[int, Meta(ge=0, description="Its share of what left, all tries together.")]
    body: Annotated[Any, Meta(description="Every byte that leaves.")]


class TextTold(Told):
    """A text that tells of a message."""

    number: Annotated[str, Meta(description="The last digits of the telephone number.")]
    state: TextState
    parts: Count
    created_at: datetime
    sent_at: datetime | None
    why: Annotated[str | None, Meta(description="What there is to be said of its state.")]


class MessageWhole(MessageTold):
    """A message with the texts that tell of it."""

    survey: Annotated[str | None, Meta(description="The survey that it tells of, if it does.")]
    texts: list[TextTold]


class MessageList(Told):
    """Messages, newest first."""

    counts: Annotated[Mapping[str, int], Meta(description="Of all messages, by state.")]
    messages: list[MessageTold]
    next: Annotated[str | None, Meta(description="Address of the next page.")]


class MessagesAsked(Asked):
    """Which messages."""

    before: Annotated[str | None, Meta(description="Only those older than the message of this id.")] = None


class LinkTold(Told):
    """How the box stands with its hub."""

    at: datetime
    doing: LinkDoing
    why: Words
    links: Annotated[list[str], Meta(description="Kinds of links that are there.")]
    link: Annotated[LinkKind | None, Meta(description="Over which it is connected.")]
    since: datetime | None
    last_success: datetime | None
    next_try: datetime | None
    notes: list[Words]
    used_bytes: Annotated[Mapping[str, int], Meta(description="Of this month, by kind of link.")]
    allowed_bytes: Annotated[Mapping[str, int], Meta(description="Of those that have a budget.")]


class TryTold(Told):
    """That somebody wanted the box to send at once."""

    at: datetime
    came: Annotated[str | None, Meta(description="What came of it; null: nothing yet.")]
    done_at: datetime | None


class LinkAnswer(Told):
    """How the box stands with its hub."""

    link: Annotated[LinkTold | None, Meta(description="null: the sending process has not run.")]
    joined: Annotated[bool | None, Meta(description="Whether the box has a hub; null: it cannot be asked.")]
    asked: Annotated[
        TryTold | None, Meta(description="The last time that somebody wanted it to send at once.")
    ]


class PackAsked(Asked):
    """What is packed."""

    everything: Annotated[
        bool, Meta(description="Also what was handed to a link and is not confirmed yet.")
    ] = False


class UnpackAsked(Asked):
    """What the file is called."""

    name: Annotated[str, Meta(max_length=255, description="Its name, which ends with .down.")] = "hub.down"


class Unpacked(Told):
    """What came of a file of the hub's."""

    came: Words


@operation("GET", "/messages", tag=TAG, answers=MessageList, query=MessagesAsked)
def messages(query: MessagesAsked) -> MessageList:
    """The newest messages, or those before one of them, with all that leaves in them."""
    store = box().store
    found, last = page_of(store.message_page(SHOWN + 1, query.before), SHOWN)
    following = url_for("api.messages", before=last.id) if last else None
    return MessageList(
        counts={state.value: count for state, count in store.message_counts().items()},
        messages=[MessageTold(**_told(one)) for one in found],
        next=following,
    )


@operation("GET", "/messages/<message_id>", tag=TAG, answers=MessageWhole)
def message(message_id: str) -> MessageWhole:
    """One message with all that leaves in it, and the texts that tell of it."""
    found = box().store.message(message_id)
    if found is None:
        abort(404)
    texts = [_text(one) for one in box().store.texts_of(found.id)]
    return MessageWhole(**_told(found), survey=box().store.survey_told(found.id), texts=texts)


@operation("GET", "/link", tag=TAG, answers=LinkAnswer)
def link() -> LinkAnswer:
    """How the box stands with its hub, and what it has used of its budget."""
    state, desk = box().store.link_state(), box().beyond.sending
    asked = desk.asked() if desk else None
    return LinkAnswer(
        link=_link(state) if state else None,
        joined=desk.joined() if desk else None,
        asked=_try(asked) if asked else None,
    )


@operation("POST", "/link/send-now", tag=TAG, answers=LinkAnswer, status=202, problems=(404, 422))
def send_now() -> LinkAnswer:
    """Have the box try to send at once; `asked` of the link tells what came of it."""
    _require_desk()
    deeds.send_now(current_user.name)
    return link()


@operation(
    "POST", "/messages/pack", tag=TAG, media="application/octet-stream", query=PackAsked, problems=(404, 422)
)
def pack_messages(query: PackAsked) -> Response:
    """Pack what waits into a signed file, to be carried to the hub on a stick."""
    _require_desk()
    made = deeds.pack(current_user.name, everything=query.everything)
    named = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.data, mimetype="application/octet-stream", headers=named)


@operation(
    "POST",
    "/messages/unpack",
    tag=TAG,
    answers=Unpacked,
    query=UnpackAsked,
    raw="application/octet-stream",
    problems=(404, 422),
)
def unpack_messages(query: UnpackAsked) -> Unpacked:
    """Take in the file that the hub wrote in answer; one that is not the hub's is refused."""
    _require_desk()
    if request.mimetype != "application/octet-stream":
        abort(415)
    return Unpacked(came=in_words(deeds.unpack(current_user.name, query.name, request.get_data())))


def _require_desk() -> None:
    if box().beyond.sending is None:
        abort(404)


def _try(asked: SendNow) -> TryTold:
    return TryTold(at=asked.at, came=in_words(asked.came) if asked.came else None, done_at=asked.done_at)


def _told(one: Message) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "attempts": one.attempts,
        "created_at": one.created_at,
        "sent_at": one.sent_at,
        "acknowledged_at": one.acknowledged_at,
        "next_try": one.next_try,
        "carrier": one.carrier,
        "why": in_words(one.why) if one.why else None,
        "bytes": len(one.body.encode()),
        "bytes_sent": one.bytes_sent,
        "body": json.loads(one.body),
    }


def _text(one: SentText) -> TextTold:
    return TextTold(
        number=one.number[-3:],
        state=one.state,
        parts=one.parts,
        created_at=one.created_at,
        sent_at=one.sent_at,
        why=in_words(one.why) if one.why else None,
    )


def _link(state: LinkState) -> LinkTold:
    return LinkTold(
        at=state.at,
        doing=state.doing,
        why=in_words(state.why),
        links=list(state.links),
        link=state.link,
        since=state.since,
        last_success=state.last_success,
        next_try=state.next_try,
        notes=[in_words(one) for one in state.notes],
        used_bytes=dict(state.used),
        allowed_bytes=dict(state.allowed),
    )
