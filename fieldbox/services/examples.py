"""What a text to the agronomist looks like, for the pages on which its settings are chosen; and one to try them with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fieldbox.config import Config
from fieldbox.domain import (
    ExampleText,
    Field,
    Hotspot,
    Interval,
    LayerLabel,
    NewText,
    Survey,
    WeedBasis,
)
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, translator
from fieldbox.services.chosen import settled
from fieldbox.services.style import style_of
from fieldbox.services.telephone import telephone
from fieldbox.storage.store import Store, utc_now
from fieldbox.sync.sms.templates import Kind, Script
from fieldbox.sync.sms.texts import About, Style, text_of, trial_text
from fieldbox.wire.gsm import length_of

FIELD_NAME: Final = N_("Well field")
CODE: Final = "7A1"
"""By which a reply would name the survey of the example."""
_SEEN: Final = datetime(2027, 6, 10, 6, 30, tzinfo=UTC)
_SPOTS: Final = ((18.521, 73.855, 12.0, 0.31), (18.5213, 73.8546, 7.0, 0.24))


class Examples:
    """Texts of a field that there is not. For the dashboard."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store

    def text(self, config: Config, *, spots: bool = False) -> ExampleText:
        """The text of an alert by these settings; with `spots`, the answer to MORE."""
        style = style_of(config)
        return _shown(text_of(_about(_name(style)), Kind.SPOTS if spots else Kind.ALERT, style))

    def field(self, config: Config) -> str:
        """What the field of the examples is called in the language of texts."""
        return _name(style_of(config))

    def try_text(self, number: str) -> ExampleText:
        """Let a text wait that says that it is a test; what it says. Raises Rejected for a number that is not texted."""
        told, now = telephone(number), settled(self._config, self._store)
        if told not in now.sms.allowed:
            raise Rejected(N_("{number} is not among those who are texted: save it first."), number=told)
        return _shown(write_trial(now, self._store, told, utc_now()).body)


def write_trial(config: Config, store: Store, number: str, now: datetime) -> NewText:
    """Let a text wait that says that it is a test."""
    body = trial_text(now.strftime("%H:%M:%S"), style_of(config))
    new = NewText(number, body, f"test {now.isoformat()} {number}", urgent=True)
    store.write_text(new)
    return new


def _shown(text: str) -> ExampleText:
    return ExampleText(text, length_of(text).parts)


def _name(style: Style) -> str:
    """As a person of the language would have named it; in Latin letters where texts are in those."""
    return translator(style.language if style.letters is Script.SCRIPT else "en")(FIELD_NAME)


def _about(name: str) -> About:
    return About(_survey(), Field(7, "F07", name, (), drawn=True, crop="soybean"), CODE, litres=46.0)


def _survey() -> Survey:
    unknown = None
    return Survey(
        id="",
        flight_id="",
        field_id=7,
        release="",
        made_at=_SEEN,
        area_ha=1.2,
        area_ha_interval95=unknown,
        gsd_cm=0.4,
        gsd_cm_interval95=unknown,
        weed_cover_pct=4.2,
        weed_cover_pct_interval95=Interval(3.1, 5.6),
        weed_count=2100,
        weed_count_interval95=unknown,
        crop_cover_pct=unknown,
        crop_cover_pct_interval95=unknown,
        crop_count=unknown,
        crop_count_interval95=unknown,
        health_index=61.0,
        health_index_interval95=unknown,
        unsure_pct=unknown,
        unsure_pct_interval95=unknown,
        unseen_pct=0.0,
        unseen_pct_interval95=unknown,
        position_error_m=1.0,
        layer_label=LayerLabel.RGB_ONLY,
        warnings=(),
        hotspots=tuple(_spot(rank, *one) for rank, one in enumerate(_SPOTS, 1)),
        photos_used=0,
        photos_unplaced=0,
        weed_basis=WeedBasis.PLANTS,
    )


def _spot(rank: int, lat: float, lon: float, area_m2: float, cover: float) -> Hotspot:
    return Hotspot(rank, 0.0, 0.0, lat, lon, area_m2, cover, None, "", 0.0, 0.0)
