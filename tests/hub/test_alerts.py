"""An alert that its box took back is shown to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.domain import MessageKind
from fieldbox.hub.reading import overview
from fieldbox.hub.receiving import receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from tests.hub.boxes import NOW, Sender
from tests.wire.bodies import ALERT

HUB = Ed25519PrivateKey.generate()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HubStore]:
    opened = HubStore.open(tmp_path / "hub.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("late", [False, True])
def test_an_alert_that_is_withdrawn_is_not_shown(store: HubStore, late: bool) -> None:
    box = Sender()
    store.add_box(box.known, NOW)
    alert = box.message(json.dumps(ALERT), MessageKind.ALERT)
    gone = {name: ALERT[name] for name in ("v", "survey", "field", "made")} | {"why": []}
    withdrawn = box.message(json.dumps(gone), MessageKind.ALERT, [alert.id])
    for one in (withdrawn, alert) if late else (alert,):
        receive(store, HUB, box.frame(one), how=Way.MQTT, now=NOW)
    assert [one.message.id for one in overview(store).alerts] == ([] if late else [alert.id])
    receive(store, HUB, box.frame(withdrawn), how=Way.MQTT, now=NOW)
    assert overview(store).alerts == []
