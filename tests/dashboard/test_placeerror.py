"""How far places may be off, cell by cell."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from fieldbox.dashboard import placeerror
from fieldbox.dashboard.layerwords import layers_of
from fieldbox.dashboard.quality import ERROR_CLASSES
from fieldbox.domain import Placement
from fieldbox.errors import Misconfigured
from tests.dashboard.demo_box import CELL_M, HEIGHT_M, NORTH, SURVEY, WEST, WIDTH_M, DemoBox, square
from tests.dashboard.test_pictures import pixel, tile_at


def placed(demo: DemoBox, error_m: float, ring: tuple[tuple[float, float], ...], *, loose: bool) -> Placement:
    one = demo.store.placements(SURVEY)[0]
    return replace(one, error95_m=error_m, footprint=ring, block=None if loose else 0)


def errors_of(demo: DemoBox, *placements: Placement) -> placeerror.PlaceErrors:
    return placeerror.place_errors(demo.root / "rasters" / SURVEY / "map.tif", placements)


def test_the_best_photo_of_a_cell_counts(demo: DemoBox) -> None:
    whole, part = square(0, 0, 60, 40), square(10, 10, 10, 10)
    for order in (1, -1):
        photos = [placed(demo, 2.0, whole, loose=False), placed(demo, 0.5, part, loose=False)][::order]
        found = errors_of(demo, *photos)
        assert found.error_m[15, 15] == 0.5 and found.error_m[5, 5] == 2.0
        assert not found.loose.any()


def test_a_photo_that_fits_no_other_counts_only_where_no_other_is(demo: DemoBox) -> None:
    loose = placed(demo, 0.1, square(0, 0, 30, 40), loose=True)
    found = errors_of(demo, loose, placed(demo, 2.0, square(20, 0, 20, 40), loose=False))
    assert (found.error_m[5, 5], found.loose[5, 5]) == (np.float32(0.1), True)
    assert (found.error_m[5, 25], found.loose[5, 25]) == (2.0, False)


def test_what_was_not_seen_has_no_error(demo: DemoBox) -> None:
    rows, columns = round(HEIGHT_M / CELL_M), round(WIDTH_M / CELL_M)
    found = errors_of(demo, placed(demo, 2.0, square(0, 0, 60, 40), loose=True))
    assert np.isnan(found.error_m[rows - 2, columns - 2]) and not found.loose[rows - 2, columns - 2]
    assert np.isnan(errors_of(demo).error_m).all()


def test_a_map_that_is_gone_is_told(demo: DemoBox) -> None:
    with pytest.raises(Misconfigured):
        placeerror.place_errors(demo.root / "none.tif", [])


def test_the_classes_are_those_of_the_page_on_how_well_it_was_flown() -> None:
    values = np.array([[0.0, *ERROR_CLASSES, 11.0, np.nan]], np.float32)
    found = placeerror.classes_of(placeerror.PlaceErrors(values, np.zeros(values.shape, bool)))
    assert found.tolist() == [[1, 1, 2, 3, 4, 5, 0]]


def test_tiles_show_it_striped_where_a_photo_fits_no_other(client: FlaskClient) -> None:
    # The demo's first photo is aligned to 2.1 m (white), the second as told, 4.3 m (orange).
    assert pixel(client, "position", WEST + 10, NORTH - 10).tolist() == [247, 247, 247, 190]
    assert pixel(client, "position", WEST + 59, NORTH - 1)[3] == 0
    x, y, *_ = tile_at(WEST + 35, NORTH - 15, 21)
    image = Image.open(io.BytesIO(client.get(f"/tiles/{SURVEY}/position/21/{x}/{y}").data)).convert("RGBA")
    colours = {colour for _count, colour in image.getcolors() or []}
    assert {(253, 184, 99, 190), (20, 33, 26, 190)} <= colours


def test_the_layer_has_a_legend_in_metres(client: FlaskClient, demo: DemoBox) -> None:
    page = client.get(f"/fields/{demo.field_id}?layer=position").get_data(as_text=True)
    legend = page.split('data-legend="position"')[1].split("</figure>")[0]
    assert (
        "metres, 95 % radius" in legend
        and "over 10 m" in legend
        and "only on photos that fit no other" in legend
    )
    survey = demo.store.survey(SURVEY)
    assert survey is not None
    with client.application.test_request_context():
        keys = [one["key"] for one in layers_of(replace(survey, quality=None))]
    assert "position" not in keys
