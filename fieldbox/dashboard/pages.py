"""The pages: home, a flight, a field with its map, the photo behind a spot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import photos, quality, tiles, words
from fieldbox.dashboard.checks import Checked, checked
from fieldbox.dashboard.language import in_words, number, say
from fieldbox.dashboard.layers import LAYERS, Layer, ticks
from fieldbox.dashboard.pictures import GRID, MOSAIC, VERSION, raster
from fieldbox.dashboard.ports import FlightRowLike, IngestLike, box
from fieldbox.domain import Field, IntakeStatus, Placement, Survey, WeedBasis
from fieldbox.errors import Misconfigured, Rejected

pages = Blueprint("pages", __name__)
Page = str | Response | tuple[str, int]
FLIGHTS_SHOWN = 30
LONGEST_NAME = 80
WEED_ZOOM = 20
_STALE = timedelta(minutes=30)
_LATELY = timedelta(hours=12)
LATEST_SHOWN = 3
"""Things that were brought lately."""
_ACTIVE = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class FieldNow:
    """A field with its newest survey, if it has one."""

    field: Field
    survey: Survey | None
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Now:
    """Everything on the home page."""

    copying: IngestLike | None
    useless: list[words.Group]
    """Files that came last and brought nothing: there is no flight whose page could tell of them."""
    arriving: list[FlightRowLike]
    stopped: list[FlightRowLike]
    settled: list[FlightRowLike]
    fields: list[FieldNow]
    names: dict[int, str]
    """Of the fields."""
    incoming: IntakeStatus | None
    """What is being taken in by itself, and what was lately; None: nothing."""
    can_send: bool
    checks: dict[str, Checked]
    """Of the flights that wait or could not be mapped: their pilot may still be there."""


@pages.get("/")
def home() -> Page:
    """What needs me now."""
    return render_template("home.html", now=look_now())


@pages.get("/now")
def now_part() -> Page:
    """The moving part of the home page."""
    return render_template("parts/now.html", now=look_now())


def look_now() -> Now:
    """Gather the home page."""
    store = box().store
    every = store.flights()
    flights = every[:FLIGHTS_SHOWN]
    flown = {flight.id: flight.started_at for flight in every}
    fields = [_field_now(field, flown) for field in store.fields()]
    fields.sort(
        key=lambda each: (each.survey is None, -(each.survey.made_at.timestamp() if each.survey else 0.0))
    )
    ingests, incoming = store.ingests(), _incoming()
    unmapped = [flight.id for flight in flights if not flight.job or flight.job.state != "done"]
    return Now(
        copying=None if incoming and incoming.now else _copying(ingests),
        useless=_useless(ingests),
        arriving=[flight for flight in flights if flight.job and flight.job.state in _ACTIVE],
        stopped=[flight for flight in flights if flight.job and flight.job.state == "failed"],
        settled=[flight for flight in flights if not flight.job or flight.job.state == "done"],
        fields=fields,
        names={each.field.id: each.field.name for each in fields},
        incoming=incoming,
        can_send=box().intake is not None,
        checks={flight_id: checked(one) for flight_id, one in store.checks(unmapped).items()},
    )


def _field_now(field_: Field, flown: Mapping[str, datetime | None]) -> FieldNow:
    survey = _newest(box().store.surveys(field_id=field_.id))
    return FieldNow(field_, survey, _date(survey, flown) if survey else None)


def _date(survey: Survey, flown: Mapping[str, datetime | None]) -> datetime:
    """When the field was flown (the camera's clock); if that is not known, when the survey was made."""
    return flown.get(survey.flight_id) or survey.made_at


def _newest(surveys: Sequence[Survey]) -> Survey | None:
    return surveys[0] if surveys else None


def _incoming() -> IntakeStatus | None:
    """What the intake does, and what it did in the last hours; what came to a flight without trouble is shown there."""
    intake = box().intake
    status = intake.status() if intake else None
    if status is None:
        return None
    since = datetime.now(UTC) - _LATELY
    last = tuple(one for one in status.last if one.ended_at >= since)[:LATEST_SHOWN]
    return replace(status, last=last) if status.now or last else None


def _copying(ingests: Sequence[IngestLike]) -> IngestLike | None:
    """The copying that goes on; one that was cut off long ago is not shown."""
    newest = ingests[0] if ingests else None
    if newest is None or newest.ended_at is not None or datetime.now(UTC) - newest.started_at > _STALE:
        return None
    return newest


def _useless(ingests: Sequence[IngestLike]) -> list[words.Group]:
    """What the last ingest could not use, if nothing of it was a photo: a list without its photos, say."""
    newest = ingests[0] if ingests else None
    if newest is None or newest.ended_at is None or newest.accepted or newest.duplicates:
        return []
    return words.by_reason(box().store.rejections(ingest_id=newest.id))


@pages.get("/flights/<flight_id>")
def flight(flight_id: str) -> Page:
    """What came in with a flight, what did not, and how far the work is."""
    return render_template("flight.html", **_flight_view(flight_id))


@pages.get("/flights/<flight_id>/now")
def flight_part(flight_id: str) -> Page:
    """The moving part of a flight's page."""
    return render_template("parts/flight.html", **_flight_view(flight_id))


@pages.post("/flights/<flight_id>/pin")
def pin_flight(flight_id: str) -> Page:
    """Keep the photos of a flight, or let them go when room is needed."""
    pinned = request.form.get("pinned") == "1"
    if not box().store.pin(flight_id, pinned):
        abort(404)
    box().store.audit(current_user.name, "flight pinned" if pinned else "flight unpinned", flight_id)
    flash(
        say("The photos of this flight are kept.")
        if pinned
        else say("The photos of this flight may make room now.")
    )
    return redirect(url_for("pages.flight", flight_id=flight_id))


def _flight_view(flight_id: str) -> dict[str, Any]:
    store = box().store
    found = store.flight(flight_id)
    if found is None:
        abort(404)
    field = store.field(found.field_id) if found.field_id is not None else None
    surveys = store.surveys(flight_id=flight_id)
    # A list may have placed what the photo's own tags do not.
    known = {one.digest for one in store.placements(surveys[0].id)} if surveys else set()
    missing = [one for one in found.captures if one.pose is None and one.digest not in known]
    refused = store.refused_lists(flight_id)
    told = {(one.name, str(one.reason)) for one in refused}
    rejected = [
        one for one in store.rejections(flight_id=flight_id) if (one.name, str(one.reason)) not in told
    ]
    return {
        "flight": found,
        "placed": len(found.captures) - len(missing),
        "job": store.job_for_flight(flight_id),
        "field": field,
        "surveys": surveys,
        "kept": store.kept(flight_id),
        "check": checked(check) if (check := store.checks([flight_id]).get(flight_id)) else None,
        "judgements": {each.id: quality.judge(each) for each in surveys},
        "refused": words.not_used(refused),
        "rejected": words.by_reason(rejected),
        "unplaced": words.unplaced(missing),
    }


@pages.get("/fields/<int:field_id>")
def field(field_id: int) -> Page:
    """A field: its map, its numbers, its hotspots. `?survey=` chooses the date."""
    store = box().store
    found = store.field(field_id)
    if found is None:
        abort(404)
    surveys = store.surveys(field_id=field_id)
    wanted = request.args.get("survey")
    survey = next((each for each in surveys if each.id == wanted), None) if wanted else _newest(surveys)
    if wanted and survey is None:
        abort(404)
    layers = _layers(survey) if survey else []
    flown = {row.id: row.started_at for row in store.flights(field_id=field_id)}
    of_flights = Counter(each.flight_id for each in surveys)
    return render_template(
        "field.html",
        field=found,
        surveys=surveys,
        survey=survey,
        layers=layers,
        dates={each.id: _date(each, flown) for each in surveys},
        twice={flight_id for flight_id, many in of_flights.items() if many > 1},
        map=_map(found, survey, layers) if survey else None,
        judgement=quality.judge(survey) if survey else None,
        decides=box().decisions is not None,
        dates_flown=len(of_flights),
    )


@pages.post("/fields/<int:field_id>/name")
def rename_field(field_id: int) -> Page:
    """Give a field another name."""
    store = box().store
    found = store.field(field_id)
    if found is None:
        abort(404)
    name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME]
    if not name:
        flash(say("A field needs a name."), "error")
    elif name != found.name:
        try:
            store.update_field(field_id, name=name)
            store.audit(current_user.name, "field renamed", f"{field_id}: {found.name} → {name}")
            flash(say("The field is now called %(name)s.", name=name))
        except Rejected as error:
            flash(in_words(error.sentence), "error")
    return redirect(url_for("pages.field", field_id=field_id))


@pages.post("/fields/<int:field_id>/crop")
def name_crop(field_id: int) -> Page:
    """Say what grows on a field; nothing: it is not known."""
    store = box().store
    found = store.field(field_id)
    if found is None:
        abort(404)
    crop = " ".join(request.form.get("crop", "").split())[:LONGEST_NAME] or None
    if crop != found.crop:
        store.name_crop(field_id, crop)
        store.audit(current_user.name, "crop named", f"{field_id}: {found.crop} → {crop}")
        flash(say("The crop is now %(crop)s.", crop=crop) if crop else say("The crop is not named now."))
    return redirect(url_for("pages.field", field_id=field_id))


@pages.get("/surveys/<survey_id>/hotspots/<int:rank>")
def hotspot(survey_id: str, rank: int) -> Page:
    """The photo that shows a hotspot."""
    survey = _survey(survey_id)
    spot = next((each for each in survey.hotspots if each.rank == rank), None)
    if spot is None:
        abort(404)
    return _evidence(survey, digest=spot.digest, x=spot.pixel_x, y=spot.pixel_y, spot=spot)


@pages.get("/surveys/<survey_id>/look/<digest>")
def look(survey_id: str, digest: str) -> Page:
    """The photo that shows a single plant at pixel `x`, `y`."""
    try:
        x, y = (round(float(request.args[name])) for name in ("x", "y"))
    except (KeyError, ValueError, OverflowError):
        abort(400)
    told = {name: request.args.get(name) for name in ("certainty", "health")}
    return _evidence(_survey(survey_id), digest=digest, x=x, y=y, spot=None, **told)


@pages.get("/surveys/<survey_id>/quality")
def flown(survey_id: str) -> Page:
    """How well the flight behind a survey was flown, and how well its photos fit together."""
    store, survey = box().store, _survey(survey_id)
    field, flight = store.field(survey.field_id), store.flight(survey.flight_id)
    told, placed = survey.quality, store.placements(survey_id)
    names = {one.digest: one.name for one in flight.captures} if flight else {}
    shown: dict[str, Any] = {}
    if told is not None:
        shown = {
            "holes": quality.holes(told),
            "coverage": quality.coverage(survey, told),
            "fit": quality.fit(survey, told, placed),
            "position": quality.position(told),
            "doubtful": quality.doubtful(placed, names),
            "kept": quality.kept(placed, names),
            "kept_words": quality.kept_in_words(placed),
            "rules": quality.rules(),
            "errors": quality.error_legend(),
            "map": _flown_map(field, survey, placed),
        }
    return render_template(
        "quality.html",
        survey=survey,
        field=field,
        flight=flight,
        judgement=quality.judge(survey),
        refused=words.not_used(store.refused_lists(survey.flight_id)),
        **shown,
    )


def _flown_map(field_: Field | None, survey: Survey, placed: Sequence[Placement]) -> dict[str, Any] | None:
    """What quality.js needs; None if no photo shows any ground."""
    boundary = field_.boundary if field_ else ()
    points = [*boundary, *(point for one in placed for point in one.footprint)]
    if not placed or not points:
        return None
    lons, lats = zip(*points, strict=True)
    return {
        "bounds": [(min(lats), min(lons)), (max(lats), max(lons))],
        "zoom": {"photo": native_zoom(survey)},
        "tiles": tiles_of(survey),
        "boundary": [(lat, lon) for lon, lat in boundary],
        "footprints": url_for("api.footprints", survey_id=survey.id),
        "holes": url_for("api.holes", survey_id=survey.id),
        "thin": url_for("api.thin", survey_id=survey.id),
        "photo": url_for("pictures.photo", digest="DIGEST", v=1),
        "errors": {"ends": quality.ERROR_CLASSES, "colours": quality.ERROR_COLOURS},
        "words": {
            "place": say("Its place is right to ± %(error)s m.", error="NUM"),
            "moved": say("It was moved by %(moved)s m.", moved="NUM"),
            "loose": say("It fits no other photo: it stands where the drone or a list put it."),
            "hole": say("%(area)s m² on no photo", area="NUM"),
            "thin": say("On one or two photos only"),
            "look": say("Look at the photo"),
            "doubts": quality.all_doubts(),
            "why": quality.all_reasons(),
            **map_words(),
        },
    }


def native_zoom(survey: Survey) -> int | None:
    """Of the mosaic; None if it is gone."""
    try:
        return tiles.extent(raster(survey.id, MOSAIC)).native_zoom
    except Misconfigured:
        return None


def tiles_of(survey: Survey) -> str:
    return f"/tiles/{survey.id}/{{layer}}/{{z}}/{{x}}/{{y}}?v={VERSION}"


def map_words() -> dict[str, str]:
    return {
        "failed": say("The box did not answer. Is the phone still in its network?"),
        "zoomInTitle": say("Zoom in"),
        "zoomOutTitle": say("Zoom out"),
    }


def _evidence(survey: Survey, **shown: Any) -> str:
    template = "parts/evidence.html" if "part" in request.args else "evidence.html"
    removed = photos.removed(box().store.gone_at(shown["digest"]))
    return render_template(template, survey=survey, removed=removed, **shown)


def _survey(survey_id: str) -> Survey:
    found = box().store.survey(survey_id)
    if found is None:
        abort(404)
    return found


def _layers(survey: Survey) -> list[dict[str, Any]]:
    """The layers of which this survey knows something, in reading order."""
    return [
        {
            "key": layer.key,
            "title": say(layer.title),
            "unit": say(layer.unit),
            "note": say(layer.note),
            "ticks": [say(end) for end in layer.ends] if layer.ends else ticks(layer, number),
            **(_between_rows() if layer.key == "weed-cover" and survey.weed_basis is WeedBasis.ROWS else {}),
        }
        for layer in LAYERS.values()
        if _is_known(layer, survey)
    ]


def _between_rows() -> dict[str, str]:
    """What the weed layer shows where weeds are called from the rows alone."""
    return {
        "unit": say("% of the ground between the rows"),
        "note": say("Plants between the crop rows. What grows in the rows is not judged."),
    }


def _is_known(layer: Layer, survey: Survey) -> bool:
    needs: dict[str, object] = {
        "weed-cover": survey.weed_cover_pct,
        "weed-density": survey.weed_count,
        "crop-cover": survey.crop_cover_pct,
        "health": survey.health_index,
        "unsure": survey.unsure_pct,
        "ndvi": survey.indices.get("ndvi"),
        "ndre": survey.indices.get("ndre"),
    }
    return needs.get(layer.key, True) is not None


def _map(field_: Field, survey: Survey, layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What map.js needs; None if the pictures of the survey are gone."""
    try:
        extent = tiles.extent(raster(survey.id, MOSAIC))
        grid = tiles.extent(raster(survey.id, GRID))
    except Misconfigured:
        return None
    south_west, north_east = extent.bounds[1::-1], extent.bounds[:1:-1]
    return {
        "bounds": [south_west, north_east],
        "zoom": {
            "photo": extent.native_zoom,
            "grid": min(tiles.MAX_ZOOM, grid.native_zoom + 3),
            "weeds": WEED_ZOOM,
        },
        "tiles": tiles_of(survey),
        "layers": [layer["key"] for layer in layers],
        "boundary": [(lat, lon) for lon, lat in field_.boundary],
        "overlays": {
            "weeds": url_for("api.weeds", survey_id=survey.id) if survey.weed_count is not None else None,
            "poor": url_for("api.poor", survey_id=survey.id) if words.crop_health(survey) else None,
            "gaps": url_for("api.gaps", survey_id=survey.id) if survey.crop_missing else None,
        },
        "look": url_for("pages.look", survey_id=survey.id, digest="DIGEST"),
        "hotspots": [
            {
                "rank": spot.rank,
                "at": (spot.lat, spot.lon),
                "url": url_for("pages.hotspot", survey_id=survey.id, rank=spot.rank),
                "title": say("Spot %(rank)s", rank=spot.rank),
            }
            for spot in survey.hotspots
        ],
        "words": {
            "missing": say("Plants missing here: about %(num)s", num="NUM"),
            "zoomIn": say("Zoom in to see single plants."),
            "more": say("Only a part of the plants is drawn here: there are too many. Zoom in further."),
            **map_words(),
        },
    }
