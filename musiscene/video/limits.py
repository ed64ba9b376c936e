"""What one video may ask of the machine before it is refused."""

from __future__ import annotations

import msgspec

from musiscene.audio.limits import PositiveFloat, PositiveInt


class VideoLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits on one video; one outside them raises `VideoLimitError`."""

    max_bytes: PositiveInt = 20 * 1024**3
    """Largest file."""
    max_seconds: PositiveFloat = 3 * 3600.0
    """Longest video."""
    max_pixels: PositiveInt = 8192 * 4320
    """Of one picture as it is stored."""
    max_frames: PositiveInt = 3 * 3600 * 60
    """Most frames that are decoded."""
    max_frame_rate: PositiveFloat = 240.0
    """Frames a second."""
    max_streams: PositiveInt = 64
    """Of all kinds in one file."""
    max_shots: PositiveInt = 20_000
    """A video with more is noise."""
    timeout_seconds: PositiveFloat = 3600.0
    """Wall clock for watching and hearing one video."""
    memory_bytes: PositiveInt = 3 * 1024**3
    """Address space that the process which watches it may take beyond what it starts with."""
