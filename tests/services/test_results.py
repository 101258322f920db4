"""`fieldbox summary` tells a summary, its short form, and what they take."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.domain import LinkDoing, LinkState, MessageKind, Outgoing
from fieldbox.i18n import Sentence
from fieldbox.services.linktold import to_text
from fieldbox.storage.store import Store
from fieldbox.wire import compact
from fieldbox.wire.ids import key_of
from tests.storage.samples import add_flight, survey
from tests.wire.bodies import SUMMARY, facts

BODY = json.dumps({**SUMMARY, "id": key_of("made")})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "fieldbox.db") as store:
        made = survey(add_flight(store), key_of("made"))
        store.save_survey(
            made,
            [],
            [Outgoing(MessageKind.SUMMARY, BODY, made.id, subject="survey 1")],
            plan_key="p",
            release_sha="s",
            to_geographic=lambda east, north: (north, east),
        )
    return tmp_path


def said(root: Path, *options: str, code: int = 0) -> str:
    told = CliRunner().invoke(
        main, ["summary", key_of("made"), *options], env={"FIELDBOX_STORAGE__ROOT": str(root)}
    )
    assert told.exit_code == code, told.output
    return told.output.rstrip("\n")


def test_the_json_is_as_it_goes(root: Path) -> None:
    assert said(root) == said(root, "--json") == BODY


def test_the_short_form_holds_the_same_facts(root: Path) -> None:
    with Store.open(root / "fieldbox.db") as store:
        (message,) = store.messages()
    told = compact.unpack(MessageKind.SUMMARY, bytes.fromhex(said(root, "--compact")), message.id)
    assert facts(told or "") == facts(BODY)


def test_its_sizes(root: Path) -> None:
    sizes = json.loads(said(root, "--sizes", "--json"))
    assert sizes["json"] == len(BODY.encode())
    assert sizes["compact"] == len(said(root, "--compact")) / 2
    assert sizes["compact"] < sizes["frame"] < sizes["compact"] + 120
    assert all(f"{size} B" in said(root, "--sizes") for size in sizes.values())


def test_one_form_at_a_time(root: Path) -> None:
    assert "not both" in said(root, "--sizes", "--compact", code=2)


def test_a_hub_that_was_never_reached_is_said_in_words() -> None:
    state = LinkState(datetime(2026, 6, 1, tzinfo=UTC), LinkDoing.WAITING, Sentence("There is no link."))
    assert to_text(state, UTC) == ["Link: There is no link. The hub has not been reached yet."]
    reached = replace(state, last_success=state.at, next_try=state.at + timedelta(hours=1))
    (told,) = to_text(reached, UTC)
    assert told.endswith("Hub last reached: 2026-06-01 00:00. It is looked at again at 2026-06-01 01:00.")
