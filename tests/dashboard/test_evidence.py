"""What is behind a place: the plant or the ground, from each photo that shows it, and what the layers say."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from fieldbox.config import load_config
from fieldbox.dashboard import cells
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.language import metres
from fieldbox.dashboard.layers import LAYERS
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import SeenFrom
from fieldbox.errors import Unavailable
from fieldbox.i18n import N_
from fieldbox.services.offering import Offering
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import NORTH, SPOT, SURVEY, WEST, DemoBox, lat_lon

WEED, CROP, GROUND = (WEST + 5.0, NORTH - 11.0), (WEST + 30.0, NORTH - 20.0), (WEST + 28.5, NORTH - 16.5)


def at(place: tuple[float, float]) -> str:
    lat, lon = lat_lon(*place)
    return f"lat={lat:.8f}&lon={lon:.8f}"


def text(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200, page
    return answer.get_data(as_text=True)


@pytest.fixture(scope="module")
def offering(demo: DemoBox) -> Iterator[Offering]:
    made = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)}), demo.store)
    yield made
    made.close()


@pytest.fixture
def visitor(demo: DemoBox, offering: Offering) -> FlaskClient:
    return log_in(
        create_app(demo.store, demo.root, secret_key=KEY, beyond=Beyond(views=offering.views)).test_client()
    )


def test_a_tap_beside_a_weed_tells_what_the_model_says(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/here?{at((WEED[0] + 0.2, WEED[1]))}")
    assert "Weed</h1>" in page and all(
        f"<strong>{one}</strong>&nbsp;<span" in page for one in ("80", "200", "± 2.1")
    )
    assert f"x={SPOT[0]:.0f}&amp;y={SPOT[1]:.0f}" in page


def test_a_tap_on_a_crop_plant_tells_how_it_compares(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/here?{at(CROP)}")
    assert "Crop plant</h1>" in page and "small for its row" in page and "Smaller than the plants" in page


def test_a_tap_on_the_ground_tells_what_the_layers_say(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/here?{at(GROUND)}")
    assert "This place</h1>" in page and "Weed</h1>" not in page
    cells = page.split("What the layers say here")[1].split("</dl>")[0]
    for layer in ("Weeds", "Crop", "Health", "Greenness", "Not seen", "Place error"):
        assert f"<dt>{layer}</dt>" in cells, layer
    # The cell in row 16, column 28: 100 (0.3 + 0.1 sin(28 / 6)) % of crop.
    crop = cells.split("<dt>Crop</dt>")[1].split("</div>")[0]
    assert '<strong>20</strong>&nbsp;<span class="unit">%' in crop


def test_numbers_without_a_meaning_of_their_own_are_told_beside_the_rest_of_the_field(
    client: FlaskClient,
) -> None:
    page = text(client, f"/surveys/{SURVEY}/here?{at(GROUND)}")
    shown = page.split("What the layers say here")[1].split("</dl>")[0]
    health = shown.split("<dt>Health</dt>")[1].split("</div>")[0]
    assert "most</strong>" in health and "most of this field:" in health and "; relative" in health
    green = shown.split("<dt>Greenness</dt>")[1].split("</div>")[0]
    assert "green" in green and "relative, ordinary colours only" in green and "ExG" not in green


@pytest.mark.parametrize(
    ("value", "said"), [(0.5, "greener than most"), (0.3, "as green as most"), (0.1, "less green than most")]
)
def test_a_place_is_compared_with_most_of_its_field(
    app: Flask, demo: DemoBox, value: float, said: str
) -> None:
    survey = demo.store.survey(SURVEY)
    assert survey is not None
    with app.test_request_context():
        found = cells._compared(survey, LAYERS["green"], value, (0.2, 0.4))
        assert found.value is not None and said in found.value
        assert (
            found.interval
            == f"{value:.2f}; most of this field: 0.20 to 0.40; relative, ordinary colours only"
        )


def test_a_place_outside_of_the_map_has_no_cells(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/here?{at((WEST - 50, NORTH))}")
    assert "What the layers say" not in page and "This place" in page


def test_a_place_that_was_not_seen_is_not_zero(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/here?{at((WEST + 58, NORTH - 38))}")
    cells = page.split("What the layers say here")[1].split("</dl>")[0]
    assert "<dt>Not seen</dt>" in cells and "<dt>Weeds</dt>" not in cells


@pytest.mark.parametrize(
    "asked", ["", "lat=1", "lat=nan&lon=1", "lat=91&lon=0", "lat=a&lon=b", "lat=1&lon=1e9"]
)
def test_no_place(client: FlaskClient, asked: str) -> None:
    assert client.get(f"/surveys/{SURVEY}/here?{asked}").status_code == 400
    assert client.get(f"/surveys/{SURVEY}/views?{asked}").status_code == 400


def test_the_coordinates_are_there_to_copy_and_lead_back_to_the_map(client: FlaskClient) -> None:
    lat, lon = lat_lon(*GROUND)
    page = text(client, f"/surveys/{SURVEY}/here?{at(GROUND)}")
    assert f'value="{lat:.6f}, {lon:.6f}" readonly' in page  # no finer than ± 2.1 m makes sense of
    assert f"at={lat:.7f},{lon:.7f}" in page.replace("%2C", ",")


def test_centimetres_stay_centimetres(app: Flask) -> None:
    with app.test_request_context():
        assert [metres(one) for one in (0.03, 0.3, 2.14, 12.4)] == ["0.03", "0.3", "2.1", "12"]


def test_a_page_of_its_own_shows_every_photo_of_the_place(visitor: FlaskClient, demo: DemoBox) -> None:
    page = text(visitor, f"/surveys/{SURVEY}/here?{at(GROUND)}")
    assert "1 photo shows this place" in page and f"/photo/{demo.photo}/crop" in page
    assert "1 more photo that shows it was removed" in page  # the demo's second photo has no file
    assert "by its tags" in page and "data-views" not in page


def test_a_part_asks_for_the_photos_by_itself(visitor: FlaskClient, demo: DemoBox) -> None:
    part = text(visitor, f"/surveys/{SURVEY}/here?{at(CROP)}&part=1")
    found = re.search(r'data-views="([^"]+)"', part)
    assert found and f"digest={demo.photo}" in found[1] and "<html" not in part
    strip = text(visitor, found[1].replace("&amp;", "&"))
    assert "<html" not in strip and 'aria-current="true"' in strip and "data-viewer" not in strip


def test_where_no_plant_was_tapped_the_photo_from_above_is_looked_at(visitor: FlaskClient) -> None:
    strip = text(visitor, f"/surveys/{SURVEY}/views?{at(GROUND)}")
    assert strip.count("data-viewer") == 1 and strip.count("data-view ") == 1


def test_the_photo_is_looked_at_where_it_shows_the_place(visitor: FlaskClient) -> None:
    """From 10 m with its top to the east: 1.5 m west and 3.5 m north of the middle is 135 pixels down, 315 left of it."""
    strip = text(visitor, f"/surveys/{SURVEY}/views?{at(GROUND)}")
    x, y = (int(value) for value in re.findall(r'data-[xy]="(\d+)"', strip)[:2])
    assert (x, y) == (pytest.approx(600 - 315, abs=20), pytest.approx(450 + 135, abs=20))


def test_a_box_that_is_busy_says_so(demo: DemoBox) -> None:
    def busy(_survey_id: str, _lat: float, _lon: float) -> list[SeenFrom]:
        raise Unavailable(N_("The box is working out something else: ask again in a minute."))

    client = log_in(
        create_app(demo.store, demo.root, secret_key=KEY, beyond=Beyond(views=busy)).test_client()
    )
    page = text(client, f"/surveys/{SURVEY}/hotspots/1")
    assert "The box is working out something else" in page and "data-viewer" in page


def test_a_photo_can_be_looked_at_closer_and_wider_without_scripts(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/hotspots/1?span=360")
    assert "size=360" in page and "span=180" in page and "span=720" in page
    for asked, wanted in (("1", 180), ("9999999", 5760), ("x", 720)):
        assert f"size={wanted}&" in text(client, f"/surveys/{SURVEY}/hotspots/1?span={asked}").replace(
            "&amp;", "&"
        )


def test_a_wide_look_is_shown_smaller_with_the_ring_in_its_place(client: FlaskClient, demo: DemoBox) -> None:
    x, y = SPOT
    asked = f"x=600&y=450&size=1200&shown=300&mark_x={x}&mark_y={y}"
    image = Image.open(io.BytesIO(client.get(f"/photo/{demo.photo}/crop?{asked}").data)).convert("RGB")
    assert image.size == (300, 225)
    pixels = np.asarray(image).astype(int)
    assert np.abs(pixels[50, 75] - (20, 60, 200)).max() < 40  # SPOT, a quarter as large
    assert pixels[50, 75 + 46].min() > 180  # the ring


def test_a_photo_that_is_gone_leaves_what_was_found(visitor: FlaskClient, demo: DemoBox) -> None:
    digest = hashlib.sha256(b"two").hexdigest()
    page = text(visitor, f"/surveys/{SURVEY}/look/{digest}?x=10&y=10&{at(WEED)}")
    assert "Weed</h1>" in page and "Taken for a weed" in page
