"""Layers of a stored survey as files that other programs read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fieldbox.config import Config
from fieldbox.deciding import Known, weed_zones
from fieldbox.domain import Cover, Survey, ZoneKind
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.export import (
    RASTER_FORMATS,
    VECTOR_FORMATS,
    Features,
    PhotoPlace,
    crop_features,
    export_raster,
    export_vector,
    footprint_features,
    gap_features,
    plant_features,
    pose_features,
)
from fieldbox.mapping.files import replacing
from fieldbox.mapping.mosaic import read_map
from fieldbox.mapping.prescriptionfiles import PRESCRIPTION_WRITERS
from fieldbox.mapping.rowfeatures import missing_features, row_features
from fieldbox.mapping.zonefeatures import zone_features
from fieldbox.mapping.zonekml import write_zone_kml
from fieldbox.services.deciding import known_of, prescription_of
from fieldbox.services.locating import as_told, photos_of
from fieldbox.services.rowing import sown_of
from fieldbox.services.vigour import vigour_of
from fieldbox.storage.rows import StoredGap
from fieldbox.storage.store import Store

LAYERS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        ("weeds", "crop", "gaps", "missing", "rows", "zones", "footprints", "poses"), VECTOR_FORMATS
    ),
    **dict.fromkeys(("health", "mosaic"), RASTER_FORMATS),
    "prescription": tuple(PRESCRIPTION_WRITERS),
}
"""The formats that each layer is written in."""
COVERS = {"weeds": Cover.WEED, "crop": Cover.CROP}
_ANY_ZONE = 32631
"""Of a file without shapes."""
PHOTO_LAYERS = {"footprints": footprint_features, "poses": pose_features}


def export(
    config: Config,
    store: Store,
    survey: Survey,
    layer: str,
    kind: str,
    output: Path,
    *,
    by: ZoneKind = ZoneKind.WEEDS,
) -> Sentence | None:
    """Write one layer of `survey` to `output`; a prescription `by` weeds or by vigour.

    Returns what somebody has to know of the file, if anything. Raises Rejected for what there is not.
    """
    rasters = config.storage.root / "rasters" / survey.id
    check_layer(layer, kind)
    if layer == "mosaic":
        _copy(rasters / "mosaic.tif", output)
        return None
    if layer in COVERS:
        if survey.weed_count is None:
            raise Rejected(N_("Single plants were not called in this survey; its warnings say why."))
        plants, sown = store.detections(survey.id, cover=COVERS[layer]), sown_of(store, survey)
        stands = sown.stands(plants) if sown else None
        features = crop_features(plants, stands) if layer == "crop" else plant_features(plants, stands)
        export_vector(features, output, kind)
    elif layer in ROW_LAYERS:
        export_vector(ROW_LAYERS[layer](store, survey), output, kind)
    elif layer == "prescription":
        known = known_of(config, store, survey)
        found = prescription_of(config, store, known, by)
        return PRESCRIPTION_WRITERS[kind](found, (known.field.boundary,), known.field.name, output)
    elif layer == "zones":
        _zones(config, store, known_of(config, store, survey), kind, output)
    elif layer in PHOTO_LAYERS:
        export_vector(PHOTO_LAYERS[layer](_photos(config, store, survey)), output, kind)
    else:
        export_raster(read_map(rasters / "map.tif"), layer, output, kind)
    return None


def check_layer(layer: str, kind: str) -> None:
    """Raise Rejected, with what to do, for a layer or a format that cannot be exported."""
    if layer not in LAYERS:
        raise Rejected(
            N_("There is no layer {layer}; choose one of {known}."), layer=layer, known=", ".join(LAYERS)
        )
    if kind not in LAYERS[layer]:
        raise Rejected(
            N_("This layer cannot be written as {format}; choose one of {known}."),
            format=kind,
            known=", ".join(LAYERS[layer]),
        )


def _zones(config: Config, store: Store, known: Known, kind: str, output: Path) -> None:
    """Zones of weeds where weeds are called, and of vigour where something is known of the crop."""
    called = known.survey.weed_cover_pct is not None
    weeds = weed_zones(known) if called else ()
    vigour = vigour_of(config, store, known.survey, known.field)
    zones = (*weeds, *vigour)
    if not zones and not called:
        raise Rejected(N_("This survey knows neither weeds nor how the crop stands; its warnings say why."))
    features = zone_features(zones)
    if kind == "kml":
        write_zone_kml(features, known.field.name, output)
    else:
        export_vector(features, output, kind)


def _copy(source: Path, output: Path) -> None:
    if not source.exists():
        raise Rejected(
            N_("The pictures of this survey are gone: bring the flight in again to make them anew.")
        )
    with replacing(output) as target:
        shutil.copyfile(source, target)


def _known_gaps(store: Store, survey: Survey) -> list[StoredGap]:
    if survey.crop_missing is None:
        raise Rejected(N_("Missing plants are not known in this survey: the crop shows no regular rows."))
    return store.gaps(survey.id)


def _gaps(store: Store, survey: Survey) -> Features:
    gaps = _known_gaps(store, survey)
    lon, lat = gaps[0].start if gaps else (0.0, 0.0)
    return gap_features(gaps, GroundPlane.for_point(lat, lon).epsg)


def _missing(store: Store, survey: Survey) -> Features:
    gaps, sown = _known_gaps(store, survey), sown_of(store, survey)
    if sown is None:
        return missing_features(np.zeros((0, 2)), [], [], _ANY_ZONE)
    return missing_features(*sown.missing(gaps), sown.plane.epsg)


def _rows(store: Store, survey: Survey) -> Features:
    sown = sown_of(store, survey)
    if sown is None or sown.rows is None:
        raise Rejected(N_("No crop rows are known in this survey: its crop plants show none."))
    return row_features(sown.lines(), sown.plane.epsg, sown.convergence_deg)


def _photos(config: Config, store: Store, survey: Survey) -> list[PhotoPlace]:
    """The survey's photos where its alignment put them, or, of a survey made without one, as their tags tell."""
    flight = store.flight(survey.flight_id)
    captures = {one.digest: one for one in flight.captures} if flight else {}
    placed = store.placements(survey.id)
    if not placed and flight:
        placed = [as_told(photo) for photo in photos_of(config, store, flight, None).photos.values()]
    return [
        PhotoPlace(capture.name, capture.camera.width, capture.camera.height, one)
        for one in placed
        if (capture := captures.get(one.digest)) and capture.camera
    ]


ROW_LAYERS = {"gaps": _gaps, "missing": _missing, "rows": _rows}
