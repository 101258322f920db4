"""Made-up input, right and wrong, for every operation: nothing breaks, and every answer is one that is described.

`make proof-api` does the same with many more examples.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from schemathesis import GenerationMode

from fieldbox.dashboard.api.description import every, path_of
from tests.dashboard.api.contract import DELETES, Trial, trial

EXAMPLES = 6
LABELS = sorted((f"{one.method} {path_of(one.rule)}" for one in every()), key=lambda one: one == DELETES)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A throw-away box: destructive operations are asked for as well."""
    with trial(tmp_path_factory.mktemp("contract")) as made:
        yield made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("label", LABELS)
def test_answers_are_as_described_whatever_is_asked(box: Trial, label: str, mode: GenerationMode) -> None:
    [operation] = [one for one in box.operations() if one.label == label]
    box.ask(operation, EXAMPLES, mode=mode)
