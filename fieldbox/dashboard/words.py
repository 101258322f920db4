"""What a survey says, in figures and sentences for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fieldbox.dashboard.language import in_words, interval, number, say, say_many, when
from fieldbox.dashboard.ports import FlightRowLike, JobLike
from fieldbox.domain import Capture, Flight, Interval, LayerLabel, PlantHealth, Rejection, Survey, WeedBasis
from fieldbox.i18n import N_

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
    "plan": N_("Planning the coverage"),
    "look": N_("Looking at the field"),
    "again": N_("Looking again at what is doubtful"),
    "map": N_("Drawing the map"),
    "mosaic": N_("Putting the mosaic together"),
}
HEALTH: Mapping[str | None, str] = {
    PlantHealth.STUNTED: N_(
        "Smaller than its neighbours in the row. Relative: it may be nothing, and is no diagnosis."
    ),
    PlantHealth.YELLOWING: N_(
        "Yellower than its neighbours in the row. Relative: it may be nothing, and is no diagnosis."
    ),
}
_SHOWN_NAMES = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit and its 95 % interval; `value` None is "not known"."""

    label: str
    value: str | None
    unit: str
    interval: str | None


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


def figures(survey: Survey) -> list[Figure]:
    """The numbers that matter, most wanted first."""
    s = survey
    return [
        _figure(say("Weeds cover"), s.weed_cover_pct, "%", s.weed_cover_pct_interval95, 1),
        _figure(say("Weed plants"), s.weed_count, "", s.weed_count_interval95),
        _figure(say("Crop covers"), s.crop_cover_pct, "%", s.crop_cover_pct_interval95, 1),
        _figure(say("Crop plants"), s.crop_count, "", s.crop_count_interval95),
        *(
            []
            if s.crop_missing is None
            else [_figure(say("Crop plants missing in rows"), s.crop_missing, "", None)]
        ),
        _figure(say("Health (100 is best)"), s.health_index, "", s.health_index_interval95),
        _figure(say("Area seen"), s.area_ha, "ha", s.area_ha_interval95, 2),
        _figure(say("Not seen"), s.unseen_pct, "%", s.unseen_pct_interval95, 1),
        _figure(say("Unsure"), s.unsure_pct, "%", s.unsure_pct_interval95, 1),
        _figure(say("One pixel on the ground"), s.gsd_cm, "cm", s.gsd_cm_interval95, 2),
    ]


def headline(survey: Survey) -> str:
    """The survey in one sentence."""
    if survey.weed_cover_pct is None:
        return say("How many weeds there are is not known from this flight.")
    cover = f"{number(survey.weed_cover_pct, 1)} %{_range(survey.weed_cover_pct_interval95, 1)}"
    if survey.weed_basis is WeedBasis.ROWS:
        return say("Weeds cover %(cover)s of the ground between the rows (row-based).", cover=cover)
    if survey.weed_count is None:
        return say("Weeds cover %(cover)s of the ground.", cover=cover)
    return say_many(
        "Weeds cover %(cover)s of the ground: %(num)s plant%(range)s.",
        "Weeds cover %(cover)s of the ground: %(num)s plants%(range)s.",
        survey.weed_count,
        cover=cover,
        range=_range(survey.weed_count_interval95, 0),
    )


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
    many = len(survey.hotspots)
    if survey.weed_cover_pct is None:
        return ""
    if not many:
        return say("No spot stands out.")
    return say_many(
        "%(num)s spot stands out: look there first.", "%(num)s spots stand out: look there first.", many
    )


def trust(survey: Survey) -> str:
    """The honest label under a map: how far its places, colours and calls can be trusted."""
    return say(
        "Places are right to ± %(error)s m (95 %%). Colours: %(label)s. Weed model: %(release)s.",
        error=number(survey.position_error_m, 1),
        label=say(LABELS[survey.layer_label]),
        release=survey.release,
    )


def warnings(survey: Survey) -> list[str]:
    """The survey's warnings in the reader's language."""
    return [in_words(warning) for warning in survey.warnings]


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
