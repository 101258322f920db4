"""Settings: one frozen tree, read from a TOML file and from FIELDBOX_SECTION__KEY.

Every key has a default, so an empty file is a valid one. Unknown keys and wrong values are all
reported at once, each with what was meant or what is allowed.
"""

from __future__ import annotations

from fieldbox.config.names import bounds_of, settings, variable_of
from fieldbox.config.reading import DEFAULT_FILE, load_config, settings_file, with_values
from fieldbox.config.sections import (
    MOST_NAME,
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
from fieldbox.config.sending import MB, SmsConfig, SyncConfig
from fieldbox.config.tree import MOST_THREADS, Config
from fieldbox.config.values import Bounds, bounded, phone_number
from fieldbox.config.writing import write_settings

__all__ = [
    "DEFAULT_FILE",
    "MB",
    "MOST_NAME",
    "MOST_THREADS",
    "Bounds",
    "BoxConfig",
    "Config",
    "HubConfig",
    "IngestConfig",
    "LocaleConfig",
    "MapConfig",
    "ModelsConfig",
    "MultispectralConfig",
    "SmsConfig",
    "StorageConfig",
    "SummaryConfig",
    "SyncConfig",
    "WebConfig",
    "WorkerConfig",
    "bounded",
    "bounds_of",
    "load_config",
    "phone_number",
    "settings",
    "settings_file",
    "variable_of",
    "with_values",
    "write_settings",
]
