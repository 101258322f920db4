"""Which light the radiance of an exposure is divided by, and how far the result can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fieldbox.domain import LayerLabel
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.multispectral.panel import Panel, PanelBand
from fieldbox.imagery.multispectral.sunlight import Light, LightSource, light_of

NO_LIGHT = Sentence(
    N_(
        "Nothing tells how strong the light was: the bands are relative. Photograph the calibration panel before"
        " each flight, and give it with the values of its certificate."
    )
)
CLEAR_SKY = Sentence(
    N_(
        "The light is known from a sun sensor of the first generation alone, as if the sky were clear: the"
        " bands are relative. Photograph the calibration panel before each flight."
    )
)
UNSCALED = Sentence(
    N_(
        "The sun sensor tells only how the light changes: the bands are relative. Photograph a calibration"
        " panel before each flight, and give it with the values of its certificate."
    )
)
NO_ALBEDO = Sentence(
    N_(
        "The reflectance of the calibration panel is not known: the bands are relative to the panel. Give the"
        " values of its certificate."
    )
)
NOT_THE_SAME_BANDS = Sentence(
    N_("The picture of the calibration panel does not have all bands of this camera: the panel is not used.")
)
_MOST_CHANGE = 10.0
"""A sun sensor that reports more of a change since the panel is not believed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How to make reflectance of the radiance of an exposure."""

    factors: tuple[float, ...]
    """For each band: radiance times this."""
    label: LayerLabel
    light: LightSource | None
    like_reflectance: bool
    warnings: tuple[Sentence, ...]


def calibrate(bands: Sequence[BandFile], panel: Panel | None) -> Calibration:
    """The factors for `bands` (of one exposure, none of them thermal).

    With a panel: its factor, carried to this exposure's light by the sun sensor where that measures light and
    does not guess it (MicaSense's own library does the same). Without: pi over the measured light. All bands
    are treated alike, so that their ratios mean something.
    """
    lights = [light_of(band) for band in bands]
    shown = _shown(bands, panel)
    if shown is not None:
        return _by_panel(shown, lights)
    doubts = (NOT_THE_SAME_BANDS,) if panel is not None else ()
    sources = {light.source for light in lights if light is not None}
    if any(light is None for light in lights) or len(sources) != 1:
        return Calibration((1.0,) * len(bands), LayerLabel.RELATIVE, None, False, (*doubts, NO_LIGHT))
    source = sources.pop()
    factors = tuple(math.pi / light.value for light in lights if light is not None)
    if source is LightSource.MEASURED:
        return Calibration(factors, LayerLabel.CALIBRATED, source, True, doubts)
    # DJI's guides have a factor between light and camera that a panel tells; without it the scale is OpenDroneMap's.
    warning = CLEAR_SKY if source is LightSource.CLEAR_SKY else UNSCALED
    return Calibration(
        factors, LayerLabel.RELATIVE, source, source is LightSource.CLEAR_SKY, (*doubts, warning)
    )


def _shown(bands: Sequence[BandFile], panel: Panel | None) -> list[PanelBand] | None:
    """What the panel is in each band; None without a panel that all bands have."""
    if panel is None or any(band.name not in panel.bands for band in bands):
        return None
    return [panel.bands[band.name] for band in bands]


def _by_panel(shown: Sequence[PanelBand], lights: Sequence[Light | None]) -> Calibration:
    changes = [_change(one.light, light) for one, light in zip(shown, lights, strict=True)]
    known = [change for change in changes if change is not None]
    carried = len(known) == len(changes)
    factors = tuple(
        one.factor / (change if carried and change is not None else 1.0)
        for one, change in zip(shown, changes, strict=True)
    )
    source = lights[0].source if carried and lights[0] is not None else None
    if all(one.albedo is not None for one in shown):
        return Calibration(factors, LayerLabel.CALIBRATED, source, True, ())
    # Without every albedo no band may use its own: their ratios would be wrong.
    plain = tuple(
        factor / (one.albedo if one.albedo is not None else 1.0)
        for factor, one in zip(factors, shown, strict=True)
    )
    return Calibration(plain, LayerLabel.RELATIVE, source, True, (NO_ALBEDO,))


def _change(then: Light | None, now: Light | None) -> float | None:
    """Light now over light at the panel; None where a sensor that measures both did not tell."""
    if then is None or now is None or then.source is not now.source or now.source is LightSource.CLEAR_SKY:
        return None
    change = now.value / then.value
    return change if 1 / _MOST_CHANGE < change < _MOST_CHANGE else None
