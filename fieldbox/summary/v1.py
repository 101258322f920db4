"""A survey as JSON of at most 1,024 bytes (`summary-v1.schema.json`), whatever its names and counts.

The numbers always go; lists and names give way: first the tail of the hotspots, then the warnings,
then the name, cut at a whole character.
"""

from __future__ import annotations

import json
import math
from typing import Any

from fieldbox.domain import Field, Flight, Hotspot, Interval, Survey, WeedBasis

MAX_BYTES = 1024
MAX_SPOTS = 8
MAX_WARNING_BYTES = 90
MAX_NAME_BYTES = 120


def summarise(
    survey: Survey, field: Field, flight: Flight, *, share_name: bool = False, share_position: bool = False
) -> str:
    """The summary of `survey`: UTF-8 JSON without spaces, at most 1,024 bytes.

    The field's code always goes; its name and the positions of spots only if the owner allows.
    """
    body = _numbers(survey, field, flight)
    if share_name:
        body["name"] = clip_utf8(field.name, MAX_NAME_BYTES)
    spots = [_spot(spot, share_position) for spot in survey.hotspots[:MAX_SPOTS]]
    warnings = [clip_utf8(w.in_language("en"), MAX_WARNING_BYTES) for w in survey.warnings]
    return _fit(body, spots, warnings)


def clip_utf8(text: str, limit: int) -> str:
    """`text` cut to at most `limit` bytes of JSON, at a whole character."""
    while len(_dump(text)) - 2 > limit:
        text = text[: max(0, min(len(text) - 1, limit))]
    return text


def _numbers(survey: Survey, field: Field, flight: Flight) -> dict[str, Any]:
    body: dict[str, Any] = {
        "v": 1,
        "id": survey.id,
        "field": field.code,
        "made": survey.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "area_ha": _estimate(survey.area_ha, survey.area_ha_interval95),
        "weed_pct": _estimate(survey.weed_cover_pct, survey.weed_cover_pct_interval95),
        "weeds": _estimate(survey.weed_count, survey.weed_count_interval95, whole=True),
        "crop_pct": _estimate(survey.crop_cover_pct, survey.crop_cover_pct_interval95),
        "crops": _estimate(survey.crop_count, survey.crop_count_interval95, whole=True),
        "health": _estimate(survey.health_index, survey.health_index_interval95),
        "unsure_pct": _estimate(survey.unsure_pct, survey.unsure_pct_interval95),
        "unseen_pct": _estimate(survey.unseen_pct, survey.unseen_pct_interval95),
        "gsd_cm": _short(survey.gsd_cm),
        "pos_err_m": _short(survey.position_error_m),
        "label": survey.layer_label.value,
        "release": clip_utf8(survey.release, 48),
        "photos": [survey.photos_used, survey.photos_unplaced],
        "spots_total": len(survey.hotspots),
    }
    if flight.started_at:
        body["flown"] = flight.started_at.strftime("%Y-%m-%dT%H:%M:%S")
    if survey.weed_basis is WeedBasis.ROWS:
        body["row_based"] = True
    if flight.simulated:
        body["simulated"] = True
    return body


def _fit(body: dict[str, Any], spots: list[list[float | None]], warnings: list[str]) -> str:
    while True:
        text = _dump({**body, "spots": spots, **({"warnings": warnings} if warnings else {})})
        excess = len(text) - MAX_BYTES
        if excess <= 0:
            return text.decode()
        if len(spots) > 1:
            spots = spots[:-1]
        elif warnings:
            warnings = warnings[:-1]
        elif spots:
            spots = []
        else:
            name = str(body.pop("name"))  # the numbers alone fit, so a name is there to give way
            shorter = clip_utf8(name, len(_dump(name)) - 2 - excess)
            if shorter:
                body["name"] = shorter


def _spot(spot: Hotspot, share_position: bool) -> list[float | None]:
    row: list[float | None] = [spot.weed_count, _short(spot.area_m2), _short(spot.weed_cover * 100)]
    return [*row, round(spot.lat, 6), round(spot.lon, 6)] if share_position else row


def _estimate(value: float | None, interval: Interval | None, *, whole: bool = False) -> list[float] | None:
    if value is None or not math.isfinite(value):
        return None
    numbers = [value] if interval is None else [value, interval.low, interval.high]
    return [round(number) if whole else _short(number) for number in numbers]


def _short(value: float) -> float:
    """Four significant figures: more would claim what is not known, and costs bytes."""
    rounded = float(f"{value:.4g}")
    if not math.isfinite(rounded):  # the largest floats round up past the largest float
        return value
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e9 else rounded


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )
