"""What is to be done about a field, for the command line and the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import shapely

from fieldbox.config import Config
from fieldbox.deciding import Known, on_ground, prescribe, prescribe_by_vigour
from fieldbox.domain import (
    Cover,
    Economics,
    Field,
    Laid,
    Prescription,
    Product,
    Spraying,
    Strategy,
    Survey,
    Zone,
    ZoneKind,
)
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.mapping.keepoff import MOST, read_keep_off
from fieldbox.mapping.mosaic import read_map
from fieldbox.mapping.patches import mended, plane_of, polygon
from fieldbox.mapping.prescribing import threshold
from fieldbox.services.vigour import map_file, vigour_of
from fieldbox.storage.store import Store

_ECONOMICS = ("price_per_t", "yield_t_ha", "loss_pct_per_weed", "cost_per_ha")
"""What has to be told before a threshold can be worked out."""


def known_of(config: Config, store: Store, survey: Survey, spraying: Spraying | None = None) -> Known:
    """What is known of a survey's field; how it is sprayed as told, or as it is kept."""
    field = store.field(survey.field_id)
    if field is None:
        raise Rejected(N_("The field of this survey is gone."))
    path = map_file(config, survey)
    return Known(
        survey=survey,
        field=field,
        grid=read_map(path) if path.exists() else None,
        weeds=store.detections(survey.id, cover=Cover.WEED),
        spraying=spraying or store.spraying(field.id),
    )


def prescription_of(config: Config, store: Store, known: Known, by: ZoneKind) -> Prescription:
    """What is sprayed where, by weeds or by the crop's vigour. Raises Rejected for what there is not."""
    if by is ZoneKind.WEEDS:
        return prescribe(known)
    return prescribe_by_vigour(known, vigour_of(config, store, known.survey, known.field))


def treated_by(config: Config, store: Store, survey: Survey) -> shapely.Geometry:
    """The ground (longitude, latitude) that the prescription of a survey treats. Raises Rejected where there is none."""
    found = prescribe(known_of(config, store, survey))
    return shapely.union_all(mended([polygon(one.zone.patch) for one in found.treated]))


def rates_of(told: str) -> tuple[float, float, float]:
    """From POOR,USUAL,BETTER in L/ha. Raises Rejected for others."""
    try:
        poor, usual, better = (float(one) for one in told.split(","))
    except ValueError as error:
        raise Rejected(
            N_(
                "{text} is not three rates: write them like 250,200,150 in L/ha, for poor, usual and better ground."
            ),
            text=told,
        ) from error
    return poor, usual, better


def changed(how: Spraying, told: dict[str, Any]) -> Spraying:
    """How a field is sprayed after somebody told some of it anew, by the names of `Spraying` and `Economics`.

    Raises Rejected for what no sprayer can do, and for economics of which a part is missing.
    """
    parts = {name: told.pop(name) for name in (*_ECONOMICS, "most_loss_pct", "efficacy") if name in told}
    known = told.pop("economics", how.economics)
    try:
        economics = _economics(known, parts) if parts else known
        return replace(how, **{"economics": economics, **told})
    except ValueError as error:
        raise Rejected(N_("That cannot be sprayed so: {why}."), why=str(error)) from error


def _economics(known: Economics | None, parts: dict[str, float]) -> Economics:
    values = {**(asdict(known) if known else {}), **parts}
    missing = [name for name in _ECONOMICS if name not in values]
    if missing:
        raise Rejected(
            N_("To know from when treating pays, tell {missing} too."),
            missing=", ".join("--" + one.replace("_", "-") for one in missing),
        )
    return Economics(**values)


def products_of(told: Sequence[str]) -> tuple[Product, ...]:
    """From NAME=LITRES texts. Raises Rejected for others."""
    found = []
    for text in told:
        name, _sign, dose = text.rpartition("=")
        try:
            found.append(Product(name.strip(), float(dose)))
        except ValueError as error:
            raise Rejected(
                N_("{text} is no product and dose: write it like glyphosate=2.5, in litres to the hectare."),
                text=text,
            ) from error
    return tuple(found)


def keep_off(how: Spraying, field: Field, path: Path, strip_m: float) -> Spraying:
    """With the ground of a map file kept off, beside what is kept off already: only `--clear` gives ground free."""
    plane = plane_of(shapely.Polygon(field.boundary))
    pieces = read_keep_off(path, on_ground((field.boundary,), plane), plane, strip_m)
    told = {one.patch for one in pieces}
    kept = (*(one for one in how.keep_off if one.patch not in told), *pieces)
    if len(kept) > MOST:
        raise Rejected(
            N_(
                "More than {most} pieces of ground would be kept off: give free those there are, or leave some out."
            ),
            most=MOST,
        )
    return replace(how, keep_off=kept)


# -- told ------------------------------------------------------------------------------------------


def spraying_json(how: Spraying) -> dict[str, Any]:
    """For machines; what the economics give is told beside them."""
    least = threshold(how.economics) if how.economics else None
    return {**asdict(how), "strategy": how.strategy, "pays_from_per_m2": least}


def spraying_text(field: Field, how: Spraying) -> str:
    """For a person."""
    rows = [
        (_("Field"), f"{field.name} ({field.code})"),
        (
            _("Sprayer"),
            _("{swath} m wide, on or off every {step} m").format(swath=how.swath_m, step=how.step_m),
        ),
        (_("Drift"), _("{drift} m beyond each weed").format(drift=how.drift_m)),
        (_("Least piece"), _("{least} m²").format(least=how.least_m2)),
        (
            _("Aims"),
            _("by rows and sight, {aim} m").format(aim=how.aim_m)
            if how.aim_m is not None
            else _("by satellite, as well as the map's places are known"),
        ),
        (_("Reach"), _("{share:.0f} % of all weeds").format(share=100 * how.coverage)),
        (_("Way"), how.strategy.value if how.strategy else _("the one that treats the least ground")),
        (_("Spray"), _("{spray} L/ha, tank of {tank} L").format(spray=how.spray_l_ha, tank=how.tank_l)),
    ]
    rows += [
        (_("Product"), _("{name}: {dose} L/ha, {ml:.0f} ml for a full tank").format(
            name=one.name, dose=one.dose_l_ha, ml=how.dose_ml_tank(one)
        ))
        for one in how.products
    ]  # fmt: skip
    rows.append((_("Treated from"), _threshold_text(how)))
    if how.vigour_rates:
        rates = dict(zip(("poor", "usual", "better"), how.vigour_rates, strict=True))
        rows.append(
            (
                _("By vigour"),
                _("{poor} L/ha where the crop is poor, {usual} as usual, {better} better").format(**rates),
            )
        )
    rows += [
        (_("Kept off"), _("{name}, with {strip} m around it").format(name=one.name, strip=one.strip_m))
        for one in how.keep_off
    ]
    return _columns(rows)


def _threshold_text(how: Spraying) -> str:
    told = []
    if how.from_per_m2 is not None:
        told.append(_("{least} weeds to the square metre").format(least=how.from_per_m2))
    elif how.economics:
        least = threshold(how.economics)
        if least is None:
            return _("never: the treatment costs more than it brings, however many weeds there are")
        told.append(
            _("{least:.2f} weeds to the square metre, by what was told of prices").format(least=least)
        )
    if how.from_cover_pct is not None:
        told.append(_("{least} % of the ground covered by weeds").format(least=how.from_cover_pct))
    return _(" and ").join(told) or _("the first weed: nobody told prices, or from how many on")


def prescription_json(found: Prescription) -> dict[str, Any]:
    """For machines, without the corners of the zones: the export has these."""
    told = asdict(found)
    told["spraying"] = spraying_json(found.spraying)
    told["treated"] = [{**_zone_json(one.zone), "rate_l_ha": one.rate_l_ha} for one in found.treated]
    told["left"] = [_zone_json(one) for one in found.left]
    return told


def _zone_json(zone: Zone) -> dict[str, Any]:
    told = {**asdict(zone), "name": zone.name}
    del told["patch"]
    told["causes"] = [str(one) for one in zone.causes]
    return told


def prescription_text(field: Field, found: Prescription) -> str:
    """For a person."""
    needs = found.needs
    rows = [
        (_("Field"), _("{name}: {area:.3f} ha may be treated").format(name=field.name, area=found.field_m2 / 1e4)),
        (_("Treat"), _("{count} zones, {area:.3f} ha ({low:.3f} to {high:.3f})").format(
            count=len(found.treated), area=needs.area_ha,
            low=needs.area_ha_interval95.low, high=needs.area_ha_interval95.high,
        )),
        *([(_("Reaches"), _coverage_text(found))] if found.kind is ZoneKind.WEEDS else []),
        (_("Spray"), _("{litres:.1f} L ({low:.1f} to {high:.1f}), tanks to fill: {tanks}, at most {most}").format(
            litres=needs.spray_l, low=needs.spray_l_interval95.low, high=needs.spray_l_interval95.high,
            tanks=needs.tanks, most=needs.tanks_most,
        )),
        *((_("Product"), _("{name}: {litres:.2f} L, {ml:.0f} ml for a full tank; {saved:.2f} L saved").format(
            name=one.product.name, litres=one.litres, ml=one.ml_tank, saved=one.saved_l,
        )) for one in needs.products),
        (_("Saved"), _("{saved:.0f} % ({low:.0f} to {high:.0f}) against spraying it all").format(
            saved=needs.saved_pct, low=needs.saved_pct_interval95.low, high=needs.saved_pct_interval95.high,
        )),
        *([(_("Treated from"), _limit_text(found))] if found.kind is ZoneKind.WEEDS else []),
        (_("Left"), _("{count} zones").format(count=len(found.left))),
        *((_("Way"), _laid_text(one, chosen=one.strategy is found.strategy)) for one in found.laid),
    ]  # fmt: skip
    return _columns(rows)


def _coverage_text(found: Prescription) -> str:
    if found.coverage is None or found.assured is None:
        return _("not known: laid out as if the model missed no weed")
    told = {"share": 100 * found.coverage, "low": 100 * found.assured}
    if found.spraying.keep_off:
        return _(
            "{share:.0f} % of all weeds that may be treated, in 19 of 20 fields at least {low:.0f} %"
        ).format(**told)
    return _("{share:.0f} % of all weeds, in 19 of 20 fields at least {low:.0f} %").format(**told)


def _limit_text(found: Prescription) -> str:
    how = found.spraying
    if found.threshold is None and how.limits_counts and not found.never_pays:
        how = replace(how, from_per_m2=None, economics=None)
        if how.from_cover_pct is None:
            return _("the first weed: weeds are not counted one by one in this survey")
    return _threshold_text(how)


def _laid_text(laid: Laid, *, chosen: bool) -> str:
    told = _("{way}: {area:.3f} ha").format(way=laid.strategy.value, area=laid.area_m2 / 1e4)
    if laid.coverage is not None:
        told += _(", {share:.0f} % of the weeds").format(share=100 * laid.coverage)
    return told + (_(", taken") if chosen else "")


def _columns(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _value in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def strategy_of(told: str) -> Strategy | None:
    """By its name; None for the smallest."""
    return None if told == "smallest" else Strategy(told)
