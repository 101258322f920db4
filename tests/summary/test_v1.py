"""The summary fits in 1,024 bytes and says only what is known, whatever the survey."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldbox.domain import (
    Field,
    Flight,
    Hotspot,
    Interval,
    LayerLabel,
    Message,
    MessageKind,
    MessageState,
    Spraying,
    Survey,
    Verdict,
    WeedBasis,
)
from fieldbox.i18n import Sentence
from fieldbox.summary.short import clip_utf8
from fieldbox.summary.v1 import MAX_BYTES, Allowed, Beside, summarise
from fieldbox.wire import frame
from fieldbox.wire.ids import message_id
from fieldbox.wire.schemas import fault
from tests.summary.treating import prescription
from tests.wire.bodies import facts

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
interval = st.builds(Interval, st.floats(), st.floats()) | st.none()
ODD = (
    "\x00" * 500,
    "\\" * 700,
    '"' * 700,
    "खे" * 400,
    "🌱" * 300,
    "\ud800" * 300,
    "\u202e\u2066" * 200,
    "\u2028" * 300,
    "ا" * 400,
)
hostile_text = st.text(st.characters(), max_size=600) | st.sampled_from(ODD)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def through_a_frame(text: str) -> str:
    """What a hub reads of a summary that a box sent."""
    identity = message_id(SURVEY.made_at + timedelta(seconds=9), SURVEY.id, None)
    message = Message(identity, MessageKind.SUMMARY, text, MessageState.WAITING, 0, SURVEY.made_at)
    (item,) = frame.read(frame.pack("bq3k7xm2a", [message], KEY), lambda _box: KEY.public_key()).items
    assert (item.id, item.kind) == (identity, MessageKind.SUMMARY)
    return item.body or ""


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


def test_treating_and_flying_are_told_where_they_are_known() -> None:
    beside = Beside(prescription(Spraying(swath_m=3.0)), Verdict.AGAIN)
    body = parse(summarise(SURVEY, replace(FIELD, crop="tomato"), FLIGHT, beside=beside))
    assert body["spray"] == {"ha": [0.21, 0.2, 0.23], "l": [42, 40, 46], "how": "swaths"}
    assert (body["verdict"], body["crop"]) == ("again", "tomato")
    assert parse(summarise(replace(SURVEY, crop_missing=0), FIELD, FLIGHT))["missing"] == 0
    assert not {"spray", "verdict", "crop", "missing"} & parse(summarise(SURVEY, FIELD, FLIGHT)).keys()


def test_ground_that_is_not_to_be_treated_is_zero_and_not_absent() -> None:
    none = prescription(Spraying(swath_m=3.0), treated=False)
    needs = replace(
        none.needs,
        area_ha=0.0,
        area_ha_interval95=Interval(0, 0),
        spray_l=0.0,
        spray_l_interval95=Interval(0, 0),
    )
    body = parse(summarise(SURVEY, FIELD, FLIGHT, beside=Beside(replace(none, needs=needs))))
    assert body["spray"]["ha"] == [0, 0, 0]


@pytest.mark.parametrize(
    "told",
    [
        "Ramesh 98765 43210",
        "+91-98765-43210",
        "(020) 2543 1234",
        "९८७६५ ४३२१०",
        "plot 9876543210b",
        "1 2 3 4 5 6 7",
        "98765\u201343210",
    ],
)
def test_no_telephone_number_leaves_the_farm(told: str) -> None:
    field = replace(FIELD, name=told, crop=told)
    warned = replace(
        SURVEY, warnings=(Sentence("Not known: {crop}.", {"crop": told}), Sentence("{n}", {"n": told}))
    )
    text = summarise(warned, field, FLIGHT, Allowed(name=True))
    body = parse(text)
    told_texts = [body["name"], body["crop"], *body["warnings"]]
    assert all(sum(one.isdigit() for one in each) < 7 for each in told_texts)


def test_names_of_fields_keep_their_numbers() -> None:
    for name in ("Plot 12/3", "Survey 1047", "२०२६ खेत", "7 acre 2"):
        assert parse(summarise(SURVEY, replace(FIELD, name=name), FLIGHT, Allowed(name=True)))["name"] == name


def test_names_of_files_and_points_stay_on_the_farm() -> None:
    said = (
        Sentence(
            "Photos whose positions the list {file} gives: {count}.",
            {"file": "Sunita Patil.csv", "count": 1234567},
        ),
        Sentence(
            "The weed model does not know {crop}, and {share} % is bare.", {"crop": "okra", "share": "3.5"}
        ),
    )
    body = parse(summarise(replace(SURVEY, warnings=said), FIELD, FLIGHT, Allowed(name=True, position=True)))
    assert body["warnings"] == [
        "Photos whose positions the list … gives: 1234567.",
        "The weed model does not know okra, and 3.5 % is bare.",
    ]


def test_estimates_are_told_as_well_as_they_are_known() -> None:
    exact = replace(SURVEY, weed_count=123456, weed_count_interval95=Interval(117654.3, 129876.5))
    body = parse(summarise(exact, FIELD, FLIGHT))
    assert body["weeds"] == [123500, 117700, 129900]
    assert body["area_ha"] == [1.235, 1.2, 1.3]
    assert body["weed_pct"] == [2.12, 1.9, 2.4]


estimates = st.lists(st.tuples(number, interval), min_size=8, max_size=8)


@settings(max_examples=150, deadline=None)
@example("", "", [], 0, [(1.7975e308, Interval(-1.7e308, 1.7e308))] * 8, 0, True, None)
@example(
    "🌱" * 300,
    "🌱" * 300,
    [Sentence("{crop}", {"crop": "\x00" * 500})] * 12,
    40,
    [(-1.234e-300, Interval(-1.234e-300, 1.234e-300))] * 8,
    10**12,
    True,
    Verdict.USABLE,
)
@given(
    name=hostile_text,
    crop=hostile_text,
    warnings=st.lists(hostile_text.map(lambda text: Sentence("{crop}", {"crop": text})), max_size=12),
    spots=st.integers(0, 40),
    values=estimates,
    count=st.integers(0, 10**12),
    share=st.booleans(),
    verdict=st.none() | st.sampled_from(Verdict),
)
def test_it_always_fits_and_arrives(
    name: str,
    crop: str,
    warnings: list[Sentence],
    spots: int,
    values: list[tuple[float | None, Interval | None]],
    count: int,
    share: bool,
    verdict: Verdict | None,
) -> None:
    survey = of_values(values, count, warnings, spots)
    field = replace(FIELD, name=name, code=name[:40], crop=crop)
    treated = Beside(prescription(Spraying(swath_m=3.0)) if verdict else None, verdict)
    text = summarise(
        survey, field, replace(FLIGHT, simulated=share), Allowed(name=share, position=share), treated
    )
    assert len(text.encode()) <= MAX_BYTES
    body = parse(text)
    assert fault(MessageKind.SUMMARY, text) is None
    assert facts(through_a_frame(text)) == facts(text)
    for known, told in zip(values, (body[each] for each in ESTIMATES), strict=True):
        assert (told is None) == (known[0] is None or not math.isfinite(known[0]))
    assert body["spots_total"] == spots


ESTIMATES = ("area_ha", "weed_pct", "weeds", "crop_pct", "crops", "health", "unsure_pct", "unseen_pct")


def of_values(
    values: list[tuple[float | None, Interval | None]], count: int, warnings: list[Sentence], spots: int
) -> Survey:
    """A survey with whatever figures there may be, counts among them."""
    told = dict(zip(ESTIMATES, values, strict=True))
    named = {
        "area_ha": "area_ha",
        "weed_pct": "weed_cover_pct",
        "weeds": "weed_count",
        "crop_pct": "crop_cover_pct",
        "crops": "crop_count",
        "health": "health_index",
        "unsure_pct": "unsure_pct",
        "unseen_pct": "unseen_pct",
    }
    figures: dict[str, Any] = {}
    for short, (value, spread) in told.items():
        figures |= {named[short]: value, f"{named[short]}_interval95": spread}
    return replace(
        SURVEY,
        **figures,
        crop_missing=count,
        photos_used=count,
        release="weeds@" + "9" * 60,
        warnings=tuple(warnings),
        hotspots=(replace(SPOT, weed_count=count, weed_cover=values[0][0] or 0.0),) * spots,
    )


@given(st.text(max_size=200), st.integers(0, 100))
def test_clipping_keeps_whole_characters(text: str, limit: int) -> None:
    clipped = clip_utf8(text, limit)
    assert text.startswith(clipped)
    assert len(json.dumps(clipped, ensure_ascii=False).encode("utf-8", "replace")) - 2 <= limit
