"""The summary fits in 1,024 bytes and says only what is known, whatever the survey."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import jsonschema
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldbox.domain import Field, Flight, Hotspot, Interval, LayerLabel, Survey, WeedBasis
from fieldbox.i18n import Sentence
from fieldbox.summary.short import clip_utf8
from fieldbox.summary.v1 import MAX_BYTES, Allowed, summarise

SCHEMA = json.loads((files("fieldbox.summary") / "summary-v1.schema.json").read_text())

SURVEY = Survey(
    id="0123456789abcdef0123",
    flight_id="fedcba9876543210",
    field_id=1,
    release="weeds@1.0.0",
    made_at=datetime(2026, 11, 23, 10, 5, tzinfo=UTC),
    area_ha=1.2345678,
    area_ha_interval95=Interval(1.2, 1.3),
    gsd_cm=0.28,
    gsd_cm_interval95=Interval(0.27, 0.29),
    weed_cover_pct=2.123456,
    weed_cover_pct_interval95=Interval(1.9, 2.4),
    weed_count=1234,
    weed_count_interval95=Interval(1100.4, 1400.9),
    crop_cover_pct=30.0,
    crop_cover_pct_interval95=Interval(28, 33),
    crop_count=4321,
    crop_count_interval95=Interval(4200, 4500),
    health_index=None,
    health_index_interval95=None,
    unsure_pct=4.0,
    unsure_pct_interval95=None,
    unseen_pct=0.0,
    unseen_pct_interval95=Interval(0, 1),
    position_error_m=3.7,
    layer_label=LayerLabel.RGB_ONLY,
    warnings=(),
    hotspots=(),
    photos_used=24,
    photos_unplaced=1,
)
FIELD = Field(1, "F01", "आम का खेत", ((0, 0), (0, 1), (1, 1)), drawn=True)
FLIGHT = Flight("fedcba9876543210", 1, datetime(2026, 11, 20, 9), None, ())
SPOT = Hotspot(1, 500000.0, 2000000.0, 18.123456789, 75.123456789, 12.0, 0.0321, 57, "ab" * 32, 1.0, 2.0)

number = st.floats(allow_nan=True, allow_infinity=True) | st.none()
interval = st.builds(Interval, st.floats(0, 1e12), st.floats(0, 1e12)) | st.none()
hostile_text = st.text(max_size=600) | st.sampled_from(["\x00" * 500, "\\" * 700, "खे" * 400, "🌱" * 300])


def parse(text: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(text, parse_constant=lambda c: (_ for _ in ()).throw(ValueError(c)))
    jsonschema.validate(body, SCHEMA, cls=jsonschema.Draft202012Validator)
    return body


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_is_not_known_is_null_and_zero_is_zero() -> None:
    body = parse(summarise(SURVEY, FIELD, FLIGHT))
    assert body["health"] is None
    assert body["unseen_pct"] == [0, 0, 1]
    assert body["unsure_pct"] == [4]
    assert body["weeds"] == [1234, 1100, 1401]


def test_name_and_position_stay_on_the_farm_unless_the_owner_allows() -> None:
    survey = replace(SURVEY, hotspots=(SPOT,))
    private = summarise(survey, FIELD, FLIGHT)
    assert FIELD.name not in private
    assert "18.12" not in private
    shared = parse(summarise(survey, FIELD, FLIGHT, Allowed(name=True, position=True)))
    assert shared["name"] == FIELD.name
    assert shared["spots"] == [[57, 12, 3.2, 18.123457, 75.123457]]


def test_row_based_weeds_say_so() -> None:
    assert parse(summarise(replace(SURVEY, weed_basis=WeedBasis.ROWS), FIELD, FLIGHT))["row_based"] is True
    assert "row_based" not in parse(summarise(replace(SURVEY, weed_basis=WeedBasis.PLANTS), FIELD, FLIGHT))


def test_a_simulated_flight_says_so() -> None:
    assert parse(summarise(SURVEY, FIELD, replace(FLIGHT, simulated=True)))["simulated"] is True
    assert "simulated" not in parse(summarise(SURVEY, FIELD, FLIGHT))


@settings(max_examples=300, deadline=None)
@example("", [], 0, 1.7975e308, None, 0, False)
@given(
    name=hostile_text,
    warnings=st.lists(hostile_text.map(lambda text: Sentence("{what}", {"what": text})), max_size=12),
    spots=st.integers(0, 40),
    value=number,
    spread=interval,
    count=st.integers(0, 10**12),
    share=st.booleans(),
)
def test_it_always_fits(
    name: str,
    warnings: list[Sentence],
    spots: int,
    value: float | None,
    spread: Interval | None,
    count: int,
    share: bool,
) -> None:
    survey = replace(
        SURVEY,
        weed_cover_pct=value,
        weed_cover_pct_interval95=spread,
        weed_count=count,
        weed_count_interval95=spread,
        warnings=tuple(warnings),
        hotspots=(SPOT,) * spots,
    )
    text = summarise(survey, replace(FIELD, name=name), FLIGHT, Allowed(name=share, position=share))
    assert len(text.encode()) <= MAX_BYTES
    body = parse(text)
    assert (body["weed_pct"] is None) == (value is None or not math.isfinite(value))
    assert body["spots_total"] == spots


@given(st.text(max_size=200), st.integers(0, 100))
def test_clipping_keeps_whole_characters(text: str, limit: int) -> None:
    clipped = clip_utf8(text, limit)
    assert text.startswith(clipped)
    assert len(json.dumps(clipped, ensure_ascii=False).encode("utf-8", "replace")) - 2 <= limit
