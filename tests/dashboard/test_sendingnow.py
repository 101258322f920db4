"""Sending at once and by hand from the dashboard: a real box that joined a real hub, a file between them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard import costs
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import LinkKind, MessageState
from fieldbox.i18n import Sentence
from fieldbox.services import wishes
from fieldbox.services.chosen import Choices
from fieldbox.services.sendingdesk import SendingDesk
from fieldbox.storage.store import Store
from fieldbox.sync import identity
from fieldbox.wire.courier import FOLDER
from tests.dashboard.conftest import KEY, PASSWORD, log_in, token_of
from tests.hub.boxes import tell
from tests.hubs import Station, station_in


@dataclass
class Farm:
    """A box and its hub."""

    config: Config
    store: Store
    hub: Station
    client: FlaskClient

    def post(self, path: str, **form: object) -> str:
        """What the page says after that."""
        data = {"csrf_token": token_of(self.client, "/sending"), **form}
        return self.client.post(path, data=data, follow_redirects=True).get_data(as_text=True)

    def join(self, folder: Path) -> None:
        mine = identity.own(self.config.identity)
        (folder / "r").write_text(mine.request())
        self.hub.ok("hub", "enrol", folder / "r", "-o", folder / "w", "--name", "Hill")
        identity.join_hub(mine, identity.welcomed(mine, (folder / "w").read_text()))


@pytest.fixture
def farm(tmp_path: Path, password_hash: str) -> Iterator[Farm]:
    (tmp_path / "box").mkdir()
    (tmp_path / "far").mkdir()
    config = Config(storage=StorageConfig(root=tmp_path / "box"))
    with station_in(tmp_path / "far", serving=False) as hub, Store.open(config.database) as store:
        store.add_user("asha", password_hash, "owner")
        store.add_user("vera", password_hash, "viewer")
        beyond = Beyond(sending=SendingDesk(config, store), settings=Choices(config, store))
        app = create_app(store, config.storage.root, secret_key=KEY, beyond=beyond)
        yield Farm(config, store, hub, log_in(app.test_client()))


def test_a_box_without_a_hub_says_what_to_do(farm: Farm) -> None:
    page = farm.client.get("/sending").get_data(as_text=True)
    assert "The box has joined no hub yet." in page and "Send now" not in page
    assert "join one on the settings page first" in farm.post("/sending/now")
    assert "join one on the settings page first" in farm.post("/sending/pack")
    assert not wishes.is_open(farm.store)


def test_somebody_asks_to_send_now_and_reads_what_came_of_it(farm: Farm, tmp_path: Path) -> None:
    farm.join(tmp_path)
    assert "The box tries to send now" in farm.post("/sending/now")
    wished = wishes.last(farm.store)
    assert wished and wished.came is None
    came = Sentence("The hub was reached; {count} messages wait.", {"count": 0})
    wishes.settle(farm.store, wished, came, now())
    part = farm.client.get("/sending/now").get_data(as_text=True)
    assert "The hub was reached; 0 messages wait." in part and "data-busy" not in part
    assert farm.store.audits(1)[0].action == "send now"


def now() -> datetime:
    return datetime.now(UTC)


def test_messages_go_to_the_hub_by_hand_and_its_answer_comes_back(farm: Farm, tmp_path: Path) -> None:
    farm.join(tmp_path)
    tell(farm.store, "survey", (1, 2, 3))
    data = {"csrf_token": token_of(farm.client, "/sending")}
    answer = farm.client.post("/sending/pack", data=data)
    name = answer.headers["Content-Disposition"].partition("filename=")[2].strip('"')
    stick = tmp_path / "stick"
    (stick / FOLDER).mkdir(parents=True)
    (stick / FOLDER / name).write_bytes(answer.data)
    farm.hub.ok("hub", "import", stick)
    back = (stick / FOLDER / name.replace(".up", ".down")).read_bytes()
    # Browsers number what they have saved twice.
    file = (io.BytesIO(back), name.replace(".up", " (1).down"))
    page = farm.post("/sending/unpack", file=file)
    assert "3 messages are done" in page
    assert {one.state for one in farm.store.messages()} == {MessageState.ACKNOWLEDGED}
    assert list(farm.config.storage.root.glob("tmp*")) == []


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("photo.jpg", b"x", "ends with .down"),
        ("../../etc/passwd.down", b"x", "is not used|for another box"),
        ("bnone.down", b"x", "for another box"),
        ("b.down", b"", "Choose the file first"),
    ],
)
def test_a_file_that_is_not_the_hubs_is_refused_in_words(
    farm: Farm, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    farm.join(tmp_path)
    page = farm.post("/sending/unpack", file=(io.BytesIO(data), name))
    assert any(one in page for one in words.split("|"))


def test_an_altered_file_is_refused_and_changes_nothing(farm: Farm, tmp_path: Path) -> None:
    farm.join(tmp_path)
    mine = identity.own(farm.config.identity).box
    page = farm.post("/sending/unpack", file=(io.BytesIO(b"nonsense" * 50), f"{mine}.down"))
    assert "is not used" in page
    assert str(farm.config.storage.root) not in page


def test_a_viewer_sees_and_does_not_send(farm: Farm, tmp_path: Path) -> None:
    farm.join(tmp_path)
    viewer = log_in(farm.client.application.test_client(), "vera", PASSWORD)
    page = viewer.get("/sending").get_data(as_text=True)
    assert "What may leave the farm" in page and "Send now" not in page
    assert viewer.post("/sending/now", data={"csrf_token": token_of(viewer, "/")}).status_code == 403


def test_what_a_month_cost_is_told_where_prices_are(farm: Farm) -> None:
    farm.store.add_traffic(date(2027, 6, 3), LinkKind.MODEM, sent=900_000, received=100_000)
    farm.store.add_traffic(date(2027, 6, 3), LinkKind.ETHERNET, sent=5_000_000, received=0)
    farm.store.add_traffic(date(2027, 5, 30), LinkKind.MODEM, sent=9_000_000, received=0)
    config = farm.config
    found = costs.month(config, farm.store, date(2027, 6, 10))
    assert found.bytes == {LinkKind.MODEM: 1_000_000, LinkKind.ETHERNET: 5_000_000}
    assert found.cost is None  # a modem's bytes cost, and nobody said how much
    priced = replace(config, sync=replace(config.sync, cost_per_mb="modem 0.35"))
    assert costs.month(priced, farm.store, date(2027, 6, 10)).cost == pytest.approx(0.35)
    later = costs.month(priced, farm.store, date(2027, 7, 1))
    assert later.bytes == {} and later.cost == 0
