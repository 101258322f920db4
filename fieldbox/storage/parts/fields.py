"""Fields: where they lie, what grows on them, how they are treated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fieldbox.domain import Field, Spraying
from fieldbox.storage import fields
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import KEEP, Keep


class FieldPart(Part):
    """Fields."""

    def add_field(
        self, name: str, boundary: Sequence[tuple[float, float]], *, drawn: bool, crop: str | None = None
    ) -> Field:
        """Add a field with a ring of (lon, lat), under the next code: F01, F02, …

        Raises:
            Rejected: the name is taken.
        """
        with self._database.write() as connection:
            return fields.add(connection, name, boundary, drawn=drawn, crop=crop)

    def update_field(
        self,
        field_id: int,
        *,
        name: str | None = None,
        boundary: Sequence[tuple[float, float]] | None = None,
        drawn: bool | None = None,
        crop: str | Keep | None = KEEP,
        sown_on: date | Keep | None = KEEP,
        row_deg: float | Keep | None = KEEP,
    ) -> Field:
        """Change what is given. None clears `crop`, `sown_on` and `row_deg`, and leaves the others as they are.

        A new boundary counts as drawn by a person unless `drawn` is False.

        Raises:
            Rejected: there is no such field, or the name is taken.
        """
        given = {"name": name, "boundary": boundary, "drawn": drawn}
        clearable = {"crop": crop, "sown_on": sown_on, "row_deg": row_deg}
        changes: dict[str, object] = {key: value for key, value in given.items() if value is not None}
        changes |= {key: value for key, value in clearable.items() if value is not KEEP}
        with self._database.write() as connection:
            return fields.change(connection, field_id, changes)

    def name_crop(self, field_id: int, crop: str | None) -> Field:
        """Say what grows on a field. Raises Rejected if there is no such field."""
        return self.update_field(field_id, crop=crop)

    def tell_rows(self, field_id: int, row_deg: float | None) -> Field:
        """Say in which direction its crop rows run, clockwise from true north in [0, 180); None: as they are found. Raises
        Rejected if there is no such field."""
        return self.update_field(field_id, row_deg=row_deg)

    def remove_empty_field(self, field_id: int) -> bool:
        """Remove a field of which nothing is known but its outline; False: it stays, for something is."""
        with self._database.write() as connection:
            return fields.remove_empty(connection, field_id)

    def spraying(self, field_id: int) -> Spraying:
        """How a field is treated; as it comes where nobody said."""
        with self._database.read() as connection:
            return fields.spraying(connection, field_id)

    def spray(self, field_id: int, how: Spraying) -> None:
        """Keep how a field is treated. Raises Rejected for a field that there is not."""
        with self._database.write() as connection:
            fields.spray(connection, field_id, how)

    def fields(self) -> list[Field]:
        """All fields, by name."""
        with self._database.read() as connection:
            return fields.every(connection)

    def field(self, field_id: int) -> Field | None:
        """One field."""
        with self._database.read() as connection:
            return fields.by_id(connection, field_id)
