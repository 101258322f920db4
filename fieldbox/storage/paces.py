"""What flights took to be mapped, for guessing what the next one takes."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fieldbox.storage.rows import JobState, Worked
from fieldbox.storage.schema import jobs, memberships

LOOKED = 20
"""Jobs back that are looked through: those that found all done tell nothing."""
LAST_STEP = "mosaic"


def lately(connection: Connection, limit: int) -> list[Worked]:
    """The jobs done last that drew a map, the newest first."""
    photos = select(func.count()).where(memberships.c.flight_id == jobs.c.flight_id).scalar_subquery()
    query = (
        select(photos, jobs.c.spent, jobs.c.worked, jobs.c.reached)
        .where(jobs.c.state == JobState.DONE.value, jobs.c.spent.is_not(None))
        .order_by(jobs.c.id.desc())
        .limit(LOOKED)
    )
    found = [Worked(row[0], row.spent, row.worked or {}, row.reached) for row in connection.execute(query)]
    return [one for one in found if LAST_STEP in one.spent and one.photos][:limit]
