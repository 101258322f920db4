"""What a reader sees: numbers with intervals, what is not known as such, nothing that a file name can break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox import judging
from fieldbox.dashboard import words
from fieldbox.dashboard.app import create_app, find_web
from fieldbox.dashboard.language import spread
from fieldbox.dashboard.layerwords import layers_of as _layers
from fieldbox.domain import Cover, Interval, PlantHealth, WeedBasis
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import (
    NASTY,
    NORTH,
    SURVEY,
    WEST,
    DemoBox,
    add_flight,
    lat_lon,
    make_box,
    make_photo,
)


def text(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200, page
    return answer.get_data(as_text=True)


@pytest.fixture
def fresh(tmp_path: Path, password_hash: str) -> Iterator[DemoBox]:
    """A box of its own, whose flight was too coarse to know its weeds."""
    made = make_box(tmp_path, known=False)
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture
def visitor(fresh: DemoBox) -> FlaskClient:
    return log_in(create_app(fresh.store, fresh.root, secret_key=KEY).test_client())


@pytest.fixture
def empty(tmp_path: Path, password_hash: str) -> Iterator[Store]:
    """A box where nothing has come in."""
    with Store.open(tmp_path / "fieldbox.db") as made:
        made.add_user("asha", password_hash, "owner")
        yield made


def test_home_says_what_needs_me_now(client: FlaskClient) -> None:
    page = text(client, "/")
    assert "Weeds cover 3.2 % (2.1–4.4) of the ground: 200 weeds (150–260)." in page
    assert "2 spots stand out: look there first." in page


def test_an_empty_box_says_what_to_do(empty: Store, tmp_path: Path) -> None:
    client = log_in(create_app(empty, tmp_path, secret_key=KEY).test_client())
    page = text(client, "/")
    assert "ask its owner for a test flight" in page
    assert "<article" not in page


def test_a_field_without_a_map_says_so(empty: Store, tmp_path: Path) -> None:
    client = log_in(create_app(empty, tmp_path, secret_key=KEY).test_client())
    field = empty.add_field("Bare", [(73.0, 18.0), (73.1, 18.0), (73.1, 18.1)], drawn=True)
    assert "No map yet." in text(client, f"/fields/{field.id}")


def test_progress_of_a_flight_that_arrives(empty: Store, tmp_path: Path) -> None:
    client = log_in(create_app(empty, tmp_path, secret_key=KEY).test_client())
    flight = add_flight(empty, make_photo(tmp_path), None)
    job = empty.enqueue(flight.id, release_sha="x")
    assert "Waiting for its turn" in text(client, "/now")
    assert empty.claim()
    empty.progress(job, "look", 17, 42)
    for page in ("/now", f"/flights/{flight.id}/now"):
        shown = text(client, page)
        assert "Looking at the field" in shown and "17 / 42" in shown and "data-busy" in shown
    answer = client.get("/api/v1/flights").json
    assert answer is not None
    assert {"step": "look", "done": 17, "total": 42, "state": "running"}.items() <= answer["flights"][
        0
    ].items()
    empty.fail(job, Sentence("The disk of {name} is full.", {"name": NASTY}), retry_at=None)
    shown = text(client, "/")
    assert "What needs you now" in shown and "could not be mapped: The disk of &lt;script&gt;" in shown


def test_copying_shows_while_it_lasts(empty: Store, tmp_path: Path) -> None:
    client = log_in(create_app(empty, tmp_path, secret_key=KEY).test_client())
    ingest = empty.begin_ingest("/media/card")
    assert "Copying photos from /media/card" in text(client, "/now")
    empty.end_ingest(ingest, 0)
    assert "Copying" not in text(client, "/now")


def test_a_flight_lists_what_was_not_taken_and_why(client: FlaskClient, demo: DemoBox) -> None:
    page = text(client, f"/flights/{demo.flight_id}")
    assert "It has no GPS position" in page
    assert "It is no photo." in page
    assert "DJI_0002.JPG" in page


def test_a_field_shows_numbers_with_their_intervals(client: FlaskClient, demo: DemoBox) -> None:
    page = text(client, f"/fields/{demo.field_id}")
    for part in (
        "1,840",
        "1,700–1,990",
        "0.24",
        "± 2.1 m (95 %)",
        "relative, ordinary colours only",
        "weeds 1.0",
    ):
        assert part in page
    assert "not known" not in page.replace("data-map", "").split("<dl")[1].split("</dl>")[0]


def test_what_is_not_known_is_never_a_zero(visitor: FlaskClient, fresh: DemoBox) -> None:
    page = text(visitor, f"/fields/{fresh.field_id}")
    numbers = page.split('<dl class="figures">')[1].split("</dl>")[0]
    assert numbers.count("not known") == 5
    assert "<strong>0" not in numbers.replace("<strong>0.24", "").replace("<strong>0.28", "")
    assert "How many weeds there are is not known from this flight." in page
    assert "fly lower than 12 m" in page
    assert 'value="weed-cover"' not in page and 'value="health"' in page
    answer = visitor.get(f"/api/v1/surveys/{SURVEY}").json
    assert answer is not None and answer["weed_count"] is None and answer["weed_cover_pct_interval95"] is None


def test_file_and_field_names_cannot_break_a_page(client: FlaskClient, demo: DemoBox) -> None:
    for page in ("/", f"/fields/{demo.field_id}", f"/flights/{demo.flight_id}"):
        shown = text(client, page)
        assert NASTY not in shown, page
        assert "&lt;script&gt;" in shown, page


def test_no_page_has_inline_scripts_styles_or_other_hosts(client: FlaskClient, demo: DemoBox) -> None:
    pages = ("/", "/settings", "/password", f"/fields/{demo.field_id}", f"/flights/{demo.flight_id}")
    for page in (*pages, f"/surveys/{SURVEY}/hotspots/1"):
        shown = text(client, page)
        assert "style=" not in shown and "<style" not in shown and " onclick" not in shown, page
        assert "<script>" not in shown and "http://" not in shown and "https://" not in shown, page


def test_a_hotspot_leads_to_its_photo(client: FlaskClient, demo: DemoBox) -> None:
    page = text(client, f"/surveys/{SURVEY}/hotspots/1")
    assert f"/photo/{demo.photo}/crop?x=300&amp;y=200" in page
    assert "34 % weeds on 12 m²" in page
    assert "<html" not in text(client, f"/surveys/{SURVEY}/hotspots/1?part=1")
    assert client.get(f"/surveys/{SURVEY}/hotspots/9").status_code == 404
    assert f"/photo/{demo.photo}/crop?x=7&amp;y=8" in text(
        client, f"/surveys/{SURVEY}/look/{demo.photo}?x=7&y=8"
    )
    assert client.get(f"/surveys/{SURVEY}/look/{demo.photo}?x=nan&y=8").status_code == 400


@pytest.mark.parametrize(
    "page",
    ["/fields/99", "/fields/x", "/flights/none", "/surveys/none/hotspots/1", "/fields/1?survey=none", "/x"],
)
def test_pages_that_are_not_there(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 404
    assert "There is no such page or it is gone." in answer.get_data(as_text=True)


def test_renaming_a_field(visitor: FlaskClient, fresh: DemoBox) -> None:
    page = f"/fields/{fresh.field_id}"
    form = {"csrf_token": token_of(visitor, page), "name": "  Well  field "}
    assert visitor.post(f"{page}/name", data=form).status_code == 302
    field = fresh.store.field(fresh.field_id)
    assert field is not None and field.name == "Well field"
    entry = fresh.store.audits()[0]
    assert (entry.actor, entry.action) == ("asha", "field renamed")
    assert "The field is now called Well field." in text(visitor, page)


def test_a_crop_is_named_and_unnamed(visitor: FlaskClient, fresh: DemoBox) -> None:
    page = f"/fields/{fresh.field_id}"
    for given, crop in ((" chick  pea ", "chick pea"), ("", None)):
        visitor.post(f"{page}/crop", data={"csrf_token": token_of(visitor, page), "crop": given})
        field = fresh.store.field(fresh.field_id)
        assert field is not None and field.crop == crop
    assert [one.action for one in fresh.store.audits()[:2]] == ["crop named", "crop named"]


def test_the_photo_of_an_unsure_weed_says_so(client: FlaskClient, demo: DemoBox) -> None:
    page = f"/surveys/{SURVEY}/look/{demo.photo}?x=300&y=200&certainty="
    assert "Unsure: look before you act." in text(client, page + "unsure")
    assert "Unsure: look before you act." not in text(client, page + "sure")


@pytest.mark.parametrize(("name", "why"), [("   ", "A field needs a name."), ("Other", "already")])
def test_a_name_that_cannot_be(visitor: FlaskClient, fresh: DemoBox, name: str, why: str) -> None:
    fresh.store.add_field("Other", [(73.0, 18.0), (73.1, 18.0), (73.1, 18.1)], drawn=True)
    page = f"/fields/{fresh.field_id}"
    visitor.post(f"{page}/name", data={"csrf_token": token_of(visitor, page), "name": name})
    assert why in text(visitor, page)
    field = fresh.store.field(fresh.field_id)
    assert field is not None and field.name.startswith("North plot")


def test_a_map_whose_pictures_are_gone_says_so(visitor: FlaskClient, fresh: DemoBox) -> None:
    (fresh.root / "rasters" / SURVEY / "mosaic.tif").unlink()
    page = text(visitor, f"/fields/{fresh.field_id}")
    assert "The pictures of this map are missing" in page and 'id="map"' not in page


def test_weeds_of_a_box_on_the_map(client: FlaskClient, demo: DemoBox) -> None:
    south, west = lat_lon(WEST + 0.5, NORTH - 5.5)
    north, east = lat_lon(WEST + 4.5, NORTH - 0.5)
    answer = client.get(f"/api/v1/surveys/{SURVEY}/weeds?bbox={west},{south},{east},{north}").json
    assert answer is not None and answer["truncated"] is False
    stored = demo.store.detections(SURVEY, bbox=(west, south, east, north), cover=Cover.WEED)
    assert 0 < len(answer["features"]) == len(stored) < 10
    one = answer["features"][0]
    ring = one["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1] and len(ring) == 9
    assert one["properties"] == {
        "id": stored[0].id,
        "verdict": None,
        "health": None,
        "class": "weed",
        "score": 0.8,
        "certainty": "sure",
        "area_cm2": 200.0,
        "position_error_m": 2.1,
        "photo": demo.photo,
        "x": 300,
        "y": 200,
    }


def test_row_based_weeds_are_not_shown_as_of_all_ground(client: FlaskClient, demo: DemoBox) -> None:
    survey = demo.store.survey(SURVEY)
    assert survey is not None
    with client.application.test_request_context():
        plain, rows = (
            {one["key"]: one for one in _layers(replace(survey, weed_basis=basis))}["weed-cover"]
            for basis in (WeedBasis.PLANTS, WeedBasis.ROWS)
        )
    assert plain["unit"] == "% of the ground"
    assert rows["unit"] == "% of the ground between the rows"
    assert "not judged" in rows["note"]


def test_poor_crop_plants_on_the_map_are_called_relative(client: FlaskClient, demo: DemoBox) -> None:
    answer = client.get(f"/api/v1/surveys/{SURVEY}/poor").json
    assert answer is not None
    told = {one["properties"]["health"] for one in answer["features"]}
    assert told == {"stunted", "yellowing"}
    assert all(one["properties"]["class"] == "crop" for one in answer["features"])
    assert client.get("/api/v1/surveys/none/poor").status_code == 404
    page = f"/surveys/{SURVEY}/look/{demo.photo}?x=300&y=200&health="
    assert "Smaller than the plants beside it" in text(client, page + "stunted")
    assert "the cause cannot be told from the air" in text(client, page + "yellowing")
    assert "<script>" not in text(client, page + "<script>")
    assert "beside it" not in text(client, page + "healthy")


def test_what_is_drawn_of_the_crop_has_a_key(client: FlaskClient, demo: DemoBox) -> None:
    page = text(client, f"/fields/{demo.field_id}")
    for box, keys in {"show-poor": ("stunted", "yellowing"), "show-gaps": ("gap",)}.items():
        item = page.split(f'id="{box}"')[1].split("</li>")[0]
        assert all(f'class="mark {key}"' in item for key in keys), box


def test_gaps_on_the_map_are_lines_with_their_count(client: FlaskClient, demo: DemoBox) -> None:
    address = f"/api/v1/surveys/{SURVEY}/gaps"
    answer = client.get(address).json
    assert answer is not None and answer["truncated"] is False
    assert [one["properties"] for one in answer["features"]] == [
        {"class": "gap", "missing": number} for number in (1, 2, 3)
    ]
    start, end = answer["features"][1]["geometry"]["coordinates"]
    stored = demo.store.gaps(SURVEY)[1]
    assert (tuple(start), tuple(end)) == (stored.start, stored.end)
    cut = client.get(f"{address}?limit=2").json
    assert cut is not None and len(cut["features"]) == 2 and cut["truncated"] is True
    assert client.get("/api/v1/surveys/none/gaps").status_code == 404


def test_a_gap_is_drawn_where_any_part_of_it_is_in_view(client: FlaskClient) -> None:
    for east, north, shown in ((30.5, -21.0, 1), (31.5, -23.0, 1), (29.9, -21.0, 0), (30.5, -20.5, 0)):
        south, west = lat_lon(WEST + east - 0.05, NORTH + north - 0.05)
        top, right = lat_lon(WEST + east + 0.05, NORTH + north + 0.05)
        answer = client.get(f"/api/v1/surveys/{SURVEY}/gaps?bbox={west},{south},{right},{top}").json
        assert answer is not None and len(answer["features"]) == shown, (east, north)


def test_crop_health_is_told_so_that_a_farmer_understands(client: FlaskClient, demo: DemoBox) -> None:
    page = text(client, f"/fields/{demo.field_id}")
    assert "in the row: 1 small, 1 yellow." in page
    assert "hardly known: perhaps none, perhaps up to 146. Places that look empty: 6" in page
    assert "A person should look at these plants before acting" in page
    assert "retouched photos" in page
    assert "painted" not in page and "diagnosis" not in page
    numbers = client.get(f"/api/v1/surveys/{SURVEY}").json
    assert numbers is not None and numbers["crop_missing_interval95"] == [0, 146]
    assert len(numbers["crop_health"]) == 3 and numbers["warnings"] == []


def test_what_the_judging_says_is_understood(demo: DemoBox, app: Flask) -> None:
    survey = demo.store.survey(SURVEY)
    assert survey is not None
    verdicts = [PlantHealth.STUNTED] * 12 + [PlantHealth.YELLOWING] * 3
    for missing in (7, None):
        judged = replace(survey, warnings=judging._words(verdicts, missing), crop_missing=missing)
        with app.test_request_context():
            said = " ".join(words.crop_health(judged))
            assert "12 small, 3 yellow" in said
            assert ("Places that look empty: 7" in said) == (missing == 7)
            assert ("missing is not known" in said) == (missing is None)
            assert words.warnings(judged) == []
            assert words.crop_health(replace(survey, warnings=())) == []


@pytest.mark.parametrize(
    ("missing", "crops", "interval", "wanted"),
    [
        (44, 400, (380, 410), (34, 64)),  # 444 places, 380 to 410 of them with a plant
        (0, 400, (380, 410), (0, 20)),
        (3, 400, (390, 440), (0, 13)),
        (None, 400, (380, 410), None),
        (44, None, None, None),
    ],
)
def test_missing_plants_are_as_uncertain_as_those_found(
    demo: DemoBox,
    missing: int | None,
    crops: int | None,
    interval: tuple[int, int] | None,
    wanted: tuple[int, int] | None,
) -> None:
    survey = demo.store.survey(SURVEY)
    assert survey is not None
    told = words.missing_interval(
        replace(
            survey,
            crop_missing=missing,
            crop_count=crops,
            crop_count_interval95=Interval(*interval) if interval else None,
        )
    )
    assert told == wanted


@pytest.mark.parametrize(
    ("value", "ends", "said"),
    [
        (6, (0, 146), "perhaps none, perhaps up to 146"),
        (0, (0, 9), "perhaps none, perhaps up to 9"),
        (40, (20, 90), "anything from 20 to 90"),
        (40, (0, 90), "anything from 0 to 90"),
        (200, (150, 260), "150–260"),
        (0, (0, 1), "0–1"),
    ],
)
def test_the_wider_an_interval_is_the_plainer_it_is_said(
    app: Flask, value: int, ends: tuple[int, int], said: str
) -> None:
    with app.test_request_context():
        assert spread(value, Interval(*ends)) == said


def test_the_health_legend_is_in_words(client: FlaskClient, demo: DemoBox) -> None:
    legend = text(client, f"/fields/{demo.field_id}").split('data-legend="health"')[1].split("</figure>")[0]
    assert "<span>poorer</span><span>as most</span><span>better</span>" in legend


def test_too_many_weeds_are_cut_and_said(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/surveys/{SURVEY}/weeds?limit=3").json
    assert answer is not None and len(answer["features"]) == 3 and answer["truncated"] is True


@pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "nan,0,1,1", "2,0,1,1", "-999,0,1,1"])
def test_a_box_that_is_none(client: FlaskClient, bbox: str) -> None:
    assert client.get(f"/api/v1/surveys/{SURVEY}/weeds?bbox={bbox}").status_code == 400


def test_fields_and_hotspots_as_json(client: FlaskClient, demo: DemoBox) -> None:
    fields = client.get("/api/v1/fields").json
    assert fields is not None and fields["fields"][0]["surveys"] == [demo.survey_id]
    spots = client.get(f"/api/v1/surveys/{SURVEY}/hotspots").json
    assert spots is not None and [each["properties"]["rank"] for each in spots["features"]] == [1, 2]
    assert client.get("/api/v1/surveys/none/hotspots").status_code == 404


def test_every_page_speaks_hindi(app: Flask, demo: DemoBox) -> None:
    client = log_in(app.test_client())
    pages = (
        "/",
        "/settings",
        f"/fields/{demo.field_id}",
        f"/flights/{demo.flight_id}",
        f"/surveys/{SURVEY}/hotspots/1",
    )
    for page in pages:
        shown = client.get(page, headers={"Accept-Language": "hi"}).get_data(as_text=True)
        assert '<html lang="hi">' in shown
        for english in ("Weeds", "Home", "Photos", "Settings", "Rename", "Spot"):
            assert f">{english}<" not in shown, (page, english)


COMMAND = re.compile(r"<code>(fieldbox [a-z-]+)")
FOR_WHOEVER_HAS_THE_BOX = {"fieldbox people", "fieldbox setup-code"}
"""Who cannot come in by any page: these say who can do it."""


def test_no_page_sends_somebody_with_a_phone_to_a_command_line() -> None:
    found = {
        command
        for template in (find_web() / "templates").rglob("*.html")
        for command in COMMAND.findall(template.read_text("utf-8"))
    }
    assert found == FOR_WHOEVER_HAS_THE_BOX
