"""What the dashboard needs of the store, as protocols: `fieldbox.storage.store.Store` fits them as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from flask import current_app
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.domain import (
    ApiToken,
    Change,
    Cover,
    ExampleText,
    Field,
    Flight,
    FlightCheck,
    GivenVerdict,
    HubNow,
    IntakeStatus,
    LinkState,
    Message,
    MessageState,
    Offer,
    Placement,
    PlantHealth,
    Prescription,
    RefusedList,
    Rejection,
    Role,
    SentText,
    SettingNow,
    SettingValue,
    Spraying,
    Standing,
    Survey,
    Upload,
    Zone,
)
from fieldbox.i18n import Sentence

EXTENSION = "fieldbox"


class UserLike(Protocol):
    """A person with an account. An empty `password_hash` means: has not chosen one yet."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def password_hash(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def active(self) -> bool: ...


class JobLike(Protocol):
    """The work on one flight. `state` is waiting, running, done or failed."""

    @property
    def state(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def reason(self) -> Sentence | None: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def finished_at(self) -> datetime | None: ...


class FlightRowLike(Protocol):
    """A flight in a list. `captures` and `placed` count photos."""

    @property
    def id(self) -> str: ...
    @property
    def field_id(self) -> int | None: ...
    @property
    def started_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def saved_at(self) -> datetime: ...
    @property
    def captures(self) -> int: ...
    @property
    def placed(self) -> int: ...
    @property
    def job(self) -> JobLike | None: ...


class IngestLike(Protocol):
    """One copying of photos onto the box; `ended_at` None: not at its end yet."""

    @property
    def id(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def accepted(self) -> int: ...
    @property
    def rejected(self) -> int: ...


class DetectionLike(Protocol):
    """A plant of a survey. `outline` is float64 [K, 2] longitude, latitude, an open ring."""

    @property
    def cover(self) -> Cover: ...
    @property
    def score(self) -> float: ...
    @property
    def sure(self) -> bool: ...
    @property
    def area_cm2(self) -> float: ...
    @property
    def position_error_m(self) -> float: ...
    @property
    def outline(self) -> NDArray[np.float64]: ...
    @property
    def digest(self) -> str: ...
    @property
    def pixel_x(self) -> float: ...
    @property
    def pixel_y(self) -> float: ...
    @property
    def health(self) -> PlantHealth | None: ...


class GapLike(Protocol):
    """A stretch of a crop row where plants are missing; its ends are longitude, latitude."""

    @property
    def start(self) -> tuple[float, float]: ...
    @property
    def end(self) -> tuple[float, float]: ...
    @property
    def missing(self) -> int: ...


class KeptLike(Protocol):
    """How much of a flight's originals is on the box: of `captures` those `kept` whole; `gone_at` of the last removed."""

    @property
    def captures(self) -> int: ...
    @property
    def kept(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def pinned(self) -> bool: ...
    @property
    def gone_at(self) -> datetime | None: ...


class Store(Protocol):
    """The part of the store that the dashboard uses."""

    def fields(self) -> Sequence[Field]: ...
    def field(self, field_id: int) -> Field | None: ...
    def update_field(self, field_id: int, *, name: str) -> Field: ...
    def name_crop(self, field_id: int, crop: str | None) -> Field: ...
    def spraying(self, field_id: int) -> Spraying: ...
    def spray(self, field_id: int, how: Spraying) -> None: ...
    def flights(self, field_id: int | None = None) -> Sequence[FlightRowLike]: ...
    def flight(self, flight_id: str) -> Flight | None: ...
    def pin(self, flight_id: str, pinned: bool) -> bool: ...
    def kept(self, flight_id: str) -> KeptLike | None: ...
    def gone_at(self, digest: str) -> datetime | None: ...
    def ingests(self) -> Sequence[IngestLike]: ...
    def rejections(
        self, *, ingest_id: int | None = None, flight_id: str | None = None
    ) -> Sequence[Rejection]: ...
    def refused_lists(self, flight_id: str) -> Sequence[RefusedList]: ...
    def job_for_flight(self, flight_id: str) -> JobLike | None: ...
    def survey(self, survey_id: str) -> Survey | None: ...
    def surveys(self, field_id: int | None = None, flight_id: str | None = None) -> Sequence[Survey]: ...
    def detections(
        self,
        survey_id: str,
        *,
        bbox: tuple[float, float, float, float] | None = None,
        cover: Cover | None = None,
        poor: bool = False,
        limit: int | None = None,
    ) -> Sequence[DetectionLike]: ...
    def gaps(self, survey_id: str) -> Sequence[GapLike]: ...
    def checks(self, flight_ids: Iterable[str]) -> dict[str, FlightCheck]: ...
    def placements(self, survey_id: str) -> Sequence[Placement]: ...
    def message_page(self, limit: int, before: str | None = None) -> Sequence[Message]: ...
    def message_counts(self) -> Mapping[MessageState, int]: ...
    def message(self, message_id: str) -> Message | None: ...
    def link_state(self) -> LinkState | None: ...
    def verdicts(self, survey_id: str) -> Sequence[GivenVerdict]: ...
    def texts_of(self, message_id: str) -> Sequence[SentText]: ...
    def survey_told(self, message_id: str) -> str | None: ...
    def user(self, user_id: int) -> UserLike | None: ...
    def user_by_name(self, name: str) -> UserLike | None: ...
    def set_password_hash(self, user_id: int, password_hash: str) -> None: ...
    def use_login_token(self, token_hash: str, now: datetime) -> int | None: ...
    def setting(self, key: str) -> str | None: ...
    def set_setting(self, key: str, value: str) -> None: ...
    def use_token(self, token_hash: str) -> ApiToken | None: ...
    def audit(self, actor: str, action: str, detail: str) -> None: ...


class Uploads(Protocol):
    """What somebody sends from a browser: `fieldbox.ingest.uploads.Uploads` fits it as it is, and says more of it."""

    def create(self, user: str, field_name: str | None) -> Upload: ...
    def find(self, session_id: str, user: str) -> Upload | None: ...
    def sessions(self) -> list[Upload]: ...
    def offer(self, session: Upload, offers: Sequence[Offer]) -> list[Standing]: ...
    def offset(self, session: Upload, number: int) -> tuple[int, int]: ...
    def write(self, session: Upload, number: int, offset: int, chunk: bytes, crc: int) -> int: ...
    def finish(self, session: Upload) -> int: ...
    def remove(self, session: Upload) -> None: ...


@dataclass(frozen=True, slots=True)
class Intake:
    """The other process that takes photos in: where uploads go, and what it is doing (None: nobody knows)."""

    uploads: Uploads
    status: Callable[[], IntakeStatus | None]


class OfferedFile(Protocol):
    """A file that can be made of a survey. `group`: sprayer, print, walk or map."""

    @property
    def key(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def suffix(self) -> str: ...


class Decisions(Protocol):
    """What is to be done about a survey's field. Worked out in another process: it takes libraries that pages do without.

    Each can raise Rejected (there is nothing to lay out) and the other errors of the box.
    """

    def prescription(self, survey_id: str) -> Prescription: ...
    def vigour(self, survey_id: str) -> Sequence[Zone]: ...
    def change(self, before_id: str, after_id: str, *, sprayed: bool) -> Change: ...
    def files(self) -> Sequence[OfferedFile]: ...
    def make(self, survey_id: str, key: str, language: str) -> bytes: ...


class Settings(Protocol):
    """The settings of the box that people may choose on its pages."""

    def now(self) -> Config:
        """As they are; asked for with every page."""
        ...

    def all(self) -> Mapping[str, SettingNow]:
        """By `section.key`, each with where it comes from."""
        ...

    def choose(self, actor: str, values: Mapping[str, SettingValue]) -> Sequence[str]:
        """Keep what somebody chose; which of `values` are news. Raises Rejected: nothing is changed."""
        ...

    def reset(self, actor: str, names: Collection[str]) -> Sequence[str]:
        """Take back what was chosen. Raises Rejected."""
        ...


class Examples(Protocol):
    """Texts to the agronomist, as they would be."""

    def text(self, config: Config, *, spots: bool = False) -> ExampleText:
        """Of an alert by these settings; with `spots`, of the answer to MORE."""
        ...

    def try_text(self, number: str) -> ExampleText:
        """Let a text wait that says that it is a test. Raises Rejected for a number that is not texted."""
        ...


class HubDesk(Protocol):
    """The hub of the box. Each can raise Misconfigured; what reads a welcome, Rejected."""

    def now(self) -> HubNow | None:
        """None: the box has joined none."""
        ...

    def request(self) -> tuple[str, str]:
        """The box's id, and the text with which a hub is asked."""
        ...

    def read(self, welcome: str) -> HubNow:
        """The hub of a welcome; nothing is changed."""
        ...

    def join(self, welcome: str) -> HubNow:
        """Take it as this box's."""
        ...

    def leave(self) -> None:
        """Forget it."""
        ...


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a box can do beside its store, each by another process or by the machine; None: it cannot, and no page offers it."""

    intake: Intake | None = None
    decisions: Decisions | None = None
    settings: Settings | None = None
    examples: Examples | None = None
    hub: HubDesk | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """What an app was made for: its store, its data folder, what it can do beside, and how it speaks unless somebody chose."""

    store: Store
    root: Path
    usual_language: str
    beyond: Beyond = Beyond()
    usual_unit: str = "ha"

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
