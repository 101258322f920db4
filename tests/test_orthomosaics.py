"""Orthomosaics on the way in: the files beside them, and what somebody says of their bands. Real files, a real store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import rasterio

from fieldbox.arrivals import Arrival, resume, take_in
from fieldbox.cli_intake import bands_named
from fieldbox.config import Config, load_config
from fieldbox.domain import Capture
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.lists import ByHand
from fieldbox.making import Maker
from fieldbox.services.checking import check
from fieldbox.storage.store import Store
from tests.imagery.test_raster import GSD, NORTH, WEST, ZONE, ground, write

BANDS = ("green", "red", "other", "blue")


@dataclass
class Box:
    config: Config
    store: Store

    def take(self, path: Path, *bands: str) -> Arrival:
        return take_in(path, self.config, self.store, lambda *_: None, lists=ByHand(bands=bands))

    def flown(self) -> list[Capture]:
        """The captures of all flights."""
        flights = [self.store.flight(row.id) for row in self.store.flights()]
        return [one for flight in flights if flight for one in flight.captures]

    def picture(self, capture: Capture) -> Any:
        maker = Maker(self.config.storage.root, 1)
        return decode_jpeg(maker.reader([capture])(capture.digest)).astype(float)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    root = tmp_path / "box"
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(root), "FIELDBOX_STORAGE__RESERVE_MB": "0"})
    root.mkdir()
    with Store.open(config.database) as store:
        yield Box(config, store)
        assert store.check() == []


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A plain TIFF with its world file and projection."""
    folder = tmp_path / "card"
    folder.mkdir()
    with rasterio.open(
        folder / "North.tif", "w", driver="GTiff", width=400, height=300, count=3, dtype="uint8"
    ) as target:
        target.write(ground(300, 400))
    (folder / "north.TFW").write_text(f"{GSD}\n0\n0\n-{GSD}\n{WEST + GSD / 2}\n{NORTH - GSD / 2}\n")
    (folder / "North.prj").write_text(rasterio.CRS.from_epsg(ZONE).to_wkt())
    return folder


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_world_file_and_a_projection_beside_it(box: Box, beside: Path) -> None:
    assert not check(box.config, beside).rejected
    arrival = box.take(beside)
    assert (arrival.accepted, arrival.rejected) == (1, ())
    (tile,) = box.flown()
    assert tile.pose is not None
    assert tile.source and len(tile.source.files) == 3
    assert box.picture(tile).size
    box.take(beside)
    assert box.flown() == [tile]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_one_that_lies_nowhere_and_one_whose_files_came_later(box: Box, beside: Path, tmp_path: Path) -> None:
    alone = tmp_path / "North.tif"
    shutil.copy(beside / "North.tif", alone)
    assert "without a coordinate system" in str(check(box.config, alone).rejected[0].reason)
    (refused,) = box.take(alone).rejected
    assert "without a coordinate system" in str(refused.reason)
    assert box.take(beside).accepted == 1


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_corrected_world_file_takes_the_place_of_the_first(box: Box, beside: Path) -> None:
    box.take(beside)
    (wrong,) = box.flown()
    world = beside / "north.TFW"
    first = world.read_text()
    world.write_text(first.replace(str(NORTH - GSD / 2), str(NORTH + 20 - GSD / 2)))
    arrival = box.take(beside)
    (right,) = box.flown()
    assert len(arrival.flights) == 1
    assert right.pose and wrong.pose
    assert right.pose.lat - wrong.pose.lat == pytest.approx(20 / 111_000, rel=0.02)
    box.take(beside / "North.tif")  # alone it says nothing new
    assert box.flown() == [right]
    world.write_text(first)
    box.take(beside)
    assert box.flown() == [wrong]


def test_a_world_file_that_is_not_needed_is_no_refusal(box: Box, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    write(card / "a.tif", ground(300, 400))
    (card / "a.tfw").write_text("0.02\n0\n0\n-0.02\n0\n0\n")
    arrival = box.take(card)
    assert (arrival.accepted, arrival.rejected) == (1, ())
    (tile,) = box.flown()
    assert tile.source and len(tile.source.files) == 1


def test_told_bands_take_the_place_of_guessed_ones(box: Box, tmp_path: Path) -> None:
    red, green, blue = ground(300, 400)
    path = write(tmp_path / "a.tif", np.stack([green, red, blue // 2, blue]))
    box.take(path)
    (guessed,) = box.flown()
    arrival = box.take(path, *BANDS)
    (told,) = box.flown()
    assert told.digest != guessed.digest
    assert len(arrival.flights) == 1
    seen = np.stack([red, green, blue], axis=-1)
    assert abs(box.picture(told) - seen).mean() < 3 < abs(box.picture(guessed) - seen).mean()
    box.take(path)  # nothing is said: what was said stands
    assert box.flown() == [told]
    box.take(path, "red", "green", "blue", "other")
    assert box.flown()[0].digest not in {told.digest, guessed.digest}
    box.take(path, *BANDS)
    assert box.flown() == [told]
    assert box.take(path, *BANDS, "nir").rejected  # which it has not: what was said before stands
    assert box.flown() == [told]


def test_told_bands_are_known_after_the_plug_was_pulled(box: Box, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.concatenate([ground(300, 400), ground(300, 400)[:1]]))

    def pulled(_step: str, _done: int, _total: int) -> None:
        if _step in {"read", "rest"}:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(path, box.config, box.store, pulled, lists=ByHand(bands=BANDS))
    assert box.flown() == []
    (arrival,) = resume(box.config, box.store, lambda *_: None)
    (tile,) = arrival.flights[0].captures
    assert tile.source and tile.source.at[4:] == (1, 0, 6, 2)


def test_bands_told_of_a_known_one_are_not_lost_with_the_plug(box: Box, tmp_path: Path) -> None:
    """The file was read long ago: only what was said of it is new."""
    path = write(tmp_path / "a.tif", np.concatenate([ground(300, 400), ground(300, 400)[:1]]))
    box.take(path)

    def pulled(step: str, _done: int, _total: int) -> None:
        if step == "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(path, box.config, box.store, pulled, lists=ByHand(bands=BANDS))
    assert len(list(resume(box.config, box.store, lambda *_: None))) == 1
    (tile,) = box.flown()
    assert tile.source and tile.source.at[4:] == (1, 0, 6, 2)


def test_a_wrong_number_of_bands_does_not_give_the_file_away(box: Box, tmp_path: Path) -> None:
    """Refused files go first where the disk is full; this one has a flight."""
    path = write(tmp_path / "a.tif", ground(300, 400))
    box.take(path)
    arrival = box.take(path, *BANDS)
    assert "fewer than the 4" in str(arrival.rejected[0].reason)
    assert [flight.id for flight in arrival.flights] == [row.id for row in box.store.flights()]
    assert box.store.let_unused_go(list) == []


def test_names_of_bands() -> None:
    option, context = click.Option(["--bands"]), click.Context(click.Command("ingest"))
    assert bands_named(context, option, "Red, green,blue,nir,other,other")[-2:] == ("other", "other")
    assert bands_named(context, option, None) == ()
    for wrong in ("red,red", "red,gren", "red,,blue"):
        with pytest.raises(click.BadParameter, match="rededge"):
            bands_named(context, option, wrong)
