"""The models of this box, for the command line: which there are, which run, and whether they are sound."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.golden import ASK
from fieldbox.i18n import N_, Sentence, _
from fieldbox.inference.runtime import description_of
from fieldbox.modelops.files import (
    KINDS,
    Origin,
    Trusted,
    configured,
    keys_folder,
    shipped_files,
    trust_outside,
    trust_shipped,
)
from fieldbox.modelops.golden import Reference, differences, read_references
from fieldbox.models import Chosen, choose_health, choose_weeds
from fieldbox.services.leaf import choose_leaves


def origin_word(origin: str) -> str:
    """How a model file came to be trusted, in a word for a person; nothing for a refused one."""
    words: dict[str, str] = {
        Origin.SHIPPED: _("shipped"),
        Origin.COPY: _("copy"),
        Origin.SIGNED: _("signed"),
        Origin.KEPT: _("kept"),
    }
    return words.get(origin, "")


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of `models list`."""

    name: str
    kind: str
    file: str
    sha256: str
    origin: str
    bytes: int
    gsd_mm: list[float] | None
    classes: list[str]
    runs: bool
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {slot: getattr(self, slot) for slot in self.__slots__}

    def to_text(self) -> str:
        """For a person: one line."""
        if self.problem is not None:
            return _("{file}  refused: {problem}").format(file=self.file, problem=self.problem)
        words = [self.name, self.kind, self.file, f"{self.bytes / 1e6:.3f} MB", f"sha256 {self.sha256[:16]}…"]
        words.append(origin_word(self.origin))
        if self.gsd_mm:
            words.append(
                _("{low:g} to {high:g} mm per pixel").format(low=self.gsd_mm[0], high=self.gsd_mm[1])
            )
        if self.runs:
            words.append(_("runs on this box"))
        return "  ".join(words)


@dataclass(frozen=True, slots=True)
class Listing:
    """The models of this box, and what is to be said of their choice."""

    rows: list[Listed]
    warnings: list[str]

    def to_json(self) -> str:
        """A JSON list of the models; what runs in place of a refused one has `runs` true."""
        return json.dumps([row.to_json() for row in self.rows], ensure_ascii=False)

    def to_text(self) -> str:
        """One line each, then the warnings."""
        said = {row.problem for row in self.rows}
        lines = [row.to_text() for row in self.rows]
        return "\n".join(lines + [one for one in self.warnings if one not in said])


def choose_all(config: Config) -> dict[str, Chosen[Any]]:
    """For each kind the model that runs on this box. Raises Misconfigured where a shipped one cannot be used."""
    return {
        "weeds": choose_weeds(config),
        "leaves": choose_leaves(config),
        "health": choose_health(config),
    }


def list_models(config: Config) -> Listing:
    """All shipped models, the configured ones from outside, and which of each kind runs.

    Raises Misconfigured where none of a kind can run.
    """
    chosen = choose_all(config)
    running = {one.file.path for one in chosen.values()}
    shipped = shipped_files()
    rows = [_row_of(path, running) for path in shipped]
    for kind, one in chosen.items():
        path = configured(config, kind)
        if path is not None and one.warnings:
            rows.append(_refused(path, kind, one.warnings[-1]))
        if one.file.path not in shipped:
            rows.append(_listed(one.file, runs=True))
    return Listing(rows, [str(warning) for one in chosen.values() for warning in one.warnings])


def _row_of(path: Path, running: set[Path]) -> Listed:
    """A shipped file; a damaged one is listed with the reason."""
    try:
        return _listed(trust_shipped(path), runs=path in running)
    except Misconfigured as error:
        return _refused(path, "", error.sentence)


def _refused(path: Path, kind: str, reason: Sentence) -> Listed:
    return Listed("", kind, path.name, "", "refused", 0, None, [], False, str(reason))


def _listed(file: Trusted, *, runs: bool) -> Listed:
    told = description_of(file.path)
    try:
        gsd = json.loads(told["gsd_mm"]) if "gsd_mm" in told else None
        classes = json.loads(told.get("classes", "[]"))
        name = f"{told['name']}@{told['version']}"
    except (KeyError, ValueError) as error:
        raise Misconfigured(
            N_("The model file {file} lacks its description; install the release again."), file=file.path.name
        ) from error
    kind, size = told.get("kind", "weeds"), file.path.stat().st_size
    return Listed(name, kind, file.path.name, file.sha256, file.origin.value, size, gsd, classes, runs)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of verifying one model file: nothing wrong where `faults` is empty."""

    file: str
    faults: list[Sentence]
    compared: int
    """Golden tiles whose answers were compared."""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "file": self.file,
            "sound": not self.faults,
            "faults": [str(fault) for fault in self.faults],
            "golden_tiles": self.compared,
        }

    def to_text(self) -> str:
        """One line, or one for each fault."""
        if self.faults:
            return "\n".join(str(fault) for fault in self.faults)
        if not self.compared:
            return _("{file}: sound (digest or signature; there are no reference answers for it)").format(
                file=self.file
            )
        return _("{file}: sound (digest or signature; golden tiles compared: {count})").format(
            file=self.file, count=self.compared
        )


def verify_models(config: Config) -> list[Verdict]:
    """Check every shipped model and every configured one: digest or signature, and the golden tiles.

    Never raises for a fault of a model: that is in its verdict.
    """
    references = read_references()
    verdicts = [_verdict(path, references) for path in shipped_files()]
    verdicts += [
        _verdict(path, references, config, kind)
        for kind in KINDS
        if (path := configured(config, kind)) is not None
    ]
    return verdicts


def _verdict(
    path: Path, references: dict[str, Reference], config: Config | None = None, kind: str = ""
) -> Verdict:
    """Of a shipped file, or with `config` of the one that it names for `kind`: it has to be of that kind."""
    try:
        file = trust_shipped(path) if config is None else trust_outside(path, keys_folder(config))
        kind = kind or description_of(file.path).get("kind", "weeds")
        ask = ASK.get(kind)
        if ask is None:
            raise Misconfigured(
                N_("The model file {file} is of the kind {kind}, which this release does not know."),
                file=path.name, kind=kind,
            )  # fmt: skip
        given = ask(file)
    except Misconfigured as error:
        return Verdict(path.name, [error.sentence], 0)
    known = {one.sha256: one for one in references.values()}.get(file.sha256)
    if known is None:
        fault = Sentence(
            N_("There are no reference answers for {file}; install the release again."), {"file": path.name}
        )
        return Verdict(path.name, [fault] if config is None else [], 0)
    return Verdict(path.name, differences(path.name, known.answers, given), len(given))
