"""Each error is one sentence that can be stored and shown in another language."""

from __future__ import annotations

import pytest

from fieldbox.errors import FieldboxError, Misconfigured, Rejected, Unavailable, Unsent
from fieldbox.i18n import Sentence


@pytest.mark.parametrize(
    ("kind", "retry"), [(Rejected, False), (Misconfigured, False), (Unsent, True), (Unavailable, True)]
)
def test_an_error_is_a_sentence_and_knows_whether_a_retry_helps(
    kind: type[FieldboxError], retry: bool
) -> None:
    error = kind("{file} cannot be read: {why}.", file="a.jpg", why="it is gone")
    assert str(error) == "a.jpg cannot be read: it is gone."
    assert error.retry_helps is retry
    assert isinstance(error, FieldboxError)
    assert Sentence.from_json(error.sentence.to_json()) == error.sentence


def test_names_are_put_in_as_they_are() -> None:
    error = Rejected("{file} is no photo.", file="{why} %s {0}")
    assert str(error) == "{why} %s {0} is no photo."
