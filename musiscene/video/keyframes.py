"""Single frames of a video, upright, as a person or a model would look at them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import Interpolation

from musiscene.errors import CorruptVideoError
from musiscene.video.limits import VideoLimits
from musiscene.video.probe import shown_size, stated_rate, turn_of
from musiscene.video.probe_file import WAY_OUT, decoder_options, open_video

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    from musiscene.video.probe_file import OpenVideo

DEFAULT_LIMITS = VideoLimits()
AHEAD_SECONDS = 4.0
"""A frame no further ahead is reached by decoding on: a seek would go back to a key frame."""
QUARTER_TURN = 90


def keyframes(
    path: Path,
    seconds: Sequence[float],
    *,
    longest_side: int = 512,
    limits: VideoLimits = DEFAULT_LIMITS,
) -> list[NDArray[np.uint8]]:
    """The frames that are shown at some times.

    Args:
        path: The video.
        seconds: From the first frame, in any order; after the end, the last frame is given.
        longest_side: Of the pictures in pixels; smaller ones are not enlarged.
        limits: What the file may hold.

    Returns:
        For each time an RGB picture, uint8, shape (height, width, 3), with square pixels.

    Raises:
        VideoError: If the video cannot be opened, or a frame cannot be found.
    """
    found: dict[float, NDArray[np.uint8]] = {}
    with open_video(Path(path), limits=limits) as video:
        seeker = _Seeker(video, limits)
        for wanted in sorted(set(seconds)):
            found[wanted] = _picture(video, seeker.frame_at(wanted), longest_side)
    return [found[wanted] for wanted in seconds]


class _Seeker:
    """Finds frames at rising times.

    Args:
        video: Freshly opened.
        limits: For the decoder.
    """

    def __init__(self, video: OpenVideo, limits: VideoLimits) -> None:
        self._video = video
        context = video.stream.codec_context
        context.thread_type = av.codec.context.ThreadType.AUTO
        context.options = {**context.options, **decoder_options(limits)}
        self._period = float(1 / stated_rate(video.stream, limits=limits))
        self._frames = self._decoded()
        first = next(self._frames, None)
        if first is None:
            video.raise_failure()
            raise CorruptVideoError(video.path, f"no frame can be decoded: {WAY_OUT}")
        self._start = _stamp(first) or 0.0
        self._shown = first
        self._next: VideoFrame | None = next(self._frames, None)

    def frame_at(self, seconds: float) -> VideoFrame:
        """The frame that is shown then."""
        if seconds - self._at(self._shown) > AHEAD_SECONDS:
            self._seek(seconds)
        # Times are written with few digits: a frame may be asked for a hair before it begins.
        latest = seconds + 0.01 * self._period
        while self._next is not None and self._at(self._next) <= latest:
            self._shown, self._next = self._next, next(self._frames, None)
        return self._shown

    def _at(self, frame: VideoFrame) -> float:
        """Seconds of a frame; one without a time of its own follows the one before."""
        stamp = _stamp(frame)
        return -math.inf if stamp is None else stamp - self._start

    def _seek(self, seconds: float) -> None:
        stream = self._video.stream
        if stream.time_base is None:
            return
        for goal in (seconds - self._period, 0.0):
            try:
                self._video.container.seek(
                    int((self._start + goal) / stream.time_base), stream=stream
                )
            except av.FFmpegError:
                continue
            self._frames = self._decoded()
            frame = next(self._frames, None)
            if frame is not None and self._at(frame) <= seconds:
                self._shown, self._next = frame, next(self._frames, None)
                return
        self._video.raise_failure()
        reason = f"the frame at {seconds:.2f} s cannot be found: {WAY_OUT}"
        raise CorruptVideoError(self._video.path, reason)

    def _decoded(self) -> Iterator[VideoFrame]:
        packets = self._video.container.demux(self._video.stream)
        while True:
            self._video.source.check_deadline()
            self._video.raise_failure()
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                if packet is None:
                    return
                continue
            yield from frames


def _stamp(frame: VideoFrame) -> float | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base)


def _picture(video: OpenVideo, frame: VideoFrame, longest_side: int) -> NDArray[np.uint8]:
    turn = turn_of(frame)
    width, height = shown_size(video.stream, turn=0)
    scale = min(1.0, longest_side / max(width, height))
    small = frame.reformat(
        max(1, round(width * scale)),
        max(1, round(height * scale)),
        "rgb24",
        interpolation=Interpolation.AREA,
    )
    upright = np.rot90(small.to_ndarray(), -turn // QUARTER_TURN)
    return np.ascontiguousarray(upright, dtype=np.uint8)
