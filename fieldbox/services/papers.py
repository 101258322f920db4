"""Papers for the command line: written beside the box's data, or wherever somebody wants them."""

from __future__ import annotations

from pathlib import Path

from fieldbox.config import Config
from fieldbox.deciding import prescribe, weed_zones
from fieldbox.domain import Survey
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.mapping.files import replacing
from fieldbox.models import load_weeds
from fieldbox.services.box import open_store
from fieldbox.services.chosen import settled
from fieldbox.services.deciding import known_of
from fieldbox.services.finding import find_survey
from fieldbox.services.reporting import make_report, make_sheet
from fieldbox.summary.speech import Speech


def report(config: Config, survey_id: str, output: Path, language: str | None) -> None:
    """Write the report of a survey to `output` (PDF), in `language` or that of the box. Raises Rejected."""
    speech = _speech(config, language)
    with open_store(config) as store:
        survey = find_survey(store, survey_id)
        try:
            zones = weed_zones(known_of(config, store, survey))
        except (Rejected, Misconfigured):
            zones = ()  # no weeds are called (the warnings on the report say why), or the map is damaged
        made = make_report(
            config.storage.root,
            store,
            survey,
            speech.language,
            crops=_crops(config, survey),
            zones=zones,
            farm=settled(config, store).box.name,
        )
    with replacing(output) as target:
        target.write_bytes(made)


def sheet(config: Config, survey_id: str, output: Path, language: str | None) -> None:
    """Write the sheet of a knapsack crew to `output` (PDF), as the field's spraying is set. Raises Rejected."""
    speech = _speech(config, language)
    with open_store(config) as store:
        survey = find_survey(store, survey_id)
        prescription = prescribe(known_of(config, store, survey))
        farm = settled(config, store).box.name
        made = make_sheet(config.storage.root, store, survey, prescription, speech.language, farm=farm)
    with replacing(output) as target:
        target.write_bytes(made)


def _speech(config: Config, language: str | None) -> Speech:
    """A language that was asked for has to be there; that of the box may have nothing printed in it."""
    if language is not None:
        return Speech(language)
    try:
        return Speech(config.locale.language)
    except Rejected:
        return Speech(None)


def _crops(config: Config, survey: Survey) -> tuple[str, ...]:
    """What the model of a survey learnt; empty where another one is on the box by now."""
    try:
        model = load_weeds(config)
    except Misconfigured:
        return ()
    return model.crops if model.release == survey.release else ()
