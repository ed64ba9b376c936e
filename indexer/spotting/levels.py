"""How loud a cue is, and how it comes in and goes out."""

from __future__ import annotations

from typing import Final

REFERENCE_LUFS: Final = -18.0
"""To which every track is brought before the mix. Source: ReplayGain 2.0 specification, reference
level."""
MOST_GAIN_DB: Final = 6.0
LEAST_GAIN_DB: Final = -30.0
FADE_IN_SECONDS: Final[dict[str, float]] = {
    "track start": 0.0, "track end": 0.75,
    "phrase": 0.02, "downbeat": 0.05, "beat": 0.25, "free": 0.75,
}  # fmt: skip
FADE_OUT_SECONDS: Final[dict[str, float]] = {
    "track end": 0.0, "track start": 1.5,
    "phrase": 0.4, "downbeat": 0.6, "beat": 1.0, "free": 1.5,
}  # fmt: skip
MOST_OF_CUE: Final = 0.3
"""No fade takes more of a cue."""


def gain_db(loudness_lufs: float | None) -> float:
    """By how much a track is turned up or down.

    Args:
        loudness_lufs: Of the track; None where it is not known.

    Returns:
        In dB; 0 where the loudness is not known.
    """
    if loudness_lufs is None:
        return 0.0
    return round(min(max(REFERENCE_LUFS - loudness_lufs, LEAST_GAIN_DB), MOST_GAIN_DB), 2)


def fades(starts_at: str, ends_at: str, cue_seconds: float) -> tuple[float, float]:
    """How long a cue takes to come in and to go out.

    Args:
        starts_at: What its in point falls on, an `indexer.cut_points.CutPoint`.
        ends_at: What its out point falls on.
        cue_seconds: Its length.

    Returns:
        Both in seconds.
    """
    most = MOST_OF_CUE * cue_seconds
    fade_in, fade_out = FADE_IN_SECONDS[starts_at], FADE_OUT_SECONDS[ends_at]
    return round(min(fade_in, most), 3), round(min(fade_out, most), 3)
