"""The health model: what it calls, what it leaves alone, and which files it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from fieldbox.domain import PlantHealth
from fieldbox.errors import Misconfigured
from fieldbox.inference.health import HealthModel
from fieldbox.mapping.planthealth import FEATURES

SHIPPED = Path(__file__).parents[2] / "models" / "health.onnx"
HEALTHY, STUNTED, YELLOWING = PlantHealth.HEALTHY, PlantHealth.STUNTED, PlantHealth.YELLOWING


def plants(*changes: dict[str, float]) -> NDArray[np.float32]:
    """Features of average plants, changed."""
    found = np.zeros((len(changes), len(FEATURES)), np.float32)
    for row, change in enumerate(changes):
        for name, value in change.items():
            found[row, FEATURES.index(name)] = value
    return found


SMALL = {"size_row_z": -6.0}
YELLOW = {"colour_row_z": -5.0, "colour_size_z": -5.0}
NO_COLOUR = dict.fromkeys(YELLOW, float("nan"))


@pytest.fixture(scope="module")
def model() -> HealthModel:
    return HealthModel.load(SHIPPED)


def test_the_shipped_model_expects_the_features_that_are_made(model: HealthModel) -> None:
    assert model.features == FEATURES
    assert model.release.startswith("fieldbox-health@")
    assert 0 < model.gsd_range_mm[0] < model.gsd_range_mm[1]


def test_an_average_plant_is_healthy_and_poor_ones_are_not(model: HealthModel) -> None:
    seen = model.judge(plants({}, SMALL, YELLOW))
    assert seen.health == (HEALTHY, STUNTED, YELLOWING)
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, atol=1e-5)


def test_larger_and_greener_plants_are_healthy(model: HealthModel) -> None:
    better = plants({k: -v for k, v in SMALL.items()}, {k: -v for k, v in YELLOW.items()})
    assert model.judge(better).health == (HEALTHY, HEALTHY)


def test_poorer_is_never_called_healthier(model: HealthModel) -> None:
    """Along the two ways in which a plant gets worse its probability of the symptom rises."""
    for way, column in ((SMALL, 1), (YELLOW, 2)):
        steps = [{name: value * share for name, value in way.items()} for share in np.linspace(0, 1, 11)]
        assert (np.diff(model.judge(plants(*steps)).probabilities[:, column]) > 0).all()


def test_colour_alone_makes_no_plant_stunted(model: HealthModel) -> None:
    """A shrunk photo of a plant keeps the colours of a large one; the model must not look for that."""
    rng = np.random.default_rng(1)
    steps = [{name: float(rng.normal(0, 3)) for name in YELLOW} for _ in range(50)]
    told = model.judge(plants(*steps)).probabilities
    # Of stunted and healthy, the share is the same whatever the colour.
    share = told[:, 1] / (told[:, 0] + told[:, 1])
    np.testing.assert_allclose(share, share[0], rtol=1e-3)


def test_what_is_not_known_is_not_judged(model: HealthModel) -> None:
    unknown = plants({}, {**NO_COLOUR}, {**SMALL, **NO_COLOUR})
    unknown[0] = np.nan
    seen = model.judge(unknown)
    assert seen.health == (None, None, STUNTED)
    assert np.isnan(seen.probabilities[0]).all()


def test_no_plants_at_all(model: HealthModel) -> None:
    seen = model.judge(plants())
    assert seen.health == ()
    assert seen.probabilities.shape == (0, 3)


def test_another_number_of_features_is_refused(model: HealthModel) -> None:
    with pytest.raises(ValueError, match="features"):
        model.judge(np.zeros((2, len(FEATURES) + 1), np.float32))


class Sure:
    """A session that gives every plant the same probabilities."""

    digest = "0" * 64

    def __init__(self, *probabilities: float) -> None:
        self.answer = np.array(probabilities, np.float32)

    def run(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tile(self.answer, (len(given), 1))


@pytest.mark.parametrize(
    ("probabilities", "verdict"),
    [
        ((0.45, 0.29, 0.26), HEALTHY),
        ((0.40, 0.35, 0.25), STUNTED),
        ((0.10, 0.39, 0.51), YELLOWING),
        ((0.05, 0.54, 0.41), STUNTED),
    ],
)
def test_the_verdict_is_the_symptom_that_exceeds_its_threshold_by_more(
    probabilities: tuple[float, float, float], verdict: PlantHealth
) -> None:
    model = HealthModel(
        Sure(*probabilities),
        name="x",
        version="1",
        features=FEATURES,
        least=(0.3, 0.4),
        most_z=-1.0,
        gsd_range_mm=(1.0, 5.0),
    )
    poor = plants({"size_row_z": -1.5, "colour_size_z": -1.5})
    assert model.judge(poor).health == (verdict,)
    assert model.judge(plants({})).health == (HEALTHY,), "not poorer than its row"


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(Misconfigured, match="another kind"):
        HealthModel.load(SHIPPED.with_name("weeds.onnx"))


@pytest.mark.parametrize("key", ["least", "features", "classes", "gsd_mm", "name", "most_z"])
def test_a_file_without_its_description_is_refused(key: str, tmp_path: Path) -> None:
    shipped = onnx.load(SHIPPED)
    told = {one.key: one.value for one in shipped.metadata_props if one.key != key}
    helper.set_model_props(shipped, told)
    onnx.save(shipped, str(tmp_path / "health.onnx"))
    with pytest.raises(Misconfigured, match="lacks its description"):
        HealthModel.load(tmp_path / "health.onnx")


def test_the_file_says_that_its_symptoms_were_painted() -> None:
    told = {one.key: one.value for one in onnx.load(SHIPPED).metadata_props}
    assert "painted" in told["note"]
    assert told["kind"] == "health"
    assert len(told["training_digest"]) == 64
