"""What one file may ask of the machine before it is refused."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

PositiveInt = Annotated[int, Meta(ge=1)]
PositiveFloat = Annotated[float, Meta(gt=0)]


class AudioLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits on one audio file; a file outside them raises `AudioLimitError`."""

    max_bytes: PositiveInt = 4 * 1024**3
    """Largest file, in bytes."""
    min_seconds: Annotated[float, Meta(ge=0)] = 0.5
    """Shortest recording; below this neither tempo nor mood means anything."""
    max_seconds: PositiveFloat = 4 * 3600.0
    """Longest recording."""
    max_channels: PositiveInt = 32
    """Most channels in one stream."""
    min_sample_rate: PositiveInt = 4_000
    """Lowest native sample rate in Hz; the loudness filter needs its shelf at 1.5 kHz to fit."""
    max_sample_rate: PositiveInt = 384_000
    """Highest native sample rate in Hz."""
    timeout_seconds: PositiveFloat = 300.0
    """Wall clock for opening and decoding one file."""
