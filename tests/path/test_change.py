"""Two small flights over one field some days apart, through real pixels: what is said of the change is what happened."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import rasterio

from fieldbox.dashboard.api.description import description
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Became, Measure, ShiftBasis
from fieldbox.errors import Rejected
from fieldbox.services.changetold import change
from fieldbox.services.offering import Offering
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions, exact
from fieldbox.simulate.later import Later
from tests.dashboard.api.asking import hold
from tests.path.box import Box
from tests.path.twice import Twice, fly_twice, judged

FIELD = FieldOptions(
    size_m=(9.0, 7.0), margin_m=0.4, weeds_per_m2=4.5, weed_patchiness=0.0, gsd_m=0.004, seed=4
)
LATER = Later(
    days=6,
    killed=(((-4.5, -3.5), (-0.5, -3.5), (-0.5, 3.5), (-4.5, 3.5)),),
    kill=0.9,
    new_patches=1,
    new_weeds=45,
    patch_m=0.7,
    weathered=True,
)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    folder = tmp_path_factory.mktemp("twice")
    flight = exact(
        FlightOptions(
            camera="2mp", altitude_m=14.0, forward_overlap=0.4, side_overlap=0.3, overhang=0.05, seed=4
        )
    )
    return fly_twice(Box(folder / "root"), folder, FIELD, LATER, flight)


@pytest.mark.long
def test_what_is_said_is_what_happened(twice: Twice) -> None:
    found = twice.compared(treated=twice.treated())
    told = judged(twice, found)
    assert found.measure is Measure.COUNT
    assert found.shift.basis is ShiftBasis.PLANTS
    assert found.days == pytest.approx(6, abs=0.1)
    assert told["error of the shift, m"] < 0.05
    assert told["cells called"] >= 4
    assert told["of these right"] == 1.0
    assert told["rmse of the change, weeds per m2"] < 1.2
    assert told["from"] <= told["truly"] <= told["to"]
    assert told["from"] > 0.3
    assert {one.became for one in found.spots} & {Became.GONE, Became.SHRINKING}
    assert found.weeds is not None
    assert found.found_again is not None
    assert 0 < found.found_again < min(found.weeds.before, found.weeds.after)


def test_the_command_says_it_in_words_in_numbers_and_in_files(twice: Twice, tmp_path: Path) -> None:
    before, after = twice.surveys
    said = twice.box.run("change", before[:10], after[:10], "-o", tmp_path / "change.tif")
    assert said.code == 0, said.err
    assert "6 days" in said.out
    with rasterio.open(tmp_path / "change.tif") as raster:
        assert raster.descriptions[0] == "call"
    told = twice.box.run("change", before, after, "--json", "-o", tmp_path / "change.geojson").json
    assert told["measure"] == "weeds"
    assert told["efficacy"] is None
    assert (
        told["weeds"]["ratio_interval95"][0] < told["weeds"]["ratio"] < told["weeds"]["ratio_interval95"][1]
    )
    spots = json.loads((tmp_path / "change.geojson").read_text())["features"]
    assert [one["properties"]["became"] for one in spots] == [one["became"] for one in told["spots"]]


def test_what_must_not_be_compared_is_refused(twice: Twice, tmp_path: Path) -> None:
    before, after = twice.surveys
    assert "the earlier one first" in twice.box.run("change", after, before).refused()

    def refused(*ids: str, **asked: Any) -> str:
        with pytest.raises(Rejected) as error:
            change(twice.box.config, *ids, **asked)
        return str(error.value)

    assert "same flight" in refused(before, before)
    assert "There is no survey" in refused(before, "zzz")
    assert "ends in" in refused(before, after, output=tmp_path / "a.doc")
    empty, away = tmp_path / "empty.geojson", tmp_path / "away.geojson"
    empty.write_text('{"type": "FeatureCollection", "features": []}')
    assert "GeoJSON" in refused(before, after, treated=empty)
    away.write_text(
        '{"type": "Polygon", "coordinates": [[[74.3, 18.6], [74.4, 18.6], [74.4, 18.7], [74.3, 18.6]]]}'
    )
    assert "does not lie on this field" in refused(before, after, treated=away)


def test_the_dashboard_tells_it(twice: Twice) -> None:
    before, after = twice.surveys
    with twice.box.store() as opened, closing(Offering(twice.box.config, opened)) as offering:
        opened.add_user("asha", hash_password("correct horse"), "owner")
        app = create_app(
            opened, twice.box.root, secret_key=b"a key for these tests", beyond=Beyond(decisions=offering)
        )
        client = app.test_client()
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").get_data(as_text=True))
        assert token
        client.post("/login", data={"csrf_token": token[1], "name": "asha", "password": "correct horse"})
        page = client.get(f"/surveys/{after}/change").get_data(as_text=True)
        assert "More weeds than before on" in page
        assert "plants or points that both show" in page
        assert f"/surveys/{after}/change" in client.get(f"/fields/1?survey={after}").get_data(as_text=True)
        answer = client.get(f"/api/v1/surveys/{after}/change?before={before}")
        shape = description()["paths"]["/api/v1/surveys/{survey_id}/change"]["get"]
        hold(shape, answer.status_code, answer.mimetype, answer.data)
        found = answer.get_json()
        assert {one["properties"]["became"] for one in found["features"]} & {"gone", "shrinking"}
        told = client.get(f"/surveys/{after}/change?sprayed=1").get_data(as_text=True)
        assert "The spraying took" in told or "Whether the spraying worked cannot be told" in told
        first = client.get(f"/surveys/{before}/change").get_data(as_text=True)
        assert "no earlier date" in first
