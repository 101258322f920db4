"""Settings that the hub changed: they go over those of the file, the owner sees them and takes them back.

What the hub may set is listed here. Nothing that says what leaves the farm is, and no key, folder or address.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

import structlog

from fieldbox.config import Config, with_values
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_
from fieldbox.storage.store import Store

log = structlog.get_logger()

SETTING: Final = "hub.settings"
"""The key under which they are kept."""
ALLOWED: Final = (
    "sync.gather_hours",
    "sync.listen_hours",
    "sync.quiet_hours",
    "sync.monthly_mb",
    "sync.month_starts",
    "sync.alert_reserve_pct",
    "sms.language",
    "sms.script",
)

Value = str | int | float | bool


def told(store: Store) -> dict[str, Value]:
    """What the hub has set, by `section.key`."""
    text = store.setting(SETTING)
    kept = json.loads(text) if text else {}
    return {name: value for name, value in kept.items() if name in ALLOWED}


def settled(config: Config, store: Store) -> Config:
    """The settings with those of the hub over them. Such as this release does not take are passed over."""
    for name, value in told(store).items():
        if name in config.fixed:
            continue
        try:
            config = with_values(config, {name: value})
        except Misconfigured as error:
            log.warning("a setting of the hub is passed over", setting=name, reason=str(error))
    return config


def changed(config: Config, store: Store, values: Mapping[str, Any], chosen: Collection[str] = ()) -> str:
    """What is to be kept once the hub has set `values` (None: as the owner has it). Raises Rejected: nothing changes.

    `chosen`: what the owner has chosen on a page. It goes over what the hub says, and the hub is told so.
    """
    if not config.sync.hub_settings:
        raise Rejected(N_("The owner of the box lets the hub change no settings (sync.hub_settings)."))
    refused = sorted(set(values) - set(ALLOWED))
    if refused:
        raise Rejected(N_("The hub may not set {names}."), names=", ".join(refused)[:200])
    held = sorted(name for name in {*chosen, *config.fixed} if values.get(name) is not None)
    if held:
        raise Rejected(N_("The owner of the box has chosen {names}."), names=", ".join(held)[:200])
    after = {name: value for name, value in (told(store) | dict(values)).items() if value is not None}
    try:
        with_values(config, after)
    except Misconfigured as error:
        raise Rejected(error.sentence.template, **error.sentence.params) from error
    return json.dumps(after, ensure_ascii=False, sort_keys=True)


def undo(store: Store, name: str) -> None:
    """Take back a setting of the hub's. Raises Rejected where it has set no such one."""
    kept = told(store)
    if name not in kept:
        known = ", ".join(kept) or "-"
        raise Rejected(N_("The hub has not set {name}; it has set: {known}."), name=name, known=known)
    del kept[name]
    store.set_setting(SETTING, json.dumps(kept, ensure_ascii=False, sort_keys=True))
    store.audit("cli", "setting of the hub taken back", name)
