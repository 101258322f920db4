"""Plants that people found to be no weeds: grey on the map, told beside the numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from fieldbox.dashboard import plants
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.planttiles import GREY, PINK, plant_tile
from fieldbox.domain import Cover, LabelVerdict
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import SURVEY, DemoBox, make_box
from tests.dashboard.test_plants import field_of, tile_over


@pytest.fixture
def own(tmp_path: Path, password_hash: str) -> Iterator[DemoBox]:
    made = make_box(tmp_path)
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture
def reader(own: DemoBox) -> FlaskClient:
    return log_in(create_app(own.store, own.root, secret_key=KEY).test_client())


def tell(box: DemoBox, place: int, verdict: LabelVerdict, who: str = "asha") -> int:
    """Say of one of the weeds what it is; its number."""
    plant = box.store.detections(SURVEY, cover=Cover.WEED)[place]
    box.store.give_label(plant.id, verdict, who=who, act=f"{who}-{place}", by_chance=False)
    return plant.id


def page(reader: FlaskClient, box: DemoBox) -> str:
    return reader.get(f"/fields/{box.field_id}?survey={SURVEY}").get_data(as_text=True)


def colours(data: bytes) -> NDArray[np.uint8]:
    """Those that are drawn at all."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).reshape(-1, 4)
    return np.unique(pixels[pixels[:, 3] > 0, :3], axis=0)


def test_weeds_that_people_struck_out_are_told_and_said_to_be_counted(
    reader: FlaskClient, own: DemoBox
) -> None:
    assert 'id="struck"' not in page(reader, own)
    tell(own, 0, LabelVerdict.CROP)
    tell(own, 1, LabelVerdict.CROP)
    tell(own, 2, LabelVerdict.WRONG)
    tell(own, 3, LabelVerdict.RIGHT)
    told = page(reader, own).split('id="struck">')[1].split("</p>")[0]
    assert "2 are crop, 1 is no plant" in told and "still in the numbers" in told


def test_the_legend_tells_what_grey_is_only_where_something_is_grey(
    reader: FlaskClient, own: DemoBox
) -> None:
    assert "mark struck" not in page(reader, own)
    tell(own, 0, LabelVerdict.WRONG)
    assert "mark struck" in page(reader, own)


def test_what_people_do_not_agree_on_is_not_struck_out(reader: FlaskClient, own: DemoBox) -> None:
    tell(own, 0, LabelVerdict.CROP)
    tell(own, 0, LabelVerdict.RIGHT, who="ravi")
    assert 'id="struck"' not in page(reader, own)


def test_objects_carry_what_people_agree_on_and_no_browser_keeps_them(
    reader: FlaskClient, own: DemoBox
) -> None:
    struck = tell(own, 0, LabelVerdict.CROP)
    answer = reader.get(f"/api/v1/surveys/{SURVEY}/weeds?limit=2000")
    assert answer.json is not None
    told = {one["properties"]["id"]: one["properties"]["verdict"] for one in answer.json["features"]}
    assert {plant for plant, verdict in told.items() if verdict} == {struck} and told[struck] == "crop"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_struck_plant_is_a_grey_ring_and_the_others_stay_pink() -> None:
    z = 23
    x, y = tile_over(z)
    weeds = plants.packed(field_of(400, 20))
    assert (colours(plant_tile(weeds, z, x, y).data) == PINK).all()
    weeds["sure"][::2] = plants.STRUCK
    drawn = {tuple(one) for one in colours(plant_tile(weeds, z, x, y).data).tolist()}
    assert drawn == {PINK, GREY}


def test_from_far_struck_plants_make_no_weeds() -> None:
    z = 18
    x, y = tile_over(z)
    weeds = plants.packed(field_of(400, 20))
    weeds["sure"] = plants.STRUCK
    assert not len(colours(plant_tile(weeds, z, x, y).data))


def test_tiles_change_with_a_verdict_and_have_another_address(reader: FlaskClient, own: DemoBox) -> None:
    plant = own.store.detections(SURVEY, cover=Cover.WEED)[0]
    x, y = (int(one[0] * 2**22) for one in plants.to_world(np.array([plant.lon]), np.array([plant.lat])))
    address = f"/tiles/{SURVEY}/plants/22/{x}/{y}?v=1"
    before = reader.get(address).data
    assert re.search(r"&#34;struck&#34;: &#34;&#34;", page(reader, own))
    tell(own, 0, LabelVerdict.WRONG)
    (stamp,) = re.findall(r"&#34;struck&#34;: &#34;([0-9a-f]+)&#34;", page(reader, own))
    after = reader.get(f"{address}&s={stamp}").data
    assert after != before and list(GREY) in colours(after).tolist()
    own.store.undo_label("asha", "asha-0")
    assert reader.get(address).data == before


def test_the_still_picture_draws_them_grey_too(reader: FlaskClient, own: DemoBox) -> None:
    before = reader.get(f"/surveys/{SURVEY}/still/photo").data
    for place in range(50):
        tell(own, place, LabelVerdict.WRONG)
    assert reader.get(f"/surveys/{SURVEY}/still/photo").data != before
