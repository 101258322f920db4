"""What somebody at a page wants of the process that sends: now, whatever it waits for.

A wish and what came of it are settings of the store: the page and that process are two, and either may start anew in between.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from fieldbox.domain import SendNow
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store

SETTING: Final = "sync.now"


def wish(store: Store, now: datetime) -> None:
    """Ask for a try at once; asked twice before it is met, it is one."""
    store.set_setting(SETTING, json.dumps({"at": now.isoformat()}))


def is_open(store: Store) -> bool:
    """Whether somebody waits for a try."""
    found = last(store)
    return found is not None and found.came is None


def settle(store: Store, met: SendNow, came: Sentence, now: datetime) -> None:
    """Say what came of the wish `met`. One that was asked for in between has not been tried yet, and stays open."""

    def settled(text: str | None) -> str:
        if _read(text) != met:
            return text or ""
        return json.dumps({"at": met.at.isoformat(), "came": came.to_json(), "done": now.isoformat()})

    store.change_setting(SETTING, settled)


def last(store: Store) -> SendNow | None:
    """The last wish, and what came of it; None: nobody ever asked."""
    return _read(store.setting(SETTING))


def _read(text: str | None) -> SendNow | None:
    if not text:
        return None
    told = json.loads(text)
    came = Sentence.from_json(told["came"]) if "came" in told else None
    done = datetime.fromisoformat(told["done"]) if "done" in told else None
    return SendNow(datetime.fromisoformat(told["at"]), came, done)
