"""Which messages stand, and how many there are, whatever comes when, twice, in which frames and over what."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldbox.domain import Message, MessageKind
from fieldbox.hub.receiving import receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from tests.hub.boxes import NOW, Sender, summary
from tests.wire.bodies import BOX

HUB = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubStore]:
    with HubStore.open(tmp_path_factory.mktemp("standing") / "hub.db") as opened:
        yield opened


def season(box: Sender, plan: list[int]) -> list[Message]:
    """Surveys, each a new one (0) or another analysis of the one so many before; health reports (4) between them."""
    told: list[Message] = []
    for number, back in enumerate(plan):
        if back == 4:
            reports = [one.id for one in told if one.kind is MessageKind.BOX]
            replaces = [reports[0], reports[-1]] if reports else []
            body = json.dumps(BOX | {"surveys": number})
            told.append(box.message(body, MessageKind.BOX, replaces))
        else:
            surveys = [one for one in told if one.kind is MessageKind.SUMMARY]
            earlier = surveys[-back] if 0 < back <= len(surveys) else None
            replaces = [*earlier.replaces, earlier.id] if earlier else []
            told.append(box.message(summary(number), MessageKind.SUMMARY, replaces))
    return told


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_what_stands_is_what_nothing_replaces(store: HubStore, plan: list[int], data: st.DataObject) -> None:
    box = Sender()
    store.add_box(box.known, NOW)
    told = season(box, plan)
    order = data.draw(st.permutations(told)) + data.draw(st.lists(st.sampled_from(told), max_size=6))
    size = data.draw(st.integers(1, 4))
    for at in range(0, len(order), size):
        some = {one.id: one for one in order[at : at + size]}
        how = data.draw(st.sampled_from([Way.MQTT, Way.COURIER]))
        receive(store, HUB, box.frame(*some.values()), how=how, now=NOW)
    reports = [one.id for one in told if one.kind is MessageKind.BOX]
    replaced = {other for one in told if one.kind is MessageKind.SUMMARY for other in one.replaces}
    replaced.update(reports[:-1])
    ids = sorted(one.id for one in told)
    assert sorted(one.id for one in store.messages(box=box.id, standing=False)) == ids
    assert sorted(one.id for one in store.messages(box=box.id)) == sorted(set(ids) - replaced)
