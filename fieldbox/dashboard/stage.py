"""What every map of a survey needs."""

from __future__ import annotations

from fieldbox.dashboard import tiles
from fieldbox.dashboard.language import say
from fieldbox.dashboard.pictures import MOSAIC, VERSION, raster
from fieldbox.domain import Survey
from fieldbox.errors import Misconfigured


def native_zoom(survey: Survey) -> int | None:
    """Of the mosaic; None if it is gone."""
    try:
        return tiles.extent(raster(survey.id, MOSAIC)).native_zoom
    except Misconfigured:
        return None


def tiles_of(survey: Survey) -> str:
    """Address of a tile of the survey's map, its places in braces."""
    return f"/tiles/{survey.id}/{{layer}}/{{z}}/{{x}}/{{y}}?v={VERSION}"


def map_words() -> dict[str, str]:
    """What every map may have to say."""
    return {
        "failed": say("The box did not answer. Is the phone still in its network?"),
        "busy": say("The box is busy. This page asks again by itself."),
        "zoomInTitle": say("Zoom in"),
        "zoomOutTitle": say("Zoom out"),
    }
