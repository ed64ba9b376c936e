"""The resampler that MU-LLaMA was trained behind: a Hann-windowed sinc.

Everything else here resamples with soxr, which is faster and cuts sharper. A network that was
trained on one resampler's output should hear the same.

Source: torchaudio.functional.resample, defaults (width 6 zero crossings, roll-off 0.99); Smith
2002, Digital Audio Resampling, ccrma.stanford.edu/~jos/resample (theory).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ZERO_CROSSINGS = 6
ROLL_OFF = 0.99


class HannResampler:
    """Resamples a mono signal piece by piece; the pieces' lengths do not change the result.

    Args:
        rate_in: Of the signal, in Hz.
        rate_out: Wanted, in Hz.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        divisor = math.gcd(rate_in, rate_out)
        self._in, self._out = rate_in // divisor, rate_out // divisor
        self._kernel, self._half = _kernel(self._in, self._out)
        self._pending: NDArray[np.float32] = np.zeros(self._half, dtype=np.float32)
        self._samples_in = 0
        self._samples_out = 0

    def resample_chunk(
        self, samples: NDArray[np.float32], *, last: bool = False
    ) -> NDArray[np.float32]:
        """The next piece.

        Args:
            samples: Float32, (samples,); may be empty.
            last: Whether the signal ends with it.

        Returns:
            What can be said by now, float32; in all ceil(samples * rate_out / rate_in) samples.
        """
        import torch

        self._samples_in += samples.size
        parts = [self._pending, samples]
        if last:
            parts.append(np.zeros(self._half + self._in, dtype=np.float32))
        signal = np.concatenate(parts)
        frames = (signal.size - self._kernel.shape[-1]) // self._in + 1
        if frames <= 0:
            self._pending = signal
            return np.empty(0, dtype=np.float32)
        out: NDArray[np.float32] = (
            torch.nn.functional.conv1d(
                torch.from_numpy(signal)[None, None],
                torch.from_numpy(self._kernel),
                stride=self._in,
            )[0]
            .T.reshape(-1)
            .numpy()
        )
        self._pending = signal[frames * self._in :]
        if last:
            total = -(-self._samples_in * self._out // self._in)
            out = out[: total - self._samples_out]
        self._samples_out += out.size
        return out


def resample_hann(
    waveform: NDArray[np.float32], *, rate_in: int, rate_out: int
) -> NDArray[np.float32]:
    """Resample a whole mono signal.

    Args:
        waveform: Float32, (samples,).
        rate_in: Of the signal, in Hz.
        rate_out: Wanted, in Hz.

    Returns:
        Float32, (ceil(samples * rate_out / rate_in),).

    Example:
        >>> resample_hann(np.ones(441, dtype=np.float32), rate_in=44_100, rate_out=24_000).size
        240
    """
    if rate_in == rate_out:
        return waveform
    return HannResampler(rate_in, rate_out).resample_chunk(waveform, last=True)


@lru_cache(maxsize=8)
def _kernel(rate_in: int, rate_out: int) -> tuple[NDArray[np.float32], int]:
    """Filters of each output phase, (rate_out, 1, taps), and the samples before the first one."""
    cutoff = ROLL_OFF * min(rate_in, rate_out)
    half = math.ceil(ZERO_CROSSINGS * rate_in / cutoff)
    place = np.arange(-half, half + rate_in) / rate_in
    phase = -np.arange(rate_out) / rate_out
    time = np.clip(cutoff * (phase[:, None] + place), -ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = np.cos(np.pi * time / (2 * ZERO_CROSSINGS)) ** 2
    filters = (cutoff / rate_in) * np.sinc(time) * window
    return filters[:, None].astype(np.float32), half
