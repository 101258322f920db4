"""Pictures over HTTP: map tiles, legends, photos. Kept by the browser for good, since they never change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from flask import Blueprint, Response, abort, g, request, send_file

from fieldbox.dashboard import photos, placeerror, tiles, zoneshapes
from fieldbox.dashboard.explaining import page_of
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.layers import LAYERS, Layer, legend_png
from fieldbox.dashboard.placeerror import PlaceErrors
from fieldbox.dashboard.plants import Weeds, weeds_of
from fieldbox.dashboard.planttiles import plant_tile
from fieldbox.dashboard.ports import Picture, box
from fieldbox.dashboard.problems import problem
from fieldbox.dashboard.quality import holes
from fieldbox.dashboard.sketch import draw, draw_spots
from fieldbox.dashboard.still import Still
from fieldbox.dashboard.tiles import BLANK
from fieldbox.dashboard.turns import Busy, Turns
from fieldbox.domain import Survey
from fieldbox.errors import FieldboxError
from fieldbox.memory import give_back

pictures = Blueprint("pictures", __name__)
MOSAIC, GRID = "mosaic.tif", "map.tif"
PLANTS, PHOTO = "plants", "photo"
"""The layer of single weeds, and the picture without another layer."""
VERSION = 1
"""Part of every picture's address: raise it when pictures of the same survey look different than before."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_YEAR = 365 * 24 * 3600
_TURNS = Turns(2, line=16, wait_s=20.0)
"""Decoding takes memory: more at once gains nothing on a small box."""


def raster(survey_id: str, name: str) -> Path:
    """The path of a raster of a survey. Aborts with 404 for what cannot be the id of a survey."""
    if not _ID.fullmatch(survey_id):
        abort(404)
    return box().root / "rasters" / survey_id / name


def layer_or_404(key: str) -> Layer:
    """The layer of that key."""
    layer = LAYERS.get(key)
    if layer is None:
        abort(404)
    return layer


@pictures.get("/tiles/<survey_id>/<key>/<int:z>/<int:x>/<int:y>")
def tile(survey_id: str, key: str, z: int, x: int, y: int) -> Response:
    """A tile of the mosaic or of a layer; a transparent one where there is nothing."""
    try:
        tiles.tile_bounds(z, x, y)
    except ValueError:
        abort(404)
    make = _maker(survey_id, key)
    return _lasting(lambda: make(z, x, y), on_error=BLANK, key=(survey_id, key, z, x, y))


def _maker(survey_id: str, key: str) -> Callable[[int, int, int], Picture]:
    """What makes tile z, x, y of a layer. Aborts with 404 for a layer that there is not."""
    mosaic, grid = raster(survey_id, MOSAIC), raster(survey_id, GRID)
    if key == "mosaic":
        return partial(tiles.mosaic_tile, mosaic)
    if key == PLANTS:
        return lambda z, x, y: plant_tile(weeds_at_hand(survey_id), z, x, y)
    if key == placeerror.KEY:
        return lambda z, x, y: placeerror.tile(grid, errors_at_hand(survey_id), z, x, y)
    return partial(tiles.layer_tile, grid, layer_or_404(key))


def weeds_at_hand(survey_id: str) -> Weeds:
    """All weeds of a survey. Raises Misconfigured for a survey that there is not."""
    here, folder = box(), raster(survey_id, MOSAIC).parent
    if not folder.is_dir():
        raise tiles.missing(MOSAIC)
    found: Weeds = here.grids.get_or_make(
        (PLANTS, survey_id), lambda: weeds_of(folder, lambda: here.store.weed_points(survey_id))
    )
    return found


def errors_at_hand(survey_id: str) -> PlaceErrors:
    """How far places of a survey may be off. Raises Misconfigured if its map is gone."""
    here, path = box(), raster(survey_id, GRID)
    found: PlaceErrors = here.grids.get_or_make(
        (placeerror.KEY, survey_id),
        lambda: placeerror.place_errors(path, here.store.placements(survey_id)),
    )
    return found


@pictures.get("/surveys/<survey_id>/picture")
def survey_picture(survey_id: str) -> Response:
    """The whole mosaic, small."""
    path = raster(survey_id, MOSAIC)
    return _lasting(lambda: tiles.overview(path, 480), on_error=BLANK)


@pictures.get("/surveys/<survey_id>/still/<key>")
def still(survey_id: str, key: str) -> Response:
    """The mosaic with a layer laid over it, the field's line and its spots; `photo`: with every weed."""
    if key not in (PHOTO, placeerror.KEY, *zoneshapes.KEYS):
        layer_or_404(key)
    store = box().store
    survey = store.survey(survey_id)
    field = store.field(survey.field_id) if survey else None
    if survey is None or field is None:
        abort(404)
    with _TURNS.one():
        drawn = Still(raster(survey_id, MOSAIC))
        _lay(drawn, survey, key)
        drawn.mark(field.boundary, survey.hotspots)
        picture = drawn.picture()
        del drawn
        give_back()  # the canvases of a still picture are the largest thing that a page makes
    # A boundary can be drawn anew, and what is sprayed planned anew.
    return Response(picture.data, mimetype=picture.mime, headers={"Cache-Control": "private, max-age=60"})


def _lay(drawn: Still, survey: Survey, key: str) -> None:
    if key == PHOTO:
        drawn.lay_weeds(weeds_at_hand(survey.id))
    elif key == placeerror.KEY:
        drawn.lay_errors(raster(survey.id, GRID), errors_at_hand(survey.id))
    elif key in zoneshapes.KEYS:
        drawn.lay_shapes(zoneshapes.shapes_of(box().beyond.decisions, survey.id, key))
    else:
        drawn.lay_band(raster(survey.id, GRID), layer_or_404(key))


@pictures.get("/surveys/<survey_id>/quality.svg")
def quality_picture(survey_id: str) -> Response:
    """The photos of a survey's flight as a drawing."""
    store = box().store
    survey = store.survey(survey_id)
    if survey is None or survey.quality is None:
        abort(404)
    field = store.field(survey.field_id)
    bare, thin = [hole.rings for hole in holes(survey.quality)], survey.quality.thin
    drawing = draw(store.placements(survey_id), bare, thin, field.boundary if field else ())
    return Response(drawing, mimetype="image/svg+xml", headers={"Cache-Control": "private, max-age=3600"})


@pictures.get("/flights/<flight_id>/check.svg")
def check_picture(flight_id: str) -> Response:
    """Where the photos of a flight were taken, and what ground they do not show."""
    store = box().store
    flight, check = store.flight(flight_id), store.checks([flight_id]).get(flight_id)
    if flight is None or check is None:
        abort(404)
    field = store.field(flight.field_id) if flight.field_id is not None else None
    spots = [(one.pose.lon, one.pose.lat) for one in flight.captures if one.pose]
    drawing = draw_spots(spots, check.holes, check.thin, field.boundary if field and field.drawn else ())
    return Response(drawing, mimetype="image/svg+xml", headers={"Cache-Control": "private, no-cache"})


@pictures.get("/legend/<key>")
def legend(key: str) -> Response:
    """The colour scale of a layer."""
    layer = layer_or_404(key)
    return _lasting(lambda: Picture(legend_png(layer), "image/png"))


@pictures.get("/photo/<digest>/crop")
def photo_crop(digest: str) -> Response:
    """A window of a photo around `x`, `y`, the spot marked unless `bare=1`.

    `size` is its side in pixels of the photo, `shown` that of the picture (as large, unless told), `mark_x` and `mark_y` the
    spot where it is not in the middle.
    """
    x, y = _number("x"), _number("y")
    size = int(max(64, min(photos.MAX_SPAN_PX, _number("size", 640))))
    shown = int(max(64, min(photos.MAX_CROP_PX, _number("shown", size))))
    mark = (_number("mark_x", x), _number("mark_y", y))
    crop = photos.Crop(x, y, size, shown, mark, ring=request.args.get("bare") != "1")
    with _explained(digest):
        return _lasting(lambda: photos.crop(photos.original(box().root, digest), crop))


@pictures.get("/photo/<digest>")
def photo(digest: str) -> Response:
    """The whole photo, at most 2048 pixels on its longer side."""
    with _explained(digest):
        return _lasting(lambda: photos.whole(photos.original(box().root, digest)))


@pictures.get("/photo/<digest>/original")
def photo_original(digest: str) -> Response:
    """The file as it came from the camera."""
    with _explained(digest):
        return send_file(photos.original(box().root, digest), mimetype="image/jpeg", conditional=True)


@contextmanager
def _explained(digest: str) -> Iterator[None]:
    """Say in words why a photo cannot be shown: people open it by itself."""
    try:
        yield
    except Busy:
        raise
    except FieldboxError as error:
        gone = photos.removed(box().store.gone_at(digest))
        text, status = in_words(gone or error.sentence), 410 if gone else 404
        if "program" in g:
            abort(problem(text, status))
        abort(Response(page_of(say("This photo cannot be shown."), text), status=status))


def _number(name: str, default: float | None = None) -> float:
    text = request.args.get(name)
    if text is None and default is not None:
        return default
    try:
        value = float(text or "")
    except ValueError:
        abort(400)
    if not abs(value) < 1e6:  # also false for NaN
        abort(400)
    return value


def _lasting(
    make: Callable[[], Picture], on_error: Picture | None = None, key: Hashable | None = None
) -> Response:
    """The picture with an ETag from its address, made only if the browser has none.

    With a `key` it is kept at hand for the next browser.
    """
    etag = hashlib.blake2b(request.full_path.encode(), digest_size=8).hexdigest()
    if etag in request.if_none_match:
        return _keep(Response(status=304), etag)
    kept = box().pictures
    picture = kept.get(key) if key is not None else None
    try:
        if picture is None:
            with _TURNS.one():
                picture = make()
            if key is None:
                give_back()  # photos are read in strips of their whole width
            else:
                kept.put(key, picture)
    except FieldboxError as error:
        if on_error is None or isinstance(error, Busy):
            raise
        return Response(on_error.data, mimetype=on_error.mime, headers={"Cache-Control": "no-store"})
    return _keep(Response(picture.data, mimetype=picture.mime), etag)


def _keep(answer: Response, etag: str) -> Response:
    answer.set_etag(etag)
    answer.headers["Cache-Control"] = f"private, max-age={_YEAR}, immutable"
    return answer
