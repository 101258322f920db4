"""When to connect, over what, and for how many bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.config import SyncConfig
from fieldbox.domain import Link, LinkKind, LinkPast, MessageKind, Waiting, month_of
from fieldbox.i18n import Sentence
from fieldbox.sync.budget import MOST_AT_ONCE
from fieldbox.sync.policy import (
    ENOUGH_BYTES,
    HOPELESS,
    URGENT_FOR,
    come_again,
    decide,
    is_metered,
    learnt,
    notes,
    quiet_until,
)
from fieldbox.sync.situation import Connect, Outcome, Rules, Situation, Wait

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
MODEM, WIFI = Link(LinkKind.MODEM, "wwan0"), Link(LinkKind.WIFI, "wlan0")
ETHERNET, PHONE = Link(LinkKind.ETHERNET, "eth0"), Link(LinkKind.PHONE, "wlan0", metered=True)
RULES = Rules.of(SyncConfig())
INDIA = timezone(timedelta(hours=5, minutes=30))
HEARD = {LinkKind.MODEM: LinkPast(successes=1, last_try=NOW, last_success=NOW)}


def waits(kind: MessageKind, *, ago: timedelta = timedelta(0), count: int = 1, size: int = 900) -> Waiting:
    return Waiting(kind, count, count * size, NOW - ago, NOW - ago)


def situation(*links: Link, waiting: tuple[Waiting, ...] = (), **more: object) -> Situation:
    return replace(Situation(NOW, links, waiting, pasts=HEARD), **more)


def connects(now: Situation, rules: Rules = RULES) -> Connect:
    told = decide(now, rules)
    assert isinstance(told, Connect), str(told.reason)
    return told


def rests(now: Situation, rules: Rules = RULES) -> Wait:
    told = decide(now, rules)
    assert isinstance(told, Wait), str(told.reason)
    return told


ALERT, SUMMARY = waits(MessageKind.ALERT), waits(MessageKind.SUMMARY)


def test_without_a_link_it_waits_for_one() -> None:
    assert rests(situation(waiting=(ALERT,))).until is None


def test_an_alert_goes_at_once_and_takes_summaries_along() -> None:
    told = connects(situation(MODEM, waiting=(ALERT, SUMMARY)))
    assert told.kinds[:2] == (MessageKind.ALERT, MessageKind.SUMMARY)
    assert told.link == MODEM


def test_a_summary_waits_for_others_on_a_modem_and_not_on_ethernet() -> None:
    assert rests(situation(MODEM, waiting=(SUMMARY,))).until == NOW + RULES.gather
    assert connects(situation(ETHERNET, waiting=(SUMMARY,))).link == ETHERNET
    assert connects(situation(MODEM, waiting=(waits(MessageKind.SUMMARY, ago=timedelta(hours=4)),)))
    many = waits(MessageKind.SUMMARY, count=ENOUGH_BYTES // 900 + 1)
    assert connects(situation(MODEM, waiting=(many,)))


def test_a_summary_of_a_clock_that_was_ahead_does_not_wait_for_years() -> None:
    ahead = waits(MessageKind.SUMMARY, ago=timedelta(days=-4000))
    assert connects(situation(MODEM, waiting=(ahead,)))


def test_what_costs_nothing_goes_first_then_what_is_preferred() -> None:
    both = situation(MODEM, WIFI, ETHERNET, waiting=(ALERT,))
    assert connects(both).link == ETHERNET
    assert connects(both, replace(RULES, order=(LinkKind.MODEM, LinkKind.WIFI))).link == WIFI
    metered = replace(RULES, metered=frozenset(LinkKind), order=(LinkKind.MODEM, LinkKind.WIFI))
    assert connects(both, metered).link == MODEM
    assert rests(both, replace(RULES, order=())).until is None


def test_what_the_system_says_of_a_link_goes_before_its_kind() -> None:
    assert not is_metered(WIFI, RULES)
    assert is_metered(replace(WIFI, metered=True), RULES)
    free = replace(RULES, budgets={})
    assert is_metered(MODEM, free)
    assert not is_metered(replace(MODEM, metered=False), free)
    assert is_metered(replace(MODEM, metered=False), RULES), "a budget is kept whatever the system says"


def test_a_link_that_failed_rests_and_another_one_is_tried_instead() -> None:
    failed = {LinkKind.ETHERNET: LinkPast(failures=3, last_try=NOW)}
    now = situation(ETHERNET, MODEM, waiting=(ALERT,), pasts=failed)
    assert connects(now).link == MODEM
    alone = rests(replace(now, links=(ETHERNET,)))
    assert alone.until is not None
    assert NOW + timedelta(minutes=6) <= alone.until <= NOW + timedelta(minutes=10)
    assert connects(replace(now, links=(ETHERNET,), now=alone.until))


def test_a_link_that_never_carries_is_tried_seldom_and_last() -> None:
    failed = {LinkKind.ETHERNET: LinkPast(failures=HOPELESS + 5, last_try=NOW - timedelta(days=2))}
    assert connects(situation(ETHERNET, MODEM, waiting=(ALERT,), pasts=failed)).link == MODEM
    recent = {LinkKind.ETHERNET: LinkPast(failures=HOPELESS + 5, last_try=NOW)}
    old = waits(MessageKind.ALERT, ago=URGENT_FOR + timedelta(hours=1))
    for waiting in (SUMMARY, old):
        until = rests(situation(ETHERNET, waiting=(waiting,), pasts=recent)).until
        assert until is not None
        assert until > NOW + timedelta(hours=17)


@pytest.mark.parametrize("failures", [6, HOPELESS, HOPELESS + 50])
def test_a_fresh_alert_does_not_wait_for_hours_where_a_link_is_there(failures: int) -> None:
    failed = {LinkKind.MODEM: LinkPast(failures=failures, last_try=NOW)}
    now = situation(MODEM, waiting=(ALERT,), pasts=failed)
    until = rests(now).until
    assert until is not None
    assert timedelta(minutes=20) <= until - NOW <= timedelta(minutes=40)
    assert connects(replace(now, now=until))


def test_a_failure_of_a_clock_that_was_ahead_does_not_hold_a_link() -> None:
    ahead = {LinkKind.MODEM: LinkPast(failures=2, last_try=NOW + timedelta(days=900))}
    assert connects(situation(MODEM, waiting=(ALERT,), pasts=ahead))


def test_where_a_person_must_act_it_waits_a_day_and_says_so() -> None:
    why = Sentence("The hub does not take the certificate of this box.")
    stuck = {LinkKind.MODEM: LinkPast(failures=1, last_try=NOW, why=why, stuck=True)}
    now = situation(MODEM, waiting=(ALERT,), pasts=stuck)
    told = rests(now)
    assert told.until == NOW + timedelta(days=1)
    assert told.reason == why
    assert notes(now, RULES) == (why,)
    assert connects(replace(now, now=NOW + timedelta(days=1)))


def test_an_alert_of_a_clock_that_was_years_ahead_is_not_fresh_for_years() -> None:
    failed = {LinkKind.MODEM: LinkPast(failures=20, last_try=NOW)}
    ahead = replace(waits(MessageKind.ALERT), newest=NOW + timedelta(days=900))
    until = rests(situation(MODEM, waiting=(ahead,), pasts=failed)).until
    assert until is not None
    assert until - NOW > timedelta(hours=12)


def test_why_the_hub_was_not_reached_is_said_as_long_as_the_link_is_there() -> None:
    why = Sentence("The hub cannot be reached (Name or service not known).")
    once = {LinkKind.MODEM: LinkPast(failures=1, last_try=NOW, why=why)}
    now = situation(MODEM, waiting=(ALERT,), pasts=once)
    assert str(rests(now).reason).startswith("Over the modem the hub was not reached: ")
    assert notes(now, RULES) == (why,)
    assert notes(replace(now, links=()), RULES) == ()
    again = {LinkKind.MODEM: replace(once[LinkKind.MODEM], failures=2)}
    assert "not reached 2 times in a row" in str(rests(replace(now, pasts=again)).reason)


def test_a_link_that_comes_again_is_tried_sooner_and_not_at_once() -> None:
    gone = LinkPast(failures=20, last_try=NOW)
    back = {LinkKind.MODEM: come_again(gone)}
    until = rests(situation(MODEM, waiting=(ALERT,), pasts=back)).until
    assert until is not None
    assert timedelta(minutes=5) < until - NOW < timedelta(minutes=11)


@pytest.mark.parametrize(
    ("clock", "lasts"),
    [(time(12), 600), (time(20, 50), 600), (time(20, 57), 180), (time(20, 59, 50), 60), (time(5, 30), 600)],
)
def test_a_connection_ends_where_quiet_hours_begin(clock: time, lasts: float) -> None:
    quiet = replace(RULES, quiet={LinkKind.MODEM: ((time(21), time(5, 30)), (time(13), time(14)))})
    at = datetime.combine(NOW.date(), clock, INDIA).astimezone(UTC)
    now = situation(MODEM, WIFI, waiting=(ALERT,), now=at, zone=INDIA)
    assert connects(replace(now, links=(MODEM,)), quiet).seconds == lasts
    assert connects(replace(now, links=(WIFI,)), quiet).seconds == 600
    assert connects(replace(now, links=(MODEM,), clock_known=False), quiet).seconds == 600


def test_quiet_hours_hold_alerts_too_unless_the_owner_lets_them() -> None:
    quiet = replace(RULES, quiet={LinkKind.MODEM: ((time(21), time(5, 30)),)})
    night = datetime(2026, 6, 10, 18, 0, tzinfo=UTC)  # half past eleven at night
    waiting = (ALERT, waits(MessageKind.SUMMARY, ago=timedelta(days=1)))
    now = situation(MODEM, waiting=waiting, now=night, zone=INDIA)
    told = rests(now, quiet)
    assert told.until == datetime(2026, 6, 11, 0, 0, tzinfo=UTC)
    assert "2026-06-11 05:30" in str(told.reason)
    assert connects(now, replace(quiet, alerts_in_quiet_hours=True)).kinds == (MessageKind.ALERT,)
    assert (
        rests(replace(now, waiting=waiting[1:]), replace(quiet, alerts_in_quiet_hours=True)).until
        == told.until
    )
    assert connects(replace(now, links=(MODEM, WIFI)), quiet).link == WIFI
    assert connects(replace(now, clock_known=False), quiet), "hours of a clock that is wrong are no hours"


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("20:59", None),
        ("21:00", "05:30"),
        ("23:59", "05:30"),
        ("05:29", "05:30"),
        ("05:30", None),
        ("13:00", "14:00"),
    ],
)
def test_spans_of_the_day(at: str, end: str | None) -> None:
    moment = datetime.combine(date(2026, 6, 10), time.fromisoformat(at), INDIA)
    spans = ((time(21), time(5, 30)), (time(13), time(14)))
    until = quiet_until(moment, spans)
    assert (until is None) == (end is None)
    if until is not None:
        assert f"{until:%H:%M}" == end
        assert timedelta(0) < until - moment <= timedelta(hours=8.5)


def test_the_last_of_a_budget_is_for_alerts_and_it_stops_before_the_end() -> None:
    budget = 1_000_000
    rules = replace(RULES, budgets={LinkKind.MODEM: budget})
    old = waits(MessageKind.SUMMARY, ago=timedelta(days=1))
    much = situation(MODEM, waiting=(old,), used={LinkKind.MODEM: 795_000})
    assert rests(much, rules).until == datetime(2026, 7, 1, tzinfo=UTC)
    assert "only alerts" in " ".join(map(str, notes(much, rules)))
    alert = connects(replace(much, waiting=(ALERT, old)), rules)
    assert alert.kinds == (MessageKind.ALERT,)
    assert alert.byte_allowance <= budget - 795_000
    over = replace(much, waiting=(ALERT, old), used={LinkKind.MODEM: 995_000})
    assert rests(over, rules).until == datetime(2026, 7, 1, tzinfo=UTC)
    assert "nothing goes over it until 2026-07-01" in " ".join(map(str, notes(over, rules)))
    assert notes(situation(MODEM), rules) == ()


def test_health_reports_and_pictures_need_budget_to_spare() -> None:
    rules = replace(RULES, budgets={LinkKind.MODEM: 1_000_000})
    report = waits(MessageKind.BOX, ago=timedelta(days=1))
    third = 1_000_000 * 0.8 / 3  # on the tenth of thirty days
    spared = connects(situation(MODEM, waiting=(report,), used={LinkKind.MODEM: 100_000}), rules)
    assert MessageKind.BOX in spared.kinds
    assert MessageKind.PICTURE in spared.kinds
    tight = situation(MODEM, waiting=(report,), used={LinkKind.MODEM: round(third * 0.8)})
    assert MessageKind.PICTURE not in connects(tight, rules).kinds
    rests(replace(tight, used={LinkKind.MODEM: round(third)}), rules)
    assert MessageKind.PICTURE in connects(situation(WIFI, waiting=(report,))).kinds


def test_after_a_day_the_hub_is_asked_what_it_wants() -> None:
    assert rests(situation(MODEM)).until == NOW + timedelta(days=1)
    assert connects(situation(MODEM, now=NOW + timedelta(days=1)))
    assert rests(situation(MODEM, now=NOW + timedelta(days=9)), replace(RULES, listen=None)).until is None
    assert connects(situation(MODEM, pasts={}))


def test_what_was_sent_and_not_acknowledged_is_looked_at_when_it_may_go() -> None:
    due = NOW + timedelta(minutes=2)
    assert rests(situation(MODEM, next_due=due)).until == due


def test_the_allowance_follows_what_the_link_carries() -> None:
    many = waits(MessageKind.SUMMARY, count=5000)
    assert connects(situation(ETHERNET, waiting=(many,))).byte_allowance == MOST_AT_ONCE
    slow = {LinkKind.MODEM: LinkPast(successes=9, last_try=NOW, last_success=NOW, bytes_per_s=200.0)}
    assert connects(situation(MODEM, waiting=(many,), pasts=slow)).byte_allowance == 120_000
    assert connects(situation(MODEM, waiting=(ALERT,))).byte_allowance < 20_000


def test_what_is_learnt_of_a_connection() -> None:
    first = learnt(LinkPast(), Outcome(True, 20_000, 3.0, 10.0, opening_bytes=6000), NOW)
    assert first == LinkPast(1, 0, NOW, NOW, 2000.0, 3.0, 6000.0)
    failed = learnt(first, Outcome(False, 100, 60.0, 0.0, why=Sentence("No answer."), stuck=True), NOW)
    assert (failed.failures, failed.stuck, failed.bytes_per_s) == (1, True, 2000.0)
    again = learnt(failed, Outcome(True, 40_000, 7.0, 10.0, opening_bytes=4000), NOW + timedelta(hours=1))
    assert (again.failures, again.stuck, again.why) == (0, False, None)
    assert (again.bytes_per_s, again.connect_s, again.opening_bytes) == (2500.0, 4.0, 5500.0)


@pytest.mark.parametrize(
    ("day", "starts", "first", "after"),
    [
        (date(2026, 6, 10), 1, date(2026, 6, 1), date(2026, 7, 1)),
        (date(2026, 1, 5), 28, date(2025, 12, 28), date(2026, 1, 28)),
        (date(2028, 2, 29), 28, date(2028, 2, 28), date(2028, 3, 28)),
        (date(2026, 3, 27), 28, date(2026, 2, 28), date(2026, 3, 28)),
    ],
)
def test_months_of_a_budget(day: date, starts: int, first: date, after: date) -> None:
    assert month_of(day, starts) == (first, after)


@given(st.dates(date(1970, 1, 2), date(2200, 1, 1)), st.integers(1, 28))
def test_a_month_holds_its_days(day: date, starts: int) -> None:
    first, after = month_of(day, starts)
    assert first <= day < after
    assert first.day == after.day == starts
    assert 28 <= (after - first).days <= 31


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))
stamps = st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1)).map(
    lambda one: one.replace(tzinfo=UTC)
)
links = st.lists(
    st.builds(Link, st.sampled_from(LinkKind), st.just("x0"), st.sampled_from([None, True, False])),
    max_size=4,
)
pasts = st.dictionaries(
    st.sampled_from(LinkKind),
    st.builds(
        LinkPast,
        failures=st.integers(0, 2000),
        last_try=stamps,
        last_success=stamps,
        bytes_per_s=st.none() | st.floats(0, 1e7),
        opening_bytes=st.none() | st.floats(0, 1e6),
        why=st.none() | st.just(Sentence("Why.")),
        stuck=st.booleans(),
    ),
)
waiting = st.lists(
    st.builds(
        Waiting,
        st.sampled_from(MessageKind),
        st.integers(1, 5000),
        st.integers(1, 5_000_000),
        stamps.filter(bool),
        stamps.filter(bool),
    ),
    max_size=5,
)
spans = st.tuples(st.times(), st.times()).filter(lambda one: one[0] != one[1])
rules = st.builds(
    Rules,
    order=st.permutations(list(LinkKind)).map(tuple),
    metered=st.frozensets(st.sampled_from(LinkKind)),
    budgets=st.dictionaries(st.sampled_from(LinkKind), st.integers(0, 10**8)),
    reserve=st.floats(0, 1),
    month_starts=st.integers(1, 28),
    quiet=st.dictionaries(st.sampled_from(LinkKind), st.lists(spans, max_size=2)),
    alerts_in_quiet_hours=st.booleans(),
    gather=st.timedeltas(timedelta(0), timedelta(days=30)),
    listen=st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=365)),
)
situations = st.builds(
    Situation,
    moments,
    links,
    waiting,
    stamps,
    st.dictionaries(st.sampled_from(LinkKind), st.integers(0, 2 * 10**8)),
    pasts,
    st.sampled_from([UTC, INDIA, timezone(timedelta(hours=-9))]),
    st.text(max_size=3),
    st.booleans(),
)


@given(situations, rules)
def test_whatever_is_the_case(now: Situation, wanted: Rules) -> None:
    told = decide(now, wanted)
    assert str(told.reason)
    assert all(map(str, notes(now, wanted)))
    if isinstance(told, Wait):
        assert told.until is None or told.until > now.now
        return
    kind = told.link.kind
    assert told.link in now.links
    assert 0 < told.byte_allowance <= MOST_AT_ONCE
    assert told.kinds
    assert (
        not now.pasts.get(kind, LinkPast()).stuck
        or now.pasts[kind].last_try is None
        or (abs(now.pasts[kind].last_try - now.now) >= timedelta(days=1))
    )
    budget = wanted.budgets.get(kind)
    if budget is not None:
        others = told.kinds != (MessageKind.ALERT,)
        assert now.used.get(kind, 0) + told.byte_allowance <= budget * (1 - wanted.reserve if others else 1)
    quiet = quiet_until(now.now.astimezone(now.zone), wanted.quiet.get(kind, ()))
    if quiet is not None and now.clock_known:
        assert wanted.alerts_in_quiet_hours
        assert told.kinds == (MessageKind.ALERT,)
    assert any(one.kind in told.kinds for one in now.waiting) or MessageKind.BOX in told.kinds


@given(situations)
def test_an_alert_goes_over_a_free_link_that_has_not_failed(now: Situation) -> None:
    free = replace(now, links=(*now.links, ETHERNET), waiting=(ALERT,), pasts={})
    assert isinstance(decide(free, RULES), Connect)


@given(st.integers(50_000, 3_000_000), st.integers(0, 90), st.integers(1, 28))
def test_no_month_goes_over_its_budget_however_often_it_is_used(
    budget: int, reserve: int, starts: int
) -> None:
    """Each connection uses all that it may; an alert waits every hour, and summaries with no end."""
    wanted = replace(
        RULES,
        budgets={LinkKind.MODEM: budget},
        reserve=reserve / 100,
        month_starts=starts,
        gather=timedelta(0),
    )
    used: dict[date, int] = {}
    now = NOW
    while now < NOW + timedelta(days=40):
        month = month_of(now.date(), starts)[0]
        alert = (ALERT,) if now.hour % 2 else ()
        told = decide(
            Situation(
                now,
                (MODEM,),
                (*alert, waits(MessageKind.SUMMARY, count=30)),
                used={LinkKind.MODEM: used.get(month, 0)},
            ),
            wanted,
        )
        if isinstance(told, Connect):
            used[month] = used.get(month, 0) + told.byte_allowance
        now += timedelta(hours=3)
    assert used
    assert max(used.values()) <= budget
