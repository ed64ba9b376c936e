"""What a video's header says of it, before a frame is decoded for the analysis."""

from __future__ import annotations

import hashlib
import re
import time
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import msgspec

from musiscene.errors import (
    CorruptVideoError,
    EmptyVideoError,
    VideoStoppedError,
    VideoTimeoutError,
)
from musiscene.video.analysis import VideoInfo
from musiscene.video.limits import VideoLimits
from musiscene.video.probe_file import (
    ATTACHED,
    WAY_OUT,
    check_file,
    open_file,
    open_video,
    stated_seconds,
)

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from musiscene.video.probe_file import OpenVideo

DEFAULT_LIMITS = VideoLimits()
HASHED_BYTES = 4 * 1024 * 1024
TIMECODE = re.compile(r"(\d{2}:[0-5]\d:[0-5]\d)([:;.,])(\d{2,3})")
DEFAULT_RATE = Fraction(25)
USUAL_RATES = tuple(
    Fraction(rate) * scale
    for rate in (12, 15, 24, 25, 30, 48, 50, 60, 100, 120)
    for scale in (Fraction(1), Fraction(1000, 1001))
)
RATE_TOLERANCE = 2e-4
"""Share by which a measured rate may miss a usual one: 24 and 23.976 differ by 1e-3."""
SANE_ASPECT = (Fraction(1, 10), Fraction(10))
LARGEST_RATE_TERM = 1_000_000


def probe(
    path: Path, *, limits: VideoLimits = DEFAULT_LIMITS, stop: threading.Event | None = None
) -> VideoInfo:
    """What the container says of a video, and its checksum.

    Args:
        path: A file of this machine.
        limits: What it may hold.
        stop: Set by another thread to give up.

    Returns:
        All that is known before the picture is decoded; how long it really is and whether its
        rate varies is known after that.

    Raises:
        VideoError: If it cannot be watched.
        VideoStoppedError: If `stop` was set.
    """
    with open_video(path, limits=limits) as video:
        info = upright(describe(video, limits=limits), video, turn=first_turn(video))
    return with_checksum(info, path, limits=limits, stop=stop)


def describe(video: OpenVideo, *, limits: VideoLimits) -> VideoInfo:
    """What an open video says of itself; its checksum is empty.

    Args:
        video: As opened.
        limits: For its frame rate.

    Returns:
        Its header in our words, as if it were stored upright.
    """
    stream = video.stream
    rate = stated_rate(stream, limits=limits)
    seconds = stated_seconds(video) or 0.0
    sounds = video.container.streams.audio
    sound = video.container.streams.best("audio") or (sounds[0] if sounds else None)
    context = None if sound is None else sound.codec_context
    width, height = shown_size(stream, turn=0)
    return VideoInfo(
        name=video.path.name,
        size_bytes=video.source.size_bytes,
        sha256="",
        container=video.container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        width=width,
        height=height,
        rotation=0,
        frame_rate=rate_text(rate),
        is_variable_rate=False,
        frames=round(seconds * rate),
        duration_seconds=seconds,
        start_timecode=_timecode(video),
        audio_codec=None if context is None else context.codec.canonical_name,
        audio_streams=len(sounds),
        video_streams=sum(not one.disposition & ATTACHED for one in video.container.streams.video),
    )


def with_checksum(
    info: VideoInfo, path: Path, *, limits: VideoLimits, stop: threading.Event | None = None
) -> VideoInfo:
    """The same facts with the SHA-256 of the file.

    Args:
        info: Of this file.
        path: The file.
        limits: For its size and the time that reading it takes.
        stop: Set by another thread to give up.

    Returns:
        A copy.

    Raises:
        VideoError: If it cannot be read to its end.
        VideoTimeoutError: Not within the time allowed.
        VideoStoppedError: If `stop` was set.
    """
    check_file(path, limits)
    deadline = time.monotonic() + limits.timeout_seconds
    checksum = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(HASHED_BYTES):
            checksum.update(block)
            if stop is not None and stop.is_set():
                raise VideoStoppedError
            if time.monotonic() > deadline:
                raise VideoTimeoutError(path, "takes too long to be read")
    return msgspec.structs.replace(info, sha256=checksum.hexdigest())


def upright(info: VideoInfo, video: OpenVideo, *, turn: int) -> VideoInfo:
    """The same facts of a picture that has to be turned.

    Args:
        info: From `describe`.
        video: The same.
        turn: From `turn_of`.

    Returns:
        A copy.
    """
    width, height = shown_size(video.stream, turn=turn)
    return msgspec.structs.replace(info, width=width, height=height, rotation=turn)


def first_turn(video: OpenVideo) -> int:
    """By how many degrees the first frame says that the picture is turned.

    Args:
        video: Freshly opened; its first packets are used up.

    Returns:
        As `turn_of`.

    Raises:
        CorruptVideoError: If no frame can be decoded.
        EmptyVideoError: If there is none.
    """
    try:
        frame = next(video.container.decode(video.stream), None)
    except (av.FFmpegError, ValueError) as error:
        video.raise_failure()
        reason = f"its first frame cannot be decoded: {WAY_OUT}"
        raise CorruptVideoError(video.path, reason) from error
    if frame is None:
        raise EmptyVideoError(video.path, f"holds no frames: {WAY_OUT}")
    return turn_of(frame)


def turn_of(frame: VideoFrame) -> int:
    """By how many degrees a frame is turned clockwise to be upright: 0, 90, 180 or 270."""
    return round(-frame.rotation / 90) * 90 % 360


def shown_size(stream: VideoStream, *, turn: int) -> tuple[int, int]:
    """Width and height with square pixels, upright.

    Args:
        stream: Of the picture.
        turn: From `turn_of`.

    Returns:
        Pixels, at least one each.
    """
    context = stream.codec_context
    aspect = pixel_aspect(stream)
    width, height = max(1, round(context.width * aspect)), context.height
    return (height, width) if turn in {90, 270} else (width, height)


def pixel_aspect(stream: VideoStream) -> Fraction:
    """Width of a stored pixel by its height; 1 where the file says nothing or nonsense."""
    aspect = stream.sample_aspect_ratio
    if not aspect or not SANE_ASPECT[0] <= aspect <= SANE_ASPECT[1]:
        return Fraction(1)
    return Fraction(aspect)


def stated_rate(stream: VideoStream, *, limits: VideoLimits) -> Fraction:
    """Frames a second by the header, or a usual rate where it is silent or states ticks instead.

    Browsers write their recordings with a thousand ticks a second and call that the rate.

    Args:
        stream: Of the picture.
        limits: For its rate.

    Returns:
        What is assumed until the frames were seen.
    """
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate is not None and 0 < rate <= limits.max_frame_rate:
            return usual_rate(Fraction(rate))
    return DEFAULT_RATE


def usual_rate(rate: Fraction) -> Fraction:
    """The usual rate that a measured one stands for, or the measured one itself.

    Args:
        rate: Frames a second.

    Returns:
        An exact fraction.

    Example:
        >>> usual_rate(Fraction(23_976, 1000)), usual_rate(Fraction(17))
        (Fraction(24000, 1001), Fraction(17, 1))
    """
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - rate))
    if abs(nearest - rate) <= nearest * RATE_TOLERANCE:
        return nearest
    return rate.limit_denominator(LARGEST_RATE_TERM)


def rate_text(rate: Fraction) -> str:
    """As `VideoInfo.frame_rate` writes it: `25/1`."""
    return f"{rate.numerator}/{rate.denominator}"


def _timecode(video: OpenVideo) -> str | None:
    """The file's start timecode, from the picture's own tag, a timecode track or the container."""
    tagged = [video.stream.metadata, *(one.metadata for one in video.container.streams.data)]
    for metadata in (*tagged, video.container.metadata):
        for name, value in metadata.items():
            found = TIMECODE.fullmatch(value) if name.lower() == "timecode" else None
            if found is not None:
                mark = ":" if found[2] == ":" else ";"
                return f"{found[1]}{mark}{found[3]}"
    return None
