"""Results of single views: kept photo by photo, so that a power cut costs only the photo in work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.storage.rows import ViewKey
from fieldbox.storage.schema import captures, memberships, views


def save(connection: Connection, key: ViewKey, payload: bytes, patch: str | None) -> None:
    """Keep a result, in place of an earlier one under the same key."""
    row = upsert(views).values(**key._asdict(), payload=payload, patch=patch)
    same = ["plan_key", "release_sha", "digest"]
    connection.execute(
        row.on_conflict_do_update(index_elements=same, set_={"payload": payload, "patch": patch})
    )


def done(connection: Connection, plan_key: str, release_sha: str) -> set[str]:
    """The digests of the captures whose views have been looked at."""
    return set(connection.execute(select(views.c.digest).where(_of(plan_key, release_sha))).scalars())


def portion(
    connection: Connection, plan_key: str, release_sha: str, *, after: str, size: int
) -> list[tuple[str, bytes]]:
    """At most `size` results in the order of their digests, from the first beyond `after`."""
    query = (
        select(views.c.digest, views.c.payload)
        .where(_of(plan_key, release_sha), views.c.digest > after)
        .order_by(views.c.digest)
        .limit(size)
    )
    return [(digest, payload) for digest, payload in connection.execute(query)]


def patches(connection: Connection, plan_key: str, release_sha: str) -> list[tuple[str, str]]:
    """(digest, patch) of the results that have one, by digest."""
    query = (
        select(views.c.digest, views.c.patch)
        .where(_of(plan_key, release_sha), views.c.patch.is_not(None))
        .order_by(views.c.digest)
    )
    return [(digest, patch) for digest, patch in connection.execute(query) if patch is not None]


def drop(connection: Connection, plan_key: str, release_sha: str) -> None:
    """Forget the results of a plan, and those under keys that begin with it: its second looks."""
    mine = views.c.plan_key.startswith(plan_key, autoescape=True) & (views.c.release_sha == release_sha)
    connection.execute(delete(views).where(mine))


def plans(connection: Connection) -> set[str]:
    """Keys of all plans that have results."""
    return set(connection.scalars(select(views.c.plan_key).distinct()))


def drop_of_flight(connection: Connection, flight_id: str) -> None:
    """Forget the results of every plan that any photo of a flight is part of."""
    mine = (
        select(views.c.plan_key)
        .join(captures, captures.c.digest == views.c.digest)
        .join(memberships, memberships.c.capture_id == captures.c.id)
        .where(memberships.c.flight_id == flight_id)
    )
    connection.execute(delete(views).where(views.c.plan_key.in_(mine)))


def _of(plan_key: str, release_sha: str) -> ColumnElement[Any]:
    return (views.c.plan_key == plan_key) & (views.c.release_sha == release_sha)
