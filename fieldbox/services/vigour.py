"""Where the crop of a survey stands poorer or better than the rest of its field, and whether it did so before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fieldbox.config import Config
from fieldbox.domain import Cover, Field, FieldMap, Gap, PlantHealth, Survey, Zone
from fieldbox.georef.plane import GroundPlane
from fieldbox.mapping.cropevidence import CropPlants
from fieldbox.mapping.geo import easting_northing
from fieldbox.mapping.mosaic import read_map
from fieldbox.mapping.patches import with_spots
from fieldbox.mapping.stand import missing_places
from fieldbox.mapping.vigour import polygon_of, poor_before, vigour_zones
from fieldbox.storage.store import Store

EARLIER = 6
"""Surveys of the field that are looked back to."""


def vigour_of(config: Config, store: Store, survey: Survey, field: Field) -> tuple[Zone, ...]:
    """The vigour zones of a survey, those that matter most first; none where its map is gone."""
    path = map_file(config, survey)
    if not path.exists():
        return ()
    grid = read_map(path)
    plane = GroundPlane(grid.epsg)
    zones = vigour_zones(
        grid,
        polygon_of((field.boundary,), grid.epsg),
        crop=_crop(store, survey, grid.epsg),
        rows_deg=_rows(survey, field, plane),
    )
    earlier, error = _earlier(config, store, survey, field)
    spectral = bool(grid.spectral)
    zones = with_spots(zones, survey.hotspots)
    return tuple(
        replace(one, poor_before=poor_before(one, earlier, spectral=spectral, error_m=error)) for one in zones
    )


def map_file(config: Config, survey: Survey) -> Path:
    """Where the field map of a survey lies, if it is not gone."""
    return config.storage.root / "rasters" / survey.id / "map.tif"


def _rows(survey: Survey, field: Field, plane: GroundPlane) -> float | None:
    """In which crop rows run, clockwise from grid north."""
    if survey.stand is None:
        return None
    lon, lat = field.boundary[0]
    return (survey.stand.direction_deg - plane.convergence_deg(lat, lon)) % 180


def _crop(store: Store, survey: Survey, epsg: int) -> CropPlants | None:
    """The crop plants that were judged; None: none were."""
    plants = [one for one in store.detections(survey.id, cover=Cover.CROP) if one.health is not None]
    if not plants:
        return None
    gaps = [
        Gap(tuple(start), tuple(end), one.missing)
        for one in store.gaps(survey.id)
        for start, end in [easting_northing(epsg, [one.start, one.end]).tolist()]
    ]
    return CropPlants(
        easting_northing(epsg, [(one.lon, one.lat) for one in plants]),
        np.array([one.health is PlantHealth.STUNTED for one in plants], np.bool_),
        np.array([one.health is PlantHealth.YELLOWING for one in plants], np.bool_),
        missing_places(gaps),
    )


def _earlier(config: Config, store: Store, survey: Survey, field: Field) -> tuple[Sequence[FieldMap], float]:
    """Maps of earlier flights over the field with colours of the same kind, the newest first; and by how much they may be off
    against this one (95 %)."""
    now = _flown(store, survey)
    newest: dict[str, Survey] = {}
    for one in store.surveys(field.id):
        newest.setdefault(one.flight_id, one)
    others = [
        one
        for one in newest.values()
        if one.flight_id != survey.flight_id
        and one.layer_label is survey.layer_label
        and _flown(store, one) < now
        and map_file(config, one).exists()
    ]
    others = sorted(others, key=lambda one: _flown(store, one), reverse=True)[:EARLIER]
    error = max((one.position_error_m for one in others), default=0.0)
    return [read_map(map_file(config, one)) for one in others], math.hypot(error, survey.position_error_m)


def _flown(store: Store, survey: Survey) -> float:
    flight = store.flight(survey.flight_id)
    return (flight.started_at if flight and flight.started_at else survey.made_at).timestamp()
