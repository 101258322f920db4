"""The tables and plots of the card: `python -m models.weeds.card` rewrites what lies between the marks of `weeds.md`.

All numbers come from `report.json`, which `evaluate.py` and `elsewhere.py` write; none is typed by hand.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
CARD = HERE.parent / "weeds.md"
KINDS = ("crop", "weed")
Figure = list[float | None]


def spread(figure: Figure, digits: int = 3, times: float = 1.0) -> str:
    """A figure with its interval."""
    value, low, high = figure
    if value is None:
        return "–"
    text = f"{times * value:.{digits}f}"
    return (
        text
        if low is None or high is None
        else f"{text} ({times * low:.{digits}f}–{times * high:.{digits}f})"
    )


def folds(report: dict[str, Any]) -> str:
    """Cross-validation and the columns held back, each int8, and fp32 beside it."""
    columns = [("folds, int8", report["folds"]), ("folds, fp32", report["folds_fp32"])]
    if "columns_13_14" in report:
        columns.append(("columns 13–14, int8", report["columns_13_14"]))
    rows = [
        (
            "tiles; crop plants, weeds labelled",
            [f"{c['tiles']}; {c['labelled']['crop']}, {c['labelled']['weed']}" for _, c in columns],
        )
    ]
    for key, words in (
        ("ap50", "mask AP50 of both, one class a plant"),
        ("ap50_twice", "mask AP50 of both, each plant under both classes"),
    ):
        rows.append((words, [spread(c["overall"][key]) for _, c in columns]))
    for kind in KINDS:
        for key, words in (
            ("ap50", "mask AP50, one class a plant"), ("ap50_twice", "mask AP50, under both classes"),
            ("precision", "precision (centres within 15 cm)"), ("recall", "recall"), ("f1", "F1"),
        ):  # fmt: skip
            rows.append((f"{kind}: {words}", [spread(c["by_class"][kind][key]) for _, c in columns]))
        rows.append(
            (
                f"{kind}: count off, %",
                [spread(c["by_class"][kind]["count_error"], 1, 100) for _, c in columns],
            )
        )
        rows.append(
            (
                f"{kind}: labelled / seen cover",
                [spread(c["by_class"][kind]["true_over_seen_cover"], 2) for _, c in columns],
            )
        )
    for key, words, digits, times in (
        ("count_error", "all plants: count off, %", 1, 100), ("count_off_per_tile", "all plants: count off a tile", 2, 1),
        ("brier", "Brier score", 3, 1), ("ece", "expected calibration error", 3, 1),
        ("sure_share", "called sure, %", 1, 100), ("sure_precision", "right among the sure, %", 1, 100),
    ):  # fmt: skip
        rows.append((words, [spread(c["overall"][key], digits, times) for _, c in columns]))
    return table(["", *(name for name, _ in columns)], [[words, *cells] for words, cells in rows])


def by_columns(report: dict[str, Any]) -> str:
    """The folds, part by part of the field, each seen by a model not trained on it."""
    rows = []
    for group, of in report["by_columns"].items():
        weed, both = of["by_class"]["weed"], of["overall"]
        rows.append(
            [
                group,
                str(of["labelled"]["weed"]),
                spread(both["ap50_twice"]),
                *(spread(weed[key]) for key in ("ap50_twice", "precision", "recall", "f1")),
                spread(weed["count_error"], 1, 100),
                spread(both["sure_precision"], 1, 100),
            ]
        )
    head = ["columns", "weeds labelled", "AP50 of both", "weed AP50"]
    return table(
        [*head, "weed precision", "weed recall", "weed F1", "weeds counted off, %", "sure: right, %"], rows
    )


def calibration(report: dict[str, Any]) -> str:
    """How far scores can be believed, on real and on made fields."""
    rows = []
    for key, words in (
        ("folds", "folds"), ("simulated", "simulated fields"), ("folds_and_simulated", "both together"),
    ):  # fmt: skip
        of = report[key]["overall"]
        found = sum(one["findings"] for one in report[key]["reliability"])
        share, right = spread(of["sure_share"], 1, 100), spread(of["sure_precision"], 1, 100)
        rows.append([words, str(found), spread(of["brier"]), spread(of["ece"]), share, right])
    return table(
        ["", "findings", "Brier score", "calibration error", "called sure, %", "of them right, %"], rows
    )


def by_gsd(report: dict[str, Any]) -> str:
    """What is left in coarser photos."""
    rows = []
    for gsd, of in sorted(report["by_gsd"].items(), key=lambda pair: float(pair[0])):
        rows.append(
            [
                gsd,
                *(
                    spread(of["by_class"][kind][key], 2)
                    for kind in KINDS
                    for key in ("recall", "precision", "f1", "ap50_twice")
                ),
            ]
        )
    return table(
        ["mm/px", *(f"{kind} {key}" for kind in KINDS for key in ("recall", "precision", "F1", "AP50"))], rows
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def draw_recall(report: dict[str, Any], out: Path) -> None:
    """Recall against resolution."""
    figure, axes = plt.subplots(figsize=(6, 3.4))
    scales = sorted(report["by_gsd"], key=float)
    for kind, colour in zip(KINDS, ("#2c7a3f", "#b3402a"), strict=True):
        of = [report["by_gsd"][gsd]["by_class"][kind]["recall"] for gsd in scales]
        x = [float(gsd) for gsd in scales]
        axes.plot(x, [v for v, _, _ in of], "o-", color=colour, label=kind)
        axes.fill_between(x, [low for _, low, _ in of], [high for _, _, high in of], color=colour, alpha=0.15)
    axes.axvline(report["gsd_mm"][1], color="#777", linestyle="--")
    axes.text(report["gsd_mm"][1] + 0.1, 0.05, "no single weeds beyond", color="#555")
    axes.set(xlabel="mm per pixel", ylabel="recall (15 cm)", ylim=(0, 1), xlim=(0.8, 10.2))
    axes.legend(loc="lower left")
    _save(figure, out)


def draw_reliability(report: dict[str, Any], out: Path) -> None:
    """Share of right findings against their score."""
    figure, axes = plt.subplots(figsize=(4, 4))
    bins = report["folds"]["reliability"]
    axes.plot([0, 1], [0, 1], color="#bbb")
    axes.plot([one["score"] for one in bins], [one["right"] for one in bins], "o-", color="#235a8c")
    axes.set(xlabel="score", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    _save(figure, out)


def _save(figure: Any, out: Path) -> None:
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    report = json.loads((HERE / "report.json").read_text())
    matplotlib.rcParams["svg.hashsalt"] = "weeds"
    draw_recall(report, CARD.parent / "weeds-recall.svg")
    draw_reliability(report, CARD.parent / "weeds-reliability.svg")
    parts = {
        "folds": folds(report), "by_columns": by_columns(report), "calibration": calibration(report),
        "by_gsd": by_gsd(report),
    }  # fmt: skip
    text = CARD.read_text()
    for name, made in parts.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda m, made=made: m[1] + made + "\n" + m[2],
            text,
            flags=re.S,
        )
    CARD.write_text(text)


if __name__ == "__main__":
    main()
