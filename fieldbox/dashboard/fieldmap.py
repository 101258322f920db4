"""What map.js needs of a field and a survey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import url_for

from fieldbox.dashboard import layerwords, tiles, units, words
from fieldbox.dashboard.language import say
from fieldbox.dashboard.pictures import GRID, MOSAIC, raster
from fieldbox.dashboard.stage import map_words, tiles_of
from fieldbox.dashboard.struck import struck_of
from fieldbox.domain import SQUARE_METRES, Field, Survey
from fieldbox.errors import Misconfigured

POOR_ZOOM: Final = 20
"""From here on single poor plants are outlined."""
WEED_ZOOM: Final = 21
"""From here on single weeds are; before, tiles show all of them."""


def map_of(field: Field, survey: Survey, layers: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The map of a survey; None if its pictures are gone."""
    try:
        extent = tiles.extent(raster(survey.id, MOSAIC))
        grid = tiles.extent(raster(survey.id, GRID))
    except Misconfigured:
        return None
    south_west, north_east = extent.bounds[1::-1], extent.bounds[:1:-1]
    return {
        "survey": survey.id,
        "bounds": [_short(south_west), _short(north_east)],
        "zoom": {
            "photo": extent.native_zoom,
            "grid": min(tiles.MAX_ZOOM, grid.native_zoom + 3),
            "poor": POOR_ZOOM,
            "weeds": WEED_ZOOM,
        },
        "tiles": tiles_of(survey),
        # Of the address of tiles with plants: those that browsers keep do not show what people said since.
        "struck": struck_of(survey.id).stamp,
        "layers": {layer["key"]: layer["kind"] for layer in layers},
        "boundary": [_short((lat, lon)) for lon, lat in field.boundary],
        "overlays": _overlays(survey),
        "zones": _zones(survey, layers),
        "here": url_for("evidence.here", survey_id=survey.id),
        "hotspots": [
            {
                "rank": spot.rank,
                "at": _short((spot.lat, spot.lon)),
                "url": url_for("evidence.hotspot", survey_id=survey.id, rank=spot.rank),
                "title": say("Spot %(rank)s", rank=spot.rank),
            }
            for spot in survey.hotspots
        ],
        "area": {"m2": SQUARE_METRES[units.choose()], "name": say(units.SHORT[units.choose()])},
        "words": _words(),
    }


def _short(place: tuple[float, ...]) -> list[float]:
    """To a centimetre: the page goes over slow links."""
    return [round(part, 7) for part in place]


def _overlays(survey: Survey) -> dict[str, str | None]:
    return {
        "weeds": url_for("api.weeds", survey_id=survey.id) if survey.weed_count is not None else None,
        "poor": url_for("api.poor", survey_id=survey.id) if words.crop_health(survey) else None,
        "gaps": url_for("api.gaps", survey_id=survey.id) if survey.crop_missing else None,
    }


def _zones(survey: Survey, layers: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Where the polygons of layers come from."""
    routes = {layerwords.ZONES: "api.prescription", layerwords.VIGOUR: "api.vigour"}
    return {
        layer["key"]: url_for(routes[layer["key"]], survey_id=survey.id)
        for layer in layers
        if layer["key"] in routes
    }


def _words() -> dict[str, str]:
    return {
        "missing": say("Plants missing here: about %(num)s", num="NUM"),
        "zoomIn": say("Zoom in to see single plants."),
        "more": say("Only a part of the plants is drawn here: there are too many. Zoom in further."),
        "crowded": say("Too many weeds for outlines here: each is a dot. Zoom in further to tap one."),
        "laying": say("The zones are being worked out. That can take a minute."),
        "keptOff": say("Kept off: %(name)s", name="NAME"),
        "tapHere": say("Tap a place on the map."),
        **map_words(),
    }
