"""Photos with known geometry for the tests."""

import numpy as np
from blake3 import blake3

from fieldbox.domain import Camera, Pose
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry

LAT, LON = 20.0, 81.0  # on the central meridian of zone 44: no convergence, scale 0.9996
PLANE = GroundPlane.for_point(LAT, LON)
SCALE = 0.9996
LENS = (-0.05, 0.02, 1e-3, -5e-4, 1e-3)


def camera(**changes: object) -> Camera:
    given = {"width": 1200, "height": 800, "focal_px": 1000.0, "cx": 599.5, "cy": 399.5} | changes
    return Camera(make="Test", model="T1", **given)  # type: ignore[arg-type]


def pose(**changes: float) -> Pose:
    given = {
        "lat": LAT,
        "lon": LON,
        "height_m": 10.0,
        "yaw_deg": 0.0,
        "pitch_deg": 0.0,
        "roll_deg": 0.0,
        "error_m": 1.5,
        "height_error_m": 0.5,
        "yaw_error_deg": 2.0,
        "tilt_error_deg": 1.0,
    }
    return Pose(**(given | changes))


def photo(digest: str = "aa", lens: Camera | None = None, **changes: float) -> PhotoGeometry:
    return PhotoGeometry(digest, pose(**changes), lens or camera(), PLANE)


def offsets(geometry: PhotoGeometry, xy: list[list[float]]) -> np.ndarray:
    """True metres east and north of the camera at which pixels meet the ground."""
    return (geometry.pixel_to_ground(xy) - geometry.centre) / SCALE


def flight(
    lines: int, photos: int, *, shake: float = 0.0, seed: int = 0, **lens: object
) -> list[PhotoGeometry]:
    """Parallel lines there and back, 75 % forward and 65 % side overlap, 10 m up."""
    draw = np.random.default_rng(seed)
    east, north = (float(value) for value in PLANE.to_ground(LAT, LON))
    taken = []
    for line in range(lines):
        for number in range(photos):
            step = number if line % 2 == 0 else photos - 1 - number
            place = np.array([line * 12.0 * 0.35, step * 8.0 * 0.25]) + draw.normal(0, shake * 0.2, 2)
            lat, lon = PLANE.to_geographic(east + place[0], north + place[1])
            turn, pitch, roll = draw.normal(0, shake, 3)
            taken.append(
                photo(
                    blake3(f"{line} {number}".encode()).hexdigest(),
                    camera(**lens),
                    lat=float(lat),
                    lon=float(lon),
                    yaw_deg=float(180.0 * (line % 2) + turn),
                    pitch_deg=float(pitch),
                    roll_deg=float(roll),
                )
            )
    return taken
