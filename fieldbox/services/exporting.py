"""Layers of a stored survey as files that other programs read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import shapely

from fieldbox.config import Config
from fieldbox.domain import Cover, Survey
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.mapping.export import (
    Features,
    check_layer,
    export_raster,
    export_vector,
    footprint_features,
)
from fieldbox.mapping.mosaic import read_map
from fieldbox.pipeline import geometries_of
from fieldbox.storage.rows import StoredDetection
from fieldbox.storage.store import Store

COVERS = {"weeds": Cover.WEED, "crop": Cover.CROP}


def export(config: Config, store: Store, survey: Survey, layer: str, kind: str, output: Path) -> None:
    """Write one layer of `survey` to `output`. Raises Rejected for what there is not."""
    rasters = config.storage.root / "rasters" / survey.id
    if layer == "mosaic" and kind == "cog":
        shutil.copyfile(rasters / "mosaic.tif", output)
        return
    check_layer(layer, kind)
    if layer in COVERS:
        if survey.weed_count is None:
            raise Rejected(N_("Single plants were not called in this survey; its warnings say why."))
        export_vector(_plants(store.detections(survey.id, cover=COVERS[layer])), output, kind)
    elif layer == "footprints":
        export_vector(_footprints(store, survey), output, kind)
    else:
        export_raster(read_map(rasters / "map.tif"), layer, output, kind)


def _plants(plants: list[StoredDetection]) -> Features:
    return Features(
        [shapely.geometry.polygon.orient(shapely.Polygon(one.outline)) for one in plants],
        {
            "id": np.array([one.id for one in plants], np.int64),
            "class": np.array([one.cover.value for one in plants], object),
            "score": np.array([round(one.score, 4) for one in plants], float),
            "area_cm2": np.array([round(one.area_cm2, 1) for one in plants], float),
            "position_error_m": np.array([round(one.position_error_m, 3) for one in plants], float),
            "capture": np.array([one.digest[:16] for one in plants], object),
            "lat": np.array([round(one.lat, 9) for one in plants], float),
            "lon": np.array([round(one.lon, 9) for one in plants], float),
        },
    )


def _footprints(store: Store, survey: Survey) -> Features:
    flight = store.flight(survey.flight_id)
    captures = flight.captures if flight else ()
    names = {one.digest: one.name for one in captures}
    geometries = geometries_of(captures)
    epsg = next(iter(geometries.values())).plane.epsg
    return footprint_features({names[digest]: one.footprint() for digest, one in geometries.items()}, epsg)
