"""`fieldbox walk`: from a stored survey to a walk in hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner, Result
from PIL import Image

from fieldbox.cli import main
from fieldbox.domain import Detection, FieldMap, Flight, Hotspot, KeepOff, LayerLabel, Spraying, Survey
from fieldbox.georef.plane import GroundPlane
from fieldbox.mapping.geo import lon_lat
from fieldbox.mapping.mosaic import write_map
from fieldbox.storage.store import Store
from tests.mapping.vigours import EPSG, FIELD, NORTH, PATCHES, SIZE, WEST, field_map, noise, patchy
from tests.storage import samples

PLANE = GroundPlane(EPSG)


def degrees(shape: shapely.Geometry) -> tuple[tuple[float, float], ...]:
    return tuple((lon, lat) for lon, lat in lon_lat(EPSG, shapely.get_coordinates(shape)[:-1]).tolist())


def hotspot(flight: Flight, rank: int, east: float, north: float) -> Hotspot:
    ((lon, lat),) = lon_lat(EPSG, [(east, north)]).tolist()
    return Hotspot(rank, east, north, lat, lon, 9.0, 0.3, 40, flight.captures[0].digest, 5.0, 6.0)


def plants(flight: Flight) -> list[Detection]:
    """Some that nobody could tell, in the north-east."""
    places = [(WEST + 90 + 0.3 * one, NORTH - 8 - 0.2 * one) for one in range(5)]
    return [replace(samples.detection(flight, *one), sure=False) for one in places]


class Farm:
    """A box with surveys of one field."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.store = Store.open(root / "fieldbox.db", clock=samples.Clock())
        self.field = self.store.add_field("North & south", degrees(FIELD), drawn=True)
        self.count = 0

    def flown(self, grid: FieldMap | None, day: int, **more: Any) -> Survey:
        """A survey of that day with this map."""
        self.count += 1
        name = f"{self.count:020x}"
        captures = [samples.capture(10 * self.count + one) for one in range(2)]
        samples.add_captures(self.store, captures)
        started = datetime(2026, 6, 1) + timedelta(days=day)
        flight = Flight(f"f{self.count}", self.field.id, started, started, tuple(captures))
        self.store.save_flight(flight)
        spots = (
            hotspot(flight, 1, WEST + 10, NORTH - 10),
            hotspot(flight, 2, WEST + 50, NORTH - 12),
        )
        plain = replace(samples.survey(flight, name), hotspots=spots, stand=None, position_error_m=0.5)
        survey = replace(plain, **more)
        self.store.save_survey(
            survey,
            plants(flight),
            samples.told(name),
            plan_key=name,
            release_sha="r",
            to_geographic=PLANE.to_geographic,
        )
        if grid is not None:
            write_map(grid, self.folder(survey) / "map.tif")
        return survey

    def folder(self, survey: Survey) -> Path:
        return self.root / "rasters" / survey.id

    def mosaic(self, survey: Survey) -> None:
        """A picture of the ground, 10 cm a pixel."""
        profile = {
            "driver": "GTiff", "width": SIZE[0] * 10, "height": SIZE[1] * 10, "count": 3, "dtype": "uint8",
            "crs": f"EPSG:{EPSG}", "transform": rasterio.Affine(0.1, 0, WEST, 0, -0.1, NORTH),
        }  # fmt: skip
        pixels = np.random.default_rng(1).integers(40, 120, (3, SIZE[1] * 10, SIZE[0] * 10), np.uint8)
        with rasterio.open(self.folder(survey) / "mosaic.tif", "w", **profile) as raster:
            raster.write(pixels)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path / "box"))
    found = Farm(tmp_path / "box")
    with found.store:
        yield found


def walk(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["walk", *(str(one) for one in arguments)])


def told(*arguments: object) -> dict[str, Any]:
    done = walk(*arguments, "--json")
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def ground(document: dict[str, Any]) -> shapely.LineString:
    lat, lon = np.array(document["path"]).T
    return shapely.LineString(np.column_stack(PLANE.to_ground(lat, lon)))


def test_weeds_poor_crop_and_doubts_are_visited(farm: Farm) -> None:
    survey = farm.flown(patchy(1, 3.0), 0)
    found = told(survey.id[:20])
    kinds = [one["kind"] for one in found["spots"]]
    assert sorted(kinds) == ["crop", "crop", "doubtful", "weeds", "weeds"]
    assert sorted(one["rank"] for one in found["spots"]) == [1, 2, 3, 4, 5]
    assert [one["stop"] for one in found["spots"]] == [1, 2, 3, 4, 5]
    assert {one["name"] for one in found["spots"] if one["kind"] == "weeds"} == {
        str(one.rank) for one in survey.hotspots
    }
    poor = [one for one in found["spots"] if one["kind"] == "crop"]
    for one in poor:
        east, north = PLANE.to_ground(one["lat"], one["lon"])
        assert any(patch.contains(shapely.Point(east, north)) for patch in PATCHES)
        assert one["checks"]
        assert "before" not in one["why"]
        assert one["photo"] is None
    weeds = [one for one in found["spots"] if one["kind"] == "weeds"]
    assert {one["photo"] for one in weeds} == {"DCIM/DJI_0010.JPG"}
    assert found["length_m"] == pytest.approx(ground(found).length / PLANE.scale(18.5, 75.8), rel=1e-3)
    assert found["path"][0] == found["path"][-1] == [found["start"]["lat"], found["start"]["lon"]]


def test_at_most_so_many_spots_from_where_one_stands(farm: Farm) -> None:
    survey = farm.flown(patchy(1, 3.0), 0)
    ((lon, lat),) = lon_lat(EPSG, [(WEST + 100, NORTH)]).tolist()
    found = told(survey.id, "--spots", 2, "--from", f"{lat},{lon}")
    assert len(found["spots"]) == 2
    assert found["path"][0] == pytest.approx([lat, lon], abs=1e-9)


def test_what_was_poor_before_is_told(farm: Farm) -> None:
    farm.flown(patchy(2, 3.0), -20)
    farm.flown(patchy(3, 3.0), -10)
    farm.flown(field_map(noise(4)), -5, layer_label=LayerLabel.CALIBRATED)
    farm.flown(None, -3)
    survey = farm.flown(patchy(1, 3.0), 0)
    farm.flown(field_map(noise(5)), 10)
    whys = [one["why"] for one in told(survey.id)["spots"] if one["kind"] == "crop"]
    assert len(whys) == 2
    assert all("as in the 2 surveys before" in one for one in whys)


def test_what_is_kept_off_is_gone_around(farm: Farm) -> None:
    survey = farm.flown(None, 0)
    pond = shapely.box(WEST + 20, NORTH - 30, WEST + 40, NORTH + 5)
    straight = told(survey.id, "--spots", 3)
    assert (ground(straight) & pond).length > 10
    farm.store.spray(farm.field.id, Spraying(keep_off=(KeepOff("pond", (degrees(pond),), 5.0),)))
    around = told(survey.id, "--spots", 3)
    assert (ground(around) & pond).length == 0
    assert around["length_m"] > straight["length_m"]
    whole = shapely.box(WEST - 10, NORTH - 100, WEST + 120, NORTH + 10)
    farm.store.spray(farm.field.id, Spraying(keep_off=(KeepOff("sea", (degrees(whole),), 0.0),)))
    assert told(survey.id)["spots"] == []


def test_rows_are_kept_to_if_there_are_any(farm: Farm) -> None:
    survey = farm.flown(None, 0)
    done = walk(survey.id, "--along-rows")
    assert done.exit_code == 1
    assert "No crop rows are known" in done.stderr
    stand = samples.survey(farm.store.flight("f1") or pytest.fail()).stand
    assert stand is not None
    sown = farm.flown(None, 1, stand=replace(stand, direction_deg=0.0))
    line = ground(told(sown.id, "--along-rows"))
    steps = np.abs(np.diff(np.asarray(line.coords), axis=0))
    middle = (np.asarray(line.coords)[:-1] + np.asarray(line.coords)[1:]) / 2
    inside = middle[:, 1] < NORTH - 1
    assert steps[inside, 0].sum() < 0.2 * steps[inside, 1].sum()


def test_it_is_written_in_three_forms(farm: Farm, tmp_path: Path) -> None:
    survey = farm.flown(patchy(1, 3.0), 0)
    farm.mosaic(survey)
    for kind in ("gpx", "kml", "jpg"):
        done = walk(survey.id, "-o", tmp_path / f"walk.{kind}")
        assert done.exit_code == 0, done.output
        assert "m to walk" in done.stdout
    assert "North &amp; south" in (tmp_path / "walk.gpx").read_text()
    assert "North &amp; south" in (tmp_path / "walk.kml").read_text()
    assert (tmp_path / "walk.jpg").stat().st_size <= 100_000
    with Image.open(tmp_path / "walk.jpg") as picture:
        assert picture.width == 1080


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "walk.pdf"), "ends in .gpx, .kml or .jpg"),
        (("-o", "walk.jpg"), "pictures of this survey are gone"),
        (("--from", "0,0"), "km from the field"),
    ],
)
def test_what_cannot_be_walked_is_one_sentence(farm: Farm, arguments: tuple[str, ...], said: str) -> None:
    done = walk(farm.flown(None, 0).id, *arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.output


@pytest.mark.parametrize("place", ["nowhere", "1", "91,0", "nan,1", "1,2,3", "10,inf"])
def test_a_start_is_a_place(farm: Farm, place: str) -> None:
    assert walk(farm.flown(None, 0).id, "--from", place).exit_code == 2


def test_a_field_without_spots_needs_no_walk(farm: Farm, tmp_path: Path) -> None:
    survey = farm.flown(None, 0, hotspots=())
    farm.store.spray(farm.field.id, Spraying(keep_off=(KeepOff("all", (degrees(FIELD),), 0.0),)))
    assert told(survey.id)["spots"] == []
    assert told(survey.id)["length_m"] == 0
    done = walk(survey.id, "-o", tmp_path / "walk.gpx")
    assert done.exit_code == 1
    assert "no spot that is worth a visit" in done.stderr
    assert not (tmp_path / "walk.gpx").exists()
