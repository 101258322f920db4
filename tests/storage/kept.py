"""Flights whose originals are there, as far as the database knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fieldbox.domain import FileKind, Flight, Original
from fieldbox.storage.store import Store
from tests.storage.samples import RING, START, capture, near_bangalore, survey, told


def original(number: int) -> Original:
    """The photo of `samples.capture`."""
    one = capture(number)
    return Original(one.digest, one.name, one.size, FileKind.JPEG)


def bring(
    store: Store, flight_id: str, *, first: int = 1, count: int = 3, also: Sequence[Original] = ()
) -> Flight:
    """A flight comes in: its photos (and files `also`) are copied and noted, and its ingest has ended."""
    numbers = range(first, first + count)
    ingest = store.begin_ingest(f"card of {flight_id}")
    store.add_given(ingest, [*(original(number) for number in numbers), *also])
    captures = tuple(capture(number) for number in numbers)
    for one in captures:
        store.add_capture(one, ingest_id=ingest)
    field = store.add_field(f"Field of {flight_id}", RING, drawn=False)
    flight = Flight(flight_id, field.id, None, None, captures)
    store.save_flight(flight)
    store.end_ingest(ingest, duplicates=0)
    return flight


def chart(store: Store, flight: Flight, *, sent: bool = True) -> None:
    """The flight is mapped; its summary has arrived, or not."""
    job = store.enqueue(flight.id, release_sha="release")
    store.save_survey(
        replace(survey(flight, f"survey of {flight.id}"), hotspots=(), made_at=START),
        [],
        told(f"message of {flight.id}"),
        plan_key="plan",
        release_sha="release",
        to_geographic=near_bangalore,
    )
    store.finish(job)
    if sent:
        store.acknowledge(START, ids=[one.id for one in store.messages_of(f"survey of {flight.id}")])
