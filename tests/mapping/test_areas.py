"""Areas of a GeoJSON file: every polygon in it, and a sentence for anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldbox.errors import Rejected
from fieldbox.mapping.areas import in_zone, read_areas

RING = [[74.0, 18.0], [74.001, 18.0], [74.001, 18.001], [74.0, 18.001], [74.0, 18.0]]
BESIDE = [[x + 0.01, y] for x, y in RING]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": geometry}


@pytest.mark.parametrize(
    ("document", "pieces"),
    [
        (polygon(RING), 1),
        (feature(polygon(RING)), 1),
        ({"type": "MultiPolygon", "coordinates": [[RING], [BESIDE]]}, 2),
        (
            {
                "type": "FeatureCollection",
                "features": [feature(polygon(RING)), feature(polygon(BESIDE)), feature(None)],
            },
            2,
        ),
        (
            {
                "type": "GeometryCollection",
                "geometries": [polygon(RING), {"type": "Point", "coordinates": [1, 2]}],
            },
            1,
        ),
    ],
)
def test_every_polygon_counts(document: Any, pieces: int, tmp_path: Path) -> None:
    file = tmp_path / "areas.geojson"
    file.write_text(json.dumps(document))
    ground = in_zone(read_areas(file), 32643)
    assert ground.area == pytest.approx(pieces * 105.9 * 110.7, rel=0.01)


def test_what_a_prescription_leaves_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "prescription.geojson"
    told = [
        {**feature(polygon(ring)), "properties": {"treat": treat}} for ring, treat in ((RING, 1), (BESIDE, 0))
    ]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": told}))
    assert in_zone(read_areas(file), 32643).area == pytest.approx(105.9 * 110.7, rel=0.01)


def test_an_outline_that_crosses_itself_keeps_both_sides(tmp_path: Path) -> None:
    file = tmp_path / "crossed.geojson"
    crossed = [RING[0], RING[2], RING[1], RING[3], RING[0]]
    file.write_text(json.dumps(polygon(crossed)))
    assert in_zone(read_areas(file), 32643).area == pytest.approx(105.9 * 110.7 / 2, rel=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"type": "Point", "coordinates": [1, 2]}', '{"type": "FeatureCollection", "features": []}',
        json.dumps(polygon([[0, 0], [1, 1], [0, 0]])), json.dumps(polygon([[x + 300, y] for x, y in RING])),
        json.dumps(polygon([["a", "b"]] * 4)), json.dumps(polygon([[1e400, 0], [1, 1], [0, 1], [1e400, 0]])), "[" * 5000,
    ],
)  # fmt: skip
def test_anything_else_is_told_in_a_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "areas.geojson"
    file.write_text(text)
    with pytest.raises(Rejected, match=r"areas\.geojson cannot be read as a GeoJSON with an area\."):
        read_areas(file)
    with pytest.raises(Rejected, match="cannot be read"):
        read_areas(tmp_path / "none.geojson")
