"""Verdicts of people: on plants that the model calls weeds, and on whole surveys."""

from __future__ import annotations

import re

from fieldbox.dashboard.asking import plan_of, reviewing
from fieldbox.dashboard.ports import box
from fieldbox.domain import Label, LabelVerdict, SurveyVerdict
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

WAY = "dashboard"
"""By which verdicts on surveys come from here."""
_ACT = re.compile(r"[A-Za-z0-9_-]{8,64}")


def judge(actor: str, plant: int, verdict: str, act: str) -> Label:
    """Keep what somebody makes of a plant. Only if the queue gave it to them may it count for the precision.

    `act` names the act: given twice, it counts once. Each verdict is its own record of who gave it when, and is in no
    other list of deeds. Raises Rejected.
    """
    if not _ACT.fullmatch(act):
        raise Rejected(N_("This verdict has no name of its own: load the page anew."))
    try:
        said = LabelVerdict(verdict)
    except ValueError:
        raise Rejected(N_("A plant can be a weed, a crop plant, neither, or not to be told.")) from None
    seen = next(iter(box().store.plants_seen([plant])), None)
    if seen is None:
        raise Rejected(N_("There is no such plant: load the page anew."))
    by_chance = reviewing().was_asked(actor, plant) and plan_of(seen.survey_id).is_by_chance(plant)
    given = box().store.give_label(plant, said, who=actor, act=act, by_chance=by_chance)
    if given is None or (given.who, given.plant) != (actor, plant):
        raise Rejected(N_("This verdict has no name of its own: load the page anew."))
    reviewing().release(plant)
    return given


def undo(actor: str, act: str | None = None) -> Label:
    """Take back one's own verdict, that of `act` or the last one. Raises Rejected: there is none."""
    found = box().store.undo_label(actor, act)
    if found is None:
        raise Rejected(N_("You have no verdict to take back."))
    reviewing().reopen(found.survey_id, found.plant)
    return found


def skip(actor: str, plant: int) -> None:
    """Show somebody this plant no more, until the box starts anew or they ask for what they skipped."""
    reviewing().skip(actor, plant)


def unskip(actor: str) -> int:
    """Show somebody again what they skipped; how many plants."""
    return reviewing().unskip(actor)


def judge_survey(actor: str, survey_id: str, verdict: str) -> bool:
    """Keep what somebody makes of a whole survey; False: they said so before. Raises Rejected."""
    try:
        said = SurveyVerdict(verdict)
    except ValueError:
        raise Rejected(N_("A map can be right or wrong.")) from None
    if box().store.survey(survey_id) is None:
        raise Rejected(N_("There is no such map: load the page anew."))
    fresh = box().store.give_verdict(survey_id, said, way=WAY, who=actor)
    if fresh:
        box().store.audit(actor, f"survey called {said.value}", survey_id)
    return fresh
