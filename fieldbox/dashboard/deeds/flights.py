"""What somebody does to a flight."""

from __future__ import annotations

from flask import abort

from fieldbox.dashboard.ports import box


def pin(actor: str, flight_id: str, pinned: bool) -> None:
    """Keep the photos of a flight, or let them go when room is needed. Answers 404 where there is none."""
    if not box().store.pin(flight_id, pinned):
        abort(404)
    box().store.audit(actor, "flight pinned" if pinned else "flight unpinned", flight_id)
