"""The log of each service in a small file under the root, for the page that shows it: JSON lines, two files of at most 512 KB.

What goes to standard error (and so to the journal) is the same. Nothing is ever forced onto the disk, and a service that has
nothing to say writes nothing.
"""

from __future__ import annotations

import heapq
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from fieldbox.config import Config
from fieldbox.domain import LogLine
from fieldbox.masking import HIDDEN, mask, mask_text, mask_value

LARGEST: Final = 512 * 1024
LEVELS: Final = ("info", "warning", "error", "critical")
_LONGEST: Final = 8000
"""Characters of a text in a line."""
_OURS: Final = ("event", "level", "timestamp", "exc_info", "stack", "exception")
_TO_BE_SEEN_ONCE: Final = ("code",)
"""What a service says to whoever sits before it, and no file keeps: the code with which a new box is set up."""
_METHODS: Final = {"warn": "warning", "exception": "error", "fatal": "critical"}


def logs_folder(config: Config) -> Path:
    """Where the files are."""
    return config.storage.root / "logs"


@contextmanager
def kept(config: Config, service: str) -> Iterator[None]:
    """What this process logs while the block runs goes into the service's file as well, masked."""
    file = LogFile(logs_folder(config), service)
    before = structlog.get_config()["processors"]
    others = [one for one in before[:-1] if one is not mask]
    structlog.configure(processors=[*others, mask, file.write, before[-1]])
    handler = _OfOthers(file)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.configure(processors=before)


class LogFile:
    """The file of one service; threads may share it."""

    def __init__(self, folder: Path, service: str, largest: int = LARGEST) -> None:
        self._file = folder / f"{service}.jsonl"
        self._older = folder / f"{service}.1.jsonl"
        self._largest, self._lock = largest, threading.Lock()

    def write(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """As a processor of structlog, behind the one that masks. A disk that is full keeps nobody from working."""
        level = str(event.get("level") or _METHODS.get(method, method))
        if level in LEVELS:
            self.add(level, str(event.get("event", "")), _told(event))
        return event

    def add(self, level: str, event: str, told: dict[str, Any]) -> None:
        """Write a line."""
        line = {"at": datetime.now(UTC).isoformat(timespec="microseconds"), "level": level, "event": event}
        text = json.dumps(line | ({"told": told} if told else {}), ensure_ascii=False, default=str) + "\n"
        with self._lock, suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._file.exists() and self._file.stat().st_size + len(text) > self._largest:
                self._file.replace(self._older)
            with self._file.open("a", encoding="utf-8", errors="replace") as out:
                out.write(text)


class _OfOthers(logging.Handler):
    """Warnings of libraries, which know nothing of structlog."""

    def __init__(self, file: LogFile) -> None:
        super().__init__(logging.WARNING)
        self._log = file

    def emit(self, record: logging.LogRecord) -> None:
        told = {"of": record.name}
        if record.exc_info and record.exc_info[1]:
            told["trace"] = mask_text("".join(traceback.format_exception(record.exc_info[1])))[-_LONGEST:]
        self._log.add(record.levelname.lower(), mask_text(record.getMessage())[:_LONGEST], told)


def _told(event: MutableMapping[str, Any]) -> dict[str, Any]:
    told = {
        name: HIDDEN if name in _TO_BE_SEEN_ONCE else _short(mask_value(name, value))
        for name, value in event.items()
        if name not in _OURS
    }
    error = event.get("exc_info")
    error = sys.exc_info() if error is True else error
    error = error[1] if isinstance(error, tuple) else error
    if isinstance(error, BaseException):
        told["trace"] = mask_text("".join(traceback.format_exception(error)))[-_LONGEST:]
    return told


def _short(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are looked for."""

    service: str | None = None
    levels: tuple[str, ...] = LEVELS
    words: str = ""
    """In the line, whatever their case."""
    before: datetime | None = None
    """Only older ones."""


def read(folder: Path, wanted: Wanted, limit: int) -> list[LogLine]:
    """The newest lines that fit, newest first."""
    names = sorted({file.name.split(".")[0] for file in _files(folder)})
    streams = [_lines(folder, name) for name in names if wanted.service in (None, name)]
    found: list[LogLine] = []
    for line in heapq.merge(*streams, key=lambda one: one.at, reverse=True):
        if _fits(line, wanted):
            found.append(line)
            if len(found) >= limit:
                break
    return found


def services_in(folder: Path) -> list[str]:
    """Which services have a file."""
    return sorted({file.name.split(".")[0] for file in _files(folder)})


def _files(folder: Path) -> Iterable[Path]:
    return folder.glob("*.jsonl") if folder.is_dir() else ()


def _lines(folder: Path, service: str) -> Iterator[LogLine]:
    """Newest first. Lines that were cut off by a power cut are passed over."""
    for file in (folder / f"{service}.jsonl", folder / f"{service}.1.jsonl"):
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        for line in reversed(text.splitlines()):
            found = _line(service, line)
            if found:
                yield found


def _line(service: str, text: str) -> LogLine | None:
    try:
        told = json.loads(text)
        at = datetime.fromisoformat(told["at"])
        return LogLine(at, service, str(told["level"]), str(told["event"]), dict(told.get("told", {})))
    except (ValueError, KeyError, TypeError):
        return None


def _fits(line: LogLine, wanted: Wanted) -> bool:
    if line.level not in wanted.levels or (wanted.before and line.at >= wanted.before):
        return False
    if not wanted.words:
        return True
    text = f"{line.event} {json.dumps(dict(line.told), ensure_ascii=False)}".lower()
    return all(word in text for word in wanted.words.lower().split())
