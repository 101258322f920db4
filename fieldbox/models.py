"""Which model files belong to this package, by digest. Another file is refused by name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fieldbox._pins import SHA256
from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.inference.weeds import WeedModel


def models_folder() -> Path:
    """Where the shipped models are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def weeds_path(config: Config) -> Path:
    """The weed model that runs on this box."""
    return models_folder() / "weeds.onnx" if config.models.weeds == Path() else config.models.weeds


def pinned(file: str) -> str:
    """SHA-256 that the package expects of a shipped model file. Raises Misconfigured for an unknown file."""
    digest = SHA256.get(file)
    if digest is None:
        raise Misconfigured(N_("The model file {file} is not one of this release of fieldbox."), file=file)
    return digest


def release_sha(config: Config) -> str:
    """SHA-256 of the weed model that runs on this box, without loading it. Raises Misconfigured."""
    path = weeds_path(config)
    if config.models.weeds == Path():
        return pinned(path.name)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Misconfigured(
            N_("The model file {file} cannot be read: {why}."), file=str(path), why=error.strerror or "?"
        ) from error


def load_weeds(config: Config) -> WeedModel:
    """The weed model, its digest checked where it is the shipped one. Raises Misconfigured."""
    path = weeds_path(config)
    expected = pinned(path.name) if config.models.weeds == Path() else None
    return WeedModel.load(path, expected_sha256=expected)
