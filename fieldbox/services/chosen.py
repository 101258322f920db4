"""Settings that the owner chose on a page: they go over those of the hub, which go over those of the file.

What the environment of a service says stays as it is, whatever pages and hub want: whoever wrote it into a unit means it.
What may be chosen is listed here. No key, folder, address or port is.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog

from fieldbox.config import Config, settings, variable_of, with_values
from fieldbox.domain import SettingNow, SettingSource, SettingValue
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_, translated
from fieldbox.services import fromhub
from fieldbox.storage.store import Store

log = structlog.get_logger()

SETTING: Final = "chosen.settings"
"""The key under which they are kept."""
ALLOWED: Final = (
    "box.name",
    "locale.language",
    "locale.area_unit",
    "summary.share_name",
    "summary.share_position",
    "sync.pictures",
    "sync.hub_settings",
    "sync.links",
    "sync.monthly_mb",
    "sync.cost_per_mb",
    "sync.month_starts",
    "sync.alert_reserve_pct",
    "sync.quiet_hours",
    "sync.alerts_in_quiet_hours",
    "sync.gather_hours",
    "sync.listen_hours",
    "sms.send",
    "sms.numbers",
    "sms.language",
    "sms.script",
    "sms.daily_parts",
    "sms.cost_per_part",
    "sms.currency",
    "sms.quiet_hours",
    "sms.hub_number",
    "sms.hub_after_hours",
    "storage.keep_days",
)
FRESH_S: Final = 5.0
"""So long pages go by what was read before."""
_LONGEST: Final = 1000
"""Letters of a value."""


def told(store: Store) -> dict[str, SettingValue]:
    """What was chosen, by `section.key`."""
    return _read(store.setting(SETTING))


def settled(config: Config, store: Store) -> Config:
    """The settings by which the box goes: `config` with those of the hub over it, and over these the chosen ones.

    Such as this release does not take are passed over.
    """
    return _over(fromhub.settled(config, store), told(store))


def choose(config: Config, store: Store, actor: str, values: Mapping[str, SettingValue]) -> list[str]:
    """Keep `values` as chosen by `actor`; which of them are news.

    Raises Rejected, and changes nothing, for a key that may not be chosen, one that the environment has fixed, or a value that
    is not accepted.
    """
    _require(config, values)
    now = settled(config, store)
    try:
        after = with_values(now, values)
    except Misconfigured as error:
        raise Rejected(error.sentence.template, **error.sentence.params) from error
    _require_language(config, after, values)
    news = {name: _value(after, name) for name in values if _value(after, name) != _value(now, name)}
    if news:
        store.change_setting(SETTING, lambda text: _written(_read(text) | news))
    for name, value in news.items():
        store.audit(actor, "setting chosen", f"{name} = {_as_json(value)}")
    return list(news)


def reset(config: Config, store: Store, actor: str, names: Collection[str]) -> list[str]:
    """Take back what was chosen of `names`; which of them were chosen.

    Raises Rejected, and changes nothing, where the rest would make no sense without them.
    """
    _require(config, dict.fromkeys(names, ""))
    kept = told(store)
    gone = [name for name in names if name in kept]
    left = {name: value for name, value in kept.items() if name not in gone}
    try:
        with_values(fromhub.settled(config, store), left)
    except Misconfigured as error:
        raise Rejected(error.sentence.template, **error.sentence.params) from error
    if gone:
        store.change_setting(
            SETTING, lambda text: _written({k: v for k, v in _read(text).items() if k not in gone})
        )
    for name in gone:
        store.audit(actor, "setting taken back", name)
    return gone


def all_now(config: Config, store: Store) -> dict[str, SettingNow]:
    """Every setting that may be chosen as it is, and where it comes from."""
    now, chosen, hub, usual = settled(config, store), told(store), fromhub.told(store), dict(settings())

    def source(name: str) -> SettingSource:
        if name in config.fixed:
            return SettingSource.ENVIRONMENT
        if name in chosen and _value(now, name) == chosen[name]:
            return SettingSource.PAGE
        if name in hub:
            return SettingSource.HUB
        return SettingSource.DEFAULT if _value(config, name) == usual[name] else SettingSource.FILE

    return {name: SettingNow(name, _value(now, name), source(name)) for name in ALLOWED}


class Choices:
    """The settings of one box for its pages. Reading is cheap: what was read is good for FRESH_S."""

    def __init__(self, config: Config, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._read: tuple[float, Config] | None = None

    def now(self) -> Config:
        """The settings by which the box goes."""
        read = self._read
        if read is None or self._clock() - read[0] >= FRESH_S:
            read = self._read = (self._clock(), settled(self._config, self._store))
        return read[1]

    def all(self) -> dict[str, SettingNow]:
        """Every setting that may be chosen, and where it comes from."""
        return all_now(self._config, self._store)

    def choose(self, actor: str, values: Mapping[str, SettingValue]) -> list[str]:
        """As `choose`."""
        try:
            return choose(self._config, self._store, actor, values)
        finally:
            self._read = None

    def reset(self, actor: str, names: Collection[str]) -> list[str]:
        """As `reset`."""
        try:
            return reset(self._config, self._store, actor, names)
        finally:
            self._read = None


def _over(config: Config, values: Mapping[str, SettingValue]) -> Config:
    """`config` with as many of `values` over it as go: some go only together, and one that is bad holds off no other."""
    left = {name: value for name, value in values.items() if name not in config.fixed}
    try:
        return with_values(config, left)
    except Misconfigured as error:
        log.warning("a setting that was chosen is passed over", reason=str(error))
    for _round in range(len(left)):
        for name, value in list(left.items()):
            try:
                config = with_values(config, {name: value})
            except Misconfigured:
                continue
            del left[name]
    return config


def _require(config: Config, values: Mapping[str, SettingValue]) -> None:
    for name, value in values.items():
        if name not in ALLOWED:
            raise Rejected(
                N_("{name} is no setting that can be chosen here: see fieldbox settings list."), name=name
            )
        if name in config.fixed:
            raise Rejected(
                N_(
                    "{name} is fixed by {variable} in the environment of the box's services: change it there."
                ),
                name=name,
                variable=variable_of(name),
            )
        if len(str(value)) > _LONGEST:
            raise Rejected(N_("{name} is too long."), name=name)


def _require_language(config: Config, after: Config, values: Mapping[str, SettingValue]) -> None:
    code = after.locale.language
    if "locale.language" not in values or code == "en" or code in translated():
        return
    brought = config.storage.root / "languages" / code / "LC_MESSAGES" / "fieldbox.mo"
    if not re.fullmatch(r"\w+", code) or not brought.exists():
        raise Rejected(N_("The box does not speak {code}."), code=code)


def _value(config: Config, name: str) -> SettingValue:
    section, _dot, key = name.partition(".")
    value: SettingValue = getattr(getattr(config, section), key)
    return value


def _read(text: str | None) -> dict[str, SettingValue]:
    kept = json.loads(text) if text else {}
    return {name: value for name, value in kept.items() if name in ALLOWED}


def _written(values: Mapping[str, SettingValue]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _as_json(value: SettingValue) -> str:
    return json.dumps(value, ensure_ascii=False)
