"""The model that runs on this box: the one the settings name, or the last good one.

A file runs only if it is trusted (see `fieldbox.modelops.files`) and the runtime finds a model of the right
kind in it. Where the configured file fails either, the last signed model that ran goes on, and else the
shipped one; `Chosen.warnings` says so. A shipped model that is damaged is a fault of the box itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.scene import KnownScenes
from fieldbox.inference.health import HealthModel
from fieldbox.inference.weeds import WeedModel
from fieldbox.mapping.planthealth import FEATURES
from fieldbox.modelops import files
from fieldbox.modelops.files import Origin, Shelf, Trusted, models_folder, pinned

__all__ = [
    "Chosen",
    "choose",
    "choose_weeds",
    "load_scenes",
    "load_weeds",
    "models_folder",
    "pinned",
    "release_sha",
]

Model = TypeVar("Model")
Loader = Callable[[Trusted], Model]


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Model]):
    """A loaded model, the file it is from, and what a person should know of the choice."""

    model: Model
    file: Trusted
    warnings: tuple[Sentence, ...] = ()


def choose_weeds(config: Config) -> Chosen[WeedModel]:
    """The weed model of this box. Raises Misconfigured only where the shipped one itself cannot be used."""
    return choose(config, "weeds", lambda file: WeedModel.load(file.path, expected_sha256=file.sha256))


def load_weeds(config: Config) -> WeedModel:
    """As `choose_weeds`, the model alone."""
    return choose_weeds(config).model


def choose_health(config: Config) -> Chosen[HealthModel]:
    """The model that judges crop plants, as `choose_weeds`."""
    return choose(config, "health", _load_health)


def _load_health(file: Trusted) -> HealthModel:
    """A health model that is asked about the features that this release makes. Raises Misconfigured."""
    model = HealthModel.load(file.path, expected_sha256=file.sha256)
    if model.features != FEATURES:
        # Said now, while another model can go on in its place.
        raise Misconfigured(
            N_("The file {file} is a model of another kind; install the release again."), file=file.path.name
        )
    return model


def load_scenes() -> KnownScenes:
    """What the scenes of the training look like. Raises Misconfigured if the shipped file is missing or damaged."""
    path = models_folder() / "scene.json"
    try:
        return KnownScenes.from_json(path.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(
            N_("The file {file} cannot be read: {why}."), file=path.name, why=error.strerror or "?"
        ) from error


def release_sha(config: Config) -> str:
    """SHA-256 of the weed model that runs on this box. Raises Misconfigured."""
    if files.configured(config, "weeds") is None:
        return pinned("weeds.onnx")
    return choose_weeds(config).file.sha256


def choose(config: Config, kind: str, load: Loader[Model]) -> Chosen[Model]:
    """Load the configured model of a kind, or the last good one in its place.

    `load` reads a trusted file (and no other bytes than those that were trusted) and raises Misconfigured.
    """
    path = files.configured(config, kind)
    if path is None:
        shipped = _shipped(kind)
        return Chosen(load(shipped), shipped)
    shelf = Shelf.of(config, kind)
    try:
        return _outside(config, path, shelf, load)
    except Misconfigured as error:
        return _last_good(config, shelf, load, error.sentence)


def _shipped(kind: str) -> Trusted:
    return files.trust_shipped(models_folder() / f"{kind}.onnx")


def _outside(config: Config, path: Path, shelf: Shelf, load: Loader[Model]) -> Chosen[Model]:
    file = files.trust_outside(path, files.keys_folder(config))
    try:
        model = load(file)
    except Misconfigured as error:
        shelf.note_refusal(file.sha256, error.sentence)
        raise
    shelf.note_refusal(file.sha256, None)
    shelf.keep(file)
    return Chosen(model, file)


def _last_good(config: Config, shelf: Shelf, load: Loader[Model], reason: Sentence) -> Chosen[Model]:
    """The kept model if it still passes, else the shipped one."""
    try:
        file = files.trust_outside(shelf.kept, files.keys_folder(config), Origin.KEPT)
        model = load(file)
    except Misconfigured:
        file = _shipped(shelf.kind)
        model = load(file)
    return Chosen(model, file, files.in_its_place(_name_of(model, file), reason))


def _name_of(model: object, file: Trusted) -> str:
    release = getattr(model, "release", None)
    return str(release) if release else file.path.name
