"""The support file: what somebody who helps from afar needs of a box, and nothing that tells of the farm or its people.

It is written as it is read, part by part, so that neither memory nor the disk has to hold it.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import platform
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from fieldbox import __version__
from fieldbox.config import Config
from fieldbox.errors import FieldboxError
from fieldbox.i18n import N_, Sentence, translator
from fieldbox.services import logbook
from fieldbox.services.chosen import settled
from fieldbox.services.modelcards import model_infos
from fieldbox.services.scrubbing import Scrubber
from fieldbox.services.watching import ROOMS, Watch, files_below
from fieldbox.storage.store import Store

README: Final = (
    N_("This is the support file of a fieldbox. It was made by somebody who may decide over the box."),
    N_(
        "It holds: the version; the settings, secrets and names left out; how hot, busy and full the box was in the last 14 days;"
        " which services run; how many rows its database has and whether it is sound; what became of the flights' work, with"
        " the reasons; the last 200 things that people did, without their names; the logs; sizes of files, without their"
        " names; how many messages wait; which models run."
    ),
    N_(
        "It holds no photo and no map, no position, no name of a field or a person, no telephone number, no key and no password."
    ),
    N_("You may open each of these files and read it before you pass this on."),
)
AUDITED: Final = 200
LINES: Final = 5000
"""Of the log of each service."""
MOST_FILES: Final = 50_000
DAYS: Final = timedelta(days=14)
_PLAIN: Final = (
    "sync.links",
    "sync.metered",
    "sync.monthly_mb",
    "sync.quiet_hours",
    "sms.send",
    "sms.language",
    "sms.script",
    "sms.currency",
    "sms.quiet_hours",
    "locale.language",
    "locale.area_unit",
    "multispectral.panel_albedo",
    "web.host",
)
"""Settings in words that tell nobody's secrets."""
_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".tif", ".tiff", ".png", ".dng", ".mp4", ".mov", ".srt", ".txt", ".csv", ".mrk"}
    | {".json", ".jsonl", ".db", ".bands", ".npz", ".part", ".onnx", ".pem", ".key", ".crt", ".lock"}
)
_FOLDERS: Final = frozenset(
    {*ROOMS, "identity", "keys", "models", "hub", "tmp", "work", "run", "demo-flight"}
)
_ACTORS: Final = ("cli", "command line", "hub", "stick")
Parts = Iterable[str]


@dataclass(frozen=True, slots=True)
class Support:
    """Makes the file."""

    config: Config
    store: Store
    watch: Watch
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def zipped(self, language: str = "en") -> Iterator[bytes]:
        """The bytes of the ZIP; its README is in `language`."""
        pipe = _Pipe()
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as out:
            for name, parts in self._members(language):
                with out.open(zipfile.ZipInfo(name, self.clock().timetuple()[:6]), "w") as member:
                    for part in _careful(parts):
                        member.write(part.encode("utf-8", "replace"))
                        yield pipe.taken()
        yield pipe.taken()

    def _members(self, language: str) -> Iterator[tuple[str, Callable[[], Parts]]]:
        scrubber = cache(self._scrubber)
        yield "README.txt", lambda: _readme(language)
        yield "box.json", lambda: _json(self._box())
        yield "settings.json", lambda: _json(_settings(settled(self.config, self.store)))
        yield "health.csv", self._health
        yield "services.json", lambda: _json([_plain(one) for one in self.watch.services()])
        yield "database.json", lambda: _json(self._database())
        yield "work.json", lambda: _json(self._work())
        yield "people.json", lambda: _json(self._people(scrubber()))
        yield "messages.json", lambda: _json(self._messages())
        yield "models.json", lambda: _json(_models(self.config))
        yield "files.csv", self._files
        for service in logbook.services_in(logbook.logs_folder(self.config)):
            yield f"log-{service}.jsonl", lambda service=service: self._log(service, scrubber())  # type: ignore[misc]

    def _box(self) -> dict[str, Any]:
        usage = self.watch.usage()
        return {
            "made_at": self.clock().isoformat(),
            "fieldbox": __version__,
            "python": sys.version,
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "reading": _plain(self.watch.reading()),
            "used": _plain(usage) if usage else None,
        }

    def _health(self) -> Parts:
        rows = self.store.vitals(self.clock() - DAYS)
        names = [
            "at",
            "temperature_c",
            "slowed",
            "weak_power",
            "disk_free",
            "disk_total",
            "memory_free",
            "load",
        ]
        yield _row(names)
        for one in rows:
            yield _row([_plain(getattr(one, name)) for name in names])

    def _database(self) -> dict[str, Any]:
        contents, files = self.store.contents(), [self.config.database]
        files.append(files[0].with_name(files[0].name + "-wal"))
        return {
            "revision": contents.revision,
            "rows": contents.rows,
            "bytes": {one.suffix: one.stat().st_size for one in files if one.exists()},
            "problems": self.store.check(),
        }

    def _work(self) -> list[dict[str, Any]]:
        found = []
        for number, row in enumerate(reversed(self.store.flights()), 1):
            job = row.job
            found.append(
                {
                    "flight": f"flight-{number}",
                    "photos": row.captures,
                    "placed": row.placed,
                    "state": job.state if job else None,
                    "step": f"{job.step} {job.done}/{job.total}" if job else None,
                    "attempts": job.attempts if job else None,
                    "deaths": job.deaths if job else None,
                    "reason": _reason(job.reason) if job else None,
                    "finished_at": _plain(job.finished_at) if job else None,
                }
            )
        return found

    def _scrubber(self) -> Scrubber:
        """Raises the errors of the store: what must be taken out is not known then, and nothing that may hold it goes out."""
        return Scrubber(settled(self.config, self.store), self.store)

    def _people(self, scrubber: Scrubber) -> list[dict[str, Any]]:
        numbers: dict[str, str] = {}
        found = []
        for one in self.store.audits(AUDITED):
            who = one.actor
            if who not in _ACTORS:
                who = numbers.setdefault(who, f"person-{len(numbers) + 1}")
            found.append({"at": one.at.isoformat(), "who": who, "did": scrubber.text(one.action)})
        return found

    def _messages(self) -> dict[str, Any]:
        link = self.store.link_state()
        return {
            "messages": {state.value: count for state, count in self.store.message_counts().items()},
            "waiting": [_plain(one) for one in self.store.waiting(self.clock())],
            "link": {
                "at": link.at.isoformat(),
                "doing": link.doing.value,
                "why": _reason(link.why),
                "last_success": _plain(link.last_success),
                "notes": [_reason(one) for one in link.notes],
                "used": dict(link.used),
                "allowed": dict(link.allowed),
            }
            if link
            else None,
        }

    def _log(self, service: str, scrubber: Scrubber) -> Parts:
        for one in logbook.read(logbook.logs_folder(self.config), logbook.Wanted(service), LINES):
            line = {"at": one.at.isoformat(), "level": one.level, "event": scrubber.text(one.event)}
            yield json.dumps(line | scrubber.told(one.told), ensure_ascii=False) + "\n"

    def _files(self) -> Parts:
        yield _row(["folder", "name", "kind", "bytes"])
        for count, (name, size) in enumerate(files_below(self.config.storage.root)):
            if count >= MOST_FILES:
                yield _row(["", "more files are left out", "", ""])
                return
            folder, slash, _rest = name.partition("/")
            folder = folder if slash and folder in _FOLDERS else "other" if slash else ""
            suffix = Path(name).suffix.lower()
            yield _row([folder, _print_of(name), suffix if suffix in _SUFFIXES else "", size])


def write(config: Config, store: Store, file: Path, language: str) -> int:
    """Write the file for the command line; its bytes. Raises OSError."""
    support = Support(config, store, Watch(config, store))
    with file.open("wb") as out:
        return sum(out.write(part) for part in support.zipped(language))


def _careful(parts: Callable[[], Parts]) -> Iterator[str]:
    """What cannot be read is told in its place: a support file is made of boxes that are not well."""
    try:
        yield from parts()
    except (FieldboxError, OSError) as error:
        yield f"\n(could not be read: {type(error).__name__})\n"


def _readme(language: str) -> Parts:
    say = translator(language)
    for one in README:
        yield say(one) + "\n\n"


def _settings(config: Config) -> dict[str, Any]:
    """Numbers and choices as they are; of all else whether it is set."""
    found: dict[str, Any] = {}
    for section in dataclasses.fields(config):
        tree = getattr(config, section.name)
        if not dataclasses.is_dataclass(tree):
            continue
        for key in dataclasses.fields(tree):
            value, name = getattr(tree, key.name), f"{section.name}.{key.name}"
            is_plain = isinstance(value, bool | int | float) or name in _PLAIN
            found[name] = value if is_plain else "as shipped" if value == key.default else "set"
    return found


def _models(config: Config) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "release": one.release,
            "sha256": one.sha256,
            "origin": one.origin,
            "runs": one.runs,
            "problem": _reason(one.problem),
        }
        for one in model_infos(config)
    ]


def _reason(sentence: Sentence | None) -> str | None:
    """With its blanks: what would fill them may name people and places."""
    return sentence.template if sentence else None


def _print_of(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "items"):
        return {str(key): _plain(one) for key, one in value.items()}
    return value


def _json(value: Any) -> Parts:
    yield json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n"


def _row(values: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if one is None else one for one in values])
    return out.getvalue()


class _Pipe(io.RawIOBase):
    """What a ZIP is written into; it cannot be gone back in."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found
