"""Pages and what is read back from them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
from PIL import Image
from pypdf import PdfReader

from fieldbox.summary.groundmap import Extent, GroundMap, Mark
from fieldbox.summary.report import FigureText, ReportContents, Section, SpotText

MADE = datetime(2026, 6, 3, 10, 20, tzinfo=UTC)
FIELD = ((0.0, 0.0), (60.0, 0.0), (60.0, 40.0), (0.0, 40.0))


def pages(pdf: bytes) -> list[str]:
    """The text of each page, on one line."""
    return [" ".join(one.extract_text().split()) for one in PdfReader(io.BytesIO(pdf)).pages]


def jpeg(width: int, height: int, quality: int = 70) -> bytes:
    """A noisy picture: as heavy as they come."""
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def ground(*, width: float = 60.0, height: float = 40.0, picture: bytes | None = None) -> GroundMap:
    """A field with a zone, ground that was not seen and two numbers."""
    zone = ((5.0, 5.0), (20.0, 5.0), (20.0, 15.0), (5.0, 15.0))
    hole = ((8.0, 8.0), (12.0, 8.0), (12.0, 12.0), (8.0, 12.0))
    return GroundMap(
        boundary=tuple((x / 60 * width, y / 40 * height) for x, y in FIELD),
        picture=picture,
        picture_at=Extent(0.0, 0.0, width, height) if picture else None,
        zones=((zone, hole),),
        unseen=((((40.0, 5.0), (50.0, 5.0), (50.0, 15.0)),),),
        marks=(Mark("1", 10.0, 10.0), Mark("2", 10.5, 10.0)),
        north_deg=1.0,
    )


def contents(**told: object) -> ReportContents:
    """A report of a plain survey, with what is told in place of it."""
    plain: dict[str, object] = {
        "language": "en",
        "made_at": MADE,
        "kicker": "Field report",
        "title": "North plot",
        "facts": "Flown on 3 June 2026",
        "mark": None,
        "verdict": ("Weeds cover 3 % of the ground.",),
        "ground": ground(),
        "legend": "Hatched: not seen.",
        "figures_title": "Numbers",
        "figures": tuple(FigureText(f"Figure {number}", f"{number}", "1–9") for number in range(11)),
        "figures_note": "A note.",
        "trust": "Places are right.",
        "spots_title": "Spots to visit",
        "spots": tuple(
            SpotText(number, ("18.5, 73.8", "12 m²"), None, "No photo.") for number in range(1, 4)
        ),
        "spots_note": "Go there.",
        "sections": (Section("What was not seen", ("Nothing.",)), Section("Data", ("Good.",))),
        "more": "More is on the dashboard.",
        "notes_title": "Notes",
        "footer": "survey one",
    }
    return ReportContents(**{**plain, **told})  # type: ignore[arg-type]
