"""What is wrong with a piece as sound, whatever it says: clipped, silent, too loud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.audio.loudness import LoudnessMeter, integrated_lufs

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL_SCALE: Final = 32_766 / 32_768
SILENT_DBFS: Final = -60.0


class SoundCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A piece as sound."""

    loudness_lufs: float | None
    """Integrated; None where nothing passes the gate."""
    peak: float
    """The highest sample, 1 for full scale."""
    clipped_share: float
    """Of all samples, those at full scale."""
    silent_share: float
    """Of all whole seconds, those below -60 dBFS."""


def check_sound(waveform: NDArray[np.float32], *, sample_rate: int) -> SoundCheck:
    """Measure a piece.

    Args:
        waveform: Shape (channels, samples), at least one second.
        sample_rate: In Hz.

    Returns:
        The figures.
    """
    meter = LoudnessMeter(sample_rate=sample_rate, weights=[1.0] * len(waveform))
    meter.add(waveform)
    heights = np.abs(waveform)
    seconds = waveform.shape[1] // sample_rate
    cut = waveform[:, : seconds * sample_rate].reshape(len(waveform), seconds, sample_rate)
    powers = np.square(cut).mean(axis=(0, 2))
    return SoundCheck(
        loudness_lufs=integrated_lufs(meter.block_powers()),
        peak=float(heights.max()),
        clipped_share=float((heights >= FULL_SCALE).mean()),
        silent_share=float((powers < 10 ** (SILENT_DBFS / 10)).mean()),
    )
