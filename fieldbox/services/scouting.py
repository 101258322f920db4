"""A walk through the spots of a survey that are worth a visit: behind `fieldbox walk`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.domain import Cover, Field, PlantHealth, Survey, Walk
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.i18n import N_, _
from fieldbox.mapping.backdrop import read_overview
from fieldbox.mapping.files import replacing
from fieldbox.mapping.patches import mended
from fieldbox.mapping.rows import find_rows
from fieldbox.mapping.spots import Placed, Plants, of_crop, of_doubts, of_weeds, pictured, worth_visiting
from fieldbox.mapping.walking import Terrain, shortest_walk
from fieldbox.services.box import open_store
from fieldbox.services.finding import find_survey
from fieldbox.services.vigour import vigour_of
from fieldbox.storage.rows import StoredDetection
from fieldbox.storage.store import Store
from fieldbox.summary.letters import fonts_in
from fieldbox.summary.walk import also_of, called, to_gpx, to_kml, told, words_of
from fieldbox.summary.walkpicture import Backdrop, draw

FORMATS = (".gpx", ".kml", ".jpg")
FAR_M = 5000.0
"""A start farther from the field than this is a slip of the pen."""
_PICTURE_PX = 1600
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a walk is to be like."""

    spots: int = 8
    start: tuple[float, float] | None = None
    """(lat, lon); None: the place on the boundary that is nearest to all spots."""
    along_rows: bool = False
    """Keep to the crop rows: going across tramples plants."""


@dataclass(frozen=True, slots=True)
class Scouted:
    """A walk over a field."""

    survey_id: str
    field: str
    walk: Walk
    photos: Mapping[str, str]
    """Names of captures by their digests."""

    def to_json(self) -> dict[str, Any]:
        """For machines. What is not known is null."""
        walk = self.walk
        return {
            "survey": self.survey_id,
            "field": self.field,
            "length_m": round(walk.length_m, 1),
            "position_error_m": walk.error_m,
            "start": {"lat": walk.start[0], "lon": walk.start[1]},
            "spots": [
                {
                    "stop": number,
                    "name": spot.name,
                    "also": list(spot.also),
                    "rank": spot.rank,
                    "kind": spot.kind.value,
                    "lat": spot.lat,
                    "lon": spot.lon,
                    "why": str(spot.why),
                    "checks": [str(one) for one in spot.checks],
                    "photo": self.photos.get(spot.digest) if spot.digest else None,
                    "pixel_x": spot.pixel_x,
                    "pixel_y": spot.pixel_y,
                }
                for number, spot in enumerate(walk.spots, start=1)
            ],
            "path": [[lat, lon] for lat, lon in walk.path],
        }

    def to_text(self) -> str:
        """For a person."""
        if not self.walk.spots:
            return _("This survey shows no spot that is worth a visit.")
        lines = [f"{self.field}: {' '.join(told(self.walk))}"]
        names = [called(spot.name) for spot in self.walk.spots]
        wide = max(len(one) for one in names)
        for name, spot in zip(names, self.walk.spots, strict=True):
            why, *checks = words_of(spot)
            lines.append(f"  {name:<{wide}}  {spot.lat:.6f}, {spot.lon:.6f}  {why}")
            lines += [f"  {'':<{wide}}  {one}" for one in (*checks, also_of(spot)) if one]
        return "\n".join(lines)


def walk(
    config: Config, survey_id: str, wish: Wish, output: Path | None, fonts: Mapping[str, Path] | None = None
) -> Scouted:
    """The walk through the spots of a survey, written to `output` (.gpx, .kml or .jpg) if there is one.

    `fonts`: of each language a font file for the picture (None: those that come with the box); a language without is in English.
    Raises Rejected for what there is not, and for a start far from the field.
    """
    if output is not None and output.suffix.lower() not in FORMATS:
        raise Rejected(N_("Give the walk a name that ends in .gpx, .kml or .jpg."))
    with open_store(config) as store:
        survey = find_survey(store, survey_id)
        field = store.field(survey.field_id)
        if field is None:
            raise Rejected(N_("The field of the survey {id} is gone."), id=survey.id)
        scouted = _Scouting(config, store, survey, field).walked(wish)
    if output is not None:
        if not scouted.walk.spots:
            raise Rejected(N_("This survey shows no spot that is worth a visit."))
        _write(config, survey, scouted, output, fonts)
    return scouted


class _Scouting:
    """What is known of one survey's field, on the ground of one zone."""

    def __init__(self, config: Config, store: Store, survey: Survey, field: Field) -> None:
        self._config, self._store, self._survey, self._field = config, store, survey, field
        lon, lat = np.mean(field.boundary, axis=0).tolist()
        self._plane = GroundPlane.for_point(lat, lon)
        self._convergence = self._plane.convergence_deg(lat, lon)
        self._boundary = self._polygon(field.boundary)
        self._plants = store.detections(survey.id)
        self._places = self._ground([(one.lon, one.lat) for one in self._plants])

    def walked(self, wish: Wish) -> Scouted:
        """The walk as it is wished."""
        start = None if wish.start is None else self._start(*wish.start)
        spots = self._spots(wish.spots)
        terrain = Terrain(
            self._boundary, self._keep_off(), self._rows(wanted=True) if wish.along_rows else None
        )
        found = shortest_walk([(one.east, one.north) for one in spots], terrain, start)
        lat, lon = self._plane.to_geographic(found.path[:, 0], found.path[:, 1])
        path = tuple(zip(lat.tolist(), lon.tolist(), strict=True))
        made = Walk(
            start=path[0] if path else wish.start or (self._field.boundary[0][1], self._field.boundary[0][0]),
            spots=tuple(spots[one].spot for one in found.order),
            path=path,
            length_m=found.length_m / (self._plane.scale(lat[0], lon[0]) if path else 1.0),
            error_m=self._survey.position_error_m,
        )
        shown = {one.spot.digest for one in spots if one.spot.digest}
        names = {one.digest: one.name for one in self._store.captures(shown)}
        return Scouted(self._survey.id, self._field.name, made, names)

    # -- spots -------------------------------------------------------------------------------------

    def _spots(self, limit: int) -> tuple[Placed, ...]:
        weeds = [
            replace(one, east=east, north=north)  # in this zone, whatever the survey's was
            for one in of_weeds(self._survey.hotspots)
            for east, north in self._ground([(one.spot.lon, one.spot.lat)]).tolist()
        ]
        zones = vigour_of(self._config, self._store, self._survey, self._field)
        ill = self._only(lambda one: one.health in (PlantHealth.STUNTED, PlantHealth.YELLOWING))
        crop = [
            pictured(one, ill) for one in of_crop(zones, self._ground([(one.lon, one.lat) for one in zones]))
        ]
        doubts = list(of_doubts(self._only(lambda one: not one.sure)))
        return worth_visiting(*(self._reached(kind) for kind in (weeds, crop, doubts)), limit=limit)

    def _reached(self, placed: Sequence[Placed]) -> list[Placed]:
        """Without those on ground that is kept off."""
        keep_off = self._keep_off()
        if keep_off is None:
            return list(placed)
        return [one for one in placed if not keep_off.contains(shapely.Point(one.east, one.north))]

    def _only(self, wanted: Callable[[StoredDetection], bool]) -> Plants:
        index = [number for number, one in enumerate(self._plants) if wanted(one)]
        plants = [self._plants[one] for one in index]
        return Plants(
            self._places[index],
            np.array([(one.lon, one.lat) for one in plants], float).reshape(-1, 2),
            [one.digest for one in plants],
            np.array([(one.pixel_x, one.pixel_y) for one in plants], float).reshape(-1, 2),
        )

    # -- ground ------------------------------------------------------------------------------------

    def _ground(self, lon_lat: Sequence[tuple[float, float]]) -> Floats:
        degrees = np.array(lon_lat, float).reshape(-1, 2)
        return np.column_stack(self._plane.to_ground(degrees[:, 1], degrees[:, 0]))

    def _polygon(self, ring: Sequence[tuple[float, float]]) -> shapely.Polygon:
        shape = shapely.Polygon(self._ground(ring)).buffer(0)
        parts = [one for one in shapely.get_parts(shape) if isinstance(one, shapely.Polygon)]
        if not parts:
            raise Rejected(N_("The boundary of {field} has no area: draw it again."), field=self._field.name)
        return max(parts, key=lambda one: one.area)

    def _keep_off(self) -> shapely.Geometry | None:
        """Without the strips around it: these are not to be sprayed, but may be walked on."""
        patches = [one.patch for one in self._store.spraying(self._field.id).keep_off]
        shapes = [
            shapely.Polygon(self._ground(outer), [self._ground(one) for one in openings])
            for outer, *openings in patches
        ]
        return shapely.union_all(mended(shapes)) if shapes else None

    def _rows(self, *, wanted: bool = False) -> float | None:
        """In which crop rows run, clockwise from grid north. `wanted`: looked for if the survey does not say it; raises
        Rejected if there are none."""
        if self._survey.stand is not None:
            return (self._survey.stand.direction_deg - self._convergence) % 180
        if not wanted:
            return None
        crop = np.array([one.cover is Cover.CROP for one in self._plants], np.bool_)
        told = self._plane.line_on_grid(self._field.row_deg, self._field.boundary)
        rows = find_rows(self._places[crop], direction_deg=told) if crop.any() else None
        if rows is None:
            raise Rejected(N_("No crop rows are known in this survey: walk without keeping to them."))
        return rows.plots[0].direction_deg

    def _start(self, lat: float, lon: float) -> Floats:
        place = self._ground([(lon, lat)])[0]
        away = self._boundary.distance(shapely.Point(place)) if np.isfinite(place).all() else math.inf
        if not away <= FAR_M:
            raise Rejected(
                N_("The start is {away} km from the field: give latitude, longitude."),
                away=round(away / 1000) if math.isfinite(away) else "?",
            )
        return np.asarray(place, float)


# -- files -----------------------------------------------------------------------------------------


def _write(
    config: Config, survey: Survey, scouted: Scouted, output: Path, fonts: Mapping[str, Path] | None
) -> None:
    language = config.locale.language
    kind = output.suffix.lower()
    if kind == ".jpg":
        made = draw(
            scouted.walk,
            scouted.field,
            _backdrop(config, survey),
            fonts_in() if fonts is None else fonts,
            language,
        )
    else:
        made = (to_gpx if kind == ".gpx" else to_kml)(scouted.walk, scouted.field, language).encode()
    with replacing(output) as target:
        target.write_bytes(made)


def _backdrop(config: Config, survey: Survey) -> Backdrop:
    mosaic = config.storage.root / "rasters" / survey.id / "mosaic.tif"
    if not mosaic.exists():
        raise Rejected(
            N_("The pictures of this survey are gone: bring the flight in again to make them anew.")
        )
    seen = read_overview(mosaic, _PICTURE_PX)
    plane = GroundPlane(seen.epsg)

    def at(lat: float, lon: float) -> tuple[float, float]:
        east, north = plane.to_ground(lat, lon)
        return (float(east) - seen.west) / seen.pixel_m, (seen.north - float(north)) / seen.pixel_m

    return Backdrop(seen.pixels, seen.seen, seen.pixel_m, at)
