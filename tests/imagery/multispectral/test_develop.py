"""Band files to reflectance: what the files were made from comes back."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldbox.domain import LayerLabel
from fieldbox.errors import Rejected
from fieldbox.imagery.multispectral.develop import develop
from fieldbox.imagery.multispectral.grouping import Item, group_exposures
from fieldbox.imagery.multispectral.packed import STEP, from_bytes, to_bytes
from fieldbox.imagery.multispectral.panel import read_panel
from fieldbox.imagery.multispectral.picture import picture
from fieldbox.imagery.multispectral.radiometry import radiance
from fieldbox.imagery.multispectral.tags import read_band
from fieldbox.imagery.multispectral.tiff import read_pixels
from fieldbox.imagery.spectral import possible, spectral_index
from tests.imagery.multispectral.bandfiles import HEIGHT, WAVES, WIDTH, dji, micasense, sequoia, tiff, truth
from tests.imagery.photos import real_data

NAMES = {"Blue": "blue", "Green": "green", "Red": "red", "Red edge": "rededge", "NIR": "nir"}
ALBEDO = {"blue": 0.67, "green": 0.69, "red": 0.68, "rededge": 0.67, "nir": 0.61}
"""Assumed: proves the arithmetic only."""


def _off(plane: np.ndarray, name: str) -> float:
    inner = (slice(12, -12), slice(12, -12))
    return float(np.nanquantile(np.abs(plane[inner] - truth(name)[inner]), 0.99))


@pytest.mark.parametrize(
    "write", [micasense, dji, lambda n, r: dji(n, r, model="FC6360")], ids=["RedEdge-M", "M3M", "P4M"]
)
def test_the_truth_comes_back(write: Callable[..., bytes]) -> None:
    developed = develop([write(name, truth(name)) for name in WAVES])
    assert developed.names == tuple(NAMES.values())
    for name, plain in NAMES.items():
        assert _off(developed.plane(plain), name) < 0.01
    red, nir = truth("Red"), truth("NIR")
    ndvi = spectral_index("NDVI", developed.bands, developed.names)
    assert np.nanquantile(np.abs(ndvi - (nir - red) / (nir + red))[12:-12, 12:-12], 0.95) < 0.01
    assert np.isfinite(developed.bands[20:-20, 20:-20]).mean() > 0.99


def test_sequoia_with_a_panel() -> None:
    names = [name for name in WAVES if name != "Blue"]
    flat = np.full((HEIGHT, WIDTH), 0.5)
    region = [(150.0, 100.0), (250.0, 100.0), (250.0, 200.0), (150.0, 200.0)]
    panel = read_panel(
        [sequoia(name, flat, light=4000) for name in names],
        {NAMES[name]: 0.5 for name in names},
        {NAMES[name]: region for name in names},
    )
    developed = develop([sequoia(name, truth(name)) for name in names], panel)
    assert developed.label is LayerLabel.CALIBRATED
    for name in names:
        assert _off(developed.plane(NAMES[name]), name) < 0.01


def test_labels() -> None:
    assert develop([micasense(name, truth(name)) for name in WAVES]).label is LayerLabel.CALIBRATED
    dark = develop([micasense(name, truth(name), sun=None) for name in WAVES])
    assert dark.label is LayerLabel.RELATIVE and not dark.like_reflectance
    assert dark.warnings
    assert "OSAVI" not in possible(dark.names, dark.label) and "NDVI" in possible(dark.names, dark.label)
    assert develop([dji(name, truth(name)) for name in WAVES]).label is LayerLabel.RELATIVE


def test_a_panel_without_albedo_is_relative() -> None:
    flat = np.full((HEIGHT, WIDTH), 0.5)
    files = [micasense(name, flat) for name in WAVES]
    region = [(150.0, 100.0), (250.0, 100.0), (250.0, 200.0), (150.0, 200.0)]
    panel = read_panel(files, None, dict.fromkeys(NAMES.values(), region))
    developed = develop([micasense(name, truth(name)) for name in WAVES], panel)
    assert developed.label is LayerLabel.RELATIVE
    assert _off(developed.plane("nir") * 0.5, "NIR") < 0.01


def test_a_shifted_and_turned_band_is_found() -> None:
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), 1.2, 1.0)
    turn[:, 2] += (9.3, -6.6)
    moved = cv2.warpAffine(
        truth("NIR"), turn, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    files = [micasense(name, moved if name == "NIR" else truth(name)) for name in ("Green", "Red", "NIR")]
    developed = develop(files)
    residual = developed.residual_px[developed.names.index("nir")]
    assert residual is not None and residual < 0.5
    assert float(np.nanmedian(np.abs(developed.plane("nir") - truth("NIR"))[40:-40, 40:-40])) < 0.01


def test_saturated_and_black_are_unknown() -> None:
    reflectance = truth("Green")
    data = micasense("Green", reflectance)
    band, numbers = read_band(data), read_pixels(data).copy()
    numbers[10:20, 10:20], numbers[30:40, 30:40] = 65535, 4800
    pixels = radiance(band, numbers).pixels
    assert np.isnan(pixels[10:20, 10:20]).all() and np.isnan(pixels[30:40, 30:40]).all()
    assert np.isfinite(pixels[50:, 50:]).all()


@pytest.mark.parametrize(
    ("told", "wave"),
    [("560", 560), ("560.5nm", 560.5), ("560 (+/- 16) nm", 560), ("green", None), ("", None)],
)
def test_wavelengths_with_and_without_units(told: str, wave: float | None) -> None:
    tags = {"drone-dji:CaptureUUID": "a", "drone-dji:BandName": "Green", "Camera:CentralWavelength": told}
    assert read_band(tiff(np.zeros((64, 64), np.uint16), tags, make="DJI", model="M3M")).wavelength_nm == wave


def test_bands_join_by_identifier() -> None:
    read = {
        f"{capture}-{name}": read_band(micasense(name, truth(name), capture=capture))
        for capture in ("X", "Y", "Z")
        for name in WAVES
    }
    items = [Item(key, band) for key, band in read.items() if key != "Z-Red"]
    grouping = group_exposures([*items, Item("again", read["X-Red"])])
    assert [one.capture_id for one in grouping.exposures] == ["X", "Y", "Z"]
    assert [item.key for item in grouping.exposures[1].bands] == [f"Y-{name}" for name in WAVES]
    assert grouping.exposures[2].missing == ("red",) and grouping.exposures[2].warnings
    assert [item.key for item, _ in grouping.left_out] == ["again"]
    with pytest.raises(Rejected):
        develop([micasense("Red", truth("Red"), capture="X"), micasense("NIR", truth("NIR"), capture="Y")])


def test_packed_and_back() -> None:
    developed = develop([micasense(name, truth(name)) for name in WAVES])
    data = to_bytes(developed)
    back = from_bytes(data)
    assert (np.isnan(back.bands) == np.isnan(developed.bands)).all()
    assert np.nanmax(np.abs(back.bands - developed.bands)) <= STEP * 0.51
    assert from_bytes(data, 4).bands.shape == (HEIGHT // 4, WIDTH // 4, 5)
    for broken in (data[:-1], b"x" + data[1:], data[:60] + b"!" + data[61:], b""):
        with pytest.raises(ValueError):
            from_bytes(broken)
    assert picture(developed).shape == (HEIGHT, WIDTH, 3)


GOOD = micasense("Red", truth("Red"))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 8000), st.integers(0, 255)), max_size=12),
    st.integers(0, len(GOOD)),
    st.booleans(),
)
def test_damaged_files_are_rejected_or_unknown(
    changes: list[tuple[int, int]], cut: int, at_end: bool
) -> None:
    data = bytearray(GOOD)
    for at, value in changes:
        data[-1 - at if at_end else at] = value
    try:
        developed = develop([bytes(data[: cut if cut % 3 == 0 else None])])
    except Rejected as rejected:
        assert str(rejected)
        return
    assert developed.bands.dtype == np.float32


@pytest.mark.shared
def test_the_real_orchard() -> None:
    folder = real_data() / "flights" / "rededge"
    panel_files, files = (
        [(folder / f"IMG_000{i}_{b}.tif").read_bytes() for b in range(1, 6)] for i in (0, 1)
    )
    panel = read_panel(panel_files, ALBEDO)
    developed = develop(files, panel)
    assert developed.label is LayerLabel.CALIBRATED
    assert all(residual is not None and residual <= 1 for residual in developed.residual_px)
    # The maker's formula, restated plainly, for the reference band at its principal point, where nothing is bent.
    data = files[1]
    band, numbers = read_band(data), read_pixels(data)
    assert (
        band.vignette
        and band.radiometric
        and band.lens
        and band.exposure_s
        and band.gain
        and band.black_level
    )
    x, y = round(band.lens.cx), round(band.lens.cy)
    r = math.hypot(x - band.vignette.centre[0], y - band.vignette.centre[1])
    v = 1 / (1 + sum(k * r ** (i + 1) for i, k in enumerate(band.vignette.coefficients)))
    a1, a2, a3 = band.radiometric
    row = 1 / (1 + a2 * y / band.exposure_s - a3 * y)
    light = v * row * (float(numbers[y, x]) - band.black_level) * a1 / (band.gain * band.exposure_s * 65536)
    expected = light * panel.bands["green"].factor
    assert abs(float(developed.plane("green")[y, x]) - expected) < 0.01
