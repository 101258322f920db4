"""What the pages say of the box itself: what is known, what is not, and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.boxstate import Urgency, concerns, look
from fieldbox.dashboard.machine import box_state
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Vital
from fieldbox.services.beating import beating
from fieldbox.services.machine import Machine
from fieldbox.services.watching import Watch
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import DemoBox, make_box
from tests.services.machines import put, raspberry, say_bits

NOW = datetime.now(UTC)


class House:
    """A box with a machine whose files a test changes."""

    def __init__(self, root: Path, password_hash: str) -> None:
        self.demo: DemoBox = make_box(root / "box")
        self.files = root / "machine"
        self.demo.store.add_user("asha", password_hash, "owner")
        self.demo.store.add_user("vik", password_hash, "viewer")
        self.config = Config(storage=StorageConfig(root=self.demo.root, reserve_mb=0))
        self.machine = raspberry(self.files)
        put(self.files / "synchronised", "")

    def watch(self, machine: Machine | None = None) -> Watch:
        return Watch(self.config, self.demo.store, machine or self.machine)

    def app(self, watch: Watch | None = None) -> Flask:
        beyond = Beyond(machine=watch or self.watch())
        return create_app(self.demo.store, self.demo.root, secret_key=KEY, beyond=beyond)

    def page(self, watch: Watch | None = None, path: str = "/box", name: str = "asha") -> str:
        client = log_in(self.app(watch).test_client(), name)
        answer = client.get(path)
        assert answer.status_code == 200
        return unescape(answer.get_data(as_text=True))

    def lived(self, days: int, celsius: float = 55.0, weak_on: int | None = None) -> None:
        """Readings of so many days; the disk fills by 1 % a day."""
        total = self.watch().reading().vital.disk_total
        for half in range(days * 48):
            hour = half / 2
            at = NOW - timedelta(hours=days * 24 - hour)
            warm = celsius + 8 * math.sin(hour / 24 * 2 * math.pi)
            weak = weak_on is not None and hour == weak_on * 24
            free = round(total * (0.6 - 0.01 * hour / 24))
            self.demo.store.keep_vital(Vital(at, warm, weak, weak, free, total, 4 * 10**9, 0.3))


@pytest.fixture
def house(tmp_path: Path, password_hash: str) -> Iterator[House]:
    made = House(tmp_path, password_hash)
    yield made
    made.demo.store.close()


def test_a_box_that_is_well_says_so(house: House) -> None:
    with beating(house.config, "web"), beating(house.config, "worker"), beating(house.config, "intake"):
        page = house.page()
    assert "The box is well." in page
    assert "61" in page and "Raspberry Pi 5 Model B Rev 1.0" in page
    assert page.count("does not run") == 1, "sending never ran here, and need not"


def test_heat_is_told_with_what_to_do(house: House) -> None:
    put(house.files / "thermal" / "thermal_zone0" / "temp", "82400\n")
    page = house.page()
    assert "It is too hot: 82 °C." in page and "Give it air" in page


def test_weak_power_is_told_with_what_to_do(house: House) -> None:
    put(house.files / "hwmon" / "hwmon1" / "in0_lcrit_alarm", "1\n")
    page = house.page()
    assert "Its power supply is too weak" in page and "27 W" in page


def test_power_that_was_weak_yesterday_is_told_for_two_weeks(house: House) -> None:
    house.lived(12, weak_on=3)
    page = house.page()
    assert "Weak power in the last 14 days: 1 reading, last on" in page
    assert "power supply was too weak" not in page.split("Temperature")[0], "not of today: no alarm"


def test_what_the_machine_does_not_say_is_not_known_and_never_0(house: House, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    dumb = Machine(nothing, nothing, "no-such-tool", nothing, nothing, nothing, nothing)
    page = house.page(house.watch(dumb))
    figures = dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd[^>]*>\s*(?:<strong>)?([^<]+)", page))
    for name in ("Temperature", "Power", "Memory free", "Busy", "Speed", "Switched on"):
        assert figures[name].strip() == "not known", name
    assert "does not say whether its power is enough" in page
    assert "Not known yet: the box reads its temperature" in page


def test_the_temperature_is_drawn_and_told_as_a_table(house: House) -> None:
    house.lived(14)
    page = house.page()
    drawings = re.findall(r"<svg class=\"chart\".*?</svg>", page, re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        assert "style=" not in drawing, "browsers refuse it here"
        assert re.search(r'role="img" aria-label="The last [^"]+ Between 47 and 63 °C', drawing)
        numbers = re.findall(r"[\d.]+,([\d.]+)", re.findall(r'points="([^"]+)"', drawing)[0])
        assert len(numbers) > 20 and all(8 <= float(one) <= 126 for one in numbers)
    assert page.count("47–") >= 1 and page.count("<table") == 2


def test_a_night_without_readings_is_a_gap_in_the_line(house: House) -> None:
    house.lived(2)
    whole = house.page()
    spread = re.findall(r'<polyline class="line"', whole)
    store = house.demo.store
    for hours in (40, 41):
        reading = store.vitals(NOW - timedelta(days=14))[-1]
        store.keep_vital(replace(reading, at=NOW - timedelta(days=9, hours=hours)))
    assert len(re.findall(r'<polyline class="line"', house.page())) == len(spread) + 1


def test_when_the_disk_is_full_is_told_with_its_interval(house: House) -> None:
    house.lived(2)
    assert "is told after three days of readings" in house.page()
    house.lived(20)
    page = house.page()
    assert re.search(r"Full in about \d+ (days|weeks) \(\d+–\d+\) at the pace of the last month", page)
    assert "photos of the flights that were mapped longest ago make room" in page


def test_a_disk_that_does_not_fill_is_told_so(house: House) -> None:
    first = house.watch().reading().vital
    for day in range(9):
        house.demo.store.keep_vital(replace(first, at=NOW - timedelta(days=day)))
    assert "At the pace of the last month the disk does not fill." in house.page()


def test_what_fills_the_disk_is_told_once_it_was_looked_up(house: House) -> None:
    watch = house.watch()
    assert "is being looked up" in house.page(watch)
    watch.walk()
    page = house.page(watch)
    assert "Photos as they came" in page and "Plants, surveys and messages" in page


def test_services_that_stopped_are_told_first(house: House) -> None:
    with beating(house.config, "sync"):
        pass
    page = house.page()
    told = [page.index(one) for one in ("no flight is mapped", "no card is read", "nothing leaves the farm")]
    assert max(told) < page.index("Temperature")


def test_the_owner_has_the_disk_looked_through_and_room_made(house: House) -> None:
    watch = house.watch()
    client = log_in(house.app(watch).test_client())
    for action, wanted in (("check", watch.is_checking), ("room", watch.is_making_room)):
        answer = client.post(f"/box/{action}", data={"csrf_token": token_of(client, "/box")})
        assert answer.status_code == 302 and wanted()
    watch.walk()
    watch.tidy()
    page = unescape(client.get("/box").get_data(as_text=True))
    assert "it is sound." in page and "Nothing had to go" in page
    told = [(one.actor, one.action) for one in house.demo.store.audits(2)]
    assert told == [("asha", "room made"), ("asha", "disk checked")]


def test_a_viewer_sees_how_the_box_does_and_changes_nothing(house: House) -> None:
    client = log_in(house.app().test_client(), "vik")
    page = client.get("/box").get_data(as_text=True)
    assert "/box/check" not in page and "/box/room" not in page
    token = token_of(client, "/settings")
    assert client.post("/box/check", data={"csrf_token": token}).status_code == 403
    assert client.post("/box/room", data={"csrf_token": token}).status_code == 403


def test_a_box_that_nobody_looks_after_has_no_such_page(client: FlaskClient, app: Flask) -> None:
    assert client.get("/box").status_code == 404
    with app.app_context():
        assert box_state() == []


def test_home_is_told_what_is_urgent_first(house: House) -> None:
    put(house.files / "thermal" / "thermal_zone0" / "temp", "77000\n")
    (house.files / "synchronised").unlink()
    say_bits(house.files, 0x1)
    (house.files / "hwmon" / "hwmon1" / "in0_lcrit_alarm").unlink()
    with house.app().app_context():
        found = box_state()
    urgencies = [one.urgency for one in found]
    assert urgencies == sorted(urgencies, key=lambda one: one is not Urgency.NOW)
    assert any("power supply is too weak" in one.what.in_language("en") for one in found)
    assert any("getting hot: 77" in one.what.in_language("en") for one in found)


def test_a_damaged_database_is_told_before_all_else(house: House) -> None:
    watch = house.watch()

    class Damaged:
        at, problems = NOW, ("row 7 missing from index ix",)

    found = replace(look(house.demo.store, watch), checked=Damaged())
    assert concerns(found)[0].what.template == "Its database is damaged."
