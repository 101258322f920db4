"""The leaf model: a photo of one bean leaf in, what is wrong with it out.

It knows bean leaves alone, photographed from near with a phone. It is no weed model's sister: pictures from a
drone are not for it, and nothing of it is ever asked about them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.inference.runtime import INPUT, Kind, Port, Session

MULTIPLE = 32
MIN_SIDE = 128
"""Pixels of the shorter side below which spots are lost."""
MAX_ASPECT = 2.0
"""Of longer pictures only the middle is looked at."""


class Leaf(StrEnum):
    """What a bean leaf can be. In the order of the model's answers."""

    HEALTHY = "healthy"
    RUST = "bean_rust"
    ANGULAR_LEAF_SPOT = "angular_leaf_spot"


OUTPUTS = len(Leaf) + 1
LEAVES = Kind(
    "leaves",
    Port(INPUT, "uint8", (None, None, None, 3)),
    Port("leaf", "float32", (None, OUTPUTS)),
    multiple=MULTIPLE,
)
"""RGB bytes [batch, height, width, 3] in, logits [batch, 4] out: the three of `Leaf`, then "no bean leaf"."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an answer is sure. Chosen on photos that the model in question was not trained on.

    temperature  the logits are divided by it, which makes the probabilities calibrated
    not_a_leaf   from this probability of "no bean leaf" on, the picture is called that
    leaf         up to this probability of "no bean leaf" it counts as a bean leaf; between the two it is unsure
    sure         least probability of the likeliest class, given that it is a bean leaf
    shift        added to the divided logits of the three classes; with the temperature it is bias-corrected
                 temperature scaling (Alexandari, Kundaje, Shrikumar 2020, arXiv:1901.06852)
    """

    temperature: float
    not_a_leaf: float
    leaf: float
    sure: float
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that make no rule."""
        numbers = (self.temperature, self.not_a_leaf, self.leaf, self.sure, *self.shift)
        ordered = 0 <= self.leaf <= self.not_a_leaf <= 1 and 0 <= self.sure <= 1
        if (
            len(self.shift) != len(Leaf)
            or not all(map(math.isfinite, numbers))
            or self.temperature <= 0
            or not ordered
        ):
            raise ValueError(f"no rule: {self}")

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Rule:
        """From the model file's metadata: the fields by name. Raises KeyError, TypeError or ValueError."""
        healthy, rust, spots = map(float, stored["shift"])
        return cls(
            temperature=float(stored["temperature"]),
            not_a_leaf=float(stored["not_a_leaf"]),
            leaf=float(stored["leaf"]),
            sure=float(stored["sure"]),
            shift=(healthy, rust, spots),
        )


@dataclass(frozen=True, slots=True)
class LeafVerdict:
    """What is said of one photo.

    found          the class; None where the model is unsure, or it is no bean leaf
    likeliest      the likeliest class, sure or not
    probabilities  of each class, given that it is a bean leaf (they add up to 1)
    no_leaf        probability that it is no bean leaf
    not_a_leaf     whether it is called that
    """

    found: Leaf | None
    likeliest: Leaf
    probabilities: Mapping[Leaf, float]
    no_leaf: float
    not_a_leaf: bool

    @property
    def sure(self) -> bool:
        """Whether a class is named."""
        return self.found is not None


class Runs(Protocol):
    """What a model needs to be asked: `Session`, or a stand-in in a test."""

    digest: str

    def run(self, given: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Session.run`."""
        ...


class LeafModel:
    """Tells healthy bean leaves from rust and angular leaf spot. Safe to share between threads."""

    def __init__(self, session: Runs, *, name: str, version: str, side: int, rule: Rule) -> None:
        self._session = session
        self.side, self.rule = side, rule
        self.release = f"{name}@{version}"
        self.digest = session.digest

    @classmethod
    def load(cls, path: Path, *, expected_sha256: str | None = None, threads: int = 1) -> LeafModel:
        """Load the model file; raises `Misconfigured` as `Session.load` does, or where its metadata is unusable."""
        session = Session.load(path, threads=threads, expected_sha256=expected_sha256, kind=LEAVES)
        stored = session.metadata
        try:
            if json.loads(stored["classes"]) != [*(leaf.value for leaf in Leaf), "not_a_leaf"]:
                raise ValueError("other classes")
            side = int(stored["side"])
            if not MULTIPLE <= side <= 2048:
                raise ValueError("no side")
            rule = Rule.from_json(json.loads(stored["rule"]))
            return cls(session, name=stored["name"], version=stored["version"], side=side, rule=rule)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise Misconfigured(
                N_("The model file {file} lacks its description; install the release again."), file=path.name
            ) from error

    def judge(self, rgb: NDArray[np.uint8]) -> LeafVerdict:
        """Look at one photo, upright or not.

        rgb: uint8 [H, W, 3], at least `MIN_SIDE` pixels a side; any size above is made smaller. The photo and
        its mirror image are asked, and the mean of their logits counts.
        Raises `ValueError` for another shape or type.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < MIN_SIDE:
            raise ValueError(f"uint8 [height, width, 3] expected, not {rgb.dtype} {rgb.shape}")
        picture = fitted(rgb, self.side)
        logits = self._session.run(np.stack([picture, picture[:, ::-1]])).mean(0)
        return verdict_of(logits, self.rule)


def verdict_of(logits: NDArray[np.float32], rule: Rule) -> LeafVerdict:
    """The answer for the logits [4] of one photo."""
    scaled = np.asarray(logits, np.float64) / rule.temperature + (*rule.shift, 0.0)
    shares = np.exp(scaled - scaled.max())
    shares /= shares.sum()
    no_leaf = float(shares[-1])
    # Taken by itself: of a picture that is hardly a leaf, the three shares would all be next to nothing.
    among = np.exp(scaled[:-1] - scaled[:-1].max())
    among /= among.sum()
    best = int(among.argmax())
    likeliest = tuple(Leaf)[best]
    sure = no_leaf <= rule.leaf and float(among[best]) >= rule.sure
    not_a_leaf = no_leaf >= rule.not_a_leaf and not sure
    probabilities = {leaf: float(share) for leaf, share in zip(Leaf, among, strict=True)}
    return LeafVerdict(likeliest if sure else None, likeliest, probabilities, no_leaf, not_a_leaf)


def fitted(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A photo as the model sees it: about `side` x `side` pixels in area, both sides multiples of 32.

    The whole photo is kept, its shape to within the rounding; of one longer than 2:1 the middle is taken.
    """
    rgb = _middle(rgb)
    height, width = rgb.shape[:2]
    scale = side / math.sqrt(height * width)
    rows, columns = (max(1, round(length * scale / MULTIPLE)) * MULTIPLE for length in (height, width))
    if (rows, columns) == (height, width):
        return rgb
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(rgb, (columns, rows), interpolation=how).astype(np.uint8, copy=False)


def _middle(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    most = int(MAX_ASPECT * min(height, width))
    top, left = (max(0, length - most) // 2 for length in (height, width))
    return rgb[top : top + most, left : left + most]
