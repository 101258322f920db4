"""The process that sends: it watches the links of the box, connects when the policy says so, and keeps the accounts.

Nothing in it grows while there is no link. What it knows of links, the time and what it spent is in the database, so that it may
be killed at any moment: a burst is counted with all that it was allowed before it begins, and put right when it is over.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.services import texting
from fieldbox.services.box import open_store
from fieldbox.services.boxclock import FirstModem, recalled
from fieldbox.services.boxing import report_daily
from fieldbox.services.notify import notify
from fieldbox.services.running import beside, running_as
from fieldbox.services.syncing import Syncing
from fieldbox.services.syncparts import Parts, goes_on
from fieldbox.storage.store import Store
from fieldbox.summary.boxreport import ClockState
from fieldbox.sync import renewal
from fieldbox.sync.identity import Joined
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.networkmanager import NetworkManager
from fieldbox.sync.paths import KernelWays
from fieldbox.sync.ports import Carrier
from fieldbox.sync.timekeeping import KernelTime, TrustedClock
from fieldbox.sync.ways import Ways


def by_mqtt(clock: TrustedClock) -> Callable[[Joined], tuple[Carrier, bool]]:
    """Makes the way to a hub by MQTT. What it raises for unreadable files is Misconfigured."""

    def made(mine: Joined) -> tuple[Carrier, bool]:
        shown, trying = renewal.credentials(mine)
        try:
            address = Address(mine.hub.host, mine.hub.port)
            return MqttCarrier(address, shown, mine.identity.box, clock.judged), trying
        except OSError as error:
            raise Misconfigured(
                N_("The certificates in {folder} cannot be read ({why}): join the hub again."),
                folder=str(mine.identity.folder),
                why=str(error),
            ) from error

    return made


def _report(config: Config, store: Store, clock: TrustedClock) -> None:
    state = ClockState.SET if clock.known() else ClockState.UNSET
    report_daily(config, store, clock.now(), state)


@contextmanager
def opened(config: Config, stopping: Callable[[], bool]) -> Iterator[tuple[Syncing, Ways]]:
    """The real parts on the box's own database. Raises Misconfigured where another process sends already."""
    clock = TrustedClock(KernelTime())
    with open_store(config, clock=clock.now) as store, store.sync_lock() as alone:
        if not alone:
            raise Misconfigured(
                N_("Another process of this box sends already, its service most likely: see fieldbox status.")
            )
        recalled(store, clock)
        manager = NetworkManager()
        ways = KernelWays(manager.metered)
        try:
            parts = Parts(
                ways,
                manager,
                clock,
                by_mqtt(clock),
                network=FirstModem(),
                stopping=stopping,
                report=partial(_report, config, store, clock),
            )
            yield Syncing(config, store, parts), ways
        finally:
            ways.close()


def serve(config: Config) -> None:
    """Send until SIGTERM or SIGINT: a connection that is open ends in a second or two, with its accounts."""
    stop = threading.Event()
    with opened(config, stop.is_set) as (syncing, ways), running_as(config, "sync"):

        def leave(_signal: int, _frame: FrameType | None) -> None:
            stop.set()
            ways.wake()

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, leave)
        notify("READY=1")
        with beside(partial(texting.serve, config, stop), "texting", texting.LEAVE_S):
            syncing.run()
        notify("STOPPING=1")


def once(config: Config) -> tuple[Sentence, bool]:
    """Send what may go now; see `Syncing.attempt`."""
    with opened(config, goes_on) as (syncing, _ways):
        return syncing.attempt()
