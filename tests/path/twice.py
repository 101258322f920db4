"""A simulated field flown twice, with known growth, control and new patches between, and what is said of it held against that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from fieldbox.domain import Change
from fieldbox.georef.sameground import Bounds, Lying, Plants, agree
from fieldbox.mapping.overlay import Frame, counts, move
from fieldbox.services.changing import compare
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.simulate.later import Later
from tests.path.box import Box

Floats = NDArray[np.float64]
Truth = dict[str, Any]

MANY = 4
"""A cell with so many weeds more or less than before truly changed."""


@dataclass(frozen=True)
class Twice:
    """Both dates on a box, and their truth."""

    box: Box
    surveys: tuple[str, str]
    truths: tuple[Truth, Truth]

    def compared(self, **asked: Any) -> Change:
        """What is said of them."""
        with self.box.store() as store:
            before, after = (store.survey(one) for one in self.surveys)
            assert before
            assert after
            return compare(self.box.config, store, before, after, **asked)

    def treated(self) -> shapely.Geometry:
        """In longitude and latitude."""
        truth = self.truths[1]
        degrees = Transformer.from_crs(truth["epsg"], 4326, always_xy=True)
        rings = [np.column_stack(degrees.transform(*np.array(ring).T)) for ring in truth["later"]["treated"]]
        return shapely.union_all([shapely.Polygon(ring) for ring in rings])

    def plants(self, date: int) -> Floats:
        """[N, 2] all that a survey found."""
        with self.box.store() as store:
            found = store.detections(self.surveys[date])
        ground = Transformer.from_crs(4326, self.truths[date]["epsg"], always_xy=True)
        return np.column_stack(ground.transform([one.lon for one in found], [one.lat for one in found]))

    def lying(self, date: int) -> Lying:
        """From the truth to a survey's map."""
        with self.box.store() as store:
            survey = store.survey(self.surveys[date])
        assert survey
        rough = survey.position_error_m > 1
        bounds = Bounds(
            max(0.5, 1.5 * survey.position_error_m), 0.15 if rough else 0.01, 6.0 if rough else 1.0
        )
        found = agree(Plants(places(self.truths[date]), self.plants(date)), bounds)
        assert found is not None
        return found.lying


def places(truth: Truth, kind: str | None = None) -> Floats:
    """[N, 2] true places of the plants that at least one photo shows."""
    plants = [one for one in truth["plants"] if one["visible_in"] and kind in {None, one["class"]}]
    return np.array([(one["east"], one["north"]) for one in plants], float).reshape(-1, 2)


def fly_twice(box: Box, folder: Path, field: FieldOptions, later: Later, flight: FlightOptions) -> Twice:
    """Both flights over a field, brought in."""
    then = replace(flight, seed=flight.seed + 1, start=flight.start + timedelta(days=later.days))
    surveys, truths = [], []
    for name, options, how in (("before", field, flight), ("after", replace(field, later=later), then)):
        card = fly(grow_field(options), how, folder / name)
        (survey,) = box.mapped(card, "--field", "twice")["surveys"]
        surveys.append(survey["id"])
        truths.append(json.loads((card / "truth.json").read_text()))
    return Twice(box, (surveys[0], surveys[1]), (truths[0], truths[1]))


def judged(twice: Twice, change: Change) -> Mapping[str, float]:
    """How right it is. Densities per square metre; shares 0 to 1."""
    cells, onto = change.cells, twice.lying(1)
    rows, columns = cells.call.shape
    cell = cells.cell_m
    frame = Frame(cells.epsg, round(-cells.north / cell), round(cells.west / cell), rows, columns, cell)
    before, after = (counts(onto.of(places(truth, "weed")), frame) for truth in twice.truths)
    known = np.isfinite(cells.call)
    true = (after - before)[known]
    said = (cells.density_after - cells.density_before)[known] * cell**2
    call = cells.call[known]
    changed = np.abs(true) >= MANY
    called = call != 0
    off = said - true
    crop = places(twice.truths[0], "crop")
    laid = move(twice.lying(0).of(crop), cells.epsg, cells.epsg, change.shift)
    shift = np.sqrt(np.square(laid - onto.of(crop)).sum(axis=1).mean())
    seen = [layer[known].sum() * cell**2 for layer in (cells.density_before, cells.density_after)]
    found = {
        "cells": float(known.sum()),
        "found over true weeds, before": float(seen[0] / before[known].sum()),
        "found over true weeds, after": float(seen[1] / after[known].sum()),
        "rmse of the change, weeds per m2": float(np.sqrt(np.square(off).mean())) / cell**2,
        "scatter of the true change, weeds per m2": float(true.std()) / cell**2,
        "error over stated error, rms": float(
            np.sqrt(np.square(off / cell**2 / cells.density_error[known]).mean())
        ),
        "cells called": float(called.sum()),
        "of these right": float((np.sign(true) == call)[called].mean()) if called.any() else float("nan"),
        "cells that truly changed": float(changed.sum()),
        "of these found": float(called[changed].mean()) if changed.any() else float("nan"),
        "error of the shift, m": float(shift),
    }
    if change.efficacy is not None:
        found |= _worked(twice, change)
    return found


def _worked(twice: Twice, change: Change) -> Mapping[str, float]:
    truth = twice.truths[1]["later"]
    ground = shapely.union_all([shapely.Polygon(ring) for ring in truth["treated"]])
    weeds = places(twice.truths[0], "weed")
    stood = shapely.contains_xy(ground, weeds[:, 0], weeds[:, 1]).sum()
    told = change.efficacy
    assert told is not None
    value = float("nan") if told.value is None else told.value
    low, high = told.interval95 or (float("nan"), float("nan"))
    return {"efficacy": value, "from": low, "to": high, "truly": len(truth["killed"]) / float(stood)}
