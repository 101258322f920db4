"""Flights: what came in, how good it is, how far the work is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from flask import abort, url_for
from flask_login import current_user
from msgspec import Meta

from fieldbox.dashboard import words
from fieldbox.dashboard.api.kinds import LARGEST, CameraTime, Count, FieldId, Words
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.deeds import flights as deeds
from fieldbox.dashboard.language import in_words
from fieldbox.dashboard.ports import FlightRowLike, JobLike, KeptLike, box
from fieldbox.domain import FlightCheck, Verdict

TAG = "Flights"
MOST_REJECTED = 1000
"""Files in one answer."""


class Work(Told):
    """How far the work on a flight is."""

    state: Annotated[
        str | None, Meta(description="waiting, running, done or failed; null: no work was asked for.")
    ]
    state_words: Words
    reason: Annotated[str | None, Meta(description="Why it failed, in the language of Accept-Language.")]
    step: Annotated[str | None, Meta(description="Which part of the work it is at.")]
    done: Count | None
    total: Count | None


class FlightInList(Work):
    """A flight in a list."""

    id: str
    field: FieldId | None
    name: Words
    started_at: CameraTime
    ended_at: CameraTime
    saved_at: Annotated[datetime, Meta(description="When the box first learned of it.")]
    captures: Annotated[int, Meta(ge=0, description="Photos.")]
    placed: Annotated[int, Meta(ge=0, description="Photos of which it is known where they were taken.")]
    simulated: bool


class FlightList(Told):
    """Flights, the one saved last first."""

    flights: list[FlightInList]
    total: Annotated[int, Meta(ge=0, description="How many there are in all.")]
    next: Annotated[str | None, Meta(description="Address of the next page.")]


class FlightsAsked(Asked):
    """Which flights."""

    field: Annotated[int, Meta(ge=1, le=LARGEST, description="Only those over this field.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many.")] = 200
    offset: Annotated[int, Meta(ge=0, le=LARGEST, description="After so many.")] = 0


class RejectedFile(Told):
    """A file that was not taken."""

    name: str
    reason: Words


class FindingTold(Told):
    """One thing that is not as it should be."""

    kind: str
    verdict: Verdict
    sentence: Words
    because: Words | None


class CheckTold(Told):
    """How good a flight was when it came in, before it was mapped."""

    verdict: Verdict
    photos: Count
    placed: Count
    gsd_mm: float | None
    smallest_weed_mm: float | None
    overlap: float | None
    thin_pct: Annotated[float | None, Meta(description="Of the ground, on fewer than three photos.")]
    bare_pct: Annotated[float | None, Meta(description="Of the ground, on no photo.")]
    blurred: Count
    badly_exposed: Count
    findings: list[FindingTold]


class KeptTold(Told):
    """How much of the originals is on the box."""

    captures: Count
    kept: Count
    bytes: Count
    pinned: bool
    gone_at: Annotated[datetime | None, Meta(description="When the last of them was removed to make room.")]


class FlightTold(FlightInList):
    """A flight with all that is known of it."""

    surveys: Annotated[list[str], Meta(description="Ids of its surveys, newest first.")]
    check: CheckTold | None
    kept: KeptTold | None
    rejected: Annotated[list[RejectedFile], Meta(description="Files that were not taken, with the reason.")]
    rejected_more: Annotated[int, Meta(ge=0, description="How many are not in `rejected`.")]


class FlightChanged(Asked):
    """What is to be changed of a flight."""

    pinned: Annotated[bool, Meta(description="Whether its photos are kept when room is needed.")]


class HowAgain(Asked):
    """How a flight is mapped again."""

    anew: Annotated[bool, Meta(description="Look at every photo again though nothing has changed.")] = False


class FlightGone(Told):
    """What went with a flight."""

    flight: str
    captures: Annotated[int, Meta(ge=0, description="Photos that went.")]
    shared: Annotated[int, Meta(ge=0, description="Photos that stay, since another flight has them.")]
    originals: Annotated[int, Meta(ge=0, description="Files that are removed.")]
    bytes: Count
    surveys: Annotated[list[str], Meta(description="Ids of the surveys that went.")]


@operation("GET", "/flights", tag=TAG, answers=FlightList, query=FlightsAsked)
def flights(query: FlightsAsked) -> FlightList:
    """All flights, the one saved last first, with the state of their work."""
    rows, total = box().store.flight_page(limit=query.limit, offset=query.offset, field_id=query.field)
    end = query.offset + len(rows)
    following = url_for("api.flights", field=query.field, limit=query.limit, offset=end)
    return FlightList(
        flights=[FlightInList(**_row(row)) for row in rows],
        total=total,
        next=following if rows and end < total else None,
    )


@operation("GET", "/flights/<flight_id>", tag=TAG, answers=FlightTold)
def flight(flight_id: str) -> FlightTold:
    """One flight: how good it is, how far the work is, what was not taken and why."""
    store = box().store
    row = row_or_404(flight_id)
    rejected = store.rejections(flight_id=flight_id)
    check, kept = store.checks([flight_id]).get(flight_id), store.kept(flight_id)
    return FlightTold(
        **_row(row),
        surveys=[one.id for one in store.surveys(flight_id=flight_id)],
        check=_check(check) if check else None,
        kept=_kept(kept) if kept else None,
        rejected=[
            RejectedFile(name=one.name, reason=in_words(one.reason)) for one in rejected[:MOST_REJECTED]
        ],
        rejected_more=max(0, len(rejected) - MOST_REJECTED),
    )


@operation("PATCH", "/flights/<flight_id>", tag=TAG, answers=FlightTold, body=FlightChanged)
def change_flight(flight_id: str, body: FlightChanged) -> FlightTold:
    """Keep the photos of a flight, or let them go when room is needed."""
    deeds.pin(current_user.name, flight_id, body.pinned)
    return flight(flight_id)


@operation("POST", "/flights/<flight_id>/again", tag=TAG, answers=FlightTold, query=HowAgain, problems=(422,))
def map_again(flight_id: str, query: HowAgain) -> FlightTold:
    """Map a flight again, where that would change anything.

    With `anew` every photo is looked at again though nothing has changed.
    """
    deeds.again(current_user.name, flight_id, anew=query.anew)
    return flight(flight_id)


@operation("POST", "/flights/<flight_id>/stop", tag=TAG, answers=FlightTold, problems=(422,))
def stop_work(flight_id: str) -> FlightTold:
    """Stop the work on a flight: at once where it waits, else at the next photo."""
    deeds.stop(current_user.name, flight_id)
    return flight(flight_id)


@operation("DELETE", "/flights/<flight_id>", tag=TAG, answers=FlightGone, problems=(422,))
def delete_flight(flight_id: str) -> FlightGone:
    """Delete a flight with its photos and surveys. Nothing brings it back but its card."""
    gone = deeds.delete(current_user.name, flight_id)
    return FlightGone(
        flight=gone.flight_id,
        captures=len(gone.captures),
        shared=gone.shared,
        originals=gone.originals,
        bytes=gone.bytes,
        surveys=list(gone.surveys),
    )


def row_or_404(flight_id: str) -> FlightRowLike:
    """The flight of that id, as it is in a list."""
    found = next(iter(box().store.flight_rows([flight_id])), None)
    if found is None:
        abort(404)
    return found


def _row(row: FlightRowLike) -> dict[str, Any]:
    return {
        "id": row.id,
        "field": row.field_id,
        "name": words.flight_name(row),
        "started_at": row.started_at.isoformat() if row.started_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "saved_at": row.saved_at,
        "captures": row.captures,
        "placed": row.placed,
        "simulated": row.simulated,
        **_work(row.job),
    }


def _work(job: JobLike | None) -> dict[str, Any]:
    return {
        "state": str(job.state) if job else None,
        "state_words": words.job_state(job),
        "reason": words.job_reason(job) or None,
        "step": job.step if job else None,
        "done": job.done if job else None,
        "total": job.total if job else None,
    }


def _check(check: FlightCheck) -> CheckTold:
    return CheckTold(
        verdict=check.verdict,
        photos=check.photos,
        placed=check.placed,
        gsd_mm=check.gsd_mm,
        smallest_weed_mm=check.smallest_weed_mm,
        overlap=check.overlap,
        thin_pct=check.thin_pct,
        bare_pct=check.bare_pct,
        blurred=check.blurred,
        badly_exposed=check.badly_exposed,
        findings=[
            FindingTold(
                kind=one.kind,
                verdict=one.verdict,
                sentence=in_words(one.sentence),
                because=in_words(one.because) if one.because else None,
            )
            for one in check.findings
        ],
    )


def _kept(kept: KeptLike) -> KeptTold:
    return KeptTold(
        captures=kept.captures, kept=kept.kept, bytes=kept.bytes, pinned=kept.pinned, gone_at=kept.gone_at
    )
