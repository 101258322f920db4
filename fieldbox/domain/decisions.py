"""What is to be done about a field: zones, what is sprayed where, what that takes. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from fieldbox.domain.maps import Interval
from fieldbox.i18n import Sentence

Patch = tuple[tuple[tuple[float, float], ...], ...]
"""Open rings of (lon, lat): the outer one, then its openings."""


MOST_L_HA = 5000.0
"""Of spray: more is a flood."""


class Strategy(StrEnum):
    """How ground that is to be treated is laid out."""

    SPOTS = "spots"
    """A disc around each weed."""
    PATCHES = "patches"
    """Where weeds are dense."""
    SWATHS = "swaths"
    """Cells of the sprayer's swath, each on or off."""


class ZoneKind(StrEnum):
    """What the cells of a zone have in common."""

    WEEDS = "weeds"
    VIGOUR = "vigour"


class Vigour(StrEnum):
    """How the crop of a zone looks beside the rest of its field. Relative: it names no cause."""

    POOR = "poor"
    USUAL = "usual"
    BETTER = "better"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Ground to treat, or to visit, as one. What is not known is None."""

    rank: int
    """From 1: the one that matters most."""
    kind: ZoneKind
    patch: Patch
    area_m2: float
    lat: float
    """Of a place inside it."""
    lon: float
    certainty: float | None
    """0 to 1. Weeds: share of the plants called weeds in it that are expected to be such; vigour: share of its cells that were
    seen."""
    count: int | None = None
    """Weeds found in it."""
    density: float | None = None
    """Weeds to the square metre, those that were missed among them."""
    density_interval95: Interval | None = None
    cover_pct: float | None = None
    """Of its ground that weeds cover."""
    vigour: Vigour | None = None
    z: float | None = None
    """Mean over it, in robust standard deviations of the field; low is poor."""
    causes: tuple[Sentence, ...] = ()
    """What a person should check on the ground. Never a diagnosis."""
    poor_before: int | None = None
    """Earlier surveys in a row in which its ground was poor, too; None: there are none to compare with."""
    spots: tuple[int, ...] = ()
    """Ranks of the survey's hotspots whose places lie in it."""

    @property
    def name(self) -> str:
        """What it is called everywhere, in every language: Z1 by weeds, P1 by the crop. A plain number is a hotspot's alone."""
        return f"{'Z' if self.kind is ZoneKind.WEEDS else 'P'}{self.rank}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """What weeds cost and what treating them does. Money in one currency."""

    price_per_t: float
    yield_t_ha: float
    """Without weeds."""
    loss_pct_per_weed: float
    """Of the yield, for each of the first few weeds to the square metre."""
    most_loss_pct: float = 100.0
    """However many there are."""
    cost_per_ha: float
    """Of the treatment, product and work."""
    efficacy: float = 0.9
    """Share of the weeds that it kills."""

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        positive = (self.price_per_t, self.yield_t_ha, self.loss_pct_per_weed, self.cost_per_ha)
        if not all(0 < one < math.inf for one in positive):
            raise ValueError("prices, yields, losses and costs are above 0")
        if not (0 < self.most_loss_pct <= 100 and 0 < self.efficacy <= 1):
            raise ValueError("a loss is at most all, and so is what a treatment kills")

    def loss_per_ha(self, density: float) -> float:
        """Money that so many weeds to the square metre cost: the hyperbola of Cousens (1985, Annals of Applied Biology 107,
        239-252)."""
        some = self.loss_pct_per_weed * density
        return self.price_per_t * self.yield_t_ha * some / (1 + some / self.most_loss_pct) / 100

    def gain_per_ha(self, density: float) -> float:
        """Money that treating so many weeds brings, less its cost."""
        return self.loss_per_ha(density) - self.loss_per_ha(density * (1 - self.efficacy)) - self.cost_per_ha


@dataclass(frozen=True, slots=True)
class Product:
    """What is mixed into the water."""

    name: str
    dose_l_ha: float

    def __post_init__(self) -> None:
        """Raise ValueError for no dose, and for none of what."""
        if not 0 < self.dose_l_ha < math.inf:
            raise ValueError("a dose is above 0")
        if not self.name.strip():
            raise ValueError("a product has a name")


@dataclass(frozen=True, slots=True)
class KeepOff:
    """Ground that is never to be treated (water, houses, hives), with a strip around it."""

    name: str
    patch: Patch
    strip_m: float

    def __post_init__(self) -> None:
        """Raise ValueError for a strip that would keep nothing off."""
        if not 0 <= self.strip_m < math.inf:
            raise ValueError("a strip is not below 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spraying:
    """How a field is treated: what somebody set, and what the sprayer can do. None of it is advice."""

    swath_m: float = 2.0
    """Width that the sprayer treats at once."""
    step_m: float = 1.0
    """Shortest stretch that it can be on or off for."""
    drift_m: float = 0.2
    """Beyond each weed that is to be wet."""
    least_m2: float = 0.25
    """No piece of ground is smaller."""
    coverage: float = 0.95
    """Share of all weeds that is to be reached."""
    aim_m: float | None = None
    """How far off a place of the map the sprayer may be, 95 % radius, where it goes by rows and by sight; None: by satellite,
    so by as much as the map."""
    strategy: Strategy | None = None
    """None: the one that treats the least ground."""
    direction_deg: float | None = None
    """In which swaths run, clockwise from true north; None: along the crop rows, or the field."""
    spray_l_ha: float = 200.0
    """Of the mixture."""
    tank_l: float = 15.0
    products: tuple[Product, ...] = ()
    economics: Economics | None = None
    """None: every weed is worth treating."""
    from_per_m2: float | None = None
    """Weeds to the square metre from which ground is treated, whatever the economics say; None: what these say."""
    from_cover_pct: float | None = None
    """Percent of the ground covered by weeds from which it is treated; None: any."""
    keep_off: tuple[KeepOff, ...] = ()
    vigour_rates: tuple[float, float, float] | None = None
    """Of the mixture, L/ha, where the crop is poor, as usual, better: for rate maps by vigour."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no sprayer can do."""
        # Cells of a sprayer narrower than 10 cm, and margins of kilometres, fill the memory of a box.
        if not all(0.1 <= one <= 100 for one in (self.swath_m, self.step_m)):
            raise ValueError("a swath and a step are 0.1 to 100 m")
        if not (0 < self.spray_l_ha <= MOST_L_HA and 0.1 <= self.tank_l <= 100_000):
            raise ValueError(
                f"the spray is above 0 and up to {MOST_L_HA:.0f} L/ha, a tank holds 0.1 to 100000 L"
            )
        if not (0 <= self.drift_m <= 1000 and 0 <= self.least_m2 <= 10_000 and 0 < self.coverage <= 1):
            raise ValueError("drift is 0 to 1000 m, the least piece 0 to 10000 m2, and coverage is a share")
        if self.aim_m is not None and not 0 <= self.aim_m <= 1000:
            raise ValueError("an aim is 0 to 1000 m")
        if self.vigour_rates and not all(0 <= one <= MOST_L_HA for one in self.vigour_rates):
            raise ValueError(f"rates are 0 to {MOST_L_HA:.0f} L/ha")
        if self.direction_deg is not None and not math.isfinite(self.direction_deg):
            raise ValueError("a direction is a number of degrees")
        if not all(one is None or 0 <= one < math.inf for one in (self.from_per_m2, self.from_cover_pct)):
            raise ValueError("a limit from which ground is treated is not below 0")
        if any(one.dose_l_ha > self.spray_l_ha for one in self.products):
            raise ValueError("a dose is part of the spray")

    @property
    def limits_counts(self) -> bool:
        """Whether ground is treated only from so many weeds to the square metre on."""
        return self.from_per_m2 is not None or self.economics is not None

    def dose_ml_tank(self, product: Product) -> float:
        """Millilitres of a product for a full tank."""
        return 1000 * self.tank_l * product.dose_l_ha / self.spray_l_ha


@dataclass(frozen=True, slots=True)
class ProductNeed:
    """What treating some ground takes of one product. Litres."""

    product: Product
    litres: float
    ml_tank: float
    """For a full tank."""
    saved_l: float
    """Against treating the whole field."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What treating some ground takes."""

    area_ha: float
    area_ha_interval95: Interval
    spray_l: float
    spray_l_interval95: Interval
    tanks: int
    """To fill, the last one perhaps in part."""
    tanks_most: int
    """By the upper end of what is sprayed: so many should be at hand."""
    saved_pct: float
    """Of the spray, against treating all ground that may be treated."""
    saved_pct_interval95: Interval
    products: tuple[ProductNeed, ...]


@dataclass(frozen=True, slots=True)
class Treated:
    """A zone and how much it gets."""

    zone: Zone
    rate_l_ha: float
    """Of the mixture."""


@dataclass(frozen=True, slots=True)
class Laid:
    """What one strategy would treat."""

    strategy: Strategy
    area_m2: float
    coverage: float | None
    """Share of all weeds that is expected on it; None: not known."""
    assured: float | None
    """Lower end (one-sided, 95 %) of that share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """What is sprayed where, of one survey."""

    survey_id: str
    kind: ZoneKind
    """By weeds (on or off), or by the crop's vigour (rates)."""
    spraying: Spraying
    direction_deg: float
    """In which swaths run, clockwise from true north."""
    strategy: Strategy | None
    """None: by vigour."""
    treated: tuple[Treated, ...]
    left: tuple[Zone, ...]
    """Zones with weeds that do not pay treating."""
    field_m2: float
    """That may be treated at all: the field without what is kept off."""
    coverage: float | None
    """Share of all weeds expected on the treated ground; None: not known."""
    assured: float | None
    """Lower end (one-sided, 95 %) of that share; below `spraying.coverage` where that cannot be reached, or does not pay."""
    threshold: float | None
    """Weeds to the square metre from which ground is treated; None: any, or (`never_pays`) none, or they are not counted."""
    never_pays: bool
    needs: Needs
    laid: tuple[Laid, ...]
    """All strategies, for comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CropStand:
    """How a crop stands in its rows. What is not known is None."""

    direction_deg: float
    """In which the rows of the largest plot run, clockwise from true north, 0 to 180."""
    spacing_m: float
    """Between rows, mean over the plots by their area."""
    bend_deg: float
    """Standard deviation of the direction over the largest plot: 0 where rows are straight."""
    plots: int
    """Pieces whose rows hang together: terraces, headlands."""
    step_m: float | None
    """From plant to plant in the row."""
    per_ha: float | None
    """Crop plants to the hectare of seen ground."""
    per_ha_interval95: Interval | None
    missing: int | None
    doubles: int | None
    """Plants that stand where another one was meant to stand alone."""
    weeds_in_rows: int | None
    weeds_between: int | None
    weeds_off_plots: int | None
    """Where no rows run."""
