"""The settings of what is sent: over data, and as texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final

from fieldbox.config.values import (
    bounded,
    link_kind,
    listed,
    megabytes,
    of,
    one_of,
    phone_number,
    span,
    told_of_link,
)
from fieldbox.domain import LinkKind

MB: Final = 1_000_000
"""As network operators count."""


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """When and over what the box sends to its hub."""

    identity: Path = Path()
    """Folder of the box's keys, its certificate and its hub's; empty: `identity` under the root."""
    links: str = "ethernet, wifi, phone, modem, other"
    """Those that may be used, the preferred one first."""
    metered: str = "phone, modem, other"
    """Kinds of links whose bytes cost, beside those of which the system says so."""
    monthly_mb: str = "phone 20, modem 20, other 20"
    """Budget of each kind of link, in MB of 10^6 IP bytes; a kind that is not named has none."""
    cost_per_mb: str = ""
    """What a MB costs on each kind of link: "modem 0.35, phone 0", in sms.currency; for a kind that is not named it is not
    known."""
    month_starts: int = bounded(1, 1, 28)
    """Day of the month on which the budget begins anew."""
    alert_reserve_pct: float = bounded(20.0, 0, 100)
    """Share of a budget that is left to alerts."""
    quiet_hours: str = ""
    """Of each kind of link, by the box's local time: "modem 21:00-05:30, phone 22:00-06:00"."""
    alerts_in_quiet_hours: bool = False
    gather_hours: float = bounded(4.0, 0, 24 * 30)
    """On a metered link summaries wait so long for others to go with."""
    listen_hours: float = bounded(24.0, 0, 24 * 365)
    """After so long without a connection one is made even if nothing waits, to hear what the hub wants; 0: never."""
    pictures: bool = False
    """Whether the hub may ask for small pictures of spots."""
    hub_settings: bool = True
    """Whether the hub may change when and how much is sent, and the language of texts."""
    modem_connection: str = ""
    """NetworkManager's profile that is brought up for a burst; empty: none is."""

    def __post_init__(self) -> None:
        """Raises ValueError for a list that cannot be read: told when the settings are read."""
        with of("links"):
            self.kinds  # noqa: B018
        with of("metered"):
            self.metered_kinds  # noqa: B018
        with of("monthly_mb"):
            self.budgets  # noqa: B018
        with of("cost_per_mb"):
            self.costs  # noqa: B018
        with of("quiet_hours"):
            self.quiet  # noqa: B018

    @property
    def costs(self) -> dict[LinkKind, float]:
        """Money for 10^6 IP bytes. Raises ValueError."""
        told = dict(told_of_link(one, "0.35") for one in listed(self.cost_per_mb))
        return {kind: megabytes(value) for kind, value in told.items()}

    @property
    def kinds(self) -> tuple[LinkKind, ...]:
        """Links that may be used, the preferred one first. Raises ValueError."""
        return tuple(link_kind(one) for one in listed(self.links))

    @property
    def metered_kinds(self) -> frozenset[LinkKind]:
        """Raises ValueError."""
        return frozenset(link_kind(one) for one in listed(self.metered))

    @property
    def budgets(self) -> dict[LinkKind, int]:
        """IP bytes of a month. Raises ValueError."""
        told = dict(told_of_link(one, "20") for one in listed(self.monthly_mb))
        return {kind: round(megabytes(value) * MB) for kind, value in told.items()}

    @property
    def quiet(self) -> dict[LinkKind, tuple[tuple[time, time], ...]]:
        """Spans of the day by local time; one whose end is not after its start runs past midnight. Raises ValueError."""
        found: dict[LinkKind, tuple[tuple[time, time], ...]] = {}
        for one in listed(self.quiet_hours):
            kind, value = told_of_link(one, "21:00-05:30")
            found[kind] = (*found.get(kind, ()), span(value))
        return found


@dataclass(frozen=True, slots=True)
class SmsConfig:
    """Texts to the agronomist."""

    send: str = "never"
    """never, alerts, or surveys (alerts too)."""
    numbers: str = ""
    """Who is texted and may text back: "+919812345678, +919800000001"."""
    language: str = "en"
    """en, hi, mr, ta, te or kn."""
    script: str = "script"
    """script, or latin: in Latin letters a text is half as long."""
    daily_parts: int = bounded(100, 0, 100)
    """Parts within 24 hours; more would not be a SIM's personal use."""
    cost_per_part: float = bounded(0.0, 0, 1000)
    currency: str = ""
    quiet_hours: str = ""
    """By the box's local time, in which only alerts go: "21:00-06:00"."""
    hub_number: str = ""
    """Of the hub's SIM; empty: as the hub told when the box joined it."""
    hub_after_hours: float = bounded(24.0, 0, 24 * 365)
    """What waited so long for data goes to the hub's SIM as texts; 0: never."""

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be meant."""
        with of("send"):
            one_of(self.send, ("never", "alerts", "surveys"))
        with of("language"):
            one_of(self.language, ("en", "hi", "mr", "ta", "te", "kn"))
        with of("script"):
            one_of(self.script, ("script", "latin"))
        with of("numbers"):
            if not self.allowed and self.send != "never":
                raise ValueError(f"names nobody to text, and send is {self.send}")
        with of("quiet_hours"):
            self.quiet  # noqa: B018
        with of("hub_number"):
            self.hub  # noqa: B018

    @property
    def allowed(self) -> tuple[str, ...]:
        """Numbers in the form +919812345678, each once. Raises ValueError."""
        return tuple(dict.fromkeys(phone_number(one) for one in listed(self.numbers)))

    @property
    def quiet(self) -> tuple[time, time] | None:
        """One whose end is not after its start runs past midnight. Raises ValueError."""
        return span(self.quiet_hours) if self.quiet_hours.strip() else None

    @property
    def hub(self) -> str | None:
        """The hub's number in the form +919812345678. Raises ValueError."""
        return phone_number(self.hub_number) if self.hub_number.strip() else None
