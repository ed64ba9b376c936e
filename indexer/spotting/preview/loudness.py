"""A whole mix -> one loudness below a ceiling, block by block.

What `musiscene.generate.mastering` does to music in memory, with the same limiter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.spotting.preview.scratch import SAMPLE_RATE, Scratch
from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.generate.mastering import (
    CEILING,
    LOOK_AHEAD_SECONDS,
    MOST_ROUNDS,
    NEAR_LU,
    OVERLAP_SAMPLES,
    limiter_gain,
    peaks_around,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

REACH: Final = round(LOOK_AHEAD_SECONDS * SAMPLE_RATE)


class Master(msgspec.Struct, frozen=True, kw_only=True):
    """A mix with the gain that brings it to its loudness."""

    mix: Scratch
    peaks: Scratch
    factor: float
    scale: float
    """Beyond the limiter, where a peak between samples is left over the ceiling."""
    lufs: float | None
    """Reached; None where nothing sounds."""
    true_peak: float
    """1 is full scale."""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The finished sound, shape (2, samples) each, in order."""
        for first, last in self.mix.spans():
            yield _block(self.mix, self.peaks, (first, last), self.factor) * np.float32(self.scale)


def master(mix: Scratch, peaks: Scratch, *, target_lufs: float, step: Callable[[], None]) -> Master:
    """Find what brings a mix to a loudness.

    Args:
        mix: Two channels.
        peaks: One channel, as long; takes the peaks.
        target_lufs: The loudness.
        step: Is called at every block; raises to stop.

    Returns:
        The mix and its gain; a silent one stays as it is.

    Raises:
        OSError: If there is no room for the peaks.
    """
    highest = 0.0
    for first, last in mix.spans():
        step()
        begin = max(0, first - OVERLAP_SAMPLES)
        found = peaks_around(mix.read(begin, last + OVERLAP_SAMPLES))[first - begin :]
        peaks.write(first, found[None, : last - first])
        highest = max(highest, float(found[: last - first].max(initial=0.0)))
    lufs = _lufs((mix.read(*span) for span in mix.spans()), step)
    if lufs is None:
        return Master(mix=mix, peaks=peaks, factor=1.0, scale=1.0, lufs=None, true_peak=highest)
    factor = 1.0
    for _ in range(MOST_ROUNDS):
        factor *= 10 ** ((target_lufs - lufs) / 20)
        if factor * highest <= CEILING:
            return Master(
                mix=mix, peaks=peaks, factor=factor, scale=1.0, lufs=target_lufs,
                true_peak=factor * highest,
            )  # fmt: skip
        lufs = _lufs((_block(mix, peaks, span, factor) for span in mix.spans()), step) or lufs
        if abs(lufs - target_lufs) < NEAR_LU:
            break
    peak = _true_peak(mix, peaks, factor, step)
    scale = min(1.0, CEILING / peak)
    return Master(
        mix=mix, peaks=peaks, factor=factor, scale=scale, lufs=lufs + 20 * float(np.log10(scale)),
        true_peak=peak * scale,
    )  # fmt: skip


def _block(
    mix: Scratch, peaks: Scratch, span: tuple[int, int], factor: float
) -> NDArray[np.float32]:
    first, last = span
    begin = max(0, first - 2 * REACH)
    around = peaks.read(begin, last + 2 * REACH)[0]
    gain = limiter_gain(around, factor, REACH)[first - begin :][: last - first]
    return mix.read(first, last) * gain


def _lufs(blocks: Iterator[NDArray[np.float32]], step: Callable[[], None]) -> float | None:
    meter = LoudnessMeter(sample_rate=SAMPLE_RATE, weights=(1.0, 1.0))
    for block in blocks:
        step()
        meter.add(block)
    return integrated_lufs(meter.block_powers())


def _true_peak(mix: Scratch, peaks: Scratch, factor: float, step: Callable[[], None]) -> float:
    highest = 0.0
    for first, last in mix.spans():
        step()
        around = (max(0, first - OVERLAP_SAMPLES), min(mix.samples, last + OVERLAP_SAMPLES))
        highest = max(highest, float(peaks_around(_block(mix, peaks, around, factor)).max()))
    return highest
