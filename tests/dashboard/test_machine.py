"""What the pages say of the box itself: what is known, what is not, and what to do."""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
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
from fieldbox.services.beating import beating, beats_folder
from fieldbox.services.logbook import LogFile, logs_folder
from fieldbox.services.machine import Machine
from fieldbox.services.support import Support
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

    def long_ago(self, service: str) -> None:
        """As if the service had been started, and last been seen, an hour ago."""
        file, then = beats_folder(self.config) / service, NOW - timedelta(hours=1)
        file.write_text(then.isoformat())
        os.utime(file, (then.timestamp(), then.timestamp()))


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
    assert "does not run" not in page and "not in use here" in page, "a box without a hub need not send"


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
    house.long_ago("sync")
    page = house.page()
    told = [page.index(one) for one in ("no flight is mapped", "no card is read", "nothing leaves the farm")]
    assert max(told) < page.index("Temperature")
    assert "/box/log?service=worker" in page, "the log that is spoken of"


def test_a_box_that_was_just_started_says_so_instead_of_crying(house: House) -> None:
    with beating(house.config, "web"):
        page = house.page()
        assert "The box is starting: not all of it runs yet." in page and "is starting" in page
        assert "does not run" not in page
        assert "The box is starting: not all of it runs yet." in house.page(path="/")
        house.long_ago("web")
        assert "The intake does not run" in house.page()


def test_a_service_that_is_started_again_is_no_trouble_until_it_had_time_to(house: House) -> None:
    with beating(house.config, "web"), beating(house.config, "worker"):
        house.long_ago("web")
        with beating(house.config, "intake"):
            house.long_ago("intake")
        assert "does not run" not in house.page(), "it was stopped just now"
        house.long_ago("intake")
        assert "The intake does not run" in house.page()


def test_home_knows_at_once_that_a_service_runs_again(house: House) -> None:
    client = log_in(house.app().test_client())
    with beating(house.config, "web"), beating(house.config, "worker"):
        house.long_ago("web")
        page = unescape(client.get("/").get_data(as_text=True))
        assert "The intake does not run" in page and "/box/log?service=intake" in page
        with beating(house.config, "intake"):
            assert "does not run" not in client.get("/").get_data(as_text=True)


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


# -- models, log, support file ---------------------------------------------------------------------


def test_each_model_is_told_with_its_card_its_figures_and_what_it_was_not_trained_for(house: House) -> None:
    page = house.page(path="/box/models")
    assert page.count('<section class="card">') == 3
    assert "1 survey was made with it" not in page, "the demo's survey is of another release"
    link = re.search(r'href="(/box/models/weeds/[0-9a-f]{64})"', page)
    assert link
    card = house.page(path=link[1])
    assert "Weeds found" in card and "mm a pixel" in card and "without a count" in card
    assert card.count("<h1>") == 1 and "<h3>Measured</h3>" in card
    assert (
        '<div class="scrolls"' in card and "<script>" not in card and "style=" not in card.split("<main")[1]
    )
    assert not re.search(r'(src|href)="(https?:|[^/#"])', card.split("model-card")[1]), (
        "only what is on this box"
    )


def test_surveys_are_counted_for_the_model_that_made_them(house: House) -> None:
    store = house.demo.store
    made = replace(store.surveys()[0], id="sv-2", release="fieldbox-weeds@3")
    store.save_survey(
        made, [], [], plan_key="p2", release_sha="ef" * 32, to_geographic=lambda east, north: (north, east)
    )
    assert "1 survey was made with it, since 3 June 2026." in house.page(path="/box/models")


def test_a_model_that_there_is_not_is_not_shown(house: House) -> None:
    client = log_in(house.app().test_client())
    assert client.get("/box/models/weeds/" + "0" * 64).status_code == 404


def say_some(house: House) -> None:
    web, worker = LogFile(logs_folder(house.config), "web"), LogFile(logs_folder(house.config), "worker")
    web.add("info", "dashboard answers", {"url": "http://here"})
    for number in range(60):
        worker.add("info", f"flight {number} mapped", {"photos": number})
    worker.add("warning", "flight not mapped", {"reason": "<b>Too dark</b>"})
    worker.add("error", "fault while mapping", {"flight": "9c1d", "trace": "Traceback\n  line 1"})


def test_the_log_is_shown_newest_first_and_page_by_page(house: House) -> None:
    say_some(house)
    page = house.page(path="/box/log")
    told = re.findall(r'class="said">([^<]+)<', page)
    assert told[:3] == ["Fault while mapping", "Flight not mapped", "Flight 59 mapped"] and len(told) == 50
    assert "Traceback" in page and "Error" in page
    older = re.search(r'href="([^"]+before=[^"]+)"', page)
    assert older
    more = re.findall(r'class="said">([^<]+)<', house.page(path=older[1].replace("&amp;", "&")))
    assert more[0] == "Flight 11 mapped" and more[-1] == "Dashboard answers"
    assert not set(told) & set(more)


def test_the_log_is_filtered_and_what_it_says_is_text(house: House) -> None:
    say_some(house)
    client = log_in(house.app().test_client())
    page = client.get("/box/log?level=warnings&service=worker&words=DARK").get_data(as_text=True)
    assert re.findall(r'class="said">([^<]+)<', page) == ["Flight not mapped"]
    assert "&lt;b&gt;Too dark&lt;/b&gt;" in page
    assert 'value="DARK"' in page and 'value="worker" selected' in page
    nothing = client.get("/box/log?words=unheard").get_data(as_text=True)
    assert "Nothing like that was said" in nothing
    assert client.get("/box/log?before=nonsense&level=none&service=../etc").status_code == 200


def test_the_log_is_downloaded_as_it_is_filtered(house: House) -> None:
    say_some(house)
    client = log_in(house.app().test_client())
    answer = client.get("/box/log.txt?service=worker")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    lines = answer.get_data(as_text=True).splitlines()
    assert "Flight 0 mapped" in lines[0] and "photos: 0" in lines[0] and len(lines) == 64
    assert not any("Dashboard answers" in one for one in lines)


def test_the_owner_alone_gets_the_support_file(house: House) -> None:
    watch = house.watch()
    support = Support(house.config, house.demo.store, watch)
    app = create_app(
        house.demo.store, house.demo.root, secret_key=KEY, beyond=Beyond(machine=watch, support=support)
    )
    client = log_in(app.test_client())
    answer = client.post("/box/support", data={"csrf_token": token_of(client, "/box")})
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as found:
        assert found.testzip() is None and "README.txt" in found.namelist()
    assert house.demo.store.audits(1)[0].action == "support file made"
    viewer = log_in(app.test_client(), "vik")
    page = viewer.get("/box").get_data(as_text=True)
    assert "/box/support" not in page and "/box/log" not in page
    token = token_of(viewer, "/settings")
    assert viewer.post("/box/support", data={"csrf_token": token}).status_code == 403
    assert viewer.get("/box/log").status_code == 403


def test_a_box_without_a_support_file_offers_none(house: House) -> None:
    client = log_in(house.app().test_client())
    page = client.get("/box").get_data(as_text=True)
    assert "/box/support" not in page
    assert client.post("/box/support", data={"csrf_token": token_of(client, "/box")}).status_code == 400
