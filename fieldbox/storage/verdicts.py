"""What people make of surveys, by text, on the pages and from the hub."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from fieldbox.domain import GivenVerdict, SurveyVerdict
from fieldbox.storage.schema import survey_verdicts
from fieldbox.storage.surveys import number_of


def give(
    connection: Connection, survey_id: str, verdict: SurveyVerdict, way: str, who: str, now: datetime
) -> bool:
    """Keep what somebody makes of a survey; False: there is no such survey, or it is what they said last."""
    number = number_of(connection, survey_id)
    last = connection.execute(
        select(survey_verdicts.c.verdict)
        .where(
            survey_verdicts.c.survey_number == number,
            survey_verdicts.c.way == way,
            survey_verdicts.c.who == who,
        )
        .order_by(survey_verdicts.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if not number or last == verdict.value:
        return False
    row = {"survey_number": number, "verdict": verdict.value, "way": way, "who": who, "at": now}
    connection.execute(insert(survey_verdicts).values(**row))
    return True


def of_survey(connection: Connection, survey_id: str) -> list[GivenVerdict]:
    """What people make of a survey, oldest first."""
    query = select(survey_verdicts).where(survey_verdicts.c.survey_number == number_of(connection, survey_id))
    return [
        GivenVerdict(survey_id, SurveyVerdict(row.verdict), row.way, row.who, row.at)
        for row in connection.execute(query.order_by(survey_verdicts.c.id))
    ]
