"""A box that joined a hub, with all the real files, and the hub's end as a function."""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from fieldbox.config import Config, StorageConfig, SyncConfig
from fieldbox.domain import MessageKind
from fieldbox.hub import authority, home
from fieldbox.storage.store import Store
from fieldbox.sync.identity import Identity, join_hub, own
from fieldbox.wire import down, frame, join
from fieldbox.wire.commands import Command
from fieldbox.wire.down import Acknowledgement, Down, DownKind

FOUNDED = datetime(2026, 12, 5, tzinfo=UTC)
NOW = datetime(2027, 6, 10, 6, 30, tzinfo=UTC)
"""Noon in India."""


@lru_cache(maxsize=1)
def _empty_database() -> bytes:
    """Made once: migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        Store.open(Path(folder) / "empty.db").close()
        return (Path(folder) / "empty.db").read_bytes()


@dataclass
class HubEnd:
    """Reads frames and acknowledges them, as the hub does."""

    home: home.Home
    identity: Identity
    now: datetime = NOW
    has: Counter[str] = field(default_factory=Counter)
    kinds: list[MessageKind] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    silent: bool = False
    founded: datetime = FOUNDED

    def __call__(self, sealed: bytes) -> list[bytes]:
        """Keep a frame and acknowledge it."""
        read = frame.read(sealed, lambda _box: self.identity.key.public_key())
        self.has.update(one.id for one in read.items)
        self.kinds += [one.kind for one in read.items if one.kind is not None]
        self.answers += [one.body for one in read.items if one.kind is MessageKind.ANSWER and one.body]
        return [] if self.silent else [self.says(DownKind.ACKNOWLEDGE, Acknowledgement((read.batch,)).body())]

    def says(
        self,
        kind: DownKind,
        body: Mapping[str, Any],
        *,
        issued: datetime | None = None,
        identity: str | None = None,
    ) -> bytes:
        """Something of the hub."""
        return down.pack(self.told(kind, body, issued=issued, identity=identity), self.home.key)

    def told(
        self,
        kind: DownKind,
        body: Mapping[str, Any],
        *,
        issued: datetime | None = None,
        identity: str | None = None,
    ) -> Down:
        """The same, as the box reads it."""
        return Down(self.identity.box, identity or secrets.token_hex(16), issued or self.now, kind, body)

    def orders(self, kind: DownKind, order: Command) -> Down:
        """A command."""
        return self.told(kind, order.body())

    def certificate(self, *, made: datetime = NOW, of: Identity | None = None) -> str:
        """Another certificate for the box."""
        who = of or self.identity
        return join.pem_of(authority.certify_box(self.home.authority, who.tls.public_key(), who.box, made))


def joined_box(
    folder: Path, *, host: str = "127.0.0.1", port: int = 8883, founded: datetime = FOUNDED, **sync: Any
) -> tuple[Config, HubEnd]:
    """A box below `folder` and its hub."""
    hub = home.found(folder / "hub", host=host, port=port, sms=None, now=founded)
    config = Config(storage=StorageConfig(root=folder / "box"), sync=SyncConfig(**sync))
    config.storage.root.mkdir(parents=True)
    config.database.write_bytes(_empty_database())
    identity = own(config.identity)
    end = HubEnd(hub, identity, founded=founded)
    told = join.Welcome(identity.box, hub.told, end.certificate(made=founded + timedelta(hours=1)))
    join_hub(identity, told)
    return config, end
