"""A box joins a hub and sends to it: with files that people carry, over a broker, and on a stick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from fieldbox.config import load_config
from fieldbox.services.box import open_store
from fieldbox.wire.courier import FOLDER
from tests.browser.conftest import PASSWORD
from tests.browser.journeys.living import PATIENCE_S, LivingBox
from tests.browser.journeys.test_more import content
from tests.browser.journeys.traveller import Traveller, Way, arrive
from tests.hub.boxes import tell
from tests.hubs import Station, station_in
from tests.programs import needs_mosquitto

pytestmark = needs_mosquitto
FOREVER_MS = int(1000 * PATIENCE_S)


@dataclass
class Farm:
    """A box whose survey waits for a hub, somebody at its dashboard, and the hub with its broker."""

    box: LivingBox
    hub: Station
    me: Traveller


@pytest.fixture
def farm(tmp_path: Path, browser: Browser, shots: Path, way: Way) -> Iterator[Farm]:
    """What waits is of made-up surveys; box, broker and hub are processes as ever."""
    box = LivingBox(tmp_path / "farm")
    box.people(meera="owner")
    with open_store(load_config(box.environ)) as store:
        tell(store, "survey", (1, 2))
    (tmp_path / "far").mkdir()
    with station_in(tmp_path / "far") as hub:
        try:
            box.start(("web", "sync"))
            me = arrive(browser, box.address, way, shots)
            me.log_in("meera", PASSWORD)
            me.page.wait_for_url(f"{box.address}/")
            yield Farm(box, hub, me)
            me.page.context.close()
        finally:
            box.stop()
    assert me.trouble == [], box.said()


def join(farm: Farm, folder: Path) -> None:
    """The request out, the hub's file back, its fingerprint held against what its keeper reads out."""
    me = farm.me
    me.go("/settings")
    me.go("/settings/hub")
    with me.page.expect_download() as told:
        me.press(me.link("Download the request"))
    request, welcome = folder / "box.request", folder / "hub.welcome"
    request.write_bytes(content(told.value))
    farm.hub.ok("hub", "enrol", request, "-o", welcome, "--name", "Hill")
    me.page.get_by_label(me.t("The file that came back")).set_input_files(welcome)
    me.press(me.button("Read this file"))
    expect(me.heading("Is this your hub?")).to_be_visible()
    me.look("hub-offered")
    me.press(me.button("It is the same: join"))
    expect(me.heading("This box belongs to a hub")).to_be_visible()


def test_a_box_joins_by_files_and_sends_at_once(farm: Farm, tmp_path: Path) -> None:
    """Send now, and what was sent is said to be with the hub only when it is."""
    join(farm, tmp_path)
    me = farm.me
    me.go("/sending")
    me.press(me.button("Send now"))
    me.look("send-now")
    me.page.wait_for_selector("[data-busy]", state="detached", timeout=FOREVER_MS)
    me.look("sent-now")
    is_with_the_hub(me)
    me.look("acknowledged")


def is_with_the_hub(me: Traveller) -> None:
    """The last page of a message's journey: the hub's own word."""
    me.go("/sending")
    me.press(me.page.locator(".messages").get_by_role("link").last)
    expect(me.page.get_by_text(me.told("The hub confirmed on %(when)s that it has it."))).to_be_visible()


def test_messages_go_by_hand_and_the_answer_comes_back(farm: Farm, tmp_path: Path) -> None:
    """A file out, to the hub on a stick, its answer back, and the messages are done."""
    join(farm, tmp_path)
    me = farm.me
    farm.hub.end(farm.hub.broker)  # no link now
    me.go("/sending")
    with me.page.expect_download() as told:
        me.press(me.button("Save what waits as a file"))
    name = told.value.suggested_filename
    stick = tmp_path / "stick"
    (stick / FOLDER).mkdir(parents=True)
    (stick / FOLDER / name).write_bytes(content(told.value))
    farm.hub.ok("hub", "import", stick)
    back = stick / FOLDER / name.replace(".up", ".down")
    me.page.locator("input[type=file][name=file]").set_input_files(back)
    me.press(me.button("Take it in"))
    expect(me.page.get_by_role("status").first).to_be_visible()
    me.look("by-hand")
    is_with_the_hub(me)
