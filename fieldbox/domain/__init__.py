"""The nouns of fieldbox. Frozen, no behaviour beyond what a noun knows of itself.

Conventions, used everywhere:
- Pixels: x to the right, y down; the centre of the top-left pixel is (0, 0).
- Ground: east and north in metres in the UTM zone of the flight (`epsg`), float64.
- Angles: degrees. Yaw is the direction in which the top of the image points, clockwise from true
  north. Pitch and roll are those of an aircraft with the camera looking straight down: (0, 0) is
  nadir, positive pitch looks ahead (towards the image's top), positive roll looks to the left.
- Errors: one standard deviation unless the name ends in 95. What is not known is None or NaN.
- Capture digests are lower-case hexadecimal BLAKE3 of the file's bytes.
"""

from fieldbox.domain.checks import (
    FEW_HOLES_PCT,
    HOPELESS,
    MANY_HOLES_PCT,
    MUCH_THIN_PCT,
    Finding,
    FlightCheck,
    NotAligned,
    Placement,
    Quality,
    Verdict,
    hangs_together,
    worst,
)
from fieldbox.domain.coming import Bringing, Brought, Came, IntakeStatus, Offer, Standing, Upload, Way
from fieldbox.domain.maps import (
    Cover,
    Detection,
    FieldMap,
    Gap,
    Hotspot,
    Interval,
    Ladder,
    LayerLabel,
    PlantHealth,
    View,
    WeedBasis,
    Window,
)
from fieldbox.domain.photos import (
    BANDS,
    MOSAIC_ERROR_TAG,
    Camera,
    Capture,
    CaptureKind,
    Field,
    FileKind,
    FileState,
    Flight,
    FlightHeadings,
    FlightHeight,
    Original,
    Pose,
    RefusedList,
    Rejection,
    SideFile,
    SideKind,
    Source,
    Stated,
)
from fieldbox.domain.surveys import Message, Survey

__all__ = [
    "BANDS",
    "FEW_HOLES_PCT",
    "HOPELESS",
    "MANY_HOLES_PCT",
    "MOSAIC_ERROR_TAG",
    "MUCH_THIN_PCT",
    "Bringing",
    "Brought",
    "Came",
    "Camera",
    "Capture",
    "CaptureKind",
    "Cover",
    "Detection",
    "Field",
    "FieldMap",
    "FileKind",
    "FileState",
    "Finding",
    "Flight",
    "FlightCheck",
    "FlightHeadings",
    "FlightHeight",
    "Gap",
    "Hotspot",
    "IntakeStatus",
    "Interval",
    "Ladder",
    "LayerLabel",
    "Message",
    "NotAligned",
    "Offer",
    "Original",
    "Placement",
    "PlantHealth",
    "Pose",
    "Quality",
    "RefusedList",
    "Rejection",
    "SideFile",
    "SideKind",
    "Source",
    "Standing",
    "Stated",
    "Survey",
    "Upload",
    "Verdict",
    "View",
    "Way",
    "WeedBasis",
    "Window",
    "hangs_together",
    "worst",
]
