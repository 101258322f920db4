"""Reference answers to a few pictures that every machine can draw for itself.

A model whose bytes are right may still answer wrongly: 8-bit arithmetic saturates on some processors, a
runtime has faults. So each shipped model's answers to some rendered tiles are stored with the package, and
compared with those of this machine. What is compared is what people act on (plants, shares, probabilities),
not bits: those differ between processors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence

FILE = Path(__file__).with_name("golden.json")
SHARE_OFF, SHARE_SLACK = 0.01, 0.2
"""A share or probability p may differ by the first plus the second times p (1 - p): 0.01 at 0, 0.06 at 1/2."""
REACH_PX = 12.0
"""A plant is the same one if its centre lies within this of the reference's, and its class is the same."""
LEAST_SAME = 0.9
"""Share of the plants (of both sides together) that must be the same."""
LEVEL_OFF = 1.0
"""Grey levels by which the mean of a drawn tile may differ; a tile that is off by more is another picture."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one tile.

    level    mean grey level of the tile itself
    shares   numbers from 0 to 1 by name: covers, probabilities
    plants   (class, x, y) of each single plant, in pixels
    """

    level: float
    shares: Mapping[str, float]
    plants: tuple[tuple[int, float, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As stored, rounded to what is compared."""
        return {
            "level": round(self.level, 2),
            "shares": {name: round(value, 4) for name, value in sorted(self.shares.items())},
            "plants": [[kind, round(x, 1), round(y, 1)] for kind, x, y in self.plants],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Answer:
        """Read back what `to_json` made."""
        plants = tuple((int(kind), float(x), float(y)) for kind, x, y in stored["plants"])
        return cls(float(stored["level"]), {k: float(v) for k, v in stored["shares"].items()}, plants)


@dataclass(frozen=True, slots=True)
class Reference:
    """The answers of one model file, which has the digest `sha256`."""

    sha256: str
    answers: tuple[Answer, ...]


def read_references(file: Path = FILE) -> dict[str, Reference]:
    """By name of the model file. Raises Misconfigured."""
    try:
        stored = json.loads(file.read_text("utf-8"))
        return {
            name: Reference(one["sha256"], tuple(Answer.from_json(answer) for answer in one["answers"]))
            for name, one in stored.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(
            N_("The reference answers {file} are missing or damaged; install the release again."),
            file=file.name,
        ) from error


def write_references(references: Mapping[str, Reference], file: Path = FILE) -> None:
    """Store references; done once for each released model, by `python -m models.golden`."""
    stored = {
        name: {"sha256": one.sha256, "answers": [answer.to_json() for answer in one.answers]}
        for name, one in sorted(references.items())
    }
    lines = [f"{json.dumps(name)}: {_one_line_each(one)}" for name, one in stored.items()]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _one_line_each(one: Mapping[str, Any]) -> str:
    answers = ",\n  ".join(json.dumps(answer) for answer in one["answers"])
    return f'{{"sha256": {json.dumps(one["sha256"])}, "answers": [\n  {answers}]}}'


def differences(name: str, wanted: Sequence[Answer], given: Sequence[Answer]) -> list[Sentence]:
    """What of the answers of a model file `name` differs from the reference by more than is allowed."""
    if len(wanted) != len(given):
        template = N_("{file} has reference answers to other tiles; install the release again.")
        return [Sentence(template, {"file": name})]
    found = (_difference(name, n, *pair) for n, pair in enumerate(zip(wanted, given, strict=True), start=1))
    return [sentence for sentence in found if sentence is not None]


def _difference(name: str, tile: int, wanted: Answer, given: Answer) -> Sentence | None:
    if abs(wanted.level - given.level) > LEVEL_OFF:
        template = N_("Golden tile {tile} is drawn otherwise on this machine, so {file} cannot be compared.")
        return Sentence(template, {"file": name, "tile": tile})
    if wanted.shares.keys() != given.shares.keys():
        template = N_("{file} gives other answers than the reference on golden tile {tile}.")
        return Sentence(template, {"file": name, "tile": tile})
    for what, value in wanted.shares.items():
        if not abs(given.shares[what] - value) <= SHARE_OFF + SHARE_SLACK * value * (1 - value):
            template = N_(
                "{file} answers otherwise on this machine: on golden tile {tile}, {what} is {given} and should be {wanted}."
            )
            return Sentence(
                template,
                {
                    "file": name,
                    "tile": tile,
                    "what": what,
                    "given": round(given.shares[what], 3),
                    "wanted": round(value, 3),
                },
            )
    same = same_plants(wanted.plants, given.plants)
    if same < LEAST_SAME:
        template = N_(
            "{file} answers otherwise on this machine: on golden tile {tile}, {percent} % of the plants are the reference's."
        )
        return Sentence(template, {"file": name, "tile": tile, "percent": round(100 * same)})
    return None


def same_plants(
    one: Sequence[tuple[int, float, float]],
    other: Sequence[tuple[int, float, float]],
    reach_px: float = REACH_PX,
) -> float:
    """Share of the plants of both sides that are the other side's too; 1 where neither has any."""
    if not one or not other:
        return float(not one and not other)
    a, b = np.array(one, float), np.array(other, float)
    near = np.hypot(a[:, None, 1] - b[None, :, 1], a[:, None, 2] - b[None, :, 2]) <= reach_px
    alike = near & (a[:, None, 0] == b[None, :, 0])
    return float((alike.any(1).sum() + alike.any(0).sum()) / (len(a) + len(b)))
