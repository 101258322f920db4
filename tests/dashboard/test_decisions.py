"""What to do: the page tells what is sprayed where, the form keeps how, and a change is worked out anew."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import shapely
import shapely.affinity
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from fieldbox.config import load_config
from fieldbox.dashboard import sprayform
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.decisions import GROUPS, TITLES
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Economics, KeepOff, Product, Spraying, Strategy
from fieldbox.errors import Unavailable
from fieldbox.services.offering import FILES, IN_LINE, Offering
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import DemoBox, make_box

PAGE = "/surveys/sv-demo-1/decide"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    """A box of its own."""
    made = make_box(tmp_path_factory.mktemp("decided"))
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def offering(fresh: DemoBox) -> Iterator[Offering]:
    made = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(fresh.root)}), fresh.store)
    yield made
    made.close()


@pytest.fixture
def visitor(fresh: DemoBox, offering: Offering) -> FlaskClient:
    return log_in(
        create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(decisions=offering)).test_client()
    )


def text(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200, page
    return answer.get_data(as_text=True)


def test_the_page_tells_what_is_sprayed(visitor: FlaskClient) -> None:
    page = text(visitor, PAGE)
    for words in (
        "Spray ",
        "less than spraying it all",
        "Pumps to fill",
        "ISOXML",
        "None of these numbers is advice",
        "taken",
    ):
        assert words in page, words
    assert PAGE in text(visitor, "/fields/1?survey=sv-demo-1")


def test_what_people_read_comes_before_what_machines_read(visitor: FlaskClient) -> None:
    files = text(visitor, PAGE).split(">Files<")[1].split("</section>")[0]
    read, folded = files.split("<details>", 1)
    assert "Sheet for the knapsack crew" in read and "Picture of the walk" in read
    assert "ISOXML" in folded and "GeoPackage" in folded


def test_the_map_gets_zones_with_their_numbers(visitor: FlaskClient) -> None:
    found = visitor.get("/api/v1/surveys/sv-demo-1/prescription").get_json()
    zones = [one["properties"] for one in found["features"]]
    assert zones
    assert all(one["treat"] and one["rate_l_ha"] == 200 for one in zones)
    assert sum(one["count"] for one in zones) > 0
    ring = found["features"][0]["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert found["needs"]["spray_l"] == pytest.approx(sum(one["area_m2"] for one in zones) / 1e4 * 200)


def test_zones_have_names_of_their_own_and_tell_which_spots_they_hold(
    fresh: DemoBox, visitor: FlaskClient
) -> None:
    found = visitor.get("/api/v1/surveys/sv-demo-1/prescription").get_json()["features"]
    zones = {one["properties"]["name"]: one for one in found}
    assert list(zones) == [f"Z{one['properties']['rank']}" for one in found]
    survey = fresh.store.survey("sv-demo-1")
    assert survey is not None
    held = {rank: name for name, one in zones.items() for rank in one["properties"]["spots"]}
    for spot in survey.hotspots:
        inside = [
            name
            for name, one in zones.items()
            if shapely.Polygon(one["geometry"]["coordinates"][0]).contains(shapely.Point(spot.lon, spot.lat))
        ]
        assert inside == ([held[spot.rank]] if spot.rank in held else [])
    page = text(visitor, PAGE)
    assert held and 'data-zone="Z1"' in page and "with spot" in page


def test_the_form_asks_in_plain_words(visitor: FlaskClient) -> None:
    page = text(visitor, PAGE)
    assert "Shortest piece it can spray" in page and "How near a crew on foot comes to a zone" in page


def test_the_form_keeps_how_a_field_is_treated(fresh: DemoBox, visitor: FlaskClient) -> None:
    before = visitor.get("/api/v1/surveys/sv-demo-1/prescription").get_json()["needs"]["spray_l"]
    form = {
        "csrf_token": token_of(visitor, PAGE), "survey": "sv-demo-1", "product0": " quizalofop ", "dose0": "1.5",
        "water": "100", "water_by": "hectare", "dose_by": "hectare", "tank_l": "10", "strategy": "swaths", "coverage_pct": "90",
        "price_per_t": "20000", "yield_t_ha": "3", "loss_pct_per_weed": "2", "cost_per_ha": "1",
    }  # fmt: skip
    answer = visitor.post("/fields/1/spraying", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    page = text(visitor, PAGE)
    assert "Kept." in page
    assert re.search(r"quizalofop: \d+\xa0ml into", page)
    assert 'value="20000"' in page
    kept = fresh.store.spraying(1)
    assert (kept.spray_l_ha, kept.strategy, kept.coverage) == (100.0, Strategy.SWATHS, 0.9)
    assert kept.economics == Economics(price_per_t=20000, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=1)
    after = visitor.get("/api/v1/surveys/sv-demo-1/prescription").get_json()
    assert after["needs"]["spray_l"] != before
    assert after["threshold"] is not None
    assert "spraying" in [one.action for one in fresh.store.audits()]


def test_a_form_that_makes_no_sense_changes_nothing(fresh: DemoBox, visitor: FlaskClient) -> None:
    before = fresh.store.spraying(1)
    for wrong in (
        {"swath_m": "0"},
        {"water": "x"},
        {"price_per_t": "5"},
        {"product0": "a"},
        {"strategy": "best"},
    ):
        visitor.post("/fields/1/spraying", data={"csrf_token": token_of(visitor, PAGE), **wrong})
        assert fresh.store.spraying(1) == before
    assert "Nothing was changed" in text(visitor, "/fields/1")


def test_what_is_filled_in_comes_back() -> None:
    pond = KeepOff("pond", (((1.0, 1.0), (2.0, 1.0), (2.0, 2.0)),), 3.0)
    how = Spraying(
        swath_m=3.25, coverage=0.9, products=(Product("a", 1.25), Product("b", 0.1)), from_per_m2=0.5, aim_m=0.3,
        keep_off=(pond,),
        economics=Economics(price_per_t=1_234_567.5, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=1, efficacy=0.8),
    )  # fmt: skip
    assert sprayform.told_in(MultiDict(sprayform.shown(how)), how) == how
    assert sprayform.told_in(MultiDict(), how) == Spraying(keep_off=(pond,))


def test_what_the_form_does_not_ask_for_stays() -> None:
    how = Spraying(
        products=tuple(Product(name, 1.0) for name in "abcd"),
        economics=Economics(
            price_per_t=1, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=1, most_loss_pct=40
        ),
    )
    assert sprayform.told_in(MultiDict(sprayform.shown(how)), how) == how


@pytest.mark.parametrize(
    ("name", "value"),
    [("swath_m", "1e-9"), ("drift_m", "1e9"), ("aim_m", "1e9"), ("tank_l", "1e-300"), ("from_per_m2", "nan")],
)
def test_numbers_that_would_fill_the_box_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"to 100|limit|L/ha"):
        sprayform.told_in(MultiDict({name: value}), Spraying())


def test_every_file_has_a_title() -> None:
    assert set(TITLES) == {one.key for one in FILES}
    assert {one.group for one in FILES} == set(GROUPS)


def test_without_decisions_there_is_no_such_page(client: FlaskClient) -> None:
    assert client.get(PAGE).status_code == 404
    assert "/decide" not in text(client, "/fields/1")


def test_where_weeds_are_not_known_it_says_so(tmp_path: Path, password_hash: str) -> None:
    made = make_box(tmp_path, known=False)
    made.store.add_user("asha", password_hash, "owner")
    offering = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(made.root)}), made.store)
    client = log_in(
        create_app(made.store, made.root, secret_key=KEY, beyond=Beyond(decisions=offering)).test_client()
    )
    survey = made.store.surveys()[0].id
    page = text(client, f"/surveys/{survey}/decide")
    assert "Weeds were not called" in page or "Spray" in page
    offering.close()
    made.store.close()


@pytest.mark.parametrize(
    "key", ["isoxml", "qgroundcontrol", "report", "sheet", "walk-picture", "walk-gpx", "weeds"]
)
def test_files_are_handed_out(visitor: FlaskClient, key: str) -> None:
    answer = visitor.get(f"/surveys/sv-demo-1/files/{key}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert len(answer.data) > 100
    assert visitor.get("/surveys/sv-demo-1/files/nothing").status_code == 404


POND = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "Pond"},
  "geometry": {"type": "Point", "coordinates": [LON, LAT]}}]}"""


def bring(visitor: FlaskClient, data: str, name: str = "pond.geojson", strip: str = "4") -> str:
    form = {
        "csrf_token": token_of(visitor, PAGE),
        "survey": "sv-demo-1",
        "strip_m": strip,
        "file": (io.BytesIO(data.encode()), name),
    }
    answer = visitor.post("/fields/1/keep-off", data=form, follow_redirects=True)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_ground_is_kept_off_by_a_file_from_the_phone_and_given_free_again(
    visitor: FlaskClient, fresh: DemoBox
) -> None:
    field = fresh.store.field(1)
    assert field is not None
    lon, lat = field.boundary[0]
    pond = POND.replace("LON", str(lon)).replace("LAT", str(lat))
    before = fresh.store.spraying(1)
    assert "Pond (+ 4.0\xa0m)" in bring(visitor, pond)
    (kept,) = fresh.store.spraying(1).keep_off
    assert (kept.name, kept.strip_m) == ("Pond", 4.0)
    assert fresh.store.audits()[0].action == "spraying"
    form = {"csrf_token": token_of(visitor, PAGE), "survey": "sv-demo-1"}
    visitor.post("/fields/1/keep-off/none", data=form)
    assert fresh.store.spraying(1) == before


@pytest.mark.parametrize(
    ("data", "strip", "reason"),
    [
        ("", "4", "give a GeoJSON or KML file"),
        ("<OGRVRTDataSource><kml/></OGRVRTDataSource>", "4", "give a GeoJSON or KML file"),
        ("{}", "4", "cannot be read as a map"),
        (POND.replace("LON", "10").replace("LAT", "50"), "4", "lies near the field"),
        (POND.replace("LON", "10").replace("LAT", "50"), "501", "A strip is 0 to 500 m wide."),
    ],
)
def test_no_ground_is_kept_off_by_what_is_no_map_of_it(
    visitor: FlaskClient, fresh: DemoBox, data: str, strip: str, reason: str
) -> None:
    before = fresh.store.spraying(1)
    assert reason in bring(visitor, data, strip=strip)
    assert fresh.store.spraying(1) == before


def test_many_files_at_once_leave_the_box_to_others(offering: Offering) -> None:
    def made(_number: int) -> bool:
        try:
            return bool(offering.make("sv-demo-1", "isoxml", "en"))
        except Unavailable:
            return False

    many = 1 + IN_LINE + 2
    with ThreadPoolExecutor(many) as people:
        assert sorted(people.map(made, range(many))) == [False] * 2 + [True] * (1 + IN_LINE)
    assert made(0)


def test_another_boundary_is_worked_out_anew(fresh: DemoBox, offering: Offering) -> None:
    before = fresh.store.field(1)
    assert before is not None
    whole = offering.prescription("sv-demo-1").field_m2
    middle = shapely.Polygon(before.boundary).centroid
    smaller = shapely.affinity.scale(shapely.Polygon(before.boundary), 0.5, 0.5, origin=middle)
    try:
        fresh.store.update_field(1, boundary=list(smaller.exterior.coords)[:-1])
        assert offering.prescription("sv-demo-1").field_m2 == pytest.approx(whole / 4, rel=0.01)
    finally:
        fresh.store.update_field(1, boundary=before.boundary)


def test_where_the_crop_stands_poorer(visitor: FlaskClient) -> None:
    zones = [
        one["properties"] for one in visitor.get("/api/v1/surveys/sv-demo-1/vigour").get_json()["features"]
    ]
    assert {one["vigour"] for one in zones} == {"poor", "usual", "better"}
    assert all(one["checks"] is not None and "causes" not in one for one in zones)
    page = text(visitor, PAGE)
    assert "m² of poorer crop" in page
    assert "The cause cannot be told from the air" in page
