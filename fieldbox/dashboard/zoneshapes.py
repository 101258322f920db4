"""Zones as shapes for a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fieldbox.dashboard.layerwords import VIGOUR, ZONES
from fieldbox.dashboard.ports import Decisions
from fieldbox.dashboard.still import Shape
from fieldbox.dashboard.turns import Busy
from fieldbox.domain import Patch, Vigour
from fieldbox.errors import FieldboxError

KEYS: Final = (ZONES, VIGOUR)
Rgb = tuple[int, int, int]
_SPRAY: Final[Rgb] = (232, 89, 12)
_LEFT: Final[Rgb] = (255, 230, 0)
_OFF: Final[Rgb] = (28, 126, 214)
_STANDS: Final[Mapping[Vigour, Rgb]] = {Vigour.POOR: (140, 81, 10), Vigour.BETTER: (1, 102, 94)}


def shapes_of(decisions: Decisions | None, survey_id: str, key: str) -> Sequence[Shape]:
    """The zones of a layer; none where there is nothing to lay out."""
    if decisions is None:
        return ()
    try:
        return _spray(decisions, survey_id) if key == ZONES else _stands(decisions, survey_id)
    except Busy:
        raise  # a picture without them would say that there are none
    except FieldboxError:
        return ()


def _spray(decisions: Decisions, survey_id: str) -> list[Shape]:
    found = decisions.prescription(survey_id)
    return [
        *(_shape(one.zone.patch, _SPRAY, 90) for one in found.treated),
        *(_shape(one.patch, _LEFT, 0) for one in found.left),
        *(_shape(one.patch, _OFF, 75) for one in found.spraying.keep_off),
    ]


def _stands(decisions: Decisions, survey_id: str) -> list[Shape]:
    zones = [(one.patch, one.vigour) for one in decisions.vigour(survey_id)]
    return [_shape(patch, _STANDS[how], 85) for patch, how in zones if how and how in _STANDS]


def _shape(patch: Patch, colour: Rgb, alpha: int) -> Shape:
    return Shape(patch, (*colour, 255), (*colour, alpha))
