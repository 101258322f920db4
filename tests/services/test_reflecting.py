"""Exposures as reflectance, from files to a TIFF that another program reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from fieldbox.cli import main
from tests.imagery.multispectral.bandfiles import WAVES, micasense, truth
from tests.imagery.photos import real_data


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["reflectance", *arguments])
    return done.exit_code, done.stdout


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_truth_is_in_the_tiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path / "box"))
    card = tmp_path / "card"
    card.mkdir()
    for number, name in enumerate(WAVES):
        (card / f"{number}.tif").write_bytes(micasense(name, truth(name)))
    (card / "notes.tif").write_bytes(b"II*\0 no picture")
    code, out = run(str(card), "-o", str(tmp_path / "out"), "--json")
    told = json.loads(out)
    assert code == 3  # the file that is none
    assert [one["file"] for one in told["rejected"]] == ["notes.tif"]
    (one,) = told["exposures"]
    assert one["layer_label"] == "calibrated"  # by its sun sensor
    with rasterio.open(one["file"]) as written:
        layers = {name: written.read(number) for number, name in enumerate(written.descriptions, start=1)}
        assert written.tags()["FIELDBOX_LABEL"] == "calibrated"
    assert {"blue", "green", "red", "rededge", "nir", "NDVI", "NDRE", "OSAVI"} <= layers.keys()
    for name, wave in (("red", "Red"), ("nir", "NIR")):
        off = np.abs(layers[name] - truth(wave))[40:-40, 40:-40]
        assert np.nanmedian(off) < 0.01, name
        assert one["means"][name] == pytest.approx(float(np.nanmean(layers[name])), abs=1e-4)
    known = np.isfinite(layers["NDVI"])
    plain = (layers["nir"] - layers["red"]) / (layers["nir"] + layers["red"])
    assert np.allclose(layers["NDVI"][known], plain[known], atol=1e-5)


def test_a_folder_without_bands_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path / "box"))
    (tmp_path / "list.txt").write_text("nothing")
    done = CliRunner().invoke(main, ["reflectance", str(tmp_path / "list.txt"), "-o", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "no bands of a multispectral camera" in done.stderr


@pytest.mark.shared
def test_the_real_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path / "box"))
    monkeypatch.setenv(
        "FIELDBOX_MULTISPECTRAL__PANEL_ALBEDO", "blue=0.67, green=0.69, red=0.68, rededge=0.67, nir=0.61"
    )
    code, out = run(str(real_data() / "flights" / "rededge"), "-o", str(tmp_path / "out"), "--json")
    told = json.loads(out)
    assert code == 3  # the licence beside them
    assert told["panel"] == "IMG_0000_1.tif"
    (one,) = told["exposures"]
    assert one["layer_label"] == "calibrated"
    assert all(residual is not None and residual <= 1 for residual in one["residual_px"].values())
