"""What the store hands out beyond the nouns of `fieldbox.domain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import (
    Cover,
    FlightHeadings,
    FlightHeight,
    Interval,
    LayerLabel,
    PlantHealth,
    Role,
    WeedBasis,
)
from fieldbox.i18n import Sentence


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""Leave this value as it is (None would clear it)."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """One time that somebody brought photos."""

    id: int
    source: str
    started_at: datetime
    ended_at: datetime | None
    """None: still running, or cut off."""
    duplicates: int
    bands: list[str] | None
    """What somebody said those of its orthomosaics are; None: nothing was said."""
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Brought:
    """What one ingest brought of a flight."""

    ingest_id: int
    source: str
    started_at: datetime
    new: int
    """Photos."""
    known: int
    """Photos that were on the box already."""


class JobState(StrEnum):
    """Where the work on a flight stands. Waiting and running jobs are live."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """The work of looking at one flight with one model release."""

    id: int
    flight_id: str
    release_sha: str
    state: JobState
    attempts: int
    """Errors that the work ended with so far."""
    deaths: int
    """Claims since the work last got further than ever before: a power cut, or a photo that kills."""
    step: str
    done: int
    total: int
    reason: Sentence | None
    """Why it last failed."""
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    started_at: datetime | None = None
    """When it was last taken up."""
    spent: Mapping[str, float] | None = None
    """Seconds that its steps took so far; None: not known."""
    worked: Mapping[str, int] | None = None
    """Parts of its steps that were done in these seconds."""
    anew: Anew | None = None
    stop_by: str | None = None
    """Who wants it to stop."""


class Anew(StrEnum):
    """How far a wish is that every photo be looked at again."""

    WANTED = "wanted"
    BEGUN = "begun"
    """What had been kept is dropped: what is kept now is new."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What the map of a flight took."""

    photos: int
    spent: Mapping[str, float]
    """Seconds by step."""
    worked: Mapping[str, int]
    """Parts of the steps that were done in them."""
    reached: Mapping[str, int]
    """All parts of the steps: some may have been kept of an earlier try."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Under what a flight was last mapped."""

    release_sha: str
    conditions: Mapping[str, str] | None
    """None: by an earlier release, which kept none."""
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Census:
    """What the box holds, counted."""

    surveys: int
    photos: int
    release: str | None
    """Of the model that the newest survey was made with."""
    bytes_a_day: float | None
    """That came onto the box lately; None: nothing did."""
    failed: int
    """Flights that could not be mapped."""
    last_failure: Sentence | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the database."""

    revision: str
    """Of its schema."""
    rows: Mapping[str, int]
    """By tables."""


@dataclass(frozen=True, slots=True)
class Released:
    """A model release, and what it was used for."""

    release: str
    """As surveys name it."""
    surveys: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is."""

    flights: Mapping[str, int]
    """By the state of their newest job; "none": no work was asked for."""
    photos: int
    surveys: int
    fields: int


@dataclass(frozen=True, slots=True)
class FlightRow:
    """A flight in a list, without its captures."""

    id: str
    field_id: int | None
    started_at: datetime | None
    ended_at: datetime | None
    simulated: bool
    saved_at: datetime
    """When the box first learned of it (the camera's clock may be wrong)."""
    captures: int
    placed: int
    job: Job | None
    """The newest."""


@dataclass(frozen=True, slots=True)
class FlightFilter:
    """Which flights are wanted; None: it does not matter."""

    field_id: int | None = None
    placed: bool | None = None
    """Whether it lies over a field."""
    states: tuple[JobState, ...] | None = None
    """Of its newest job."""


@dataclass(frozen=True, slots=True)
class SurveyBrief:
    """The few numbers of a survey that a list or a card shows, named as those of domain.Survey."""

    id: str
    flight_id: str
    field_id: int
    release: str
    made_at: datetime
    flown_at: datetime | None
    """By the camera's clock."""
    simulated: bool
    gsd_cm: float
    weed_cover_pct: float | None
    weed_cover_pct_interval95: Interval | None
    weed_count: int | None
    weed_count_interval95: Interval | None
    weed_basis: WeedBasis | None
    layer_label: LayerLabel
    spots: int
    """Hotspots."""
    warning: Sentence | None
    """The first of its warnings."""


class Hold(StrEnum):
    """Why the originals of a flight may not be removed."""

    PINNED = "pinned"
    """Somebody wants them."""
    UNMAPPED = "unmapped"
    """There is no map of it, or its pictures are gone: they would have to be made of the originals."""
    QUEUED = "queued"
    """Its newest job is not done (it waits, runs or has failed), or was done before the last of its photos came."""
    ARRIVING = "arriving"
    """Some of them are being brought in."""
    UNPLACED = "unplaced"
    """Nothing tells where they were taken, but they came not long ago: a list of positions may follow."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the box keeps of a flight beside its results."""

    flight_id: str
    since: datetime
    """When the last of its originals came."""
    files: Mapping[str, int]
    """Originals that are there: digest to bytes."""
    holds: frozenset[Hold] = frozenset()
    """Empty: all of it may be removed."""
    survey_id: str | None = None
    """The survey that counts."""
    made: tuple[str, ...] = ()
    """Digests of those captures whose pictures are made of the originals."""
    made_bytes: int = 0
    """Of these pictures."""
    placed: bool = True
    """False: nothing tells where its photos were taken, so there is no map to wait for."""
    unsent: bool = False
    """The hub has not confirmed yet what tells of it: it may go, but after all others, as the hub may ask for pictures."""


@dataclass(frozen=True, slots=True)
class Going:
    """What deleting a flight removes, and what stays."""

    flight_id: str
    captures: tuple[str, ...]
    """Digests of its photos that no other flight has."""
    shared: int
    """Photos that stay, as another flight has them too."""
    originals: int
    """Files that are on the box and go."""
    bytes: int
    """Of these."""
    surveys: tuple[str, ...]
    """Ids."""
    plants: int
    labels: int
    """What people said of single plants."""
    verdicts: int
    """And of surveys."""
    marks: int
    """Of control points, in its photos."""
    rows: int
    """Of the database."""
    waiting: tuple[str, ...]
    """Ids of messages that are not sent any more."""
    sent: int
    """Messages that stay as history."""
    held: Sentence | None
    """Why it cannot go just now."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that was refused when it was read: nothing was made of it."""

    digest: str
    size: int
    """Bytes."""
    since: datetime
    """When it came."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How much of a flight's originals is still on the box."""

    captures: int
    kept: int
    """Of these captures, those all of whose files are there."""
    bytes: int
    pinned: bool
    gone_at: datetime | None
    """When the last one was removed."""


Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; the edges belong to it."""


class ViewKey(NamedTuple):
    """What the result of looking at one view depends on."""

    digest: str
    plan_key: str
    release_sha: str


@dataclass(frozen=True, slots=True)
class HeightRow:
    """What was found of a flight's height above the ground."""

    key: str
    """Digest of all that it was found from."""
    told: FlightHeight | Sentence
    """The height, or why it could not be found."""


@dataclass(frozen=True, slots=True)
class HeadingsRow:
    """What was found of the directions of a flight's photos."""

    key: str
    """Digest of all that they were found from."""
    told: FlightHeadings


@dataclass(frozen=True, slots=True)
class StoredDetection:
    """A single plant on the ground, as it is looked up."""

    id: int
    cover: Cover
    score: float
    lat: float
    lon: float
    area_cm2: float
    position_error_m: float
    """95 % horizontal radius."""
    outline: NDArray[np.float64]
    """[K, 2] longitude, latitude; open ring."""
    digest: str
    """The capture it was seen in."""
    pixel_x: float
    pixel_y: float
    health: PlantHealth | None = None
    size_z: float | None = None
    colour_z: float | None = None
    sure: bool = True
    """By the model's rule, after the ladder of doubt."""


@dataclass(frozen=True, slots=True)
class StoredGap:
    """A stretch of a crop row where plants are missing."""

    start: tuple[float, float]
    """Longitude, latitude of the plant before it."""
    end: tuple[float, float]
    """Longitude, latitude of the plant after it."""
    missing: int


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in."""

    id: int
    name: str
    password_hash: str
    role: Role
    created_at: datetime
    active: bool = True
    """False: shut out."""
    seen_at: datetime | None = None
    """The last log-in."""
    sessions: int = 0
    """A session is good while this is what it was at its beginning."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what. `id` grows with each."""

    id: int
    at: datetime
    actor: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the hub told the box to do, and what came of it."""

    id: str
    """32 hexadecimal digits."""
    kind: str
    """resend, picture, settings or certificate."""
    body: Mapping[str, object]
    """Plain values, without what is large or secret."""
    issued_at: datetime
    """By the hub's clock."""
    received_at: datetime
    done: bool
    why: Sentence
    """What came of it."""
