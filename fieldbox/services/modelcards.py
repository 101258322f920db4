"""The models of this box for the dashboard: what their files say, read without the runtime, and their cards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fieldbox.config import Config
from fieldbox.domain import ModelInfo
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.modelops.files import (
    KINDS,
    Origin,
    Shelf,
    Trusted,
    configured,
    keys_folder,
    models_folder,
    trust_outside,
    trust_shipped,
)
from fieldbox.modelops.onnxmeta import metadata_of

_OTHER: Final = Sentence(
    N_("The settings name another file for this; this one is here in case that is damaged.")
)


def model_infos(config: Config) -> list[ModelInfo]:
    """Those that run first. A file that cannot be used is listed with its problem."""
    found = [one for kind in KINDS for one in _of_kind(config, kind)]
    return sorted(found, key=lambda one: not one.runs)


def _of_kind(config: Config, kind: str) -> list[ModelInfo]:
    shipped = models_folder() / f"{kind}.onnx"
    path = configured(config, kind)
    if path is None:
        return [_shipped(shipped, kind, runs=True)]
    shelf, keys = Shelf.of(config, kind), keys_folder(config)
    outside = _outside(path, kind, keys, Origin.SIGNED, shelf)
    if outside.problem is None:
        return [outside, _shipped(shipped, kind, runs=False)]
    kept = _outside(shelf.kept, kind, keys, Origin.KEPT, shelf)
    if kept.problem is None:
        return [kept, outside, _shipped(shipped, kind, runs=False)]
    return [_shipped(shipped, kind, runs=True), outside]


def _shipped(path: Path, kind: str, *, runs: bool) -> ModelInfo:
    try:
        told = path.stat()
        file = _trusted(path, told.st_mtime_ns, told.st_size)
        return _info(file, kind, runs=runs, problem=None if runs else _OTHER)
    except (Misconfigured, OSError) as error:
        return _broken(path, kind, error)


def _outside(path: Path, kind: str, keys: Path, origin: Origin, shelf: Shelf) -> ModelInfo:
    try:
        file = trust_outside(path, keys, origin)
        refused = shelf.refusal_of(file.sha256)
        return _info(file, kind, runs=refused is None, problem=refused)
    except (Misconfigured, OSError) as error:
        return _broken(path, kind, error)


@lru_cache(maxsize=16)
def _trusted(path: Path, _changed: int, _size: int) -> Trusted:
    """Held against its digest once, as long as the file stays the same."""
    return trust_shipped(path)


def _info(file: Trusted, kind: str, *, runs: bool, problem: Sentence | None) -> ModelInfo:
    content = file.path.read_bytes()
    try:
        told = metadata_of(content)
    except ValueError as error:
        raise Misconfigured(
            N_("The model file {file} is damaged or no model; install the release again."),
            file=file.path.name,
        ) from error
    gsd = _json(told, "gsd_mm")
    return ModelInfo(
        kind=kind,
        name=told.get("name", file.path.stem),
        version=told.get("version", "?"),
        sha256=file.sha256,
        origin=file.origin.value,
        bytes=len(content),
        runs=runs,
        gsd_mm=(float(gsd[0]), float(gsd[1])) if isinstance(gsd, list) and len(gsd) == 2 else None,
        classes=_words(told, "classes"),
        crops=_words(told, "crops"),
        measured=_measured(told),
        card=_card(file),
        problem=problem,
    )


def _broken(path: Path, kind: str, error: Misconfigured | OSError) -> ModelInfo:
    reason = (
        error.sentence
        if isinstance(error, Misconfigured)
        else Sentence(N_("The model file {file} cannot be read."), {"file": path.name})
    )
    return ModelInfo(kind, path.stem, "?", "", "", 0, False, None, (), (), {}, "", reason)


def _measured(told: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for name in ("recall", "precision"):
        share = _json(told, name)
        if isinstance(share, dict) and isinstance(share.get("weed"), float):
            found[name] = share["weed"]
    accuracy = _json(told, "accuracy")
    if isinstance(accuracy, dict) and isinstance(accuracy.get("folds"), float):
        found["accuracy"] = accuracy["folds"]
    return found


def _card(file: Trusted) -> str:
    """The card of a shipped model, or of a copy of one; another one brings its own beside it."""
    try:
        return file.path.with_suffix(".md").read_text("utf-8", "replace")
    except OSError:
        return ""


def _words(told: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _json(told, name)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _json(told: Mapping[str, str], name: str) -> Any:
    try:
        return json.loads(told.get(name, "null"))
    except ValueError:
        return None
