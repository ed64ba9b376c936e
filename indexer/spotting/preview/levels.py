"""How loud the music of a cue is at each moment: its gain and its ducks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from indexer.spotting.cue_plan import Cue, Duck

DUCK_ATTACK_SECONDS: Final = 0.25
"""So long before a voice the music begins to go down."""
DUCK_RELEASE_SECONDS: Final = 0.6
"""So long after it, the music is back."""


def level_points(cue: Cue) -> tuple[tuple[float, float], ...]:
    """The course of a cue's level without its fades.

    Args:
        cue: With its gain and ducks.

    Returns:
        Seconds of the video and dB, in order, between which the level goes straight; at least the
        cue's start and end.
    """
    ducks = [duck for duck in cue.ducks if duck.end_seconds > duck.start_seconds]
    times = {cue.start_seconds, cue.end_seconds}
    for duck in ducks:
        times |= {duck.start_seconds - DUCK_ATTACK_SECONDS, duck.start_seconds}
        times |= {duck.end_seconds, duck.end_seconds + DUCK_RELEASE_SECONDS}
    within = sorted(time for time in times if cue.start_seconds <= time <= cue.end_seconds)
    return tuple(
        (time, cue.gain_db + min((_of(duck, time) for duck in ducks), default=0.0))
        for time in within
    )


def _of(duck: Duck, seconds: float) -> float:
    """What one duck takes, in dB."""
    before = (duck.start_seconds - seconds) / DUCK_ATTACK_SECONDS
    after = (seconds - duck.end_seconds) / DUCK_RELEASE_SECONDS
    return duck.gain_db * max(0.0, 1.0 - max(before, after, 0.0))
