"""An alignment on the disk, so that a survey that was cut off goes on with the same poses, to the last bit.

The same file says later where a pixel of one of its photos lies. What belongs to single ties is left out.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fieldbox.aligning import Alignment, flown
from fieldbox.domain import Camera
from fieldbox.georef.adjustment import Adjusted, Outcome
from fieldbox.georef.aligned import aligned
from fieldbox.georef.preparing import Doubt
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.surface import Lattice, Surface
from fieldbox.imagery.glance import Glance
from fieldbox.mapping.files import replacing
from fieldbox.pictures import alignment_name

FORMAT = 2
"""Raise it when the same file would be read differently: an alignment of another format is worked out anew."""
_MAGIC, _HEAD = b"FBAL", struct.Struct("<4sI")
"""Four letters and the CRC-32 of all that follows."""
_TIES = frozenset({"residual_px", "used", "points"})
"""Parts of an adjustment, by tie or track."""


def alignment_file(root: Path, key: str) -> Path:
    """Where the box keeps the alignment of a key."""
    return root / "alignments" / alignment_name(key)


def write_alignment(found: Alignment, path: Path) -> None:
    """Keep an alignment, whole or not at all, without what belongs to single ties."""
    adjusted = found.adjusted
    arrays: dict[str, NDArray[Any]] = {
        "step_px": found.step_px,
        "ties": found.ties,
        "residual_of_photo": found.residual_px,
        "control_off_m": found.control_off_m,
        "control_used": found.control_used,
    }
    words: dict[str, Any] = {
        "format": FORMAT, "digests": list(found.told), "compared": found.compared, "matched": found.matched,
    }  # fmt: skip
    arrays |= _packed(found.glances)
    words["glances"] = list(found.glances)
    for part in fields(adjusted):
        value = getattr(adjusted, part.name)
        if part.name in _TIES:
            continue
        if isinstance(value, np.ndarray):
            arrays["adjusted." + part.name] = value
        elif part.name == "surface":
            arrays |= {"surface.nodes": value.nodes, "surface.covariance": value.node_covariance}
            words["surface"] = {"lattice": asdict(value.lattice), "scatter_m": value.scatter_m}
        else:
            words[part.name] = _plain(value)
    body = BytesIO()
    arrays["words"] = np.frombuffer(json.dumps(words).encode(), np.uint8)
    np.savez(body, allow_pickle=False, **arrays)
    data = body.getvalue()
    with replacing(path) as target:
        target.write_bytes(_HEAD.pack(_MAGIC, zlib.crc32(data)) + data)


def read_alignment(
    path: Path, told: Mapping[str, PhotoGeometry], taken_at: Mapping[str, datetime | None]
) -> Alignment | None:
    """Read back `write_alignment` for its photos, which are among those told.

    None if it is missing, damaged, of another format or of other photos: whoever needs it works it out anew, or says
    that it is not there.
    """
    try:
        body = _checked(path.read_bytes())
        if body is None:
            return None
        with np.load(BytesIO(body), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        words = json.loads(arrays.pop("words").tobytes())
        if words["format"] != FORMAT:
            return None
        told = {digest: told[digest] for digest in words["digests"]}
        adjusted = _adjusted(arrays, words)
        glances = _unpacked(words["glances"], arrays["glances"], arrays["glance_ends"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return None
    frame = flown(told, taken_at)[1]
    placed = aligned(tuple(told.values()), adjusted, frame)
    of_photos = arrays["step_px"], arrays["ties"], arrays["residual_of_photo"]
    counts = int(words["compared"]), int(words["matched"])
    return Alignment(
        told,
        placed,
        adjusted,
        frame,
        *counts,
        *of_photos,
        arrays["control_off_m"],
        arrays["control_used"],
        glances,
    )


def _checked(data: bytes) -> bytes | None:
    """What `write_alignment` wrote behind its checksum; None if that is not what it was."""
    if len(data) < _HEAD.size:
        return None
    magic, checksum = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    return body if magic == _MAGIC and zlib.crc32(body) == checksum else None


def _packed(glances: Mapping[str, Glance]) -> dict[str, NDArray[Any]]:
    parts = [one.to_bytes() for one in glances.values()]
    ends = np.cumsum([len(one) for one in parts], dtype=np.int64)
    return {"glances": np.frombuffer(b"".join(parts), np.uint8), "glance_ends": ends}


def _unpacked(digests: list[str], data: NDArray[np.uint8], ends: NDArray[np.int64]) -> dict[str, Glance]:
    parts = np.split(data, ends[:-1])
    return {
        digest: Glance.from_bytes(one.tobytes()) for digest, one in zip(digests, parts, strict=bool(digests))
    }


def _plain(value: Any) -> Any:
    """A part of an adjustment as JSON has it."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Camera):
        return asdict(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _adjusted(arrays: Mapping[str, NDArray[Any]], words: Mapping[str, Any]) -> Adjusted:
    surface = Surface(
        Lattice(**words["surface"]["lattice"]),
        arrays["surface.nodes"],
        arrays["surface.covariance"],
        words["surface"]["scatter_m"],
    )
    values: dict[str, Any] = {
        part.name: arrays["adjusted." + part.name] if "adjusted." + part.name in arrays else words[part.name]
        for part in fields(Adjusted)
        if part.name not in _TIES
    }
    values |= {
        "outcome": tuple(Outcome(one) for one in words["outcome"]),
        "doubts": tuple(frozenset(Doubt(one) for one in doubts) for doubts in words["doubts"]),
        "cameras": tuple(_camera(one) for one in words["cameras"]),
        "surface": surface,
        "residual_px": np.zeros((0, 2)),
        "used": np.zeros(0, np.bool_),
        "points": np.zeros((0, 3)),
    }
    return Adjusted(**values)


def _camera(told: Mapping[str, Any]) -> Camera:
    k1, k2, p1, p2, k3 = told["distortion"]
    return Camera(**{**told, "distortion": (k1, k2, p1, p2, k3)})
