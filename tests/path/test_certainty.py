"""What the box says when it does not know: other scenes, other crops, doubtful plants."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fieldbox.simulate.flight import FlightOptions, exact, fly
from fieldbox.simulate.ortho import over_orthomosaic
from tests.imagery.scenes import NO_FIELD
from tests.path.box import Box
from tests.path.conftest import Flown, Mapped


def test_the_ladder_is_told_and_adds_up(mapped: Mapped) -> None:
    (survey,) = mapped[1]["surveys"]
    ladder = survey["ladder"]
    assert ladder["looked_again"] <= ladder["doubtful"]
    assert ladder["settled_sure"] + ladder["dropped"] <= ladder["looked_again"]
    assert ladder["still_unsure"] == ladder["doubtful"] - ladder["settled_sure"] - ladder["dropped"]
    assert 0 <= ladder["pixels_share"] <= 0.15
    box = mapped[0]
    with box.store() as store:
        plants = store.detections(survey["id"])
    assert sum(not one.sure for one in plants) == ladder["still_unsure"]
    assert survey["weed_basis"] == "plants"


def test_without_a_budget_nothing_is_looked_at_again(box: Box, mapped: Mapped, flown: Flown) -> None:
    (once,) = box.with_settings(models__doubt_budget="0").mapped(flown[0])["surveys"]
    (survey,) = mapped[1]["surveys"]
    assert once["ladder"]["looked_again"] == once["ladder"]["dropped"] == 0
    assert once["ladder"]["pixels_share"] == 0
    assert once["ladder"]["doubtful"] == survey["ladder"]["doubtful"]
    assert once["id"] != survey["id"]
    assert once["weed_count"] + once["crop_count"] == (
        survey["weed_count"] + survey["crop_count"] + survey["ladder"]["dropped"]
    )


def test_unsure_plants_are_exported_as_such(mapped: Mapped, tmp_path: Path) -> None:
    box, document = mapped
    (survey,) = document["surveys"]
    unsure = 0
    for layer in ("weeds", "crop"):
        out = tmp_path / f"{layer}.geojson"
        said = box.run("export", survey["id"], "--layer", layer, "--format", "geojson", "-o", out)
        assert said.code == 0, said
        told = [one["properties"]["certainty"] for one in json.loads(out.read_text())["features"]]
        assert set(told) <= {"sure", "unsure"}
        unsure += told.count("unsure")
    assert unsure == survey["ladder"]["still_unsure"]


def test_a_crop_that_is_not_on_the_card(box: Box, flown: Flown) -> None:
    (survey,) = box.mapped(flown[0], "--crop", "Maize")["surveys"]
    assert survey["weed_basis"] == "row-based"
    assert survey["stand"]["spacing_m"] == pytest.approx(0.75, rel=0.03)
    assert survey["stand"]["per_ha"] is None
    assert survey["stand"]["weeds_between"] is None
    assert survey["weed_cover_pct"] is not None
    low, high = survey["weed_cover_pct_interval95"]
    assert low <= survey["weed_cover_pct"] <= high
    for name in ("weed_count", "crop_count", "crop_cover_pct", "unsure_pct", "ladder"):
        assert survey[name] is None, name
    (told,) = [one for one in survey["warnings"] if one.startswith("Row-based")]
    assert "Maize" in told
    assert "0.75 m apart" in told
    with box.store() as store:
        (field,) = store.fields()
        assert field.crop == "Maize"
        assert store.detections(survey["id"]) == []
    said = box.run("export", survey["id"], "--layer", "weeds", "--format", "csv", "-o", box.root / "w.csv")
    assert "not called" in said.refused()
    # The crop named rightly: the same flight is looked at anew, plant by plant.
    (again,) = box.mapped(flown[0], "--crop", "potato")["surveys"]
    assert again["weed_basis"] == "plants"
    assert again["weed_count"] > 0
    # And back: the first survey is there, and counts again.
    (back,) = box.mapped(flown[0], "--crop", "Maize")["surveys"]
    assert back["id"] == survey["id"]
    with box.store() as store:
        assert [one.id for one in store.surveys()] == [survey["id"], again["id"]]


def test_a_known_crop_changes_nothing(box: Box, mapped: Mapped, flown: Flown) -> None:
    (survey,) = box.mapped(flown[0], "--crop", " POTATO ")["surveys"]
    assert survey == mapped[1]["surveys"][0]


def test_a_crop_has_a_name(box: Box, flown: Flown) -> None:
    assert "1 to 80 characters" in box.run("ingest", flown[0], "--crop", " ").refused()


@pytest.mark.parametrize(("name", "why"), [("car park", "do not look like the fields"), ("lawn", "canopy")])
def test_a_flight_over_no_field_calls_no_weeds(box: Box, tmp_path: Path, name: str, why: str) -> None:
    tile = cv2.resize(NO_FIELD[name](3), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "ground.png"), np.tile(tile, (3, 3, 1))[..., ::-1])
    options = exact(FlightOptions(camera="small", altitude_m=10.0, max_photos=6))
    fly(over_orthomosaic(tmp_path / "ground.png", 0.0028), options, tmp_path / "card")
    (survey,) = box.mapped(tmp_path / "card")["surveys"]
    assert survey["weed_basis"] is None
    for number in ("weed_count", "weed_cover_pct", "crop_count", "ladder"):
        assert survey[number] is None, number
    assert any(why in one for one in survey["warnings"]), survey["warnings"]


def test_detect_tells_of_doubt_and_of_strange_scenes(mapped: Mapped, flown: Flown, tmp_path: Path) -> None:
    box = mapped[0]
    said = box.run("detect", flown[0] / "DJI_0008.JPG", "--gsd-mm", "2.8", "--json").json
    assert {one["sure"] for one in said["detections"]} <= {True, False}
    picture = cv2.resize(NO_FIELD["car park"](1), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "car_park.jpg"), np.asarray(picture)[..., ::-1])
    said = box.run("detect", tmp_path / "car_park.jpg", "--gsd-mm", "2.8", "--json").json
    assert said["detections"] == []
    assert said["weed_cover_pct"] is None
    assert "do not look like" in said["warnings"][0]
