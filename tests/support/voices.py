"""Sentences read by espeak-ng, where it is installed."""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import wave
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOICE_RATE: Final = 16_000
SENTENCE: Final = "The committee met on Tuesday to discuss the new harbour and its boats."
ESPEAK: Final = shutil.which("espeak-ng")
needs_espeak: Final = pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")


@functools.lru_cache(maxsize=16)
def spoken(text: str = SENTENCE, *, voice: str = "en-us") -> NDArray[np.float32]:
    """Mono at `VOICE_RATE`, with a root mean square of 0.05, shape (samples,)."""
    import soxr

    if ESPEAK is None:
        pytest.skip("espeak-ng is not installed")
    command = [ESPEAK, "-v", voice, "--stdout", text]
    said = subprocess.run(  # noqa: S603  # our own words
        command, check=True, capture_output=True, timeout=30
    ).stdout
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(2**31 - 1), dtype=np.int16)
    voice_at_rate = soxr.resample(samples.astype(np.float32) / 2**15, rate, VOICE_RATE)
    scaled: NDArray[np.float32] = (
        0.05 * voice_at_rate / np.sqrt(np.square(voice_at_rate).mean())
    ).astype(np.float32)
    return scaled
