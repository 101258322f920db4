"""What services log is kept in small files, masked, and read again newest first."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from fieldbox.config import Config, StorageConfig
from fieldbox.services.logbook import LogFile, Wanted, kept, logs_folder, read, services_in

log = structlog.get_logger()


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    """As a process begins: tests before these may have told structlog to write where nobody reads any more."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


def of(root: Path) -> Config:
    return Config(storage=StorageConfig(root=root))


def test_what_is_logged_is_kept_and_nothing_else(tmp_path: Path) -> None:
    config = of(tmp_path)
    log.info("before")
    with kept(config, "worker"):
        assert not logs_folder(config).exists(), "nothing is written while there is nothing to say"
        log.debug("too small")
        log.info("flight mapped", flight="9c1d", photos=12)
        log.warning("texts wait", reason="no answer from +919812345678", key="fbx_abc")
    log.info("after")
    lines = read(logs_folder(config), Wanted(), 10)
    assert [(one.service, one.level, one.event) for one in lines] == [
        ("worker", "warning", "texts wait"),
        ("worker", "info", "flight mapped"),
    ]
    assert lines[1].told == {"flight": "9c1d", "photos": 12}
    assert lines[0].told == {"reason": "no answer from …678", "key": "…"}
    assert abs(lines[0].at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_fault_is_kept_with_where_it_was_and_without_what_variables_held(tmp_path: Path) -> None:
    config, secret = of(tmp_path), "hunter2"
    with kept(config, "worker"):
        try:
            raise ValueError(f"no way to +919812345678 {len(secret)}")
        except ValueError:
            log.exception("fault while mapping")
    text = (logs_folder(config) / "worker.jsonl").read_text()
    assert "ValueError" in text and "test_logbook.py" in text
    assert "hunter2" not in text and "12345678" not in text


def test_the_code_that_sets_a_box_up_is_said_and_not_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with kept(of(tmp_path), "web"):
        log.info("this box is not set up", code="1234-5678")
    assert "1234-5678" in "".join(capsys.readouterr())
    (line,) = read(logs_folder(of(tmp_path)), Wanted(), 10)
    assert line.told == {"code": "…"}


def test_warnings_of_libraries_are_kept_too(tmp_path: Path) -> None:
    config = of(tmp_path)
    with kept(config, "web"):
        logging.getLogger("waitress.queue").warning("Task queue depth is %d", 5)
        logging.getLogger("waitress.queue").info("nobody asked")
    (line,) = read(logs_folder(config), Wanted(), 10)
    assert (line.level, line.event, line.told) == (
        "warning",
        "Task queue depth is 5",
        {"of": "waitress.queue"},
    )


def test_two_files_are_all_that_is_kept(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web", largest=4000)
    for number in range(1000):
        file.add("info", f"line {number}", {"text": "ü" * 20})
    sizes = {one.name: one.stat().st_size for one in tmp_path.iterdir()}
    assert set(sizes) == {"web.jsonl", "web.1.jsonl"}
    assert all(size <= 4200 for size in sizes.values())
    lines = read(tmp_path, Wanted(), 1000)
    assert lines[0].event == "line 999"
    numbers = [int(one.event.split()[1]) for one in lines]
    assert numbers == list(range(999, 999 - len(lines), -1)) and len(lines) > 30


def test_lines_are_found_by_service_level_words_and_time(tmp_path: Path) -> None:
    web, worker = LogFile(tmp_path, "web"), LogFile(tmp_path, "worker")
    web.add("info", "dashboard answers", {"url": "http://here"})
    worker.add("warning", "flight not mapped", {"reason": "Too dark"})
    worker.add("info", "flight mapped", {})
    assert services_in(tmp_path) == ["web", "worker"]

    def events(wanted: Wanted) -> list[str]:
        return [one.event for one in read(tmp_path, wanted, 10)]

    assert events(Wanted(service="web")) == ["dashboard answers"]
    assert events(Wanted(levels=("warning", "error"))) == ["flight not mapped"]
    assert events(Wanted(words="DARK flight")) == ["flight not mapped"]
    every = read(tmp_path, Wanted(), 10)
    assert [one.event for one in every] == ["flight mapped", "flight not mapped", "dashboard answers"]
    assert len(events(Wanted(before=every[0].at))) <= 2


def test_a_line_that_a_power_cut_tore_is_passed_over(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web")
    file.add("info", "whole", {})
    path = tmp_path / "web.jsonl"
    path.write_bytes(
        path.read_bytes() + b'{"at": "2027-01-0\n\x00\x00\x00\n[]\n' + json.dumps({"at": 3}).encode()
    )
    assert [one.event for one in read(tmp_path, Wanted(), 10)] == ["whole"]


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with kept(of(tmp_path), "web"):
        log.warning("still here")
    assert read(tmp_path / "logs", Wanted(), 10) == []
