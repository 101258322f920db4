"""The questions of the set-up, in their order and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fieldbox.dashboard.asked import (
    AREA,
    FARM_NAME,
    LANGUAGE,
    NUMBERS,
    SCRIPT,
    SEND,
    SHARE_NAME,
    SHARE_POSITION,
    TEXT_LANGUAGE,
    Asked,
)
from fieldbox.i18n import N_


@dataclass(frozen=True, slots=True)
class Step:
    """A question of the set-up."""

    slug: str
    title: str
    lead: str
    asked: tuple[Asked, ...] = ()
    may_wait: bool = True


STEPS: Final = (
    Step(
        "language",
        N_("Which language?"),
        N_(
            "This phone and the box speak it from now on. Every reader can choose another one on their own phone."
        ),
        (LANGUAGE, AREA),
    ),
    Step("farm", N_("What is the farm called?"), N_("So that you see whose box this is."), (FARM_NAME,)),
    Step(
        "you",
        N_("Who are you?"),
        N_(
            "You are the owner: you decide who may come in and what leaves the farm. You log in with this name and password."
        ),
        may_wait=False,
    ),
    Step(
        "texts",
        N_("Who is told by text?"),
        N_(
            "Your agronomist, for instance, through a modem in the box. They need no internet and no smartphone."
        ),
        (NUMBERS, SEND, TEXT_LANGUAGE, SCRIPT),
    ),
    Step(
        "hub",
        N_("Does the box belong to a hub?"),
        N_(
            "A hub is where the messages of many boxes arrive: at a co-operative, say. The box works as well without one."
        ),
    ),
    Step(
        "leaving",
        N_("What may leave the farm?"),
        N_(
            "Figures go to the hub and to those who are texted. Photos stay here. Names and positions only if you allow it."
        ),
        (SHARE_NAME, SHARE_POSITION),
    ),
    Step(
        "flight",
        N_("Try it"),
        N_(
            "The box flies over a field that there is not, and maps it: you see all pages at work before your first real flight."
        ),
    ),
)
BY_SLUG: Final[Mapping[str, Step]] = {step.slug: step for step in STEPS}
