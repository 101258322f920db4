"""Surveys with all that belongs to them, and what the box holds, counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection, Gap, Outgoing, Placement, Survey
from fieldbox.i18n import Sentence
from fieldbox.storage import briefs, census, gaps, jobs, outbox, placements, surveys, views
from fieldbox.storage import detections as plants
from fieldbox.storage.detections import ToGeographic
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Box, Census, StoredDetection, StoredGap, SurveyBrief, Tally


class SurveyPart(Part):
    """Surveys."""

    def save_survey(  # noqa: PLR0913  one transaction of all that a survey is
        self,
        survey: Survey,
        detections: Sequence[Detection],
        outgoing: Sequence[Outgoing],
        *,
        plan_key: str,
        release_sha: str,
        to_geographic: ToGeographic,
        missing: Sequence[Gap] = (),
        placed: Sequence[Placement] = (),
        drop_views: bool = True,
    ) -> bool:
        """Keep a survey with its plants and what the hub is told of it, and settle its job: all or nothing.

        `to_geographic` turns the plants' east and north (1-D arrays, metres) into latitudes and longitudes.
        False: this survey, or one of the same flight, plan and release, is there already; it and its
        messages stay as they are.
        """
        with self._database.write() as connection:
            fresh = not surveys.is_saved(connection, survey, plan_key, release_sha)
            if fresh:
                number = surveys.add(connection, survey, plan_key, release_sha)
                plants.add(connection, number, detections, to_geographic)
                gaps.add(connection, number, missing, to_geographic)
                placements.add(connection, number, placed)
                outbox.tell(connection, outgoing, number, self._now())
            jobs.finish_live(connection, survey.flight_id, release_sha, self._now())
            if drop_views:
                views.drop(connection, plan_key, release_sha)
            return fresh

    def confirm_survey(
        self, survey_id: str, found: Sequence[Sentence], otherwise: Sequence[Outgoing] = ()
    ) -> None:
        """A survey that was made before is what its flight gives now: it counts, and is told again if another one counted
        meanwhile; `otherwise` is told of kinds that it was not told by. `found` is added as far as it does not say it yet."""
        with self._database.write() as connection:
            surveys.add_warnings(connection, survey_id, found)
            if surveys.count_again(connection, survey_id, self._now()):
                number = surveys.number_of(connection, survey_id)
                told = outbox.told_of(connection, number)
                kinds = {one.kind for one in told}
                new = [one for one in otherwise if one.kind not in kinds]
                outbox.tell(connection, [*told, *new], number, self._now())

    def survey(self, survey_id: str) -> Survey | None:
        """One survey."""
        with self._database.read() as connection:
            return surveys.by_id(connection, survey_id)

    def surveys(self, field_id: int | None = None, flight_id: str | None = None) -> list[Survey]:
        """Surveys of a field, of a flight, or all; newest first."""
        with self._database.read() as connection:
            return surveys.listed(connection, field_id, flight_id)

    def survey_ids(self) -> set[str]:
        """Of all surveys."""
        with self._database.read() as connection:
            return surveys.ids(connection)

    def alignments(self) -> set[str]:
        """Keys of the alignments that surveys were made with."""
        with self._database.read() as connection:
            return surveys.alignments(connection)

    def surveys_of_flights(self, flight_ids: Sequence[str]) -> dict[str, Survey]:
        """Of each of these flights the survey that counts, without the outlines of ground that was missed."""
        with self._database.read() as connection:
            return surveys.counting(connection, flight_ids)

    def briefs_by_field(self, depth: int = 2) -> dict[int, list[SurveyBrief]]:
        """Of each field its last `depth` dates, the newest first: of each flight the survey that counts."""
        with self._database.read() as connection:
            return briefs.by_field(connection, depth)

    def survey_for(self, flight_id: str, plan_key: str, release_sha: str) -> Survey | None:
        """The survey made of this flight with this plan and release."""
        with self._database.read() as connection:
            return surveys.made_of(connection, flight_id, plan_key, release_sha)

    def detections(
        self,
        survey_id: str,
        *,
        bbox: Box | None = None,
        cover: Cover | None = None,
        poor: bool = False,
        limit: int | None = None,
        after: tuple[float, int] | None = None,
    ) -> list[StoredDetection]:
        """Plants of a survey whose centre lies in `bbox`, the surest first; `poor`: stunted or yellowing ones."""
        with self._database.read() as connection:
            return plants.in_survey(
                connection, survey_id, bbox=bbox, cover=cover, poor=poor, limit=limit, after=after
            )

    def weed_points(self, survey_id: str) -> NDArray[np.float64]:
        """[N, 4] longitude, latitude, radius in metres of a disc of its area, and 1 if it is sure or 0, of each weed."""
        with self._database.read() as connection:
            return plants.weed_points(connection, survey_id)

    def plants_after(
        self, survey_id: str, *, cover: Cover, poor: bool, after: int, size: int
    ) -> list[StoredDetection]:
        """At most `size` plants of a survey in the order of their ids, from the first one beyond the id `after`: all of them are
        read so without holding all of them."""
        with self._database.read() as connection:
            return plants.portion(connection, survey_id, cover=cover, poor=poor, after=after, size=size)

    def placements(self, survey_id: str) -> list[Placement]:
        """Where a survey's alignment put its photos."""
        with self._database.read() as connection:
            return placements.in_survey(connection, survey_id)

    def gaps(self, survey_id: str) -> list[StoredGap]:
        """Where plants of the crop rows are missing; empty too where that is not known (`crop_missing`)."""
        with self._database.read() as connection:
            return gaps.in_survey(connection, survey_id)

    def tally(self) -> Tally:
        """How much there is, counted quickly."""
        with self._database.read() as connection:
            return census.tally(connection)

    def census(self, now: datetime) -> Census:
        """What the box holds, counted."""
        with self._database.read() as connection:
            return census.take(connection, now)
