"""What a hub's store does, over SQLite and over a real PostgreSQL alike."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, text

from fieldbox.domain import Message, MessageKind, MessageState
from fieldbox.errors import Unavailable
from fieldbox.hub import refusals
from fieldbox.hub.receiving import receive
from fieldbox.hub.refusals import noted
from fieldbox.hub.rows import Certificate, Command, Way
from fieldbox.hub.store import HubStore
from fieldbox.wire import frame
from fieldbox.wire.commands import answer
from fieldbox.wire.ids import key_of, message_id
from tests.contract import hubs
from tests.hub.boxes import NOW, Sender, acknowledged, ids, summary
from tests.wire.bodies import ALERT, BOX

HUB = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    folder = Path(
        tempfile.mkdtemp(prefix="fieldbox-pg-")
    )  # the server's user may not enter pytest's own folder
    try:
        with hubs.postgres(folder / "pg") if folder.chmod(0o755) is None else hubs.postgres(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a hub's tables."""
    if request.param == "sqlite":
        return str(tmp_path / "hub.db")
    server = request.getfixturevalue("server")
    name = f"hub{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return str(server.rpartition("/")[0] + "/" + name)


@pytest.fixture
def store(where: str) -> Iterator[HubStore]:
    with HubStore.open(where) as opened:
        yield opened


@pytest.fixture
def box(store: HubStore) -> Sender:
    sender = Sender()
    store.add_box(sender.known, NOW)
    return sender


def test_a_message_is_kept_once_however_it_comes(store: HubStore, box: Sender) -> None:
    one, two = box.summary(1), box.summary(2)
    first = receive(store, HUB, box.frame(one), how=Way.MQTT, now=NOW)
    again = receive(store, HUB, box.frame(one), how=Way.MQTT, now=NOW)
    both = receive(store, HUB, box.frame(two, one), how=Way.COURIER, now=NOW + timedelta(hours=1))
    assert [(r.new, r.known) for r in (first, again, both)] == [(1, 0), (0, 1), (1, 1)]
    assert {m.id: (m.how, json.loads(m.body)) for m in store.messages()} == {
        one.id: (Way.MQTT, json.loads(one.body)),
        two.id: (Way.COURIER, json.loads(two.body)),
    }
    for told, sent in ((first, box.frame(one)), (again, box.frame(one)), (both, box.frame(two, one))):
        assert acknowledged(told.down, HUB, box.id).batches == (frame.batch_of(sent),)


def test_a_second_opening_finds_what_was_kept(store: HubStore, box: Sender, where: str) -> None:
    receive(store, HUB, box.frame(box.summary()), how=Way.MQTT, now=NOW)
    with HubStore.open(where) as other:
        assert other.count_messages() == 1
        assert other.boxes() == store.boxes() != []


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_what_stands_does_not_depend_on_the_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    with HubStore.open(tmp_path / "hub.db") as store:
        box = Sender()
        store.add_box(box.known, NOW)
        old = box.summary(1)
        newer = box.summary(2, [old.id])
        newest = box.summary(3, [old.id, newer.id])
        other = box.summary(4)
        sent = [old, newer, newest, other]
        for n in order:
            receive(store, HUB, box.frame(sent[n]), how=Way.MQTT, now=NOW)
        assert {m.id for m in store.messages()} == {newest.id, other.id}
        assert store.count_messages() == 4


def test_a_server_that_only_reads_for_a_while_is_waited_for(where: str) -> None:
    """As a replica does until it takes over: what comes meanwhile is not acknowledged, and comes again."""
    if "://" not in where:
        pytest.skip("of PostgreSQL")
    engine = create_engine(where, isolation_level="AUTOCOMMIT")
    box = Sender()
    with HubStore.open(where) as store, engine.connect() as connection:
        store.add_box(box.known, NOW)
        name = where.rpartition("/")[2]
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    with HubStore.open(where) as store, pytest.raises(Unavailable, match="read-only"):
        receive(store, HUB, box.frame(box.summary()), how=Way.MQTT, now=NOW)
    engine.dispose()


@pytest.mark.parametrize("late", [False, True])
def test_a_survey_that_is_told_again_under_another_id_stands_once(
    store: HubStore, box: Sender, late: bool
) -> None:
    """A box whose disk was restored from a copy of yesterday maps the flight of today once more."""
    key = key_of("survey")
    first = Message(message_id(NOW, key, None), MessageKind.SUMMARY, summary(1), MessageState.WAITING, 0, NOW)
    again = replace(first, id=message_id(NOW + timedelta(days=1), key, None))
    alert = replace(first, kind=MessageKind.ALERT, body=json.dumps(ALERT), id=message_id(NOW, key, first.id))
    other = Sender()
    store.add_box(other.known, NOW)
    receive(store, HUB, other.frame(first), how=Way.MQTT, now=NOW)
    for one in [again, first, alert] if late else [first, alert, again]:
        receive(store, HUB, box.frame(one), how=Way.MQTT, now=NOW)
    assert {(one.box, one.id) for one in store.messages()} == {
        (box.id, again.id),
        (box.id, alert.id),
        (other.id, first.id),
    }
    assert store.count_messages() == 4


@pytest.mark.parametrize("late", [False, True])
def test_a_health_report_stands_for_all_before_it(store: HubStore, box: Sender, late: bool) -> None:
    reports = [_report(box, n) for n in range(5)]
    between = box.summary()
    last = _report(box, 5, [reports[0].id, reports[-1].id])
    for one in [last, *reports, between] if late else [*reports, between, last]:
        receive(store, HUB, box.frame(one), how=Way.MQTT, now=NOW)
    assert {m.id for m in store.messages()} == {between.id, last.id}


def _report(box: Sender, number: int, replaces: list[str] | None = None) -> Message:
    return box.message(json.dumps(BOX | {"surveys": number}), MessageKind.BOX, replaces or [])


def test_a_message_replaces_only_earlier_ones_of_its_kind_and_box(store: HubStore, box: Sender) -> None:
    another = Sender()
    store.add_box(another.known, NOW)
    mine, theirs, alert = (
        box.summary(1),
        another.summary(9),
        box.message(json.dumps(ALERT), MessageKind.ALERT),
    )
    later = "f" * 32
    told = box.summary(2, [theirs.id, alert.id, later])
    for sender, one in ((box, mine), (another, theirs), (box, alert), (box, told)):
        receive(store, HUB, sender.frame(one), how=Way.MQTT, now=NOW)
    assert {m.id for m in store.messages()} >= {mine.id, theirs.id, told.id}
    assert store.count_messages() == len(store.messages())


def test_what_cannot_be_read_is_refused_and_the_rest_is_kept(store: HubStore, box: Sender) -> None:
    good, bad = box.summary(1), box.message('{"v":1,"id":"s"}')
    got = receive(store, HUB, box.frame(good, bad), how=Way.MQTT, now=NOW)
    assert (got.new, got.taken, got.refused) == (1, (good.id,), {bad.id: "schema"})
    assert acknowledged(got.down, HUB, box.id).refused == {bad.id: "schema"}
    assert [m.id for m in store.messages()] == [good.id]
    assert [(r.box, r.message, r.why) for r in store.refused()] == [(box.id, bad.id, "schema")]


def test_strangers_and_forgers_are_turned_away(store: HubStore, box: Sender) -> None:
    stranger, thief = Sender(), Sender()
    forged = frame.pack(box.id, [thief.summary()], thief.key)
    altered = bytearray(box.frame(box.summary()))
    altered[-1] ^= 1
    sent = [stranger.frame(stranger.summary()), forged, bytes(altered), b"", b"\x00" * 500, b"\xff" * 300_000]
    got = [receive(store, HUB, one, how=Way.MQTT, now=NOW) for one in sent]
    assert [(r.box, r.down) for r in got] == [(None, None)] * 6
    assert [r.why for r in got] == ["unknown", "forged", "forged", "size", "version", "size"]
    assert store.count_messages() == 0
    known = store.box(box.id)
    assert known is not None and known.heard_at is None


def test_the_same_thing_refused_again_is_one_row(store: HubStore) -> None:
    for hour in range(3):
        store.refuse(noted("d" * 16, "forged", "mqtt", NOW + timedelta(hours=hour)))
    assert [(r.times, r.at) for r in store.refused()] == [(3, NOW + timedelta(hours=2))]


def test_refusals_do_not_fill_the_disk(store: HubStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 5)
    for n in range(12):
        store.refuse(noted(f"{n:016x}", "forged", "mqtt", NOW))
    assert [int(r.digest, 16) for r in store.refused()] == [11, 10, 9, 8, 7]


def test_a_revoked_box_is_heard_no_more_until_it_joins_again(store: HubStore, box: Sender) -> None:
    assert store.revoke(box.id, NOW)
    assert not store.revoke("bnobody22", NOW)
    assert store.revoked_certificates() == [("0a" + box.id, NOW)]
    sent = box.frame(box.summary())
    assert receive(store, HUB, sent, how=Way.MQTT, now=NOW).why == "revoked"
    again = Certificate("0b" + box.id, NOW + timedelta(days=2000))
    known = box.known
    store.add_box(type(known)(known.id, "Hill", known.key, again, NOW), NOW)
    assert receive(store, HUB, sent, how=Way.MQTT, now=NOW).new == 1
    assert store.revoked_certificates() == [("0a" + box.id, NOW)]


def test_a_command_waits_until_its_box_answers(store: HubStore, box: Sender) -> None:
    other = Sender()
    store.add_box(other.known, NOW)
    for n, sender in enumerate((box, box, other)):
        store.add_command(Command(sender.id, f"{n:032x}", "resend", {"ids": ["é"]}, b"sealed", NOW))
    assert [one.id for one in store.waiting_commands(box.id, NOW)] == [f"{n:032x}" for n in (0, 1)]
    store.commands_sent([f"{0:032x}"], NOW)
    fresh = store.waiting_commands(box.id, NOW, sent_before=NOW - timedelta(hours=1))
    assert [one.id for one in fresh] == [f"{1:032x}"]
    assert len(store.waiting_commands(box.id, NOW, sent_before=NOW)) == 2
    assert store.waiting_commands(box.id, NOW + timedelta(days=401)) == []


def test_two_threads_with_the_same_frames_keep_each_message_once(store: HubStore, box: Sender) -> None:
    sent = [box.summary(n) for n in range(12)]
    frames = [box.frame(*sent[n : n + 3]) for n in range(0, 12, 3)] * 3

    def take(one: bytes) -> int:
        return receive(store, HUB, one, how=Way.MQTT, now=NOW).new

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, frames)) == 12
    assert sorted(m.id for m in store.messages()) == ids(sent)


def test_the_longest_body_and_strange_letters_come_through(store: HubStore, box: Sender) -> None:
    body = summary(1)[:-1] + ',"name":"' + "खेत \\u0000 🌾'\\\"; DROP TABLE" + '"}'
    one = box.message(body)
    receive(store, HUB, box.frame(one), how=Way.MQTT, now=NOW)
    (kept,) = store.messages()
    assert "DROP TABLE" in kept.body and "🌾" in kept.body


@pytest.mark.parametrize("kind", [MessageKind.SUMMARY, MessageKind.ALERT, MessageKind.BOX])
def test_an_id_of_no_time_that_there_is_stops_no_hub(store: HubStore, box: Sender, kind: MessageKind) -> None:
    """Twelve digits hold more milliseconds than a calendar has."""
    bodies = {
        MessageKind.SUMMARY: summary(1),
        MessageKind.ALERT: json.dumps(ALERT),
        MessageKind.BOX: json.dumps(BOX),
    }
    beyond = Message("f" * 32, kind, bodies[kind], MessageState.WAITING, 0, NOW)
    got = receive(store, HUB, box.frame(beyond, box.summary(2)), how=Way.MQTT, now=NOW)
    assert (got.new, dict(got.refused)) == (1, {beyond.id: "id"})
    assert acknowledged(got.down, HUB, box.id).refused == {beyond.id: "id"}


def test_a_message_that_replaces_more_than_there_can_be_is_refused_alone(
    store: HubStore, box: Sender
) -> None:
    many = [f"{n:032x}" for n in range(40_000)]
    greedy = box.summary(1, many)
    got = receive(store, HUB, box.frame(greedy, box.summary(2)), how=Way.MQTT, now=NOW)
    assert (got.new, dict(got.refused)) == (1, {greedy.id: "replaces"})


@pytest.mark.parametrize("name", ["", "b\0", "b" * 100_000, "bfarm\u0bb1"])
def test_a_frame_of_what_is_no_box_is_refused(store: HubStore, box: Sender, name: str) -> None:
    sealed = frame.pack(name, [box.summary(1)], box.key)
    got = receive(store, HUB, sealed, how=Way.MQTT, now=NOW)
    assert (got.box, got.down, got.why) == (None, None, "unknown")
    assert [one.why for one in store.refused()] == ["unknown"]


def test_an_answer_to_what_is_no_command_answers_nothing(store: HubStore, box: Sender) -> None:
    told = box.message(answer("\0" * 32, True, "Done."), MessageKind.ANSWER)
    assert receive(store, HUB, box.frame(told), how=Way.MQTT, now=NOW).new == 1
