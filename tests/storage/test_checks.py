"""How good flights were when they came in is kept as it was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fieldbox.domain import Finding, Flight, FlightCheck, Verdict
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, capture

RING = ((74.2, 18.5), (74.2001, 18.5), (74.2001, 18.5001))
CHECK = FlightCheck(
    mosaic=False,
    photos=12,
    placed=11,
    started_at=datetime(2026, 6, 1, 12, 30, 1),
    gsd_mm=2.8,
    smallest_weed_mm=None,
    overlap=6.0,
    thin_pct=3.5,
    bare_pct=0.0,
    holes=((RING, RING),),
    thin=(),
    blurred=1,
    badly_exposed=0,
    findings=(
        Finding("blur", Verdict.USABLE, Sentence("{count} photos are blurred.", {"count": 1})),
        Finding("pose", Verdict.USABLE, Sentence("No place."), Sentence("It is {why}.", {"why": "ठीक"})),
    ),
)


def test_a_check_is_kept(store: Store) -> None:
    one = capture(1)
    add_captures(store, [one])
    store.save_flight(Flight("flight", None, None, None, (one,)))
    assert store.checks(["flight"]) == {}
    store.keep_check("flight", CHECK)
    assert store.checks(["flight", "another"]) == {"flight": CHECK}
    store.keep_check("flight", replace(CHECK, photos=13, findings=()))
    assert store.checks(["flight"])["flight"].verdict is Verdict.GOOD
