"""Kinds of values that several subjects share, with their descriptions."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

Interval95 = Annotated[
    tuple[float, float] | None,
    Meta(description="95 % interval: lower and upper end; null where it is not known."),
]
Place = Annotated[
    tuple[
        Annotated[float, Meta(ge=-180, le=180, description="Longitude.")],
        Annotated[float, Meta(ge=-90, le=90, description="Latitude.")],
    ],
    Meta(description="Longitude, latitude (WGS 84)."),
]
Degrees = Annotated[float, Meta(description="Degrees, WGS 84.")]
CameraTime = Annotated[
    str | None,
    Meta(description="By the camera's clock, without a zone; null where the photos do not tell."),
]
Digest = Annotated[
    str, Meta(description="BLAKE3 of the photo, lower-case hexadecimal; see `/photo/{digest}`.")
]
Count = Annotated[int, Meta(ge=0)]
Cursor = Annotated[
    str | None, Meta(description="From `next` of the page before; no other value has a meaning.")
]
SurveyId = Annotated[str, Meta(description="A survey's id.")]
FlightId = Annotated[str, Meta(description="A flight's id.")]
LARGEST: Final = 2**53 - 1
"""Whole numbers that all who read JSON agree upon end here."""
FieldId = Annotated[int, Meta(ge=1, le=LARGEST, description="A field's number.")]
Words = Annotated[str, Meta(description="In the language of Accept-Language.")]
