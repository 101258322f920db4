"""All settings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fieldbox.config.sections import (
    BoxConfig,
    HubConfig,
    IngestConfig,
    LocaleConfig,
    MapConfig,
    ModelsConfig,
    MultispectralConfig,
    StorageConfig,
    SummaryConfig,
    WebConfig,
    WorkerConfig,
)
from fieldbox.config.sending import SmsConfig, SyncConfig

MOST_THREADS: Final = 3
"""Unless told otherwise: each takes some 200 MB on 20 MP photos, and the dashboard wants a core of a Pi."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole tree."""

    storage: StorageConfig = field(default_factory=StorageConfig)
    worker: WorkerConfig = field(default_factory=WorkerConfig)
    web: WebConfig = field(default_factory=WebConfig)
    map: MapConfig = field(default_factory=MapConfig)
    ingest: IngestConfig = field(default_factory=IngestConfig)
    models: ModelsConfig = field(default_factory=ModelsConfig)
    multispectral: MultispectralConfig = field(default_factory=MultispectralConfig)
    summary: SummaryConfig = field(default_factory=SummaryConfig)
    sync: SyncConfig = field(default_factory=SyncConfig)
    sms: SmsConfig = field(default_factory=SmsConfig)
    hub: HubConfig = field(default_factory=HubConfig)
    locale: LocaleConfig = field(default_factory=LocaleConfig)
    box: BoxConfig = field(default_factory=BoxConfig)
    fixed: frozenset[str] = field(default=frozenset(), metadata={"section": False})
    """Settings (`section.key`) that the environment gave: no page and no hub goes over them."""

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.storage.root / "fieldbox.db"

    @property
    def identity(self) -> Path:
        """Where the box's keys and certificates are."""
        named = self.sync.identity
        return self.storage.root / "identity" if named == Path() else named

    @property
    def hub_folder(self) -> Path:
        """Where the hub's keys, certificates and tables are, on the machine that is one."""
        named = self.hub.folder
        return self.storage.root / "hub" if named == Path() else named

    @property
    def drop_folder(self) -> Path:
        """Where photos are put to be taken in."""
        named = self.ingest.drop_folder
        return self.storage.root / "drop" if named == Path() else named

    @property
    def threads(self) -> int:
        """Worker threads, with 0 resolved for this machine."""
        return self.worker.threads or min(MOST_THREADS, os.cpu_count() or 1)
