"""Flights whose photos do not state which way the camera was turned, through the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.path.box import Box
from tests.path.conftest import Flown, Mapped
from tests.path.noisy import judged
from tests.path.retold import retold

FOUND = "the camera is taken to look straight down"


def only_survey(document: dict[str, Any]) -> dict[str, Any]:
    """The one survey of all photos, which says where its directions are from."""
    assert document["unplaced"] == []
    survey: dict[str, Any]
    (survey,) = document["surveys"]
    assert survey["photos_unplaced"] == 0
    assert [FOUND in warning for warning in survey["warnings"]].count(True) == 1
    return survey


def test_the_weeds_are_those_of_the_same_flight_with_its_tags(
    box: Box, flown: Flown, mapped: Mapped, tmp_path: Path
) -> None:
    folder, truth = flown
    survey = only_survey(box.mapped(retold(folder, tmp_path / "card", {}, directed=False)))
    found = judged(box, survey["id"], truth)
    told = judged(mapped[0], mapped[1]["surveys"][0]["id"], truth)
    assert found.score.f1 > told.score.f1 - 0.04, (found.score, told.score)


def test_again_the_same(box: Box, flown: Flown, tmp_path: Path) -> None:
    """Taken in and not mapped, as after a kill; then mapped: the directions are those that were found first."""
    card = retold(flown[0], tmp_path / "card", {}, directed=False)
    first = box.run("ingest", card, "--json")
    assert first.code == 0, first
    with box.store() as store:
        before = store.headings(first.json["flight"])
    assert before is not None
    assert box.mapped(card)["flight"] == first.json["flight"]
    with box.store() as store:
        assert store.headings(first.json["flight"]) == before


def test_the_check_does_not_call_them_lost(box: Box, flown: Flown, tmp_path: Path) -> None:
    card = retold(flown[0], tmp_path / "card", {}, directed=False)
    said = box.run("check", card, "--json").json
    assert [one["kind"] for one in said["flights"][0]["findings"]][:1] == ["pixels"]
