"""Where a setting of the box comes from. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SettingValue = str | int | float | bool


class SettingSource(StrEnum):
    """Who has said what a setting is; each goes over those before it."""

    DEFAULT = "default"
    FILE = "file"
    HUB = "hub"
    PAGE = "page"
    """Chosen on a page of the dashboard, or with fieldbox settings."""
    ENVIRONMENT = "environment"
    """Nothing goes over it: whoever set up the service wants it so."""


@dataclass(frozen=True, slots=True)
class SettingNow:
    """A setting as it is, and whose word that is."""

    name: str
    """`section.key`."""
    value: SettingValue
    source: SettingSource

    @property
    def fixed(self) -> bool:
        """Whether no page can change it."""
        return self.source is SettingSource.ENVIRONMENT
