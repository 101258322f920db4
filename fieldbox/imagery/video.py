"""Videos of drones: what they are, a quick look at all of one, and single frames of it.

The quick look reads key frames alone where a drone writes them often enough (most do, one or two a second), since they need
no other frame to be decoded; where they are rare, all frames are read and some of them looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.numbers import clock

LONGEST_S = 4 * 3600.0
MIN_SIDE_PX, MAX_PIXELS = 480, 40_000_000
LOOKED_AT_PX = 480
"""Long side of the pictures of a quick look."""
OFTEN_S = 1.3
"""Key frames that are further apart are too few."""
EVERY_S = 0.4
"""Between the frames of a quick look at a video whose key frames are rare."""
USUAL_RATE = 30.0
"""Frames a second of a video that does not say it."""
LOOKED_FOR_KEYS_S = 60.0
MOST_LOOKS = 40_000
MOST_SUBTITLES = 200_000
_NO_PICTURE = N_("There is no moving picture in the file: give the video that the drone wrote.")
_DAMAGED = N_("The video is damaged or cut off ({detail}): copy it again from the drone's card.")
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Video:
    """What a video says of itself."""

    width: int
    height: int
    seconds: float
    started_at: datetime | None
    """By its clock, which many drones set to UTC; naive."""
    make: str
    model: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A frame, reduced."""

    at: int
    """Its presentation time, in the units of its stream: it is found again by it."""
    seconds: float
    """In the video, from the first frame on."""
    grey: NDArray[np.float32]
    """[h, w], 0 to 255, LOOKED_AT_PX along the long side."""
    frame: VideoFrame


def probe(path: Path) -> Video:
    """What the video at `path` says of itself. Raises Rejected if it is none, or none that can be used."""
    with _opened(path) as (container, stream):
        context, told = stream.codec_context, {**container.metadata, **stream.metadata}
        width, height = context.width, context.height
        if min(width, height) < MIN_SIDE_PX or width * height > MAX_PIXELS:
            raise Rejected(
                N_(
                    "The video has {width} x {height} pixels: give one of at least {side} pixels a side, in its full size."
                ),
                width=width,
                height=height,
                side=MIN_SIDE_PX,
            )
        seconds = _length(container, stream)
        if not 0 <= seconds <= LONGEST_S:
            raise Rejected(
                N_("The video is longer than {hours} hours: cut it into parts."), hours=int(LONGEST_S // 3600)
            )
        return Video(
            width,
            height,
            seconds,
            _clock(told.get("creation_time", "")),
            _word(told.get("make") or told.get("com.apple.quicktime.make") or ""),
            _word(told.get("model") or told.get("encoder") or ""),
            "fieldbox simulate" in told.get("comment", ""),
        )


def skim(path: Path) -> Iterator[Look]:
    """A quick look at a whole video, in its order. Raises Rejected where it is damaged from its beginning on; what comes
    before a damage counts."""
    if _key_frames_apart(path) <= OFTEN_S:
        yield from _looks(path, "NONKEY", 0.0)
    else:
        yield from _looks(path, "DEFAULT", EVERY_S)


def workload(path: Path) -> float:
    """Pixels that a quick look at a video decodes. Raises Rejected as `probe` does."""
    video, between = probe(path), _key_frames_apart(path)
    with _opened(path) as (_container, stream):
        rate = float(stream.average_rate or USUAL_RATE)
    frames = video.seconds * (rate if between > OFTEN_S else 1 / max(between, 1 / rate))
    return (1 + frames) * video.width * video.height


def subtitles(path: Path) -> Iterator[tuple[float, str]]:
    """The seconds and the words of the subtitles inside a video (3GPP timed text, as DJI's enterprise drones write them)."""
    with _opened(path) as (container, _stream):
        tracks = [one for one in container.streams.subtitles if one.codec_context.name == "mov_text"]
        if not tracks:
            return
        try:
            for packet in islice(container.demux(tracks[0]), MOST_SUBTITLES):
                data = bytes(packet)
                size = int.from_bytes(data[:2], "big")
                if packet.pts is not None and packet.time_base is not None and size:
                    yield float(packet.pts * packet.time_base), data[2 : 2 + size].decode("utf-8", "replace")
        except (av.FFmpegError, ValueError, OverflowError):
            return  # what could be read counts


def frame_at(path: Path, at: int) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB: the frame of this presentation time. Raises Rejected if it is not there, or damaged: decoders
    fill what is missing with what was there before, and none of that is ground."""
    with _opened(path) as (container, stream):
        container.seek(at, stream=stream, backward=True)
        damaged, size = False, _size(stream)
        for frame in _decoded(container, stream):
            # And what is made from it, up to the next key frame.
            damaged = damaged or frame.is_corrupt or (frame.width, frame.height) != size
            if frame.pts is not None and frame.pts >= at:
                if damaged:
                    raise Rejected(_DAMAGED, detail="pixels are missing")
                with _decoding():
                    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise Rejected(_DAMAGED, detail="a frame is missing")


def reduced(frame: VideoFrame, short_px: int) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB, by a whole number smaller and `short_px` or more along the short side."""
    step = max(1, min(frame.width, frame.height) // short_px)
    return np.asarray(
        frame.reformat(frame.width // step, frame.height // step, "rgb24").to_ndarray(), np.uint8
    )


def _looks(path: Path, skipped: str, every_s: float) -> Iterator[Look]:
    first, last, count = None, -np.inf, 0
    with _opened(path) as (container, stream):
        stream.codec_context.skip_frame = skipped  # type: ignore[assignment]  # av takes the name
        size = _size(stream)
        try:
            for frame in _decoded(container, stream):
                if frame.pts is None or frame.time is None or frame.is_corrupt:
                    continue
                if (
                    frame.width,
                    frame.height,
                ) != size:  # it may change anywhere: only one is what was looked at before
                    continue
                first = frame.time if first is None else first
                seconds = float(frame.time - first)
                if seconds - last < every_s - 1e-6:
                    continue
                last, count = seconds, count + 1
                with _decoding():
                    grey = _grey(frame)
                yield Look(frame.pts, seconds, grey, frame)
                if count >= MOST_LOOKS:
                    return
        except Rejected:
            if not count:
                raise


def _key_frames_apart(path: Path) -> float:
    """Seconds between key frames, by the first minute of the video; infinite where there is one alone. Nothing is decoded, and
    of a file with an index no picture is read: of a card, twenty seconds of 4K take longer than a file may."""
    times: list[float] = []
    with _opened(path) as (container, stream):
        for told in (_indexed(stream), _demuxed(container, stream)):
            times = []
            for seconds, is_key in told:
                if is_key:
                    times.append(seconds)
                if len(times) > 20 or (times and seconds - times[0] > LOOKED_FOR_KEYS_S):
                    break
            if len(times) > 1:
                break
    return float(np.median(np.diff(times))) if len(times) > 1 else np.inf


def _indexed(stream: VideoStream) -> Iterator[tuple[float, bool]]:
    """Seconds of frames and whether they are key frames, as the index of the file has them."""
    base = float(stream.time_base or 0)
    for entry in stream.index_entries:
        yield entry.timestamp * base, entry.is_keyframe


def _demuxed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, bool]]:
    """The same by the frames themselves: a file in fragments has no index."""
    try:
        for packet in container.demux(stream):
            if packet.pts is not None and packet.time_base is not None:
                yield float(packet.pts * packet.time_base), packet.is_keyframe
    except (av.FFmpegError, ValueError, OverflowError):
        return  # what can be read is read, and the rest told, when it is decoded


def _grey(frame: VideoFrame) -> NDArray[np.float32]:
    scale = LOOKED_AT_PX / max(frame.width, frame.height)
    width, height = round(frame.width * scale), round(frame.height * scale)
    # Means over the pixels that fall together: what is too fine for the small picture would look like noise.
    full = frame.reformat(frame.width // 2, frame.height // 2, "gray").to_ndarray()
    return cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        # The one kind of file that is expected: FFmpeg would try a hundred others on what a stranger gave.
        container = av.open(str(path), format="mov", metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        raise Rejected(_DAMAGED, detail=_detail(error)) from error
    with container:
        if not container.streams.video:
            raise Rejected(_NO_PICTURE)
        stream = container.streams.video[0]
        if stream.codec_context is None or stream.time_base is None:
            raise Rejected(_NO_PICTURE)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = _THREADS
        yield container, stream


def _size(stream: VideoStream) -> tuple[int, int]:
    """Width and height that the file states, before any of it was decoded."""
    return stream.codec_context.width, stream.codec_context.height


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
        raise Rejected(_DAMAGED, detail=_detail(error)) from error


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    frames = container.decode(stream)
    while True:
        with _decoding():
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def _length(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / av.time_base


def _clock(text: str) -> datetime | None:
    try:
        return clock(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError:
        return None


def _word(text: Any) -> str:
    return "".join(one for one in str(text) if one.isprintable()).strip()[:80]


def _detail(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
