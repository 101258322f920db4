"""What a phone photo of one bean leaf shows. Stands by itself: no flight, no field, no survey."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldbox.config import Config
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.phone import read_phone_photo
from fieldbox.inference.leaves import Leaf, LeafModel, LeafVerdict
from fieldbox.models import Chosen, choose

_FOUND = {
    Leaf.HEALTHY: N_("The leaf looks healthy ({share:.0f} % certain)."),
    Leaf.RUST: N_("The leaf shows bean rust ({share:.0f} % certain)."),
    Leaf.ANGULAR_LEAF_SPOT: N_("The leaf shows angular leaf spot ({share:.0f} % certain)."),
}
_LIKELIEST = {
    Leaf.HEALTHY: N_(
        "Unsure; most like a healthy leaf ({share:.0f} %). Take another photo: one leaf, close, in even light."
    ),
    Leaf.RUST: N_(
        "Unsure; most like bean rust ({share:.0f} %). Take another photo: one leaf, close, in even light."
    ),
    Leaf.ANGULAR_LEAF_SPOT: N_(
        "Unsure; most like angular leaf spot ({share:.0f} %). Take another photo: one leaf, close, in even light."
    ),
}
_NOT_A_LEAF = Sentence(
    N_("This is not seen as a bean leaf: take the photo from near, with one leaf filling most of it.")
)
_STRANGE = Sentence(
    N_("Unsure whether this is a bean leaf: take the photo from near, with one leaf filling most of it.")
)
BEANS_ONLY = Sentence(
    N_(
        "fieldbox knows only bean leaves: healthy, bean rust and angular leaf spot. It cannot tell other crops or diseases."
    )
)


@dataclass(frozen=True, slots=True)
class LeafReport:
    """The verdict on one photo with what a person should read of it."""

    file: str
    verdict: LeafVerdict
    sentences: tuple[Sentence, ...]
    release: str

    def to_text(self) -> str:
        """As the command prints it."""
        return "\n".join(str(sentence) for sentence in self.sentences)

    def to_json(self) -> dict[str, Any]:
        """For machines; `class` is null where the model is unsure, or it is no bean leaf."""
        verdict = self.verdict
        return {
            "file": self.file,
            "class": None if verdict.found is None else verdict.found.value,
            "sure": verdict.sure,
            "not_a_leaf": verdict.not_a_leaf,
            "likeliest": None if verdict.not_a_leaf else verdict.likeliest.value,
            "probabilities": None
            if verdict.not_a_leaf
            else {leaf.value: round(share, 4) for leaf, share in verdict.probabilities.items()},
            "not_a_leaf_probability": round(verdict.no_leaf, 4),
            "sentences": [str(sentence) for sentence in self.sentences],
            "release": self.release,
        }


def choose_leaves(config: Config) -> Chosen[LeafModel]:
    """The leaf model of this box. Raises Misconfigured only where the shipped one itself cannot be used."""
    return choose(config, "leaves", lambda file: LeafModel.load(file.path, expected_sha256=file.sha256))


def judge(config: Config, image: Path) -> LeafReport:
    """Look at one phone photo.

    Raises Rejected for what is no readable photo, too small or too large, or taken by a drone; Misconfigured
    where the model cannot be used.
    """
    pixels = read_phone_photo(image)
    chosen = choose_leaves(config)
    verdict = chosen.model.judge(pixels)
    said = (sentence_of(verdict, chosen.model.rule.leaf), BEANS_ONLY, *chosen.warnings)
    return LeafReport(image.name, verdict, said, chosen.model.release)


def sentence_of(verdict: LeafVerdict, leaf: float = 0.5) -> Sentence:
    """What the verdict says, in one sentence. `leaf` as in `Rule`."""
    if verdict.not_a_leaf:
        return _NOT_A_LEAF
    share = 100 * verdict.probabilities[verdict.likeliest]
    if verdict.found is not None:
        # Rounded up to 100 it would promise what nobody can.
        return Sentence(_FOUND[verdict.found], {"share": min(share, 99.0)})
    if verdict.no_leaf > leaf:
        return _STRANGE
    return Sentence(_LIKELIEST[verdict.likeliest], {"share": share})
