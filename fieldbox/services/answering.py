"""The other side of `fieldbox.services.offering`: what its child answers. It may load whatever it takes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from fieldbox.config import Config
from fieldbox.deciding import prescribe
from fieldbox.domain import Change, Prescription, SeenFrom, Spraying, Survey, Walk, Zone
from fieldbox.errors import Rejected
from fieldbox.i18n import BROUGHT, N_, add_folder
from fieldbox.models import release_sha
from fieldbox.services import exporting, papers, scouting
from fieldbox.services.box import open_store
from fieldbox.services.changing import compare
from fieldbox.services.deciding import keep_off, known_of, treated_by
from fieldbox.services.finding import find_survey
from fieldbox.services.offering import FILES, Offered
from fieldbox.services.seeing import views_of
from fieldbox.services.vigour import vigour_of
from fieldbox.storage.store import Store
from fieldbox.summary.letters import fonts_in

Answer = Prescription | tuple[Zone, ...] | Change | tuple[SeenFrom, ...] | Walk | Spraying | bytes | str


def answer(config: Config, what: str, survey_id: str, language: str) -> Answer:
    """The release of the weed model; or of a survey its prescription, its vigour zones, what changed since another one, the
    photos that show a place, the walk through its spots, the bytes of one of FILES. Or how a field is treated with the ground of
    a map file, which stands in the survey's place, kept off.

    Raises Rejected for what there is not.
    """
    add_folder(config.storage.root / BROUGHT)
    if what in ("release", "walk"):
        return release_sha(config) if what == "release" else _walk(config, survey_id)
    with open_store(config) as store:
        found = (
            _kept_off(store, what, Path(survey_id))
            if what.startswith("keep-off ")
            else _told(config, store, what, find_survey(store, survey_id))
        )
    return _file(config, what, survey_id, language) if found is None else found


def _told(config: Config, store: Store, what: str, survey: Survey) -> Answer | None:
    """What is told of a survey; None: `what` is something else."""
    if what == "prescription":
        return prescribe(known_of(config, store, survey))
    if what == "vigour":
        return vigour_of(config, store, survey, known_of(config, store, survey).field)
    if what.startswith("views "):
        lat, lon = (float(part) for part in what.split()[1:])
        return views_of(config, store, survey, lat, lon)
    if what.startswith(("change ", "sprayed ")):
        how, before_id = what.split()
        before = find_survey(store, before_id)
        treated = treated_by(config, store, before) if how == "sprayed" else None
        return compare(config, store, before, survey, treated=treated)
    return None


def _file(config: Config, what: str, survey_id: str, language: str) -> bytes:
    offered = next((one for one in FILES if one.key == what), None)
    if offered is None:
        raise Rejected(N_("There is no file {what}."), what=what)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{offered.key}{offered.suffix}"
        _write(config, offered, survey_id, language, path)
        return path.read_bytes()


def _kept_off(store: Store, what: str, file: Path) -> Spraying:
    _what, number, strip_m = what.split()
    field = store.field(int(number))
    if field is None:
        raise Rejected(N_("There is no such field any more: look at the home page."))
    return keep_off(store.spraying(field.id), field, file, float(strip_m))


def _walk(config: Config, survey_id: str) -> Walk:
    return scouting.walk(config, survey_id, scouting.Wish(), None).walk


def _write(config: Config, offered: Offered, survey_id: str, language: str, path: Path) -> None:
    if offered.layer == "report":
        papers.report(config, survey_id, path, language)
    elif offered.layer == "sheet":
        papers.sheet(config, survey_id, path, language)
    elif offered.layer == "walk":
        spoken = replace(config, locale=replace(config.locale, language=language))
        scouting.walk(spoken, survey_id, scouting.Wish(), path, fonts_in())
    else:
        with open_store(config) as store:
            exporting.export(config, store, find_survey(store, survey_id), offered.layer, offered.kind, path)
