"""The box that a dashboard was made for: its store, and what it can do beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from flask import current_app

from fieldbox.dashboard.athand import AtHand
from fieldbox.dashboard.ports.deciding import Decisions
from fieldbox.dashboard.ports.fields import FieldsStore
from fieldbox.dashboard.ports.flights import FlightsStore
from fieldbox.dashboard.ports.intake import Intake, TestFlights
from fieldbox.dashboard.ports.machine import BoxStore, Machine, Settings, Support
from fieldbox.dashboard.ports.people import PeopleStore
from fieldbox.dashboard.ports.review import ReviewStore
from fieldbox.dashboard.ports.sending import Examples, HubDesk, MessagesStore, SendingDesk
from fieldbox.dashboard.ports.surveys import SurveysStore
from fieldbox.domain import SeenFrom

EXTENSION = "fieldbox"
PICTURES_BYTES = 12 << 20
GRIDS_KEPT = 6


class Picture(NamedTuple):
    """An encoded image."""

    data: bytes
    mime: str


class Store(
    FieldsStore, FlightsStore, SurveysStore, ReviewStore, MessagesStore, PeopleStore, BoxStore, Protocol
):
    """The part of the store that the dashboard uses."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a box can do beside its store, each by another process or by the machine; None: it cannot, and no page offers it."""

    intake: Intake | None = None
    decisions: Decisions | None = None
    views: Callable[[str, float, float], Sequence[SeenFrom]] | None = None
    """The photos of a survey's flight that show a place (its id, latitude, longitude), the one most from above first."""
    release: Callable[[], str] | None = None
    """SHA-256 of the weed model that flights are mapped with; what tells it can raise the errors of the box."""
    machine: Machine | None = None
    support: Support | None = None
    settings: Settings | None = None
    examples: Examples | None = None
    hub: HubDesk | None = None
    sending: SendingDesk | None = None
    test_flights: TestFlights | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """What an app was made for: its store, its data folder, what it can do beside, and how it speaks unless somebody chose."""

    store: Store
    root: Path
    usual_language: str
    beyond: Beyond = Beyond()
    usual_unit: str = "ha"
    pictures: AtHand[Picture] = field(
        default_factory=lambda: AtHand(PICTURES_BYTES, lambda one: len(one.data))
    )
    """Of maps, made a moment ago."""
    grids: AtHand[Any] = field(default_factory=lambda: AtHand(GRIDS_KEPT, lambda _one: 1))
    """Arrays that such pictures are drawn from."""

    @property
    def language(self) -> str:
        """Of readers who chose none."""
        chosen = self.beyond.settings
        return chosen.now().locale.language if chosen else self.usual_language

    @property
    def area_unit(self) -> str:
        """Of readers who chose none."""
        chosen = self.beyond.settings
        return chosen.now().locale.area_unit if chosen else self.usual_unit

    @property
    def name(self) -> str:
        """The farm's; empty where nobody gave it one."""
        return self.beyond.settings.now().box.name if self.beyond.settings else ""


def box() -> Box:
    """The box of the app that answers the present request."""
    return cast(Box, current_app.extensions[EXTENSION])
