"""How loud the music is on its way to the points of the picture and from there on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musiscene.generate.composer.form import Form

SWELL_SECONDS: Final = 6.0
BELOW_TOP_DB: Final = -6.0
"""Of a swell just before its top."""
FROM_DB, QUIET_DB, BEFORE_HIT_DB, AFTER_SWELL_DB = -14.0, -5.0, -10.0, -7.0
EASE_SECONDS: Final = 0.5
"""In which the music falls back to where a swell begins."""
RING_OFF_SECONDS: Final = 0.1
SILENT_DB: Final = -140.0
ACCENT: Final = 24
"""Added to the velocities of what sounds on a hit or at the top of a swell."""


def gain(form: Form, samples: int, *, sample_rate: int) -> NDArray[np.float32]:
    """The factor for each sample.

    Args:
        form: Bars and points that are met.
        samples: Of the piece.
        sample_rate: In Hz.

    Returns:
        0 to 1, float32, shape (samples,); 1 without points to meet.
    """
    times = np.arange(0.0, samples / sample_rate + 0.01, 0.01)
    level = np.zeros(len(times))
    points = [hit.seconds for hit in form.met]
    for number, hit in enumerate(form.met):
        before = points[number - 1] if number else 0.0
        following = points[number + 1] if number + 1 < len(points) else times[-1]
        at = hit.seconds
        if hit.kind == "swell":
            start = max(before, at - SWELL_SECONDS)
            rise = np.interp(times, (start, start + EASE_SECONDS, at), (0.0, FROM_DB, BELOW_TOP_DB))
            level += rise * ((times >= start) & (times < at))
            fallen = np.interp(times, (at + 1.0, at + 2.0), (0.0, AFTER_SWELL_DB))
            level += fallen * ((times >= at) & (times < following))
        elif hit.kind == "hit":
            level[(times >= max(before, at - 0.5)) & (times < at - 0.01)] += BEFORE_HIT_DB
            fallen = np.interp(times, (at + 0.5, at + 2.0), (0.0, -2.0))
            level += fallen * ((times >= at) & (times < following))
        elif hit.kind == "quiet":
            level += np.interp(times, (at, at + 0.3), (0.0, QUIET_DB)) * (times < following)
    for start, end in silences(form):
        off = np.interp(times, (start, start + RING_OFF_SECONDS), (0.0, SILENT_DB))
        level += off * (times < end - 0.005)
    factor: NDArray[np.float32] = np.interp(
        np.arange(samples) / sample_rate, times, 10 ** (level / 20)
    ).astype(np.float32)
    return factor


def silences(form: Form) -> list[tuple[float, float]]:
    """From when to when nothing is heard: after cuts, until the music begins anew."""
    spans = [
        (form.seconds_of(bar.start), form.seconds_of(bar.start + bar.beats))
        for bar in form.bars
        if bar.silent
    ]
    return [*spans, (form.end_seconds, np.inf)] if form.is_cut_off else spans


def shaped(intensity: tuple[float, ...], form: Form) -> tuple[float, ...]:
    """Let the players follow the points: more of them towards a swell, few where it is quiet.

    Args:
        intensity: Of each bar, 0 to 1.
        form: Bars and points that are met.

    Returns:
        The same, bent.
    """
    bent = list(intensity)
    kinds: str | None = None
    for number, bar in enumerate(form.bars):
        kinds = bar.hit or kinds
        if kinds == "quiet":
            bent[number] = min(bent[number], 0.2)
        if bar.hit in {"hit", "swell"}:
            bent[number] = 1.0
        ahead = next((one for one in form.bars[number + 1 :] if one.hit), None)
        if ahead is not None and ahead.hit == "swell":
            left = form.seconds_of(ahead.start) - form.seconds_of(bar.start)
            if left < SWELL_SECONDS:
                bent[number] = max(bent[number], 1.0 - left / SWELL_SECONDS)
    return tuple(round(value, 3) for value in bent)
