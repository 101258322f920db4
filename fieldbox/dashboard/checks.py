"""How good a flight was when it came in, in words for the pilot who may still be there."""

from __future__ import annotations

from dataclasses import dataclass

from fieldbox.dashboard.language import in_words, number, say
from fieldbox.dashboard.words import Figure
from fieldbox.domain import Finding, FlightCheck, Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """What a page shows of a check."""

    verdict: str
    """The class of its note."""
    headline: str
    reasons: tuple[str, ...]
    """The gravest first."""
    figures: tuple[Figure, ...]
    holes: int
    thin: int


def checked(check: FlightCheck) -> Checked:
    """A check in the reader's language."""
    return Checked(
        verdict={Verdict.GOOD: "good", Verdict.USABLE: "warn", Verdict.AGAIN: "bad"}[check.verdict],
        headline=_headline(check.verdict),
        reasons=tuple(map(_reason, check.findings)),
        figures=tuple(_figures(check)),
        holes=len(check.holes),
        thin=len(check.thin),
    )


def _headline(verdict: Verdict) -> str:
    return {
        Verdict.GOOD: say("Good: sharp, well exposed, and it covers the ground."),
        Verdict.USABLE: say("Usable, but look at this first:"),
        Verdict.AGAIN: say("Fly again:"),
    }[verdict]


def _reason(one: Finding) -> str:
    because = f" {in_words(one.because)}" if one.because else ""
    return in_words(one.sentence) + because


def _figures(check: FlightCheck) -> list[Figure]:
    placed = say("%(placed)s with a place", placed=number(check.placed))
    found = [] if check.mosaic else [Figure(say("Photos"), number(check.photos), "", placed)]
    if check.gsd_mm is not None and check.smallest_weed_mm is not None:
        found += [
            Figure(say("One pixel on the ground"), number(check.gsd_mm / 10, 2), "cm", None),
            Figure(
                say("Smallest plant counted"), number(check.smallest_weed_mm / 10, 1), "cm", say("across")
            ),
        ]
    if check.overlap is not None and check.thin_pct is not None and check.bare_pct is not None:
        found += [
            Figure(say("Photos over each spot"), number(check.overlap), "", say("typical")),
            Figure(say("On fewer than three"), number(check.thin_pct), "%", say("of the ground")),
            Figure(say("On no photo"), number(check.bare_pct, 1), "%", say("of the ground")),
        ]
    return found
