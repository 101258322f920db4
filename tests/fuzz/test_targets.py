"""The targets themselves: sound files are read, and what a few blind changes make of them does no harm."""

from __future__ import annotations

import math
import random
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from fieldbox.errors import FieldboxError
from fieldbox.i18n import Sentence
from tests.fuzz.mutated import mutated
from tests.fuzz.sound import check
from tests.fuzz.targets import TARGETS

CHANGES = 40


@pytest.mark.parametrize(
    "name",
    [name for name in TARGETS if name != "panel code"],  # which takes a tenth of a second
)
def test_changed_inputs_give_a_result_or_a_sentence(name: str) -> None:
    chance, target = random.Random(name), TARGETS[name]  # noqa: S311  no secret
    seeds = [seed for seed in target.seeds() if seed and len(seed) <= 2 * target.longest]
    read = 0
    for seed in seeds:
        with suppress(FieldboxError):
            target.read(seed)
            read += 1
    assert read > 0
    for _change in range(CHANGES):
        with suppress(FieldboxError):
            target.read(mutated(chance.choice(seeds), chance))


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        2**63,
        "\ud800",
        "a\nb",
        datetime(2026, 6, 1, tzinfo=UTC),
        datetime(9999, 12, 31),
        Sentence("{word}", {"word": "\ud800"}),
        {"lat": [math.inf]},
        object(),
    ],
)
def test_what_is_not_sound_is_seen(value: object) -> None:
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        check(value)
