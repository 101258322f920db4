"""Alembic's entry point: runs migrations on the connection that `fieldbox.storage.migrate` hands over.

To draft a migration after a change of `fieldbox/storage/schema`, see README.md in this folder.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context
from sqlalchemy import Connection

from fieldbox.storage.engine import make_engine, transaction
from fieldbox.storage.schema import metadata


def _not_virtual(name: str | None, kind: str, _parents: object) -> bool:
    """Leave the R*Tree and its shadow tables alone: they are made by hand."""
    return not (kind == "table" and name is not None and name.startswith("detection_places"))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
        include_name=_not_virtual,
    )
    with context.begin_transaction():
        context.run_migrations()


def _main() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    path = Path(context.get_x_argument(as_dictionary=True)["database"])
    with transaction(make_engine(path, foreign_keys=False, pooled=False)) as own:
        _run(own)


_main()
