"""Texts as bytes, with what fieldbox itself often says as numbers.

A text is a row of pieces, each with a number before it: an even one is twice the length of the UTF-8 bytes that follow, an odd
one above 1 twice the place of a phrase of `PHRASES` and one; after 1 come the place of a phrase and the count of characters to
which it is cut; 0 ends the text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from fieldbox.wire.numbers import Reader, Unfit, whole

MOST_CHARS: Final = 4096
"""Of a text that bytes unpack to: no more than any message holds."""

PHRASES: Final = (
    "",
    "weeds@",
    "health@",
    "leaves@",
    "These photos are simulated: nothing here is a real field.",
    "Photos that could not be placed and are not on the map: ",
    "; the flight's page says why.",
    "Positions are only good to ",
    " m: look around each spot, or fly with RTK.",
    "The weed model is unsure of ",
    " % of the plants: it may not know this crop. Name the crop of the field.",
    " % of the ground does not look like the fields that the weed model knows: nothing is called there.",
    "The weed model does not know ",
    ", and no crop rows were found: weeds are not called. Plants cover ",
    "Row-based: the weed model does not know ",
    ", so weeds are what grows off the crop rows (",
    "At ",
    " mm per pixel the photos are too coarse for single weeds: fly lower, to ",
    " mm per pixel the image is finer than the model knows: shrink it to ",
    " mm per pixel crop plants are not judged one by one: fly lower, to ",
    " mm per pixel or finer.",
    "Plants that the weed model took for crop without being sure, and that stand off every crop row: ",
    "Beside their neighbours ",
    " crop plants look stunted and ",
    " yellow; missing plants are not known, for want of regular rows. Relative, learnt from ",
    " are missing in the rows. Relative, learnt from painted symptoms: no diagnosis, go and look.",
    " yellow; ",
    "The photos could not be aligned with each other: positions are as the drone or a list told them, good to ",
    "Photos that could not be aligned with the others and stand where the drone or a list put them: ",
    "The photos form ",
    " groups that do not hang together: from one to the other positions may be off by ",
    "Ground control points that hold the map in place: ",
    "; it misses them by ",
    ", too few to check each other. The stated errors hold if these points are right; give ",
    "Ground control points that contradict the photos and are not used: ",
    "Ground control points that are not used because fewer than two photos that fit together show them marked: ",
    "The photos state their headings with the wrong sign; the alignment has put them right.",
    "Photos whose stated place, height or heading was wrong and was put right: ",
    "Photos whose positions the list ",
    " gives: ",
    "The list ",
    " does not say how exact its positions are: ",
    "Photos that do not state which way the camera was turned: ",
    ". It was found from the photos themselves, good to ",
    "The photos do not state their height above the ground: it was found from the photos themselves, ",
    "Photos whose stated height above the ground cannot be right count as ",
    " m high, as the others do: ",
    "Photos without GPS that were placed between those taken before and after them: ",
    "Control points of the list ",
    ". Photos that they are marked in: ",
    " of ",
    " m, good to ",
    " m.",
    "No photo of this flight could be placed, so there is nothing to map.",
    "A fault of fieldbox stopped this flight (",
    "); please report it.",
)
"""A phrase never changes its place, and none goes: new ones come at the end. A sentence changed since then costs its bytes."""
_LEAST_CUT = 8
"""Characters of a phrase at the end of a text that was cut, from which naming the phrase pays."""


@lru_cache(maxsize=1)
def _by_length() -> tuple[tuple[str, int], ...]:
    """Phrases with their places, the longest first."""
    found = [(one, place) for place, one in enumerate(PHRASES) if one]
    return tuple(sorted(found, key=lambda one: -len(one[0])))


def put_text(text: str) -> bytes:
    """A text as bytes. Raises Unfit where it is no text, or none that UTF-8 can hold."""
    if not isinstance(text, str) or len(text) > MOST_CHARS:
        raise Unfit("text")
    found, plain, at = bytearray(), "", 0
    while at < len(text):
        number, length = _phrase_at(text, at)
        if length:
            found += _literal(plain) + number
            plain, at = "", at + length
        else:
            plain, at = plain + text[at], at + 1
    return bytes(found + _literal(plain) + whole(0))


def _phrase_at(text: str, at: int) -> tuple[bytes, int]:
    """The phrase that stands here, as bytes, and its length; (b"", 0): none does."""
    for phrase, place in _by_length():
        if text.startswith(phrase, at):
            return whole(2 * place + 1), len(phrase)
    rest = text[at:]
    if len(rest) >= _LEAST_CUT:
        for phrase, place in _by_length():
            if phrase.startswith(rest):
                return whole(1) + whole(place) + whole(len(rest)), len(rest)
    return b"", 0


def _literal(plain: str) -> bytes:
    try:
        told = plain.encode()
    except UnicodeEncodeError as error:
        raise Unfit("surrogate") from error
    return whole(2 * len(told)) + told if told else b""


def get_text(reader: Reader) -> str:
    """The text that comes next. Raises Unfit."""
    found: list[str] = []
    while number := reader.whole():
        found.append(_piece(reader, number))
        if sum(map(len, found)) > MOST_CHARS:
            raise Unfit("text")
    return "".join(found)


def _piece(reader: Reader, number: int) -> str:
    if number == 1:
        return _phrase(reader.whole())[: reader.whole()]
    if number % 2:
        return _phrase(number >> 1)
    try:
        return reader.take(number >> 1).decode()
    except UnicodeDecodeError as error:
        raise Unfit("text") from error


def _phrase(place: int) -> str:
    if not 0 < place < len(PHRASES):
        raise Unfit("phrase")
    return PHRASES[place]
