"""What a report says, chosen from a survey, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fieldbox.domain import (
    Field,
    Flight,
    FlightCheck,
    Hotspot,
    Interval,
    LayerLabel,
    Survey,
    Verdict,
    WeedBasis,
)
from fieldbox.i18n import N_, Sentence
from fieldbox.summary.groundmap import GroundMap
from fieldbox.summary.report import MOST_SPOTS, FigureText, ReportContents, Section, SpotText
from fieldbox.summary.speech import Speech

SIMULATED = N_("These photos are simulated: nothing here is a real field.")
LABELS: Mapping[LayerLabel, str] = {
    LayerLabel.CALIBRATED: N_("calibrated reflectance"),
    LayerLabel.RELATIVE: N_("relative, not calibrated"),
    LayerLabel.RGB_ONLY: N_("relative, ordinary colours only"),
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.GOOD: N_("The flight was good."),
    Verdict.USABLE: N_("The flight can be used, but see how good the data is."),
    Verdict.AGAIN: N_("Fly again: these photos do not show enough."),
}
_POOR_PLANTS = {"stunted", "yellowing"}
"""What the sentence of a survey on crop plants tells."""


@dataclass(frozen=True, slots=True)
class Photo:
    """The photo of a spot."""

    jpeg: bytes | None
    gone_at: datetime | None = None
    """When it was removed to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """All that a report tells of."""

    survey: Survey
    field: Field
    flight: Flight
    check: FlightCheck | None
    crops: tuple[str, ...]
    """That the model was trained on; empty: not known."""
    photos: Mapping[int, Photo]
    """By the rank of their hotspots."""
    ground: GroundMap
    farm: str = ""
    """Its name; empty: nobody told."""


def contents_of(told: Surveyed, speech: Speech) -> ReportContents:
    """A report in words."""
    survey, say = told.survey, speech.say
    return ReportContents(
        language=speech.language,
        made_at=survey.made_at,
        kicker=kicker(told.farm, say(N_("Field report"))),
        title=told.field.name,
        facts="  ·  ".join(facts(told.field, told.flight, speech)),
        mark=say(SIMULATED) if told.flight.simulated else None,
        verdict=tuple(_verdict(told, speech)),
        ground=replace(told.ground, north_letter=say(N_("N")), metre=speech.unit("m")),
        legend=_legend(told, speech),
        figures_title=say(N_("Numbers")),
        figures=tuple(_figures(survey, speech)),
        figures_note=say(
            N_("The range beside a number: 19 times in 20 the true value lies in it. Not known is never written as 0.")
        ),
        trust=say(
            N_("Places on the map are right to ± {error} m (19 times in 20). Colours: {label}."),
            error=speech.metres(survey.position_error_m),
            label=say(LABELS[survey.layer_label]),
        ),
        spots_title=say(N_("Spots to visit")),
        spots=tuple(_spot(one, told.photos.get(one.rank), speech) for one in survey.hotspots[:MOST_SPOTS]),
        spots_note=_spots_note(survey, speech),
        sections=(
            Section(say(N_("What was not seen")), tuple(_unseen(survey, speech))),
            Section(say(N_("How good the data is")), tuple(_data(told, speech))),
            Section(say(N_("What the weed model is")), tuple(_model(told, speech))),
            Section(say(N_("No diagnosis from the air")), tuple(_limits(survey, speech))),
        ),
        more=say(N_("More is told on the dashboard of the box.")),
        notes_title=say(N_("Found on the ground (write down what you see)")),
        footer=footer(survey, speech),
    )  # fmt: skip


def kicker(farm: str, kind: str) -> str:
    """Whose page it is, and of what kind."""
    return "  ·  ".join(one for one in (farm, kind) if one)


def facts(field: Field, flight: Flight, speech: Speech) -> Iterator[str]:
    """When a field was flown and what grows there."""
    if flight.started_at is None:
        yield speech.say(N_("Date of the flight not known"))
    else:
        yield speech.say(N_("Flown on {date}"), date=speech.day(flight.started_at))
    if field.crop is None:
        yield speech.say(N_("Crop not named"))
    else:
        yield speech.say(N_("Crop: {crop}"), crop=speech.say_name(field.crop))


def footer(survey: Survey, speech: Speech) -> str:
    """What tells one paper from another."""
    return speech.say(
        N_("fieldbox · survey {id} · made on {date} with {release}"),
        id=survey.id,
        date=speech.day(survey.made_at),
        release=survey.release,
    )


def _verdict(told: Surveyed, speech: Speech) -> Iterator[str]:
    survey = told.survey
    yield _headline(survey, speech)
    if survey.weed_cover_pct is not None:
        if survey.hotspots:
            yield speech.say(
                N_("Spots that stand out: {count}. Go there first (page 2)."), count=speech.number(len(survey.hotspots))
            )  # fmt: skip
        else:
            yield speech.say(N_("No spot stands out."))
    if told.check is not None:
        yield speech.say(VERDICTS[told.check.verdict])


def _headline(survey: Survey, speech: Speech) -> str:
    if survey.weed_cover_pct is None:
        return speech.say(N_("How many weeds there are is not known from this flight."))
    cover = _with_range(survey.weed_cover_pct, survey.weed_cover_pct_interval95, speech, 1)
    if survey.weed_basis is WeedBasis.ROWS:
        return speech.say(N_("Weeds cover {cover} % of the ground between the rows."), cover=cover)
    if survey.weed_count is None:
        return speech.say(N_("Weeds cover {cover} % of the ground."), cover=cover)
    return speech.say(
        N_("Weeds cover {cover} % of the ground; weed plants: {count}."),
        cover=cover,
        count=_with_range(survey.weed_count, survey.weed_count_interval95, speech),
    )


def _with_range(value: float, interval: Interval | None, speech: Speech, digits: int = 0) -> str:
    told = speech.number(value, digits)
    return f"{told} ({speech.interval(interval, digits)})" if interval else told


def _legend(told: Surveyed, speech: Speech) -> str:
    parts = []
    if told.ground.picture is None:
        parts.append(speech.say(N_("The picture of the field is no longer on the box.")))
    if told.ground.marks:
        parts.append(speech.say(N_("Number: a spot to visit.")))
    if told.ground.zones:
        parts.append(speech.say(N_("Outlined: zone with weeds.")))
    if told.ground.unseen:
        parts.append(speech.say(N_("Hatched: not seen.")))
    parts.append(speech.say(N_("Thick line: edge of the field.")))
    return " ".join(parts)


def _figures(survey: Survey, speech: Speech) -> Iterator[FigureText]:
    s = survey

    def figure(
        label: str, value: float | None, interval: Interval | None, unit: str = "", digits: int = 0
    ) -> FigureText:
        if value is None:
            return FigureText(speech.say(label), speech.say(N_("not known")))
        told = speech.quantity(value, unit, digits) if unit else speech.number(value, digits)
        return FigureText(speech.say(label), told, speech.interval(interval, digits) if interval else "")

    yield figure(N_("Weeds cover"), s.weed_cover_pct, s.weed_cover_pct_interval95, "%", 1)
    yield figure(N_("Weed plants"), s.weed_count, s.weed_count_interval95)
    yield figure(N_("Crop covers"), s.crop_cover_pct, s.crop_cover_pct_interval95, "%", 1)
    yield figure(N_("Crop plants"), s.crop_count, s.crop_count_interval95)
    if s.stand is not None:
        yield figure(N_("Crop plants to the hectare"), s.stand.per_ha, s.stand.per_ha_interval95)
    yield figure(N_("Plants missing in the rows"), s.crop_missing, missing_interval(s))
    yield figure(N_("Crop health (100 is best)"), s.health_index, s.health_index_interval95)
    yield figure(N_("Area seen"), s.area_ha, s.area_ha_interval95, "ha", 2)
    yield figure(N_("Not seen"), s.unseen_pct, s.unseen_pct_interval95, "%", 1)
    yield figure(N_("Unsure"), s.unsure_pct, s.unsure_pct_interval95, "%", 1)
    error = "± " + speech.with_unit(speech.metres(s.position_error_m), "m")
    yield FigureText(speech.say(N_("Places are right to")), error, speech.say(N_("19 times in 20")))


def missing_interval(survey: Survey) -> Interval | None:
    """95 % interval of the plants missing in the rows: the places there less both ends of the crop count's own interval."""
    if survey.crop_missing is None or survey.crop_count is None or survey.crop_count_interval95 is None:
        return None
    places = survey.crop_missing + survey.crop_count
    low, high = survey.crop_count_interval95
    return Interval(max(0.0, places - high), max(0.0, places - low))


def _spot(spot: Hotspot, photo: Photo | None, speech: Speech) -> SpotText:
    cover = speech.say(N_("weeds cover {cover} %"), cover=speech.number(100 * spot.weed_cover, 1))
    size = speech.quantity(spot.area_m2, "m²", 0 if spot.area_m2 >= 9.5 else 1)
    lines = [f"{spot.lat:.6f}, {spot.lon:.6f}"]
    if spot.weed_count is not None:
        lines.append(
            speech.say(N_("{area}, weeds: {count}"), area=size, count=speech.number(spot.weed_count))
        )
        lines.append(cover)
    else:
        lines.append(f"{size}, {cover}")
    return SpotText(spot.rank, tuple(lines), photo.jpeg if photo else None, _instead(photo, speech))


def _instead(photo: Photo | None, speech: Speech) -> str:
    if photo is not None and photo.gone_at is not None:
        return speech.say(N_("The photo was removed on {date} to make room."), date=speech.day(photo.gone_at))
    return speech.say(N_("The photo is no longer on the box."))


def _spots_note(survey: Survey, speech: Speech) -> str:
    if survey.weed_cover_pct is None:
        return speech.say(N_("How many weeds there are is not known from this flight."))
    if not survey.hotspots:
        return speech.say(N_("No spot stands out."))
    note = speech.say(
        N_("To find a spot, type its two numbers (latitude, longitude) into a map on your phone.")
    )
    left = len(survey.hotspots) - MOST_SPOTS
    if left > 0:
        note += " " + speech.say(
            N_("Spots that are not shown here: {count}; the dashboard has them."), count=speech.number(left)
        )
    return note


def _unseen(survey: Survey, speech: Speech) -> Iterator[str]:
    if survey.unseen_pct < 0.05:
        yield speech.say(N_("All of the field was seen."))
    else:
        yield speech.say(
            N_("{percent} % of the field was not seen. Weeds may stand there."),
            percent=speech.number(survey.unseen_pct, 1),
        )
    if survey.photos_unplaced:
        yield speech.say(
            N_("Photos that could not be placed and are not on the map: {count}."),
            count=speech.number(survey.photos_unplaced),
        )
    if survey.unsure_pct is not None and survey.unsure_pct >= 0.05:
        yield speech.say(
            N_("On {percent} % of the ground that was seen it is unsure what grows: look before you act."),
            percent=speech.number(survey.unsure_pct, 1),
        )


def _data(told: Surveyed, speech: Speech) -> Iterator[str]:
    survey, quality = told.survey, told.survey.quality
    yield speech.say(
        N_("Photos used for the map: {used}. One pixel is {gsd} cm on the ground."),
        used=speech.number(survey.photos_used),
        gsd=speech.number(survey.gsd_cm, 2),
    )
    if quality is not None:
        yield speech.say(
            N_("Photos that fit together: {aligned} of {photos}. A spot of ground is on {overlap} photos as a rule."),
            aligned=speech.number(quality.aligned),
            photos=speech.number(quality.photos),
            overlap=speech.number(quality.overlap),
        )  # fmt: skip
    said = [*(one.sentence for one in told.check.findings)] if told.check else []
    for sentence in dict.fromkeys(_key(one) for one in (*said, *survey.warnings)):
        if sentence[0] != SIMULATED and not dict(sentence[1]).keys() >= _POOR_PLANTS:
            yield speech.tell(Sentence(sentence[0], dict(sentence[1])))


def _key(sentence: Sentence) -> tuple[str, tuple[tuple[str, str | int | float], ...]]:
    return sentence.template, tuple(sorted(sentence.params.items()))


def _model(told: Surveyed, speech: Speech) -> Iterator[str]:
    survey = told.survey
    yield speech.say(
        N_("{release}, a model that runs on the box itself. No photo leaves the farm."),
        release=survey.release,
    )
    if told.crops:
        names = ", ".join(speech.say_name(one) for one in told.crops)
        yield speech.say(
            N_("It learnt on photos of these crops: {crops}. In other crops it tells only what grows between the rows."),
            crops=names,
        )  # fmt: skip
    if survey.weed_recall is not None:
        yield speech.say(
            N_("In tests it found {percent} of 100 weeds."), percent=speech.number(100 * survey.weed_recall)
        )
    if survey.ladder is not None and survey.ladder.doubtful:
        yield speech.say(
            N_("Plants in doubt at the first look: {doubtful}; still in doubt after a second one: {unsure}."),
            doubtful=speech.number(survey.ladder.doubtful),
            unsure=speech.number(survey.ladder.still_unsure),
        )


def _limits(survey: Survey, speech: Speech) -> Iterator[str]:
    poor = next((one.params for one in survey.warnings if one.params.keys() >= _POOR_PLANTS), None)
    if poor is not None:
        yield speech.say(
            N_("Beside their neighbours {stunted} crop plants look small and {yellowing} yellow."),
            stunted=speech.number(int(poor["stunted"])),
            yellowing=speech.number(int(poor["yellowing"])),
        )
    yield speech.say(
        N_(
            "From the air nobody can tell why a plant looks poor: water, food, disease, pests or soil. Look at it on the "
            "ground before you act."
        )
    )


CROPS = (N_("potato"), N_("cauliflower"))
"""Names of crops that are translated: those on the cards of our models."""
