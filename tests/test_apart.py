"""Children that crash, run away or lie take nothing with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fieldbox.apart import Apart, Failures
from fieldbox.domain import Window
from fieldbox.errors import Rejected, Unavailable

TASK = "tests.test_apart:work"


class Evil:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch taken-over",)


def work(what: str, *rest: Any) -> Any:
    """What the child does."""
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "wait":
        time.sleep(rest[0])
    if what == "eat":
        return len(bytearray(4 * 2**30))
    if what == "refuse":
        raise Rejected("It is {what}.", what="broken")
    while what == "spin":
        pass
    if what == "fault":
        raise ZeroDivisionError
    if what == "print":
        print("to standard output")  # noqa: T201
        os.write(1, b"and past Python")
    if what == "evil":
        return Evil()
    return what, rest, os.getpid()


def test_answers_nouns_and_goes_on() -> None:
    with Apart(TASK) as apart:
        assert apart.call("well", Window(1, 2, 3, 4))[:2] == ("well", (Window(1, 2, 3, 4),))
        first, second = (apart.call("same")[2] for _ in range(2))
        assert first == second != os.getpid()
        assert apart.call("print")[0] == "print"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("crash", "crashed the reader .SIGSEGV"),
        ("wait", "took more than [0-9]+ s"),
        ("spin", "took more than [0-9]+ s"),
        ("eat", "more memory"),
        ("refuse", "It is broken"),
        ("fault", "crashed the reader"),
        ("evil", "crashed the reader"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_the_next_one_is_served(
    what: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with Apart(TASK) as apart:
        with pytest.raises(Rejected, match=said):
            apart.call(what, 600.0, seconds=0.3 if what == "wait" else 1.0)
        assert apart.call("well")[0] == "well"
    assert list(tmp_path.iterdir()) == []


def test_what_waits_for_its_turn_is_not_given_up() -> None:
    """Found on a machine with much else to do, which gave up a film that was well."""
    with Apart(TASK) as apart:
        assert apart.call("wait", 2.0, seconds=1.0)[0] == "wait"
        with pytest.raises(Rejected, match="took more than"):
            apart.call("wait", 600.0, seconds=0.5, patience=2.0)


def test_several_at_once() -> None:
    with Apart(TASK, processes=2) as apart, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: apart.call("well", number), range(24)))
    assert [answer[1] for answer in answers] == [(number,) for number in range(24)]
    assert len({answer[2] for answer in answers}) == 2


def test_a_child_ends_with_its_parent_even_in_the_middle_of_a_file(tmp_path: Path) -> None:
    script = (
        f"from fieldbox.apart import Apart; import sys; Apart({TASK!r}).call(sys.argv[1], 600.0, seconds=1.0)"
    )
    before = time.monotonic()
    parent = subprocess.Popen([sys.executable, "-c", script, "wait"], cwd=Path(__file__).parents[1])
    time.sleep(1.0)
    parent.kill()
    parent.wait()
    while _children_of_task():
        assert time.monotonic() - before < 120
        time.sleep(0.2)


def _children_of_task() -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"fieldbox.apart" in words and TASK.encode() in words:
                found.append(entry.parent.name)
    return found


def test_errors_keep_their_kind() -> None:
    with Apart("tests.test_apart:no_disk") as apart, pytest.raises(Unavailable):
        apart.call()


def no_disk() -> None:
    """A failure of the box, not of the file."""
    raise Unavailable("The disk is full.")


def test_what_does_not_answer_is_told_in_the_words_of_the_task() -> None:
    with (
        Apart(TASK, failures=Failures(crashed="No answer: {how}.")) as apart,
        pytest.raises(Rejected) as error,
    ):
        apart.call("crash")
    assert str(error.value) == "No answer: SIGSEGV."
