"""Pictures over HTTP: map tiles, legends, photos. Kept by the browser for good, since they never change."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Blueprint, Response, abort, g, request, send_file

from fieldbox.dashboard import photos, tiles
from fieldbox.dashboard.explaining import page_of
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.layers import LAYERS, Layer, legend_png
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.problems import problem
from fieldbox.dashboard.quality import holes
from fieldbox.dashboard.sketch import draw, draw_spots
from fieldbox.dashboard.tiles import BLANK, Picture
from fieldbox.errors import FieldboxError

pictures = Blueprint("pictures", __name__)
MOSAIC, GRID = "mosaic.tif", "map.tif"
VERSION = 1
"""Part of every picture's address: raise it when pictures of the same survey look different than before."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_YEAR = 365 * 24 * 3600
_AT_ONCE = threading.BoundedSemaphore(2)
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
    if key == "mosaic":
        path = raster(survey_id, MOSAIC)
        return _lasting(lambda: tiles.mosaic_tile(path, z, x, y), on_error=BLANK)
    path, layer = raster(survey_id, GRID), layer_or_404(key)
    return _lasting(lambda: tiles.layer_tile(path, layer, z, x, y), on_error=BLANK)


@pictures.get("/surveys/<survey_id>/picture")
def survey_picture(survey_id: str) -> Response:
    """The whole mosaic, small."""
    path = raster(survey_id, MOSAIC)
    return _lasting(lambda: tiles.overview(path, 480), on_error=BLANK)


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
    """A window of a photo around `x`, `y` at full detail; `size` is its side in pixels, `bare=1`: the spot is not marked."""
    x, y = _number("x"), _number("y")
    size = int(max(64, min(photos.MAX_CROP_PX, _number("size", 640))))
    ring = request.args.get("bare") != "1"
    with _explained(digest):
        return _lasting(lambda: photos.crop(photos.original(box().root, digest), x, y, size, ring=ring))


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


def _lasting(make: Callable[[], Picture], on_error: Picture | None = None) -> Response:
    """The picture with an ETag from its address, made only if the browser has none."""
    etag = hashlib.blake2b(request.full_path.encode(), digest_size=8).hexdigest()
    if etag in request.if_none_match:
        return _keep(Response(status=304), etag)
    try:
        with _AT_ONCE:
            picture = make()
    except FieldboxError:
        if on_error is None:
            raise
        return Response(on_error.data, mimetype=on_error.mime, headers={"Cache-Control": "no-store"})
    return _keep(Response(picture.data, mimetype=picture.mime), etag)


def _keep(answer: Response, etag: str) -> Response:
    answer.set_etag(etag)
    answer.headers["Cache-Control"] = f"private, max-age={_YEAR}, immutable"
    return answer
