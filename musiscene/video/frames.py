"""One pass over a video's picture: every frame once, small at once, never the file in memory."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from musiscene.errors import (
    CorruptVideoError,
    EmptyVideoError,
    VideoLimitError,
    VideoStoppedError,
)
from musiscene.video.probe import pixel_aspect, turn_of
from musiscene.video.probe_file import WAY_OUT, decoder_options, stated_seconds

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    from musiscene.video.limits import VideoLimits
    from musiscene.video.probe_file import OpenVideo

SMALL_AREA = 160 * 90
SMALL_SIDES = (16, 256)
"""Shortest and longest side of a small frame, in pixels."""
MOST_BAD = 0.5
"""Share of frames that may be broken before a video counts as corrupt."""
LEAST_OF_STATED = 0.5
"""Share of the stated length that must be there."""


class FrameReader:
    """The frames of an open video in the order in which they are shown.

    Args:
        video: Freshly opened.
        limits: On frames, seconds and pixels.
        stop: Set by another thread to give up.

    Attributes:
        good: Frames given so far.
        bad: Packets and frames that could not be decoded, so far.
        first_seconds: Time stamp of the first frame.
        last_seconds: Length of the last frame where the file states it.
        turn: By which the picture is turned clockwise to be upright.
    """

    def __init__(
        self, video: OpenVideo, *, limits: VideoLimits, stop: threading.Event | None = None
    ) -> None:
        self.good = 0
        self.bad = 0
        self.first_seconds: float | None = None
        self.last_seconds: float | None = None
        self.turn = 0
        self._video = video
        self._limits = limits
        self._stop = stop
        self._reformatter = VideoReformatter()
        self._size = small_size(video)

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Each frame's seconds from the first one (NaN where the file does not say) and picture.

        Yields:
            Seconds; BGR picture, uint8, shape (height, width, 3), upright.

        Raises:
            VideoError: If the video breaks, holds no frames or outgrows the limits.
            VideoStoppedError: If `stop` was set.
        """
        for frame in self._decoded():
            yield self._seconds(frame), self._small(frame)
            self.good += 1
        self._video.raise_failure()
        self._check_end()

    def _decoded(self) -> Iterator[VideoFrame]:
        video = self._video
        context = video.stream.codec_context
        context.thread_type = av.codec.context.ThreadType.AUTO
        context.options = {**context.options, **decoder_options(self._limits)}
        packets = video.container.demux(video.stream)
        while True:
            self._check()
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError):
                self.bad += 1
                return  # the container itself breaks here: nothing can be found after it
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                self.bad += 1
                continue
            for frame in frames:
                self.bad += frame.is_corrupt
                yield frame

    def _seconds(self, frame: VideoFrame) -> float:
        if self.good == 0:
            self.turn = turn_of(frame)
        if frame.pts is None or frame.time_base is None:
            return math.nan
        stamp = float(frame.pts * frame.time_base)
        if self.first_seconds is None:
            self.first_seconds = stamp
        seconds = stamp - self.first_seconds
        if seconds > self._limits.max_seconds:
            reason = f"has a frame {seconds:.0f} s after its first"
            limit = f"the limit is {self._limits.max_seconds:.0f} s"
            raise VideoLimitError(self._video.path, f"{reason}, {limit}")
        self.last_seconds = float(frame.duration * frame.time_base) or None
        return seconds

    def _small(self, frame: VideoFrame) -> NDArray[np.uint8]:
        import cv2

        width, height = self._size
        small = self._reformatter.reformat(
            frame, width, height, "bgr24", interpolation=Interpolation.FAST_BILINEAR
        )
        picture = np.asarray(small.to_ndarray(), dtype=np.uint8)
        if self.turn:
            turns = {
                90: cv2.ROTATE_90_CLOCKWISE,
                180: cv2.ROTATE_180,
                270: cv2.ROTATE_90_COUNTERCLOCKWISE,
            }
            picture = np.asarray(cv2.rotate(picture, turns[self.turn]), dtype=np.uint8)
        return picture

    def _check(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise VideoStoppedError
        self._video.source.check_deadline()
        self._video.raise_failure()
        if self.good > self._limits.max_frames:
            reason = f"holds more than {self._limits.max_frames} frames, which is the limit"
            raise VideoLimitError(self._video.path, reason)

    def _check_end(self) -> None:
        path = self._video.path
        if self.good == 0 and self.bad == 0:
            raise EmptyVideoError(path, f"holds no frames: {WAY_OUT}")
        if self.bad > MOST_BAD * (self.good + self.bad):
            reason = f"only {self.good} of {self.good + self.bad} frames can be decoded"
            raise CorruptVideoError(path, f"{reason}: {WAY_OUT}")

    def check_length(self, seconds: float) -> str | None:
        """Compare the length that was decoded with the stated one.

        Args:
            seconds: From the first frame to the end of the last one.

        Returns:
            A notice where some is missing, None where all is there.

        Raises:
            CorruptVideoError: If half of it or more is missing.
        """
        stated = stated_seconds(self._video)
        if stated is None or seconds >= stated - max(1.0, 0.02 * stated):
            return None
        said = f"the picture ends after {seconds:.1f} of {stated:.1f} s"
        if seconds < LEAST_OF_STATED * stated:
            raise CorruptVideoError(self._video.path, f"{said}: it is cut short; {WAY_OUT}")
        return said


def small_size(video: OpenVideo) -> tuple[int, int]:
    """Width and height of a small frame of about `SMALL_AREA` pixels, before it is turned.

    Args:
        video: As opened.

    Returns:
        Even numbers within `SMALL_SIDES`, in the proportions of the picture where those allow it.
    """
    context = video.stream.codec_context
    aspect = float(context.width * pixel_aspect(video.stream) / Fraction(context.height))
    height = math.sqrt(SMALL_AREA / aspect)
    least, most = SMALL_SIDES
    width, height = (min(most, max(least, side)) for side in (height * aspect, height))
    return round(width / 2) * 2, round(height / 2) * 2
