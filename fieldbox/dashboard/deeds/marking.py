"""What somebody does about control points: adds them, marks them on photos, and hands them over as a list."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from flask import abort

from fieldbox.dashboard import photos
from fieldbox.dashboard.deeds.drawing import photo_places
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.outlines import require_near
from fieldbox.dashboard.ports import box
from fieldbox.domain import ControlMark, Flight, MarkedPoint, Offer
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

LONGEST_NAME: Final = 40
MOST_POINTS: Final = 100
ERRORS_M: Final = (0.005, 50.0)
HEIGHTS_M: Final = (-500.0, 9000.0)
LIST_NAME: Final = "gcp_list.txt"
SYSTEM: Final = "EPSG:4326"
GOOD_MARKS, LEAST_MARKS, GOOD_POINTS = 3, 2, 3
"""Photos that a point is best marked in, must be, and points that hold a map."""


def add(actor: str, point: MarkedPoint) -> MarkedPoint:
    """Keep a new control point; its `name` is tidied. Raises Rejected for one that cannot be."""
    store, field = box().store, field_or_404(point.field_id)
    name = " ".join(point.name.split())[:LONGEST_NAME].strip()
    if not name:
        raise Rejected(N_("A control point needs a name."))
    _require_place(point)
    if len(store.control_points(field.id)) >= MOST_POINTS:
        raise Rejected(N_("A field has at most {most} control points: delete some first."), most=MOST_POINTS)
    kept = store.add_control_point(
        MarkedPoint(0, field.id, name, point.lat, point.lon, point.height_m, point.error_m, actor)
    )
    store.audit(actor, "control point added", f"{field.id}: {kept.name}")
    return kept


def remove(actor: str, field_id: int, point_id: int) -> MarkedPoint:
    """Remove a control point with its marks."""
    found = point_or_404(field_id, point_id)
    box().store.remove_control_point(point_id)
    box().store.audit(actor, "control point deleted", f"{field_id}: {found.name}")
    return found


def mark(actor: str, field_id: int, point_id: int, where: ControlMark) -> MarkedPoint:
    """Keep where a photo shows a point. Raises Rejected for a pixel outside of it."""
    point_or_404(field_id, point_id)
    width, height = photos.size_of(box().root, where.digest)
    inside = -0.5 <= where.pixel_x <= width - 0.5 and -0.5 <= where.pixel_y <= height - 0.5
    if not (width and inside):
        raise Rejected(N_("This pixel lies outside of the photo: tap the point in it."))
    found = box().store.mark_point(point_id, where)
    box().store.audit(actor, "control point marked", f"{field_id}: {found.name}, {where.digest[:12]}")
    return found


def unmark(actor: str, field_id: int, point_id: int, digest: str) -> MarkedPoint:
    """Forget where a photo shows a point."""
    found = point_or_404(field_id, point_id)
    if box().store.unmark_point(point_id, digest):
        box().store.audit(actor, "control point mark taken back", f"{field_id}: {found.name}, {digest[:12]}")
    return found


def hand_over(actor: str, field_id: int) -> int:
    """Give the marks of a field to the intake, a list for each flight, as somebody's upload; for how many flights.

    Raises Rejected where no point is marked in two photos, and Unavailable where the disk is full.
    """
    intake, field = box().beyond.intake, field_or_404(field_id)
    if intake is None:
        raise Rejected(
            N_("This box takes nothing in from its pages: put the list onto a card beside the photos.")
        )
    lists = list(lists_of(field_id))
    if not lists:
        raise Rejected(N_("Mark a control point in two photos of one flight or more first."))
    files = [(f"{flight.id}/{LIST_NAME}", text.encode()) for flight, text in lists]
    session = intake.uploads.create(actor, None)
    now_ms = int(time.time() * 1000)
    offers = [Offer(name, len(data), now_ms) for name, data in files]
    for standing, (_name, data) in zip(intake.uploads.offer(session, offers), files, strict=True):
        if standing.number is None:
            intake.uploads.remove(session)
            raise Rejected(N_("The list of control points was not taken: try again."))
        intake.uploads.write(session, standing.number, 0, data, zlib.crc32(data))
    intake.uploads.finish(session)
    box().store.audit(actor, "control points handed over", f"{field.id}: {len(lists)} flights")
    return len(lists)


def lists_of(field_id: int) -> Iterator[tuple[Flight, str]]:
    """Of each flight of a field with marks a list of them; points marked in a single photo of it are left out."""
    points = box().store.control_points(field_id)
    marked = {one.digest for point in points for one in point.marks}
    for row in box().store.flights(field_id=field_id) if marked else ():
        flight = box().store.flight(row.id)
        names = {one.digest: one.name for one in flight.captures if one.digest in marked} if flight else {}
        lines = [line for point in points for line in _lines(point, names, row.id)]
        if flight and lines:
            yield flight, "\n".join([SYSTEM, *lines, ""])


def point_or_404(field_id: int, point_id: int) -> MarkedPoint:
    """The control point of that number, of that field."""
    found = box().store.control_point(point_id)
    if found is None or found.field_id != field_id:
        abort(404)
    return found


def _lines(point: MarkedPoint, names: dict[str, str], flight_id: str) -> Sequence[str]:
    """Tabs part the columns: names may hold spaces. The flight stands for the folder of its photos, and tells those of two
    flights with the same names apart."""
    marks = [one for one in point.marks if one.digest in names]
    if len(marks) < LEAST_MARKS:
        return []
    height = "NaN" if point.height_m is None else f"{point.height_m:.3f}"
    return [
        f"{point.lon:.9f}\t{point.lat:.9f}\t{height}\t{one.pixel_x:.2f}\t{one.pixel_y:.2f}\t"
        f"{flight_id}/{names[one.digest]}\t{point.name}\terror={point.error_m:.3f}"
        for one in marks
    ]


def _require_place(point: MarkedPoint) -> None:
    if not (abs(point.lat) <= 90 and abs(point.lon) <= 180):
        raise Rejected(N_("This place lies nowhere on Earth: latitude goes to 90, longitude to 180."))
    if not ERRORS_M[0] <= point.error_m <= ERRORS_M[1]:
        raise Rejected(
            N_("The error of a control point lies between {least} and {most} m."),
            least=ERRORS_M[0],
            most=ERRORS_M[1],
        )
    height = point.height_m
    if height is not None and not (math.isfinite(height) and HEIGHTS_M[0] <= height <= HEIGHTS_M[1]):
        raise Rejected(N_("This is no height above the sea: leave it empty where it is not known."))
    require_near(((point.lon, point.lat),), photo_places(point.field_id))
