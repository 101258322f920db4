"""What the hub tells the box to do: done once, answered, and refused where it is not to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fieldbox.config import Config
from fieldbox.domain import MessageKind, MessageState, Outgoing, Survey
from fieldbox.errors import Rejected
from fieldbox.ingest.copy import original_path
from fieldbox.services import fromhub
from fieldbox.services.commanding import MOST_PICTURES, Commander, made_apart
from fieldbox.services.spotting import packed, window
from fieldbox.storage.store import Store
from fieldbox.sync import renewal
from fieldbox.sync.identity import NEXT, joined
from fieldbox.wire import commands, schemas
from fieldbox.wire.commands import Certificate, Picture, Resend, Settings
from fieldbox.wire.down import VALID_FOR, Down, DownKind
from fieldbox.wire.ids import key_of
from tests.services.joinedbox import NOW, joined_box
from tests.storage.samples import add_flight, survey, told

WEBP = b"RIFF....WEBP"


class Box:
    """A box that hears commands."""

    def __init__(self, folder: Path, **sync: Any) -> None:
        self.config, self.hub = joined_box(folder, **sync)
        self.now = NOW
        self.store = Store.open(self.config.database, clock=lambda: self.now)
        self.made: list[Picture] = []

    def commander(self, config: Config | None = None) -> Commander:
        return Commander(config or self.config, self.store, lambda: self.now, self._make)

    def hears(self, kind: DownKind, order: commands.Command) -> dict[str, Any]:
        """Follow a command; its answer."""
        return self.follows(self.hub.orders(kind, order))

    def follows(self, told: Down) -> dict[str, Any]:
        before = len(self.answers())
        self.commander().follow(told)
        self.commander().work()
        answers = self.answers()
        assert len(answers) == before + 1
        assert answers[-1]["to"] == told.id
        assert {one.id: one.done for one in self.store.commands()}[told.id] == answers[-1]["done"]
        return answers[-1]

    def answers(self) -> list[dict[str, Any]]:
        bodies = [one.body for one in self.store.messages() if one.kind is MessageKind.ANSWER]
        assert [schemas.fault(MessageKind.ANSWER, one) for one in bodies] == [None] * len(bodies)
        return [json.loads(one) for one in bodies[::-1]]

    def has_survey(self) -> Survey:
        flight = add_flight(self.store)
        made = survey(flight)
        nothing = lambda east, north: (north, east)  # noqa: E731
        self.store.save_survey(made, [], told(), plan_key="p", release_sha="r", to_geographic=nothing)
        return made

    def _make(self, _config: Config, wanted: Picture) -> bytes:
        self.made.append(wanted)
        if wanted.spot > 2:
            raise Rejected("There is no such spot.")
        return WEBP


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    with made.store:
        yield made


def sent(box: Box, number: int) -> str:
    one = box.store.send(Outgoing(MessageKind.SUMMARY, '{"v":1}', key_of(str(number))))
    box.store.acknowledge(box.now, ids=[one])
    return one


def test_messages_go_again(box: Box) -> None:
    ids = [sent(box, number) for number in range(3)]
    answer = box.hears(DownKind.RESEND, Resend((ids[0], "f" * 32)))
    assert (answer["done"], answer["count"]) == (True, 1)
    states = {one.id: one.state for one in box.store.messages()}
    assert [states[one] for one in ids] == [MessageState.WAITING] + [MessageState.ACKNOWLEDGED] * 2
    box.now += timedelta(days=1)
    later = sent(box, 9)
    assert box.hears(DownKind.RESEND, Resend(since=NOW + timedelta(hours=1)))["count"] == 1
    assert box.store.message(later).state is MessageState.WAITING  # type: ignore[union-attr]


def test_a_command_that_comes_again_changes_nothing(box: Box) -> None:
    one = sent(box, 1)
    order = box.hub.orders(DownKind.RESEND, Resend((one,)))
    box.follows(order)
    box.store.acknowledge(box.now, ids=[one])
    box.commander().follow(order)
    assert box.store.message(one).state is MessageState.ACKNOWLEDGED  # type: ignore[union-attr]
    assert len(box.answers()) == len(box.store.commands()) == 1


def test_a_command_that_is_too_old_is_not_followed(box: Box) -> None:
    one = sent(box, 1)
    old = replace(
        box.hub.orders(DownKind.RESEND, Resend((one,))), issued=NOW - VALID_FOR - timedelta(seconds=1)
    )
    box.commander().follow(old)
    assert box.answers() == []
    assert box.store.commands() == []
    assert box.store.message(one).state is MessageState.ACKNOWLEDGED  # type: ignore[union-attr]


def test_a_clock_that_was_years_ahead_lets_no_command_be_followed_twice(box: Box) -> None:
    """Whoever has the broker keeps what the hub said, and says it again."""
    first = box.hub.orders(DownKind.SETTINGS, commands.Settings({"sync.gather_hours": 6}))
    box.follows(first)
    box.now += timedelta(days=3000)
    box.hub.now += timedelta(days=3000)
    box.follows(box.hub.orders(DownKind.SETTINGS, commands.Settings({"sync.gather_hours": 9})))
    box.now -= timedelta(days=3000)
    box.commander().follow(first)
    assert fromhub.told(box.store) == {"sync.gather_hours": 9}


def test_so_many_commands_are_remembered_and_no_more(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldbox.storage.commands.KEPT", 3)
    told = [box.hub.orders(DownKind.RESEND, commands.Resend(("ab" * 16,))) for _ in range(6)]
    for one in told:
        box.follows(one)
        box.now -= timedelta(hours=1)
    assert {one.id for one in box.store.commands()} == {one.id for one in told[-3:]}


def test_what_is_no_command_is_answered_so(box: Box) -> None:
    told = box.hub.told(DownKind.RESEND, {"nonsense": 1})
    assert box.follows(told)["done"] is False


def test_settings_of_the_hub_go_over_those_of_the_owner_who_takes_them_back(box: Box) -> None:
    wanted = {"sync.gather_hours": 12, "sync.quiet_hours": "modem 22:00-05:00", "sms.language": "hi"}
    assert box.hears(DownKind.SETTINGS, Settings(wanted))["done"]
    now = fromhub.settled(box.config, box.store)
    assert (now.sync.gather_hours, now.sync.quiet_hours, now.sms.language) == (
        12.0,
        "modem 22:00-05:00",
        "hi",
    )
    assert box.hears(DownKind.SETTINGS, Settings({"sync.gather_hours": 6, "sms.language": None}))["done"]
    assert fromhub.told(box.store) == {"sync.gather_hours": 6, "sync.quiet_hours": "modem 22:00-05:00"}
    fromhub.undo(box.store, "sync.gather_hours")
    assert fromhub.settled(box.config, box.store).sync.gather_hours == box.config.sync.gather_hours
    with pytest.raises(Rejected, match="quiet_hours"):
        fromhub.undo(box.store, "sync.gather_hours")


@pytest.mark.parametrize(
    "values",
    [
        {"summary.share_name": True},
        {"summary.share_position": True},
        {"sync.pictures": True},
        {"sync.hub_settings": True},
        {"sync.alerts_in_quiet_hours": True},
        {"sync.identity": "/tmp"},  # noqa: S108
        {"sync.modem_connection": "x"},
        {"storage.root": "/"},
        {"sync.gather_hours": -1},
        {"sms.numbers": "+919812345678"},
        {"sms.language": "fr"},
        {"sync.gather_hours": "soon"},
        {"sync.monthly_mb": "pigeon 3"},
        {"sync.gather_hours": 5, "web.host": "0.0.0.0"},  # noqa: S104
    ],
)
def test_what_the_hub_may_not_set_changes_nothing_at_all(box: Box, values: dict[str, Any]) -> None:
    assert box.hears(DownKind.SETTINGS, Settings(values))["done"] is False
    assert fromhub.told(box.store) == {}
    assert fromhub.settled(box.config, box.store) == box.config


def test_the_owner_may_let_the_hub_set_nothing(tmp_path: Path) -> None:
    with (box := Box(tmp_path, hub_settings=False)).store:
        answer = box.hears(DownKind.SETTINGS, Settings({"sync.gather_hours": 5}))
        assert (answer["done"], "sync.hub_settings" in answer["why"]) == (False, True)


def test_settings_that_this_release_does_not_take_are_passed_over(box: Box) -> None:
    box.store.set_setting(
        fromhub.SETTING, '{"sync.gather_hours":"often","sync.pictures":true,"sync.listen_hours":3}'
    )
    now = fromhub.settled(box.config, box.store)
    assert (now.sync.gather_hours, now.sync.pictures, now.sync.listen_hours) == (4.0, False, 3.0)


def test_no_picture_leaves_the_farm_unless_the_owner_lets_it(box: Box) -> None:
    made = box.has_survey()
    answer = box.hears(DownKind.PICTURE, Picture(made.id))
    assert (answer["done"], "sync.pictures" in answer["why"]) == (False, True)
    assert box.made == []


def test_a_picture_is_made_once_and_sent_with_its_answer(tmp_path: Path) -> None:
    with (box := Box(tmp_path, pictures=True)).store:
        made = box.has_survey()
        order = box.hub.orders(DownKind.PICTURE, Picture(made.id, 2))
        box.commander().follow(order)
        box.commander().follow(order)
        assert box.made == []
        assert box.commander().work() is True
        assert box.commander().work() is False
        box.commander().follow(order)
        assert box.commander().work() is False
        assert box.made == [Picture(made.id, 2)]
        (picture,) = (one for one in box.store.messages() if one.kind is MessageKind.PICTURE)
        assert schemas.fault(MessageKind.PICTURE, picture.body) is None
        assert json.loads(picture.body)["spot"] == 2
        assert [one["done"] for one in box.answers()] == [True]
        assert box.hears(DownKind.PICTURE, Picture(made.id, 3))["done"] is False
        assert box.hears(DownKind.PICTURE, Picture("another"))["done"] is False
        for _number in range(MOST_PICTURES + 2):
            box.commander().follow(box.hub.orders(DownKind.PICTURE, Picture(made.id)))
        assert sum(box.commander().work() for _ in range(MOST_PICTURES + 2)) == MOST_PICTURES
        assert sum("at once" in one["why"] for one in box.answers()) == 2


def test_a_picture_that_the_owner_lets_out_no_more_is_not_made(tmp_path: Path) -> None:
    with (box := Box(tmp_path, pictures=True)).store:
        box.commander().follow(box.hub.orders(DownKind.PICTURE, Picture(box.has_survey().id)))
        without = replace(box.config, sync=replace(box.config.sync, pictures=False))
        assert box.commander(without).work() is True
        assert box.made == []
        assert ["sync.pictures" in one["why"] for one in box.answers()] == [True]


def test_a_picture_that_is_asked_for_while_another_is_made_is_made_too(tmp_path: Path) -> None:
    with (box := Box(tmp_path, pictures=True)).store:
        made = box.has_survey()

        def slowly(config: Config, wanted: Picture) -> bytes:
            if not box.made:  # a stick brings another wish
                box.commander().follow(box.hub.orders(DownKind.PICTURE, Picture(made.id, 2)))
            return box._make(config, wanted)

        box.commander().follow(box.hub.orders(DownKind.PICTURE, Picture(made.id, 1)))
        Commander(box.config, box.store, lambda: box.now, slowly).work()
        box.commander().work()
        assert box.made == [Picture(made.id, 1), Picture(made.id, 2)]


def test_a_picture_shows_the_spot_and_is_small(tmp_path: Path) -> None:
    """Made in a process of its own, of a photo that is all noise but for a bright square."""
    with (box := Box(tmp_path, pictures=True)).store:
        made = box.has_survey()
        path = original_path(box.config.storage.root / "originals", made.hotspots[0].digest)
        path.parent.mkdir(parents=True)
        photo = Image.effect_noise((1200, 900), 90).convert("RGB")
        photo.paste((255, 255, 255), (0, 0, 60, 60))
        photo.save(path, quality=90)
        file = made_apart(box.config, Picture(made.id))
        assert len(file) <= commands.PICTURE_BYTES
        (tmp_path / "spot.webp").write_bytes(file)
        with Image.open(tmp_path / "spot.webp") as shown:
            assert shown.format == "WEBP"
            assert 96 <= shown.width == shown.height <= 320
            corner = shown.convert("L").resize((16, 16)).getpixel((0, 0))
        assert isinstance(corner, int)
        assert corner > 180
        with pytest.raises(Rejected, match="number 7"):
            made_apart(box.config, Picture(made.id, 7))
        path.write_bytes(b"\xff\xd8 nothing")
        with pytest.raises(Rejected, match="damaged"):
            made_apart(box.config, Picture(made.id))
        path.unlink()
        with pytest.raises(Rejected, match="not on the box"):
            made_apart(box.config, Picture(made.id))


def test_the_part_of_a_photo_that_is_shown(box: Box) -> None:
    spot = box.has_survey().hotspots[0]
    for x, y in ((0.0, 0.0), (600.0, 400.0), (1199.0, 899.0)):
        left, top, right, bottom = window((1200, 900), replace(spot, pixel_x=x, pixel_y=y), 0.5)
        assert right - left == bottom - top == round(1.5 * 4.5**0.5 * 200)
        assert 0 <= left <= x <= right <= 1200
        assert 0 <= top <= y <= bottom <= 900
    assert window((30, 20), spot, 0.5) == (1, 0, 21, 20), (
        "a photo smaller than that is shown as far as it goes"
    )
    assert len(packed(Image.effect_noise((2000, 2000), 200).convert("RGB"))) <= commands.PICTURE_BYTES


def test_a_new_certificate_is_kept_to_be_tried(box: Box) -> None:
    folder = box.config.identity
    assert box.hears(DownKind.CERTIFICATE, Certificate(box.hub.certificate()))["done"]
    shown, trying = renewal.credentials(joined(folder))
    assert trying
    assert shown.certificate == folder / NEXT
    renewal.worked(folder)
    assert renewal.credentials(joined(folder)) == (replace(shown, certificate=folder / "tls.crt"), False)
    assert "as good" in box.hears(DownKind.CERTIFICATE, Certificate(box.hub.certificate()))["why"]
    assert not (folder / NEXT).exists()


def test_a_certificate_of_somebody_else_is_refused(box: Box, tmp_path: Path) -> None:
    _config, other = joined_box(tmp_path / "other")
    before = (box.config.identity / "tls.crt").read_text()
    too_old = box.hub.certificate(made=NOW - timedelta(days=4000))
    foreign = [
        other.certificate(of=box.hub.identity),
        box.hub.certificate(of=other.identity),
        "nonsense",
        too_old,
    ]
    for pem in foreign:
        assert box.hears(DownKind.CERTIFICATE, Certificate(pem))["done"] is False
    assert (box.config.identity / "tls.crt").read_text() == before
    assert not (box.config.identity / NEXT).exists()
