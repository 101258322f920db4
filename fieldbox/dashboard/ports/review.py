"""What the dashboard needs of what people make of plants and of maps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fieldbox.domain import (
    Called,
    GivenVerdict,
    Label,
    LabelVerdict,
    Opinion,
    PlantSeen,
    Reviewable,
    SurveyVerdict,
)


class ReviewStore(Protocol):
    """What people make of plants and of maps."""

    def verdicts(self, survey_id: str) -> Sequence[GivenVerdict]: ...
    def give_verdict(self, survey_id: str, verdict: SurveyVerdict, *, way: str, who: str) -> bool: ...
    def give_label(
        self, plant: int, verdict: LabelVerdict, *, who: str, act: str, by_chance: bool
    ) -> Label | None: ...
    def undo_label(self, who: str, act: str | None = None) -> Label | None: ...
    def labels(
        self,
        *,
        survey_id: str | None = None,
        release_sha: str | None = None,
        since: datetime | None = None,
        who: str | None = None,
        digest: str | None = None,
    ) -> Sequence[Label]: ...
    def labels_of(self, plants: Sequence[int]) -> Sequence[Label]: ...
    def opinions(self, survey_id: str) -> Sequence[Opinion]: ...
    def opinions_of(self, plants: Sequence[int]) -> Sequence[Opinion]: ...
    def reviewable(
        self, field_id: int | None = None, flight_id: str | None = None
    ) -> Sequence[Reviewable]: ...
    def called(self, survey_id: str) -> Called: ...
    def called_count(self, survey_id: str) -> tuple[int, int]: ...
    def plants_seen(self, plants: Sequence[int]) -> Sequence[PlantSeen]: ...
