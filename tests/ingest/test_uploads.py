"""An upload goes on where it stopped, loses nothing that was acknowledged, and writes nowhere but in its folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import Offer, Upload
from fieldbox.errors import Rejected, Unavailable, WrongOffset
from fieldbox.ingest.paths import Names, require_safe
from fieldbox.ingest.uploads import Uploads

USER = "asha"


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", reserve_bytes=0)


@pytest.fixture
def session(uploads: Uploads) -> Upload:
    return uploads.create(USER, "North field")


def photo(size: int = 100_000, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def send(uploads: Uploads, session: Upload, number: int, data: bytes, at: int) -> int:
    return uploads.write(session, number, at, data, zlib.crc32(data))


def send_all(uploads: Uploads, session: Upload, name: str, data: bytes, step: int = 30_000) -> int:
    [standing] = uploads.offer(session, [Offer(name, len(data), 1_700_000_000_000)])
    assert standing.number is not None
    at = standing.offset
    while at < len(data):
        at = send(uploads, session, standing.number, data[at : at + step], at)
    return standing.number


def test_a_folder_comes_in_as_it_was(uploads: Uploads, session: Upload) -> None:
    photos = {"100MEDIA/DJI_1.JPG": photo(), "100MEDIA/DJI_2.JPG": photo(seed=2), "खेत/१.jpg": photo(7)}
    for name, data in photos.items():
        send_all(uploads, session, name, data)
    assert uploads.finish(session) == 3
    folder = uploads.files(session)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.[jJ]*")}
    assert found == photos
    assert (folder / "खेत/१.jpg").stat().st_mtime == 1_700_000_000
    [kept] = uploads.sessions()
    assert (kept.state, kept.user, kept.field_name) == ("sent", USER, "North field")


def test_a_new_process_goes_on_where_the_old_one_stopped(
    uploads: Uploads, session: Upload, tmp_path: Path
) -> None:
    data = photo()
    offer = Offer("a.jpg", len(data), 5)
    [first] = uploads.offer(session, [offer])
    assert (first.number, first.offset) == (0, 0)
    send(uploads, session, 0, data[:40_000], 0)
    again = Uploads(tmp_path / "uploads", reserve_bytes=0)
    found = again.find(session.id, USER)
    assert found == session
    [here] = again.offer(session, [offer])
    assert (here.number, here.offset) == (0, 40_000)
    assert send(again, session, 0, data[40_000:], 40_000) == len(data)
    assert again.offset(session, 0) == (len(data), len(data))
    assert again.finish(session) == 1
    assert (again.files(session) / "a.jpg").read_bytes() == data


@pytest.mark.parametrize("damage", ["longer part", "cut log", "half a line", "foreign log"])
def test_what_a_crash_leaves_is_sent_again(uploads: Uploads, session: Upload, damage: str) -> None:
    data = photo()
    uploads.offer(session, [Offer("a.jpg", len(data), 5)])
    for at in (0, 30_000):
        send(uploads, session, 0, data[at : at + 30_000], at)
    part = uploads.files(session).parent / "parts" / "0"
    log = part.with_name("0.log")
    if damage == "longer part":  # written, but not acknowledged
        part.write_bytes(part.read_bytes() + b"\0" * 12_345)
    elif damage == "cut log":
        log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    elif damage == "half a line":
        log.write_bytes(log.read_bytes()[:-3])
    else:
        log.write_bytes(b"not a log\n")
    at, size = uploads.offset(session, 0)
    assert at == {"longer part": 60_000, "cut log": 30_000, "half a line": 30_000, "foreign log": 0}[damage]
    assert size == len(data)
    while at < size:
        at = send(uploads, session, 0, data[at : at + 25_000], at)
    assert (uploads.files(session) / "a.jpg").read_bytes() == data


def test_a_disk_that_gives_back_other_bytes_is_noticed(uploads: Uploads, session: Upload) -> None:
    data = photo()
    uploads.offer(session, [Offer("a.jpg", len(data), 5)])
    send(uploads, session, 0, data[:50_000], 0)
    part = uploads.files(session).parent / "parts" / "0"
    with part.open("r+b") as file:
        file.seek(100)
        file.write(b"\0\0\0\0")
    with pytest.raises(Unavailable, match="other bytes"):
        send(uploads, session, 0, data[50_000:], 50_000)
    assert uploads.offset(session, 0) == (0, len(data))
    assert not (uploads.files(session) / "a.jpg").exists()


def test_a_chunk_must_begin_where_the_file_ends(uploads: Uploads, session: Upload) -> None:
    data = photo()
    uploads.offer(session, [Offer("a.jpg", len(data), 5)])
    send(uploads, session, 0, data[:10], 0)
    for at in (0, 9, 11):
        with pytest.raises(WrongOffset) as caught:
            send(uploads, session, 0, data[at : at + 10], at)
        assert caught.value.offset == 10
    with pytest.raises(Rejected, match="damaged"):
        uploads.write(session, 0, 10, data[10:20], zlib.crc32(data[10:20]) ^ 1)
    with pytest.raises(Rejected, match="grown"):
        send(uploads, session, 0, data + b"more", 10)
    with pytest.raises(Rejected, match="not part"):
        send(uploads, session, 1, data, 0)
    assert uploads.offset(session, 0) == (10, len(data))


def test_an_upload_ends_only_when_all_is_here(uploads: Uploads, session: Upload) -> None:
    with pytest.raises(Rejected, match="nothing"):
        uploads.finish(session)
    send_all(uploads, session, "a.jpg", photo())
    uploads.offer(session, [Offer("b.jpg", 10, 5)])
    with pytest.raises(Rejected, match="1 of 2 files"):
        uploads.finish(session)
    send_all(uploads, session, "c.jpg", photo())
    send(uploads, session, 1, photo(10), 0)
    assert uploads.finish(session) == 3
    for late in (
        lambda: uploads.finish(session),
        lambda: uploads.offer(session, []),
        lambda: send(uploads, session, 1, b"", 10),
    ):
        with pytest.raises(Rejected, match="closed"):
            late()


def test_a_changed_file_is_another_one(uploads: Uploads, session: Upload) -> None:
    """The same name with another time or size cannot go on with the old bytes."""
    uploads.offer(session, [Offer("a.jpg", 10, 5)])
    [changed] = uploads.offer(session, [Offer("a.jpg", 10, 6)])
    assert changed.number is None
    assert "same name" in str(changed.refused)


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "a/../../b.jpg",
        "/etc/passwd",
        "a//b.jpg",
        "a/./b.jpg",
        "",
        ".",
        "..",
        "a/",
        "a\\b.jpg",
        "C:/a.jpg",
        "a\0.jpg",
        "a\n.jpg",
        "\ud800.jpg",
        "x" * 241,
        "/".join("x" * 100 for _ in range(11)),
        "a/" * 16 + "b.jpg",
        "\u2028.jpg",
    ],
)
def test_unsafe_names_are_refused_each_with_a_reason(uploads: Uploads, session: Upload, name: str) -> None:
    bad, good = uploads.offer(session, [Offer(name, 10, 5), Offer("good.jpg", 10, 5)])
    assert bad.number is None and str(bad.refused).endswith(".")
    assert good.number == 0
    everything = [path for path in uploads.files(session).parents[2].rglob("*") if path.is_file()]
    assert {path.name for path in everything} == {"session.json", "offers.jsonl"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.jpg", "A.JPG"),
        ("x/a.jpg", "X/b.jpg"),
        ("a", "a/b.jpg"),
        ("a/b.jpg", "a"),
        ("\u00e9.jpg", "e\u0301.jpg"),
        ("straße.jpg", "STRASSE.jpg"),
    ],
)
def test_names_that_clash_on_some_file_system_are_refused(first: str, second: str) -> None:
    names = Names([first])
    with pytest.raises(Rejected, match="same name"):
        names.add(second)
    names.add("other/" + second)


@given(st.text(max_size=60))
def test_a_name_that_is_taken_stays_below_its_folder(name: str) -> None:
    try:
        require_safe(name)
    except Rejected as refusal:
        assert str(refusal)
        return
    base = Path("/box/uploads")
    assert Path(os.path.normpath(base / name)).is_relative_to(base)
    assert Path(os.path.normpath(base / name)) != base


@pytest.mark.parametrize("size", [0, -1, 1 << 41])
def test_impossible_sizes_are_refused(uploads: Uploads, session: Upload, size: int) -> None:
    [answer] = uploads.offer(session, [Offer("a.jpg", size, 5)])
    assert answer.number is None and answer.refused


def test_space_is_needed_twice_and_the_reserve_stays_free(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    uploads = Uploads(folder, reserve_bytes=free // 2)
    session = uploads.create(USER, None)
    uploads.offer(session, [Offer("small.jpg", 100, 5)])
    with pytest.raises(Unavailable, match="full"):
        uploads.offer(session, [Offer("large.jpg", free // 3, 5)])
    [again] = uploads.offer(session, [Offer("small.jpg", 100, 5)])
    assert again.number == 0
    full = Uploads(folder, reserve_bytes=2 * free)
    with pytest.raises(Unavailable, match="full"):
        send(full, session, 0, b"x" * 100, 0)
    assert uploads.offset(session, 0) == (0, 100)


def test_an_upload_is_its_users_own(uploads: Uploads, session: Upload) -> None:
    assert uploads.find(session.id, USER)
    for other in (session.id.upper(), "..", "", "0" * 24, session.id + "/.", "../" + session.id):
        assert uploads.find(other, USER) is None
    assert uploads.find(session.id, "ravi") is None


def test_old_uploads_are_cleaned_away_but_none_that_waits(uploads: Uploads) -> None:
    old, waiting, fresh = (uploads.create(USER, None) for _ in range(3))
    for one in (old, waiting):
        send_all(uploads, one, "a.jpg", photo(10))
    uploads.finish(waiting)
    for one in (old, waiting):
        for path in [*uploads.files(one).parent.rglob("*"), uploads.files(one).parent]:
            os.utime(path, (1e9, 1e9))
    assert uploads.clean(7.0) == 1
    assert {one.id for one in uploads.sessions()} == {waiting.id, fresh.id}
    uploads.remove(fresh)
    assert [one.id for one in uploads.sessions()] == [waiting.id]
    assert [path.name for path in uploads.files(waiting).parents[1].iterdir()] == [waiting.id]


def test_the_uploads_need_no_web_and_no_pictures() -> None:
    code = "import fieldbox.ingest.uploads, sys; print({'flask', 'cv2', 'numpy', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "flask" not in done.stdout and "cv2" not in done.stdout and "av" not in done.stdout
