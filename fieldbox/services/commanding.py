"""What the hub tells the box to do. Each command is followed once, and answered.

`fieldbox.wire.down.read` has checked the signature and that it is for this box. Pictures take a while to make and are made after
the connection (`Commander.work`), all else is done when it is heard.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, cast

import structlog

from fieldbox.apart import Apart, Failures
from fieldbox.config import Config
from fieldbox.domain import MessageKind, Outgoing
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.services import chosen, fromhub
from fieldbox.storage.rows import Command
from fieldbox.storage.store import Store
from fieldbox.sync import renewal
from fieldbox.wire import commands
from fieldbox.wire.commands import Certificate, Picture, Resend, Settings, answer
from fieldbox.wire.down import VALID_FOR, Down, DownKind, Unreadable
from fieldbox.wire.ids import key_of

log = structlog.get_logger()

PICTURES: Final = "hub.pictures"
"""The key under which pictures are kept that are to be made."""
MOST_PICTURES: Final = 20
PICTURE_S: Final = 60.0
"""Of a processor, for one; starting the child comes on top."""
_FAILURES = Failures(
    too_long=N_("Making the picture took more than {seconds} s, so it was given up."),
    crashed=N_("Making the picture failed ({how})."),
    too_much=N_("Making the picture takes more memory than the box allows."),
)

Make = Callable[[Config, Picture], bytes]


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of a command, and what changes with it."""

    why: Sentence
    done: bool = True
    again: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    """For the answer."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A picture that is to be made."""

    command: str
    issued: str
    survey: str
    spot: int


def made_apart(config: Config, wanted: Picture) -> bytes:
    """The picture, made in a process of its own. Raises Rejected."""
    with closing(Apart("fieldbox.services.spotting:small_picture", failures=_FAILURES)) as child:
        return cast(bytes, child.call(config, wanted.survey, wanted.spot, seconds=PICTURE_S))


class Commander:
    """Follows commands. `now`: the time that the box goes by."""

    def __init__(
        self, config: Config, store: Store, now: Callable[[], datetime], make: Make = made_apart
    ) -> None:
        self._config, self._store, self._now, self._make = config, store, now, make

    def follow(self, told: Down) -> None:
        """Do what the hub says, unless it was done before or is too old; all that it changes is committed when this returns.

        Raises Unavailable where the disk is full: it comes again.
        """
        if self._now() - told.issued > VALID_FOR:
            log.warning("refused: a command that is too old", id=told.id, issued=told.issued.isoformat())
            return
        if self._store.is_followed(told.id) or told.kind is DownKind.ACKNOWLEDGE:
            log.info("a command that came before changes nothing", id=told.id)
            return
        order = self._read(told)
        if isinstance(order, Picture):
            self._want(told, order)
        elif order is not None:
            self._settle(told, asdict(order), self._done(order))

    def work(self) -> bool:
        """Make one of the pictures that were asked for, which takes a minute at most; whether there was one."""
        wanted = self._pictures()
        if wanted:
            self._picture(wanted[0])
        return bool(wanted)

    def _read(self, told: Down) -> commands.Command | None:
        try:
            return commands.read(told.kind, told.body)
        except Unreadable:
            self._settle(told, {}, _Came(Sentence(N_("This box cannot read that command.")), done=False))
            return None

    def _done(self, order: Resend | Settings | Certificate) -> _Came:
        try:
            if isinstance(order, Resend):
                return self._again(order)
            return self._change(order) if isinstance(order, Settings) else self._renew(order)
        except (Rejected, Misconfigured) as error:
            return _Came(error.sentence, done=False)

    def _again(self, order: Resend) -> _Came:
        ids = [one for one in order.ids if self._store.message(one) is not None]
        if order.since is not None:
            ids += self._store.messages_since(order.since)
        ids = list(dict.fromkeys(ids))
        why = Sentence(N_("{count} messages go again."), {"count": len(ids)})
        return _Came(why, again=ids, told={"count": len(ids)})

    def _change(self, order: Settings) -> _Came:
        held = chosen.told(self._store)
        after = fromhub.changed(self._settled(), self._store, order.values, held)
        why = Sentence(N_("The settings are changed: {names}."), {"names": ", ".join(sorted(order.values))})
        return _Came(why, settings={fromhub.SETTING: after})

    def _renew(self, order: Certificate) -> _Came:
        if renewal.offer(self._config.identity, order.pem, self._now()):
            return _Came(Sentence(N_("The new certificate is tried at the next connection.")))
        return _Came(Sentence(N_("The certificate that the box has is as good.")))

    # Pictures.

    def _want(self, told: Down, order: Picture) -> None:
        """Keep a wish for a picture, unless it cannot be met."""
        waiting = self._pictures()
        if any(one.command == told.id for one in waiting):
            return
        refusal = self._refusal(order, len(waiting))
        if refusal is not None:
            self._settle(told, asdict(order), _Came(refusal, done=False))
            return
        wanted = [*waiting, _Wanted(told.id, told.issued.isoformat(), order.survey, order.spot)]
        self._store.set_setting(PICTURES, _as_json(wanted))

    def _refusal(self, order: Picture, waiting: int) -> Sentence | None:
        if not self._settled().sync.pictures:
            return Sentence(N_("The owner of the box lets no pictures leave the farm (sync.pictures)."))
        if self._store.survey(order.survey) is None:
            return Sentence(N_("There is no such survey on the box."))
        if waiting >= MOST_PICTURES:
            return Sentence(N_("Too many pictures are asked for at once: ask again when these have come."))
        return None

    def _picture(self, wanted: _Wanted) -> None:
        order = Picture(wanted.survey, wanted.spot)
        told = Down("", wanted.command, datetime.fromisoformat(wanted.issued), DownKind.PICTURE)
        try:
            file = self._made(order)
        except (Rejected, Misconfigured) as error:
            came = _Came(error.sentence, done=False, settings=self._without(wanted))
            self._settle(told, asdict(order), came)
            return
        body = commands.picture(wanted.command, order, file, "webp")
        shown = Outgoing(MessageKind.PICTURE, body, key_of("picture", wanted.command))
        why = Sentence(N_("The picture of {bytes} bytes goes when the link allows."), {"bytes": len(file)})
        self._settle(told, asdict(order), _Came(why, settings=self._without(wanted)), (shown,))

    def _made(self, order: Picture) -> bytes:
        """Raises Rejected, also where the owner lets none leave any more."""
        refusal = self._refusal(order, 0)
        if refusal is not None:
            raise Rejected(refusal.template, **refusal.params)
        return self._make(self._config, order)

    def _settled(self) -> Config:
        return chosen.settled(self._config, self._store)

    def _without(self, done: _Wanted) -> dict[str, str]:
        """What is left to be made, others among it that a stick brought meanwhile."""
        return {PICTURES: _as_json([one for one in self._pictures() if one.command != done.command])}

    def _pictures(self) -> list[_Wanted]:
        kept = json.loads(self._store.setting(PICTURES) or "[]")
        return [_Wanted(**one) for one in kept]

    def _settle(
        self, told: Down, body: Mapping[str, Any], came: _Came, outgoing: Sequence[Outgoing] = ()
    ) -> None:
        """Commit it all, with the answer."""
        kind = told.kind.name.lower()
        said = answer(told.id, came.done, came.why.in_language("en"), **came.told)
        reply = Outgoing(MessageKind.ANSWER, said, key_of("answer", told.id))
        row = Command(told.id, kind, _plain(body), told.issued, self._now(), came.done, came.why)
        self._store.follow(row, [*outgoing, reply], again=came.again, settings=came.settings)
        log.info("a command of the hub", id=told.id, kind=kind, done=came.done, why=str(came.why))


def _as_json(wanted: Sequence[_Wanted]) -> str:
    return json.dumps([asdict(one) for one in wanted])


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """As it may lie in the database: short."""
    text = json.dumps(dict(body), default=str)
    return dict(json.loads(text)) if len(text) <= 2000 else {"bytes": len(text)}
