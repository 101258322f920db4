"""`fieldbox spraying` and `fieldbox prescribe`, from a box with a survey to what they print."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from fieldbox.cli import main
from fieldbox.domain import Flight, Interval, Product, Spraying
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, capture, detection, survey, told

RING = ((77.0, 12.0), (77.0006, 12.0), (77.0006, 12.0004), (77.0, 12.0004))
"""65 x 44 m."""


@pytest.fixture(autouse=True)
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box with one survey of a field with 60 weeds in a patch and some alone."""
    root = tmp_path / "box"
    root.mkdir()
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(root))
    rng = np.random.default_rng(3)
    places = [*(20 + rng.normal(0, 1.5, (60, 2))).tolist(), [40.0, 10.0], [50.0, 30.0], [8.0, 35.0]]
    with Store.open(root / "fieldbox.db") as store:
        add_captures(store, [capture(1)])
        field = store.add_field("North", RING, drawn=True)
        flight = Flight("flight", field.id, None, None, (capture(1),))
        store.save_flight(flight)
        made = replace(
            survey(flight, "abc123"),
            weed_count=len(places),
            weed_count_interval95=Interval(50, 80),
            position_error_m=0.4,
            area_ha=0.28,
            area_ha_interval95=Interval(0.27, 0.29),
        )
        store.save_survey(
            made,
            [detection(flight, east, north) for east, north in places],
            told(),
            plan_key="plan",
            release_sha="r1",
            to_geographic=lambda east, north: (12.0 + north * 9.04e-6, 77.0 + east * 9.19e-6),
        )
    return root


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def said(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def spraying(box: Path) -> Spraying:
    with Store.open(box / "fieldbox.db") as store:
        return store.spraying(1)


def test_a_prescription_is_told(box: Path) -> None:
    done = run("prescribe", "abc")
    assert done.exit_code == 0, done.output
    for words in ("North: 0.28", "% of all weeds", "tanks to fill", "against spraying it all", "taken"):
        assert words in done.output
    found = said("prescribe", "abc")
    assert sum(one["count"] for one in found["treated"]) == 63
    assert found["needs"]["spray_l"] == pytest.approx(found["needs"]["area_ha"] * 200)
    assert found["needs"]["products"] == []
    assert found["assured"] <= found["coverage"] <= 1


def test_what_is_told_of_a_field_is_kept(box: Path) -> None:
    done = run(
        "spraying", "F01", "--swath-m", 3, "--product", "one=1.5", "--product", "two = 0.2", "--coverage-pct", 90,
        "--direction", 30,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "112 ml for a full tank" in done.output
    kept = spraying(box)
    assert (kept.swath_m, kept.coverage, kept.direction_deg) == (3.0, 0.9, 30.0)
    assert kept.products == (Product("one", 1.5), Product("two", 0.2))
    found = said("prescribe", "abc")
    assert found["direction_deg"] == pytest.approx(30)
    assert [one["product"]["name"] for one in found["needs"]["products"]] == ["one", "two"]
    cleared = said("spraying", "North", "--clear", "products", "--clear", "direction")
    assert (cleared["products"], cleared["direction_deg"], cleared["swath_m"]) == ([], None, 3.0)


def test_a_threshold_from_prices(box: Path) -> None:
    part = run("spraying", "North", "--price-per-t", 20_000)
    assert part.exit_code == 1
    assert "--yield-t-ha, --loss-pct-per-weed, --cost-per-ha" in part.output
    whole = ("--price-per-t", 20_000, "--yield-t-ha", 3, "--loss-pct-per-weed", 2, "--cost-per-ha", 1080)
    assert said("spraying", "North", *whole)["pays_from_per_m2"] == pytest.approx(1.02, abs=0.03)
    # A lone weed in some square metres does not pay; one price told anew is enough from now on.
    found = said("prescribe", "abc", "--strategy", "spots")
    assert [one["count"] for one in found["left"]].count(1) == 3
    assert found["treated"]
    assert all(one["density"] > 1.0 for one in found["treated"])
    assert said("spraying", "North", "--cost-per-ha", 100)["pays_from_per_m2"] < 0.1
    assert not said("prescribe", "abc", "--strategy", "spots")["left"]
    assert "costs more than it brings" in run("spraying", "North", "--cost-per-ha", 1e6).output


def test_prices_that_are_cleared_and_told_anew_are_new(box: Path) -> None:
    whole = ("--price-per-t", 20_000, "--yield-t-ha", 3, "--loss-pct-per-weed", 2, "--cost-per-ha", 1080)
    run("spraying", "North", *whole)
    part = run("spraying", "North", "--clear", "economics", "--price-per-t", 10_000)
    assert "--yield-t-ha" in part.output
    again = said("spraying", "North", "--clear", "economics", *whole[:1], 10_000, *whole[2:])
    assert again["economics"]["price_per_t"] == 10_000


def test_options_of_prescribe_are_for_once(box: Path) -> None:
    assert said("prescribe", "abc", "--strategy", "swaths", "--spray-l-ha", 100)["strategy"] == "swaths"
    assert spraying(box) == Spraying()


def test_water_is_kept_off(box: Path, tmp_path: Path) -> None:
    pond = [
        [77.0001, 12.0001],
        [77.00025, 12.0001],
        [77.00025, 12.00025],
        [77.0001, 12.00025],
        [77.0001, 12.0001],
    ]
    features = [
        {"type": "Feature", "properties": {"name": "pond"}, "geometry": {"type": "Polygon", "coordinates": [pond]}},
        {"type": "Feature", "properties": {"name": "hive", "strip_m": 8},
         "geometry": {"type": "Point", "coordinates": [77.0005, 12.0003]}},
        {"type": "Feature", "properties": {"name": "far"}, "geometry": {"type": "Point", "coordinates": [78.0, 12.0]}},
    ]  # fmt: skip
    file = tmp_path / "water.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    before = said("prescribe", "abc")
    done = run("spraying", "North", "--keep-off", file, "--strip-m", 2)
    assert done.exit_code == 0, done.output
    assert "pond, with 2.0 m around it" in done.output
    assert [(one.name, one.strip_m) for one in spraying(box).keep_off] == [("pond", 2.0), ("hive", 8.0)]
    run("spraying", "North", "--keep-off", file, "--strip-m", 2)
    assert len(spraying(box).keep_off) == 2
    after = said("prescribe", "abc")
    assert after["field_m2"] < before["field_m2"] - 400
    assert sum(one["count"] for one in after["treated"]) < 30


def test_what_is_to_be_protected_does_not_get_lost(box: Path, tmp_path: Path) -> None:
    file = tmp_path / "water.geojson"
    well = {"type": "Point", "coordinates": [77.0003, 12.0002]}
    lost = {"type": "Point", "coordinates": [586_000, 2_051_000]}
    features = [{"type": "Feature", "properties": {}, "geometry": one} for one in (well, lost)]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert "1 pieces lie at no place on Earth" in run("spraying", "North", "--keep-off", file).output
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features[:1]}))
    run("spraying", "North", "--keep-off", file, "--strip-m", 2)
    run("spraying", "North", "--keep-off", file, "--strip-m", 9)
    assert [one.strip_m for one in spraying(box).keep_off] == [9.0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no map", "cannot be read as a map"),
        ('{"type": "FeatureCollection", "features": []}', "Nothing in"),
        ('{"type": "Point", "coordinates": [586000, 2051000]}', "Nothing in"),
        (
            '{"type": "Polygon", "coordinates": [[[77, 12], [NaN, 12], [77, 13], [77, 12]]]}',
            "Nothing in|cannot be read",
        ),
    ],
)
def test_what_is_no_map_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "water.geojson"
    file.write_text(text)
    done = run("spraying", "North", "--keep-off", file)
    assert done.exit_code == 1
    assert any(one in done.output for one in sentence.split("|")), done.output
    assert "Traceback" not in done.output


def test_what_cannot_be_is_refused(box: Path) -> None:
    assert "there is North" in run("spraying", "South").output
    assert "like glyphosate=2.5" in run("spraying", "North", "--product", "x").output
    assert "a dose is part of the spray" in run("spraying", "North", "--product", "x=900").output
    for option in ("--swath-m", "--direction", "--from-per-m2", "--from-cover-pct", "--strip-m"):
        for value in ("nan", "inf"):
            assert run("spraying", "North", option, value).exit_code == 2
    assert "no product and dose" in run("spraying", "North", "--product", "=1").output
    assert spraying(box) == Spraying()
