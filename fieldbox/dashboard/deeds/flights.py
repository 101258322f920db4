"""What somebody does to a flight. Each answers 404 where there is no such flight."""

from __future__ import annotations

from flask import abort

from fieldbox.dashboard.mapagain import Outlook, State, outlook
from fieldbox.dashboard.ports import GoingLike, box
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

_REFUSED = {
    State.UNPLACED: N_("No photo of this flight has a place on the map, so there is nothing to map."),
    State.GONE: N_("Its photos were removed to make room: give the card again, and it is mapped from that."),
    State.RUNNING: N_("This flight is being mapped already."),
    State.SAME: N_("Nothing has changed since this flight was mapped: the same photos give the same map."),
}


def again(actor: str, flight_id: str, *, anew: bool = False) -> None:
    """Queue a flight to be mapped; `anew`: every photo is looked at again, though nothing has changed.

    Raises Rejected where there is nothing to map, it is in work, or nothing would change.
    """
    release = box().beyond.release
    if release is None:
        raise Rejected(N_("This box maps no flights."))
    found = _outlook(flight_id)
    why = None if anew and found.state is State.SAME else _REFUSED.get(found.state)
    if why is not None:
        raise Rejected(why)
    if anew and found.state is State.WAITING:
        raise Rejected(N_("This flight waits for its turn: stop it first, then look anew."))
    box().store.enqueue(flight_id, release_sha=release(), anew=anew)
    box().store.audit(actor, "flight looked at anew" if anew else "flight mapped again", flight_id)


def stop(actor: str, flight_id: str) -> None:
    """Stop the work on a flight: at once where it waits, else at the next photo. Raises Rejected where there is none."""
    _outlook(flight_id)
    if not box().store.ask_to_stop(flight_id, actor):
        raise Rejected(N_("There is no work on this flight that could be stopped."))
    box().store.audit(actor, "flight stopped", flight_id)


def pin(actor: str, flight_id: str, pinned: bool) -> None:
    """Keep the photos of a flight, or let them go when room is needed."""
    if not box().store.pin(flight_id, pinned):
        abort(404)
    box().store.audit(actor, "flight pinned" if pinned else "flight unpinned", flight_id)


def delete(actor: str, flight_id: str) -> GoingLike:
    """Delete a flight with its photos and surveys; what went. Its files are removed as soon as the worker rests.

    Raises Rejected where it is being mapped or copied, or while other photos are being sorted into flights: these may belong
    to it.
    """
    _outlook(flight_id)
    with box().store.grouping_lock(0.0) as alone:
        if not alone:
            raise Rejected(
                N_("Photos that came in are being sorted into flights: try again in a few minutes.")
            )
        return box().store.delete_flight(flight_id, actor)


def _outlook(flight_id: str) -> Outlook:
    found = outlook(flight_id)
    if found is None:
        abort(404)
    return found
