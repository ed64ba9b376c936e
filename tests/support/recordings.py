"""Music with landmarks, and copies of it as other files would hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musiscene.audio.fingerprint import fingerprint
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.repository import Catalogue

RATE = 8_000


def tune(seed: int, *, seconds: float = 24.0) -> NDArray[np.float32]:
    """Plucked notes at random times and pitches, float32, shape (samples,)."""
    draw = np.random.default_rng(seed)
    waveform = np.zeros(round(seconds * RATE))
    time = np.arange(RATE) / RATE
    for start in np.cumsum(draw.uniform(0.08, 0.4, size=round(seconds * 4))):
        first = round(start * RATE)
        if first >= len(waveform):
            break
        hertz = 110 * 2 ** (draw.integers(0, 36) / 12)
        note = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 9))
        note = note * np.exp(-draw.uniform(2, 8) * time) * draw.uniform(0.3, 1.0)
        room = waveform[first : first + RATE]
        room += note[: len(room)]
    scaled: NDArray[np.float32] = (0.3 * waveform / np.abs(waveform).max()).astype(np.float32)
    return scaled


def coarse(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a coder of few bits leaves: quantised by 8 bits, and with some noise."""
    noise = np.random.default_rng(1).normal(0, 0.001, len(waveform))
    rounded: NDArray[np.float32] = (np.round(waveform * 127) / 127 + noise).astype(np.float32)
    return rounded


def print_of(waveform: NDArray[np.float32]) -> bytes:
    """Its fingerprint."""
    return fingerprint(waveform, sample_rate=RATE)


def put(
    catalogue: Catalogue, name: str, data: bytes | None, *, audio_hash: str | None = None
) -> UUID:
    """Store a track `/m/NAME` with this fingerprint."""
    return store(
        catalogue, listening(f"/m/{name}", audio_hash=audio_hash or name), fingerprint=data
    )
