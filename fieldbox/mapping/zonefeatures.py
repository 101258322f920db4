"""Zones and prescriptions as features: attributes in plain words, units in their names, what is not known is empty."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Prescription, Treated, Zone, ZoneKind
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.export import Features, or_nan, rounded, words
from fieldbox.mapping.patches import polygon

Columns = Mapping[str, NDArray[np.generic]]


def zone_features(zones: Sequence[Zone]) -> Features:
    """Zones to treat or to visit in their order; `name` is what they are called everywhere. `lat` and `lon` are of a place
    inside each."""
    names = [one.name for one in zones]
    return Features(
        [polygon(one.patch) for one in zones],
        {**_ids(range(1, len(zones) + 1), names, zones), **_known(zones), **_places(zones)},
    )


def prescription_features(prescription: Prescription, *, doses: bool = True) -> Features:
    """What is sprayed where, and the zones that are left (treat 0, rate 0, with the reason).

    `rate_l_ha` is of the mixture, `litres` what the piece takes of it. `doses` adds two columns for each product: what it
    takes of it in L/ha and in litres.
    """
    pieces = [*prescription.treated, *(Treated(one, 0.0) for one in prescription.left)]
    zones = [one.zone for one in pieces]
    why = str(_left_why(prescription))
    treated = len(prescription.treated)
    rates = np.array([one.rate_l_ha for one in pieces], float)
    columns: dict[str, NDArray[np.generic]] = {
        **_ids([one.rank for one in zones], [_name(one, prescription.kind) for one in zones], zones),
        "treat": (rates > 0).astype(np.int32),
        "rate_l_ha": np.round(rates, 4),
        "litres": rounded((one.zone.area_m2 / 1e4 * one.rate_l_ha for one in pieces), 6),
        "why": words(why if number >= treated else None for number in range(len(pieces))),
        "products": words(_mixture(prescription, one.rate_l_ha) for one in pieces),
        **_known(zones),
        **(_doses(prescription, pieces) if doses else {}),
        **_places(zones),
    }
    return Features([polygon(one.patch) for one in zones], columns)


def _left_why(prescription: Prescription) -> Sentence:
    """Why zones are left."""
    if prescription.kind is ZoneKind.VIGOUR:
        return Sentence(N_("The rate that was told for ground where the crop stands so is 0."))
    if prescription.never_pays:
        return Sentence(N_("By the prices that were told, treating it costs more than it brings."))
    return Sentence(N_("It has fewer weeds than the limit from which ground is treated."))


def _name(zone: Zone, kind: ZoneKind) -> str:
    """Pieces of a prescription by vigour are cut out of the zones of the crop and counted anew: R1 is no P1."""
    return zone.name if kind is ZoneKind.WEEDS else f"R{zone.rank}"


def _ids(numbers: Sequence[int], names: Sequence[str], zones: Sequence[Zone]) -> Columns:
    return {
        "id": np.array(numbers, np.int32),
        "name": words(names),
        "spots": words(", ".join(map(str, one.spots)) or None for one in zones),
        "kind": words(one.kind.value for one in zones),
        "area_m2": rounded((one.area_m2 for one in zones), 4),
    }


def _known(zones: Sequence[Zone]) -> Columns:
    density = [one.density_interval95 or (math.nan, math.nan) for one in zones]
    return {
        "weeds": rounded((or_nan(one.count) for one in zones), 0),
        "density_m2": rounded((or_nan(one.density) for one in zones), 4),
        "density_low_m2": rounded((one[0] for one in density), 4),
        "density_high_m2": rounded((one[1] for one in density), 4),
        "cover_pct": rounded((or_nan(one.cover_pct) for one in zones), 3),
        "certainty": rounded((or_nan(one.certainty) for one in zones), 3),
        "vigour": words(one.vigour.value if one.vigour else None for one in zones),
        "vigour_z": rounded((or_nan(one.z) for one in zones), 3),
        "causes": words(" ".join(map(str, one.causes)) or None for one in zones),
        "poor_before": rounded((or_nan(one.poor_before) for one in zones), 0),
    }


def _places(zones: Sequence[Zone]) -> Columns:
    return {
        "lat": rounded((one.lat for one in zones), 9),
        "lon": rounded((one.lon for one in zones), 9),
    }


def _mixture(prescription: Prescription, rate_l_ha: float) -> str | None:
    """What a rate of the mixture brings of each product."""
    spraying = prescription.spraying
    if not rate_l_ha:
        return None
    share = rate_l_ha / spraying.spray_l_ha
    return "; ".join(f"{one.name} {one.dose_l_ha * share:.4g} L/ha" for one in spraying.products) or None


def _doses(prescription: Prescription, pieces: Sequence[Treated]) -> Columns:
    spraying = prescription.spraying
    columns: dict[str, NDArray[np.generic]] = {}
    for number, product in enumerate(spraying.products, start=1):
        doses = [one.rate_l_ha * product.dose_l_ha / spraying.spray_l_ha for one in pieces]
        litres = [dose * one.zone.area_m2 / 1e4 for dose, one in zip(doses, pieces, strict=True)]
        columns[f"product_{number}_l_ha"] = rounded(doses, 5)
        columns[f"product_{number}_litres"] = rounded(litres, 7)
    return columns
