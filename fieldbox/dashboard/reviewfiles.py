"""Verdicts on plants as files, for who trains a model on them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fieldbox.dashboard.plantview import outline_in_photo
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.reviewqueue import outcome
from fieldbox.domain import Label, LabelVerdict, PlantSeen

COLUMNS = ("survey", "photo", "x", "y", "lat", "lon", "area_cm2", "model_says", "score", "sure", "model")
GIVEN = ("by_chance", "verdict", "who", "at")
NAMES: Mapping[LabelVerdict, str] = {
    LabelVerdict.RIGHT: "weed",
    LabelVerdict.CROP: "crop",
    LabelVerdict.WRONG: "nothing",
}
"""What a plant is called in LabelMe's files; the training leaves "nothing" out as `--label nothing=none` tells it."""


def table(labels: Iterable[Label]) -> str:
    """A line for each verdict, as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((*COLUMNS, *GIVEN))
    for one in labels:
        place = (f"{one.pixel_x:.1f}", f"{one.pixel_y:.1f}", f"{one.lat:.7f}", f"{one.lon:.7f}")
        model = (f"{one.area_cm2:.1f}", one.cover.value, f"{one.score:.3f}", int(one.sure), one.release_sha)
        given = (int(one.by_chance), one.verdict.value, _plain(one.who), one.at.isoformat())
        writer.writerow((one.survey_id, one.digest, *place, *model, *given))
    return out.getvalue()


def labelme(labels: Iterable[Label]) -> bytes:
    """A ZIP of LabelMe's files, one for each photo: outlines of the plants of which people agree what they are.

    A photo is to lie beside its file under the name that it gives, the photo's digest.
    """
    by_plant: dict[int, list[LabelVerdict]] = {}
    for one in labels:
        by_plant.setdefault(one.plant, []).append(one.verdict)
    told = {plant: NAMES.get(result) for plant, given in by_plant.items() if (result := outcome(given))}
    photos: dict[str, list[tuple[PlantSeen, str]]] = {}
    for seen in box().store.plants_seen([plant for plant, name in told.items() if name]):
        photos.setdefault(seen.digest, []).append((seen, str(told[seen.plant])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for digest, plants in sorted(photos.items()):
            if content := _photo(digest, plants):
                archive.writestr(f"{digest}.json", json.dumps(content, indent=1))
    return out.getvalue()


def _photo(digest: str, plants: Sequence[tuple[PlantSeen, str]]) -> dict[str, Any] | None:
    camera = plants[0][0].camera
    shapes = [shape for seen, name in plants if (shape := _shape(seen, name))]
    if camera is None or not shapes:
        return None
    return {
        "version": "5.0.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{digest}.jpg",
        "imageData": None,
        "imageHeight": camera.height,
        "imageWidth": camera.width,
    }


def _shape(seen: PlantSeen, name: str) -> dict[str, Any] | None:
    outline = outline_in_photo(seen)
    if len(outline) < 3:
        return None
    points = [[round(float(x), 2), round(float(y), 2)] for x, y in outline]
    return {"label": name, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}


def _plain(text: str) -> str:
    """A name as a table program may read it: one that begins like a formula is no formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
