"""Papers of a box that is known: pictures, places, languages, and what is said when something is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.domain import Spraying
from fieldbox.errors import Rejected
from fieldbox.mapping.geo import easting_northing
from fieldbox.services.reporting import ground_of, make_report, make_sheet
from fieldbox.summary.speech import paper_languages
from tests.dashboard.demo_box import EPSG, NORTH, SURVEY, WEST, DemoBox, make_box
from tests.summary.papers import pages
from tests.summary.test_sheet import ordered

MEGABYTE = 1_000_000


@pytest.fixture
def box(tmp_path: Path) -> Iterator[DemoBox]:
    made = make_box(tmp_path, pretty=True)
    yield made
    made.store.close()


def report(box: DemoBox, language: str | None = "en") -> bytes:
    survey = box.store.survey(SURVEY)
    assert survey
    return make_report(box.root, box.store, survey, language, crops=("potato",))


def test_a_report_of_a_stored_survey(box: DemoBox) -> None:
    made = report(box)
    first, second = pages(made)
    assert len(made) <= MEGABYTE
    assert "North plot" in first and "Hatched: not seen." in first
    assert "18.523480, 73.849927" in second
    assert "no longer on the box" not in first + second


@pytest.mark.parametrize("language", paper_languages())
def test_every_language_makes_a_report_and_a_sheet(box: DemoBox, language: str) -> None:
    assert len(report(box, language)) <= MEGABYTE
    survey = box.store.survey(SURVEY)
    assert survey
    made = make_sheet(box.root, box.store, survey, ordered(Spraying()).prescription, language)
    assert len(made) <= MEGABYTE


def test_the_papers_name_the_farm(box: DemoBox) -> None:
    survey = box.store.survey(SURVEY)
    assert survey
    made = make_report(box.root, box.store, survey, "en", farm="Hill farm")
    assert "Hill farm · Field report" in pages(made)[0]
    made = make_sheet(box.root, box.store, survey, ordered(Spraying()).prescription, "en", farm="Hill farm")
    assert "Hill farm · Spraying sheet" in pages(made)[0]
    assert pages(report(box))[0].startswith("Field report")


def test_the_map_shows_what_was_not_seen_and_nothing_else(box: DemoBox) -> None:
    survey, field = box.store.survey(SURVEY), box.store.field(box.field_id)
    assert survey and field
    ground = ground_of(box.root, survey, field)
    assert ground.picture is not None and ground.picture_at is not None
    assert ground.picture_at.west == pytest.approx(WEST) and ground.picture_at.north == pytest.approx(NORTH)
    ((outer, *openings),) = ground.unseen
    assert not openings
    assert min(x for x, _y in outer) == pytest.approx(WEST + 45, abs=0.5)
    assert max(y for _x, y in outer) == pytest.approx(NORTH - 30, abs=0.5)
    spot = survey.hotspots[0]
    ((east, north),) = easting_northing(EPSG, [(spot.lon, spot.lat)]).tolist()
    assert (east, north) == pytest.approx((spot.east, spot.north), abs=0.01)


def test_photos_and_pictures_that_are_gone_are_told(box: DemoBox) -> None:
    shutil.rmtree(box.root / "originals")
    shutil.rmtree(box.root / "rasters")
    first, second = pages(report(box))
    assert "The picture of the field is no longer on the box." in first
    assert second.count("The photo is no longer on the box.") == 2


def test_a_damaged_photo_stops_nothing(box: DemoBox) -> None:
    path = next((box.root / "originals").rglob("*.jpg"))
    path.write_bytes(path.read_bytes()[:300])
    assert "no longer on the box" in pages(report(box))[1]


def test_where_nothing_is_to_be_sprayed_there_is_no_sheet(box: DemoBox) -> None:
    survey = box.store.survey(SURVEY)
    assert survey
    nothing = replace(ordered(Spraying()).prescription, treated=())
    with pytest.raises(Rejected, match="Nothing is to be sprayed in North plot"):
        make_sheet(box.root, box.store, survey, nothing, "en")


# -- the command line --------------------------------------------------------------------------------


@pytest.fixture
def run(box: DemoBox, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(box.root))
    return CliRunner()


@pytest.mark.parametrize("name", ["report", "sheet"])
def test_commands_write_a_pdf(run: CliRunner, tmp_path: Path, name: str) -> None:
    (tmp_path / "rasters" / SURVEY / "map.tif").unlink()  # it has less in it than a map that the box makes
    out = tmp_path / "papers" / f"{name}.pdf"
    outcome = run.invoke(main, [name, SURVEY[:5], "-o", str(out), "--lang", "ta"])
    assert outcome.exit_code == 0, outcome.output
    assert outcome.output == ""
    assert len(pages(out.read_bytes())) == 2 if name == "report" else 1


@pytest.mark.parametrize("name", ["report", "sheet"])
def test_commands_refuse_in_one_sentence(run: CliRunner, tmp_path: Path, name: str) -> None:
    out = tmp_path / "no.pdf"
    told = run.invoke(main, [name, SURVEY, "-o", str(out), "--lang", "fr"])
    assert told.exit_code == 1 and "choose one of en (English)" in told.output
    assert "Traceback" not in told.output and len(told.output.splitlines()) == 1
    told = run.invoke(main, [name, "nothing", "-o", str(out)])
    assert told.exit_code == 1 and "There is no survey nothing" in told.output
    assert not out.exists()


def test_a_box_in_a_language_that_nothing_is_printed_in_prints_english(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDBOX_LOCALE__LANGUAGE", "fr")
    out = tmp_path / "report.pdf"
    assert run.invoke(main, ["report", SURVEY, "-o", str(out)]).exit_code == 0
    assert "Field report" in pages(out.read_bytes())[0]
