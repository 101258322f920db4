"""The sections of the settings, but for what is sent (`sending`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fieldbox.config.values import bounded, listed, of, one_of
from fieldbox.domain import AreaUnit

MOST_NAME: Final = 60
"""Letters of the farm's name."""


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where everything is kept."""

    root: Path = Path("/var/lib/fieldbox")
    reserve_mb: int = bounded(512, 0, 1_000_000)
    """Free space that a copy never eats into."""
    keep_days: float = bounded(0.0, 0, 36_500)
    """0: originals are kept until their room is needed."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How hard the box works."""

    threads: int = bounded(0, 0, 64)
    """0: as many as the machine has cores, at most MOST_THREADS."""
    poll_seconds: float = bounded(2.0, 0.1, 3600)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Where the dashboard answers."""

    host: str = "127.0.0.1"
    port: int = bounded(8080, 1, 65535)
    names: str = ""
    """To which it answers beside addresses, localhost, *.local and the machine's own: "box.farm, fieldbox.lan"."""
    metrics_open: bool = False
    """Whether programs on the box itself read its figures without a key."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no name."""
        with of("names"):
            for name in self.known:
                if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
                    raise ValueError(f"{name!r} is no name like box.farm")

    @property
    def known(self) -> tuple[str, ...]:
        """In small letters."""
        return tuple(name.lower() for name in listed(self.names))


@dataclass(frozen=True, slots=True)
class MapConfig:
    """The field map."""

    cell_m: float = bounded(1.0, 0.1, 50)
    photo_reduction: int = bounded(1, 1, 4)
    """1: photos are looked at in full; 2: at half scale (faster, small weeds are lost)."""


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """The ways in, and how photos are grouped into flights."""

    gap_minutes: float = bounded(20.0, 1, 24 * 60)
    jump_m: float = bounded(1000.0, 10, 1_000_000)
    drop_folder: Path = Path()
    """Photos put here are taken in; empty: `drop` under the root."""
    cards_folder: Path = Path("/run/fieldbox/cards")
    """Cards and sticks are mounted below it."""
    settle_seconds: float = bounded(20.0, 0.1, 3600)
    """A file in the drop folder that was unchanged for so long is whole."""
    upload_days: float = bounded(7.0, 0.01, 365)
    """An upload that was not gone on with for so long is removed."""


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """Which model runs, and whose signature is trusted. An empty path means what came with fieldbox, or its place."""

    weeds: Path = Path()
    health: Path = Path()
    leaves: Path = Path()
    keys: Path = Path()
    """Folder of the public keys (minisign, *.pub) trusted for models from outside; empty: `keys` under the root."""
    doubt_budget: float = bounded(0.15, 0, 4)
    """Share of the first look's work that may go into looking again at what is doubtful."""


@dataclass(frozen=True, slots=True)
class MultispectralConfig:
    """The calibration panel that is photographed before a flight."""

    panel_albedo: str = ""
    """Its reflectance in each band, from its certificate: "blue=0.67, green=0.69, red=0.68, rededge=0.67, nir=0.61"."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no list of reflectances."""
        self.albedo  # noqa: B018  wrong ones are told when the settings are read

    @property
    def albedo(self) -> dict[str, float]:
        """By names of bands. Raises ValueError for what is no list of reflectances."""
        found: dict[str, float] = {}
        for part in filter(None, (one.strip() for one in self.panel_albedo.split(","))):
            name, _sign, value = part.partition("=")
            try:
                found[name.strip().lower().replace(" ", "")] = float(value)
            except ValueError:
                raise ValueError(f"{part} is not like green=0.69") from None
        if any(not 0 < value <= 1 for value in found.values()):
            raise ValueError("a reflectance lies between 0 and 1, like green=0.69")
        return found


@dataclass(frozen=True, slots=True)
class SummaryConfig:
    """What may leave the farm in a summary."""

    share_name: bool = False
    share_position: bool = False


@dataclass(frozen=True, slots=True)
class HubConfig:
    """The far end, where it runs."""

    folder: Path = Path()
    """Where fieldbox hub init made it; empty: `hub` under the root."""
    database: str = ""
    """A file, or postgresql+psycopg://user@host/name; empty: hub.db in its folder."""
    broker: str = "localhost"
    """Where the hub itself reaches its broker."""
    host: str = "127.0.0.1"
    """On which its page answers, which has no log-in."""
    port: int = bounded(8090, 1, 65535)


@dataclass(frozen=True, slots=True)
class LocaleConfig:
    """The language of the box and its unit of area; a person's own choice on the dashboard goes before them."""

    language: str = "en"
    area_unit: str = "ha"
    """ha, acre, guntha, cent, bigha-north, bigha-east, bigha-west or bigha-hills."""

    def __post_init__(self) -> None:
        """Raises ValueError for a unit that there is not."""
        with of("area_unit"):
            one_of(self.area_unit, tuple(AreaUnit))


@dataclass(frozen=True, slots=True)
class BoxConfig:
    """The box itself."""

    name: str = ""
    """Of the farm; it stands on the pages."""

    def __post_init__(self) -> None:
        """Raises ValueError for a name that is too long or has what is no letter."""
        with of("name"):
            if len(self.name) > MOST_NAME or not self.name.isprintable():
                raise ValueError(f"must be one line of at most {MOST_NAME} letters")
