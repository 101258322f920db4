"""Flights whose photos state other heights, or no directions: the simulator's tags, changed in place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

_TAG = re.compile(rb'drone-dji:RelativeAltitude="([^"]*)"')
Height = Callable[[float], float | None]
"""From the relative altitude that a photo states to the one that it shall; None: it shall state none."""


def retold(
    card: Path, folder: Path, heights: Height | Mapping[str, Height], *, directed: bool = True
) -> Path:
    """A copy of the card in `folder` whose photos (those named, or all) state other heights above the ground; if not
    `directed`, none states which way the camera was turned."""
    shutil.copytree(card, folder)
    for path in sorted(folder.glob("*.JPG")):
        change = heights.get(path.name) if isinstance(heights, Mapping) else heights
        if change is not None:
            path.write_bytes(_changed(path.read_bytes(), change))
        if not directed:
            path.write_bytes(undirected(path.read_bytes()))
    return folder


def undirected(data: bytes) -> bytes:
    """A photo without the gimbal's angles."""
    assert b"drone-dji:Gimbal" in data
    return data.replace(b"drone-dji:Gimbal", b"drone-dji:Unsaid")


def _changed(data: bytes, height: Height) -> bytes:
    """As many bytes as before: the segment's length stays right."""
    found = _TAG.search(data)
    assert found is not None
    told = height(float(found[1]))
    if told is None:
        tag = found[0].replace(b"RelativeAltitude", b"UnknownAltitudes")
    else:
        digits = f"{told:+.3f}".encode()
        assert len(digits) <= len(found[1])
        tag = found[0].replace(found[1], digits + b"0" * (len(found[1]) - len(digits)))
    return data[: found.start()] + tag + data[found.end() :]


def sea_level_only(_height: float) -> None:
    """Nothing is told of the ground."""


def zero(_height: float) -> float:
    """As a drone tells whose barometer was never set."""
    return 0.0


def from_a_hill(height: float) -> float:
    """As a drone tells that took off 15 m above the field's own level, and flew 10 m over that."""
    return height - 15.0
