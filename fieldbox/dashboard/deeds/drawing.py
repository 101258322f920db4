"""What somebody tells of a field by drawing on it: its outline, and in which direction its rows run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.outlines import Ring, around, require_outline
from fieldbox.dashboard.ports import box
from fieldbox.domain import Field
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

PHOTOS_SEEN = 400
"""Places of photos that an outline is held against."""


def outline(actor: str, field_id: int, ring: Ring) -> Field:
    """Keep an outline that somebody drew. Raises Rejected for one that no field can have."""
    store, found = box().store, field_or_404(field_id)
    told = require_outline(ring, photo_places(field_id))
    if found.drawn and found.boundary == told:
        return found
    drawn = store.update_field(field_id, boundary=told, drawn=True)
    store.audit(actor, "boundary drawn", f"{field_id}: {len(told)} corners")
    return drawn


def follow_photos(actor: str, field_id: int) -> Field:
    """Let the outline follow the photos again, as it does where nobody draws. Raises Rejected where there are none."""
    store, found = box().store, field_or_404(field_id)
    if not found.drawn:
        return found
    ring = shown_by_photos(field_id)
    if not ring:
        raise Rejected(N_("No photo of this field has a place on the map: its outline cannot follow them."))
    followed = store.update_field(field_id, boundary=ring, drawn=False)
    store.audit(actor, "boundary follows the photos", str(field_id))
    return followed


def tell_rows(actor: str, field_id: int, degrees: float | None) -> Field:
    """Say in which direction the rows run, clockwise from true north; None: as they are found. Raises Rejected."""
    store, found = box().store, field_or_404(field_id)
    if degrees is not None and not (math.isfinite(degrees) and abs(degrees) <= 360):
        raise Rejected(N_("A direction is a number of degrees from 0 to 180: 0 is north, 90 is east."))
    told = None if degrees is None else round(degrees % 180, 2) % 180
    if told == found.row_deg:
        return found
    changed = store.tell_rows(field_id, told)
    store.audit(actor, "rows told", f"{field_id}: {found.row_deg} → {told}")
    return changed


def photo_places(field_id: int) -> Sequence[tuple[float, float]]:
    """(lon, lat) of some photos of the newest flight of a field that tells places; none where none does."""
    for row in box().store.flights(field_id=field_id):
        flight = box().store.flight(row.id)
        places = [
            (one.lon, one.lat)
            for one in (flight.captures if flight else ())
            if one.lat is not None and one.lon is not None
        ]
        if places:
            return places[:: max(1, len(places) // PHOTOS_SEEN)]
    return ()


def shown_by_photos(field_id: int) -> Ring:
    """The outline of what the photos of a field's newest survey show; empty where that is not known."""
    surveys = box().store.surveys(field_id=field_id)
    placed = box().store.placements(surveys[0].id) if surveys else ()
    corners = [corner for one in placed for corner in one.footprint]
    return around(corners)
