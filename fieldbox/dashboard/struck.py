"""Plants that the model calls weeds and people who looked at them do not: drawn hollow and grey, and told beside the numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from fieldbox.dashboard.language import say, say_many
from fieldbox.dashboard.plants import STRUCK, Weeds, to_world
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.reviewqueue import by_plant, outcome
from fieldbox.domain import LabelVerdict

NO_WEED: Final = (LabelVerdict.CROP, LabelVerdict.WRONG)
_SAME: Final = 1e-12
"""Of the world's width, some hundredths of a millimetre: a label keeps the place of its plant."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What people agree on of plants of a survey."""

    verdicts: Mapping[int, LabelVerdict]
    """By the numbers of the plants, whatever they agree on."""
    stamp: str
    """Another one when other plants are struck out; empty: none is."""

    @property
    def mark(self) -> str:
        """Another one when people agree on anything else."""
        return _mark(f"{plant}{self.verdicts[plant]}" for plant in sorted(self.verdicts))

    @property
    def plants(self) -> frozenset[int]:
        """Those that are no weeds."""
        return frozenset(plant for plant, verdict in self.verdicts.items() if verdict in NO_WEED)


def struck_of(survey_id: str) -> Struck:
    """What people agree on of plants of a survey."""
    found = {
        plant: verdict
        for plant, given in by_plant(box().store.opinions(survey_id)).items()
        if (verdict := outcome(one.verdict for one in given)) is not None
    }
    return Struck(found, _mark(str(plant) for plant in sorted(found) if found[plant] in NO_WEED))


def _mark(parts: Iterable[str]) -> str:
    told = ",".join(parts)
    return hashlib.blake2b(told.encode(), digest_size=4).hexdigest() if told else ""


def marked(survey_id: str, weeds: Weeds, struck: Struck) -> Weeds:
    """The weeds of a survey, those that are struck out marked as such."""
    plants = struck.plants
    places = [(one.lon, one.lat) for one in box().store.labels(survey_id=survey_id) if one.plant in plants]
    if not places:
        return weeds
    made = np.array(weeds)
    for x, y in zip(*to_world(*np.array(places).T), strict=True):
        first, last = np.searchsorted(made["y"], (y - _SAME, y + _SAME))
        near = np.abs(made["x"][first:last] - x) <= _SAME
        made["sure"][first:last][near] = STRUCK
    return made


def said(survey_id: str) -> str:
    """How many of the weeds people have found to be none, and that the numbers still hold them; empty: none."""
    told = struck_of(survey_id)
    crop = sum(one is LabelVerdict.CROP for one in told.verdicts.values())
    wrong = sum(one is LabelVerdict.WRONG for one in told.verdicts.values())
    if not crop + wrong:
        return ""
    parts = [
        say_many("%(num)s is crop", "%(num)s are crop", crop) if crop else "",
        say_many("%(num)s is no plant", "%(num)s are no plants", wrong) if wrong else "",
    ]
    return say(
        "People have looked since: of these weeds %(what)s. They are grey on the map, and still in the numbers.",
        what=", ".join(one for one in parts if one),
    )
