"""The hub: its broker's other end, its page, and what its keeper does with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from fieldbox.config import Config
from fieldbox.domain import MessageKind
from fieldbox.errors import Rejected
from fieldbox.hub import broker, courier, home, joining
from fieldbox.hub.broker import Address, Desk, Said
from fieldbox.hub.home import Home
from fieldbox.hub.page import create_page
from fieldbox.hub.reading import Told, box_json, estimate, minute, overview, told
from fieldbox.hub.receiving import Receipt, command, receive
from fieldbox.hub.rows import KnownBox, Way
from fieldbox.hub.store import HubStore
from fieldbox.i18n import N_, Sentence, _
from fieldbox.services import carried, hubtexts
from fieldbox.services.listening import listening
from fieldbox.services.notify import notify
from fieldbox.services.running import beside, stopped_by_signals
from fieldbox.services.telephone import telephone
from fieldbox.wire import commands
from fieldbox.wire.courier import REASONS, Unreadable

log = structlog.get_logger()

AGAIN_AFTER: Final = timedelta(hours=1)
"""A command that a box did not answer goes to it again when it is heard so long after."""
MOST_LISTED: Final = 10_000
_THREADS: Final = 2


def utc_now() -> datetime:
    """The time by the hub's clock."""
    return datetime.now(UTC)


def init(folder: Path, *, host: str, port: int, sms: str | None) -> Home:
    """Make a hub in `folder`. Raises Rejected where there is something or `sms` is no number, Misconfigured where it cannot be
    written."""
    number = telephone(sms) if sms else None
    return home.found(folder, host=host, port=port, sms=number, now=utc_now())


@contextmanager
def opened(config: Config) -> Iterator[tuple[Home, HubStore]]:
    """The hub of this machine. Raises Misconfigured where there is none."""
    here = Home.open(config.hub_folder)
    with HubStore.open(config.hub.database or here.database) as store:
        yield here, store


def serve(config: Config) -> None:
    """Work at the broker and show the page until SIGTERM or SIGINT."""
    stop = stopped_by_signals()
    with opened(config) as (here, store):
        joining.write_revocations(here, store, utc_now())
        server = _page(config, here, store)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        notify("READY=1")
        log.info("the hub answers", page=f"http://{config.hub.host}:{config.hub.port}", hub=here.told.id)
        with _texts(here, store, stop):
            broker.serve(_address(config, here), desk(here, store), stop)
        notify("STOPPING=1")
        server.close()
        thread.join(5)


def _address(config: Config, here: Home) -> Address:
    certificate, key = home.client_certificate(here.folder)
    return Address(config.hub.broker, here.port, here.told.authority, certificate, key)


def desk(here: Home, store: HubStore) -> Desk:
    """What the hub does with what comes from its broker."""
    return Desk(
        take=partial(take, here, store),
        waiting=partial(_waiting, store),
        sent=lambda ids: store.commands_sent(ids, utc_now()),
        alive=lambda: notify("WATCHDOG=1"),
    )


def _texts(here: Home, store: HubStore, stop: threading.Event) -> AbstractContextManager[None]:
    """What the hub's SIM takes in, if it has one."""
    if here.sms is None:
        return nullcontext()
    serve_texts = partial(hubtexts.serve, lambda frame: take(here, store, frame, Way.SMS).down, stop)
    return beside(serve_texts, "hub's texts", hubtexts.LEAVE_S)


def take(here: Home, store: HubStore, frame: bytes, how: Way = Way.MQTT) -> Receipt:
    """Take in a frame that came by air, and give its box another certificate where it is time."""
    now = utc_now()
    got = receive(store, here.key, frame, how=how, now=now)
    if got.box is not None:
        joining.renew(here, store, got.box, now)
    return got


def _waiting(store: HubStore, box: str | None) -> list[Said]:
    now = utc_now()
    found = (
        store.commands_never_sent(now)
        if box is None
        else store.waiting_commands(box, now, sent_before=now - AGAIN_AFTER)
    )
    return [Said(one.id, one.box, one.sealed) for one in found]


def _page(config: Config, here: Home, store: HubStore) -> Any:
    app = create_page(
        here.told, partial(overview, store), host=config.hub.host, language=config.locale.language
    )
    taken = N_("Nothing can listen on {host}:{port} ({why}): stop what does, or set hub.port.")
    return listening(
        app, config.hub.host, config.hub.port, threads=_THREADS, ident="fieldbox hub", taken=taken
    )


def enrol(config: Config, request: Path, welcome: Path, name: str) -> tuple[KnownBox, str]:
    """Make the box of a request known and write the welcome for it; the box, and the hub's fingerprint."""
    text = carried.read(request)
    with opened(config) as (here, store):
        box, answer = joining.enrol(here, store, text, name, utc_now())
        carried.write(welcome, answer)
        return box, here.told.fingerprint


def revoke(config: Config, box: str) -> None:
    """Hear a box no more. Raises Rejected for one that is not known."""
    with opened(config) as (here, store):
        joining.revoke(here, store, box, utc_now())


def send(config: Config, box: str, order: commands.Command) -> str:
    """Let a command wait for a box; the command's id. Raises Rejected for a box that is not known or not heard any more."""
    with opened(config) as (here, store):
        known = store.box(box)
        if known is None or known.revoked_at is not None:
            raise Rejected(N_("The hub knows no box {box}; see fieldbox hub boxes."), box=box)
        told_ = command(here.key, box, order, utc_now())
        store.add_command(told_)
        return told_.id


_NOTHING_OF_A_BOX: Final = Sentence(N_("There is nothing of a box on this stick: is it the right folder?"))


@dataclass(frozen=True, slots=True)
class StickReport:
    """What came of a stick at the hub."""

    files: tuple[courier.Brought, ...]
    answered: tuple[str, ...]
    """Boxes for which there is an answer on the stick."""
    unanswered: Sentence | None = None
    """Why no answer could be written."""
    idle: Sentence = _NOTHING_OF_A_BOX
    """What is said where nothing came and nothing was written."""

    @property
    def did_nothing(self) -> bool:
        """Whether there was nothing to be done."""
        return not self.files and not self.answered and self.unanswered is None

    @property
    def has_rejected(self) -> bool:
        """Whether something was not taken."""
        return any(one.why or one.refused for one in self.files) or self.unanswered is not None

    def to_json(self) -> str:
        """For machines."""
        files = [
            {
                "box": one.box,
                "new": one.new,
                "known": one.known,
                "refused": one.refused,
                "why": None if one.why is None else _reason(one.why),
            }
            for one in self.files
        ]
        why = None if self.unanswered is None else str(self.unanswered)
        return json.dumps({"files": files, "answered": list(self.answered), "unanswered": why})

    def to_text(self) -> str:
        """For people."""
        lines = [_brought(one) for one in self.files]
        if self.answered:
            lines.append(
                _("Answers for {boxes} are on the stick: take it back there.").format(
                    boxes=", ".join(self.answered)
                )
            )
        if self.unanswered is not None:
            lines.append(str(self.unanswered))
        return "\n".join(lines) or str(self.idle)


def _reason(why: str) -> str:
    return _(REASONS.get(why, REASONS["content"]))


def _brought(one: courier.Brought) -> str:
    if one.why is not None:
        return _("{box}: the file is refused: {why}.").format(box=one.box, why=_reason(one.why))
    return _("{box}: {new} new messages, {known} known ones, {refused} refused.").format(
        box=one.box, new=one.new, known=one.known, refused=one.refused
    )


def import_stick(config: Config, stick: Path) -> StickReport:
    """Take in what boxes sent by a stick, and put the answers onto it."""
    with opened(config) as (here, store):
        files = _brought_by(here, store, carried.stick(stick))
        taken = [one.box for one in files if one.why is None]
        return _answer(here, store, stick, taken, tuple(files))


def _brought_by(here: Home, store: HubStore, stick: Path) -> list[courier.Brought]:
    try:
        return courier.take_in(here, store, stick, utc_now())
    except OSError as error:
        raise Rejected(
            N_("The stick {folder} cannot be read ({why})."), folder=str(stick), why=error.strerror or "?"
        ) from error


def export_stick(config: Config, stick: Path) -> StickReport:
    """Put onto a stick what the hub has to say to each of its boxes."""
    with opened(config) as (here, store):
        boxes = [box.id for box in store.boxes() if box.revoked_at is None]
        told_ = _answer(here, store, carried.stick(stick), boxes, ())
        return replace(told_, idle=Sentence(N_("No box has joined yet: see fieldbox hub enrol.")))


def _answer(
    here: Home, store: HubStore, stick: Path, boxes: list[str], files: tuple[courier.Brought, ...]
) -> StickReport:
    written: list[str] = []
    try:
        for box in boxes:
            known = store.box(box)
            if known is not None:
                courier.write_answer(here, store, stick, known, utc_now())
                written.append(box)
    except OSError as error:
        told_ = N_("The answer cannot be written to the stick ({why}); use fieldbox hub export with another.")
        return StickReport(files, tuple(written), Sentence(told_, {"why": error.strerror or "?"}))
    except Unreadable as error:
        told_ = N_("The answer cannot be written to the stick: {why}.")
        return StickReport(files, tuple(written), Sentence(told_, {"why": _reason(str(error))}))
    return StickReport(files, tuple(written))


def boxes_text(config: Config, *, as_json: bool) -> str:
    """The boxes that the hub knows."""
    with opened(config) as (_here, store):
        boxes = store.boxes()
    if as_json:
        return json.dumps([box_json(box) for box in boxes])
    return "\n".join(map(_box_line, boxes)) or _("No box has joined yet: see fieldbox hub enrol.")


def _box_line(box: KnownBox) -> str:
    state = (
        _("revoked {when}").format(when=minute(box.revoked_at))
        if box.revoked_at
        else _("certificate until {day}").format(day=box.certificate.expires_at.date())
    )
    heard = _("last heard {when}").format(when=minute(box.heard_at)) if box.heard_at else _("not heard yet")
    return f"{box.id}  {box.name or '–'}  {heard}  {state}"


def surveys_text(config: Config, *, as_json: bool) -> str:
    """The surveys that boxes told of, the newest first."""
    with opened(config) as (_here, store):
        found = told(store, MessageKind.SUMMARY, MOST_LISTED)
    if as_json:
        return json.dumps([one.to_json() for one in found], ensure_ascii=False)
    return "\n".join(map(_survey_line, found)) or _("No survey has come yet.")


def _survey_line(one: Told) -> str:
    body = one.body
    line = _(
        "{survey}  {box}  {field}  {made}  {area} ha  weeds {weeds} % of the ground  health {health}"
    ).format(
        survey=body["id"],
        box=one.message.box,
        field=body["field"],
        made=minute(one.message.made_at),
        area=estimate(body["area_ha"]),
        weeds=estimate(body["weed_pct"]),
        health=estimate(body["health"]),
    )
    return f"{line}  ({_('simulated')})" if body.get("simulated") else line
