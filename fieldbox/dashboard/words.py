"""What a survey says, in figures and sentences for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fieldbox.dashboard import units
from fieldbox.dashboard.language import (
    hardly_known,
    in_words,
    interval,
    metres,
    number,
    say,
    say_many,
    spread,
    when,
)
from fieldbox.dashboard.ports import BriefLike, FlightRowLike, JobLike
from fieldbox.domain import (
    Bringing,
    Brought,
    Came,
    Capture,
    Flight,
    Interval,
    LayerLabel,
    PlantHealth,
    RefusedList,
    Rejection,
    Survey,
    Way,
    WeedBasis,
)
from fieldbox.i18n import N_, Sentence

LABELS: Mapping[LayerLabel, str] = {
    LayerLabel.CALIBRATED: N_("calibrated reflectance"),
    LayerLabel.RELATIVE: N_("relative, not calibrated"),
    LayerLabel.RGB_ONLY: N_("relative, ordinary colours only"),
}
STATES: Mapping[str, str] = {
    "waiting": N_("Waiting for its turn"),
    "running": N_("In work"),
    "done": N_("Done"),
    "failed": N_("Stopped"),
}
STEPS: Mapping[str, str] = {
    "copy": N_("Copying photos"),
    "read": N_("Reading the photos; the card can be pulled out now"),
    "make": N_("Making pictures of bands and orthomosaics"),
    "align": N_("Finding out where each photo stands"),
    "plan": N_("Planning the coverage"),
    "look": N_("Looking at the field"),
    "again": N_("Looking again at what is doubtful"),
    "map": N_("Drawing the map"),
    "mosaic": N_("Putting the mosaic together"),
}
HEALTH: Mapping[str | None, str] = {
    PlantHealth.STUNTED: N_(
        "Smaller than the plants beside it in the row. Look at it before acting: the cause cannot be told "
        "from the air."
    ),
    PlantHealth.YELLOWING: N_(
        "Yellower than the plants beside it in the row. Look at it before acting: the cause cannot be told "
        "from the air."
    ),
}
_POOR_PLANTS = {"stunted", "yellowing"}
"""What the survey's sentence on crop plants tells."""
_SHOWN_NAMES = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit and its 95 % interval; `value` None is "not known"."""

    label: str
    value: str | None
    unit: str
    interval: str | None


@dataclass(frozen=True, slots=True)
class NotUsed:
    """A list that is not used."""

    name: str
    given: str
    """When."""
    reason: str


@dataclass(frozen=True, slots=True)
class Group:
    """Files that share a reason."""

    reason: str
    names: tuple[str, ...]
    more: int
    """How many are not in `names`."""

    @property
    def count(self) -> int:
        """All files of the group."""
        return len(self.names) + self.more


def _figure(label: str, value: float | None, unit: str, range95: Interval | None, digits: int = 0) -> Figure:
    if value is None:
        return Figure(label, None, unit, None)
    return Figure(label, number(value, digits), unit, interval(range95, digits) if range95 else None)


def _area_figure(label: str, hectares: float, range95: Interval | None) -> Figure:
    shown = units.measured(hectares)
    return _figure(
        label, shown.value, shown.unit, units.area_range(range95) if range95 else None, shown.digits
    )


def _figure_by_area(label: str, per_ha: float, range95: Interval | None) -> Figure:
    ends = Interval(units.by_area(range95.low), units.by_area(range95.high)) if range95 else None
    return _figure(label, units.by_area(per_ha), f"/ {units.one_unit()}", ends)


def figures(survey: Survey) -> list[Figure]:
    """The numbers that matter, most wanted first."""
    s = survey
    return [
        _figure(say("Weeds cover"), s.weed_cover_pct, "%", s.weed_cover_pct_interval95, 1),
        _figure(say("Weed plants"), s.weed_count, "", s.weed_count_interval95),
        _figure(say("Crop covers"), s.crop_cover_pct, "%", s.crop_cover_pct_interval95, 1),
        _figure(say("Crop plants"), s.crop_count, "", s.crop_count_interval95),
        *(
            [_figure_by_area(say("Crop stand"), s.stand.per_ha, s.stand.per_ha_interval95)]
            if s.stand and s.stand.per_ha is not None
            else []
        ),
        *(
            []
            if s.crop_missing is None
            else [
                Figure(
                    say("Crop plants missing in rows"),
                    number(s.crop_missing),
                    "",
                    spread(s.crop_missing, missing_interval(s)) or None,
                )
            ]
        ),
        _figure(say("Health (100 is best)"), s.health_index, "", s.health_index_interval95),
        _area_figure(say("Area seen"), s.area_ha, s.area_ha_interval95),
        _figure(say("Not seen"), s.unseen_pct, "%", s.unseen_pct_interval95, 1),
        _figure(say("Unsure"), s.unsure_pct, "%", s.unsure_pct_interval95, 1),
        _figure(say("One pixel on the ground"), s.gsd_cm, "cm", s.gsd_cm_interval95, 2),
    ]


def headline(survey: Survey | BriefLike) -> str:
    """The survey in one sentence."""
    if survey.weed_cover_pct is None:
        return say("How many weeds there are is not known from this flight.")
    cover = f"{number(survey.weed_cover_pct, 1)} %{_range(survey.weed_cover_pct_interval95, 1)}"
    if survey.weed_basis is WeedBasis.ROWS:
        return say("Weeds cover %(cover)s of the ground between the rows (row-based).", cover=cover)
    if survey.weed_count is None:
        return say("Weeds cover %(cover)s of the ground.", cover=cover)
    return say_many(
        "Weeds cover %(cover)s of the ground: %(num)s weed%(range)s.",
        "Weeds cover %(cover)s of the ground: %(num)s weeds%(range)s.",
        survey.weed_count,
        cover=cover,
        range=_range(survey.weed_count_interval95, 0),
    )


def stand(survey: Survey) -> list[str]:
    """How the crop stands in its rows, and which weeds stand there too; empty where no rows are known."""
    found = survey.stand
    if found is None:
        return []
    told = [
        say(
            "The crop rows run at %(direction)s° from north, %(spacing)s m apart.",
            direction=number(found.direction_deg, 1),
            spacing=number(found.spacing_m, 2),
        )
    ]
    if found.step_m is not None:
        told.append(say("In the row plants stand %(step)s m apart.", step=number(found.step_m, 2)))
    if found.doubles:
        told.append(
            say_many(
                "%(num)s plant stands too near its neighbour.",
                "%(num)s plants stand too near their neighbour.",
                found.doubles,
            )
        )
    if found.plots > 1:
        told.append(
            say(
                "Pieces whose rows hang together (terraces, headlands): %(count)s.", count=number(found.plots)
            )
        )
    if found.weeds_in_rows is not None and found.weeds_between is not None:
        told.append(
            say(
                "Weeds in the rows: %(inside)s, between them: %(between)s.",
                inside=number(found.weeds_in_rows),
                between=number(found.weeds_between),
            )
        )
    return told


def missing_interval(survey: Survey) -> Interval | None:
    """95 % interval of the plants missing in the rows; None where their number or that of the crop is not known.

    The places in the rows are the plants found and those called missing. What is uncertain is how many of the
    places a plant stands on: one that the model overlooked is called missing, a weed taken for crop fills a gap.
    So the interval is the places less both ends of the crop count's own interval (the model's true over
    predicted counts, and the scatter of the count). That the step between plants may be off is not in it, and
    stretches too long to be called are not missing plants.
    """
    if survey.crop_missing is None or survey.crop_count is None or survey.crop_count_interval95 is None:
        return None
    places = survey.crop_missing + survey.crop_count
    low, high = survey.crop_count_interval95
    return Interval(max(0.0, places - high), max(0.0, places - low))


def crop_health(survey: Survey) -> list[str]:
    """How many crop plants look poor beside their neighbours, and what to make of it; empty where none were
    compared. Surveys keep the counts in a sentence of their own, which is told in other words here."""
    told = next((one.params for one in survey.warnings if tells_poor_plants(one)), None)
    if told is None:
        return []
    return [
        say(
            "Crop plants compared with those beside them in the row: %(stunted)s small, %(yellowing)s yellow. "
            "%(missing)s",
            stunted=number(int(told["stunted"])),
            yellowing=number(int(told["yellowing"])),
            missing=_missing(survey),
        ),
        say(
            "A person should look at these plants before acting: the cause cannot be told from the air. Some "
            "healthy plants are always among them, so a patch of them means more than a single one."
        ),
        say(
            "The box has learnt this from retouched photos and was not yet checked on sick plants in a field."
        ),
    ]


def _missing(survey: Survey) -> str:
    if survey.crop_missing is None:
        return say("How many plants are missing is not known: they stand in no rows or at uneven distances.")
    found = missing_interval(survey)
    if found and hardly_known(survey.crop_missing, found):
        return say(
            "How many plants are missing in the rows is hardly known: %(range)s. Places that look empty: %(num)s, with "
            "plants that the box overlooked.",
            range=spread(survey.crop_missing, found),
            num=number(survey.crop_missing),
        )
    told = f" ({spread(survey.crop_missing, found)})" if found else ""
    return say_many(
        "About %(num)s plant is missing in the rows%(range)s: one that the box overlooked counts as missing too.",
        "About %(num)s plants are missing in the rows%(range)s: those that the box overlooked count as missing "
        "too.",
        survey.crop_missing,
        range=told,
    )


def tells_poor_plants(warning: Sentence) -> bool:
    return warning.params.keys() >= _POOR_PLANTS


def health(verdict: str | None) -> str:
    """What a crop plant's verdict means; empty where there is none to tell."""
    return say(HEALTH[verdict]) if verdict in HEALTH else ""


def ladder(survey: Survey) -> str:
    """What looking again at doubtful plants settled."""
    if survey.ladder is None or not survey.ladder.doubtful:
        return ""
    return say(
        "%(doubtful)s plants were doubtful at the first look; %(again)s of them were looked at again in other "
        "photos: %(sure)s are sure now, %(dropped)s were no plants. %(unsure)s stay unsure.",
        doubtful=number(survey.ladder.doubtful),
        again=number(survey.ladder.looked_again),
        sure=number(survey.ladder.settled_sure),
        dropped=number(survey.ladder.dropped),
        unsure=number(survey.ladder.still_unsure),
    )


def spots(survey: Survey) -> str:
    """How many hotspots there are, and what to do about them."""
    return "" if survey.weed_cover_pct is None else spots_of(len(survey.hotspots))


def spots_of(many: int) -> str:
    """As `spots`, of so many hotspots."""
    if not many:
        return say("No spot stands out.")
    return say_many(
        "%(num)s spot stands out: look there first.", "%(num)s spots stand out: look there first.", many
    )


def trust(survey: Survey) -> str:
    """The honest label under a map: how far its places, colours and calls can be trusted."""
    return say(
        "Places are right to ± %(error)s m (95 %%). Colours: %(label)s. Weed model: %(release)s.",
        error=metres(survey.position_error_m),
        label=say(LABELS[survey.layer_label]),
        release=survey.release,
    )


def warnings(survey: Survey) -> list[str]:
    """The survey's warnings in the reader's language, without what `crop_health` tells."""
    return [in_words(warning) for warning in survey.warnings if not tells_poor_plants(warning)]


def flight_name(flight: Flight | FlightRowLike) -> str:
    """What a flight is called: the camera's time of its first photo."""
    if flight.started_at is None:
        return say("Flight without a time")
    return say("Flight of %(time)s", time=when(flight.started_at))


def job_state(job: JobLike | None) -> str:
    """Where the work on a flight stands, in words."""
    if job is None:
        return say("Not in work yet")
    if job.state == "running" and job.step:
        return say(STEPS.get(job.step, STATES["running"]))
    return say(STATES[job.state])


def job_reason(job: JobLike | None) -> str:
    """Why a job stopped or waits, and when it is tried again; empty if there is nothing to tell."""
    if job is None or job.reason is None or job.state not in ("waiting", "failed"):
        return ""
    if job.state == "failed":
        return in_words(job.reason)
    return say(
        "%(reason)s It is tried again at %(time)s.", reason=in_words(job.reason), time=when(job.due_at)
    )


def by_reason(rejections: Iterable[Rejection]) -> list[Group]:
    """Files grouped by why they were not taken, largest group first."""
    return _groups((in_words(rejection.reason), rejection.name) for rejection in rejections)


def not_used(lists: Iterable[RefusedList]) -> list[NotUsed]:
    """Lists that are not used, and why."""
    return [NotUsed(one.name, when(one.given_at), in_words(one.reason)) for one in lists]


def unplaced(captures: Iterable[Capture]) -> list[Group]:
    """Photos without a place on the map, grouped by why."""
    return _groups(
        (in_words(capture.unplaced) if capture.unplaced else say("It has no place on the map."), capture.name)
        for capture in captures
        if capture.pose is None
    )


def _groups(pairs: Iterable[tuple[str, str]]) -> list[Group]:
    names: dict[str, list[str]] = {}
    for reason, name in pairs:
        names.setdefault(reason, []).append(name)
    ordered = sorted(names.items(), key=lambda item: -len(item[1]))
    return [
        Group(reason, tuple(files[:_SHOWN_NAMES]), max(0, len(files) - _SHOWN_NAMES))
        for reason, files in ordered
    ]


def _range(range95: Interval | None, digits: int) -> str:
    return f" ({interval(range95, digits)})" if range95 else ""


def bringing(one: Bringing | Brought) -> str:
    """What is or was brought."""
    if one.way is Way.CARD:
        return say("Card %(name)s", name=one.name)
    if one.way is Way.UPLOAD:
        return say("Sent by %(name)s", name=one.name)
    return say("Folder %(name)s", name=one.name) if one.name else say("Files in the drop folder")


def bringing_step(one: Bringing) -> str:
    """How far something is."""
    done, total = number(one.done), number(one.total)
    if one.step == "copy":
        return say("Copying: %(done)s of %(total)s files", done=done, total=total)
    return say("Reading: %(done)s of %(total)s files", done=done, total=total)


def brought(one: Brought) -> str:
    """What came of something that was brought."""
    if one.outcome is Came.WAITING:
        return say("It could not be taken in yet, and is tried again.")
    if not one.accepted and not one.duplicates:
        return say("Nothing of it could be used.")
    parts = [say_many("%(num)s photo came in.", "%(num)s photos came in.", one.accepted)]
    if one.duplicates:
        parts.append(
            say_many("%(num)s was on the box already.", "%(num)s were on the box already.", one.duplicates)
        )
    if one.rejected:
        parts.append(
            say_many("%(num)s file was not taken:", "%(num)s files were not taken, the first:", one.rejected)
        )
    return " ".join(parts)
