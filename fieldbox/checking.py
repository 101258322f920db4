"""Whether a flight is good enough, before the pilot leaves: from what its photos say and from a glance at each.

Poses are those of the tags: a hole of a metre may be none once the photos are aligned, one of a flight line is one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import (
    FEW_HOLES_PCT,
    MANY_HOLES_PCT,
    MUCH_THIN_PCT,
    Capture,
    Finding,
    FlightCheck,
    Verdict,
)
from fieldbox.geometry import geometries_of, is_mosaic
from fieldbox.georef.flightheight import LEAST_PHOTOS
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.glance import Glance
from fieldbox.imagery.poses import NO_DIRECTION, NO_HEIGHT, NO_POSITION, ONLY_SEA_LEVEL
from fieldbox.quality import Ground

BLURRED_BELOW = -0.45
"""Sharpness (`imagery.glance.Glance`) of a photo that is blurred whatever its flight is like. Sharp photos of two real
flights have -0.19 to 0.04; smeared over 12 pixels they have -0.44 to -0.50, over 20 -0.50 to -0.54."""
SPOILT = 0.10
"""Share of burnt out or black pixels from which on a photo counts as badly exposed."""
FEW, MANY = 0.05, 0.30
"""Shares of a flight's photos: worth telling, and too many to go home with."""
FOUND_LATER = (NO_HEIGHT, ONLY_SEA_LEVEL, NO_DIRECTION)
OLD = timedelta(days=30)
AHEAD = timedelta(days=1)
_GRADES = list(Verdict)


@dataclass(frozen=True, slots=True)
class Seeing:
    """What the weed model can see."""

    coarsest_gsd_mm: float
    """At which single weeds are told."""
    still_gsd_mm: float
    """At which they still are, for heights are not that exact."""
    cell_gsd_mm: float
    """Finer photos are looked at on this scale."""
    cell_px: float
    """Pixels of that scale to a cell of the model's map."""
    least_cells: float
    """Of the smallest plant."""

    def smallest_weed_mm(self, gsd_mm: float) -> float:
        """Diameter of the disc with the least area that is ever counted as a plant at this scale."""
        cell = max(gsd_mm, self.cell_gsd_mm) * self.cell_px
        return 2 * cell * math.sqrt(self.least_cells / math.pi)


def check_flight(
    captures: Sequence[Capture],
    glances: Mapping[str, Glance],
    seeing: Seeing,
    now: datetime,
    field: Sequence[tuple[float, float]] = (),
) -> FlightCheck:
    """Check the captures of one flight. `glances` by digest, of those that have one; `now` by the box's clock, naive local
    time; `field`, ring of (lon, lat), is what was to be flown, if somebody has drawn it."""
    captures = [one for one in captures if not one.shows_panel]
    mosaic, told = is_mosaic(captures), geometries_of(captures)
    gsd = 1000 * float(np.median([one.gsd_m for one in told.values()])) if told else None
    ground = None if mosaic or not told else _ground(list(told.values()), field)
    plane = next(iter(told.values())).plane if told else None
    seen = [glances[one.digest] for one in captures if one.digest in glances]
    blurred = sum(one.sharpness < BLURRED_BELOW for one in seen)
    spoilt = sum(one.over + one.under > SPOILT for one in seen)
    findings = [
        *_places(captures),
        *_sharpness(blurred, len(seen)),
        *_exposure(spoilt, len(seen)),
        *_scale(gsd, seeing, None if mosaic else _height(told.values())),
        *(_cover(ground) if ground else ()),
        *(() if mosaic else _clock(captures, now)),
    ]
    return FlightCheck(
        mosaic=mosaic,
        photos=len(captures),
        placed=len(told),
        started_at=min((one.taken_at for one in captures if one.taken_at), default=None),
        gsd_mm=gsd,
        smallest_weed_mm=None if gsd is None else seeing.smallest_weed_mm(gsd),
        overlap=ground.overlap if ground else None,
        thin_pct=ground.thin_pct if ground else None,
        bare_pct=ground.bare_pct if ground else None,
        holes=tuple(ground.holes(plane)) if ground and plane else (),
        thin=tuple(ground.thin(plane)) if ground and plane else (),
        blurred=blurred,
        badly_exposed=spoilt,
        findings=tuple(sorted(findings, key=lambda one: -_GRADES.index(one.verdict))),
    )


def _ground(photos: Sequence[PhotoGeometry], field: Sequence[tuple[float, float]]) -> Ground | None:
    """None where the footprints span no ground."""
    if field:
        ring = _on_plane(field, photos[0].plane)
    else:
        hull = shapely.convex_hull(shapely.MultiPoint(np.concatenate([one.footprint() for one in photos])))
        ring = (
            np.asarray(hull.exterior.coords)[:-1] if isinstance(hull, shapely.Polygon) else np.zeros((0, 2))
        )
    return Ground.of(photos, ring, drawn=bool(field)) if len(ring) >= 3 else None


def _on_plane(field: Sequence[tuple[float, float]], plane: GroundPlane) -> NDArray[np.float64]:
    lon, lat = np.asarray(field, np.float64).T
    return np.asarray(np.column_stack(plane.to_ground(lat, lon)))


def _share(part: int, whole: int) -> Verdict | None:
    """What a number of bad photos makes of a flight; None: nothing."""
    if part > MANY * whole:
        return Verdict.AGAIN
    return Verdict.USABLE if part > FEW * whole else None


def _places(captures: Sequence[Capture]) -> list[Finding]:
    """Photos without a place, by reason. Where there is a GPS position the pixels may still tell the rest."""
    total, found = len(captures), []
    without = sum(map(_lacks_gps, captures))
    if without:
        verdict = Verdict.AGAIN if without > total / 2 else Verdict.USABLE
        template = N_(
            "{count} of {total} photos have no GPS position: wait for satellites before take-off, and give original files."
        )
        found.append(Finding("gps", verdict, Sentence(template, {"count": without, "total": total})))
    waiting = _to_be_found(captures)
    if waiting:
        template = N_(
            "{count} of {total} photos do not state their height above the ground, or which way the camera was turned: the box"
            " finds that from what they show, if they were taken in lines and overlap enough."
        )
        sentence = Sentence(template, {"count": len(waiting), "total": total})
        found.append(Finding("pixels", Verdict.USABLE, sentence))
    nothing = not waiting and not any(one.pose for one in captures)
    for reason, count in _reasons([one for one in captures if one.digest not in waiting]):
        template = N_("{count} of {total} photos cannot be placed by their tags alone.")
        sentence = Sentence(template, {"count": count, "total": total})
        found.append(Finding("pose", Verdict.AGAIN if nothing else Verdict.USABLE, sentence, reason))
    return found


def _lacks_gps(capture: Capture) -> bool:
    """Frames of a video without its subtitles lack those."""
    return capture.lat is None and capture.pose is None and capture.unplaced in (None, NO_POSITION)


def _to_be_found(captures: Sequence[Capture]) -> set[str]:
    """Digests of photos that have a GPS position and lack no more than what their pixels tell when they are taken in."""
    found = {
        one.digest
        for one in captures
        if one.pose is None and one.lat is not None and one.camera and one.unplaced in FOUND_LATER
    }
    return found if len(captures) >= LEAST_PHOTOS else set()


def _reasons(captures: Sequence[Capture]) -> list[tuple[Sentence, int]]:
    """Why photos have no pose that do not just lack GPS."""
    told = [one.unplaced for one in captures if one.pose is None and one.unplaced and not _lacks_gps(one)]
    counted = Counter(one.to_json() for one in told)
    return [(Sentence.from_json(text), count) for text, count in counted.most_common()]


def _sharpness(blurred: int, seen: int) -> list[Finding]:
    verdict = _share(blurred, seen)
    if verdict is None:
        return []
    template = N_(
        "{count} of {total} photos are blurred: fly slower, with a shorter shutter time, and look whether the lens is clean."
    )
    return [Finding("blur", verdict, Sentence(template, {"count": blurred, "total": seen}))]


def _exposure(spoilt: int, seen: int) -> list[Finding]:
    verdict = _share(spoilt, seen)
    if verdict is None:
        return []
    template = N_(
        "{count} of {total} photos are burnt out or too dark: let the camera set its exposure itself."
    )
    return [Finding("exposure", verdict, Sentence(template, {"count": spoilt, "total": seen}))]


def _height(photos: Iterable[PhotoGeometry]) -> float:
    """Metres above the ground, the median; NaN: there are no photos."""
    heights = [one.pose.height_m for one in photos]
    return float(np.median(heights)) if heights else math.nan


def _scale(gsd_mm: float | None, seeing: Seeing, height_m: float | None) -> list[Finding]:
    """`height_m` is the flight's; None: these are the tiles of an orthomosaic, which was not flown."""
    if gsd_mm is None or gsd_mm <= seeing.still_gsd_mm:
        return []
    params: dict[str, str | int | float] = {"gsd": round(gsd_mm, 1)}
    if height_m is None:
        template = N_(
            "At {gsd} mm per pixel only how much is green can be told, no single weeds: give a mosaic of {least} mm or finer."
        )
        params["least"] = seeing.coarsest_gsd_mm
    else:
        template = N_(
            "At {gsd} mm per pixel only how much is green can be told, no single weeds: fly at {height} m or lower."
        )
        params["height"] = math.floor(10 * height_m * seeing.coarsest_gsd_mm / gsd_mm) / 10
    return [Finding("gsd", Verdict.USABLE, Sentence(template, params))]


def _cover(ground: Ground) -> list[Finding]:
    found = []
    if ground.bare_pct > FEW_HOLES_PCT:
        verdict = Verdict.AGAIN if ground.bare_pct > MANY_HOLES_PCT else Verdict.USABLE
        template = N_("No photo shows {percent} % of the ground: fly the holes again.")
        found.append(Finding("holes", verdict, Sentence(template, {"percent": round(ground.bare_pct, 1)})))
    if ground.thin_pct - ground.bare_pct > MUCH_THIN_PCT:
        template = N_(
            "Fewer than three photos show {percent} % of the ground: fly with more overlap, 75 % along the line and 65 % across."
        )
        percent = round(ground.thin_pct, 1)
        found.append(Finding("overlap", Verdict.USABLE, Sentence(template, {"percent": percent})))
    return found


def _clock(captures: Sequence[Capture], now: datetime) -> list[Finding]:
    times = [one.taken_at for one in captures if one.taken_at]
    if not times:
        template = N_("The photos do not say when they were taken: set the camera's clock.")
        return [Finding("clock", Verdict.USABLE, Sentence(template))]
    newest = max(times)
    if newest - now > AHEAD:
        template = N_(
            "By its clock the camera took photos on {date}, which is to come: set the clock of camera or box."
        )
    elif now - newest > OLD:
        template = N_(
            "By its clock the camera took these photos on {date}: if that is wrong, set the camera's clock."
        )
    else:
        return []
    return [Finding("clock", Verdict.USABLE, Sentence(template, {"date": newest.date().isoformat()}))]
