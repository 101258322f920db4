"""Where a drone was while it filmed: the subtitles of DJI's drones and Autel's (.SRT), in all of their dialects.

Each block has a number, mostly a time in the video, and words that differ from drone to drone. They are searched for what is
known, so an unknown dialect gives samples that say less, not an error. Known by real files: `[latitude: ..]` in brackets (Mavic
2, 3, Air), `HOME(..) GPS(..) BAROMETER:` (Mavic Pro, Matrice 300), `F/5.6, SS 400, .. GPS (..), F.PRY (..)` (Phantom 4, Mini).

GPS(longitude, latitude, satellites), but GPS(latitude, longitude, altitude M) where the third number has a unit. Autel names
them: GPS(E: longitude, N: latitude, altitude m). Enterprise drones write the same words into the video itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.numbers import clock, within

MAX_BYTES = 64_000_000
"""An hour at 60 frames a second has some 60 MB."""
MAX_SAMPLES = 300_000
"""One has up to 217 bytes on its way between processes, and an answer has a limit (`fieldbox.apart`)."""
_LONGEST_BLOCK = 4_000
"""Characters; a real one has some 400."""
_NUMBER = re.compile(r"\s*\ufeff?\d{1,9}\s*")
_SPAN = re.compile(r"(\d{1,4}):(\d{2}):(\d{2})[,.](\d{1,3})\s*-->\s*(\d{1,4}):(\d{2}):(\d{2})[,.](\d{1,3})")
_CLOCK = re.compile(
    r"(\d{4})[.\-/](\d{1,2})[.\-/](\d{1,2})[ T]+(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,3}))?(?:,(\d{1,3}))?"
)
_TAG = re.compile(r"<[^<>]{0,200}>")
_PLACES = (("latitude", "lat"), ("longitude", "longtitude", "lon", "lng"))
_BRACKET = re.compile(r"\[([^\[\]]{0,300})\]")
_PAIR = re.compile(
    r"([A-Za-z][A-Za-z_.\-]{0,30})\s*:\s*([^\s,\[\]]{0,40}(?:,\d{1,12}(?![\d.]))?(?:\s?[NSEW](?![\w.]))?)"
)
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_HEMISPHERE = re.compile(r"\s*([NSEW])?\s*:?\s*([-+]?\d+(?:\.\d+)?)\s*°?\s*([NSEW])?\s*", re.IGNORECASE)
_GROUP = re.compile(r"\b(GPS|HOME|F\.PRY|G\.PRY)\s{0,3}\(([^()]{0,120})\)")
_LETTER = re.compile(r"\b(SS|ISO|EV|D|H)\s+([-+]?\d+(?:\.\d+)?)(m?)(?![\w.])")
_APERTURE = re.compile(r"\bF/(\d+(?:\.\d+)?)")
_TENTHS_FROM = 200.0
"""Focal lengths and f-numbers are written in tenths and hundredths by some (240 is 24 mm, 280 is f/2.8), and then as whole
numbers: 240.70 are millimetres."""
_ZOOM_UNITS = 1000.0
"""From which a digital zoom is written in ten thousandths."""
_SLOWEST_F = 32.0
_LONGEST_FOCAL = 1_000.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one block says; None is not said, or not believable."""

    time_s: float | None
    """In the video, when the block begins; None: the dialect has no times (the clock tells then)."""
    clock: datetime | None
    """Naive: of the drone."""
    lat: float | None = None
    lon: float | None = None
    step_deg: float | None = None
    """The last digit that the position is written to."""
    height_m: float | None = None
    """Above the take-off."""
    altitude_m: float | None = None
    """Above the sea, or above the take-off: the dialect does not say which."""
    satellites: int | None = None
    flight: tuple[float, float, float] | None = None
    """Yaw, pitch and roll of the drone, degrees."""
    gimbal: tuple[float, float, float] | None = None
    """The same of its camera; pitch -90 looks straight down."""
    iso: float | None = None
    shutter_s: float | None = None
    f_number: float | None = None
    ev: float | None = None
    focal_35mm: float | None = None
    home: tuple[float, float] | None = None
    """Latitude, longitude of the take-off."""
    away_m: float | None = None
    """From there."""


def read_srt(data: bytes) -> tuple[Sample, ...]:
    """The samples of a subtitle file, in the order of their blocks.

    Raises Rejected for what is too large, or holds no telemetry at all.
    """
    if len(data) > MAX_BYTES:
        raise Rejected(
            N_(
                "The subtitle file is larger than {limit} MB: give the .SRT that the drone wrote beside the video."
            ),
            limit=MAX_BYTES // 1_000_000,
        )
    samples = []
    for block in _blocks(_text(data)):
        if (sample := _sample(block)) is not None:
            samples.append(sample)
        if len(samples) >= MAX_SAMPLES:
            break
    if not samples:
        raise Rejected(
            N_(
                "The subtitle file holds no telemetry of a drone: give the .SRT that it wrote beside the video."
            )
        )
    return tuple(samples)


def sample_of(text: str, seconds: float) -> Sample | None:
    """What a subtitle in a video says, from `seconds` on; None: nothing that is known."""
    sample = _sample(text[:_LONGEST_BLOCK])
    return sample and replace(sample, time_s=seconds)


def _text(data: bytes) -> str:
    """UTF-8, or UTF-16 with or without its mark: half of its bytes are then 0."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    head = data[:1000]
    for zeros, form in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
        if 0 < len(zeros) < 1.2 * zeros.count(0):
            return data.decode(form, "replace")
    return data.decode("utf-8-sig", "replace")


def _blocks(text: str) -> Iterator[str]:
    """The words between one block's number and the next; a number alone on its line begins a block."""
    lines: list[str] = []
    size = 0
    for line in text.splitlines():
        if _NUMBER.fullmatch(line):
            yield "\n".join(lines)
            lines, size = [], 0
        elif size < _LONGEST_BLOCK:
            lines.append(line[:_LONGEST_BLOCK])
            size += len(line)
    yield "\n".join(lines)


def _sample(block: str) -> Sample | None:
    """None: the block says nothing that is known."""
    if not block:
        return None
    span, text = _SPAN.search(block), _TAG.sub(" ", block)
    told_at = _clock(text)
    groups = {name: [part.strip() for part in inner.split(",")] for name, inner in _GROUP.findall(text)}
    words = _words(text)
    place = _place(words, groups.get("GPS"))
    said = {
        **place,
        "height_m": _height(words),
        "altitude_m": _first(words, "abs_alt", "altitude", low=-500, high=12_000)
        or _gps_altitude(groups.get("GPS")),
        "satellites": _satellites(groups.get("GPS")),
        "flight": _angles(groups.get("F.PRY")),
        "gimbal": _angles(groups.get("G.PRY")) or _gimbal(words),
        "iso": _first(words, "iso", low=1, high=1_000_000),
        "shutter_s": _shutter(words.get("shutter") or words.get("tv") or words.get("ss")),
        "f_number": _in_units(words, ("fnum", "f", "f-num", "ir"), 0.5, _SLOWEST_F, 100),
        "ev": _first(words, "ev", low=-20, high=20),
        "focal_35mm": None if _zoomed(words) else _in_units(words, ("focal_len",), 4, _TENTHS_FROM, 10),
        "home": _home(groups.get("HOME")),
        "away_m": _first(words, "d", low=0, high=100_000),
    }
    known = {name: value for name, value in said.items() if value is not None}
    if not known and told_at is None:
        return None
    return Sample(_seconds(span) if span else None, told_at, **known)  # type: ignore[arg-type]  # by their names above


def _seconds(span: re.Match[str]) -> float:
    hours, minutes, seconds = (int(span[number]) for number in (1, 2, 3))
    return 3600 * hours + 60 * minutes + seconds + int(span[4].ljust(3, "0")) / 1000


def _clock(text: str) -> datetime | None:
    found = _CLOCK.search(text)
    if not found:
        return None
    parts = [int(found[number]) for number in range(1, 7)]
    milli, micro = (int((found[number] or "0").ljust(3, "0")) for number in (7, 8))
    try:
        told = datetime(*parts) + timedelta(milliseconds=milli, microseconds=micro)  # type: ignore[arg-type]  # six numbers
    except (ValueError, OverflowError):
        return None
    return clock(told)


def _words(text: str) -> dict[str, str]:
    """Names (in lower case) with their values. Of brackets only closed ones count: a cut-off number is no number."""
    brackets = _BRACKET.findall(text)
    found: dict[str, str] = {}
    for part in brackets or [_CLOCK.sub(" ", text)]:
        for name, value in _PAIR.findall(part):
            text = _DECIMAL_COMMA.sub(".", value) if "." not in value else value.split(",", maxsplit=1)[0]
            found.setdefault(name.lower(), text)
    if not brackets:
        for name, value, unit in _LETTER.findall(text):
            if unit or name not in {"D", "H"}:
                found.setdefault(name.lower(), value)
        if aperture := _APERTURE.search(text):
            found.setdefault("f", aperture[1])
    return found


def _number(text: str | None) -> float | None:
    """The number that a word begins with, behind a letter or not: 200.70m, F2.8, -1/3."""
    found = re.match(r"[A-Za-z]?([-+]?\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?", text or "")
    if not found:
        return None
    value = float(found[1])
    return value / float(found[2]) if found[2] and float(found[2]) else value


def _first(words: Mapping[str, str], *names: str, low: float, high: float) -> float | None:
    """The first of these words that is a number between `low` and `high`."""
    values = (within(_number(words.get(name)), low, high) for name in names)
    return next((value for value in values if value is not None), None)


def _in_units(
    words: Mapping[str, str], names: tuple[str, ...], low: float, beyond: float, parts: float
) -> float | None:
    """The first of these words that is a number; a whole one over `beyond` counts `parts` of the unit."""
    name = next((one for one in names if _number(words.get(one)) is not None), "")
    value = _number(words.get(name))
    if value is not None and value > beyond and "." not in words[name]:
        value /= parts
    return within(value, low, _LONGEST_FOCAL if beyond == _TENTHS_FROM else beyond)


def _zoomed(words: Mapping[str, str]) -> bool:
    """Whether the picture is a part of the camera's, by a digital zoom: then its focal length is not the one written."""
    zoom = _first(words, "dzoom_ratio", "dzoom", low=0, high=1_000_000)
    return zoom is not None and zoom > 0 and abs((zoom / 10_000 if zoom >= _ZOOM_UNITS else zoom) - 1) > 0.01


def _height(words: Mapping[str, str]) -> float | None:
    return _first(words, "rel_alt", "barometer", "hb", "h", low=-500, high=12_000)


def _shutter(text: str | None) -> float | None:
    """Seconds: 1/8000.0, or the 400 of 1/400."""
    value = _number(text)
    if value is None or value <= 0:
        return None
    return within(value if "/" in (text or "") else 1 / value, 1e-6, 100.0)


def _place(words: Mapping[str, str], gps: list[str] | None) -> dict[str, float]:
    """Latitude, longitude and the step of their last digit; empty where one is missing, impossible, or both are 0."""
    lat, lon = (next((words[one] for one in names if one in words), None) for names in _PLACES)
    if gps and len(gps) >= 2:
        lat, lon = (gps[0], gps[1]) if _has_unit(gps) else (gps[1], gps[0])
        if lat[:1] in "EWew" and lon[:1] in "NSns":  # named ones stand in any order
            lat, lon = lon, lat
    y, x = _degrees(lat, "N", "S", 90), _degrees(lon, "E", "W", 180)
    if y is None or x is None or (y == 0 and x == 0):
        return {}
    digits = max(len(one.partition(".")[2].rstrip("NSEWnsew° ")) for one in (lat or "", lon or ""))
    return {"lat": y, "lon": x, "step_deg": 10.0**-digits}


def _degrees(text: str | None, positive: str, negative: str, limit: float) -> float | None:
    """Degrees with or without a letter of the hemisphere, before or behind."""
    found = _HEMISPHERE.fullmatch(text or "")
    if not found:
        return None
    letter = (found[1] or found[3] or positive).upper()
    if letter not in (positive, negative):
        return None
    value = float(found[2])
    return within(-abs(value) if letter == negative else value, -limit, limit)


def _has_unit(gps: list[str]) -> bool:
    return len(gps) > 2 and gps[2].upper().endswith("M")


def _gps_altitude(gps: list[str] | None) -> float | None:
    if not gps or not _has_unit(gps):
        return None
    return within(_number(gps[2]), -500, 12_000) or None  # 0.0M is written where nothing is known


def _satellites(gps: list[str] | None) -> int | None:
    if not gps or len(gps) < 3 or _has_unit(gps):
        return None
    count = within(_number(gps[2]), 0, 60)
    return None if count is None else int(count)


def _angles(group: list[str] | None) -> tuple[float, float, float] | None:
    """Yaw, pitch, roll of (pitch, roll, yaw)."""
    if not group or len(group) != 3:
        return None
    pitch, roll, yaw = (within(_number(one), -360, 360) for one in group)
    return None if pitch is None or roll is None or yaw is None else (yaw, pitch, roll)


def _gimbal(words: Mapping[str, str]) -> tuple[float, float, float] | None:
    names = ("yaw", "pitch", "roll")
    found = [_first(words, f"gb_{one}", f"gimbal_{one}", low=-360, high=360) for one in names]
    return None if None in found else (found[0], found[1], found[2])  # type: ignore[return-value]  # none is None


def _home(group: list[str] | None) -> tuple[float, float] | None:
    if not group or len(group) < 2:
        return None
    lon, lat = _degrees(group[0], "E", "W", 180), _degrees(group[1], "N", "S", 90)
    return None if lat is None or lon is None else (lat, lon)
