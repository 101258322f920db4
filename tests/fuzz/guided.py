"""Coverage-guided fuzzing of the parsers: `python -m tests.fuzz.guided --minutes 30`, with atheris (Apache-2.0) on the path.

The time is shared between the targets. Each runs in processes of its own with the reader's limits: 10 s for an input,
the reader's memory. A target goes on after a finding; one that hangs, needs too much memory or dies of a signal is started anew
with what it has learnt. Findings are kept, each once for the place it comes from, and make the exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

MOST_SECONDS = 10
INSTRUMENTED = (
    "fieldbox.imagery",
    "fieldbox.georef",
    "fieldbox.ingest",
    "fieldbox.inference.labelme",
    "fieldbox.modelops.minisign",
    "PIL.Image",
    "PIL.TiffImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.WebPImagePlugin",
)
_GROWTH = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+) ft: (\d+)", re.MULTILINE)
_STATS = re.compile(r"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
_KINDS = {"timeout-": "longer than 10 s", "oom-": "too much memory", "crash-": "died"}


@dataclass
class Came:
    """What came of one target."""

    name: str
    runs: int = 0
    executions: int = 0
    seconds: float = 0.0
    covered: list[int] = field(default_factory=list)
    """Places in the code reached: after the seeds of each run, and at its end."""
    peak_mb: int = 0
    longest_s: float = 0.0
    findings: set[str] = field(default_factory=set)


def main() -> int:
    """Fuzz all targets, or the ones that are named; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="for all targets together")
    parser.add_argument("--only", action="append", help="a target; may be given again")
    parser.add_argument(
        "--findings", type=Path, default=Path(".fieldbox/fuzz"), help="folder for what is found"
    )
    parser.add_argument("--corpus", type=Path, help="folder to go on from, and to leave what was learnt in")
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not here: `make proof-fuzz-guided` installs it, or `pip install atheris`.")  # noqa: T201
        return 2
    if chosen.child:
        _fuzz(*chosen.child)
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  after the child, which instruments it

    names = chosen.only or list(TARGETS)
    chosen.findings.mkdir(parents=True, exist_ok=True)
    found, shares = False, sum(TARGETS[name].share for name in names)
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            corpus = (chosen.corpus or Path(temporary)) / name.replace(" ", "-")
            corpus.mkdir(parents=True, exist_ok=True)
            for seed in TARGETS[name].seeds():
                (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
            came = _campaign(
                name, corpus, chosen.findings, 60 * chosen.minutes * TARGETS[name].share / shares
            )
            _tell(came)
            found = found or bool(came.findings)
    return int(found)


def _campaign(name: str, corpus: Path, findings: Path, seconds: float) -> Came:
    """Run a target until its time is over, however often it dies."""
    came, until = Came(name), time.monotonic() + seconds
    while (left := until - time.monotonic()) > 1:
        start = time.monotonic()
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.guided",
                "--child",
                name,
                str(corpus),
                str(findings),
                str(round(left)),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        came.seconds += time.monotonic() - start
        came.runs += 1
        _learn(came, run.stderr + run.stdout, findings, run.returncode)
    return came


def _learn(came: Came, said: str, findings: Path, code: int) -> None:
    growth = _GROWTH.findall(said)
    stats = {key: int(value) for key, value in _STATS.findall(said)}
    came.executions += stats.get("number_of_executed_units") or max(
        (int(one[0]) for one in growth), default=0
    )
    came.peak_mb = max(came.peak_mb, stats.get("peak_rss_mb", 0))
    inited = [int(covered) for _number, event, covered, _features in growth if event == "INITED"]
    came.covered += [*inited[:1], *(int(growth[-1][2]) for _one in growth[:1])]
    came.findings |= {line.removeprefix("FOUND ") for line in said.splitlines() if line.startswith("FOUND ")}
    slowest = [
        float(line.removeprefix("SLOWEST ")) for line in said.splitlines() if line.startswith("SLOWEST ")
    ]
    came.longest_s = max([came.longest_s, *slowest])
    for prefix, kind in _KINDS.items():
        for path in re.findall(rf"Test unit written to (\S*/{prefix}\S+)", said):
            came.findings.add(f"{kind}: {path}")
    if code and not growth:
        (findings / f"{came.name}.log").write_text(said)
        came.findings.add(f"did not start ({code}): {findings / came.name}.log")


def _tell(came: Came) -> None:
    first, last = (came.covered[0], max(came.covered)) if came.covered else (0, 0)
    print(  # noqa: T201
        f"{came.name:16s} {came.executions:9d} inputs in {came.seconds:5.0f} s, places {first} to {last}, longest"
        f" {came.longest_s:.2f} s, memory {came.peak_mb} MB, started {came.runs} times, findings {len(came.findings)}",
        flush=True,
    )
    for one in sorted(came.findings):
        print(f"    {one}", flush=True)  # noqa: T201


# -- in the child ---------------------------------------------------------------------------------


def _fuzz(name: str, corpus: str, findings: str, seconds: str) -> None:
    """Fuzz one target until its time is over. Does not come back."""
    import atheris  # noqa: PLC0415  only here

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415  instrumented as it is imported

    from fieldbox.errors import FieldboxError  # noqa: PLC0415

    target, folder, seen = TARGETS[name], Path(findings), set[str]()
    memory = target.memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    slowest = 0.0

    def one(data: bytes) -> None:
        nonlocal slowest
        start = time.monotonic()
        try:
            target.read(data)
        except (FieldboxError, MemoryError):
            pass
        except Exception as error:  # noqa: BLE001  whatever it is, it is what we look for
            _note(error, data, seen, folder / name)
        took = time.monotonic() - start
        if took > slowest + 0.05:
            slowest = took
            print(f"SLOWEST {took:.2f}", file=sys.stderr, flush=True)  # noqa: T201

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-timeout={MOST_SECONDS}",
        f"-rss_limit_mb={target.memory_mb}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    if target.words:
        words = folder / f"{name}.words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
        options.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *options, corpus], one)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(
        chr(one) if 32 < one < 127 and one not in b'"\\' else f"\\x{one:02x}" for one in word.encode()
    )


def _note(error: Exception, data: bytes, seen: set[str], prefix: Path) -> None:
    """Keep the input, once for each place that an error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "/fieldbox/" in one.filename] or frames
    where = f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno} {frames[-1].lineno}"
    if isinstance(error, AssertionError) and error.args and isinstance(error.args[0], tuple):
        where += f" {error.args[0][0]}"  # the field that is not sound
    if where in seen:
        return
    seen.add(where)
    path = prefix.with_name(f"{prefix.name}-{hashlib.sha256(where.encode()).hexdigest()[:8]}")
    path.write_bytes(data)
    path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)))
    print(f"FOUND {where}: {error!r:.120} ({path})", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
