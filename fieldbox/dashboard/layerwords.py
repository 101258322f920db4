"""The layers of a survey's map in words: what the colours mean, how far they can be trusted, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fieldbox.dashboard import placeerror, quality
from fieldbox.dashboard.language import number, say
from fieldbox.dashboard.layers import LAYERS, Layer, ticks
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.words import LABELS
from fieldbox.domain import LayerLabel, Survey, WeedBasis
from fieldbox.i18n import N_

SPECTRAL: Final = ("ndvi", "ndre", "gndvi", "osavi")
ZONES, VIGOUR = "zones", "vigour"
"""Layers of polygons, by the programs that lay them out."""
_OF_BANDS: Final[Mapping[LayerLabel, str]] = {
    LayerLabel.CALIBRATED: N_(
        "The light was measured with a panel or a light sensor, so the same colour means the same on another day."
    ),
    LayerLabel.RELATIVE: N_("The light was not measured: compare places of this day, not days."),
    LayerLabel.RGB_ONLY: N_(
        "An ordinary camera does not measure light: compare places of this day, not days."
    ),
}
_ESTIMATED: Final = ("weed-cover", "weed-density", "crop-cover")


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a layer can be trusted."""

    label: str
    why: str


def layers_of(survey: Survey) -> list[dict[str, Any]]:
    """The layers of which this survey knows something, in reading order, as the page wants them."""
    shown = [_told(layer, survey) for layer in LAYERS.values() if _is_known(layer, survey)]
    if survey.quality is not None:
        shown.append(_place(survey))
    return shown + _zones(survey)


def trust_of(key: str, survey: Survey) -> Trust | None:
    """How far a layer can be trusted, and why; None where there is nothing to say."""
    if key in SPECTRAL:
        return Trust(say(LABELS[survey.layer_label]), say(_OF_BANDS[survey.layer_label]))
    if key == "green":
        return Trust(say(LABELS[LayerLabel.RGB_ONLY]), say(_OF_BANDS[LayerLabel.RGB_ONLY]))
    if key == "health":
        return Trust(say("relative"), say("It tells where the crop differs on this day, not how good it is."))
    if key in _ESTIMATED:
        return Trust(
            say("estimated"),
            say(
                "By what the model takes for weed or crop. The whole field's numbers have their ranges below."
            ),
        )
    return None


def _told(layer: Layer, survey: Survey) -> dict[str, Any]:
    return {
        "key": layer.key,
        "kind": "cells",
        "title": say(layer.title),
        "unit": say(layer.unit),
        "note": say(layer.note),
        "trust": trust_of(layer.key, survey),
        "ticks": [say(end) for end in layer.ends] if layer.ends else ticks(layer, number),
        **(_between_rows() if layer.key == "weed-cover" and survey.weed_basis is WeedBasis.ROWS else {}),
    }


def _between_rows() -> dict[str, str]:
    """What the weed layer shows where weeds are called from the rows alone."""
    return {
        "unit": say("% of the ground between the rows"),
        "note": say("Plants between the crop rows. What grows in the rows is not judged."),
    }


def _place(survey: Survey) -> dict[str, Any]:
    """How far places may be off, in the classes and colours of the page on how well it was flown."""
    loose = survey.quality is not None and survey.quality.aligned < survey.quality.photos
    keys = [(f"dot e{place}", words) for place, words in enumerate(quality.error_legend())]
    return {
        "key": placeerror.KEY,
        "kind": "cells",
        "title": say("Place error"),
        "unit": say("metres, 95 % radius"),
        "note": say(
            "How far a plant may stand from where the map shows it, 19 times in 20, by the photo that places it best."
        ),
        "trust": None,
        "ticks": [],
        "keys": [*keys, ("dot loose", say("striped: only on photos that fit no other"))] if loose else keys,
    }


def _zones(survey: Survey) -> list[dict[str, Any]]:
    if box().beyond.decisions is None:
        return []
    crop = {
        "key": VIGOUR,
        "kind": "zones",
        "title": say("Zones of the crop"),
        "unit": say("compared with the rest of this field"),
        "note": say("Where the crop stands poorer or better. The cause cannot be told from the air."),
        "trust": Trust(say("relative"), say("Of this field on this day.")),
        "ticks": [],
        "keys": [("poor", say("poorer")), ("better", say("better"))],
    }
    if survey.weed_cover_pct is None:
        return [crop] if survey.health_index is not None else []
    spray = {
        "key": ZONES,
        "kind": "zones",
        "title": say("Zones to spray"),
        "unit": say("as laid out with this field's settings"),
        "note": say(
            "Worked out by the box, no advice: the page What to do has litres, tanks and how sure it is."
        ),
        "trust": None,
        "ticks": [],
        "keys": [("spray", say("spray")), ("leave", say("leave: it does not pay")), ("off", say("kept off"))],
    }
    return [spray, crop]


def _is_known(layer: Layer, survey: Survey) -> bool:
    needs: dict[str, object] = {
        "weed-cover": survey.weed_cover_pct,
        "weed-density": survey.weed_count,
        "crop-cover": survey.crop_cover_pct,
        "health": survey.health_index,
        "unsure": survey.unsure_pct,
        **{key: survey.indices.get(key) for key in SPECTRAL},
    }
    return needs.get(layer.key, True) is not None
