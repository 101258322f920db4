"""The walk as a page: for those without a script, and where the shortest way is not known."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from fieldbox.config import load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Spot, SpotKind, Walk
from fieldbox.errors import Unavailable
from fieldbox.i18n import Sentence
from fieldbox.services.offering import Offering
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import SURVEY, DemoBox, make_box

PAGE = f"/surveys/{SURVEY}/walk"


def text(client: FlaskClient) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def setup_of(page: str) -> dict[str, Any]:
    """What the script of the page is given."""
    found = re.search(r'data-walk="([^"]*)"', page)
    assert found
    return json.loads(unescape(found[1]))


def browser_of(demo: DemoBox, offering: Offering) -> FlaskClient:
    app: Flask = create_app(demo.store, demo.root, secret_key=KEY, beyond=Beyond(decisions=offering))
    return log_in(app.test_client())


def test_the_walk_is_a_list_for_those_without_a_script(demo: DemoBox) -> None:
    offering = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)}), demo.store)
    try:
        page = text(browser_of(demo, offering))
    finally:
        offering.close()
    setup = setup_of(page)
    assert [one["number"] for one in setup["spots"]] == list(range(1, len(setup["spots"]) + 1))
    assert {one["kind"] for one in setup["spots"]} == {"Weeds", "Poor crop"}
    for spot in setup["spots"]:
        lat, lon = spot["at"]
        assert f'href="geo:{lat:.6f},{lon:.6f}"' in page
    assert "m to walk" in page
    assert f"/surveys/{SURVEY}/files/walk-gpx" in page
    assert setup["path"][0] == setup["path"][-1]


def test_without_the_shortest_way_the_spots_with_most_weeds_are_walked(client: FlaskClient) -> None:
    page = text(client)
    setup = setup_of(page)
    assert [one["kind"] for one in setup["spots"]] == ["Weeds", "Weeds"]
    assert "could not be worked out" not in page
    assert "walk-gpx" not in page
    assert all(one["photo"].startswith("/photo/") for one in setup["spots"])


class Busy(Offering):
    """An offering that has other work."""

    def walk(self, survey_id: str) -> Any:
        raise Unavailable(
            "The box is working out something else ({id}): ask again in a minute.", id=survey_id
        )


def test_why_the_shortest_way_is_not_known_is_told(demo: DemoBox) -> None:
    offering = Busy(load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)}), demo.store)
    page = text(browser_of(demo, offering))
    assert "The shortest way could not be worked out" in page
    assert "ask again in a minute" in page
    assert len(setup_of(page)["spots"]) == 2


def test_a_survey_without_spots_says_so(tmp_path: Any, password_hash: str) -> None:
    made = make_box(tmp_path, known=False)
    made.store.add_user("asha", password_hash, "owner")
    app = create_app(made.store, made.root, secret_key=KEY)
    page = text(log_in(app.test_client()))
    made.store.close()
    assert "no spot that is worth a visit" in page


def test_plants_in_doubt_are_asked_for_by_their_number(demo: DemoBox) -> None:
    class Doubts(Offering):
        def walk(self, survey_id: str) -> Any:
            plant = demo.store.detections(survey_id)[7]
            known = {"lat": plant.lat, "lon": plant.lon, "digest": plant.digest, "pixel_x": plant.pixel_x}
            spot = Spot(
                rank=1, name="D1", kind=SpotKind.DOUBTFUL, why=Sentence("?"), pixel_y=plant.pixel_y, **known
            )
            return Walk(
                start=(0.0, 0.0), spots=(spot,), path=((plant.lat, plant.lon),), length_m=1.0, error_m=None
            )

    offering = Doubts(load_config({"FIELDBOX_STORAGE__ROOT": str(demo.root)}), demo.store)
    (spot,) = setup_of(text(browser_of(demo, offering)))["spots"]
    assert spot["plant"] in {one.id for one in demo.store.detections(SURVEY)}
