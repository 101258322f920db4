"""What a page or a program that checks plants is about: which plants, how each is shown, how far somebody is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import url_for
from flask_login import current_user

from fieldbox.dashboard import asking, reviewwords
from fieldbox.dashboard.plantview import view_of
from fieldbox.dashboard.ports import box
from fieldbox.domain import PlantSeen, Reviewable

AHEAD: Final = 6
"""So many plants a page has in hand: the Wi-Fi may be away for a while."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which plants are asked for: those of a survey, of a field, or all."""

    surveys: list[Reviewable]
    survey_id: str | None = None
    field_id: int | None = None

    @classmethod
    def of(cls, survey_id: str | None = None, field_id: int | None = None) -> Scope:
        """With the surveys that it has now."""
        return cls(asking.scope(survey_id=survey_id, field_id=field_id), survey_id, field_id)

    @property
    def told(self) -> dict[str, Any]:
        """As forms and scripts hand it back."""
        named = {"survey": self.survey_id, "field": self.field_id}
        return {name: value for name, value in named.items() if value is not None}

    def page(self, **more: Any) -> str:
        """The address of its queue."""
        if self.survey_id is not None:
            return url_for("review.survey_queue", survey_id=self.survey_id, **more)
        if self.field_id is not None:
            return url_for("review.field_queue", field_id=self.field_id, **more)
        return url_for("review.queue", **more)

    def progress(self) -> dict[str, int]:
        """How far the person who asks is.

        `mine`: verdicts in this sitting, `goal`: about so many make it a good one, `checked`: plants with a verdict.
        """
        mine = asking.given_lately(self.surveys, current_user.name)
        round_ = asking.SITTING * (mine // asking.SITTING + 1)
        goal = min(round_, mine + asking.left(self.surveys))
        return {"mine": mine, "goal": goal, "checked": sum(one.checked for one in self.surveys)}


def all_shown(plants: Sequence[PlantSeen], surveys: Sequence[Reviewable]) -> list[dict[str, Any]]:
    """What page and script need to show plants of these surveys."""
    checked = {one.survey_id: one.checked for one in surveys}
    return [{**shown(one), "checked": checked.get(one.survey_id, 0)} for one in plants]


def shown(plant: PlantSeen) -> dict[str, Any]:
    """What page and script need to show a plant; lengths in pixels of the picture `src`."""
    view, field = view_of(plant), box().store.field(plant.field_id)
    src = url_for(
        "pictures.photo_crop",
        digest=plant.digest,
        x=view.left + view.width / 2,
        y=view.top + view.height / 2,
        size=max(view.width, view.height),
        bare=1,
        v=1,
    )
    return {
        "plant": plant.plant,
        "survey": plant.survey_id,
        "field": field.name if field else "",
        "src": src,
        "size": (view.width, view.height),
        "view": tuple(round(one, 1) for one in view.view),
        "ring": tuple(round(one, 1) for one in view.ring),
        "outline": " ".join(f"{x:.1f},{y:.1f}" for x, y in view.outline),
        "sure": plant.sure,
        "says": reviewwords.says(plant),
        "across": reviewwords.size(plant),
        "look": url_for(
            "evidence.look",
            survey_id=plant.survey_id,
            digest=plant.digest,
            x=round(plant.pixel_x),
            y=round(plant.pixel_y),
            lat=round(plant.lat, 7),
            lon=round(plant.lon, 7),
            certainty="sure" if plant.sure else "unsure",
        ),
    }
