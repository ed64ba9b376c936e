"""Frames of a video <-> seconds and SMPTE timecode, exactly.

Drop frame skips numbers, never frames: at 30000/1001 frames a second two numbers (at 60000/1001
four) at the start of each minute that is not the tenth, so that timecode keeps step with the clock.
Source: SMPTE ST 12-1, section 5.2.2.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from musiscene.video.analysis import VideoInfo

STANDARD_RATES: Final = tuple(
    Fraction(*rate)
    for rate in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48000, 1001), (48, 1), (50, 1),
        (60000, 1001), (60, 1), (100, 1), (120000, 1001), (120, 1),
    )
)  # fmt: skip
DROP_BASE: Final = 30
"""Drop frame is for rates of a multiple of 30000/1001."""
DROPPED_A_MINUTE: Final = 2
"""At 30000/1001; twice as many at twice the rate."""
NTSC: Final = Fraction(1000, 1001)
HOURS: Final = 24
MINUTE: Final = 60
HALF: Final = Fraction(1, 2)
TIMECODE: Final = re.compile(r"(\d{1,2})[:;](\d{2})[:;](\d{2})([:;.])(\d{2,3})", re.ASCII)


class FrameRate(msgspec.Struct, frozen=True, kw_only=True):
    """Frames a second, as they are counted."""

    fps: Fraction
    notice: str | None = None
    """What a person should know: a measured rate that is no standard one."""


class Timebase(msgspec.Struct, frozen=True, kw_only=True):
    """How the frames of one video are counted."""

    fps: Fraction
    start: int = 0
    """Number of the video's first frame since midnight."""
    drop_frame: bool = False
    notices: tuple[str, ...] = ()

    def timecode(self, frame: int) -> str:
        """Timecode of a frame that is counted from the beginning of the video."""
        return to_timecode(frame, self.fps, drop_frame=self.drop_frame, start=self.start)


def nominal_rate(fps: Fraction) -> int:
    """Numbers that timecode gives to one second: 24 for 24000/1001.

    Args:
        fps: Frames a second.

    Returns:
        The nearest whole number, at least 1.
    """
    return max(1, int(fps + HALF))


def can_drop_frames(fps: Fraction) -> bool:
    """Whether drop frame is defined at this rate.

    Args:
        fps: Frames a second.

    Returns:
        True for multiples of 30000/1001.
    """
    return nominal_rate(fps) % DROP_BASE == 0 and fps == nominal_rate(fps) * NTSC


def standard_rate(measured: Fraction, frames: int) -> FrameRate:
    """The standard rate that a measured one stands for.

    Args:
        measured: Frames a second, perhaps a mean such as 2997/100.
        frames: Of the whole video.

    Returns:
        The nearest standard rate, if no frame of the video lies half a frame or more elsewhere at
        it; otherwise the measured rate, with a notice.

    Raises:
        ValueError: If the rate is not above 0.
    """
    if measured <= 0:
        raise ValueError(f"a rate must be above 0, got {measured}")
    nearest = min(STANDARD_RATES, key=lambda rate: abs(rate - measured))
    if abs(nearest / measured - 1) * max(frames, 1) < HALF:
        return FrameRate(fps=nearest)
    notice = (
        f"{float(measured):.6g} frames a second is no standard rate; timecode counts "
        f"{nominal_rate(measured)} a second, and an editor may ask which rate it is"
    )
    return FrameRate(fps=measured, notice=notice)


def timebase_of(video: VideoInfo, *, drop_frame: bool | None = None) -> Timebase:
    """How the frames of a video are counted.

    Args:
        video: The video.
        drop_frame: Whether to count drop frame; None for what its start timecode says.

    Returns:
        The count; it starts at 0 where the video states no usable start.

    Raises:
        ValueError: If drop frame is asked for at a rate that has none.
    """
    rate = standard_rate(video.rate, video.frames)
    notices = [rate.notice] if rate.notice else []
    start, drops = 0, False
    if video.start_timecode is not None:
        try:
            start, drops = parse_timecode(video.start_timecode, rate.fps)
        except ValueError as error:
            notices.append(f"the video's start timecode is not used: {error}")
    drops = drops if drop_frame is None else drop_frame
    if drops and not can_drop_frames(rate.fps):
        raise ValueError(f"there is no drop frame at {float(rate.fps):.6g} frames a second")
    return Timebase(fps=rate.fps, start=start, drop_frame=drops, notices=tuple(notices))


def frame_at(seconds: float | Fraction, fps: Fraction) -> int:
    """The frame whose start is nearest.

    Args:
        seconds: From the beginning; a float is taken as the exact number it is.
        fps: Frames a second.

    Returns:
        From 0 for 0 seconds; the later one of two that are as near.
    """
    return (Fraction(seconds) * fps + HALF).__floor__()


def seconds_at(frame: int, fps: Fraction) -> Fraction:
    """When a frame starts.

    Args:
        frame: From 0.
        fps: Frames a second.

    Returns:
        Seconds, exactly.
    """
    return frame / fps


def to_timecode(frame: int, fps: Fraction, *, drop_frame: bool, start: int = 0) -> str:
    """The timecode of a frame.

    Args:
        frame: Counted from the one that has the number `start`.
        fps: Frames a second.
        drop_frame: Whether numbers are skipped, which is written with `;`.
        start: Number of frame 0 since midnight.

    Returns:
        Such as `01:00:00:00`; after 24 hours it begins again.

    Raises:
        ValueError: If drop frame is asked for at a rate that has none.

    Example:
        >>> to_timecode(1800, Fraction(30000, 1001), drop_frame=True)
        '00:01:00;02'
    """
    base, dropped = _base(fps, drop_frame=drop_frame)
    number = (frame + start) % _frames_a_day(base, dropped)
    if dropped:
        number += _skipped_before(number, base, dropped)
    seconds, frames = divmod(number, base)
    minutes, second = divmod(seconds, MINUTE)
    hour, minute = divmod(minutes, MINUTE)
    mark, digits = ";" if drop_frame else ":", max(2, len(str(base - 1)))
    return f"{hour:02d}:{minute:02d}:{second:02d}{mark}{frames:0{digits}d}"


def parse_timecode(text: str, fps: Fraction) -> tuple[int, bool]:
    """Read a timecode.

    Args:
        text: `hh:mm:ss:ff`, or drop frame, with `;` (or `.`) before the frames.
        fps: Frames a second.

    Returns:
        Number of the frame since midnight, and whether it is drop frame.

    Raises:
        ValueError: If this is no timecode, or none that exists at this rate.
    """
    found = TIMECODE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no timecode such as 01:00:00:00")
    drop_frame = found[4] != ":"
    base, dropped = _base(fps, drop_frame=drop_frame)
    hour, minute, second, frame = (int(found[group]) for group in (1, 2, 3, 5))
    if hour >= HOURS or minute >= MINUTE or second >= MINUTE or frame >= base:
        raise ValueError(f"{text!r} does not exist at {float(fps):.6g} frames a second")
    minutes = MINUTE * hour + minute
    if dropped and minute % 10 and second == 0 and frame < dropped:
        raise ValueError(f"{text!r} is a number that drop frame skips")
    skipped = dropped * (minutes - minutes // 10)
    return (MINUTE * minutes + second) * base + frame - skipped, drop_frame


def _base(fps: Fraction, *, drop_frame: bool) -> tuple[int, int]:
    """Numbers a second, and those that are skipped a minute.

    Args:
        fps: Frames a second.
        drop_frame: Whether numbers are skipped.

    Returns:
        Both.

    Raises:
        ValueError: If there are none.
    """
    if fps <= 0:
        raise ValueError(f"a rate must be above 0, got {fps}")
    base = nominal_rate(fps)
    if not drop_frame:
        return base, 0
    if not can_drop_frames(fps):
        raise ValueError(f"there is no drop frame at {float(fps):.6g} frames a second")
    return base, DROPPED_A_MINUTE * base // DROP_BASE


def _frames_a_day(base: int, dropped: int) -> int:
    minutes = HOURS * MINUTE
    return minutes * MINUTE * base - dropped * (minutes - minutes // 10)


def _skipped_before(frame: int, base: int, dropped: int) -> int:
    """Numbers that were skipped before a frame of the day."""
    a_minute = MINUTE * base - dropped
    tens, rest = divmod(frame, 10 * a_minute + dropped)
    return dropped * (9 * tens + max(0, (rest - dropped) // a_minute))
