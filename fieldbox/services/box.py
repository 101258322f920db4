"""The box as its services find it: folders, database, settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.storage.store import Store, utc_now


@contextmanager
def open_store(config: Config, *, clock: Callable[[], datetime] = utc_now) -> Iterator[Store]:
    """The box's database, made or migrated if need be. Raises Misconfigured if the folder is not ours to write."""
    root = config.storage.root
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            N_(
                "The data folder {root} cannot be made ({why}): set FIELDBOX_STORAGE__ROOT to a folder of yours."
            ),
            root=str(root),
            why=os.strerror(error.errno or 0),
        ) from error
    if not os.access(root, os.W_OK):
        raise Misconfigured(
            N_("The data folder {root} cannot be written: set FIELDBOX_STORAGE__ROOT to a folder of yours."),
            root=str(root),
        )
    with Store.open(config.database, clock=clock) as store:
        yield store
