"""The models of the box in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fieldbox.dashboard import units
from fieldbox.dashboard.language import day, in_words, number, say, say_many
from fieldbox.dashboard.ports import ReleasedLike
from fieldbox.dashboard.words import Figure
from fieldbox.domain import ModelInfo
from fieldbox.i18n import N_

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "weeds": (N_("Weeds"), N_("Tells crop from weeds, plant by plant.")),
    "health": (N_("Crop plants"), N_("Compares crop plants with their neighbours in the row.")),
    "leaves": (N_("Leaves"), N_("Looks at one photo of a leaf (on the command line).")),
}
ORIGINS: Final[Mapping[str, str]] = {
    "shipped": N_("It came with this release."),
    "copy": N_("It is a copy of one that came with this release."),
    "signed": N_("It came from outside, with a signature that this box trusts."),
    "kept": N_("It came from outside and was kept from before."),
}
CROPS: Final[Mapping[str, str]] = {
    "potato": N_("potato"),
    "cauliflower": N_("cauliflower"),
    "maize": N_("maize"),
    "cabbage": N_("cabbage"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A model as it is shown."""

    kind: str
    sha256: str
    title: str
    about: str
    release: str
    runs: bool
    state: str
    origin: str
    """Where it is from."""
    used: str
    """How many surveys it made, and since when."""
    figures: list[Figure]
    beyond: list[str]
    """What it was not trained for, and what the box does then."""
    has_card: bool


def listed(models: Sequence[ModelInfo], releases: Sequence[ReleasedLike]) -> list[Told]:
    """Each model with what was made with it."""
    used = {one.release: one for one in releases}
    return [_told(one, used.get(one.release)) for one in models]


def _told(model: ModelInfo, used: ReleasedLike | None) -> Told:
    title, about = KINDS.get(model.kind, (model.kind, ""))
    return Told(
        kind=model.kind,
        sha256=model.sha256,
        title=say(title),
        about=say(about) if about else "",
        release=f"{model.name} {model.version}",
        runs=model.runs,
        state=say("runs")
        if model.runs
        else in_words(model.problem)
        if model.problem
        else say("does not run"),
        origin=say(ORIGINS[model.origin]) if model.origin in ORIGINS else "",
        used=_used(model, used),
        figures=list(_figures(model)),
        beyond=list(_beyond(model)),
        has_card=bool(model.card),
    )


def _used(model: ModelInfo, used: ReleasedLike | None) -> str:
    if model.kind != "weeds":
        return ""  # surveys name the one that looked for weeds
    if used is None:
        return say("No survey was made with it yet.")
    return say_many(
        "%(num)s survey was made with it, since %(day)s.",
        "%(num)s surveys were made with it, since %(day)s.",
        used.surveys,
        day=day(used.first_at),
    )


def _figures(model: ModelInfo) -> Iterator[Figure]:
    names = {
        "recall": (say("Weeds found"), say("of 100, on fields that it had not seen")),
        "precision": (say("Right"), say("of 100 that it calls weeds")),
        "accuracy": (say("Right"), say("of 100 photos that it had not seen")),
    }
    for key, share in model.measured.items():
        label, of = names[key]
        yield Figure(label, number(100 * share), "", of)
    if model.gsd_mm:
        spread = f"{number(model.gsd_mm[0], 1)}–{number(model.gsd_mm[1], 1)}"
        yield Figure(say("Photos of"), spread, say("mm a pixel"), "")
    if model.bytes:
        yield Figure(say("Size"), units.size(model.bytes), "", "")


def _beyond(model: ModelInfo) -> Iterator[str]:
    """By what the box does then: warnings of the surveys say the same."""
    if model.gsd_mm:
        coarse = say(
            "Photos coarser than %(mm)s mm a pixel: single plants are not told; the box says so and gives no number.",
            mm=number(model.gsd_mm[1], 1),
        )
        yield coarse
    if model.crops:
        crops = ", ".join(say(CROPS[one]) if one in CROPS else one for one in model.crops)
        yield say(
            "Other crops than %(crops)s: only what grows between the rows is called weed, without a count.",
            crops=crops,
        )
    if model.kind == "weeds":
        yield say(
            "Photos that show no field, are dark, burnt, blurred or without natural colours: a warning and no weeds."
        )
    if model.kind == "health":
        yield say(
            "Its symptoms were painted on photos: its verdicts are relative, a reason to go and look, no diagnosis."
        )
    if model.kind == "leaves":
        yield say("Other leaves than those of beans, and all else: it says unsure, or that this is no leaf.")
