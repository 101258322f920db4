"""Ids sort by when their messages were made, whatever the clock does, and end in what tells their content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fieldbox.wire.ids import ID_BYTES, KEY_DIGITS, key_of, made_at, message_id

times = st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))


@given(st.lists(times, min_size=2, max_size=20))
def test_ids_rise_whatever_the_clock_does(told: list[datetime]) -> None:
    last, found = None, []
    for at in told:
        last = message_id(at, key_of("same"), last)
        found.append(last)
    assert found == sorted(set(found))
    assert all(len(bytes.fromhex(one)) == ID_BYTES for one in found)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))
def test_an_id_tells_its_time(at: datetime) -> None:
    assert timedelta(0) <= at - made_at(message_id(at, key_of("x"), None)) < timedelta(milliseconds=1)


def test_the_same_content_has_the_same_key() -> None:
    assert key_of("a", "b") == key_of("a", "b")
    assert key_of("a", "b") != key_of("ab") != key_of("b", "a")
    assert len(key_of("")) == KEY_DIGITS
