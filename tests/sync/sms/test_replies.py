"""Codes and what people text back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import Order
from fieldbox.sync.sms.codes import COUNT, RECENT, free_code, read_code
from fieldbox.sync.sms.replies import WORDS, Reply, read_reply

OK_7A1, NO_7A1, MORE_7A1 = (Reply(order, "7A1") for order in (Order.OK, Order.NO, Order.MORE))


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("OK 7A1", OK_7A1),
        ("ok 7a1", OK_7A1),
        ("  Ok ,  #7a1 !! ", OK_7A1),
        ("OK7A1", OK_7A1),
        ("7A1 OK", OK_7A1),
        ("ok: 7AI", OK_7A1),
        ("Ok 7al.", OK_7A1),
        ("हाँ 7A1", OK_7A1),
        ("हां ७A१", OK_7A1),
        ("होय 7a1", OK_7A1),
        ("ஆம் 7A1", OK_7A1),
        ("அவ 7A1", None),
        ("అవును ౭A౧", OK_7A1),
        ("ಹೌದು 7A1", OK_7A1),
        ("haan 7A1", OK_7A1),
        ("No 7A1", NO_7A1),
        ("नहीं 7A1", NO_7A1),
        ("नाही #7A1", NO_7A1),
        ("இல்லை 7A1", NO_7A1),
        ("కాదు 7A1", NO_7A1),
        ("ಇಲ್ಲ 7A1", NO_7A1),
        ("more 7A1?", MORE_7A1),
        ("STOP", Reply(Order.STOP)),
        ("stop.", Reply(Order.STOP)),
        ("Stop 7A1", Reply(Order.STOP)),
        ("बंद", Reply(Order.STOP)),
        ("Please stop!", Reply(Order.STOP)),
        ("stop this", Reply(Order.STOP)),
        ("band karo", Reply(Order.STOP)),
        ("कृपया बंद करें", Reply(Order.STOP)),
        ("थांबा आता", Reply(Order.STOP)),
        ("do not stop", None),
        ("stop start", None),
        ("stop the tractor in F07", None),
        ("START", Reply(Order.START)),
        ("OK", None),
        ("7A1", None),
        ("ok no 7A1", None),
        ("OK 7A1 8C2", None),
        ("OK 7I1", None),
        ("please stop the tractor", None),
        ("", None),
        ("ok 7A1 " * 40, None),
    ],
)
def test_a_reply_is_read(text: str, reply: Reply | None) -> None:
    assert read_reply(text) == reply


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    read_reply(text)


def test_no_word_means_two_things_and_no_word_is_a_code() -> None:
    words = [word for told in WORDS.values() for word in set(told.split())]
    assert len(words) == len(set(words))
    assert [word for word in words if read_code(word)] == []


def test_every_word_is_read() -> None:
    for order, words in WORDS.items():
        about_one = order in (Order.OK, Order.NO, Order.MORE)
        for word in words.split():
            assert read_reply(f"{word} 7A1") == Reply(order, "7A1" if about_one else None), word


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20), st.sets(st.text(), max_size=5))
def test_a_code_is_read_as_it_is_written(survey: str, taken: set[str]) -> None:
    code = free_code(survey, taken)
    assert read_code(code) == read_code(code.lower()) == code
    assert free_code(survey, taken) == code


def test_recent_surveys_have_different_codes() -> None:
    assert RECENT < COUNT
    taken: set[str] = set()
    for number in range(COUNT):
        taken.add(free_code(f"survey {number}", taken))
    assert len(taken) == COUNT
