"""What the dashboard needs of the store and of what else a box can do, as protocols, a module per subject.

`fieldbox.storage.store.Store` fits `Store` as it is.
"""

from fieldbox.dashboard.ports.deciding import Decisions, OfferedFile
from fieldbox.dashboard.ports.flights import (
    BroughtLike,
    FlightRowLike,
    GoingLike,
    IngestLike,
    JobLike,
    KeptLike,
    MappedLike,
    WorkedLike,
)
from fieldbox.dashboard.ports.intake import Intake, TestFlights, Uploads
from fieldbox.dashboard.ports.machine import CheckedLike, FreedLike, Machine, Settings, Support, Tally
from fieldbox.dashboard.ports.people import AuditLike, UserLike
from fieldbox.dashboard.ports.sending import CommandLike, Examples, HubDesk, SendingDesk
from fieldbox.dashboard.ports.surveys import BriefLike, DetectionLike, GapLike, ReleasedLike
from fieldbox.dashboard.ports.whole import (
    EXTENSION,
    GRIDS_KEPT,
    PICTURES_BYTES,
    Beyond,
    Box,
    Picture,
    Store,
    box,
)

__all__ = [
    "EXTENSION",
    "GRIDS_KEPT",
    "PICTURES_BYTES",
    "AuditLike",
    "Beyond",
    "Box",
    "BriefLike",
    "BroughtLike",
    "CheckedLike",
    "CommandLike",
    "Decisions",
    "DetectionLike",
    "Examples",
    "FlightRowLike",
    "FreedLike",
    "GapLike",
    "GoingLike",
    "HubDesk",
    "IngestLike",
    "Intake",
    "JobLike",
    "KeptLike",
    "Machine",
    "MappedLike",
    "OfferedFile",
    "Picture",
    "ReleasedLike",
    "SendingDesk",
    "Settings",
    "Store",
    "Support",
    "Tally",
    "TestFlights",
    "Uploads",
    "UserLike",
    "WorkedLike",
    "box",
]
