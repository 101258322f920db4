"""Couriers both ways: what a box writes the hub takes in, and its answer comes back by the same stick."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.domain import Message, MessageKind, MessageState, Outgoing
from fieldbox.errors import Rejected
from fieldbox.hub import courier as hub_courier
from fieldbox.hub import joining
from fieldbox.hub.courier import Brought
from fieldbox.hub.home import Home, found
from fieldbox.hub.receiving import command, receive
from fieldbox.hub.rows import Certificate, Command, Way
from fieldbox.hub.store import HubStore
from fieldbox.sync import courier, identity, renewal
from fieldbox.sync.courier import Hands, Imported
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.wire import commands, frame
from fieldbox.wire import courier as wire
from fieldbox.wire.courier import FOLDER, Unreadable
from fieldbox.wire.down import Down, DownKind
from fieldbox.wire.ids import key_of
from tests.hub.boxes import summary, tell

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


class Box:
    """A box that joined, with its messages in memory."""

    def __init__(self, joined: identity.Joined) -> None:
        self.joined = joined
        self.now = NOW
        self.outbox = MemoryOutbox(lambda: self.now)
        self.commands: list[Down] = []
        self.models: dict[str, bytes] = {}
        self.times: list[datetime] = []

    @property
    def id(self) -> str:
        return self.joined.identity.box

    def tell(self, *numbers: int) -> list[str]:
        return tell(self.outbox, self.id, numbers)

    def open(self) -> list[Message]:
        return [
            one for one in self.outbox.messages() if one.state in (MessageState.WAITING, MessageState.SENT)
        ]

    def export(self, stick: Path) -> courier.Exported:
        return courier.export(self.joined, self.outbox, self.open(), stick, self.now)

    def take_in(self, stick: Path) -> Imported | None:
        hands = Hands(self.outbox, self.commands.append, self.models.__setitem__, self.times.append)
        return courier.take_in(self.joined, stick, hands, lambda: self.now)


class Desk:
    """A hub."""

    def __init__(self, home: Home, store: HubStore) -> None:
        self.home, self.store, self.now = home, store, NOW

    def join(self, folder: Path, name: str) -> Box:
        mine = identity.own(folder)
        _box, welcome = joining.enrol(self.home, self.store, mine.request(), name, self.now)
        return Box(identity.join_hub(mine, identity.welcomed(mine, welcome)))

    def take_in(self, stick: Path) -> list[Brought]:
        brought = hub_courier.take_in(self.home, self.store, stick, self.now)
        for one in brought:
            if one.why is None:
                self.answer(stick, one.box)
        return brought

    def answer(self, stick: Path, box: str) -> None:
        known = self.store.box(box)
        assert known is not None
        hub_courier.write_answer(self.home, self.store, stick, known, self.now)

    def has(self, box: Box) -> set[str]:
        return {one.id for one in self.store.messages(box=box.id)}


def picture() -> str:
    """One that nothing compresses."""
    return commands.picture("ab" * 16, commands.Picture("s1"), os.urandom(4096), "webp")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    home = found(tmp_path / "hub", host="localhost", port=8883, sms=None, now=NOW)
    with HubStore.open(home.database) as store:
        yield Desk(home, store)


@pytest.fixture
def hill(desk: Desk, tmp_path: Path) -> Box:
    return desk.join(tmp_path / "hill", "Hill")


@pytest.fixture
def dale(desk: Desk, tmp_path: Path) -> Box:
    return desk.join(tmp_path / "dale", "Dale")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def test_one_stick_serves_two_boxes_and_brings_their_answers(
    desk: Desk, hill: Box, dale: Box, stick: Path
) -> None:
    sent = {box.id: box.tell(*range(30)) for box in (hill, dale)}
    for box in (hill, dale):
        assert box.export(stick).messages == 30
        assert len(box.open()) == 30, "what goes by stick stays open"
    brought = desk.take_in(stick)
    assert sorted(brought, key=lambda one: one.box) == [Brought(box, 30) for box in sorted(sent)]
    for box in (hill, dale):
        assert desk.has(box) == set(sent[box.id])
        got = box.take_in(stick)
        assert got is not None and (got.acknowledged, got.passed_over) == (30, 0)
        assert box.open() == []
        assert box.times == [desk.now]


def test_what_came_by_air_and_by_stick_counts_once_and_is_acknowledged_by_both(
    desk: Desk, hill: Box, stick: Path
) -> None:
    sent = hill.tell(1, 2, 3)
    air = frame.pack(hill.id, hill.open()[:2], hill.joined.identity.key)
    receive(desk.store, desk.home.key, air, how=Way.MQTT, now=NOW)
    hill.export(stick)
    assert desk.take_in(stick) == [Brought(hill.id, 1, 2)]
    assert desk.has(hill) == set(sent) and desk.store.count_messages() == 3
    got = hill.take_in(stick)
    assert got is not None and got.acknowledged == 3, "the acknowledgement by air may not have come"


def test_a_stick_that_comes_again_changes_nothing(desk: Desk, hill: Box, stick: Path) -> None:
    hill.tell(1, 2)
    hill.export(stick)
    desk.take_in(stick)
    assert desk.take_in(stick) == [Brought(hill.id, 0, 2)]
    first, again = hill.take_in(stick), hill.take_in(stick)
    assert first is not None and again is not None
    assert (first.acknowledged, again.acknowledged) == (2, 0)


def test_messages_that_cannot_be_read_are_told_and_go_no_more(desk: Desk, hill: Box, stick: Path) -> None:
    hill.outbox.send(Outgoing(MessageKind.SUMMARY, '{"v":1}', key_of("bad")))
    hill.tell(1)
    hill.export(stick)
    assert desk.take_in(stick) == [Brought(hill.id, 1, 0, 1)]
    hill.take_in(stick)
    assert {one.state for one in hill.outbox.messages()} == {MessageState.REFUSED, MessageState.ACKNOWLEDGED}


def test_a_bad_file_stops_no_good_one(desk: Desk, hill: Box, dale: Box, stick: Path) -> None:
    for box in (hill, dale):
        box.tell(1)
        box.export(stick)
    whole = (stick / FOLDER / f"{hill.id}.up").read_bytes()
    (stick / FOLDER / f"{hill.id}.up").write_bytes(whole[:-1])
    (stick / FOLDER / "bnobody22.up").write_bytes(whole)
    (stick / FOLDER / "notes.txt").write_text("milk, eggs")
    found_ = {one.box: one for one in desk.take_in(stick)}
    assert found_ == {
        hill.id: Brought(hill.id, why="short"),
        dale.id: Brought(dale.id, 1),
        "bnobody22": Brought("bnobody22", why="unknown"),
    }
    assert desk.has(hill) == set()
    assert {(one.box, one.why) for one in desk.store.refused()} == {
        (hill.id, "short"),
        ("bnobody22", "unknown"),
    }
    assert not (stick / FOLDER / f"{hill.id}.down").exists()


def test_a_revoked_box_is_not_heard_by_stick_either(desk: Desk, hill: Box, stick: Path) -> None:
    hill.tell(1)
    hill.export(stick)
    joining.revoke(desk.home, desk.store, hill.id, NOW)
    assert desk.take_in(stick) == [Brought(hill.id, why="revoked")]
    assert desk.store.count_messages() == 0


@pytest.mark.parametrize("harm", ["cut", "changed", "others", "stranger"])
def test_an_answer_that_is_not_the_hubs_changes_nothing(
    desk: Desk, hill: Box, dale: Box, stick: Path, tmp_path: Path, harm: str
) -> None:
    for box in (hill, dale):
        box.tell(1)
        box.export(stick)
    desk.take_in(stick)
    file = stick / FOLDER / f"{hill.id}.down"
    whole = bytearray(file.read_bytes())
    if harm == "cut":
        file.write_bytes(whole[:-5])
    elif harm == "changed":
        whole[-100] ^= 4
        file.write_bytes(whole)
    elif harm == "others":
        shutil.copy(stick / FOLDER / f"{dale.id}.down", file)
    else:
        other = found(tmp_path / "other", host="localhost", port=1, sms=None, now=NOW)
        known = desk.store.box(hill.id)
        assert known is not None
        hub_courier.write_answer(other, desk.store, stick, known, NOW)
    with pytest.raises(Unreadable):
        hill.take_in(stick)
    assert len(hill.open()) == 1
    assert (hill.commands, hill.models, hill.times) == ([], {}, [])


def test_commands_go_by_stick_until_they_are_answered(desk: Desk, hill: Box, stick: Path) -> None:
    told = command(desk.home.key, hill.id, commands.Settings({"sync.gather_hours": 8}), NOW)
    desk.store.add_command(told)
    for _ in range(2):
        desk.answer(stick, hill.id)
        hill.take_in(stick)
    assert [one.id for one in hill.commands] == [told.id, told.id]
    answer = commands.answer(told.id, True, "Done.")
    hill.outbox.send(Outgoing(MessageKind.ANSWER, answer, key_of(told.id)))
    hill.export(stick)
    desk.take_in(stick)
    assert desk.store.waiting_commands(hill.id, NOW) == []
    (kept,) = desk.store.commands(hill.id)
    assert kept.answered_at == NOW


def test_another_boxs_answer_answers_nothing(desk: Desk, hill: Box, dale: Box, stick: Path) -> None:
    told = command(desk.home.key, hill.id, commands.Resend(("ab" * 16,)), NOW)
    desk.store.add_command(told)
    dale.outbox.send(Outgoing(MessageKind.ANSWER, commands.answer(told.id, True, "Done."), key_of(told.id)))
    dale.export(stick)
    desk.take_in(stick)
    assert len(desk.store.waiting_commands(hill.id, NOW)) == 1


def test_a_command_that_is_too_old_is_passed_over(desk: Desk, hill: Box, stick: Path) -> None:
    desk.store.add_command(command(desk.home.key, hill.id, commands.Resend(("ab" * 16,)), NOW))
    desk.answer(stick, hill.id)
    hill.now = NOW + 401 * DAY
    got = hill.take_in(stick)
    assert got is not None and (got.commands, got.passed_over) == (0, 1)
    assert hill.commands == []


def test_a_certificate_is_renewed_by_stick_alone(desk: Desk, hill: Box, stick: Path) -> None:
    assert not hill.export(stick).asks_for_certificate
    end = hill.joined.expires_at
    hill.now = desk.now = end + 30 * DAY  # nobody came for years: it has even ended
    hill.tell(1)
    assert hill.export(stick).asks_for_certificate
    assert desk.take_in(stick) == [Brought(hill.id, 1)]
    hill.take_in(stick)
    (told,) = hill.commands
    assert told.kind is DownKind.CERTIFICATE
    order = commands.read(told.kind, told.body)
    assert isinstance(order, commands.Certificate)
    assert renewal.offer(hill.joined.identity.folder, order.pem, hill.now)
    renewal.worked(hill.joined.identity.folder)
    assert identity.joined(hill.joined.identity.folder).expires_at > desk.now + 1800 * DAY
    assert desk.take_in(stick) == [Brought(hill.id, 0, 1)], "the old stick again"
    assert len(desk.store.commands(hill.id)) == 1, "gives no third certificate"


def test_a_box_that_lost_its_new_certificate_is_given_it_again(desk: Desk, hill: Box, stick: Path) -> None:
    """Its disk was restored from a copy: it has answered the command, and knows nothing of it."""
    hill.now = desk.now = hill.joined.expires_at - 30 * DAY
    hill.export(stick)
    desk.take_in(stick)
    hill.take_in(stick)
    (told,) = hill.commands
    hill.outbox.send(
        Outgoing(MessageKind.ANSWER, commands.answer(told.id, True, "Done."), key_of("answer", told.id))
    )
    hill.export(stick)
    desk.take_in(stick)
    assert hill.export(stick).asks_for_certificate
    desk.take_in(stick)
    hill.take_in(stick)
    assert [one.body for one in hill.commands] == [told.body] * 2
    desk.take_in(stick)
    assert len(desk.store.commands(hill.id)) == 2, "one waits for its answer: no other is made"


def test_a_certificate_that_is_given_waits_for_its_box_whatever_happens_then(desk: Desk, hill: Box) -> None:
    """The process is killed as the certificate was noted: the command is there too, or neither is."""

    class Killed(BaseException):
        pass

    class Dying(HubStore):
        def add_command(self, command: Command) -> None:
            raise Killed(command)

    late = hill.joined.expires_at - 30 * DAY
    with Dying.open(desk.home.database) as store, contextlib.suppress(Killed):
        joining.renew(desk.home, store, hill.id, late)
    joining.renew(desk.home, desk.store, hill.id, late)
    assert [one.kind for one in desk.store.waiting_commands(hill.id, late)] == ["certificate"]


def test_models_come_with_their_signatures(desk: Desk, hill: Box, stick: Path) -> None:
    for name, content in (
        ("weeds-2.onnx", b"onnx" * 999),
        ("weeds-2.onnx.minisig", b"sig"),
        (".hidden.onnx", b"x"),
    ):
        (desk.home.models / name).write_bytes(content)
    desk.answer(stick, hill.id)
    got = hill.take_in(stick)
    assert got is not None and got.models == ("weeds-2.onnx", "weeds-2.onnx.minisig")
    assert hill.models == {"weeds-2.onnx": b"onnx" * 999, "weeds-2.onnx.minisig": b"sig"}


def test_nothing_for_this_box_is_nothing(hill: Box, stick: Path) -> None:
    assert hill.take_in(stick) is None
    (stick / FOLDER).mkdir()
    assert hill.take_in(stick) is None


def test_thousands_of_messages_and_a_picture_fit(desk: Desk, hill: Box, stick: Path) -> None:
    sent = hill.tell(*range(1100))
    sent.append(hill.outbox.send(Outgoing(MessageKind.PICTURE, picture(), key_of("picture"))))
    size = hill.export(stick).size
    assert size < 600_000
    (one,) = desk.take_in(stick)
    assert (one.new, one.refused) == (1101, 0)
    assert {m.id for m in desk.store.messages(box=hill.id)} == set(sent)
    got = hill.take_in(stick)
    assert got is not None and got.acknowledged == 1101


def test_a_stick_that_is_full_leaves_all_as_it_was(hill: Box, tmp_path: Path) -> None:
    """On a file system of a few kilobytes of its own."""
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() or os.system(f"mount -t tmpfs -o size=64k tmpfs {small} 2>/dev/null"):  # noqa: S605
        pytest.skip("needs the right to mount")
    try:
        hill.tell(*range(20))
        hill.export(small)
        file = small / FOLDER / f"{hill.id}.up"
        before = file.read_bytes()
        states = [one.state for one in hill.outbox.messages()]
        many = [
            hill.outbox.send(Outgoing(MessageKind.PICTURE, picture(), key_of("picture", str(n))))
            for n in range(20)
        ]
        with pytest.raises(OSError, match="space"):
            hill.export(small)
        assert file.read_bytes() == before
        assert [one.name for one in (small / FOLDER).iterdir()] == [file.name]
        kept = [hill.outbox.message(one) for one in many]
        assert {one.state for one in kept if one} == {MessageState.WAITING}
        assert states == [MessageState.SENT] * 20
    finally:
        os.system(f"umount {small}")  # noqa: S605


def test_no_box_takes_the_place_of_another_with_its_id(desk: Desk, hill: Box, tmp_path: Path) -> None:
    """An id has 40 bits: whoever tries long enough finds a key that has it too."""
    thief = identity.own(tmp_path / "thief")
    known = desk.store.box(hill.id)
    assert known is not None
    certificate = Certificate("0b", NOW + DAY, "")
    desk.store.add_box(replace(known, id=thief.box, certificate=certificate), NOW)
    with pytest.raises(Rejected, match="knows another box"):
        joining.enrol(desk.home, desk.store, thief.request(), "Hill", NOW)
    kept = desk.store.box(thief.box)
    assert kept is not None and kept.key == known.key


def test_the_same_certificate_is_not_given_twice(desk: Desk, hill: Box) -> None:
    late = hill.joined.expires_at - 100 * DAY
    for box in (hill.id, hill.id, "bnobody22"):
        joining.renew(desk.home, desk.store, box, late)
    given = desk.store.newest_certificate(hill.id)
    assert given is not None and given.expires_at > late + 1800 * DAY
    assert len(desk.store.commands()) == 1


def test_a_file_with_anothers_frames_takes_nothing_for_this_box(
    desk: Desk, hill: Box, dale: Box, stick: Path
) -> None:
    """A box may carry what another signed; it is the other's, and only if the other is heard."""
    theirs = dale.tell(1)
    content = frame.pack(dale.id, dale.open(), dale.joined.identity.key)
    forged = frame.pack(dale.id, [replace(dale.open()[0], body=summary(9))], hill.joined.identity.key)
    parts = [wire.Part(wire.PartKind.FRAME, one) for one in (content, forged)]
    wire.write(stick, wire.Way.UP, hill.id, parts, hill.joined.identity.key, NOW)
    assert desk.take_in(stick) == [Brought(hill.id, 1, 0, 1)]
    assert desk.has(hill) == set()
    assert desk.has(dale) == set(theirs)
