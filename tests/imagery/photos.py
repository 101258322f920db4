"""JPEG photos with the metadata of drones, written by the tests themselves."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

DJI_NS = "http://www.dji.com/drone-dji/1.0/"
SENSEFLY_NS = "http://ns.sensefly.com/sensefly/1.0/"
PIX4D_NS = "http://pix4d.com/camera/1.0/"
FIELDBOX_NS = "https://fieldbox.example/simulate/1.0/"

DJI = {
    "RelativeAltitude": "+10.00",
    "AbsoluteAltitude": "+210.00",
    "GimbalYawDegree": "+30.00",
    "GimbalPitchDegree": "-90.00",
    "GimbalRollDegree": "+0.00",
    "CalibratedFocalLength": "500.0",
}


def real_data() -> Path:
    """The real flights, for tests marked `shared`; skips where they are absent."""
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("FIELDBOX_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip("the real flights are not here (FIELDBOX_REAL_DATA names their folder)")
    return folder


def exif_bytes(
    *,
    place: tuple[float, float] | None = (12.5, 77.25),
    taken: str | None = "2026:06:01 10:00:00",
    base: Mapping[int, Any] | None = None,
    shot: Mapping[int, Any] | None = None,
    gps: Mapping[int, Any] | None = None,
) -> bytes:
    """An Exif segment: make, model, time and place, and any other tags of the three directories."""
    exif = Image.Exif()
    exif.update({0x010F: "DJI", 0x0110: "FC6310", **(base or {})})
    directory = exif.get_ifd(0x8769)
    if taken is not None:
        directory[0x9003] = taken
    directory.update(shot or {})
    if place is not None:
        exif.get_ifd(0x8825).update(gps_tags(*place))
    if gps is not None:
        exif.get_ifd(0x8825).update(gps)
    return exif.tobytes()


def gps_tags(lat: float, lon: float) -> dict[int, Any]:
    return {1: "N" if lat >= 0 else "S", 2: _dms(lat), 3: "E" if lon >= 0 else "W", 4: _dms(lon)}


def _dms(value: float) -> tuple[float, float, float]:
    minutes, degrees = abs(value) % 1 * 60, int(abs(value))
    return float(degrees), float(int(minutes)), minutes % 1 * 60


def xmp(namespace: str, prefix: str, tags: Mapping[str, str], *, elements: bool = False) -> bytes:
    """An XMP packet with `tags`, as attributes or as elements, after an unrelated description."""
    if elements:
        inner = "".join(f"<{prefix}:{name}>{value}</{prefix}:{name}>" for name, value in tags.items())
        described = f"<rdf:Description rdf:about='' xmlns:{prefix}='{namespace}'>{inner}</rdf:Description>"
    else:
        inner = " ".join(f'{prefix}:{name}="{value}"' for name, value in tags.items())
        described = f"<rdf:Description rdf:about='DJI Meta Data' xmlns:{prefix}='{namespace}' {inner}/>"
    other = "<rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/'><xmp:Rating>0</xmp:Rating></rdf:Description>"
    return (
        "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        f"{other}{described}</rdf:RDF></x:xmpmeta>{' ' * 200}<?xpacket end='w'?>"
    ).encode()


def dji_xmp(*, elements: bool = False, without: tuple[str, ...] = (), **tags: str) -> bytes:
    """DJI's packet of a photo straight down from 10 m, with `tags` changed or added."""
    return xmp(
        DJI_NS,
        "drone-dji",
        {name: value for name, value in {**DJI, **tags}.items() if name not in without},
        elements=elements,
    )


def jpeg(
    *,
    size: tuple[int, int] = (320, 256),
    seed: int = 0,
    exif: bytes | None = b"",
    packet: bytes | None = None,
    mode: str = "RGB",
    **options: Any,
) -> bytes:
    """A JPEG of soft noise that differs with `seed`; `exif` b"" is the default segment, None is none."""
    noise = np.random.default_rng(seed).integers(40, 200, (32, 40, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BILINEAR).convert(mode)
    if exif == b"":
        exif = exif_bytes()
    if exif is not None:
        options["exif"] = exif
    if packet is not None:
        options["xmp"] = packet
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, **options)
    return out.getvalue()
