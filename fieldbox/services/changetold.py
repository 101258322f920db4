"""What changed on a field, told: in words, in JSON, in files. Behind `fieldbox change`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldbox.config import Config
from fieldbox.domain import (
    Became,
    Change,
    ChangedSpot,
    Compared,
    Efficacy,
    Interval,
    Measure,
    ShiftBasis,
    change_name,
)
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.mapping.areas import read_areas
from fieldbox.mapping.changefiles import spot_features, write_cells
from fieldbox.mapping.export import export_vector
from fieldbox.services.box import open_store
from fieldbox.services.changing import compare
from fieldbox.services.deciding import treated_by
from fieldbox.services.finding import find_survey

VECTORS = {".geojson": "geojson", ".kml": "kml", ".gpkg": "gpkg", ".csv": "csv", ".zip": "shp"}
RASTERS = (".tif", ".tiff")
TOLD_SPOTS = 10

_BECAME: Mapping[Became, str] = {
    Became.NEW: N_("new"),
    Became.SPREADING: N_("spreading"),
    Became.SHRINKING: N_("shrinking"),
    Became.GONE: N_("gone"),
}
_ALIGNED: Mapping[ShiftBasis, str] = {
    ShiftBasis.PLANTS: N_("by {count} plants that both surveys found, to {error} cm"),
    ShiftBasis.PICTURES: N_("by {count} points that both mosaics show, to {error} cm"),
    ShiftBasis.STATED: N_("not aligned: positions may be {metres} m apart"),
}


def change(
    config: Config,
    before_id: str,
    after_id: str,
    *,
    treated: Path | None = None,
    as_prescribed: bool = False,
    cell_m: float | None = None,
    output: Path | None = None,
) -> Change:
    """What became of a field between two surveys, by their ids; written to `output` too, where one is given. `as_prescribed`:
    the ground of the first one's prescription was treated.

    Raises Rejected for what cannot be compared, read or written so.
    """
    kind = output.suffix.lower() if output else None
    if kind is not None and kind not in {*VECTORS, *RASTERS}:
        raise Rejected(
            N_("Give the file a name that ends in one of {known}."), known=", ".join((*VECTORS, *RASTERS))
        )
    areas = read_areas(treated) if treated else None
    with open_store(config) as store:
        before, after = find_survey(store, before_id), find_survey(store, after_id)
        if areas is None and as_prescribed:
            areas = treated_by(config, store, before)
        found = compare(config, store, before, after, treated=areas, cell_m=cell_m)
    if output is not None and kind in RASTERS:
        write_cells(found.cells, output)
    elif output is not None and kind is not None:
        export_vector(spot_features(found.spots), output, VECTORS[kind])
    return found


# -- JSON -------------------------------------------------------------------------------------------


def to_json(change: Change) -> dict[str, Any]:
    """For machines; what is not known is null."""
    shift = change.shift
    return {
        "before": change.before_id,
        "after": change.after_id,
        "days": _rounded(change.days, 3),
        "measure": change.measure.value,
        "alignment": {
            "basis": shift.basis.value,
            "east_m": round(shift.east_m, 3),
            "north_m": round(shift.north_m, 3),
            "scale": round(shift.scale, 5),
            "turn_deg": round(shift.turn_deg, 3),
            "error_m": round(shift.error_m, 3),
            "error95_m": round(shift.error95_m, 3),
            "shared": shift.shared,
        },
        "cell_m": change.cells.cell_m,
        "cell_why": str(change.cell_why) if change.cell_why else None,
        "common_m2": round(change.common_m2, 2),
        "more_m2": round(change.more_m2, 2),
        "less_m2": round(change.less_m2, 2),
        "no_telling_m2": round(change.untold_m2, 2),
        "weeds": _compared(change.weeds),
        "weeds_found_again": change.found_again,
        "weed_cover_pct": _compared(change.cover_pct),
        "spots": [{"name": change_name(place), **_spot(one)} for place, one in enumerate(change.spots, 1)],
        "efficacy": _efficacy(change.efficacy),
        "indices": {
            name: {"before": round(before, 4), "after": round(after, 4)}
            for name, (before, after) in change.indices.items()
        },
        "warnings": [str(one) for one in change.cautions],
    }


def _compared(figure: Compared | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "before": round(figure.before, 4),
        "after": round(figure.after, 4),
        "change": round(figure.change, 4),
        "change_interval95": _interval(figure.change_interval95),
        "ratio": _rounded(figure.ratio, 4),
        "ratio_interval95": _interval(figure.ratio_interval95),
    }


def _spot(spot: ChangedSpot) -> dict[str, Any]:
    return {
        "became": spot.became.value,
        "area_m2": round(spot.area_m2, 2),
        "lat": round(spot.lat, 8),
        "lon": round(spot.lon, 8),
        "weeds_per_m2_before": _rounded(spot.before, 3),
        "weeds_per_m2_after": _rounded(spot.after, 3),
        "weeds_change": _rounded(spot.count_change, 1),
        "cover_pct_before": round(spot.cover_before_pct, 3),
        "cover_pct_after": round(spot.cover_after_pct, 3),
        "polygon": [[[round(lon, 8), round(lat, 8)] for lon, lat in ring] for ring in spot.patch],
    }


def _efficacy(found: Efficacy | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "value": _rounded(found.value, 4),
        "interval95": _interval(found.interval95),
        "treated_m2": round(found.treated_m2, 2),
        "control_m2": round(found.control_m2, 2),
        "treated_weeds": {"before": round(found.treated[0], 1), "after": round(found.treated[1], 1)},
        "control_weeds": {"before": round(found.control[0], 1), "after": round(found.control[1], 1)},
        "found_again": None if found.found_again is None else [round(one, 1) for one in found.found_again],
        "margin_m": round(found.margin_m, 3),
        "why": str(found.why) if found.why else None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.low, 4), round(interval.high, 4)]


# -- words ------------------------------------------------------------------------------------------


def to_text(change: Change) -> str:
    """For a person."""
    days = _("not known") if change.days is None else _("{days:.0f} days").format(days=change.days)
    rows = [
        (_("Between"), days),
        (_("Maps"), _alignment(change)),
        (_("Compared"), _("{area:.0f} m² in cells of {cell} m").format(area=change.common_m2, cell=change.cells.cell_m)),
        (_("Weeds"), _figure(change.weeds, "{:.0f}")),
        (_("Weed cover"), _figure(change.cover_pct, "{:.2f} %")),
        (
            _("Ground"),
            _("{more:.0f} m² with more weeds, {less:.0f} m² with less, {untold:.0f} m² where there is no telling").format(
                more=change.more_m2, less=change.less_m2, untold=change.untold_m2
            ),
        ),
    ]  # fmt: skip
    if change.efficacy is not None:
        rows.append((_("Treatment"), _worked(change.efficacy)))
    width = max(len(name) for name, _value in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    lines += [_in_words(spot, change.measure) for spot in change.spots[:TOLD_SPOTS]]
    if len(change.spots) > TOLD_SPOTS:
        lines.append(_("and {count} smaller spots").format(count=len(change.spots) - TOLD_SPOTS))
    told = [change.cell_why, *change.cautions]
    return "\n".join([*lines, *(str(one) for one in told if one)])


def _alignment(change: Change) -> str:
    shift = change.shift
    return _(_ALIGNED[shift.basis]).format(
        count=shift.shared, error=math.ceil(100 * shift.error95_m), metres=round(shift.error95_m, 1)
    )


def _figure(figure: Compared | None, form: str) -> str:
    if figure is None:
        return _("not comparable one by one")
    told = {"before": form.format(figure.before), "after": form.format(figure.after)}
    if figure.ratio is None or figure.ratio_interval95 is None:
        return _("{before} before, {after} after").format(**told)
    low, high = figure.ratio_interval95
    return _(
        "{before} before, {after} after: {ratio:.2f} times as much (95 %: {low:.2f} to {high:.2f})"
    ).format(ratio=figure.ratio, low=low, high=high, **told)


def _worked(found: Efficacy) -> str:
    if found.value is None or found.interval95 is None:
        return str(found.why)
    told = {"low": 100 * found.interval95.low, "high": 100 * found.interval95.high}
    if told["low"] <= 0 <= told["high"]:
        return _(
            "no telling whether it worked: it took between {low:.0f} and {high:.0f} % of the weeds"
        ).format(**told)
    if told["high"] < 0:
        return _("it did not work: there are more weeds than without it")
    return _("it took {value:.0f} % of the weeds (95 %: {low:.0f} to {high:.0f} %)").format(
        value=100 * found.value, **told
    )


def _in_words(spot: ChangedSpot, measure: Measure) -> str:
    place = f"{spot.lat:.6f}, {spot.lon:.6f}"
    told = {"became": _(_BECAME[spot.became]), "area": spot.area_m2, "place": place}
    if measure is Measure.COVER or spot.before is None or spot.after is None:
        return _(
            "{became}: {area:.0f} m² at {place}, cover {before:.1f} % before, {after:.1f} % after"
        ).format(before=spot.cover_before_pct, after=spot.cover_after_pct, **told)
    return _(
        "{became}: {area:.0f} m² at {place}, {before:.1f} weeds a square metre before, {after:.1f} after"
    ).format(before=spot.before, after=spot.after, **told)
