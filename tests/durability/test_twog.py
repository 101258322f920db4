"""Short forms of `tests.durability.twog_proof` and `tests.durability.link_kill_proof`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from fieldbox.simulate.link import Fate
from tests.durability import link_kill_proof, twog_proof
from tests.durability.farside import BROKER, HUB
from tests.durability.link_kill_proof import BOX, Kill
from tests.durability.twog_proof import POOR, check_arrived, sending, set_up
from tests.namespaces import needs_tunnels
from tests.programs import needs_mosquitto, until

pytestmark = needs_mosquitto


@needs_tunnels
def test_summaries_cross_a_link_that_is_lost_and_forgets_the_connection(tmp_path: Path) -> None:
    # This carrier lets the box know that it forgot it, which is the quicker for a test.
    quick = replace(
        POOR,
        up_bps=60_000,
        down_bps=60_000,
        rtt_s=0.3,
        loss=0.02,
        outages=None,
        nat_idle_s=3,
        nat_remaps=True,
    )
    with set_up(tmp_path, quick, 200) as setting, sending(setting) as process:
        _await_sent(setting)
        setting.link.cut()
        time.sleep(3.5)  # longer than the carrier remembers
        setting.link.mend()
        assert process.wait(timeout=60) == 0
        check_arrived(setting)
        report = setting.link.report()
    assert report.up.lost[Fate.OUTAGE] > 0
    assert report.offered / 200 < twog_proof.MOST_BYTES_EACH


def _await_sent(setting: twog_proof.Setting) -> None:
    until(lambda: setting.link.report().up.delivered >= 8_000, setting.far.said)


@pytest.mark.long
def test_killed_in_any_order_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    moments = [
        Kill((BOX,), 0.2, 0.0),
        Kill((BROKER,), 0.1, 0.0),
        Kill((HUB,), 0.4, 0.1, at_work=False),
        Kill((BROKER, BOX), 0.2, 0.0),
        Kill((HUB, BROKER), 0.4, 0.1, at_work=False),
        Kill((BOX,), 0.4, 0.0, at_work=False),
    ]
    proof = link_kill_proof.prove(tmp_path, moments, lambda _line: None)
    assert proof.killed.total() == 8
    assert (proof.lost, proof.doubled) == (0, 0)
    assert proof.handed >= proof.messages > 0
