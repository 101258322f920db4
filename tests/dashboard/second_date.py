"""A second date of the demo's field, six weeks earlier: blue in the west, and with half of the weeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import rasterio

from fieldbox.domain import Interval
from tests.dashboard.demo_box import DemoBox, make_plants, make_rasters, make_survey, to_geographic

EARLIER = "sv-demo-0"
BACK = timedelta(days=42)


def add_date(demo: DemoBox, *, pretty: bool = False) -> None:
    """Add it to the box."""
    flight = demo.store.flight(demo.flight_id)
    assert flight is not None and flight.started_at is not None and flight.ended_at is not None
    earlier = replace(
        flight, id="fl-demo-0", started_at=flight.started_at - BACK, ended_at=flight.ended_at - BACK
    )
    demo.store.save_flight(earlier)
    make_rasters(demo.root / "rasters" / EARLIER, pretty=pretty)
    with rasterio.open(demo.root / "rasters" / EARLIER / "mosaic.tif", "r+") as out:
        pixels = out.read()
        pixels[:, :, : out.width // 2] = (
            np.array([30, 60, 200], np.uint8)[:, None, None] if not pretty else 90
        )
        out.write(pixels)
        out.build_overviews([2, 4, 8])
    plants = list(make_plants(demo.photo))[::2]
    survey = make_survey(earlier.id, demo.field_id, demo.photo, plants, known=True)
    demo.store.save_survey(
        replace(
            survey,
            id=EARLIER,
            made_at=datetime(2026, 4, 22, 11, 0, tzinfo=UTC),
            weed_cover_pct=1.1,
            weed_cover_pct_interval95=Interval(0.7, 1.6),
            hotspots=survey.hotspots[:1],
        ),
        plants,
        [],
        plan_key="plan-0",
        release_sha="cd" * 32,
        to_geographic=to_geographic,
    )
