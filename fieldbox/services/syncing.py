"""Deciding when to send: one step after the other, for one box."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from fieldbox.config import Config
from fieldbox.domain import LinkDoing, LinkState, SendNow
from fieldbox.errors import FieldboxError, Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.services import wishes
from fieldbox.services.boxclock import certain, is_remembered, remember
from fieldbox.services.bursting import SILENT, Bursts
from fieldbox.services.commanding import Commander
from fieldbox.services.notify import notify
from fieldbox.services.situating import Circumstances, forgive
from fieldbox.services.syncparts import Parts
from fieldbox.storage.store import Store
from fieldbox.sync.identity import Joined, joined
from fieldbox.sync.mqtt import MqttCarrier
from fieldbox.sync.policy import decide, notes
from fieldbox.sync.situation import Connect, Rules, Situation, Wait
from fieldbox.wire.down import Down

log = structlog.get_logger()

UNJOINED_S: Final = 60.0
FAULT_S: Final = 300.0
"""After a fault of the box itself, such as a full disk."""
WISH_S: Final = 3.0
"""So often it looks whether somebody at a page waits."""
AGAIN_S: Final = 1.0
"""After a connection."""
KEEP_S: Final = 3600.0
"""So often what the time is goes into the database, and the state that is shown though nothing changed."""


class Syncing:
    """Sends for one box. `step` decides once, and connects if it is time; nothing else passes time in it."""

    def __init__(self, config: Config, store: Store, parts: Parts) -> None:
        self._config, self._store, self._parts = config, store, parts
        self._circumstances = Circumstances(config, store, parts)
        self._bursts = Bursts(store, parts, self._follow)
        self._kept_at = -KEEP_S
        self._shown: LinkState | None = None
        self._begun = False
        self._faulty = False
        """The last step ended with a fault of the box itself."""

    def step(self, *, now: bool = False) -> float:
        """Decide, and connect if it is time; after how many seconds to decide again, unless links change. `now`: somebody waits:
        nothing is gathered, and failures before do not count."""
        self._parts.report()
        self._keep_time()
        try:
            mine = joined(self._config.identity)
        except Misconfigured as error:
            self._show(LinkState(self.now(), LinkDoing.WAITING, error.sentence))
            return UNJOINED_S
        self._parts.clock.recall(certain(mine), None)
        self._bursts.look_at_certificates(mine)
        rules, situation = self._look(mine)
        if now:
            rules = replace(rules, gather=timedelta(0), listen=timedelta(0))
        told = decide(replace(situation, pasts={}) if now else situation, rules)
        if isinstance(told, Wait):
            self._show(self._state(situation, rules, told))
            return 0.0 if self._commander().work() else self._pause(told)
        self._show(self._state(situation, rules, told))
        self._bursts.connect(mine, told)
        self._keep_time()
        rules, situation = self._look(mine)
        self._show(self._state(situation, rules, decide(situation, rules)))
        return AGAIN_S

    def run(self) -> None:
        """Until it is to stop."""
        while not self._parts.stopping():
            pause = self._careful_step()
            notify("WATCHDOG=1")
            self._rest(pause)

    def _rest(self, pause: float) -> None:
        """Until links change, somebody at a page waits, or it is time. After a fault nobody is heard: it would be met again."""
        while pause > 0 and not self._parts.stopping():
            if self._parts.ways.wait(min(pause, WISH_S)) or (not self._faulty and self._is_wished()):
                return
            pause -= WISH_S

    def _is_wished(self) -> bool:
        with suppress(FieldboxError):  # the next step meets it, and says so
            return wishes.is_open(self._store)
        return False

    def attempt(self) -> tuple[Sentence, bool]:
        """Send what may go now, whatever failed before; what came of it, and whether all that may go has gone."""
        before = self._store.link_pasts()
        self.step(now=True)
        after = self._store.link_pasts()
        tried = [past for kind, past in after.items() if past != before.get(kind)]
        left = sum(one.count for one in self._store.waiting(self.now()))
        failed = next((past.why for past in tried if past.failures and past.why is not None), None)
        if failed is not None:
            return failed, False
        if tried:
            return Sentence(N_("The hub was reached; {count} messages wait."), {"count": left}), True
        return self._shown.why if self._shown else SILENT, not left

    def _begin(self) -> None:
        """Once, as soon as the database can be written: what the process' earlier life left is over."""
        if self._begun:
            return
        forgive(self._store)
        self._bursts.hang_up()
        self._store.lost(MqttCarrier.name)
        self._begun = True

    def _careful_step(self) -> float:
        self._faulty = False
        try:
            self._begin()
            wished = wishes.last(self._store)
            return self._as_wished(wished) if wished and wished.came is None else self.step()
        except FieldboxError as error:
            self._faulty = True
            log.warning("sending waits", reason=str(error))
            with suppress(FieldboxError):  # the disk may be full
                self._show(LinkState(self.now(), LinkDoing.WAITING, error.sentence))
            return FAULT_S

    def _as_wished(self, wished: SendNow) -> float:
        """Try now, since somebody at a page waits for it, and say there what came of it."""
        try:
            came, _all = self.attempt()
        except FieldboxError as error:
            came = error.sentence
        wishes.settle(self._store, wished, came, self.now())
        return AGAIN_S

    def now(self) -> datetime:
        """The time that the box goes by."""
        return self._parts.clock.now()

    def _look(self, mine: Joined) -> tuple[Rules, Situation]:
        return self._circumstances.look(mine, first=self._shown is None)

    def _follow(self, wanted: Down) -> None:
        self._commander().follow(wanted)

    def _commander(self) -> Commander:
        return Commander(self._config, self._store, self.now)

    def _keep_time(self) -> None:
        clock = self._parts.clock
        if clock.elapsed() - self._kept_at < KEEP_S and is_remembered(self._store, clock):
            return
        self._kept_at = clock.elapsed()
        remember(self._store, clock)
        if clock.known():  # by a wrong clock nothing is given up
            self._store.expire_messages(clock.now())

    def _state(self, now: Situation, rules: Rules, told: Connect | Wait) -> LinkState:
        last = [past.last_success for past in now.pasts.values() if past.last_success is not None]
        connects = isinstance(told, Connect)
        return LinkState(
            at=now.now,
            doing=LinkDoing.CONNECTED if connects else LinkDoing.WAITING,
            why=told.reason,
            links=tuple(one.kind.value for one in now.links),
            link=told.link.kind if isinstance(told, Connect) else None,
            since=now.now if connects else None,
            last_success=max(last, default=None),
            next_try=told.until if isinstance(told, Wait) else None,
            notes=notes(now, rules),
            used={kind.value: total for kind, total in now.used.items()},
            allowed={kind.value: total for kind, total in rules.budgets.items()},
        )

    def _show(self, state: LinkState) -> None:
        """Tell people, if there is anything new: the database is on a card that wears."""
        shown = self._shown
        same = shown is not None and replace(shown, at=state.at) == state
        if same and shown is not None and timedelta(0) <= state.at - shown.at < timedelta(seconds=KEEP_S):
            return
        self._store.keep_link_state(state)
        self._shown = state

    def _pause(self, told: Wait) -> float:
        until = None if told.until is None else (told.until - self.now()).total_seconds()
        return self._parts.look_s if until is None else max(0.0, min(self._parts.look_s, until))
