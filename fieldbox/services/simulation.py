"""Simulated flights: for the demo and behind `fieldbox simulate`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import shapely

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.mapping.areas import in_zone, read_areas
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.film import film
from fieldbox.simulate.flight import FlightOptions, anchor_of, exact, fly
from fieldbox.simulate.later import Later, Ring
from fieldbox.simulate.ortho import over_orthomosaic
from fieldbox.simulate.scene import SimField
from fieldbox.simulate.sowing import RowShape

Progress = Callable[[str, int, int], None]

_ANOTHER_DAY = 7919
"""Added to the seed of a flight some days on."""

DEMO_FIELD = FieldOptions(size_m=(36.0, 24.0), weeds_per_m2=1.6, weed_patchiness=0.75, weed_patches=4)
DEMO_FLIGHT = FlightOptions(
    camera="12mp",
    gps_sigma_m=0.02,
    gps_drift_m=0.0,
    height_sigma_m=0.03,
    yaw_sigma_deg=0.5,
    tilt_sigma_deg=0.2,
    rtk=True,
)


def simulate_flight(
    out: Path,
    flight: FlightOptions,
    field: FieldOptions,
    shown: Progress,
    *,
    over: Path | None = None,
    over_gsd_m: float | None = None,
    labels: Path | None = None,
    fps: int | None = None,
) -> Path:
    """Grow a field (or take the orthomosaic `over`), fly over it, write photos and truth.json into `out`; with `fps`, a
    film with its subtitles in place of photos.

    `out` must be empty or new. Returns `out`. Raises Rejected or Misconfigured.
    """
    _require_empty(out)
    ground = _ground(field, over, over_gsd_m, labels, shown)
    if fps is not None:
        return film(ground, flight, out, fps, lambda done, total: shown("fly", done, total))
    return fly(ground, flight, out, lambda done, total: shown("fly", done, total))


def _require_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filled = any(folder.iterdir())
    except OSError as error:
        raise Rejected(
            N_("The folder {folder} cannot be made ({why}): give a new one."),
            folder=str(folder),
            why=error.strerror or "?",
        ) from error
    if filled:
        raise Rejected(N_("The folder {folder} is not empty: give a new one."), folder=str(folder))


def options_from(given: Mapping[str, Any]) -> tuple[FlightOptions, FieldOptions]:
    """Options of the command line (`fieldbox simulate flight`) as those of flight and field."""
    flight = FlightOptions(
        altitude_m=given["altitude"],
        forward_overlap=given["forward_overlap"] / 100,
        side_overlap=given["side_overlap"] / 100,
        camera=given["camera"],
        width=given["width"],
        height=given["height"],
        focal_px=given["focal_px"],
        heading_deg=given["heading"],
        gps_sigma_m=given["gps_sigma"],
        gps_drift_m=given["gps_drift"],
        height_sigma_m=given["height_sigma"],
        yaw_sigma_deg=given["yaw_sigma"],
        tilt_sigma_deg=given["tilt_sigma"],
        rtk=given["rtk"],
        wind_m_s=given["wind"],
        brightness=given["brightness"],
        exposure_drift=given["exposure_drift"],
        white_balance_drift=given["white_balance_drift"],
        vignetting=given["vignetting"],
        cloud_shadows=given["cloud_shadows"],
        motion_blur=given["blur"],
        noise=given["noise"],
        repeat=given["repeat"],
        extent_m=given["extent"] or None,
        max_photos=given["max_photos"],
        lat=given["lat"],
        lon=given["lon"],
        seed=given["seed"],
    )
    later = _later(given, flight)
    if later is not None:
        # Another day: other errors of the positions, another light, the same field.
        flight = replace(
            flight, seed=given["seed"] + _ANOTHER_DAY, start=flight.start + timedelta(days=later.days)
        )
    field = FieldOptions(
        size_m=given["size"],
        crops=given["crop"],
        weeds_per_m2=given["weeds"],
        relief_m=given["relief"],
        rows=RowShape(given["rows"]),
        row_heading_deg=given["row_heading"],
        row_radius_m=given["row_radius"],
        symptoms=given["symptoms"] / 100,
        soil=given["soil"],
        sun_elevation_deg=given["sun_elevation"],
        seed=given["seed"],
        later=later,
    )
    return exact(flight) if given["exact"] else flight, field


def _later(given: Mapping[str, Any], flight: FlightOptions) -> Later | None:
    """What happened to the field meanwhile; None: it is as it was sown. Raises Rejected."""
    days = given.get("later")
    if days is None:
        if given.get("killed") or given.get("new_patches"):
            raise Rejected(N_("What happens to a field takes time: give the days with --later."))
        return None
    anchor = anchor_of(flight.lat, flight.lon)
    killed: tuple[Ring, ...] = ()
    if given["killed"]:
        whole = in_zone(read_areas(given["killed"]), anchor.epsg)
        parts = whole.geoms if isinstance(whole, shapely.MultiPolygon) else [whole]
        killed = tuple(
            tuple((float(x) - anchor.east, float(y) - anchor.north) for x, y in one.exterior.coords[:-1])
            for one in parts
        )
    return Later(
        days=days,
        killed=killed,
        kill=given["kill"] / 100,
        new_patches=given["new_patches"],
        weathered=given["weathered"],
    )


def demo_flight(folder: Path, shown: Progress) -> Path:
    """The flight of the demo: made once, then used again."""
    if not (folder / "truth.json").exists():
        shutil.rmtree(folder, ignore_errors=True)  # left by a run that was cut off
        simulate_flight(folder, DEMO_FLIGHT, DEMO_FIELD, shown)
    return folder


def _ground(
    field: FieldOptions, over: Path | None, gsd_m: float | None, labels: Path | None, shown: Progress
) -> SimField:
    shown("grow", 0, 1)
    ground = over_orthomosaic(over, gsd_m, labels) if over else grow_field(field)
    shown("grow", 1, 1)
    return ground
