"""People check plants: pages, verdicts, what came of them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard import asking
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.deeds import review as deeds
from fieldbox.domain import Cover, LabelVerdict, SurveyVerdict
from fieldbox.inference.labelme import read_folder
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import RELEASE, to_geographic
from tests.dashboard.review_box import ReviewBox, make_plants, make_review_box

PEOPLE = {"asha": "owner", "ravi": "agronomist", "vera": "viewer"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> ReviewBox:
    """Made once, and copied for each test."""
    made = make_review_box(tmp_path_factory.mktemp("built") / "box")
    for name, role in PEOPLE.items():
        made.store.add_user(name, password_hash, role)
    made.store.close()
    return made


@pytest.fixture
def plants(built: ReviewBox, tmp_path: Path) -> Iterator[ReviewBox]:
    root = Path(shutil.copytree(built.root, tmp_path / "box"))
    with Store.open(root / "fieldbox.db") as store:
        yield replace(built, store=store, root=root)


@pytest.fixture
def app(plants: ReviewBox) -> Flask:
    made = create_app(plants.store, plants.root, secret_key=KEY)
    made.testing = True
    return made


@pytest.fixture
def asha(app: Flask) -> FlaskClient:
    return log_in(app.test_client())


@pytest.fixture
def ravi(app: Flask) -> FlaskClient:
    return log_in(app.test_client(), "ravi")


def text_of(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200
    return " ".join(answer.get_data(as_text=True).split())


def asked(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/review/plants", query_string=query)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.get_json()["plants"]
    return found


def give(client: FlaskClient, plant: int, verdict: str, act: str | None = None) -> Any:
    header = {"X-CSRFToken": token_of(client, "/settings")}
    body = {"plant": plant, "verdict": verdict, "act": act or f"act-of-{plant}"}
    return client.post("/api/v1/review/verdicts", json=body, headers=header)


def form_of(client: FlaskClient, page: str = "/review") -> tuple[str, dict[str, str]]:
    """Where the form of the plant on a page goes, and what it sends besides the button."""
    text = client.get(page).get_data(as_text=True)
    found = re.search(r'<form class="verdicts" method="post" action="([^"]+)".*?</form>', text, re.DOTALL)
    assert found
    return found[1], dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found[0]))


def judge_all(box: ReviewBox, app: Flask, who: str = "asha", *, most: int = 200) -> int:
    """Judge what is asked for, by the truth; how many there were."""
    done = 0
    with app.test_request_context():
        while done < most:
            there = asking.upcoming(asking.scope(), who, 1)
            if not there:
                break
            plant = there[0].plant
            verdict = "right" if box.truth[plant] else "wrong"
            deeds.judge(who, plant, verdict, f"{who}-{plant:06d}")
            done += 1
    return done


def test_a_plant_is_shown_with_its_outline_and_what_the_model_says(asha: FlaskClient) -> None:
    page = text_of(asha, "/review")
    assert "Is this a weed?" in page and "Weed, unsure" in page
    picture = re.search(r'<image href="([^"]+)" width="800" height="800"', page)
    assert picture and "<polygon" in page
    assert asha.get(picture[1].replace("&amp;", "&")).status_code == 200


def test_the_outline_lies_on_the_plant_in_the_photo(asha: FlaskClient, plants: ReviewBox) -> None:
    item = asked(asha)[0]
    seen = plants.store.plants_seen([item["plant"]])[0]
    points = [tuple(map(float, one.split(","))) for one in item["outline"].split()]
    middle = [sum(one[axis] for one in points) / len(points) for axis in (0, 1)]
    assert middle == pytest.approx(item["ring"][:2], abs=4)
    # 17 to 41 pixels from the middle as it was drawn; on the ground it is as large as the survey says.
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    across = 2 * (seen.area_cm2 / 3.1416) ** 0.5 / 0.4
    assert across * 0.7 < right - left < across * 1.6


def test_without_a_script_a_verdict_leads_to_the_next_plant(asha: FlaskClient, plants: ReviewBox) -> None:
    action, form = form_of(asha)
    answer = asha.post(action, data={**form, "verdict": "right"})
    assert (answer.status_code, answer.location) == (303, "/review")
    (label,) = plants.store.labels()
    assert (label.who, label.verdict, action) == ("asha", LabelVerdict.RIGHT, f"/review/plants/{label.plant}")
    assert form_of(asha)[0] != action


def test_a_form_that_is_sent_twice_counts_once(asha: FlaskClient, plants: ReviewBox) -> None:
    action, form = form_of(asha)
    for _ in range(2):
        asha.post(action, data={**form, "verdict": "crop"})
    assert len(plants.store.labels()) == 1


def test_the_queue_of_a_field_stays_with_the_field(asha: FlaskClient, plants: ReviewBox) -> None:
    page = f"/fields/{plants.field_id}/review"
    action, form = form_of(asha, page)
    assert form["field"] == str(plants.field_id)
    assert asha.post(action, data={**form, "verdict": "unsure"}).location == page
    page = f"/surveys/{plants.survey_id}/review"
    action, form = form_of(asha, page)
    assert asha.post(action, data={**form, "verdict": "unsure"}).location == page
    assert asha.get("/fields/99/review").status_code == asha.get("/surveys/none/review").status_code == 404


def test_a_verdict_is_taken_back_and_the_plant_shown_again(asha: FlaskClient, plants: ReviewBox) -> None:
    action, form = form_of(asha)
    asha.post(action, data={**form, "verdict": "wrong"})
    back = asha.post("/review/undo", data={"csrf_token": form["csrf_token"]})
    assert form_of(asha, back.location)[0] == action
    assert plants.store.labels() == []
    text = asha.post("/review/undo", data={"csrf_token": form["csrf_token"]}, follow_redirects=True)
    assert "You have no verdict to take back." in text.get_data(as_text=True)


def test_a_skipped_plant_comes_again_when_it_is_asked_for(asha: FlaskClient) -> None:
    action, form = form_of(asha)
    asha.post(action, data={**form, "verdict": "skip"})
    assert form_of(asha)[0] != action
    asha.post("/review/skipped", data={"csrf_token": form["csrf_token"]})
    assert form_of(asha)[0] == action


def test_a_script_gives_verdicts_that_count_once(asha: FlaskClient, plants: ReviewBox) -> None:
    plant = asked(asha)[0]["plant"]
    first, second = (give(asha, plant, "right", "the-same-act") for _ in range(2))
    assert first.get_json() == second.get_json() == {"plant": plant, "verdict": "right", "undone": False}
    assert len(plants.store.labels()) == 1
    header = {"X-CSRFToken": token_of(asha, "/settings")}
    back = asha.post("/api/v1/review/undone", json={"act": "the-same-act"}, headers=header)
    assert back.get_json() == {"plant": plant}
    assert plants.store.labels() == []


@pytest.mark.parametrize(
    ("plant", "verdict", "act"),
    [
        (1, "maybe", "long-enough"),
        (10**6, "right", "long-enough"),
        (1, "right", "short"),
        (1, "right", "x" * 65),
    ],
)
def test_a_verdict_that_means_nothing_is_refused_in_words(
    asha: FlaskClient, plants: ReviewBox, plant: int, verdict: str, act: str
) -> None:
    answer = give(asha, plant, verdict, act)
    assert answer.status_code in (400, 422) and answer.get_json()["error"]
    assert plants.store.labels() == []


def test_the_name_of_somebody_elses_verdict_cannot_be_used(
    asha: FlaskClient, ravi: FlaskClient, plants: ReviewBox
) -> None:
    one, two = (item["plant"] for item in asked(asha)[:2])
    give(asha, one, "right", "name-of-asha")
    assert give(ravi, two, "wrong", "name-of-asha").status_code == 422
    header = {"X-CSRFToken": token_of(ravi, "/settings")}
    answer = ravi.post("/api/v1/review/undone", json={"act": "name-of-asha"}, headers=header)
    assert answer.status_code == 422
    assert len(plants.store.labels()) == 1


def test_two_people_are_asked_for_different_plants(asha: FlaskClient, ravi: FlaskClient) -> None:
    mine, theirs = ({item["plant"] for item in asked(one)} for one in (asha, ravi))
    assert len(mine) == len(theirs) == 6 and not mine & theirs


def test_who_may_only_look_sees_what_came_of_it_and_is_asked_nothing(app: Flask, plants: ReviewBox) -> None:
    vera = log_in(app.test_client(), "vera")
    page = text_of(vera, "/review")
    assert "ask the owner of the box for another role" in page and "Is this a weed?" not in page
    assert vera.get("/api/v1/review/plants").status_code == 403
    assert give(vera, 1, "right").status_code == 403
    assert vera.get("/review/labels.csv").status_code == 403


def test_the_page_says_how_often_the_model_is_right(asha: FlaskClient, app: Flask, plants: ReviewBox) -> None:
    assert "Nobody has checked a plant here yet." in text_of(asha, "/review")
    judge_all(plants, app, most=3)
    assert re.search(r"not known yet: \d+ more checks", text_of(asha, "/review"))
    judge_all(plants, app, most=45)
    page = text_of(asha, "/review")
    found = re.search(r"(\d+) % of what is called weed here is weed \((\d+)–(\d+) %\), from 48 checks", page)
    assert found is not None
    share, low, high = map(int, found.groups())
    truth = 100 * sum(plants.truth.values()) / len(plants.truth)
    assert low < truth < high and low < share < high
    assert "So of the 84 plants that are outlined about" in page
    assert "Checked by asha (48)." in page


def test_when_all_is_checked_the_page_says_so_and_the_number_is_exact(
    asha: FlaskClient, app: Flask, plants: ReviewBox
) -> None:
    assert judge_all(plants, app) == 84
    page = text_of(asha, "/review")
    assert "Nothing is left for you to check here now." in page
    truth = round(100 * sum(plants.truth.values()) / len(plants.truth))
    assert f"All 84 plants that are called weeds here were checked: {truth} % are weeds." in page


def test_people_who_judge_the_same_plants_see_how_far_they_agree(
    asha: FlaskClient, app: Flask, plants: ReviewBox
) -> None:
    judge_all(plants, app)
    again = judge_all(plants, app, "ravi")
    assert 0 < again < 20
    assert f"judged the same plant {again} times; they agreed in 100 %" in text_of(asha, "/review")


def test_plants_whose_photos_are_gone_are_told_of(asha: FlaskClient, plants: ReviewBox) -> None:
    (plants.root / "originals" / plants.photo[:2] / f"{plants.photo}.jpg").unlink()
    assert "The photos of 84 plants are not on the box any more" in text_of(asha, "/review")


def test_what_people_make_of_plants_is_told_to_the_map(asha: FlaskClient, plants: ReviewBox) -> None:
    first, second = asked(asha)[:2]
    give(asha, first["plant"], "wrong")
    give(asha, second["plant"], "right")
    plants.store.give_label(
        second["plant"], LabelVerdict.CROP, who="ravi", act="act-of-ravi", by_chance=False
    )
    found = asha.get(f"/api/v1/surveys/{plants.survey_id}/checks").get_json()["plants"]
    assert {one["plant"]: (one["verdict"], one["people"]) for one in found} == {
        first["plant"]: ("wrong", 1),
        second["plant"]: (None, 2),
    }
    assert found[0]["photo"] == plants.photo


def test_verdicts_are_a_table_for_the_owner(asha: FlaskClient, plants: ReviewBox) -> None:
    plant = asked(asha)[0]["plant"]
    give(asha, plant, "wrong")
    plants.store.give_label(plant, LabelVerdict.RIGHT, who="=1+1", act="act-of-evil", by_chance=True)
    answer = asha.get("/review/labels.csv")
    first, second = csv.DictReader(io.StringIO(answer.get_data(as_text=True)))
    assert (first["survey"], first["verdict"], first["who"]) == (plants.survey_id, "wrong", "asha")
    assert second["who"] == "'=1+1"


def test_verdicts_are_labels_that_the_training_reads(
    asha: FlaskClient, ravi: FlaskClient, app: Flask, plants: ReviewBox, tmp_path: Path
) -> None:
    one, two, three, four = (item["plant"] for item in asked(asha)[:4])
    for plant, verdict in ((one, "right"), (two, "crop"), (three, "wrong"), (four, "unsure")):
        give(asha, plant, verdict)
    data = asha.get("/review/labels.zip").data
    folder = tmp_path / "training"
    folder.mkdir()
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    photo = plants.root / "originals" / plants.photo[:2] / f"{plants.photo}.jpg"
    (folder / photo.name).write_bytes(photo.read_bytes())
    (tile,), rejected = read_folder(folder, {"nothing": None})
    assert rejected == []
    assert sorted(tile.labels.classes.tolist()) == [1, 2]
    assert tile.pixels().shape == (1500, 2000, 3)
    seen = plants.store.plants_seen([one])[0]
    weed = tile.labels.outlines[tile.labels.classes.tolist().index(2)]
    assert weed.mean(axis=0) == pytest.approx([seen.pixel_x, seen.pixel_y], abs=4)


def test_a_file_of_labels_is_as_labelme_writes_it(asha: FlaskClient, plants: ReviewBox) -> None:
    give(asha, asked(asha)[0]["plant"], "right")
    archive = zipfile.ZipFile(io.BytesIO(asha.get("/review/labels.zip").data))
    told = json.loads(archive.read(f"{plants.photo}.json"))
    assert (told["imagePath"], told["imageWidth"]) == (f"{plants.photo}.jpg", 2000)
    assert {shape["shape_type"] for shape in told["shapes"]} == {"polygon"}
    assert Cover.WEED.value == told["shapes"][0]["label"]


def test_the_map_and_the_flight_say_how_often_the_model_is_right(
    asha: FlaskClient, app: Flask, plants: ReviewBox
) -> None:
    pages = (f"/fields/{plants.field_id}", f"/flights/{plants.flight_id}")
    for page in pages:
        assert "Nobody has checked yet how much of what is called weed is weed." in text_of(asha, page)
    judge_all(plants, app)
    for page in pages:
        text = text_of(asha, page)
        assert "All 84 plants that are called weeds here were checked" in text
        assert f"/surveys/{plants.survey_id}/review" in text


def test_a_plant_says_what_people_make_of_it(asha: FlaskClient, plants: ReviewBox) -> None:
    item = asked(asha)[0]
    assert "Checked:" not in text_of(asha, item["look"])
    give(asha, item["plant"], "wrong")
    assert "Checked: no plant. asha: No plant," in text_of(asha, item["look"]).replace(
        "</strong> <span>", " "
    )
    plants.store.give_label(item["plant"], LabelVerdict.CROP, who="ravi", act="act-of-ravi", by_chance=True)
    assert "People do not agree what this is." in text_of(asha, item["look"])


def test_people_say_whether_a_whole_map_is_right(asha: FlaskClient, plants: ReviewBox) -> None:
    page = f"/fields/{plants.field_id}"
    plants.store.give_verdict(plants.survey_id, SurveyVerdict.RIGHT, way="sms", who="Mina")
    form = {"csrf_token": token_of(asha, page), "verdict": "wrong"}
    for _ in range(2):
        asha.post(f"/surveys/{plants.survey_id}/verdict", data=form)
    text = text_of(asha, page)
    assert re.search(r"Mina: right, \d+ \w+ \d+, by SMS", text)
    assert text.count("asha: wrong,") == 1
    asha.post(f"/surveys/{plants.survey_id}/verdict", data={**form, "verdict": "so so"})
    assert "A map can be right or wrong." in text_of(asha, page)


def test_a_program_says_whether_a_whole_map_is_right(asha: FlaskClient, plants: ReviewBox) -> None:
    header = {"X-CSRFToken": token_of(asha, "/settings")}
    path = f"/api/v1/surveys/{plants.survey_id}/verdict"
    assert asha.post(path, json={"verdict": "right"}, headers=header).status_code == 204
    assert [one.verdict for one in plants.store.verdicts(plants.survey_id)] == [SurveyVerdict.RIGHT]
    assert asha.post(path, json={"verdict": "maybe"}, headers=header).status_code == 400


def test_a_viewer_sees_what_others_make_of_a_map_and_has_no_buttons(app: Flask, plants: ReviewBox) -> None:
    plants.store.give_verdict(plants.survey_id, SurveyVerdict.RIGHT, way="sms", who="Mina")
    text = text_of(log_in(app.test_client(), "vera"), f"/fields/{plants.field_id}")
    assert "Mina: right" in text and "It is wrong" not in text


def test_the_api_tells_how_often_the_model_is_right(asha: FlaskClient, app: Flask, plants: ReviewBox) -> None:
    path = f"/api/v1/surveys/{plants.survey_id}/checks"
    nothing = asha.get(path).get_json()
    assert nothing["precision"] is None and nothing["lacking"] == 20 and nothing["population"] == 84
    judge_all(plants, app)
    told = asha.get(path).get_json()
    assert told["precision"] == pytest.approx(sum(plants.truth.values()) / 84)
    assert told["precision_interval95"] == [told["precision"]] * 2
    assert (told["judged"], told["by_person"]) == (84, {"asha": 84})


def test_a_plant_of_ones_own_choice_does_not_count_for_how_often_the_model_is_right(
    asha: FlaskClient, ravi: FlaskClient, plants: ReviewBox
) -> None:
    given = [one["plant"] for one in asked(asha)]
    theirs = next(plant for plant in plants.truth if plant not in given)
    give(asha, given[0], "right")
    give(asha, theirs, "right")
    give(ravi, given[1], "right")  # asha was asked for it
    form = {"csrf_token": token_of(ravi, "/settings"), "verdict": "right", "act": "act-of-ravi"}
    ravi.post(f"/review/plants/{given[2]}", data=form)
    by_chance = {(one.who, one.plant): one.by_chance for one in plants.store.labels()}
    assert by_chance == {
        ("asha", given[0]): True,
        ("asha", theirs): False,
        ("ravi", given[1]): False,
        ("ravi", given[2]): False,
    }
    told = asha.get(f"/api/v1/surveys/{plants.survey_id}/checks").get_json()
    assert told["judged"] == 1


def test_a_verdict_from_a_page_of_before_the_last_start_is_kept_and_not_counted(
    asha: FlaskClient, plants: ReviewBox
) -> None:
    action, form = form_of(asha)
    anew = create_app(plants.store, plants.root, secret_key=KEY)
    anew.testing = True
    phone = log_in(anew.test_client())
    phone.post(
        action, data={"csrf_token": token_of(phone, "/settings"), "verdict": "right", "act": form["act"]}
    )
    assert [one.by_chance for one in plants.store.labels()] == [False]


@pytest.mark.parametrize("but", ["x", "1,,2", "1,-2", "9" * 30])
def test_numbers_in_hand_that_are_none_are_refused(asha: FlaskClient, but: str) -> None:
    assert asha.get("/api/v1/review/plants", query_string={"but": but}).status_code == 400


def test_what_is_in_hand_is_not_sent_again(asha: FlaskClient) -> None:
    first = {item["plant"] for item in asked(asha)}
    second = {item["plant"] for item in asked(asha, but=",".join(map(str, first)))}
    assert len(second) == 6 and not first & second


def test_each_model_has_its_own_number(asha: FlaskClient, app: Flask, plants: ReviewBox) -> None:
    judge_all(plants, app)
    text = text_of(asha, "/review")
    assert "By model" in text and f"<strong>{RELEASE}</strong>" in text
    with app.test_request_context():
        assert [(name, len(surveys)) for name, surveys in asking.by_release()] == [(RELEASE, 1)]


def test_each_field_has_its_own_number_and_its_own_queue(asha: FlaskClient, plants: ReviewBox) -> None:
    other = second_field(plants)
    text = text_of(asha, "/review")
    assert f"/fields/{other}/review" in text and f"/fields/{plants.field_id}/review" in text
    first = plants.store.plants_seen([asked(asha)[0]["plant"]])[0]
    for item in asked(asha, field=first.field_id) + asked(asha, field=first.field_id):
        give(asha, item["plant"], "right")
    for item in asked(asha, field=first.field_id):
        give(asha, item["plant"], "right")
    # Ten checks of one field: now it is the turn of the other.
    turn = plants.store.plants_seen([asked(asha)[0]["plant"]])[0]
    assert turn.field_id != first.field_id
    assert {item["survey"] for item in asked(asha, field=other)} == {"sv-review-2"}


def second_field(plants: ReviewBox) -> int:
    """Another field with the same plants, from another flight of the same photo; its number."""
    store = plants.store
    field = store.add_field("South plot", store.fields()[0].boundary, drawn=True)
    flight, survey = store.flight(plants.flight_id), store.survey(plants.survey_id)
    assert flight is not None and survey is not None
    store.save_flight(replace(flight, id="fl-review-2", field_id=field.id))
    made = replace(survey, id="sv-review-2", field_id=field.id, flight_id="fl-review-2", hotspots=())
    found, _ = make_plants(plants.photo, 30, 30)
    store.save_survey(made, found, [], plan_key="2", release_sha="cd" * 32, to_geographic=to_geographic)
    return field.id
