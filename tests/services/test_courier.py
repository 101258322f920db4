"""The courier by its commands: a box's own database, a hub beside it, a stick between them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from fieldbox.domain import MessageKind, MessageState, Outgoing
from fieldbox.hub import courier as hub_courier
from fieldbox.hub.home import Home
from fieldbox.hub.store import HubStore
from fieldbox.storage.store import Store
from fieldbox.wire.courier import FOLDER
from fieldbox.wire.ids import key_of
from tests.hub.boxes import tell
from tests.hubs import Station, station_in
from tests.programs import done, run_command


@dataclass
class Farm:
    """A box on this machine."""

    root: Path

    def run(self, *arguments: object, answer: str | None = None) -> Result:
        return run_command({"FIELDBOX_STORAGE__ROOT": str(self.root)}, *arguments, answer=answer)

    def ok(self, *arguments: object) -> str:
        return done(self.run(*arguments))

    def store(self) -> Store:
        return Store.open(self.root / "fieldbox.db")

    def tell(self, *numbers: int) -> list[str]:
        with self.store() as store:
            return tell(store, "survey", numbers)

    def states(self) -> set[MessageState]:
        with self.store() as store:
            return {one.state for one in store.messages() if one.kind is MessageKind.SUMMARY}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    (tmp_path / "far").mkdir()
    with station_in(tmp_path / "far", serving=False) as station:
        yield station


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    (tmp_path / "box").mkdir()
    return Farm(tmp_path / "box")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


@pytest.fixture
def joined(farm: Farm, hub: Station, stick: Path) -> Farm:
    farm.ok("link", "request", "-o", stick / "r")
    told = hub.ok("hub", "enrol", stick / "r", "-o", stick / "w", "--name", "Hill")
    fingerprint = Home.open(hub.home).told.fingerprint
    assert fingerprint in told
    assert fingerprint in farm.ok("link", "join", stick / "w", "--yes")
    return farm


def test_a_box_joins_only_if_the_fingerprint_is_the_hubs(farm: Farm, hub: Station, stick: Path) -> None:
    assert farm.run("link", "show").exit_code == 1
    asked = json.loads(farm.ok("link", "request", "-o", stick / "r", "--json"))
    known = json.loads(hub.ok("hub", "enrol", stick / "r", "-o", stick / "w", "--json"))
    assert known["box"] == asked["box"]
    assert known["fingerprint"] == Home.open(hub.home).told.fingerprint
    refused = farm.run("link", "join", stick / "w", answer="n\n")
    assert (refused.exit_code, "Nothing was changed." in refused.stderr) == (1, True)
    assert farm.run("link", "show").exit_code == 1
    assert farm.run("link", "join", stick / "w", answer="y\n").exit_code == 0
    told = json.loads(farm.ok("link", "show", "--json"))
    ends = datetime.fromisoformat(told["certificate_expires_at"])
    assert timedelta(days=1820) < ends - datetime.now(UTC) < timedelta(days=1826)
    assert json.loads(hub.ok("hub", "boxes", "--json"))[0]["id"] == told["box"]


def test_out_and_back_by_one_stick(joined: Farm, hub: Station, stick: Path) -> None:
    ids = joined.tell(1, 2, 3)
    assert json.loads(joined.ok("outbox", "export", stick, "--json"))["messages"] == 3
    assert joined.states() == {MessageState.SENT}
    sent = json.loads(hub.ok("hub", "send", "resend", hub_box(hub), "--id", ids[0], "--json"))
    assert sent["box"] == hub_box(hub)
    got = json.loads(hub.ok("hub", "import", stick, "--json"))
    assert [(one["new"], one["refused"], one["why"]) for one in got["files"]] == [(3, 0, None)]
    back = json.loads(joined.ok("outbox", "import", stick, "--json"))
    assert (back["acknowledged"], back["commands"]) == (3, 1)
    (said,) = json.loads(hub.ok("hub", "sent", "--json"))["sent"]
    assert said["id"] == sent["id"]
    assert (said["kind"], said["done"], said["why"]) == ("resend", None, None)
    assert "sent, not answered yet" in hub.ok("hub", "sent", hub_box(hub))
    with joined.store() as store:
        assert {one.id: one.state for one in store.messages() if one.kind is MessageKind.SUMMARY} == {
            ids[0]: MessageState.WAITING,  # the hub asked for it again
            ids[1]: MessageState.ACKNOWLEDGED,
            ids[2]: MessageState.ACKNOWLEDGED,
        }
        assert [one.kind for one in store.messages(MessageState.WAITING)] == [
            MessageKind.SUMMARY,
            MessageKind.ANSWER,
        ]
    joined.ok("outbox", "import", stick)  # the same stick again
    assert [one["body"]["id"] for one in json.loads(hub.ok("hub", "surveys", "--json"))] == [
        f"s{n:08d}" for n in (3, 2, 1)
    ]
    everything = json.loads(joined.ok("outbox", "export", stick, "--all", "--json"))
    assert everything["messages"] == 4
    hub.ok("hub", "import", stick)
    assert "done: 1" in hub.ok("hub", "sent", hub_box(hub))
    assert hub.run("hub", "sent", "bnone").exit_code == 1
    assert f"s{3:08d}  {hub_box(hub)}" in hub.ok("hub", "surveys")
    assert "(simulated)" not in hub.ok("hub", "surveys")


def hub_box(hub: Station) -> str:
    told: str = json.loads(hub.ok("hub", "boxes", "--json"))[0]["id"]
    return told


def test_the_time_on_a_stick_is_the_hubs_word(joined: Farm, hub: Station, stick: Path) -> None:
    """A stick from next year: the box's clock must be late. What is the machine's is not touched."""
    before, counted = datetime.now(UTC), time.monotonic()
    later = datetime.now(UTC) + timedelta(days=365)
    home = Home.open(hub.home)
    with HubStore.open(home.database) as store:
        hub_courier.write_answer(home, store, stick, store.boxes()[0], later)
    joined.ok("outbox", "import", stick)
    with joined.store() as store:
        assert store.setting("clock.floor") == later.replace(microsecond=0).isoformat()
    passed = datetime.now(UTC) - before - timedelta(seconds=time.monotonic() - counted)
    assert abs(passed) < timedelta(days=1)


@pytest.mark.parametrize("harm", ["cut", "noise", "link"])
def test_a_bad_stick_is_a_sentence_at_both_ends(joined: Farm, hub: Station, stick: Path, harm: str) -> None:
    joined.tell(1)
    joined.ok("outbox", "export", stick)
    (up,) = (stick / FOLDER).glob("*.up")
    spoil(up, harm)
    told = hub.run("hub", "import", stick, "--json")
    assert told.exit_code == 3 and json.loads(told.output)["files"][0]["why"]
    assert json.loads(hub.ok("hub", "surveys", "--json")) == []
    joined.ok("outbox", "export", stick)
    hub.ok("hub", "import", stick)
    (down,) = (stick / FOLDER).glob("*.down")
    spoil(down, harm)
    told = joined.run("outbox", "import", stick)
    assert told.exit_code == 1 and "not used" in told.output
    assert joined.states() == {MessageState.SENT}


def spoil(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "link":
        file.rename(file.with_name("elsewhere"))
        file.symlink_to(file.with_name("elsewhere"))
    else:
        file.write_bytes(whole[:-1] if how == "cut" else b"\x00" * len(whole))


def test_what_cannot_be_written_or_found_is_a_sentence(joined: Farm, hub: Station, stick: Path) -> None:
    joined.tell(1)
    (stick / FOLDER).write_text("a file where the folder should be")
    told = joined.run("outbox", "export", stick)
    assert told.exit_code == 1 and "Nothing was written" in told.output
    assert joined.states() == {MessageState.WAITING}
    for end, command in ((joined, "outbox"), (hub, "hub")):
        for way in ("import", "export"):
            assert end.run(command, way, stick / "nowhere").exit_code == 1
    assert hub.run("hub", "enrol", stick / "nowhere", "-o", stick / "w2").exit_code == 1
    assert hub.run("hub", "enrol", stick / FOLDER, "-o", stick / "w2").exit_code == 1
    assert not (stick / "w2").exists()


def test_a_box_that_joined_no_hub_has_nobody_to_write_to(farm: Farm, stick: Path) -> None:
    farm.tell(1)
    for command in ("export", "import"):
        told = farm.run("outbox", command, stick)
        assert told.exit_code == 1 and "fieldbox link request" in told.output
    assert list(stick.iterdir()) == []


def test_pictures_that_came_are_written_as_files(joined: Farm, hub: Station, stick: Path) -> None:
    told = {"v": 1, "to": "0" * 32, "survey": "../../s1", "spot": 2, "as": "webp", "b85": "VPaz%E^u^g"}
    with joined.store() as store:
        store.send(Outgoing(MessageKind.PICTURE, json.dumps(told), key_of("picture")))
    joined.ok("outbox", "export", stick, "--pictures")
    hub.ok("hub", "import", stick)
    folder = stick / "pictures"
    (file,) = json.loads(hub.ok("hub", "sent", "--pictures", folder, "--json"))["pictures"]
    assert Path(file).parent == folder
    assert Path(file).name.endswith("-s1-2.webp")
    assert Path(file).read_bytes() == base64.b85decode("VPaz%E^u^g")
    assert hub.run("hub", "sent", "--pictures", stick / "w").exit_code == 1  # there is a file of that name


def test_a_stick_with_nothing_on_it_is_no_success(joined: Farm, hub: Station, stick: Path) -> None:
    empty = stick / "empty"
    empty.mkdir()
    told = joined.run("outbox", "import", empty)
    assert (told.exit_code, "right folder" in told.stdout) == (1, True)
    told = hub.run("hub", "import", empty)
    assert (told.exit_code, "right folder" in told.stdout) == (1, True)


def test_pictures_go_only_if_asked_and_models_wait_to_be_installed(
    joined: Farm, hub: Station, stick: Path
) -> None:
    with joined.store() as store:
        store.send(Outgoing(MessageKind.PICTURE, '{"v":1}', key_of("picture")))
    assert json.loads(joined.ok("outbox", "export", stick, "--json"))["messages"] == 0
    assert json.loads(joined.ok("outbox", "export", stick, "--pictures", "--json"))["messages"] == 1
    (hub.home / "models" / "weeds-9.onnx").write_bytes(b"model")
    hub.ok("hub", "export", stick)
    assert json.loads(joined.ok("outbox", "import", stick, "--json"))["models"] == ["weeds-9.onnx"]
    assert (joined.root / "models-brought" / "weeds-9.onnx").read_bytes() == b"model"
