"""What people say of single plants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fieldbox.domain import Called, Label, LabelVerdict, Opinion, PlantSeen, Reviewable
from fieldbox.storage import labels
from fieldbox.storage.parts.part import Part


class LabelPart(Part):
    """Verdicts on plants, and what is needed to ask for them."""

    def give_label(
        self, plant: int, verdict: LabelVerdict, *, who: str, act: str, by_chance: bool
    ) -> Label | None:
        """Keep a verdict on a plant; None: no such plant is called a weed.

        A second one of the same `act` changes nothing; a new one of the same person on the same plant takes the
        place of the former, which stays as history.
        """
        with self._database.write() as connection:
            return labels.give(
                connection, plant, verdict, who=who, act=act, by_chance=by_chance, now=self._now()
            )

    def undo_label(self, who: str, act: str | None = None) -> Label | None:
        """Take back a person's own verdict, that of `act` or the last one; None: there is none."""
        with self._database.write() as connection:
            return labels.undo(connection, who, act, self._now())

    def labels(
        self,
        *,
        survey_id: str | None = None,
        release_sha: str | None = None,
        since: datetime | None = None,
        who: str | None = None,
        digest: str | None = None,
    ) -> list[Label]:
        """Verdicts that stand, oldest first: of a survey, on what a release said, given since a time, by a person, in a
        photo."""
        with self._database.read() as connection:
            return labels.listed(
                connection, survey_id=survey_id, release_sha=release_sha, since=since, who=who, digest=digest
            )

    def labels_of(self, plants: Sequence[int]) -> list[Label]:
        """Verdicts on these plants that stand, oldest first."""
        with self._database.read() as connection:
            return labels.of_plants(connection, plants)

    def opinions(self, survey_id: str) -> list[Opinion]:
        """All verdicts on plants of a survey that stand, in short."""
        with self._database.read() as connection:
            return labels.opinions(connection, survey_id)

    def opinions_of(self, plants: Sequence[int]) -> list[Opinion]:
        """All verdicts on these plants that stand, in short."""
        with self._database.read() as connection:
            return labels.opinions_of(connection, plants)

    def reviewable(self, field_id: int | None = None, flight_id: str | None = None) -> list[Reviewable]:
        """Surveys with single weeds that count, of a field, a flight or all, newest first."""
        with self._database.read() as connection:
            return labels.reviewable(connection, field_id, flight_id)

    def called(self, survey_id: str) -> Called:
        """All plants of a survey that the model calls weeds, without their outlines."""
        with self._database.read() as connection:
            return labels.called(connection, survey_id)

    def called_count(self, survey_id: str) -> tuple[int, int]:
        """How many plants of a survey the model calls weeds: sure ones, unsure ones."""
        with self._database.read() as connection:
            return labels.population(connection, survey_id)

    def plants_seen(self, plants: Sequence[int]) -> list[PlantSeen]:
        """These plants with what is needed to show them, in the order asked for; such as are no weeds are left out."""
        with self._database.read() as connection:
            return labels.seen(connection, plants)
