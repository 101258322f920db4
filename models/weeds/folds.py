"""Cross-validation over the potato field: `python -m models.weeds.folds --data DIR --out DIR`.

Three folds of whole, neighbouring columns. For each, a model is trained on the other ten columns and the
cauliflower photos by the very recipe of the released one, and made 8-bit. `evaluate.py` holds each against the
columns it never saw.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

COLUMNS = tuple(range(15))
FOLDS = (tuple(range(5)), tuple(range(5, 10)), tuple(range(10, 15)))
"""Columns held out, fold by fold."""


def others(fold: tuple[int, ...]) -> list[int]:
    """The columns a fold's model is trained on."""
    return [column for column in COLUMNS if column not in fold]


def folder(out: Path, number: int) -> Path:
    """Where a fold's checkpoint and models are."""
    return out / f"fold{number}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3200)
    args = parser.parse_args()
    for number, fold in enumerate(FOLDS, start=1):
        place = folder(args.out, number)
        common = [sys.executable, "-m"]
        data = ["--data", str(args.data)]
        columns = [str(column) for column in others(fold)]
        train = ["models.weeds.train", *data, "--out", str(place), "--steps", str(args.steps), "--resume"]
        subprocess.run([*common, *train, "--columns", *columns], check=True)
        export = ["models.weeds.export", *data, "--checkpoint", str(place / "last.pt"), "--out", str(place)]
        subprocess.run([*common, *export], check=True)


if __name__ == "__main__":
    main()
