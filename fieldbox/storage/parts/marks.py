"""Control points that people mark on photos."""

from __future__ import annotations

from fieldbox.domain import ControlMark, MarkedPoint
from fieldbox.storage import marks
from fieldbox.storage.parts.part import Part


class MarkPart(Part):
    """Control points of fields, and where photos show them."""

    def add_control_point(self, point: MarkedPoint) -> MarkedPoint:
        """Keep a new point (its `id` and `marks` are not looked at). Raises Rejected where the field has one by its name."""
        with self._database.write() as connection:
            return marks.add(connection, point, self._now())

    def remove_control_point(self, point_id: int) -> bool:
        """Remove a point with its marks; False: there is none."""
        with self._database.write() as connection:
            return marks.remove(connection, point_id)

    def control_points(self, field_id: int) -> list[MarkedPoint]:
        """The points of a field by name, with their marks."""
        with self._database.read() as connection:
            return marks.of_field(connection, field_id)

    def control_point(self, point_id: int) -> MarkedPoint | None:
        """One point with its marks."""
        with self._database.read() as connection:
            return marks.by_id(connection, point_id)

    def mark_point(self, point_id: int, mark: ControlMark) -> MarkedPoint:
        """Keep where a photo shows a point, instead of what was kept of that photo. Raises Rejected where there is no such
        point or photo."""
        with self._database.write() as connection:
            return marks.put(connection, point_id, mark)

    def unmark_point(self, point_id: int, digest: str) -> bool:
        """Forget where a photo shows a point; False: it was not marked."""
        with self._database.write() as connection:
            return marks.take_back(connection, point_id, digest)
