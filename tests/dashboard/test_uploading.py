"""What the page for sending photos asks of the box."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.api.uploads import LARGEST_CHUNK
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond
from fieldbox.dashboard.uploading import CHUNK_BYTES
from fieldbox.domain import Bringing, Brought, Came, Way
from fieldbox.i18n import Sentence
from fieldbox.ingest import uploads as on_disk
from fieldbox.ingest.status import Board
from fieldbox.services.web import intake_of
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY, PASSWORD, log_in

DATA = bytes(range(256)) * 500


@dataclass
class Sender:
    """A browser on the page, logged in."""

    client: FlaskClient
    token: str

    def ask(self, method: str, path: str, **more: Any) -> Any:
        headers = {"X-CSRFToken": self.token, **more.pop("headers", {})}
        return self.client.open(f"/api/v1/uploads{path}", method=method, headers=headers, **more)

    def create(self, field: str = "") -> str:
        answer = self.ask("POST", "", json={"field": field})
        assert answer.status_code == 201
        return str(answer.json["id"])

    def offer(self, upload: str, *names: str, size: int = len(DATA)) -> list[dict[str, Any]]:
        answer = self.ask("POST", f"/{upload}/files", json={"files": [[name, size, 5] for name in names]})
        assert answer.status_code == 200, answer.json
        return list(answer.json["files"])

    def write(self, upload: str, number: int, at: int, data: bytes, crc: int | None = None) -> Any:
        told = zlib.crc32(data) if crc is None else crc
        headers = {
            "Upload-Offset": str(at),
            "Upload-Crc32": str(told),
            "Content-Type": "application/offset+octet-stream",
        }
        return self.ask("PATCH", f"/{upload}/files/{number}", data=data, headers=headers)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def app(root: Path) -> Iterator[Flask]:
    with Store.open(root / "fieldbox.db") as store:
        hashed = hash_password(PASSWORD)
        for name in ("asha", "ravi"):
            store.add_user(name, hashed, "owner")
        config = Config(storage=StorageConfig(root=root, reserve_mb=0))
        made = create_app(store, root, secret_key=KEY, beyond=Beyond(intake=intake_of(config)))
        made.testing = True
        yield made


def sender_of(app: Flask, name: str = "asha") -> Sender:
    client = log_in(app.test_client(), name)
    page = client.get("/upload").get_data(as_text=True)
    token = re.search(r'data-token="([^"]+)"', page)
    assert token
    return Sender(client, token[1])


@pytest.fixture
def sender(app: Flask) -> Sender:
    return sender_of(app)


def test_a_folder_is_sent_in_parts_and_handed_over(sender: Sender, root: Path) -> None:
    upload = sender.create("  North   field ")
    first, second = sender.offer(upload, "DCIM/a.jpg", "DCIM/b.jpg")
    assert (first["offset"], second["offset"]) == (0, 0)
    for one in (first, second):
        half = len(DATA) // 2
        assert sender.write(upload, one["number"], 0, DATA[:half]).json == {"offset": half}
        assert sender.write(upload, one["number"], half, DATA[half:]).json == {"offset": len(DATA)}
    assert sender.ask("POST", f"/{upload}/finish").json == {"files": 2}
    kept = on_disk.Uploads(root / "uploads", reserve_bytes=0)
    (one,) = kept.sessions()
    assert (one.user, one.field_name, one.state) == ("asha", "North field", "sent")
    assert {path.name: path.read_bytes() for path in kept.files(one).rglob("*.jpg")} == {
        "a.jpg": DATA,
        "b.jpg": DATA,
    }


def test_it_goes_on_where_it_stopped(sender: Sender, app: Flask) -> None:
    upload = sender.create()
    (one,) = sender.offer(upload, "a.jpg")
    sender.write(upload, one["number"], 0, DATA[:1000])
    later = sender_of(app)
    (again,) = later.offer(upload, "a.jpg")
    assert again == {"number": one["number"], "offset": 1000, "refused": None}
    assert later.ask("GET", f"/{upload}/files/{one['number']}").json == {"offset": 1000, "size": len(DATA)}
    wrong = later.write(upload, one["number"], 0, DATA[:1000])
    assert (wrong.status_code, wrong.json["offset"], wrong.json["code"]) == (409, 1000, "conflict")
    assert later.write(upload, one["number"], 1000, DATA[1000:]).json == {"offset": len(DATA)}


def test_a_part_that_was_damaged_is_refused_and_can_be_sent_again(sender: Sender) -> None:
    upload = sender.create()
    (one,) = sender.offer(upload, "a.jpg")
    answer = sender.write(upload, one["number"], 0, DATA, crc=1)
    assert answer.status_code == 422
    assert "damaged" in answer.json["error"]
    assert sender.write(upload, one["number"], 0, DATA).status_code == 200


def test_names_that_lead_away_are_refused_and_the_others_are_not(sender: Sender) -> None:
    upload = sender.create()
    bad, good = sender.offer(upload, "../../etc/passwd", "a.jpg")
    assert bad["number"] is None
    assert "leads out" in bad["refused"]
    assert good["refused"] is None


def test_an_upload_is_its_sender_s_alone(sender: Sender, app: Flask) -> None:
    upload = sender.create()
    sender.offer(upload, "a.jpg")
    other = sender_of(app, "ravi")
    assert other.ask("GET", "").json == {"uploads": []}
    for method, path in [("DELETE", ""), ("POST", "/finish"), ("GET", "/files/0")]:
        assert other.ask(method, f"/{upload}{path}").status_code == 404
    assert other.write(upload, 0, 0, DATA).status_code == 404


def test_nothing_changes_without_a_token_or_a_login(sender: Sender, app: Flask) -> None:
    upload = sender.create()
    sender.offer(upload, "a.jpg")
    sender.token = "wrong"  # noqa: S105
    assert sender.write(upload, 0, 0, DATA).status_code == 403
    assert sender.ask("POST", "", json={}).status_code == 403
    stranger = app.test_client()
    assert stranger.post("/api/v1/uploads", json={}).status_code == 401
    assert stranger.get("/api/v1/uploads").status_code == 401
    assert stranger.get("/upload").status_code == 302


def test_only_parts_of_files_may_be_large(sender: Sender) -> None:
    upload = sender.create()
    (one,) = sender.offer(upload, "a.jpg", size=8 * LARGEST_CHUNK)
    assert sender.write(upload, one["number"], 0, bytes(CHUNK_BYTES)).status_code == 200
    assert sender.write(upload, one["number"], CHUNK_BYTES, bytes(LARGEST_CHUNK + 1)).status_code == 413
    assert sender.ask("POST", "", json={"field": "x" * 100_000}).status_code == 413


@pytest.mark.parametrize(
    "rows", [None, "a", [1], [["a.jpg", "5", 1]], [["a.jpg", 5]], [[5, 5, 5]], [["a.jpg", 2**60, 1]]]
)
def test_a_list_that_is_none_is_refused(sender: Sender, rows: Any) -> None:
    assert sender.ask("POST", f"/{sender.create()}/files", json={"files": rows}).status_code == 400


def test_brackets_without_end_are_refused(sender: Sender) -> None:
    answer = sender.ask(
        "POST", f"/{sender.create()}/files", data=b"[" * 100_000, content_type="application/json"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("at", ["", "-1", "x", "9" * 30, "١"])
def test_an_offset_that_is_none_is_refused(sender: Sender, at: str) -> None:
    upload = sender.create()
    sender.offer(upload, "a.jpg")
    headers = {"Upload-Offset": at.encode().decode("latin-1"), "Upload-Crc32": "1"}
    assert sender.ask("PATCH", f"/{upload}/files/0", data=b"x", headers=headers).status_code == 400


def test_an_upload_with_files_missing_is_not_done(sender: Sender) -> None:
    upload = sender.create()
    assert sender.ask("POST", f"/{upload}/finish").status_code == 422
    sender.offer(upload, "a.jpg")
    answer = sender.ask("POST", f"/{upload}/finish")
    assert answer.status_code == 422
    assert "1 of 1" in answer.json["error"]


def test_what_is_not_finished_is_listed_and_thrown_away(sender: Sender, root: Path) -> None:
    upload = sender.create("North field")
    page = sender.client.get("/upload").get_data(as_text=True)
    assert "North field" in page
    assert f'data-cancel="{upload}"' in page
    assert sender.ask("DELETE", f"/{upload}").status_code == 204
    assert not list((root / "uploads").iterdir())
    assert "data-cancel" not in sender.client.get("/upload").get_data(as_text=True)


def test_a_box_without_an_intake_offers_no_upload(root: Path) -> None:
    with Store.open(root / "fieldbox.db") as store:
        store.add_user("asha", hash_password(PASSWORD), "owner")
        client = log_in(create_app(store, root, secret_key=KEY).test_client())
        assert client.get("/upload").status_code == 404
        assert "/upload" not in client.get("/").get_data(as_text=True)


def home(app: Flask) -> str:
    text = log_in(app.test_client()).get("/").get_data(as_text=True)
    return re.sub(r"\s+", " ", text)


def test_home_says_when_a_card_may_be_pulled_out(app: Flask, root: Path) -> None:
    assert "Coming in" not in home(app)
    board = Board(root)
    board.show(Bringing(Way.CARD, "SD_64", "card", "copy", 12, 500, may_pull=False))
    page = home(app)
    assert "Card SD_64" in page
    assert "Copying: 12 of 500 files" in page
    assert "Leave the card in." in page
    board.show(Bringing(Way.CARD, "SD_64", "card", "read", 1, 500, may_pull=True))
    page = home(app)
    assert "You can pull the card out now." in page
    assert "Leave the card in." not in page


def test_home_says_what_came_lately(app: Flask, root: Path) -> None:
    board, now = Board(root), datetime.now(UTC)
    reason = Sentence("It is empty.")
    board.add(Brought(Way.DROP, "old", "drop old", now - timedelta(days=2), Came.DONE, None, 5))
    board.add(Brought(Way.DROP, "", "drop ", now, Came.REFUSED, reason, 0, 0, 1))
    board.add(Brought(Way.UPLOAD, "asha", "upload", now, Came.PARTLY, reason, 499, 1, 2, ("f1",)))
    page = home(app)
    assert "Sent by asha" in page
    assert "499 photos came in. 1 was on the box already. 2 files were not taken, the first:" in page
    assert "It is empty." in page
    assert 'href="/flights/f1"' in page
    assert "Nothing of it could be used." in page
    assert "Folder old" not in page
