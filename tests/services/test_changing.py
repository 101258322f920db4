"""Two surveys of a box compared: aligned by what stands in both, coarser where they cannot be, refused where that is no use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from fieldbox.config import Config, load_config
from fieldbox.domain import Cover, Detection, FlightCheck, Interval, Measure, ShiftBasis, Survey
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.mapping.geo import lon_lat
from fieldbox.mapping.mosaic import write_map
from fieldbox.services.changetold import to_json, to_text
from fieldbox.services.changing import compare
from fieldbox.storage.store import Store
from tests.mapping.sown import sow, straight
from tests.mapping.twodates import EPSG, HERE, SIZE, map_of, sprayed, strewn
from tests.storage import samples

Floats = NDArray[np.float64]
TREATED = shapely.box(*HERE, HERE[0] + 16, HERE[1] + 30)


class Field:
    """A box with a field of SIZE at HERE and surveys of it a week apart."""

    def __init__(self, root: Path) -> None:
        self.config: Config = load_config({"FIELDBOX_STORAGE__ROOT": str(root)})
        self.store = Store.open(root / "fieldbox.db")
        corners = HERE + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * SIZE
        ring = [(lon, lat) for lon, lat in lon_lat(EPSG, corners).tolist()]
        self.field = self.store.add_field("North", ring, drawn=True)

    def survey(self, number: int, crop: Floats, weeds: Floats, seen: float = 1.0, **changed: Any) -> Survey:
        """Keep what a flight found."""
        flight = samples.add_flight(self.store, f"flight {number}", first=1 + 10 * number)
        assert flight.started_at
        flown = flight.started_at + timedelta(days=7 * number)
        flight = replace(flight, field_id=self.field.id, started_at=flown, ended_at=flown)
        self.store.save_flight(flight)
        count = len(weeds)
        told = {
            "weed_count": count,
            "weed_count_interval95": Interval(0.9 * count, 1.1 * count),
            "position_error_m": 2.0,
            "gsd_cm_interval95": Interval(0.297, 0.303),
            **changed,
        }
        survey = replace(samples.survey(flight, f"survey {number}"), **told)
        grid = map_of(weeds)
        part = grid.seen.copy()
        part[:, : round((1 - seen) * part.shape[1])] = 0
        grid = replace(grid, seen=part)
        write_map(grid, self.config.storage.root / "rasters" / survey.id / "map.tif")
        plants = [self._plant(flight, place, Cover.CROP) for place in crop]
        plants += [self._plant(flight, place, Cover.WEED) for place in weeds]
        self.store.save_survey(
            survey,
            plants,
            samples.told(f"message {number}"),
            plan_key=f"plan {number}",
            release_sha="sha",
            to_geographic=GroundPlane(EPSG).to_geographic,
        )
        return survey

    @staticmethod
    def _plant(flight: Any, place: Floats, cover: Cover) -> Detection:
        return samples.detection(flight, float(place[0]), float(place[1]), cover)


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    made = Field(tmp_path)
    yield made
    made.store.close()


def crop_rows(seed: int) -> Floats:
    places = sow(straight(15.0, 0.75, (SIZE[0], SIZE[1])), seed).places
    places = places - places.mean(axis=0) + HERE + SIZE / 2
    return np.asarray(places[((places > HERE) & (places < HERE + SIZE)).all(axis=1)])


def test_surveys_are_aligned_by_their_plants_and_told(field: Field) -> None:
    rng = np.random.default_rng(1)
    crop, weeds = crop_rows(1), strewn(rng, 2.0)
    left = sprayed(rng, weeds, TREATED, 0.9)
    before = field.survey(0, crop, weeds)
    moved = np.array([1.2, -0.75])
    after = field.survey(1, crop + moved, left + moved)
    treated = shapely.transform(TREATED, lambda points: lon_lat(EPSG, points + moved))
    found = compare(field.config, field.store, before, after, treated=treated)
    assert found.shift.basis is ShiftBasis.PLANTS
    assert found.shift.scale == pytest.approx(1, abs=1e-3)
    assert found.shift.turn_deg == pytest.approx(0, abs=0.05)
    assert found.measure is Measure.COUNT
    assert found.days == pytest.approx(7)
    assert found.less_m2 == pytest.approx(16 * 30, rel=0.15)
    assert found.more_m2 == 0
    assert found.efficacy is not None
    assert found.efficacy.value is not None
    assert found.efficacy.value == pytest.approx(0.9, abs=0.05)
    assert found.found_again == pytest.approx(len(left), rel=0.25)
    told = to_json(found)
    assert told["efficacy"]["interval95"][0] > 0.75
    assert told["indices"] == {}
    assert "7 days" in to_text(found)
    assert f"it took {100 * found.efficacy.value:.0f} %" in to_text(found)


def test_where_nothing_stands_in_both_cells_are_larger_and_it_is_said(field: Field) -> None:
    rng = np.random.default_rng(2)
    before = field.survey(0, crop_rows(1), strewn(rng, 1.0), position_error_m=1.0)
    after = field.survey(1, crop_rows(2), strewn(rng, 1.0), position_error_m=1.0)
    found = compare(field.config, field.store, before, after)
    assert found.shift.basis is ShiftBasis.STATED
    assert found.shift.error95_m == pytest.approx(2**0.5, rel=1e-3)
    assert found.cells.cell_m == 3.0
    assert "could not be aligned" in str(found.cell_why)
    assert "not aligned" in to_text(found)
    assert found.found_again == 0
    with pytest.raises(Rejected, match="too small"):
        compare(field.config, field.store, before, after, cell_m=1.0)


def test_positions_that_say_nothing_are_refused(field: Field) -> None:
    rng = np.random.default_rng(3)
    before = field.survey(0, crop_rows(1)[:12], np.zeros((0, 2)), position_error_m=4.0)
    after = field.survey(1, crop_rows(2)[:12], strewn(rng, 1.0), position_error_m=4.0)
    with pytest.raises(Rejected, match="could not be aligned and may lie"):
        compare(field.config, field.store, before, after)


def test_too_little_common_ground_is_refused(field: Field) -> None:
    rng = np.random.default_rng(4)
    crop, weeds = crop_rows(1), strewn(rng, 1.0)
    before, after = field.survey(0, crop, weeds, seen=0.1), field.survey(1, crop, weeds)
    grid = map_of(weeds)
    seen = grid.seen.copy()
    seen[:, 8:] = 0
    write_map(replace(grid, seen=seen), field.config.storage.root / "rasters" / after.id / "map.tif")
    write_map(
        replace(grid, seen=grid.seen - seen), field.config.storage.root / "rasters" / before.id / "map.tif"
    )
    with pytest.raises(Rejected, match="0 % of the ground"):
        compare(field.config, field.store, before, after)


def test_what_the_store_knows_of_the_light_and_the_pictures_counts(field: Field) -> None:
    rng = np.random.default_rng(5)
    crop, weeds = crop_rows(1), strewn(rng, 1.0)
    before, after = field.survey(0, crop, weeds), field.survey(1, crop, weeds)
    (field.config.storage.root / "rasters" / before.id / "map.tif").unlink()
    with pytest.raises(Rejected, match="are gone"):
        compare(field.config, field.store, before, after)
    check = FlightCheck(
        mosaic=False, photos=10, placed=10, started_at=None, gsd_mm=3.0, smallest_weed_mm=20.0, overlap=5.0,
        thin_pct=0.0, bare_pct=0.0, holes=(), thin=(), blurred=0, badly_exposed=5, findings=(),
    )  # fmt: skip
    field.store.keep_check(after.flight_id, check)
    with pytest.raises(Rejected, match="50 %"):
        compare(field.config, field.store, before, after)


def test_weeds_that_are_not_counted_are_compared_by_their_cover(field: Field) -> None:
    rng = np.random.default_rng(6)
    crop, weeds = crop_rows(1), strewn(rng, 3.0)
    left = sprayed(rng, weeds, TREATED, 0.95)
    none: dict[str, Any] = {"weed_count": None, "weed_count_interval95": None}
    before, after = field.survey(0, crop, weeds, **none), field.survey(1, crop, left, **none)
    found = compare(field.config, field.store, before, after)
    assert found.measure is Measure.COVER
    assert found.weeds is None
    assert found.less_m2 > 300
    assert found.cover_pct.ratio == pytest.approx(len(left) / len(weeds), rel=0.05)
    told = to_json(found)
    assert told["weeds"] is None
    assert told["spots"][0]["weeds_per_m2_before"] is None
    assert "not comparable one by one" in to_text(found)
