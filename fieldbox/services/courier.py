"""The courier at the box: messages onto a stick, and back what the hub said."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from fieldbox.config import Config
from fieldbox.domain import OPEN, Message, MessageKind, MessageState
from fieldbox.errors import Rejected, Unavailable
from fieldbox.i18n import N_, _
from fieldbox.memory import MB
from fieldbox.services import carried
from fieldbox.services.box import open_store
from fieldbox.services.boxclock import recalled, remember
from fieldbox.services.commanding import Commander
from fieldbox.storage.store import Store
from fieldbox.sync import courier, identity
from fieldbox.sync.courier import Exported, Hands, Imported
from fieldbox.sync.timekeeping import KernelTime, TrustedClock
from fieldbox.wholefile import put
from fieldbox.wire.courier import REASONS, Unreadable

BROUGHT = "models-brought"
"""The folder below the root in which model files wait that came by courier; nothing runs them for being there."""


def export(config: Config, stick: Path, *, pictures: bool, everything: bool) -> Exported:
    """Write what waits to a stick, or with `everything` also what the hub has; pictures only if asked.

    Raises:
        Misconfigured: the box has joined no hub.
        Rejected: the stick cannot be written.
    """
    joined = identity.joined(config.identity)
    clock = TrustedClock(KernelTime())
    with open_store(config, clock=clock.now) as store:
        recalled(store, clock)
        chosen = [one for one in store.messages() if _goes(one, pictures=pictures, everything=everything)]
        try:
            return courier.export(joined, store, chosen, carried.stick(stick), clock.now())
        except OSError as error:
            raise Rejected(
                N_("Nothing was written: the stick {folder} cannot be written ({why})."),
                folder=str(stick),
                why=error.strerror or "?",
            ) from error
        except Unreadable as error:
            raise _not_used(stick, error) from error


def _goes(one: Message, *, pictures: bool, everything: bool) -> bool:
    if one.kind is MessageKind.PICTURE and not pictures:
        return False
    return one.state in OPEN or (everything and one.state is MessageState.ACKNOWLEDGED)


def take_in(config: Config, stick: Path) -> Imported | None:
    """Take in what the hub sent this box on a stick; None: there is nothing for it.

    Raises:
        Misconfigured: the box has joined no hub.
        Rejected: the file cannot be trusted; nothing was changed.
    """
    joined = identity.joined(config.identity)
    clock = TrustedClock(KernelTime())
    with open_store(config, clock=clock.now) as store:
        recalled(store, clock)
        commander = Commander(config, store, clock.now)
        hands = Hands(store, commander.follow, partial(_keep_model, config), partial(_hear, store, clock))
        try:
            return courier.take_in(joined, carried.stick(stick), hands, clock.now)
        except Unreadable as error:
            raise _not_used(stick, error) from error
        except OSError as error:
            raise Rejected(
                N_("The stick {folder} cannot be read ({why})."),
                folder=str(stick),
                why=error.strerror or "?",
            ) from error


def _hear(store: Store, clock: TrustedClock, made: datetime) -> None:
    """The hub has signed at `made`: it cannot be earlier now. The system's clock is left to the process that sends."""
    clock.recall(made, None)
    remember(store, clock)


def _keep_model(config: Config, name: str, content: bytes) -> None:
    folder = config.storage.root / BROUGHT
    file = folder / name
    try:
        folder.mkdir(exist_ok=True)
        if file.exists() and file.read_bytes() == content:
            return
        if shutil.disk_usage(folder).free - len(content) < config.storage.reserve_mb * MB:
            raise Unavailable(
                N_("There is no room for the model {name}; free some space and take the stick in again."),
                name=name,
            )
        put(file, content)
    except OSError as error:
        raise Unavailable(
            N_("The model {name} cannot be kept ({why})."), name=name, why=error.strerror or "?"
        ) from error


def _not_used(stick: Path, error: Unreadable) -> Rejected:
    why = REASONS.get(str(error), REASONS["content"])
    return Rejected(N_("The file on the stick {folder} is not used: {why}."), folder=str(stick), why=_(why))


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a stick, for people and machines."""

    found: Exported | Imported | None

    def to_json(self) -> str:
        """For machines."""
        if isinstance(self.found, Exported):
            one = self.found
            return json.dumps(
                {
                    "file": str(one.file),
                    "messages": one.messages,
                    "bytes": one.size,
                    "asks_for_certificate": one.asks_for_certificate,
                }
            )
        if self.found is None:
            return json.dumps(None)
        return json.dumps(
            {
                "made_at": self.found.made.isoformat(),
                "acknowledged": self.found.acknowledged,
                "commands": self.found.commands,
                "models": list(self.found.models),
                "passed_over": self.found.passed_over,
            }
        )

    def to_text(self) -> str:
        """For people."""
        if isinstance(self.found, Exported):
            return _(
                "{count} messages are on the stick ({file}): have them taken in with fieldbox hub import."
            ).format(count=self.found.messages, file=self.found.file)
        if self.found is None:
            return _(
                "There is nothing for this box on the stick: is it the right folder, and was it at the hub?"
            )
        return _("{done} messages are done, {commands} commands came, {models} model files.").format(
            done=self.found.acknowledged, commands=self.found.commands, models=len(self.found.models)
        )
