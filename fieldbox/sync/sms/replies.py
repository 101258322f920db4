"""What people text back: a word in English or in one of the languages of the texts, and the code of a survey.

    OK 7A1    it is right          NO 7A1    it is not
    MORE 7A1  its worst spots      STOP      no more texts      START    texts again

Capitals, blanks and punctuation do not matter, nor whether the code comes first. Who wants no more texts need not be exact: STOP
may have a word behind it and a "please" before it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from fieldbox.domain import Order
from fieldbox.sync.sms.codes import read_code

LONGEST: Final = 160
"""Letters of a reply that is read; who writes more is no reply."""

WORDS: Final = {
    Order.OK: """
        ok okay yes y right
        हाँ हां हा हो होय ठीक सही बरोबर haan han haa ho hoy theek thik sahi barobar
        ஆம் ஆமாம் சரி aam aama sari
        అవును సరే avunu sare
        ಹೌದು ಸರಿ haudu howdu
    """,
    Order.NO: """
        no n not wrong
        नहीं नही ना नाही गलत चूक nahin nahi naahi galat chuk
        இல்லை தவறு illai thavaru
        కాదు లేదు తప్పు kaadu kadu ledu tappu
        ಇಲ್ಲ ತಪ್ಪು illa tappu
    """,
    Order.MORE: """
        more
        और अधिक आणखी aur adhik aankhi
        மேலும் melum
        ఇంకా మరిన్ని inka marinni
        ಇನ್ನಷ್ಟು ಹೆಚ್ಚು innashtu hechchu
    """,
    Order.STOP: """
        stop end unsubscribe
        बंद थांबा थांब रोको band thamba roko
        நிறுத்து niruththu niruthu
        ఆపు ఆపండి aapu aapandi
        ನಿಲ್ಲಿಸು ನಿಲ್ಲಿಸಿ nillisu nillisi
    """,
    Order.START: """
        start
        शुरू सुरू shuru suru
        தொடங்கு thodangu
        ప్రారంభించు ప్రారంభించండి prarambhinchu
        ಪ್ರಾರಂಭಿಸು ಪ್ರಾರಂಭಿಸಿ prarambhisu
    """,
}
"""What counts as each."""
_ABOUT_A_SURVEY: Final = frozenset({Order.OK, Order.NO, Order.MORE})
_MOST_STOP_WORDS: Final = 2
"""Of a text that begins with STOP: "stop this", "बंद करो"; more of them tell of something else."""
_PLEASE: Final = frozenset({"please", "pls", "plz", "kripya", "कृपया"})
_JOINERS = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff"))


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wants."""

    order: Order
    code: str | None = None
    """Which survey it is about; of STOP and START None."""


def read_reply(text: str) -> Reply | None:
    """What a text says; None: it is no reply that the box understands."""
    words = _words(text)
    if _wants_silence(words):
        return Reply(Order.STOP)
    orders = {_ORDERS[word] for word in words if word in _ORDERS}
    codes = {code for word in words if word not in _ORDERS and (code := read_code(word))}
    others = [word for word in words if word not in _ORDERS and read_code(word) is None]
    if len(orders) != 1:
        return None
    (order,) = orders
    if order not in _ABOUT_A_SURVEY:
        return None if others else Reply(order)
    return Reply(order, codes.pop()) if len(codes) == 1 else None


def _wants_silence(words: list[str]) -> bool:
    told = [word for word in words if word not in _PLEASE]
    orders = {_ORDERS[word] for word in told if word in _ORDERS}
    begins = bool(told) and _ORDERS.get(told[0]) is Order.STOP
    return begins and orders == {Order.STOP} and len(told) <= _MOST_STOP_WORDS


def _words(text: str) -> list[str]:
    told = _same(text[:LONGEST]) if len(text) <= LONGEST else ""
    found: list[str] = []
    for word in _without_signs(told).split():
        # Somebody who leaves the blank out: OK7A1.
        head, tail = word[:-3], word[-3:]
        found += [head, tail] if head in _ORDERS and read_code(tail) else [word]
    return found


def _same(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).translate(_JOINERS)).casefold()


def _without_signs(text: str) -> str:
    """With blanks for punctuation; what stands on or beside a letter of Indian scripts is part of it."""
    return "".join(
        letter if letter.isalnum() or unicodedata.category(letter).startswith("M") else " " for letter in text
    )


_ORDERS: Final = {_same(word): order for order, words in WORDS.items() for word in words.split()}
