"""A survey as JSON of at most 1,024 bytes (`summary-v1.schema.json`), whatever its names and counts.

The numbers always go; lists and names give way: first the tail of the hotspots, then the warnings,
then the names, cut at a whole character.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from fieldbox.domain import Field, Flight, Hotspot, Prescription, Survey, Verdict, WeedBasis
from fieldbox.summary.short import clip_utf8, dump, estimate, in_english, in_utc, short, without_numbers

MAX_BYTES = 1024
MAX_SPOTS = 8
MAX_WARNING_BYTES = 90
MAX_NAME_BYTES = 120
MAX_CROP_BYTES = 24
MAX_CODE_BYTES = 16
VERDICTS: Final = {Verdict.GOOD: "good", Verdict.USABLE: "usable", Verdict.AGAIN: "again"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What of a field the owner lets leave the farm, beside its code."""

    name: bool = False
    position: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside a survey's own figures. What is not known is None."""

    prescription: Prescription | None = None
    """Only where somebody told how the field is sprayed."""
    verdict: Verdict | None = None
    """How well it was flown."""


def summarise(
    survey: Survey, field: Field, flight: Flight, allowed: Allowed | None = None, beside: Beside | None = None
) -> str:
    """The summary of `survey`: UTF-8 JSON without spaces, at most 1,024 bytes.

    The field's code always goes; its name and the positions of spots only if the owner allows. What may be a telephone number
    goes in no case, nor does a name that somebody gave to a file or to a point on the ground.
    """
    allowed = allowed or Allowed()
    body = {**_numbers(survey, field), **_flown(survey, flight), **_beside(beside or Beside())}
    if field.crop:
        body["crop"] = clip_utf8(without_numbers(field.crop), MAX_CROP_BYTES)
    if allowed.name:
        body["name"] = clip_utf8(without_numbers(field.name), MAX_NAME_BYTES)
    spots = [_spot(spot, allowed) for spot in survey.hotspots[:MAX_SPOTS]]
    warnings = [clip_utf8(in_english(one), MAX_WARNING_BYTES) for one in survey.warnings]
    return _fit(body, spots, warnings)


def _numbers(survey: Survey, field: Field) -> dict[str, Any]:
    return {
        "v": 1,
        "id": survey.id,
        "field": clip_utf8(field.code, MAX_CODE_BYTES),
        "made": in_utc(survey.made_at),
        "area_ha": estimate(survey.area_ha, survey.area_ha_interval95),
        "weed_pct": estimate(survey.weed_cover_pct, survey.weed_cover_pct_interval95),
        "weeds": estimate(survey.weed_count, survey.weed_count_interval95, whole=True),
        "crop_pct": estimate(survey.crop_cover_pct, survey.crop_cover_pct_interval95),
        "crops": estimate(survey.crop_count, survey.crop_count_interval95, whole=True),
        "health": estimate(survey.health_index, survey.health_index_interval95),
        "unsure_pct": estimate(survey.unsure_pct, survey.unsure_pct_interval95),
        "unseen_pct": estimate(survey.unseen_pct, survey.unseen_pct_interval95),
        "gsd_cm": short(survey.gsd_cm, 3),
        "pos_err_m": short(survey.position_error_m, 3),
        "label": survey.layer_label.value,
        "release": clip_utf8(survey.release, 48),
        "photos": [survey.photos_used, survey.photos_unplaced],
        "spots_total": len(survey.hotspots),
    }


def _flown(survey: Survey, flight: Flight) -> dict[str, Any]:
    """What is there only where it is known, or true."""
    told: dict[str, Any] = {}
    if flight.started_at:
        told["flown"] = flight.started_at.strftime("%Y-%m-%dT%H:%M:%S")
    if survey.crop_missing is not None:
        told["missing"] = survey.crop_missing
    if survey.weed_basis is WeedBasis.ROWS:
        told["row_based"] = True
    if flight.simulated:
        told["simulated"] = True
    return told


def _beside(beside: Beside) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if beside.prescription:
        told["spray"] = spray(beside.prescription)
    if beside.verdict:
        told["verdict"] = VERDICTS[beside.verdict]
    return told


def spray(found: Prescription) -> dict[str, Any]:
    """What a prescription against weeds comes to."""
    needs = found.needs
    told: dict[str, Any] = {
        "ha": estimate(needs.area_ha, needs.area_ha_interval95),
        "l": estimate(needs.spray_l, needs.spray_l_interval95),
    }
    return {**told, "how": found.strategy.value} if found.strategy else told


def _fit(body: dict[str, Any], spots: list[list[float | None]], warnings: list[str]) -> str:
    while True:
        text = dump({**body, "spots": spots, **({"warnings": warnings} if warnings else {})})
        excess = len(text) - MAX_BYTES
        if excess <= 0:
            return text.decode()
        if len(spots) > 1:
            spots = spots[:-1]
        elif warnings:
            warnings = warnings[:-1]
        elif spots:
            spots = []
        else:  # the numbers alone fit, so a name is there to give way
            _shorten(body, "name" if "name" in body else "crop", excess)


def _shorten(body: dict[str, Any], which: str, excess: int) -> None:
    told = str(body.pop(which))
    shorter = clip_utf8(told, len(dump(told)) - 2 - excess)
    if shorter:
        body[which] = shorter


def _spot(spot: Hotspot, allowed: Allowed) -> list[float | None]:
    told: list[float | None] = [spot.weed_count, _known(spot.area_m2), _percent(100 * spot.weed_cover)]
    return [*told, round(spot.lat, 6), round(spot.lon, 6)] if allowed.position else told


def _percent(cover: float) -> float | None:
    """To a tenth; below one to two figures, so that little is not nothing."""
    return _known(round(cover, 1)) if abs(cover) >= 1 else _known(cover, 2)


def _known(value: float, figures: int = 4) -> float | None:
    return short(value, figures) if math.isfinite(value) else None
