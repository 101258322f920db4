"""How well a flight was flown: the verdict, its rules and what the page shows of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard import quality
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.quality import Judgement, Verdict, judge
from fieldbox.domain import NotAligned, Placement, Pose, Quality, Survey
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import NASTY, SURVEY, DemoBox, make_box, make_quality, make_survey

FINE = replace(
    make_quality(), photos=100, aligned=100, holes=(), bare_pct=0.0, control_points=0, control_error_m=None
)  # fmt: skip


POSE = Pose(18.5, 74.2, 10.0, 0.0, 0.0, 0.0, 1.5, 0.5, 3.0, 1.0)


def text(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200, page
    return answer.get_data(as_text=True)


def survey_with(told: Quality | None) -> Survey:
    return replace(make_survey("fl", 1, "ab" * 32, [], known=True), quality=told)


@pytest.fixture
def reader(app: Flask) -> Iterator[None]:
    """Sentences are told in the language of a request."""
    with app.test_request_context():
        yield


@pytest.fixture
def old(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[FlaskClient]:
    """A visitor of a box whose survey was made before photos were aligned."""
    made = make_box(tmp_path_factory.mktemp("old"), known=False)
    made.store.add_user("asha", password_hash, "owner")
    yield log_in(create_app(made.store, made.root, secret_key=KEY).test_client())
    made.store.close()


def test_a_flight_without_fault_is_good(reader: None) -> None:
    judged = judge(survey_with(FINE))
    assert judged is not None
    assert (judged.verdict, judged.reasons) == (Verdict.GOOD, ())
    assert judged.headline.startswith("Good")


@pytest.mark.parametrize(
    ("told", "verdict", "said"),
    [
        ({"aligned": 94}, Verdict.USABLE, "6 photos fit no other"),
        ({"aligned": 99}, Verdict.GOOD, ""),
        ({"aligned": 49}, Verdict.AGAIN, "Only 49 of 100 photos fit together"),
        ({"photos": 1, "aligned": 0}, Verdict.USABLE, "only one photo"),
        ({"blocks": 3}, Verdict.USABLE, "3 groups"),
        ({"bare_pct": 4.0}, Verdict.USABLE, "4.0 % of the field is on no photo"),
        ({"bare_pct": 16.7}, Verdict.AGAIN, "16.7 % of the field is on no photo"),
        ({"bare_pct": None, "thin_pct": None}, Verdict.GOOD, ""),
        ({"thin_pct": 35.0}, Verdict.USABLE, "35 % of the field is on fewer than three photos"),
        ({"error_m": 7.24}, Verdict.USABLE, "± 7.2 m"),
        ({"error_m": 31.0}, Verdict.AGAIN, "± 31 m"),
        ({"apart_m": 0.24}, Verdict.USABLE, "the same plant 24\u00a0cm apart"),
        ({"control_points": 4, "control_error_m": 1.3}, Verdict.USABLE, "missed by 1.3\u00a0m"),
        ({"aligned": 40, "thin_pct": 90.0}, Verdict.AGAIN, "Only 40 of 100"),
    ],
)
def test_the_verdict_follows_its_rules(
    reader: None, told: dict[str, Any], verdict: Verdict, said: str
) -> None:
    judged = judge(survey_with(replace(FINE, **told)))
    assert judged is not None
    assert judged.verdict is verdict
    assert said in " ".join(judged.reasons[:1])


def test_the_gravest_reason_comes_first(reader: None) -> None:
    judged = judge(survey_with(replace(FINE, thin_pct=90.0, error_m=40.0)))
    assert judged is not None
    assert "± 40 m" in judged.reasons[0] and "90 %" in judged.reasons[1]


def test_what_an_earlier_release_counted_otherwise_is_not_told(reader: None) -> None:
    told = replace(FINE, bare_pct=None, thin_pct=None)
    thin, bare = quality.coverage(survey_with(told), told)[1:3]
    assert (thin.value, bare.value) == (None, None)


def test_a_survey_made_before_has_no_verdict(reader: None) -> None:
    assert judge(survey_with(None)) is None


def test_the_page_tells_a_pilot_what_to_know(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/quality")
    for part in (
        "Usable, but look at this first:",
        "1 photo fits no other and stands only where the drone or a list put it",
        "Neighbours disagree by",
        "1.5 pixels",  # 0.28 cm each
        "± 3.7",
        "± 2.1",
        "missed by 2.1\u00a0cm",
        "20 m²",
        "Its heading was wrong and was put right.",
        "looks wrong but could not be put right",
        "good to ± 4.3 m in their middle",
        "It is blurred, much more than the others.",
        "on one or two photos only",
        "<strong>gcp_list.txt</strong>",
        "Several flights have photos with the names in this list",
        "How this is judged",
    ):
        assert part in page, part
    assert "<script>" not in page.replace("<script src", "")
    assert NASTY.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in page


def test_what_to_do_stands_before_the_map_and_figures_of_specialists_are_folded(client: FlaskClient) -> None:
    page = text(client, f"/surveys/{SURVEY}/quality")
    todo = page.index("You need not fly again: go by this map, and mind what is said above.")
    assert page.index("Usable, but look at this first:") < todo < page.index('id="map"')
    assert todo < page.index("Fly there, or look on foot.") < page.index("<details")
    seen, _details, folded = page.partition("<details")
    for part in ("Was everything photographed?", "Neighbours disagree by", "missed by 2.1\xa0cm"):
        assert part in folded and part not in seen, part


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_says_what_to_do(reader: None, verdict: Verdict) -> None:
    assert Judgement(verdict, ()).todo


def test_it_can_be_found_from_the_flight_and_the_field(client: FlaskClient, demo: DemoBox) -> None:
    link = f"/surveys/{SURVEY}/quality"
    flight = text(client, f"/flights/{demo.flight_id}")
    assert link in flight and "Usable, but look at this first:" in flight
    assert link in text(client, f"/fields/{demo.field_id}")


def test_an_old_survey_says_why_there_is_nothing(old: FlaskClient) -> None:
    page = text(old, f"/surveys/{SURVEY}/quality")
    assert "made before the box fitted photos to each other" in page
    assert "data-quality" not in page
    assert old.get(f"/surveys/{SURVEY}/quality.svg").status_code == 404
    for key in ("footprints", "holes"):
        answer = old.get(f"/api/v1/surveys/{SURVEY}/{key}").json
        assert answer is not None and answer["features"] == []


def test_footprints_are_told_as_geojson(client: FlaskClient, demo: DemoBox) -> None:
    answer = client.get(f"/api/v1/surveys/{SURVEY}/footprints").json
    assert answer is not None
    first, second = answer["features"]
    assert first["properties"] == {
        "photo": demo.photo,
        "file": f"DCIM/{NASTY}.JPG",
        "aligned": True,
        "block": 0,
        "error_m": 2.1,
        "moved_m": 1.8,
        "residual_px": 1.5,
        "ties": 240,
        "doubts": ["yaw"],
        "why": None,
    }
    loose = second["properties"]
    assert (loose["aligned"], loose["moved_m"], loose["residual_px"]) == (False, None, None)
    assert loose["why"] == "blurred"
    ring = first["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1] and len(ring) == 5
    turn = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    assert turn > 0


def test_holes_are_told_as_geojson(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/surveys/{SURVEY}/holes").json
    assert answer is not None
    (hole,) = answer["features"]
    assert hole["properties"]["area_m2"] == pytest.approx(20, rel=0.01)


def test_thin_ground_is_told_as_geojson(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/surveys/{SURVEY}/thin").json
    assert answer is not None
    rim, patch = (one["geometry"]["coordinates"] for one in answer["features"])
    assert (len(rim), len(patch)) == (2, 1)
    outer, opening = (sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) for ring in rim)
    assert outer > 0 > opening


@pytest.mark.parametrize("why", [*NotAligned, None])
def test_every_reason_has_its_words(reader: None, why: NotAligned | None) -> None:
    lost = [Placement("ab" * 32, POSE, None, 4.3, 0.0, None, 0, ("ties",), (), why)] * 2
    (told,) = quality.kept(lost, {})
    assert (told.count, told.words) == (2, quality.why_in_words(why))
    # That it does not fit is not told twice.
    assert bool(quality.doubtful(lost, {})) == (why is not NotAligned.STRAY)


def test_a_list_that_is_not_used_is_told_on_its_flights_page(client: FlaskClient, demo: DemoBox) -> None:
    told = text(client, f"/flights/{demo.flight_id}")
    assert "Lists that are not used" in told and "<strong>gcp_list.txt</strong>" in told
    assert told.count("Several flights have photos with the names in this list") == 1


def test_what_came_last_and_was_of_no_use_is_told_at_home(client: FlaskClient, demo: DemoBox) -> None:
    assert "nothing could be used" in text(client, "/")
    assert "Several flights have photos" in text(client, "/now")


def test_without_scripts_there_is_a_drawing(client: FlaskClient) -> None:
    assert f'<noscript><img class="still" src="/surveys/{SURVEY}/quality.svg"' in text(
        client, f"/surveys/{SURVEY}/quality"
    )
    answer = client.get(f"/surveys/{SURVEY}/quality.svg")
    assert answer.mimetype == "image/svg+xml"
    drawing = ET.fromstring(answer.data)  # noqa: S314  our own
    kinds = [one.tag.split("}")[1] for one in drawing]
    # The boundary, two footprints, and the loose one's two more lines.
    assert (kinds.count("polygon"), kinds.count("circle")) == (5, 2)
    # Thin ground, once with an opening, and a hole.
    assert [one.attrib["d"].count("Z") for one in drawing if one.tag.endswith("path")] == [2, 1, 1]
    places = [
        tuple(map(float, pair.split(",")))
        for one in drawing
        if one.tag.endswith("polygon")
        for pair in one.attrib["points"].split()
    ]
    wide, high = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    assert all(0 <= x <= wide and 0 <= y <= high for x, y in places)
    assert wide > high


def test_only_a_survey_has_a_page(client: FlaskClient, stranger: FlaskClient) -> None:
    for page in ("quality", "quality.svg"):
        assert client.get(f"/surveys/none/{page}").status_code == 404
        assert stranger.get(f"/surveys/{SURVEY}/{page}").status_code in (302, 401)
    assert client.get("/api/v1/surveys/none/footprints").status_code == 404


def test_it_reads_in_hindi(client: FlaskClient) -> None:
    client.set_cookie("language", "hi")
    page = text(client, f"/surveys/{SURVEY}/quality")
    assert "उड़ान कितनी अच्छी रही" in page and "Neighbours" not in page
