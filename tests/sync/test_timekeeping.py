"""What time it is, on a box whose clock is dead, jumps, or is lied to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.errors import Unsent
from fieldbox.sync.memorylink import MemoryCarrier
from fieldbox.sync.memoryways import MemoryTime
from fieldbox.sync.timekeeping import BELIEVABLE, CLOSE, OLDEST, ListeningSession, TrustedClock
from fieldbox.wire import down
from fieldbox.wire.down import Acknowledgement, Down, DownKind
from fieldbox.wire.frame import batch_of

TRUE = datetime(2028, 3, 1, 12, 0, tzinfo=UTC)
DEAD = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_clock_that_may_be_right_is_gone_by() -> None:
    time = MemoryTime(TRUE)
    clock = TrustedClock(time)
    assert (clock.now(), clock.known(), clock.judged()) == (TRUE, True, None)
    time.pass_by(60)
    assert clock.now() == TRUE + timedelta(minutes=1)


def test_a_dead_clock_is_no_earlier_than_what_is_certain() -> None:
    time = MemoryTime(DEAD)
    clock = TrustedClock(time)
    clock.recall(None, TRUE)
    assert (clock.now(), clock.known(), clock.judged()) == (TRUE, False, TRUE)
    time.pass_by(3600)
    assert clock.now() == TRUE + HOUR
    assert TrustedClock(time).now() == OLDEST
    certain = TrustedClock(time, floor=TRUE)
    certain.recall(OLDEST, OLDEST)
    assert certain.now() == TRUE
    certain.recall(TRUE + HOUR, None)
    assert certain.now() == certain.floor == TRUE + HOUR


def test_the_hubs_word_sets_a_dead_clock() -> None:
    time = MemoryTime(DEAD)
    clock = TrustedClock(time)
    clock.hear_hub(TRUE, fresh=True)
    assert (time.now(), clock.now(), clock.known(), clock.judged(), clock.floor) == (
        TRUE,
        TRUE,
        True,
        None,
        TRUE,
    )


def test_where_it_may_not_be_set_the_box_goes_by_its_own() -> None:
    time = MemoryTime(DEAD, may_put=False)
    clock = TrustedClock(time)
    clock.hear_hub(TRUE, fresh=True)
    time.pass_by(3600)
    assert time.now() == DEAD + HOUR
    assert (clock.now(), clock.known(), clock.judged()) == (TRUE + HOUR, True, TRUE + HOUR)


def test_the_network_tells_a_dead_clock_and_nothing_more() -> None:
    time = MemoryTime(DEAD)
    clock = TrustedClock(time)
    clock.hear_network(None)
    assert not clock.known()
    clock.hear_network(OLDEST - HOUR)
    clock.hear_network(OLDEST + 2 * BELIEVABLE)
    assert not clock.known()
    clock.hear_network(TRUE)
    assert (time.now(), clock.floor) == (TRUE, OLDEST)
    clock.hear_hub(TRUE + 5 * HOUR, fresh=True)
    clock.hear_network(TRUE)
    assert clock.now() == TRUE + 5 * HOUR
    synchronised = TrustedClock(MemoryTime(TRUE, kept_right=True))
    synchronised.hear_network(TRUE + timedelta(days=900))
    assert synchronised.now() == TRUE


def test_a_clock_that_ran_ahead_is_put_back_by_a_fresh_word_only() -> None:
    ahead = TRUE + timedelta(days=3000)
    time = MemoryTime(ahead)
    clock = TrustedClock(time)
    clock.recall(None, ahead)
    clock.hear_hub(TRUE, fresh=False)
    assert (clock.now(), clock.floor) == (ahead, TRUE)
    clock.hear_hub(TRUE + HOUR, fresh=True)
    assert time.now() == clock.now() == TRUE + HOUR


def test_an_old_word_puts_a_slow_clock_on_and_a_replayed_one_nothing_back() -> None:
    time = MemoryTime(DEAD)
    clock = TrustedClock(time)
    clock.hear_hub(TRUE, fresh=False)
    assert clock.now() == TRUE
    clock.hear_hub(TRUE + 3 * HOUR, fresh=True)
    clock.hear_hub(TRUE + HOUR, fresh=True)
    assert clock.now() == TRUE + 3 * HOUR


def test_a_hub_whose_clock_was_years_ahead_does_no_lasting_harm() -> None:
    """It signed for a day with a time of five years later; commands of the years to come would all be too old."""
    ahead = TRUE + timedelta(days=1800)
    time = MemoryTime(TRUE)
    clock = TrustedClock(time)
    clock.hear_hub(ahead, fresh=True)
    assert clock.now() == ahead
    time.said = TRUE + HOUR
    clock.hear_hub(TRUE + HOUR, fresh=True)
    assert clock.floor == ahead, "the hub alone may be late now"
    time.kept_right = True
    clock.hear_hub(TRUE + HOUR, fresh=False)
    clock.hear_hub(TRUE - HOUR, fresh=True)
    assert clock.floor == ahead, "what is played again, or NTP alone, says nothing"
    clock.hear_hub(TRUE + HOUR, fresh=True)
    clock.recall(ahead, None)
    assert (clock.now(), clock.floor, clock.judged()) == (TRUE + HOUR, TRUE + HOUR, None)
    clock.hear_hub(TRUE + 2 * HOUR, fresh=True)
    assert clock.floor == TRUE + 2 * HOUR


def test_a_word_from_a_far_future_is_not_believed() -> None:
    clock = TrustedClock(MemoryTime(TRUE))
    clock.hear_hub(OLDEST + BELIEVABLE + HOUR, fresh=True)
    assert (clock.now(), clock.floor) == (TRUE, OLDEST)


def test_a_clock_that_is_kept_right_is_left_alone() -> None:
    time = MemoryTime(TRUE, kept_right=True)
    clock = TrustedClock(time)
    clock.hear_hub(TRUE + timedelta(minutes=10), fresh=True)
    assert time.now() == TRUE
    time.pass_by(3600)
    assert clock.now() == time.now() == TRUE + HOUR
    quick = MemoryTime(TRUE)
    TrustedClock(quick).hear_hub(TRUE + CLOSE / 2, fresh=True)
    assert quick.now() == TRUE


def test_what_was_seen_is_only_what_can_be() -> None:
    clock = TrustedClock(MemoryTime(DEAD))
    clock.recall(OLDEST + 2 * BELIEVABLE, OLDEST + 2 * BELIEVABLE)
    assert clock.now() == clock.floor == OLDEST


jumps = st.lists(
    st.tuples(
        st.sampled_from(["jump", "pass", "fresh", "old", "network"]),
        st.integers(-(10**9), 10**9),
    ),
    max_size=30,
)


@given(jumps, st.booleans(), st.booleans())
def test_it_never_goes_below_its_floor_which_falls_only_where_the_hub_and_ntp_agree(
    steps: list[tuple[str, int]], may_put: bool, kept_right: bool
) -> None:
    time = MemoryTime(TRUE, may_put=may_put, kept_right=kept_right)
    clock = TrustedClock(time)
    last, elapsed = clock.floor, clock.elapsed()
    for step, seconds in steps:
        at = TRUE + timedelta(seconds=seconds)
        agree = step == "fresh" and kept_right and abs(time.said - at) <= CLOSE
        match step:
            case "jump":
                time.said = at
            case "pass":
                time.pass_by(abs(seconds) % 10**6)
            case "network":
                clock.hear_network(at)
            case _:
                clock.hear_hub(at, fresh=step == "fresh")
                if step == "fresh" and clock.floor == at and not kept_right:
                    assert abs(clock.now() - at) <= CLOSE
        assert clock.now() >= clock.floor
        assert clock.floor >= last or (agree and clock.floor == at)
        assert clock.elapsed() >= elapsed
        judged = clock.judged()
        assert judged is None or judged == clock.now()
        last, elapsed = clock.floor, clock.elapsed()


HUB, BOX = Ed25519PrivateKey.generate(), "b" + "a" * 8


def word(kind: DownKind, issued: datetime, *batches: str, key: Ed25519PrivateKey = HUB) -> bytes:
    return down.pack(Down(BOX, "1" * 32, issued, kind, Acknowledgement(batches).body()), key)


@pytest.mark.parametrize(
    ("said", "now"),
    [
        (lambda: [word(DownKind.ACKNOWLEDGE, TRUE, batch_of(b"frame"))], TRUE),
        (lambda: [word(DownKind.ACKNOWLEDGE, TRUE, "0" * 16)], None),
        (lambda: [word(DownKind.RESEND, TRUE)], None),
        (
            lambda: [word(DownKind.ACKNOWLEDGE, TRUE, batch_of(b"frame"), key=Ed25519PrivateKey.generate())],
            None,
        ),
        (lambda: [b"nonsense"], None),
    ],
)
def test_what_answers_a_frame_of_this_connection_tells_the_time(said: object, now: datetime | None) -> None:
    ahead = TRUE + timedelta(days=2000)
    clock = TrustedClock(MemoryTime(ahead))
    session = ListeningSession(MemoryCarrier(lambda _frame: said()).connect(), clock, HUB.public_key(), BOX)  # type: ignore[operator]
    session.send(b"frame")
    heard = session.receive(30.0)
    session.taken()
    assert heard is not None
    assert session.name == "mqtt"
    assert session.traffic().total > 0
    assert session.round_trip() > 0
    session.close()
    assert clock.now() == (now or ahead)


def test_a_connection_ends_where_the_process_is_to_stop() -> None:
    inner = MemoryCarrier(lambda _frame: []).connect()
    looks = iter([False, False, True])
    session = ListeningSession(
        inner, TrustedClock(MemoryTime()), HUB.public_key(), BOX, stopping=lambda: next(looks)
    )
    with pytest.raises(Unsent):
        session.receive(60.0)
    assert inner.carrier.clock.elapsed() < 20
    assert next(looks, None) is None
