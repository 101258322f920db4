"""Small nouns to fill a store with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import (
    Camera,
    Capture,
    Cover,
    CropStand,
    Detection,
    Flight,
    Hotspot,
    Interval,
    Ladder,
    LayerLabel,
    MessageKind,
    Outgoing,
    Pose,
    Survey,
    WeedBasis,
)
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from fieldbox.wire.ids import key_of

REPOSITORY = Path(__file__).parents[2]
RING = ((77.0, 12.0), (77.001, 12.0), (77.001, 12.001))
START = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)


class Clock:
    """A clock that a test moves, one second on with each look at it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def capture(number: int, *, placed: bool = True) -> Capture:
    """A photo, with or without a pose."""
    pose = Pose(12.0 + number * 1e-5, 77.0, 15.0, 10.0, 0.5, -0.5, 2.0, 1.0, 3.0, 1.0)
    return Capture(
        digest=f"{number:064x}",
        name=f"DCIM/DJI_{number:04d}.JPG",
        size=6_000_000 + number,
        taken_at=datetime(2026, 6, 1, 12, 0, number % 60, 500_000),
        lat=12.0,
        lon=77.0,
        camera=Camera("DJI", "FC6310", 5472, 3648, 3650.5, 2735.5, 1823.5, (0.1, -0.2, 0.0, 0.0, 0.01)),
        pose=pose if placed else None,
        unplaced=None if placed else Sentence("The photo {name} has no height.", {"name": f"{number}"}),
        simulated=not placed,
    )


def add_captures(store: Store, captures: list[Capture]) -> int:
    """Bring captures into the store; the ingest's id."""
    ingest = store.begin_ingest("card")
    for each in captures:
        assert store.add_capture(each, ingest_id=ingest)
    store.end_ingest(ingest, duplicates=0)
    return ingest


def add_flight(store: Store, flight_id: str = "flight", *, first: int = 1, count: int = 3) -> Flight:
    """Bring a flight into the store, over a field of its own."""
    captures = [capture(number) for number in range(first, first + count)]
    add_captures(store, captures)
    field = store.add_field(f"Field of {flight_id}", RING, drawn=False)
    started = datetime(2026, 6, 1, 12, 0)
    flight = Flight(flight_id, field.id, started, started + timedelta(minutes=9), tuple(captures))
    store.save_flight(flight)
    return flight


def survey(flight: Flight, survey_id: str = "survey") -> Survey:
    """A survey in which some numbers are known and some are not."""
    assert flight.field_id is not None
    spot = Hotspot(1, 10.0, 20.0, 12.0, 77.0, 4.5, 0.25, 7, flight.captures[0].digest, 11.0, 12.0)
    return Survey(
        id=survey_id,
        flight_id=flight.id,
        field_id=flight.field_id,
        release="weeds 1",
        made_at=START,
        area_ha=0.8,
        area_ha_interval95=Interval(0.7, 0.9),
        gsd_cm=0.3,
        gsd_cm_interval95=None,
        weed_cover_pct=4.25,
        weed_cover_pct_interval95=Interval(3.0, 5.5),
        weed_count=120,
        weed_count_interval95=Interval(100, 150),
        crop_cover_pct=None,
        crop_cover_pct_interval95=None,
        crop_count=None,
        crop_count_interval95=None,
        health_index=61.5,
        health_index_interval95=None,
        unsure_pct=2.0,
        unsure_pct_interval95=None,
        unseen_pct=0.0,
        unseen_pct_interval95=None,
        position_error_m=2.5,
        layer_label=LayerLabel.RGB_ONLY,
        warnings=(Sentence("{count} photos had no height.", {"count": 2}), Sentence("Flown at dusk.")),
        hotspots=(spot, replace(spot, rank=2, weed_count=None)),
        photos_used=3,
        photos_unplaced=1,
        weed_basis=WeedBasis.PLANTS,
        ladder=Ladder(9, 7, 3, 2, 4, 0.125),
        weed_recall=0.8,
        stand=CropStand(
            direction_deg=12.5,
            spacing_m=0.75,
            bend_deg=0.1,
            plots=2,
            step_m=0.35,
            per_ha=31_000.0,
            per_ha_interval95=Interval(30_000.0, 32_000.0),
            missing=None,
            doubles=3,
            weeds_in_rows=20,
            weeds_between=99,
            weeds_off_plots=1,
        ),
    )


def detection(flight: Flight, east: float, north: float, cover: Cover = Cover.WEED) -> Detection:
    """A plant with a triangle for an outline."""
    outline = np.array([[east - 0.02, north], [east + 0.02, north - 0.01], [east, north + 0.03]])
    digest = flight.captures[0].digest
    return Detection(cover, 0.75, east, north, outline, 0.0012, 2.5, digest, 100.5, 200.25)


def told(name: str = "0001", subject: str | None = None) -> list[Outgoing]:
    """What the hub is told of a survey."""
    about = subject or f"survey {name}"
    return [Outgoing(MessageKind.SUMMARY, '{"weeds":120}', key_of(name), subject=about)]


def near_bangalore(
    east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres to (lat, lon) degrees, as on a small plane."""
    return 12.0 + north * 9.0e-6, 77.0 + east * 9.2e-6


def as_degrees(
    east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """East and north are longitude and latitude already."""
    return north, east
