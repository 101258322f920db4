"""The shipped model file."""

from __future__ import annotations

import hashlib
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fieldbox.errors import Misconfigured
from fieldbox.inference.plants import CENTRE, FEATURES, probabilities
from fieldbox.inference.runtime import CHANNELS, Session
from fieldbox.inference.weeds import WeedModel

MODELS = Path(__file__).parents[2] / "models"
FILE = MODELS / "weeds.onnx"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session.load(FILE)


def soil(height: int, width: int) -> np.ndarray:
    """A bare field: brown with some grain."""
    grain = np.random.default_rng(0).normal(0, 8, (height, width, 1))
    return np.clip(np.array([120, 100, 80]) + grain, 0, 255).astype(np.uint8)


def test_the_file_is_small_and_says_what_it_is(session: Session) -> None:
    assert FILE.stat().st_size < 4_000_000
    assert (MODELS / "weeds-fp32.onnx").stat().st_size < 5_500_000
    assert json.loads(session.metadata["classes"]) == ["soil", "crop", "weed"]
    assert session.metadata["stride"] == "4"
    assert len(session.metadata["training_digest"]) == 64
    for ratio in ("count_ratio95", "cover_ratio95"):
        for low, high in json.loads(session.metadata[ratio]).values():
            assert 0 < low <= high


def test_the_listing_beside_it_is_of_these_files(session: Session) -> None:
    listing = json.loads((MODELS / "weeds.json").read_text())
    for name, digest in listing["sha256"].items():
        assert hashlib.sha256((MODELS / name).read_bytes()).hexdigest() == digest
    assert session.digest == listing["sha256"]["weeds.onnx"]
    assert listing["decoding"] == json.loads(session.metadata["decoding"])


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 32, 32), (2, 96, 160), (1, 320, 64)])
def test_any_size_of_whole_32s(session: Session, batch: int, height: int, width: int) -> None:
    maps = session.run(np.stack([soil(height, width)] * batch))
    assert maps.shape == (batch, CHANNELS, height // 4, width // 4)
    assert maps.dtype == np.float32
    shares = maps[:, : CENTRE + 1]
    assert shares.min() >= 0
    assert shares.max() <= 1


def test_other_input_is_refused_before_it_is_run(session: Session) -> None:
    for shape in ((1, 33, 32, 3), (1, 32, 32, 4), (32, 32, 3), (0, 32, 32, 3)):
        with pytest.raises(ValueError, match=r"multiples of 32|expected"):
            session.run(np.zeros(shape, np.uint8))


def test_one_session_serves_several_threads(session: Session) -> None:
    pictures = [np.roll(soil(128, 128), n, 0)[None] for n in range(4)]
    alone = [session.run(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(session.run, pictures))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_bare_soil_has_no_plants() -> None:
    model = WeedModel.load(FILE)
    assert model.release.startswith("fieldbox-weeds@")
    low, high = model.gsd_range_mm
    assert 0 < low < high
    assert len(model.look(soil(256, 320), 2.8).plants) == 0


def test_a_plainer_weed_is_never_less_of_one() -> None:
    decoding = WeedModel.load(FILE).decoding
    share = np.linspace(-7, 7, 57)
    for centre, green, size, scale in itertools.product((-2, 0, 2), (-1, 3), (-2, 0, 1, 4), (0, 0.35, 0.69)):
        given = np.array([[centre, green, odds, size, scale] for odds in share], np.float32)
        crop, weed = probabilities(given, decoding).T
        assert (np.diff(weed / (crop + weed)) >= -1e-6).all()
        assert weed[share > 2.9].min() > crop[share > 2.9].max()
        assert crop[share < -2.9].min() > weed[share < -2.9].max()
        assert (crop + weed <= 1 + 1e-6).all()


def test_a_plainer_plant_is_never_less_of_one() -> None:
    decoding = WeedModel.load(FILE).decoding
    plain = np.zeros((9, FEATURES), np.float32)
    for place in (0, 1, 3):  # centre, greenness, size
        given = plain.copy()
        given[:, place] = np.linspace(-4, 4, 9)
        assert (np.diff(probabilities(given, decoding).sum(1)) >= -1e-6).all()


def test_a_file_of_an_earlier_release_is_refused_by_name(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(FILE))
    for entry in model.metadata_props:
        if entry.key == "decoding":
            entry.value = json.dumps({"judge": [[-1.5, 2.0, 0.2, 0.8, 1.2, -0.4]] * 2})
    onnx.save(model, str(tmp_path / "own.onnx"))
    with pytest.raises(Misconfigured, match=r"own\.onnx was made for another release"):
        WeedModel.load(tmp_path / "own.onnx")


def test_the_float_file_agrees_with_the_8_bit_one(session: Session) -> None:
    picture = soil(128, 128)
    picture[50:80, 40:70] = (60, 130, 50)
    full = Session.load(MODELS / "weeds-fp32.onnx").run(picture[None])
    assert np.abs(full - session.run(picture[None]))[:, : CENTRE + 1].mean() < 0.05


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"weeds\.onnx cannot be read"):
        WeedModel.load(tmp_path / "weeds.onnx")


@pytest.mark.parametrize("kept", [0, 100, 100_000, -1000])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    broken = tmp_path / "weeds.onnx"
    broken.write_bytes(FILE.read_bytes()[:kept])
    with pytest.raises(Misconfigured, match=r"weeds\.onnx"):
        WeedModel.load(broken)


def test_another_file_than_the_pinned_one_is_refused() -> None:
    with pytest.raises(Misconfigured, match="not the one of this release"):
        WeedModel.load(FILE, expected_sha256="0" * 64)
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert WeedModel.load(FILE, expected_sha256=digest).digest == digest


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import helper  # noqa: PLC0415 - onnx is not always there

    picture = helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 3])
    same = helper.make_tensor_value_info("same", onnx.TensorProto.FLOAT, [1, 3])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["picture"], ["same"])], "other", [picture], [same]
    )
    other = tmp_path / "other.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(other))
    with pytest.raises(Misconfigured, match=r"other\.onnx is a model of another kind"):
        WeedModel.load(other)


def test_a_model_without_description_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    plain = onnx.load(str(FILE))
    del plain.metadata_props[:]
    bare = tmp_path / "bare.onnx"
    onnx.save(plain, str(bare))
    with pytest.raises(Misconfigured, match="lacks its description"):
        WeedModel.load(bare)
