"""What the checks of people say, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fieldbox.dashboard.language import day, number, say, say_many
from fieldbox.dashboard.precision import Precision, Tally, estimate
from fieldbox.dashboard.reviewqueue import outcome
from fieldbox.domain import GivenVerdict, Label, LabelVerdict, PlantSeen, SurveyVerdict
from fieldbox.i18n import N_

VERDICTS: Mapping[LabelVerdict, str] = {
    LabelVerdict.RIGHT: N_("Weed"),
    LabelVerdict.CROP: N_("Crop plant"),
    LabelVerdict.WRONG: N_("No plant"),
    LabelVerdict.UNSURE: N_("Cannot tell"),
}
WAYS: Mapping[str, str] = {
    "sms": N_("by SMS"),
    "hub": N_("by the hub"),
    "dashboard": N_("on this page"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the checks, as sentences; `notes` are less important."""

    checked: int
    known: bool
    lead: str
    notes: tuple[str, ...]


def outcome_of(tallies: Sequence[Tally]) -> Outcome:
    """The checks of one survey, or of several together."""
    found = precision_of(tallies)
    notes = [
        _corrected(found),
        _people(tallies),
        _agreement(tallies),
        _apart(tallies),
    ]
    checked = sum(one.checked for one in tallies)
    return Outcome(checked, found.share is not None, lead(found), tuple(one for one in notes if one))


def precision_of(tallies: Sequence[Tally]) -> Precision:
    """How often the model is right: over those surveys of which it is known, or of all while it is of none."""
    alone = [(one, estimate(one.strata)) for one in tallies]
    known = [one for one, told in alone if told.share is not None]
    return estimate(stratum for one in known or tallies[:1] for stratum in one.strata)


def lead(found: Precision) -> str:
    """How often the model is right, in one sentence."""
    if found.share is None or found.interval95 is None:
        return say_many(
            "How much of what is called weed is weed is not known yet: %(num)s more check.",
            "How much of what is called weed is weed is not known yet: %(num)s more checks.",
            max(found.lacking, 1),
        )
    if found.judged >= found.population:
        return say_many(
            "%(num)s plant is called a weed here, and was checked: %(share)s %% are weeds.",
            "All %(num)s plants that are called weeds here were checked: %(share)s %% are weeds.",
            found.judged,
            share=number(100 * found.share),
        )
    return say_many(
        "%(share)s %% of what is called weed here is weed (%(low)s–%(high)s %%), from %(num)s check.",
        "%(share)s %% of what is called weed here is weed (%(low)s–%(high)s %%), from %(num)s checks.",
        found.judged,
        share=number(100 * found.share),
        low=number(100 * found.interval95.low),
        high=number(100 * found.interval95.high),
    )


def _corrected(found: Precision) -> str:
    if found.share is None or found.interval95 is None or found.judged >= found.population:
        return ""
    return say(
        "So of the %(all)s plants that are outlined about %(some)s are weeds (%(low)s–%(high)s). Weeds that the map "
        "missed are not in this.",
        all=number(found.population),
        some=number(found.population * found.share),
        low=number(math.floor(found.population * found.interval95.low)),
        high=number(math.ceil(found.population * found.interval95.high)),
    )


def _people(tallies: Sequence[Tally]) -> str:
    people: dict[str, int] = {}
    for one in tallies:
        for who, count in one.by_person.items():
            people[who] = people.get(who, 0) + count
    if not people:
        return ""
    most = sorted(people.items(), key=lambda one: (-one[1], one[0]))
    return say("Checked by %(people)s.", people=", ".join(f"{who} ({number(count)})" for who, count in most))


def _agreement(tallies: Sequence[Tally]) -> str:
    compared, agreed = sum(one.compared for one in tallies), sum(one.agreed for one in tallies)
    if not compared:
        return ""
    return say_many(
        "Two people judged the same plant %(num)s time; they agreed in %(share)s %%.",
        "Two people judged the same plant %(num)s times; they agreed in %(share)s %%.",
        compared,
        share=number(100 * agreed / compared),
    )


def _apart(tallies: Sequence[Tally]) -> str:
    untold, contested = sum(one.untold for one in tallies), sum(one.contested for one in tallies)
    told = []
    if untold:
        told.append(
            say_many(
                "Of %(num)s plant it could not be told.", "Of %(num)s plants it could not be told.", untold
            )
        )
    if contested:
        told.append(say_many("%(num)s plant is contested.", "%(num)s plants are contested.", contested))
    return " ".join(told)


def says(plant: PlantSeen) -> str:
    """What the model says of a plant."""
    return say("Weed, sure") if plant.sure else say("Weed, unsure")


def size(plant: PlantSeen) -> str:
    """How large a plant is."""
    across = 2 * math.sqrt(plant.area_cm2 / math.pi)
    return say(
        "about %(across)s cm across",
        across=number(across, 1 if across < 3 else 0),
    )


def said_of_survey(given: Sequence[GivenVerdict]) -> list[str]:
    """What people make of a survey, newest first: who, what, when, how."""
    told = {SurveyVerdict.RIGHT: say("right"), SurveyVerdict.WRONG: say("wrong")}
    return [
        say(
            "%(who)s: %(verdict)s, %(day)s, %(way)s",
            who=one.who,
            verdict=told[one.verdict],
            day=day(one.at),
            way=say(WAYS.get(one.way, one.way)),
        )
        for one in reversed(given)
    ]


@dataclass(frozen=True, slots=True)
class SaidOfPlant:
    """What people make of a plant: `verdict` None where it is contested."""

    verdict: LabelVerdict | None
    result: str
    people: tuple[str, ...]


def said_of_plant(given: Sequence[Label]) -> SaidOfPlant:
    """What people make of a plant, and who said so."""
    verdict = outcome(one.verdict for one in given)
    result = (
        say("Checked: %(verdict)s.", verdict=say(VERDICTS[verdict]).lower())
        if verdict
        else say("People do not agree what this is.")
    )
    people = tuple(
        say("%(who)s: %(verdict)s, %(day)s", who=one.who, verdict=say(VERDICTS[one.verdict]), day=day(one.at))
        for one in given
    )
    return SaidOfPlant(verdict, result, people)
