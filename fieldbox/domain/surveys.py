"""What a flight says about a field, and what is sent of it. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fieldbox.domain.checks import Quality
from fieldbox.domain.decisions import CropStand
from fieldbox.domain.maps import Hotspot, Interval, Ladder, LayerLabel, WeedBasis
from fieldbox.i18n import Sentence


@dataclass(frozen=True, slots=True)
class Survey:
    """What one flight says about one field under one model release. None is "not known"."""

    id: str
    flight_id: str
    field_id: int
    release: str
    made_at: datetime
    area_ha: float
    area_ha_interval95: Interval | None
    gsd_cm: float
    gsd_cm_interval95: Interval | None
    weed_cover_pct: float | None
    weed_cover_pct_interval95: Interval | None
    weed_count: int | None
    weed_count_interval95: Interval | None
    crop_cover_pct: float | None
    crop_cover_pct_interval95: Interval | None
    crop_count: int | None
    crop_count_interval95: Interval | None
    health_index: float | None
    health_index_interval95: Interval | None
    unsure_pct: float | None
    unsure_pct_interval95: Interval | None
    unseen_pct: float
    unseen_pct_interval95: Interval | None
    position_error_m: float
    layer_label: LayerLabel
    warnings: tuple[Sentence, ...]
    hotspots: tuple[Hotspot, ...]
    photos_used: int
    photos_unplaced: int
    crop_missing: int | None = None
    """Plants missing in the crop rows; None: the rows or the step between plants are not known."""
    weed_basis: WeedBasis | None = None
    """None: no weeds are called."""
    ladder: Ladder | None = None
    """None: single plants are not called."""
    quality: Quality | None = None
    """None: made before photos were aligned, or somebody else had put them together."""
    indices: Mapping[str, float] = field(default_factory=dict)
    """Means over the field of the indices of a multispectral camera's bands (ndvi, ndre, ...); `layer_label` says how far
    they can be trusted."""
    weed_recall: float | None = None
    """Share of all weeds that the model finds, by its card; None: not known."""
    stand: CropStand | None = None
    """None: no rows are known."""
