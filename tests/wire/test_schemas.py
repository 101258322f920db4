"""The check of bodies against their schemas says what a second reader of JSON Schema says."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldbox.domain import MessageKind
from fieldbox.wire import schemas
from fieldbox.wire.commands import Picture, answer, picture
from fieldbox.wire.schemas import is_valid, published
from tests.wire.bodies import ALERT, BOX, SUMMARY

BODIES: dict[MessageKind, dict[str, Any]] = {
    MessageKind.SUMMARY: SUMMARY,
    MessageKind.ALERT: ALERT,
    MessageKind.BOX: BOX,
    MessageKind.ANSWER: json.loads(answer("ab" * 16, True, "Done.", count=3)),
    MessageKind.PICTURE: json.loads(picture("ab" * 16, Picture("s1"), b"x" * 99, "webp")),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


def test_every_kind_of_message_has_its_schema() -> None:
    assert {kind for kind, _version in published()} == {kind.value for kind in MessageKind}


@pytest.mark.parametrize("kind", MessageKind)
def test_what_a_box_sends_is_valid(kind: MessageKind) -> None:
    assert schemas.fault(kind, json.dumps(BODIES[kind], ensure_ascii=False)) is None


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every value within one, as its holder and its name or number."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [one for name, part in list(inner) for one in ((value, name), *places(part))]


@pytest.mark.parametrize("kind", MessageKind)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 10**6), value=JSON)
def test_a_second_reader_says_the_same(kind: MessageKind, seed: int, value: Any) -> None:
    """Of bodies with one value replaced, or taken out."""
    schema = published()[kind.value, 1]
    body = copy.deepcopy(BODIES[kind])
    chance = random.Random(seed)  # noqa: S311
    holder, name = chance.choice(places(body))
    if isinstance(holder, dict) and chance.random() < 0.2:
        del holder[name]
    else:
        holder[name] = value
    assert is_valid(body, schema) == jsonschema.Draft202012Validator(schema).is_valid(body)


def test_true_is_not_one() -> None:
    assert is_valid(1, {"const": 1}) and not is_valid(True, {"const": 1})
    assert is_valid(True, {"enum": [True]}) and not is_valid(1, {"enum": [True]})
    assert not is_valid(True, {"type": "number"})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "json"),
        ("", "json"),
        ("{", "json"),
        ("[1]", "schema"),
        ('{"v":NaN}', "json"),
        ('{"v":1e999}', "json"),
        ('{"v":"\\ud800"}', "json"),
        ("[" * 1000, "json"),
        ('{"a":' * 150 + "1" + "}" * 150, "schema"),
        ('{"v":' + "9" * 1000 + "}", "schema"),
        (json.dumps({"v": 1, "x": "y" * 1024}), "size"),
        ('{"v":true}', "schema"),
        ('{"v":[]}', "schema"),
        ('{"v":2}', "schema"),
    ],
)
def test_what_is_no_message_is_a_word(body: str | None, why: str) -> None:
    assert schemas.fault(MessageKind.SUMMARY, body) == why


def test_a_schema_that_says_more_than_is_checked_is_never_passed_over() -> None:
    with pytest.raises(ValueError, match="multipleOf"):
        schemas._refuse_unknown({"multipleOf": 3})
