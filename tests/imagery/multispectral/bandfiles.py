"""Band files of all makers with a known truth, written by the tests: reflectance through the inverse sensor model."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 400, 320
WAVES = {"Blue": 475, "Green": 560, "Red": 668, "Red edge": 717, "NIR": 840}
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NS = {
    "Camera": "http://pix4d.com/camera/1.0",
    "MicaSense": "http://micasense.com/MicaSense/1.0/",
    "DLS": "http://micasense.com/DLS/1.0/",
    "drone-dji": "http://www.dji.com/drone-dji/1.0/",
    "Sequoia": "http://www.parrot.com/sequoia/1.0/",
}
RADIAL = (-1e-4, -4e-7)
RADIAL_DJI = (1e-4, 4e-7)


def truth(name: str, seed: int = 5) -> NDArray[np.float64]:
    """Reflectance of a band: the same things on the ground, leaves dark in red and bright in near infrared."""
    rng = np.random.default_rng(seed)
    leaf = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)), (0, 0), 3)
    leaf = np.clip((leaf / leaf.std() + 2) / 4, 0, 1)
    soil, plant = {
        "Blue": (0.12, 0.04), "Green": (0.16, 0.10), "Red": (0.24, 0.05), "Red edge": (0.26, 0.30), "NIR": (0.28, 0.48),
    }[name]  # fmt: skip
    return soil + (plant - soil) * leaf


def tiff(
    pixels: NDArray[np.uint16], tags: Mapping[str, str], *, make: str, model: str, **more: float
) -> bytes:
    """An uncompressed 16-bit TIFF with XMP and an Exif directory; `more`: exposure, iso, black."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NS.items())
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in tags.items())
    described = f"<rdf:Description {spaces}>{inner}</rdf:Description>"
    packet = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">{described}</rdf:RDF></x:xmpmeta>'
    )
    base: dict[int, tuple[int, object]] = {
        256: (4, pixels.shape[1]), 257: (4, pixels.shape[0]), 258: (3, 16), 259: (3, 1), 262: (3, 1),
        271: (2, make), 272: (2, model), 273: (4, 8), 277: (3, 1), 278: (4, pixels.shape[0]),
        279: (4, pixels.nbytes), 305: (2, "v5.1.7"), 700: (1, packet.encode()),
    }  # fmt: skip
    if "black" in more:
        base[50714] = (3, int(more["black"]))
    iso = int(more.get("iso", 100))
    shot: dict[int, tuple[int, object]] = {
        33434: (12, more.get("exposure", 0.001)), 33437: (12, 2.2), 34855: (3, iso), 34867: (4, iso),
        36867: (2, "2024:06:01 19:00:00"), 41486: (12, 200.0), 41487: (12, 200.0), 41488: (3, 4),
    }  # fmt: skip
    body = struct.pack("<2sHI", b"II", 42, 0) + pixels.astype("<u2").tobytes()
    exif_at, body = _directory(shot, body)
    base_at, body = _directory(base | {34665: (4, exif_at)}, body)
    return body[:4] + struct.pack("<I", base_at) + body[8:]


def _directory(tags: Mapping[int, tuple[int, object]], body: bytes) -> tuple[int, bytes]:
    """`body` with a TIFF directory behind it, and where that is."""
    entries = b""
    for tag, (kind, value) in sorted(tags.items()):
        if isinstance(value, str):
            raw = value.encode() + b"\0"
        elif isinstance(value, bytes):
            raw = value
        else:
            raw = struct.pack({3: "<H", 4: "<I", 12: "<d"}[kind], value)
        count = len(raw) if kind in (1, 2) else 1
        if len(raw) > 4:
            body += b"\0" * (len(body) % 2)
            entries += struct.pack("<HHII", tag, kind, count, len(body))
            body += raw
        else:
            entries += struct.pack("<HHI", tag, kind, count) + raw.ljust(4, b"\0")
    body += b"\0" * (len(body) % 2)
    return len(body), body + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return x, y


def _radius(cx: float, cy: float) -> NDArray[np.float64]:
    x, y = _grid()
    return np.hypot(x - cx, y - cy)


def _numbers(value: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.clip(np.rint(value), 0, 65534).astype(np.uint16)


def micasense(
    name: str, reflectance: NDArray[np.float64], *, capture: str = "A1", sun: float | None = 1.1
) -> bytes:
    t, gain, black, (a1, a2, a3) = 0.0004, 2.0, 4800.0, (2e-4, 1e-7, -4e-6)
    r, (_, y) = _radius(205, 150), _grid()
    vignette = 1 + RADIAL[0] * r + RADIAL[1] * r**2
    rows = 1 / (1 + a2 * y / t - a3 * y)
    radiance = reflectance * (sun or 1.0) / math.pi
    pixels = _numbers(black + radiance * gain * t * 65536 / a1 * vignette / rows)
    tags = {
        "MicaSense:CaptureId": capture, "Camera:BandName": name, "Camera:CentralWavelength": str(WAVES[name]),
        "MicaSense:RadiometricCalibration": f"{a1},{a2},{a3}", "Camera:VignettingCenter": "205,150",
        "Camera:VignettingPolynomial": f"{RADIAL[0]},{RADIAL[1]}", "Camera:PrincipalPoint": "1.0,0.8",
        "Camera:PerspectiveFocalLength": "480", "Camera:BlackCurrent": "4800",
    }  # fmt: skip
    if sun is not None:
        tags |= {
            "DLS:HorizontalIrradiance": str(sun * 100),
            "DLS:SpectralIrradiance": "90",
            "DLS:IrradianceScaleToSIUnits": "0.01",
        }
    return tiff(pixels, tags, make="MicaSense", model="RedEdge-M", black=black, exposure=t, iso=200)


def dji(name: str, reflectance: NDArray[np.float64], *, model: str = "M3M", capture: str = "D1") -> bytes:
    black = 3200.0 if model == "M3M" else 4096.0
    light, gain, adjust, t = 4000.0, 1.5, 0.9, 0.0006
    r = _radius(200, 160)
    camera = reflectance * light / math.pi
    pixels = _numbers(
        black + camera * 65536 * gain * t / adjust / (1 + RADIAL_DJI[0] * r + RADIAL_DJI[1] * r**2)
    )
    tags = {
        "drone-dji:CaptureUUID": capture, "drone-dji:BandName": name.replace(" e", "E"), "drone-dji:BlackLevel": str(black),
        "drone-dji:SensorGain": str(gain), "drone-dji:SensorGainAdjustment": str(adjust), "drone-dji:Irradiance": str(light),
        "drone-dji:ExposureTime": str(t * 1e6), "drone-dji:VignettingData": f"{RADIAL_DJI[0]},{RADIAL_DJI[1]}",
        "drone-dji:CalibratedOpticalCenterX": "200", "drone-dji:CalibratedOpticalCenterY": "160",
        "drone-dji:CalibratedFocalLength": "480", "Camera:CentralWavelength": str(WAVES[name]),
    }  # fmt: skip
    return tiff(pixels, tags, make="DJI", model=model)


def sequoia(name: str, reflectance: NDArray[np.float64], *, capture: str = "S1", light: int = 5000) -> bytes:
    a, black, c, t, iso = 1700.0, 4200.0, 40.0, 0.002, 100
    x, y = _grid()
    vignette = 1 - 0.4 * (x / WIDTH - 0.5) ** 2 - 0.4 * (y / HEIGHT - 0.5) ** 2
    plane = "0.8,0.4,-0.4,0.4,-0.4"  # the same, multiplied out
    pixels = _numbers(black + reflectance * light * 2 * vignette * (a * t * iso + c) / 2.2**2 / 10)
    reading = base64.b64encode(struct.pack("<QHHHHfff", 1, light, 100, 1, 100, 0.0, 0.0, 0.0)).decode()
    tags = {
        "Camera:CaptureUUID": capture, "Camera:BandName": name, "Camera:CentralWavelength": str(WAVES[name]),
        "Sequoia:SensorModel": f"{a},{black},{c}", "Camera:VignettingPolynomial2DName": "0,0,1,0,2,0,0,1,0,2",
        "Camera:VignettingPolynomial2D": plane, "Sequoia:IrradianceList": reading,
    }  # fmt: skip
    return tiff(pixels, tags, make="Parrot", model="Sequoia", exposure=t, iso=iso)
