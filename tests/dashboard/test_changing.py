"""Whether a treatment worked, in the words of the dashboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from fieldbox.dashboard.changing import told_to_work, worked
from fieldbox.domain import Efficacy, Interval

FOUND = Efficacy(
    value=0.9,
    interval95=Interval(0.8, 0.97),
    treated_m2=100.0,
    control_m2=200.0,
    treated=(50.0, 5.0),
    control=(80.0, 80.0),
    found_again=None,
    margin_m=0.1,
)


@pytest.mark.parametrize(
    ("interval", "works", "words"),
    [
        ((0.8, 0.97), True, "The spraying took 90 %"),
        ((-0.4, 0.6), False, "cannot be told"),
        ((-0.9, -0.2), False, "did not work"),
    ],
)
def test_what_chance_may_have_taken_is_no_success(
    client: FlaskClient, interval: tuple[float, float], works: bool, words: str
) -> None:
    found = replace(FOUND, interval95=Interval(*interval))
    with client.application.test_request_context():
        assert words in worked(found)
    assert told_to_work(found) is works
