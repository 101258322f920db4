"""Bands go in under names that tell nothing, and come out as one survey with reflectance behind it."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.imagery.photos import real_data
from tests.path.box import Box
from tests.path.conftest import Flown, Mapped
from tests.path.multispectral import FEW, ndvi_of, refly


def test_a_flight_of_bands(box: Box, flown: Flown, mapped: Mapped, tmp_path: Path) -> None:
    count = refly(flown[0], tmp_path / "card", shift=2)
    said = box.ingest(tmp_path / "card")
    assert said.code == 0, (said.out, said.err)
    assert said.json["captures"] == {"accepted": count, "rejected": 0, "duplicates": 0}
    (survey,), (colour,) = said.json["surveys"], mapped[1]["surveys"]
    assert survey["layer_label"] == "calibrated"
    assert survey["gsd_cm"] == pytest.approx(colour["gsd_cm"], rel=0.01)
    assert survey["area_ha"] == pytest.approx(colour["area_ha"], rel=0.02)
    with rasterio.open(box.root / "rasters" / survey["id"] / "map.tif") as raster:
        bands = {name: raster.read(number) for number, name in enumerate(raster.descriptions, 1)}
    assert {"ndvi", "ndre", "gndvi", "osavi", "mcari"} <= set(bands)
    with rasterio.open(mapped[0].root / "rasters" / colour["id"] / "mosaic.tif") as raster:
        truth = ndvi_of(np.moveaxis(raster.read(), 0, -1))
        shown = raster.dataset_mask() > 0
    known = np.isfinite(bands["ndvi"])
    assert float(np.nanmean(bands["ndvi"][known])) == pytest.approx(float(truth[shown].mean()), abs=0.03)
    # The same card once more: nothing new.
    again = box.mapped(tmp_path / "card")
    assert again["captures"]["accepted"] == 0
    assert again["surveys"][0]["id"] == survey["id"]


def test_an_exposure_whose_card_was_pulled_out_between_its_bands(
    box: Box, flown: Flown, tmp_path: Path
) -> None:
    card, stick = tmp_path / "card", tmp_path / "stick"
    refly(flown[0], card, most=3)
    stick.mkdir()
    files = sorted(card.iterdir())
    for path in files[:7]:
        shutil.copy(path, stick)
    first = box.run("ingest", stick, "--json").json
    for path in files[7:]:
        shutil.copy(path, stick)
    again = box.run("ingest", stick, "--json").json
    assert again["flights"] == first["flights"]
    with box.store() as store:
        flight = store.flight(again["flight"])
    assert flight
    assert [len(one.source.files) for one in flight.captures if one.source] == [5, 5, 5]


@pytest.mark.long
def test_damaged_bands_are_left_out_and_the_rest_mapped(box: Box, flown: Flown, tmp_path: Path) -> None:
    """One file is cut off, so that one band of an exposure is gone; another is whole and its pixels are not there."""
    count = refly(flown[0], tmp_path / "card", most=FEW)
    broken, *_others, hollow = sorted((tmp_path / "card").iterdir())
    broken.write_bytes(broken.read_bytes()[:1000])
    data, strip = hollow.read_bytes(), struct.pack("<HHI", 273, 4, 1)
    assert data.count(strip + struct.pack("<I", 8)) == 1
    hollow.write_bytes(data.replace(strip + struct.pack("<I", 8), strip + struct.pack("<I", 2**31)))
    said = box.ingest(tmp_path / "card")
    assert said.code == 3, (said.out, said.err)
    assert said.json["surveys"]
    assert len(said.json["rejected"]) == 2
    assert broken.name in {one["file"] for one in said.json["rejected"]}
    assert said.json["captures"]["accepted"] in {count, count - 1}


def test_an_orthomosaic_of_our_own(box: Box, mapped: Mapped, tmp_path: Path) -> None:
    source, document = mapped
    (made,) = document["surveys"]
    card = tmp_path / "mosaic.tif"
    card.write_bytes((source.root / "rasters" / made["id"] / "mosaic.tif").read_bytes())
    said = box.mapped(card)
    (survey,) = said["surveys"]
    assert said["captures"] == {"accepted": 1, "rejected": 0, "duplicates": 0}
    assert survey["position_error_m"] == pytest.approx(made["position_error_m"], rel=0.05)
    assert survey["area_ha"] == pytest.approx(made["area_ha"], rel=0.05)
    assert survey["crop_count"] == pytest.approx(made["crop_count"], rel=0.25)
    assert survey["weed_count"] == pytest.approx(made["weed_count"], rel=0.5)
    assert not any("does not say how exact" in one for one in survey["warnings"])
    assert box.mapped(card)["captures"] == {"accepted": 0, "rejected": 0, "duplicates": 1}


def test_the_plotted_orthomosaics(box: Box) -> None:
    folder = real_data() / "rasters"
    for name in ("615", "gray", "rgb"):
        (survey,) = box.mapped(folder / f"{name}.tif")["surveys"]
        assert survey["weed_count"] is None
        assert survey["area_ha"] > 0
        assert any("heights" in one for one in survey["warnings"]) == (name == "gray")
    assert "coordinate system" in box.ingest(folder / "rgb_uint16.tif").json["rejected"][0]["reason"]


def test_the_real_exposures(box: Box) -> None:
    said = box.ingest(real_data() / "flights" / "rededge")
    assert said.json["captures"]["accepted"] == 2
    assert {one["file"][:8] for one in said.json["unplaced"]} == {"IMG_0000", "IMG_0001"}
    assert any("calibration panel" in one["reason"] for one in said.json["unplaced"])
