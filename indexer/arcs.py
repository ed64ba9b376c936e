"""The course of a track's energy: does it build, stay level, or fall away?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arc: TypeAlias = Literal["build", "steady", "release"]

SMOOTHING_SECONDS: Final = 3
"""Of the energy: an arc is made of phrases, not of single drum hits."""
LEAST_RANGE: Final = 0.25
"""Energy between a track's quiet and loud parts (10 dB), at least: less is no course of its own."""
FULL_RISE: Final = 0.6
"""A rise over so much of the track's own range is a whole build."""
CLIMAX_SHARE: Final = 0.5
"""How much of the fit of a build or release is how loud its loud third is: a build that stops short
of the climax is half a build."""


class Energy:
    """A track's energy as arcs are measured by it: smoothed, and relative to its own range.

    Integrals from the beginning to every second make any window's mean, slope and variance a
    matter of a few look-ups.

    Args:
        curve: One value a second relative to the loudest, 0 to 1, shape (seconds,); where it is
            too short, its last value goes on.
        duration_seconds: Of the track.

    Attributes:
        curve: As given, one value for each second of the track, the last partial one included.
        level: Smoothed, where 0 is the track's quiet and 1 its loud parts (percentiles 5 and 95).
    """

    def __init__(self, curve: NDArray[np.floating], duration_seconds: float) -> None:
        seconds = max(math.ceil(duration_seconds), 1)
        known = curve[:seconds].astype(np.float64)
        last = known[-1:] if len(known) else np.zeros(1)
        self.curve: NDArray[np.float64] = np.concatenate([known, last.repeat(seconds - len(known))])
        width = min(SMOOTHING_SECONDS, seconds)
        before, after = self.curve[:1].repeat(width // 2), self.curve[-1:].repeat((width - 1) // 2)
        padded = np.concatenate([before, self.curve, after])
        smooth = np.convolve(padded, np.full(width, 1 / width), "valid")
        # np.percentile does the same, and takes longer than all else here
        low, high = np.interp(
            np.array([0.05, 0.95]) * (seconds - 1), np.arange(seconds), np.sort(smooth)
        )
        self.level: NDArray[np.float64] = (smooth - low) / max(high - low, LEAST_RANGE)
        self.level = self.level.clip(0, 1)
        middles = np.arange(seconds) + 0.5
        self._sums = np.zeros((3, seconds + 1))
        np.cumsum([self.level, self.level * middles, self.level**2], axis=1, out=self._sums[:, 1:])

    def _moments(
        self, starts: NDArray[np.float64], ends: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        """Means of the level, of time times level, and of its square, each (windows,)."""
        integrals = []
        for times in (starts, ends):
            second = np.minimum(times.astype(np.intp), len(self.level) - 1)
            level, past = self.level[second], times - second
            part = np.array([level * past, level * past * (times + second) / 2, level**2 * past])
            integrals.append(self._sums[:, second] + part)
        return tuple((integrals[1] - integrals[0]) / (ends - starts))

    def peak(self, start: float, end: float) -> float:
        """The middle of the loudest second of a window."""
        seconds = np.arange(int(start), max(math.ceil(end), int(start) + 1))
        second = seconds[self.curve[seconds].argmax()]
        return float(np.clip(second + 0.5, start, end))

    def means(self, edges: NDArray[np.float64]) -> tuple[float, ...]:
        """Means of the energy as it was measured, between neighbouring edges."""
        sums = np.concatenate([[0.0], np.cumsum(self.curve)])
        values = np.diff(np.interp(edges, np.arange(len(sums)), sums)) / np.diff(edges)
        return tuple(values.round(3).tolist())

    def arc_fits(
        self, starts: NDArray[np.float64], ends: NDArray[np.float64]
    ) -> dict[Arc, NDArray[np.float64]]:
        """How well each window takes each course, 0 to 1.

        The straight line through a window's level (least squares) has a rise, and explains a share
        of the variance. A build or release fits by the correlation with that line, times how far
        the rise goes towards `FULL_RISE`; half of it asks that the loud third is loud for
        this track. A steady window fits by how little its level varies: a ramp over the whole
        range, whose standard deviation is 1 / sqrt(12), does not fit at all.

        Args:
            starts: Of the windows, in seconds, shape (windows,).
            ends: After the starts and within the track, likewise.

        Returns:
            Course -> fits, shape (windows,).
        """
        lengths, third = ends - starts, (ends - starts) / 3
        mean, moment, square = self._moments(starts, ends)
        covariance = moment - mean * (starts + ends) / 2
        variance = np.maximum(square - mean**2, 1e-9)
        rise = 12 * covariance / lengths
        correlation = covariance / np.sqrt(variance * lengths**2 / 12)
        shape = np.clip(correlation, -1, 1) * np.minimum(np.abs(rise) / FULL_RISE, 1)
        opening = self._moments(starts, starts + third)[0]
        closing = self._moments(ends - third, ends)[0]
        return {
            "build": np.maximum(shape, 0) * (1 - CLIMAX_SHARE + CLIMAX_SHARE * closing),
            "steady": 1 - np.minimum(np.sqrt(12 * variance), 1),
            "release": np.maximum(-shape, 0) * (1 - CLIMAX_SHARE + CLIMAX_SHARE * opening),
        }
