"""Whether music is heard, second by second, also under a voice.

Music holds tones: partials that stay at one frequency for tenths of a second, several at a time. A
voice glides, noise has none, and a beep or a hum has too few of them. So each frame of the spectrum
is compared with its own surroundings in frequency, what stands out is marked, and the marks are
counted along time: a frequency that stands out for most of three seconds is a peak of that count.

Source: Seyerlehner, Pohle, Schedl and Widmer, "Automatic music detection in television
productions", DAFx 2007 (continuous frequency activation; the five highest peaks are summed). Drums
without tones are not found by it, and neither is a voice that sings alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.audio.spectrum import magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

MUSIC_STEADINESS: Final = 2.4
"""From which on a second is taken for music: 99 of 100 seconds of read sentences and of noise stay
below it (docs/masking.md)."""

_WINDOW_LENGTH = 2048
_HOP_LENGTH = 500  # 32 frames a second
_FRAMES_PER_SECOND = ANALYSIS_RATE // _HOP_LENGTH
_BINS = slice(16, 640)  # 125 Hz to 5 kHz
_SURROUNDINGS = 21  # bins
_STANDS_OUT_DB = 3.0
_BLOCK_FRAMES = 104  # 3.25 s
_PEAKS = 5
_SILENT_DB = -80.0
_HUM_SECONDS = 15  # a tone that stands through more than this is a machine's, or the mains'
_HUM_SHARE = 0.95
_HUM_WIDTH = 7  # bins: its skirts flicker


def tone_steadiness(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure how many steady tones there are around each second.

    Args:
        waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,).

    Returns:
        Sum of the five strongest tones' steadiness, 0 to 5, float32, shape (seconds,); the last,
        partial second counts.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    seconds = -(-len(waveform) // ANALYSIS_RATE)
    if len(waveform) < _WINDOW_LENGTH:
        return np.zeros(seconds, dtype=np.float32)
    marks = []
    for block in magnitudes(waveform, window_length=_WINDOW_LENGTH, hop_length=_HOP_LENGTH):
        levels = 20 * np.log10(block[:, _BINS] / (_WINDOW_LENGTH / 4) + 1e-9)
        stands_out = levels - uniform_filter1d(levels, _SURROUNDINGS, axis=1) > _STANDS_OUT_DB
        marks.append(stands_out & (levels > _SILENT_DB))
    marked = np.concatenate(marks)
    if seconds >= _HUM_SECONDS:
        is_hum = marked.mean(axis=0) > _HUM_SHARE
        marked &= ~maximum_filter1d(is_hum, _HUM_WIDTH)
    frames = min(_BLOCK_FRAMES, len(marked))
    found = np.zeros(seconds, dtype=np.float32)
    for second in range(seconds):
        middle = round((second + 0.5) * _FRAMES_PER_SECOND)
        start = min(max(0, middle - frames // 2), len(marked) - frames)
        found[second] = _peak_sum(marked[start : start + frames].mean(axis=0))
    return found


def _peak_sum(share: NDArray[np.float64]) -> float:
    """Sum of how far the highest peaks stand above the valleys beside them."""
    from scipy.signal import find_peaks

    _, found = find_peaks(share, prominence=0.05, wlen=_SURROUNDINGS)
    return float(np.sort(found["prominences"])[-_PEAKS:].sum())
