"""The metadata that a DJI drone would write: EXIF, and XMP in attribute form, marked as simulated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import quoteattr

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from fieldbox.domain import Camera
from fieldbox.simulate.camera import FILM_DIAGONAL_MM

SOFTWARE = "fieldbox simulate"
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_SECOND_PARTS = 10_000_000
"""Seconds of arc are written in units of 1e-7."""
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\x00"
_SOI = b"\xff\xd8"


@dataclass(frozen=True, slots=True)
class Written:
    """What a photo says of itself."""

    taken_at: datetime
    lat: float
    lon: float
    absolute_m: float
    relative_m: float
    gimbal: tuple[float, float, float]
    """Yaw from true north, pitch (-90 is straight down), roll."""
    flight: tuple[float, float, float]
    """Of the aircraft: yaw, pitch, roll."""
    rtk_std_m: tuple[float, float, float] | None
    """Longitude, latitude, height; None: no RTK."""
    errors: tuple[float, float, float] | None
    """Height above the ground in metres, yaw and tilt in degrees, in tags of fieldbox's own: DJI has none for these.
    None: not stated."""
    exposure_s: float
    f_number: float
    pixel_mm: float
    serial: str


def with_metadata(jpeg: bytes, written: Written, camera: Camera) -> bytes:
    """Put EXIF and XMP segments behind the start marker of a JPEG."""
    exif = exif_bytes(written, camera)
    return jpeg[:2] + _segment(exif) + _segment(_XMP_HEAD + xmp_packet(written, camera).encode()) + jpeg[2:]


def _segment(payload: bytes) -> bytes:
    """An APP1 segment; its length counts the length field itself."""
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload


def exif_bytes(written: Written, camera: Camera) -> bytes:
    """The EXIF block with its "Exif" head."""
    focal_mm = camera.focal_px * written.pixel_mm
    diagonal_px = (camera.width**2 + camera.height**2) ** 0.5
    exif = Image.Exif()
    stamp = written.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    exif[0x010F], exif[0x0110], exif[0x0131], exif[0x0132] = camera.make, camera.model, SOFTWARE, stamp
    exif[0x010E], exif[0x0112] = "Simulated photo of a drawn field", 1
    shot = exif.get_ifd(_EXIF_IFD)
    shot[0x829A] = IFDRational(1, round(1 / written.exposure_s))
    shot[0x829D] = IFDRational(round(written.f_number * 100), 100)
    shot[0x8827] = 100
    shot[0x9003] = shot[0x9004] = stamp
    shot[0x9291] = f"{written.taken_at.microsecond // 1000:03d}"
    shot[0x920A] = IFDRational(round(focal_mm * 10000), 10000)
    shot[0xA002], shot[0xA003] = camera.width, camera.height
    shot[0xA405] = max(1, round(camera.focal_px / diagonal_px * FILM_DIAGONAL_MM))
    shot[0xA431] = written.serial
    gps = exif.get_ifd(_GPS_IFD)
    gps[0] = b"\x02\x03\x00\x00"
    gps[1], gps[2] = "N" if written.lat >= 0 else "S", _sexagesimal(written.lat)
    gps[3], gps[4] = "E" if written.lon >= 0 else "W", _sexagesimal(written.lon)
    gps[5], gps[6] = (
        b"\x00" if written.absolute_m >= 0 else b"\x01",
        IFDRational(round(abs(written.absolute_m) * 1000), 1000),
    )
    return exif.tobytes()


def _sexagesimal(angle: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds of an angle's size, the seconds to 1e-7 (3 micrometres)."""
    total = round(abs(angle) * 3600 * _SECOND_PARTS)
    minutes, parts = divmod(total, 60 * _SECOND_PARTS)
    degrees, minutes = divmod(minutes, 60)
    return IFDRational(degrees, 1), IFDRational(minutes, 1), IFDRational(parts, _SECOND_PARTS)


def xmp_packet(written: Written, camera: Camera) -> str:
    """The XMP packet."""
    names = _pose_tags(written) | _camera_tags(written, camera)
    attributes = "".join(f"\n   {name}={quoteattr(value)}" for name, value in names.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="DJI Meta Data"'
        '\n   xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
        '\n   xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"'
        '\n   xmlns:fieldbox="https://fieldbox.invalid/ns/fieldbox/1.0/"'
        f"{attributes}/>\n"
        " </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    )


def _pose_tags(written: Written) -> dict[str, str]:
    gimbal, flight = written.gimbal, written.flight
    tags = {
        "drone-dji:Version": "1.5",
        "drone-dji:ImageSource": "WideCamera",
        "drone-dji:GpsStatus": "RTK" if written.rtk_std_m else "GPS",
        "drone-dji:AltitudeType": "RtkAlt" if written.rtk_std_m else "GpsFusionAlt",
        "drone-dji:GpsLatitude": f"{written.lat:+.10f}",
        "drone-dji:GpsLongitude": f"{written.lon:+.10f}",
        "drone-dji:AbsoluteAltitude": f"{written.absolute_m:+.3f}",
        "drone-dji:RelativeAltitude": f"{written.relative_m:+.3f}",
        "drone-dji:GimbalYawDegree": f"{gimbal[0]:+.2f}",
        "drone-dji:GimbalPitchDegree": f"{gimbal[1]:+.2f}",
        "drone-dji:GimbalRollDegree": f"{gimbal[2]:+.2f}",
        "drone-dji:FlightYawDegree": f"{flight[0]:+.2f}",
        "drone-dji:FlightPitchDegree": f"{flight[1]:+.2f}",
        "drone-dji:FlightRollDegree": f"{flight[2]:+.2f}",
    }
    if written.rtk_std_m is not None:
        lon, lat, height = written.rtk_std_m
        tags |= {
            "drone-dji:RtkFlag": "50",
            "drone-dji:RtkStdLon": f"{lon:.5f}",
            "drone-dji:RtkStdLat": f"{lat:.5f}",
            "drone-dji:RtkStdHgt": f"{height:.5f}",
        }
    if written.errors is not None:
        names = ("HeightError", "YawError", "TiltError")
        tags |= {
            f"fieldbox:{name}": f"{error:.5f}" for name, error in zip(names, written.errors, strict=True)
        }
    return tags


def _camera_tags(written: Written, camera: Camera) -> dict[str, str]:
    """DJI's CalibratedOpticalCenter is half the sensor's size in every file seen."""
    tags = {
        "tiff:Make": camera.make,
        "tiff:Model": camera.model,
        "drone-dji:CalibratedFocalLength": f"{camera.focal_px:.6f}",
        "drone-dji:CalibratedOpticalCenterX": f"{camera.width / 2:.6f}",
        "drone-dji:CalibratedOpticalCenterY": f"{camera.height / 2:.6f}",
        "drone-dji:CameraSerialNumber": written.serial,
        "fieldbox:Simulated": "true",
    }
    if any(camera.distortion):
        k1, k2, p1, p2, k3 = camera.distortion
        focal = f"{camera.focal_px:.6f},{camera.focal_px:.6f},0.000000,0.000000"
        tags["drone-dji:DewarpFlag"] = "0"
        tags["drone-dji:DewarpData"] = f"2026-01-01;{focal},{k1:.9f},{k2:.9f},{p1:.9f},{p2:.9f},{k3:.9f}"
    return tags
