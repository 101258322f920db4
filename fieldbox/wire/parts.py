"""Parts of a message's body, each with a short form of its own: how `fieldbox.wire.compact` lays bodies out."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from fieldbox.wire.ids import KEY_DIGITS, TIME_DIGITS, made_at
from fieldbox.wire.numbers import MOST_PLACES, Reader, Unfit, places_of, scaled, signed, unscaled, whole
from fieldbox.wire.texts import get_text, put_text

MOST_IN_A_LIST: Final = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Around:
    """What a reader knows before the body: the message's id."""

    seconds: int
    """When the message was made, since 1970."""
    key: str
    """The end of the id."""

    @classmethod
    def of(cls, identity: str) -> Around:
        """Of a message. Raises ValueError for what is no id."""
        return cls((made_at(identity) - _EPOCH) // timedelta(seconds=1), identity[TIME_DIGITS:])


class Part(Protocol):
    """Some fields of a body.

    `put` raises Unfit, or what Python raises for values of another kind; `get` of a stranger's bytes raises Unfit.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Of its fields."""

    @property
    def usual(self) -> bool:
        """Whether it is there in most bodies."""

    def put(self, told: Mapping[str, Any], around: Around) -> bytes:
        """The fields of it that a body has, as bytes."""

    def get(self, reader: Reader, around: Around) -> dict[str, Any]:
        """The fields that `put` was told, or some of them."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one value becomes bytes."""

    put: Callable[[Any, Around], bytes]
    get: Callable[[Reader, Around], Any]


@dataclass(frozen=True, slots=True)
class One:
    """A single field."""

    name: str
    form: Form
    usual: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)

    def put(self, told: Mapping[str, Any], around: Around) -> bytes:
        """See `Part`."""
        return self.form.put(told[self.name], around)

    def get(self, reader: Reader, around: Around) -> dict[str, Any]:
        """See `Part`."""
        return {self.name: self.form.get(reader, around)}


# -- forms of one value ----------------------------------------------------------------------------


def _form(put: Callable[[Any], bytes], get: Callable[[Reader], Any]) -> Form:
    """A form that needs nothing around it."""
    return Form(lambda value, _around: put(value), lambda reader, _around: get(reader))


WHOLE: Final = _form(whole, Reader.whole)
TEXT: Final = _form(put_text, get_text)
TRUE: Final = _form(lambda _value: b"", lambda _reader: True)


def _put_decimal(value: float) -> bytes:
    places = max(0, places_of(value))
    return signed(scaled(value, places) * (MOST_PLACES + 1) + places)


def _get_decimal(reader: Reader) -> float:
    number, places = divmod(reader.signed(), MOST_PLACES + 1)
    return unscaled(number, places)


DECIMAL: Final = _form(_put_decimal, _get_decimal)
"""A number as JSON writes it."""


def choice(*values: Any) -> Form:
    """One of these; new ones come at the end."""

    def get(reader: Reader) -> Any:
        place = reader.whole()
        if place >= len(values):
            raise Unfit("choice")
        return values[place]

    return _form(lambda value: whole(values.index(value)), get)


def several(form: Form) -> Form:
    """A list of values of one form."""

    def put(values: Sequence[Any], around: Around) -> bytes:
        return whole(len(values)) + b"".join(form.put(one, around) for one in values)

    def get(reader: Reader, around: Around) -> list[Any]:
        return [form.get(reader, around) for _number in range(_count(reader))]

    return Form(put, get)


def row(*forms: Form) -> Form:
    """A list of as many values, each of its own form."""

    def put(values: Sequence[Any], around: Around) -> bytes:
        return b"".join(form.put(one, around) for form, one in zip(forms, values, strict=True))

    return Form(put, lambda reader, around: [form.get(reader, around) for form in forms])


def maybe(form: Form) -> Form:
    """A value of a form, or null."""

    def put(value: Any, around: Around) -> bytes:
        return whole(0) if value is None else whole(1) + form.put(value, around)

    def get(reader: Reader, around: Around) -> Any:
        known = reader.whole()
        if known > 1:
            raise Unfit("null")
        return form.get(reader, around) if known else None

    return Form(put, get)


def _count(reader: Reader) -> int:
    count = reader.whole()
    if count > MOST_IN_A_LIST:
        raise Unfit("list")
    return count


_CODE = re.compile(r"F(\d{2,6})")


def _put_code(value: str) -> bytes:
    told = _CODE.fullmatch(value)
    return whole(int(told[1]) + 1) if told else whole(0) + put_text(value)


def _get_code(reader: Reader) -> str:
    number = reader.whole()
    return f"F{number - 1:02d}" if number else get_text(reader)


CODE: Final = _form(_put_code, _get_code)
"""A field's code: F01 is its number."""


def _put_key(value: str, around: Around) -> bytes:
    return whole(0) if value == around.key else whole(1) + bytes.fromhex(value)


def _get_key(reader: Reader, around: Around) -> str:
    return around.key if reader.whole() == 0 else reader.take(KEY_DIGITS // 2).hex()


KEY: Final = Form(_put_key, _get_key)
"""20 hexadecimal digits, of which nothing is told where they are the end of the message's id."""


def digits(count: int) -> Form:
    """So many hexadecimal digits, two to a byte."""

    def put(value: str) -> bytes:
        told = bytes.fromhex(value)
        if 2 * len(told) != count:
            raise Unfit("digits")
        return told

    return _form(put, lambda reader: reader.take(count // 2).hex())


def _put_file(value: str) -> bytes:
    told = base64.b85decode(value)
    return whole(len(told)) + told


FILE: Final = _form(_put_file, lambda reader: base64.b85encode(reader.take(reader.whole())).decode())
"""Bytes that JSON has in base 85."""


def instant(pattern: str) -> Form:
    """A time written like `pattern`, as seconds from the message's own time; one without a zone counts as UTC."""

    def put(value: str, around: Around) -> bytes:
        at = datetime.strptime(value, pattern).replace(tzinfo=UTC)
        return signed((at - _EPOCH) // timedelta(seconds=1) - around.seconds)

    def get(reader: Reader, around: Around) -> str:
        try:
            return (_EPOCH + timedelta(seconds=around.seconds + reader.signed())).strftime(pattern)
        except OverflowError as error:
            raise Unfit("time") from error

    return Form(put, get)


DAY: Final = instant("%Y-%m-%d")
UTC_SECOND: Final = instant("%Y-%m-%dT%H:%M:%SZ")
CAMERA_SECOND: Final = instant("%Y-%m-%dT%H:%M:%S")


# -- estimates -------------------------------------------------------------------------------------

_NULL, _WITH_ENDS, _ALONE, _NOT_HERE = 0, 4, 10, 15
"""The first two are where no decimal places are."""
_MOST_WITH_ENDS, _MOST_ALONE = 5, 4


@dataclass(frozen=True, slots=True)
class Estimates:
    """Numbers with their 95 % intervals: [value, low, high], [value] or null, several of them.

    Half a byte for each tells what comes: 0 null, 1 to 9 an interval with -3 to 5 decimal places (-3: thousands), 10 to 14 a
    value alone with 0 to 4, 15 that it is told elsewhere or not at all. Then the value, how far the low end lies below it and the
    high end above, all times ten to the power of the places.
    """

    names: tuple[str, ...]
    usual: bool = True

    def put(self, told: Mapping[str, Any], around: Around) -> bytes:  # noqa: ARG002
        """See `Part`."""
        pieces = [self._piece(told, name) for name in self.names]
        heads = [head for head, _numbers in pieces] + [_NOT_HERE] * (len(pieces) % 2)
        paired = bytes(one << 4 | other for one, other in zip(heads[::2], heads[1::2], strict=True))
        return paired + b"".join(numbers for _head, numbers in pieces)

    def _piece(self, told: Mapping[str, Any], name: str) -> tuple[int, bytes]:
        if name not in told:
            return _NOT_HERE, b""
        try:
            return _estimate(told[name])
        except (TypeError, ValueError):  # of another kind, or with its ends the other way about
            return _NOT_HERE, b""

    def get(self, reader: Reader, around: Around) -> dict[str, Any]:  # noqa: ARG002
        """See `Part`."""
        heads = [half for byte in reader.take((len(self.names) + 1) // 2) for half in (byte >> 4, byte & 15)]
        found = zip(self.names, heads, strict=False)
        return {name: _read_estimate(reader, head) for name, head in found if head != _NOT_HERE}


def _estimate(told: Sequence[float] | None) -> tuple[int, bytes]:
    if told is None:
        return _NULL, b""
    places = max(map(places_of, told))
    if len(told) == 1:
        places = max(0, places)
        return _head(_ALONE, places, _MOST_ALONE), signed(scaled(told[0], places))
    value, low, high = (scaled(one, places) for one in told)
    head = _head(_WITH_ENDS, places, _MOST_WITH_ENDS)
    return head, signed(value) + whole(value - low) + whole(high - value)


def _head(first: int, places: int, most: int) -> int:
    if places > most:
        raise Unfit("places")
    return first + places


def _read_estimate(reader: Reader, head: int) -> list[float] | None:
    if head == _NULL:
        return None
    value = reader.signed()
    if head >= _ALONE:
        return [unscaled(value, head - _ALONE)]
    numbers = value, value - reader.whole(), value + reader.whole()
    return [unscaled(one, head - _WITH_ENDS) for one in numbers]


_BOTH: Final = Estimates(("now", "before"))


def _put_pair(told: Sequence[Any], around: Around) -> bytes:
    now, before = told
    return _BOTH.put({"now": now, "before": before}, around)


def _get_pair(reader: Reader, around: Around) -> list[Any]:
    told = _BOTH.get(reader, around)
    if told.keys() != set(_BOTH.names):
        raise Unfit("pair")
    return [told["now"], told["before"]]


PAIR: Final = Form(_put_pair, _get_pair)
"""Two estimates: what it is now, and what it was before."""


# -- spots -----------------------------------------------------------------------------------------

_DEGREE_PLACES = 6


def _put_spots(rows: Sequence[Sequence[Any]], _around: Around) -> bytes:
    """How many; then one byte for the decimal places of areas and covers and whether there are positions; then the spots."""
    if not rows:
        return whole(0)
    placed = len(rows[0]) == 5
    areas, covers = (max(0, *(places_of(one[column]) for one in rows)) for column in (1, 2))
    found = whole(len(rows)) + bytes([areas << 4 | covers << 1 | placed])
    lat, lon = 0, 0
    for one in rows:
        count, area, cover, *place = one
        found += (
            whole(0 if count is None else count + 1)
            + whole(scaled(area, areas))
            + whole(scaled(cover, covers))
        )
        if len(place) != 2 * placed or any(places_of(each) > _DEGREE_PLACES for each in place):
            raise Unfit("position")
        if placed:
            here = scaled(place[0], _DEGREE_PLACES), scaled(place[1], _DEGREE_PLACES)
            found += signed(here[0] - lat) + signed(here[1] - lon)
            lat, lon = here
    return found


def _get_spots(reader: Reader, _around: Around) -> list[list[float | None]]:
    count = _count(reader)
    if not count:
        return []
    head = reader.take(1)[0]
    lat, lon, rows = 0, 0, []
    for _number in range(count):
        weeds = reader.whole()
        spot: list[float | None] = [weeds - 1 if weeds else None]
        spot += [unscaled(reader.whole(), head >> 4), unscaled(reader.whole(), head >> 1 & 7)]
        if head & 1:
            lat, lon = lat + reader.signed(), lon + reader.signed()
            spot += [unscaled(lat, _DEGREE_PLACES), unscaled(lon, _DEGREE_PLACES)]
        rows.append(spot)
    return rows


SPOTS: Final = Form(_put_spots, _get_spots)
"""Spots of a summary: [weeds or null, area m2, weed cover %], and [..., lat, lon], each place from the one before it."""
