"""Flights: their captures, how good they were, and what was found of their height and headings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from fieldbox.domain import Capture, Flight, FlightCheck, FlightHeadings, FlightHeight
from fieldbox.i18n import Sentence
from fieldbox.storage import captures, checks, deleting, flights, heights, retention
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import (
    Brought,
    FlightFilter,
    FlightRow,
    Going,
    HeadingsRow,
    HeightRow,
    JobState,
)


class FlightPart(Part):
    """Flights."""

    def save_flight(self, flight: Flight) -> None:
        """Keep a flight whose captures have been added; again: replace its field, times and captures.

        Raises:
            Rejected: one of its captures is not known.
        """
        with self._database.write() as connection:
            flights.save(connection, flight, self._now())

    def flight(self, flight_id: str) -> Flight | None:
        """One flight with its captures, in the order in which they were saved."""
        with self._database.read() as connection:
            return flights.by_id(connection, flight_id)

    def flights(self, field_id: int | None = None) -> list[FlightRow]:
        """Flights (of a field) without their captures, the one saved last first."""
        with self._database.read() as connection:
            return flights.listed(connection, field_id)

    def flight_rows(self, flight_ids: Sequence[str]) -> list[FlightRow]:
        """Some flights without their captures, in this order."""
        with self._database.read() as connection:
            return flights.rows(connection, flight_ids)

    def flight_page(
        self,
        *,
        limit: int,
        offset: int = 0,
        field_id: int | None = None,
        placed: bool | None = None,
        states: Collection[str] | None = None,
        by_flown: bool = False,
    ) -> tuple[list[FlightRow], int]:
        """A part of the flights, the one saved last first (`by_flown`: the one flown last), and how many there are in all: of a
        field, with a field or without one, whose newest job is in one of these states (None: whatever it is)."""
        jobs = None if states is None else tuple(map(JobState, states))
        with self._database.read() as connection:
            wanted = FlightFilter(field_id, placed, jobs)
            return flights.page(connection, wanted, limit=limit, offset=offset, by_flown=by_flown)

    def brought(self, flight_id: str) -> list[Brought]:
        """The ingests that brought photos of a flight, new or known, the newest first."""
        with self._database.read() as connection:
            return retention.brought(connection, flight_id)

    def flights_in_work(self) -> list[FlightRow]:
        """Flights that are worked on or wait for it, in this order."""
        with self._database.read() as connection:
            return flights.in_work(connection)

    def flight_ids(self) -> set[str]:
        """Of all flights."""
        with self._database.read() as connection:
            return flights.ids(connection)

    def flight_of_capture(self, digest: str) -> str | None:
        """The id of the flight of a capture; the one saved last if there are several."""
        with self._database.read() as connection:
            return flights.of_capture(connection, digest)

    def what_goes(self, flight_id: str) -> Going | None:
        """What deleting a flight would remove, and what stays; None: there is no such flight."""
        with self._database.read() as connection:
            return deleting.what_goes(connection, flight_id)

    def delete_flight(self, flight_id: str, actor: str) -> Going:
        """Delete a flight: all or nothing. Its originals are noted as gone, and removed later (`retention.Keeper`).

        Raises:
            Rejected: there is none, or it is being mapped or copied.
        """
        with self._database.write() as connection:
            return deleting.remove(connection, flight_id, actor, self._now())

    def keep_check(self, flight_id: str, check: FlightCheck) -> None:
        """Keep how good a flight was when it came in."""
        with self._database.write() as connection:
            checks.save(connection, flight_id, check, self._now())

    def checks(self, flight_ids: Iterable[str]) -> dict[str, FlightCheck]:
        """How good flights were when they came in, of those that were checked."""
        with self._database.read() as connection:
            return checks.of_flights(connection, flight_ids)

    def keep_height(
        self, flight_id: str, key: str, told: FlightHeight | Sentence, placed: Sequence[Capture]
    ) -> None:
        """Keep the height that was found for a flight from what `key` stands for, or why none was, together with the
        poses that this gives its captures."""
        with self._database.write() as connection:
            heights.save(connection, flight_id, key, told)
            captures.place(connection, placed)

    def height(self, flight_id: str) -> HeightRow | None:
        """What was found of a flight's height; None: it was not looked for."""
        with self._database.read() as connection:
            return heights.of_flight(connection, flight_id)

    def keep_headings(self, flight_id: str, key: str, told: FlightHeadings) -> None:
        """Keep what was found of the directions of a flight's photos from what `key` stands for."""
        with self._database.write() as connection:
            heights.save_headings(connection, flight_id, key, told)

    def headings(self, flight_id: str) -> HeadingsRow | None:
        """What was found of the directions of a flight's photos; None: they were not looked for."""
        with self._database.read() as connection:
            return heights.headings_of(connection, flight_id)
