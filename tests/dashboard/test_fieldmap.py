"""The page of a field: its date and layer are in its address, and it can be read without scripts."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from PIL import Image

from fieldbox.config import load_config
from fieldbox.dashboard import app as dashboard
from fieldbox.dashboard import fields, rights
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.layerwords import trust_of
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import LayerLabel
from fieldbox.services.offering import Offering
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import SURVEY, DemoBox, make_box, make_plants, make_survey, to_geographic
from tests.dashboard.second_date import EARLIER, add_date


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    """A box whose field was flown twice."""
    made = make_box(tmp_path_factory.mktemp("two"))
    made.store.add_user("asha", password_hash, "owner")
    made.store.add_user("veera", password_hash, "viewer")
    add_date(made)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def offering(two: DemoBox) -> Iterator[Offering]:
    made = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(two.root)}), two.store)
    yield made
    made.close()


@pytest.fixture
def visitor(two: DemoBox, offering: Offering) -> FlaskClient:
    beyond = Beyond(decisions=offering, views=offering.views)
    return log_in(create_app(two.store, two.root, secret_key=KEY, beyond=beyond).test_client())


def text(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200, page
    return answer.get_data(as_text=True)


def setup_in(page: str) -> dict[str, Any]:
    found = re.search(r'data-map="([^"]+)"', page)
    assert found
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told


def test_the_newest_date_is_shown_unless_another_is_asked_for(visitor: FlaskClient) -> None:
    assert setup_in(text(visitor, "/fields/1"))["survey"] == SURVEY
    page = text(visitor, f"/fields/1?survey={EARLIER}")
    assert setup_in(page)["survey"] == EARLIER
    assert "Weeds cover 1.1 % (0.7–1.6)" in page
    assert f'<option value="{EARLIER}" selected>' in page


def test_the_dates_run_from_left_to_right_on_a_slider(visitor: FlaskClient) -> None:
    page = text(visitor, f"/fields/1?survey={EARLIER}")
    slider = page.split('<input type="range" id="date"')[1].split(">")[0]
    assert f'data-ids="{EARLIER} {SURVEY}"' in slider and 'max="1"' in slider and 'value="0"' in slider
    assert "22 Apr 2026" in slider and "3 Jun 2026" in slider


def test_what_changes_with_the_date_comes_as_a_part(visitor: FlaskClient) -> None:
    part = text(visitor, f"/fields/1?survey={EARLIER}&layer=health&part=1")
    assert "<html" not in part and 'id="map"' not in part
    assert setup_in(part)["survey"] == EARLIER and 'data-layer="health"' in part


def test_where_to_look_comes_before_the_layers(visitor: FlaskClient) -> None:
    page = text(visitor, "/fields/1")
    assert page.index("Where to look first") < page.index("Colour the map by")


def test_of_many_spots_the_first_are_open_and_the_others_folded(tmp_path: Path, password_hash: str) -> None:
    made = make_box(tmp_path)
    made.store.add_user("asha", password_hash, "owner")
    plants = list(make_plants(made.photo))
    survey = make_survey(made.flight_id, made.field_id, made.photo, plants, known=True)
    spots = tuple(replace(survey.hotspots[0], rank=rank) for rank in range(1, 7))
    made.store.save_survey(
        replace(survey, id="sv-demo-many", hotspots=spots),
        plants,
        [],
        plan_key="many",
        release_sha="ef" * 32,
        to_geographic=to_geographic,
    )
    reader = log_in(create_app(made.store, made.root, secret_key=KEY).test_client())
    told = (
        text(reader, "/fields/1?survey=sv-demo-many").split("Where to look first")[1].split("</section>")[0]
    )
    made.store.close()
    open_ones, folded = told.split("<details>")
    assert [open_ones.count("data-spot"), folded.count("data-spot")] == [4, 2]
    assert "and 2 more" in folded and 'start="5"' in folded


def test_the_layer_in_the_address_is_chosen(visitor: FlaskClient) -> None:
    page = text(visitor, "/fields/1?layer=weed-cover")
    assert re.search(r'value="weed-cover" form="view" checked', page)
    shown = [key for key, more in re.findall(r'data-legend="([^"]+)"( hidden)?', page) if not more]
    assert shown == ["weed-cover"]
    assert f"/surveys/{SURVEY}/still/weed-cover" in page


@pytest.mark.parametrize("asked", ["?layer=none", "?layer=", "?layer=<script>", "?at=nowhere", "?at=91,0"])
def test_what_cannot_be_asked_for_is_left_out(visitor: FlaskClient, asked: str) -> None:
    page = text(visitor, f"/fields/1{asked}")
    assert 'name="layer" value="" form="view" checked' in page and "data-at" not in page
    assert f"/surveys/{SURVEY}/still/photo" in page


def test_a_place_in_the_address_is_handed_to_the_map(visitor: FlaskClient) -> None:
    assert 'data-at="18.52,73.85"' in text(visitor, "/fields/1?at=18.52,73.85")


def test_the_setup_of_the_map_is_small(visitor: FlaskClient) -> None:
    assert len(json.dumps(setup_in(text(visitor, "/fields/1")))) < 4000


def test_who_may_only_look_is_offered_no_form(two: DemoBox) -> None:
    viewer = log_in(create_app(two.store, two.root, secret_key=KEY).test_client(), "veera")
    page = text(viewer, "/fields/1")
    assert "Rename this field" not in page and "What grows here" not in page


def test_links_to_other_pages_of_a_field_are_there_where_those_are(
    two: DemoBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page_of(field_id: int) -> str:
        return str(field_id)

    drawing = Blueprint("drawing", __name__)
    drawing.add_url_rule("/fields/<int:field_id>/draw-test", "show", page_of)
    monkeypatch.setattr(fields, "OTHER_PAGES", ("drawing.show", "walking-test.show"))
    monkeypatch.setattr(
        dashboard, "BLUEPRINTS", (*(one for one in dashboard.BLUEPRINTS if one.name != "drawing"), drawing)
    )
    others = {name: right for name, right in rights.RIGHTS.items() if not name.startswith("drawing.")}
    monkeypatch.setattr("fieldbox.dashboard.rights.RIGHTS", {**others, "drawing.show": rights.WORK})
    monkeypatch.setattr("fieldbox.dashboard.guard.RIGHTS", {**others, "drawing.show": rights.WORK})
    page = text(log_in(create_app(two.store, two.root, secret_key=KEY).test_client()), "/fields/1")
    assert "/fields/1/draw-test" in page and "walking-test" not in page


@pytest.mark.parametrize(
    ("label", "word"),
    [
        (LayerLabel.CALIBRATED, "another day"),
        (LayerLabel.RELATIVE, "not days"),
        (LayerLabel.RGB_ONLY, "not days"),
    ],
)
def test_each_label_has_a_reason(visitor: FlaskClient, two: DemoBox, label: LayerLabel, word: str) -> None:
    survey = two.store.survey(SURVEY)
    assert survey is not None
    with visitor.application.test_request_context():
        told = trust_of("ndvi", replace(survey, layer_label=label))
        assert told is not None and word in told.why
        green = trust_of("green", replace(survey, layer_label=label))
        assert green is not None and "ordinary colours only" in green.label


def picture(client: FlaskClient, key: str) -> np.ndarray[Any, Any]:
    answer = client.get(f"/surveys/{SURVEY}/still/{key}")
    assert answer.status_code == 200, key
    return np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGBA")).astype(int)


def test_the_still_picture_shows_the_mosaic_the_line_and_the_spots(visitor: FlaskClient) -> None:
    shown = picture(visitor, "photo")
    assert shown.shape == (533, 800, 4)
    assert np.abs(shown[420, 250, :3] - (200, 30, 30)).max() < 40
    assert shown[500, 750, 3] == 0  # not seen
    spot = shown[133 - 8 : 133 + 8, 107 - 8 : 107 + 8, :3]
    assert (np.abs(spot - (194, 0, 107)).max(axis=-1) < 40).sum() > 60


@pytest.mark.parametrize("key", ["weed-cover", "health", "position", "zones", "vigour"])
def test_a_still_picture_of_each_kind_of_layer(visitor: FlaskClient, key: str) -> None:
    plain, shown = picture(visitor, "unseen"), picture(visitor, key)
    assert (np.abs(plain - shown).max(axis=-1) > 20).mean() > 0.01


@pytest.mark.parametrize("page", ["/surveys/none/still/photo", f"/surveys/{SURVEY}/still/none"])
def test_a_still_picture_of_nothing(visitor: FlaskClient, page: str) -> None:
    assert visitor.get(page).status_code == 404


def test_zones_are_layers_where_the_box_lays_them_out(visitor: FlaskClient, two: DemoBox) -> None:
    told = setup_in(text(visitor, "/fields/1"))
    assert set(told["zones"]) == {"zones", "vigour"}
    plain = log_in(create_app(two.store, two.root, secret_key=KEY).test_client())
    assert setup_in(text(plain, "/fields/1"))["zones"] == {}


def test_the_path_of_pictures_that_are_gone_is_not_offered(two: DemoBox, visitor: FlaskClient) -> None:
    path = Path(two.root / "rasters" / EARLIER / "mosaic.tif")
    path.rename(path.with_suffix(".away"))
    try:
        part = text(visitor, f"/fields/1?survey={EARLIER}&part=1")
        assert "data-map" not in part and "The pictures of this map are missing" in part
    finally:
        path.with_suffix(".away").rename(path)
