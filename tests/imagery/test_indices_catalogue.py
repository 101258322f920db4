"""The catalogue of indices against values worked out by hand, and within the ranges that it states."""

from __future__ import annotations

import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.imagery.indices import CATALOGUE, Band, Index, vegetation_indices

B, G, R, E, N = Band.BLUE, Band.GREEN, Band.RED, Band.RED_EDGE, Band.NIR
LEAF = {B: 0.04, G: 0.10, R: 0.05, E: 0.25, N: 0.50}
"""Reflectance of a green leaf, in round numbers."""
BY_HAND = {
    "ExG": (0.20 - 0.05 - 0.04) / 0.19,
    "ExR": (0.07 - 0.10) / 0.19,
    "ExGR": 0.11 / 0.19 + 0.03 / 0.19,
    "GLI": 0.11 / 0.29,
    "VARI": 0.05 / 0.11,
    "NGRDI": 0.05 / 0.15,
    "MGRVI": (0.0100 - 0.0025) / 0.0125,
    "RGBVI": (0.0100 - 0.0020) / 0.0120,
    "TGI": 5.35,  # -0.5 (190 x -0.05 - 120 x 0.01)
    "NDVI": 0.45 / 0.55,
    "GNDVI": 0.40 / 0.60,
    "NDRE": 0.25 / 0.75,
    "SAVI": 1.5 * 0.45 / 1.05,
    "OSAVI": 0.45 / 0.71,
    "MCARI": (0.20 - 0.2 * 0.15) * 5,
    "CIrededge": 1.0,
    "CIgreen": 4.0,
}
SHARED = Path(os.environ.get("FIELDBOX_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_leaf_by_hand(name: str) -> None:
    assert float(CATALOGUE[name].of(LEAF)) == pytest.approx(BY_HAND[name], rel=1e-5)


@pytest.mark.parametrize("index", CATALOGUE.values(), ids=lambda one: one.name)
@settings(max_examples=150, deadline=None)
@given(values=st.lists(st.floats(0, 1, width=32), min_size=5, max_size=5))
def test_values_stay_in_their_range(index: Index, values: list[float]) -> None:
    bands = dict(zip(Band, values, strict=True))
    value = float(index.of(bands))
    assert math.isnan(value) or index.low - 1e-4 <= value <= index.high + 1e-4


@pytest.mark.parametrize(
    "index", [one for one in CATALOGUE.values() if not one.reflectance], ids=lambda one: one.name
)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(0.01, 1), min_size=5, max_size=5), scale=st.floats(0.1, 60_000))
def test_ratios_do_not_depend_on_a_common_scale(index: Index, values: list[float], scale: float) -> None:
    bands = dict(zip(Band, values, strict=True))
    brighter = {band: value * scale for band, value in bands.items()}
    plain = float(index.of(bands))
    if index.name == "VARI" and (math.isnan(plain) or abs(plain) > 1e3):
        return  # its divisor is next to nothing there
    np.testing.assert_allclose(index.of(brighter), plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("index", CATALOGUE.values(), ids=lambda one: one.name)
def test_what_is_not_known_is_nan(index: Index) -> None:
    for poison in (np.nan, np.inf, -0.1):
        for band in index.bands:
            value = index.of({**LEAF, band: poison})
            assert np.isnan(value), (index.name, band, poison)


@pytest.mark.parametrize(
    "name", ["ExG", "ExR", "ExGR", "GLI", "VARI", "NGRDI", "MGRVI", "RGBVI", "NDVI", "GNDVI", "NDRE"]
)
def test_no_light_at_all_is_undefined(name: str) -> None:
    assert np.isnan(CATALOGUE[name].of(dict.fromkeys(Band, 0.0)))


def test_ratios_to_a_dark_band_are_undefined() -> None:
    for name, band in (("CIrededge", E), ("CIgreen", G), ("MCARI", R)):
        assert np.isnan(CATALOGUE[name].of({**LEAF, band: 0.0})), name
    assert np.isnan(CATALOGUE["VARI"].of({**LEAF, B: 0.9})), "more blue than all else"


def test_arrays_keep_their_shape_and_single_holes() -> None:
    bands = {band: np.full((3, 4), value) for band, value in LEAF.items()}
    bands[N][1, 2] = np.nan
    value = CATALOGUE["NDVI"].of(bands)
    assert (value.shape, value.dtype) == ((3, 4), np.float32)
    assert np.isnan(value).sum() == 1
    assert np.isnan(value[1, 2])


def test_a_missing_band_and_unlike_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="near infrared"):
        CATALOGUE["NDVI"].of({R: 0.1})
    with pytest.raises(ValueError, match="one shape"):
        CATALOGUE["NDVI"].of({R: np.zeros(3), N: np.zeros(4)})


def test_the_quick_path_agrees_with_the_catalogue() -> None:
    rgb = np.random.default_rng(3).integers(1, 256, (40, 50, 3), dtype=np.uint8)
    bands = {R: rgb[..., 0], G: rgb[..., 1], B: rgb[..., 2]}
    quick = vegetation_indices(rgb)
    np.testing.assert_allclose(quick.exg, CATALOGUE["ExG"].of(bands), atol=1e-5)
    np.testing.assert_allclose(quick.gli, CATALOGUE["GLI"].of(bands), atol=1e-5)
    vari = CATALOGUE["VARI"].of(bands)
    defined = np.isfinite(vari)
    np.testing.assert_allclose(quick.vari[defined], np.clip(vari[defined], -1, 1), atol=1e-5)
    assert not quick.vari[~defined].any()


def test_every_entry_says_what_it_needs_and_where_it_is_from() -> None:
    for name, index in CATALOGUE.items():
        assert index.name == name
        assert index.low < index.high
        assert any(year in index.source for year in map(str, range(1970, 2026))), name
        assert len(set(index.bands)) == len(index.bands) >= 2


@pytest.mark.shared
def test_real_bands_of_an_orchard_as_relative_values() -> None:
    folder = SHARED / "flights" / "rededge"
    if not folder.is_dir():
        pytest.skip(f"needs the real flights in {SHARED}")
    order = (B, G, R, N, E)
    bands = {}
    for number, band in enumerate(order, start=1):
        raw = cv2.imread(str(folder / f"IMG_0001_{number}.tif"), cv2.IMREAD_UNCHANGED)
        # The five lenses see the ground some pixels apart: cells of 16 x 16 pixels agree well enough.
        bands[band] = cv2.resize(
            raw.astype(np.float32), None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA
        )
    for index in CATALOGUE.values():
        value = index.of(bands)
        assert np.isfinite(value).mean() > 0.9, index.name
    ndvi = CATALOGUE["NDVI"].of(bands)
    assert ndvi.min() >= -1 and ndvi.max() <= 1
    rows, between = np.nanquantile(ndvi, [0.9, 0.1])
    assert rows - between > 0.15, "the rows of trees do not stand out"
