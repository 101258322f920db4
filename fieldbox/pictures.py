"""Where the box keeps what was made of captures: pictures, whatever they came from, and alignments."""

from __future__ import annotations

from pathlib import Path

from fieldbox.ingest.copy import original_path


def picture_path(root: Path, digest: str) -> Path:
    """Where the picture of the capture with this digest is kept: the photo itself, or what was made of its files."""
    photo = original_path(root / "originals", digest)
    return photo if photo.exists() else made_path(root, digest)


def made_path(root: Path, digest: str) -> Path:
    """Where the picture of a capture lies that is no photo itself."""
    return root / "made" / digest[:2] / f"{digest}.jpg"


def bands_path(root: Path, digest: str) -> Path:
    """Where the reflectance of a multispectral exposure lies (`imagery.multispectral.packed`)."""
    return root / "made" / digest[:2] / f"{digest}.bands"


def note_path(root: Path, digest: str) -> Path:
    """Where it is noted what a picture was made with, once all of it is there."""
    return root / "made" / digest[:2] / f"{digest}.json"


def alignment_name(key: str) -> str:
    """Of the file in `alignments` that keeps the alignment of a key."""
    return f"{key[:32]}.npz"


def mask_path(root: Path, digest: str) -> Path:
    """Where a picture's mask lies, a PNG that is 255 where the picture holds anything; none: it does everywhere."""
    return root / "made" / digest[:2] / f"{digest}.png"
