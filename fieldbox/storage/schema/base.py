"""What all tables share.

Constraints are named, because SQLite changes a table by copying it and Alembic must know what to copy.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

from fieldbox.storage.types import NAMES

REVISION: Final = "0016"
"""The newest migration, so that opening an up-to-date database need not load Alembic."""

metadata = MetaData(naming_convention=NAMES)
