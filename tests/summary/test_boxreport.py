"""A health report fits in 400 bytes, whatever the numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files

import jsonschema
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldbox.domain import MessageKind, MessageState
from fieldbox.summary.boxreport import MAX_BYTES, BoxState, ClockState, report
from fieldbox.wire import compact
from fieldbox.wire.ids import key_of, message_id
from fieldbox.wire.schemas import fault
from tests.wire.bodies import facts

SCHEMA = json.loads((files("fieldbox.summary") / "box-v1.schema.json").read_text())
AT = datetime(2027, 6, 10, 5, tzinfo=UTC)

count = st.integers(0, 10**9)
amount = st.floats(0, 1e7)
states = st.builds(
    BoxState,
    app=st.text(max_size=60),
    models=st.lists(st.text(st.characters(), max_size=60), max_size=5).map(tuple),
    up_hours=amount | st.none(),
    clock=st.sampled_from(ClockState),
    free_gb=amount,
    total_gb=amount,
    full_days=amount | st.none(),
    database_mb=amount,
    temperature_c=st.floats(-273, 1e4) | st.none(),
    throttled=st.booleans() | st.none(),
    surveys=count,
    photos=count,
    outbox=st.dictionaries(st.sampled_from(MessageState), count),
    failed=count,
    last_failure=st.none() | st.text(st.characters(), max_size=400) | st.just("\x00" * 300),
    link=st.none() | st.text(st.characters(), max_size=200),
)
USUAL = BoxState(
    app="0.1.0",
    models=("weeds@3",),
    up_hours=412.7,
    clock=ClockState.SET,
    free_gb=41.23,
    total_gb=117.8,
    full_days=61.9,
    database_mb=38.25,
    temperature_c=61.25,
    throttled=False,
    surveys=312,
    photos=41022,
    outbox={MessageState.WAITING: 3, MessageState.ACKNOWLEDGED: 298},
    failed=2,
    last_failure="No photo of this flight could be placed, so there is nothing to map.",
)


@settings(max_examples=200, deadline=None)
@example(USUAL)
@given(states)
def test_it_always_fits_and_arrives(state: BoxState) -> None:
    text = report(state, AT)
    assert len(text.encode()) <= MAX_BYTES
    body = json.loads(text)
    jsonschema.validate(body, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert fault(MessageKind.BOX, text) is None
    identity = message_id(AT, key_of(text), None)
    short = compact.pack(MessageKind.BOX, text, identity)
    assert facts(compact.unpack(MessageKind.BOX, short, identity) or "") == facts(text)


def test_a_usual_one_is_short() -> None:
    text = report(USUAL, AT)
    body = json.loads(text)
    assert (body["up_h"], body["full_days"], body["disk_gb"], body["temp_c"]) == (
        412,
        61,
        [41.2, 117.8],
        61.2,
    )
    assert body["outbox"] == {"waiting": 3, "sent": 0, "acknowledged": 298, "superseded": 0, "refused": 0}
    assert body["last_failure"] == USUAL.last_failure
    assert len(compact.pack(MessageKind.BOX, text, message_id(AT, key_of(text), None))) < 60
