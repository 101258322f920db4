"""Surveys: the numbers of a flight with their intervals, and the layers of its map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from flask import abort, url_for
from msgspec import Meta

from fieldbox.dashboard import tiles, words
from fieldbox.dashboard.api.kinds import LARGEST, Count, FieldId, Interval95, Words
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import say
from fieldbox.dashboard.layerwords import SPECTRAL, layers_of
from fieldbox.dashboard.pictures import GRID, MOSAIC, VERSION, raster
from fieldbox.dashboard.ports import box
from fieldbox.domain import CropStand, Ladder, LayerLabel, Quality, Survey, WeedBasis
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

TAG = "Surveys"
PHOTO_LAYER = "mosaic"
PHOTO_TITLE = N_("Photos put together")


Label = Literal["calibrated", "relative", "RGB-only", "estimated"]


_OF_LIGHT: Final[Mapping[LayerLabel, Label]] = {
    LayerLabel.CALIBRATED: "calibrated",
    LayerLabel.RELATIVE: "relative",
    LayerLabel.RGB_ONLY: "RGB-only",
}
_LABELS: Final[Mapping[str, Label]] = {
    "green": "RGB-only",
    "health": "relative",
    "weed-cover": "estimated",
    "weed-density": "estimated",
    "crop-cover": "estimated",
}


class SurveyTold(Told):
    """What one flight says about one field under one model release. What is not known is null."""

    id: str
    flight_id: str
    field_id: FieldId
    release: Annotated[str, Meta(description="Of the model.")]
    made_at: datetime
    area_ha: float
    area_ha_interval95: Interval95
    gsd_cm: Annotated[float, Meta(description="Ground that a pixel shows.")]
    gsd_cm_interval95: Interval95
    weed_cover_pct: float | None
    weed_cover_pct_interval95: Interval95
    weed_count: int | None
    weed_count_interval95: Interval95
    crop_cover_pct: float | None
    crop_cover_pct_interval95: Interval95
    crop_count: int | None
    crop_count_interval95: Interval95
    health_index: Annotated[
        float | None, Meta(description="0 to 100, beside the rest of this field on this day: relative.")
    ]
    health_index_interval95: Interval95
    unsure_pct: Annotated[float | None, Meta(description="Of the ground, where no class is sure.")]
    unsure_pct_interval95: Interval95
    unseen_pct: Annotated[float, Meta(description="Of the field, that no photo shows.")]
    unseen_pct_interval95: Interval95
    position_error_m: Annotated[float, Meta(description="95 % radius of places on the map.")]
    layer_label: Annotated[LayerLabel, Meta(description="How far the layers can be trusted.")]
    warnings: list[Words]
    photos_used: Count
    photos_unplaced: Count
    crop_missing: int | None
    crop_missing_interval95: Interval95
    weed_basis: WeedBasis | None
    ladder: Ladder | None
    quality: Quality | None
    indices: Annotated[Mapping[str, float], Meta(description="Means over the field: ndvi, ndre, …")]
    weed_recall: Annotated[
        float | None, Meta(description="Share of all weeds that the model finds, by its card.")
    ]
    stand: CropStand | None
    crop_health: list[Words]


class SurveyList(Told):
    """Surveys, newest first."""

    surveys: list[SurveyTold]


class SurveysAsked(Asked):
    """Which surveys."""

    field: Annotated[int, Meta(ge=1, le=LARGEST, description="Only those of this field.")] | None = None
    flight: Annotated[str | None, Meta(description="Only those of this flight.")] = None


class LayerTold(Told):
    """A layer of a survey's map."""

    key: str
    title: Words
    unit: Words | None
    note: Words
    ticks: Annotated[list[str], Meta(description="Low, middle and high end of the colours.")]
    legend: Annotated[str | None, Meta(description="Address of a picture of the colours, low to high.")]
    label: Annotated[
        Label | None,
        Meta(description="How far it can be trusted; estimated: by what the model takes for weed or crop."),
    ]
    label_words: Annotated[str | None, Meta(description="The same, in the language of Accept-Language.")]
    why: Annotated[str | None, Meta(description="Why it can be trusted so far and no further.")]
    tiles: Annotated[str, Meta(description="Web Mercator tiles of 256 pixels: {z}, {x}, {y}.")]
    tilejson: Annotated[str, Meta(description="Address of its TileJSON.")]


class LayerList(Told):
    """Layers in reading order, the picture of the photos first."""

    layers: list[LayerTold]


class TileJson(Told):
    """TileJSON 3.0."""

    tilejson: str
    name: str
    description: str
    version: str
    attribution: str
    scheme: str
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: tuple[float, float, float, float]
    center: tuple[float, float, int]
    fieldbox: LayerTold


@operation("GET", "/surveys", tag=TAG, answers=SurveyList, query=SurveysAsked)
def surveys(query: SurveysAsked) -> SurveyList:
    """Surveys, newest first."""
    found = box().store.surveys(field_id=query.field, flight_id=query.flight)
    return SurveyList(surveys=[_told(one) for one in found])


@operation("GET", "/surveys/<survey_id>", tag=TAG, answers=SurveyTold)
def survey(survey_id: str) -> SurveyTold:
    """The numbers of a survey with their 95 % intervals."""
    return _told(survey_or_404(survey_id))


@operation("GET", "/surveys/<survey_id>/layers", tag=TAG, answers=LayerList)
def layers(survey_id: str) -> LayerList:
    """The layers of which a survey knows something, with their legends and tiles."""
    return LayerList(layers=_layers(survey_or_404(survey_id)))


@operation("GET", "/surveys/<survey_id>/layers/<key>", tag=TAG, answers=TileJson)
def layer(survey_id: str, key: str) -> TileJson:
    """A layer as TileJSON 3.0, as map programs read it.

    404 too where the pictures of the survey are gone.
    """
    found = survey_or_404(survey_id)
    one = next((each for each in _layers(found) if each.key == key), None)
    if one is None:
        abort(404)
    try:
        extent = tiles.extent(raster(survey_id, MOSAIC if key == PHOTO_LAYER else GRID))
    except Misconfigured:
        abort(404)
    bounds, deepest = extent.bounds, min(tiles.MAX_ZOOM, extent.native_zoom + 3)
    middle = ((bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2, extent.native_zoom)
    return TileJson(
        tilejson="3.0.0",
        name=one.title,
        description=one.note,
        version=f"{VERSION}.0.0",
        attribution="",
        scheme="xyz",
        tiles=[one.tiles],
        minzoom=0,
        maxzoom=extent.native_zoom if key == PHOTO_LAYER else deepest,
        bounds=(bounds.west, bounds.south, bounds.east, bounds.north),
        center=middle,
        fieldbox=one,
    )


def _told(found: Survey) -> SurveyTold:
    apart = ("warnings", "hotspots", "quality", "ladder", "stand")
    numbers: dict[str, Any] = {name: value for name, value in asdict(found).items() if name not in apart}
    return SurveyTold(
        **numbers,
        quality=found.quality,
        ladder=found.ladder,
        stand=found.stand,
        crop_missing_interval95=words.missing_interval(found),
        warnings=words.warnings(found),
        crop_health=words.crop_health(found),
    )


def _layers(found: Survey) -> list[LayerTold]:
    photos: dict[str, Any] = {
        "key": PHOTO_LAYER,
        "title": say(PHOTO_TITLE),
        "unit": None,
        "note": "",
        "ticks": [],
    }
    of_cells = (one for one in layers_of(found) if one["kind"] == "cells")
    return [_layer(found, one) for one in (photos, *of_cells)]


def _layer(found: Survey, one: Mapping[str, Any]) -> LayerTold:
    key, trust = one["key"], one.get("trust")
    return LayerTold(
        key=key,
        title=one["title"],
        unit=one["unit"],
        note=one["note"],
        ticks=one["ticks"],
        legend=url_for("pictures.legend", key=key, _external=True) if one["ticks"] else None,
        label=_label(key, found),
        label_words=trust.label if trust else None,
        why=trust.why if trust else None,
        tiles=_template(found.id, key),
        tilejson=url_for("api.layer", survey_id=found.id, key=key, _external=True),
    )


def _label(key: str, found: Survey) -> Label | None:
    if key in SPECTRAL:
        return _OF_LIGHT[found.layer_label]
    return _LABELS.get(key)


def _template(survey_id: str, key: str) -> str:
    """The address of a tile with {z}, {x} and {y} in it."""
    address = url_for("pictures.tile", survey_id=survey_id, key=key, z=0, x=0, y=0, v=VERSION, _external=True)
    return address.replace(f"/{key}/0/0/0", f"/{key}/{{z}}/{{x}}/{{y}}")
