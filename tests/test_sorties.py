"""Captures of several kinds on one card."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fieldbox.domain import CaptureKind, Source
from fieldbox.sorties import groups_of
from tests.ingest.test_flights import numbers, shot


def test_bands_and_the_colour_photos_of_the_same_camera_are_flights_of_their_own() -> None:
    bands = [
        replace(shot(n, minutes=n), source=Source(CaptureKind.BANDS, (f"{n}",), (0,))) for n in range(0, 6, 2)
    ]
    photos = [shot(n, minutes=n) for n in range(1, 6, 2)]
    unknown = replace(shot(9, minutes=3, camera=None), source=Source(CaptureKind.BANDS, ("9",), (0,)))
    groups = groups_of([*bands, unknown, *photos], timedelta(minutes=20), 1000.0)
    assert numbers(groups) == [[1, 3, 5], [0, 2, 9, 4]]
