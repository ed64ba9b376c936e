"""Every backend's music -> one loudness, without clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.errors import GenerationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TARGET_LUFS: Final = -16.0
NEAR_LU: Final = 0.05
CEILING: Final = 0.89
"""Highest sample, 1 dB below full scale."""
KNEE: Final = 0.6
"""From there on peaks are bent down."""


def to_loudness(
    music: NDArray[np.float32], *, sample_rate: int, target_lufs: float = TARGET_LUFS
) -> NDArray[np.float32]:
    """Bring music to one loudness without clipping.

    Args:
        music: Shape (channels, samples).
        sample_rate: In Hz.
        target_lufs: The loudness.

    Returns:
        The same, louder or quieter; peaks above `KNEE` are bent down to below `CEILING`.

    Raises:
        GenerationError: If nothing sounds.
    """
    for _ in range(4):  # bending takes some loudness away
        loudness = _loudness(music, sample_rate)
        if loudness is None:
            raise GenerationError("the music came out silent; try another seed")
        music = _bent(music * np.float32(10 ** ((target_lufs - loudness) / 20)))
        if abs(loudness - target_lufs) < NEAR_LU:
            break
    return music


def _loudness(music: NDArray[np.float32], sample_rate: int) -> float | None:
    meter = LoudnessMeter(sample_rate=sample_rate, weights=[1.0] * len(music))
    meter.add(music)
    return integrated_lufs(meter.block_powers())


def _bent(music: NDArray[np.float32]) -> NDArray[np.float32]:
    over = np.abs(music) > KNEE
    room = CEILING - KNEE
    bent = np.sign(music[over]) * (KNEE + room * np.tanh((np.abs(music[over]) - KNEE) / room))
    music[over] = bent
    return music
