"""Where a model file comes from, and whether it may run: by its pinned digest, or by a trusted signature.

Nothing here reads what is in a model; that is for the runtime, which is asked only for a file that passed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fieldbox._pins import SHA256
from fieldbox.config import Config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.modelops import minisign
from fieldbox.wholefile import put

KINDS = ("weeds", "leaves", "health")
"""Of models; each is a setting in `models` too, for a file from outside."""
FLOAT_SUFFIX = "-fp32"
"""Of the name of a float file that is shipped beside an 8-bit one."""
MOST_BYTES = 64 * 2**20
"""No model of fieldbox is a tenth as large: what is larger is something else."""


class Origin(StrEnum):
    """How a model file came to be trusted."""

    SHIPPED = "shipped"
    """It lies among the models of the package."""
    COPY = "copy"
    """It lies elsewhere, and its digest is that of a shipped one."""
    SIGNED = "signed"
    """It came from outside, with a signature by a key that the box trusts."""
    KEPT = "kept"
    """A signed one that ran before, as the box kept it."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A model file that may run. `sha256` is of the bytes that were checked: load no others."""

    path: Path
    sha256: str
    origin: Origin
    comment: str = ""
    """The trusted comment of its signature."""


def models_folder() -> Path:
    """Where the shipped models are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def shipped_files() -> list[Path]:
    """The shipped model files that are there, sorted by name."""
    return sorted(models_folder().glob("*.onnx"))


def pinned(file: str) -> str:
    """SHA-256 that the package expects of a shipped model file. Raises Misconfigured for an unknown file."""
    digest = SHA256.get(file)
    if digest is None:
        raise Misconfigured(N_("The model file {file} is not one of this release of fieldbox."), file=file)
    return digest


def trust_shipped(path: Path, pins: Mapping[str, str] = SHA256) -> Trusted:
    """A model of the package, held against its pinned digest. Raises Misconfigured."""
    expected = pins.get(path.name)
    if expected is None:
        raise Misconfigured(
            N_("The model file {file} is not one of this release of fieldbox."), file=path.name
        )
    digest = hashlib.sha256(_content(path)).hexdigest()
    if digest != expected:
        raise Misconfigured(
            N_("The model file {file} is not the one of this release; install the release again."),
            file=path.name,
        )
    return Trusted(path, digest, Origin.SHIPPED)


def trust_outside(path: Path, keys: Path, origin: Origin = Origin.SIGNED) -> Trusted:
    """A model from elsewhere: a copy of a shipped one, or one signed with a key in the folder `keys`.

    The signature lies beside it, under the same name with `.minisig` added. Raises Misconfigured.
    """
    content = _content(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest in SHA256.values():
        return Trusted(path, digest, Origin.COPY)
    signature = path.with_name(path.name + minisign.SUFFIX)
    comment = minisign.verify(content, signature, minisign.read_keys(keys), name=path.name)
    return Trusted(path, digest, origin, comment)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Misconfigured(
            N_("The model file {file} cannot be read: {reason}."),
            file=path.name, reason=error.strerror or str(error),
        ) from error  # fmt: skip
    if len(content) > MOST_BYTES:
        raise Misconfigured(
            N_("The file {file} is larger than any model of fieldbox; name another one."), file=path.name
        )
    return content


def keys_folder(config: Config) -> Path:
    """The folder of the public keys that this box trusts; the package brings none."""
    return config.storage.root / "keys" if config.models.keys == Path() else config.models.keys


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the box remembers of the models of one kind, in a folder of its own.

    The last signed model that ran is kept there with its signature, so that it can go on when the configured
    file is found damaged; and why the runtime refused a file, so that `fieldbox status` can say so without
    loading the runtime.
    """

    folder: Path
    kind: str

    @classmethod
    def of(cls, config: Config, kind: str) -> Shelf:
        """The shelf of this box."""
        return cls(config.storage.root / "models", kind)

    @property
    def kept(self) -> Path:
        """The last signed model that ran."""
        return self.folder / f"{self.kind}.onnx"

    @property
    def _signature(self) -> Path:
        return self.kept.with_name(self.kept.name + minisign.SUFFIX)

    @property
    def _note(self) -> Path:
        return self.folder / f"{self.kind}.refused.json"

    def keep(self, model: Trusted) -> None:
        """Keep a signed model that was loaded and runs. The box may have no room for it: then it goes without."""
        if model.origin is not Origin.SIGNED:
            return
        try:
            signature = model.path.with_name(model.path.name + minisign.SUFFIX).read_bytes()
            if self._holds(model.sha256, signature):
                return
            content = model.path.read_bytes()
            if hashlib.sha256(content).hexdigest() != model.sha256:
                return
            self._put(self._signature, signature)
            self._put(self.kept, content)
        except OSError:
            return

    def _holds(self, sha256: str, signature: bytes) -> bool:
        """Whether this very file is kept, with this signature: keys change."""
        try:
            kept = hashlib.sha256(self.kept.read_bytes()).hexdigest()
            return kept == sha256 and self._signature.read_bytes() == signature
        except OSError:
            return False

    def note_refusal(self, sha256: str, reason: Sentence | None) -> None:
        """Remember why the runtime refused the file with this digest; None: it did not."""
        try:
            if reason is not None:
                self._put(self._note, json.dumps({"sha256": sha256, "reason": reason.to_json()}).encode())
            elif self.refusal_of(sha256) is not None:
                self._note.unlink(missing_ok=True)
        except OSError:
            return

    def refusal_of(self, sha256: str) -> Sentence | None:
        """Why the runtime refused the file with this digest when it was last tried."""
        try:
            note = json.loads(self._note.read_text("utf-8"))
            return Sentence.from_json(note["reason"]) if note["sha256"] == sha256 else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _put(self, target: Path, content: bytes) -> None:
        """Write a file whole or not at all, also when the plug is pulled."""
        self.folder.mkdir(parents=True, exist_ok=True)
        put(target, content)


def configured(config: Config, kind: str) -> Path | None:
    """The file that the settings name for this kind; None for the shipped one."""
    named: Path = getattr(config.models, kind)
    return None if named == Path() else named


def in_its_place(running: str, reason: Sentence) -> tuple[Sentence, Sentence]:
    """What is said where another model than the configured one runs: that it does, and why."""
    template = N_("The model named in the settings was refused, and {running} runs in its place.")
    return Sentence(template, {"running": running}), reason


def refusals(config: Config) -> list[Sentence]:
    """Why configured models do not run, as far as is known without loading them."""
    found = (_refusal(config, kind) for kind in KINDS)
    return [sentence for pair in found for sentence in pair]


def _refusal(config: Config, kind: str) -> tuple[Sentence, ...]:
    path = configured(config, kind)
    if path is None:
        return ()
    try:
        reason = Shelf.of(config, kind).refusal_of(trust_outside(path, keys_folder(config)).sha256)
    except Misconfigured as error:
        reason = error.sentence
    template = N_("The model named in the settings is refused; the last good one runs in its place.")
    return (Sentence(template), reason) if reason else ()
