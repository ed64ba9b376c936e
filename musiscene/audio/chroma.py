"""Which pitches sound in a waveform, and what that says about its key."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.audio.spectrum import magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_FFT = 8192  # 0.5 s: separates semitones down to about 65 Hz
HOP_LENGTH = 1024

_LOWEST_MIDI, _HIGHEST_MIDI = 28, 96  # E1 to C7
_BASS_MIDI = 52  # E3
_PARTIAL_MIDI = 92  # the highest partial looked for
_PEAK_OVER_BACKGROUND = 1.5
_PEAK_FLOOR = 0.003  # of the loudest bin of the excerpt
_COMPRESSION = 0.4
_STEADY_FRAMES = 7  # a tone lasts longer than half of these, a drum does not
_CHORD_SHARPNESS = 15.0
_BASS_SHARE = 0.15


def pitch_salience(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure how strongly each semitone sounds in each frame.

    Spectral peaks that stand out of the three semitones around them, magnitudes compressed, the
    tuning of the whole excerpt taken out, and what is not steady in time filtered away: a drum
    has energy everywhere but few steady peaks.

    Args:
        waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,).

    Returns:
        float32, shape (semitones, frames of 128 ms); row 0 is MIDI pitch 28 (E1).
    """
    from scipy.ndimage import median_filter

    if len(waveform) < N_FFT:
        waveform = np.pad(waveform, (0, N_FFT - len(waveform)))
    frame_count, frames, frequencies, strengths = _spectral_peaks(waveform)
    pitches = 69 + 12 * np.log2(frequencies / 440.0)
    pitches = pitches - _tuning(pitches, strengths)
    semitones = np.rint(pitches).astype(int) - _LOWEST_MIDI
    count = _HIGHEST_MIDI - _LOWEST_MIDI + 1
    # A peak half way between two semitones says nothing about either.
    weights = strengths * np.maximum(np.cos(np.pi * (pitches - np.rint(pitches))), 0) ** 2
    keep = (semitones >= 0) & (semitones < count)
    salience = np.zeros((count, frame_count))
    np.maximum.at(salience, (semitones[keep], frames[keep]), weights[keep])
    steady = median_filter(salience, size=(1, _STEADY_FRAMES))
    pairs = steady[:, : steady.shape[1] // 2 * 2].reshape(count, -1, 2)
    halved: NDArray[np.float32] = pairs.mean(axis=2).astype(np.float32)
    return halved


def key_features(salience: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summarise a stretch of music by pitch class.

    Seven profiles, each with its square root: all pitches by strength, all pitches with every
    frame counting alike, bass, melody, the strongest bass note of each moment, and how much each
    major and each minor triad sounds.

    Args:
        salience: From `pitch_salience`, shape (semitones, frames).

    Returns:
        float32, shape (14, 12); column 0 is C.
    """
    from scipy.ndimage import uniform_filter1d

    chroma = _fold(salience, _LOWEST_MIDI, _HIGHEST_MIDI)
    bass = _fold(salience, _LOWEST_MIDI, _BASS_MIDI)
    melody = _fold(salience, _BASS_MIDI + 1, _HIGHEST_MIDI)
    energy = chroma.sum(axis=0)
    is_loud = energy > 0.05 * energy.max(initial=0.0)
    alike = chroma / np.maximum(energy, 1e-6) * is_loud

    bass_line = uniform_filter1d(bass, 5, axis=1, mode="nearest")
    roots = np.zeros(12)
    np.add.at(roots, bass_line.argmax(axis=0), bass_line.max(axis=0))

    harmony = uniform_filter1d(chroma, 7, axis=1, mode="nearest")
    harmony = harmony / np.maximum(np.linalg.norm(harmony, axis=0), 1e-6)
    below = uniform_filter1d(bass, 7, axis=1, mode="nearest")
    below = below / np.maximum(below.max(axis=0), 1e-6)
    likeness = _triads() @ harmony + _BASS_SHARE * np.concatenate([below, below])  # (24, frames)
    chords = np.exp(_CHORD_SHARPNESS * (likeness - likeness.max(axis=0)))
    chords /= chords.sum(axis=0)
    loudness = np.sqrt(energy)
    triads = (chords * loudness).sum(axis=1) / max(float(loudness.sum()), 1e-6)

    profiles = [chroma.sum(axis=1), alike.sum(axis=1), bass.sum(axis=1), melody.sum(axis=1), roots]
    rows = [profile / max(float(profile.sum()), 1e-6) for profile in profiles]
    stacked = np.stack([*rows, triads[:12], triads[12:]])
    features: NDArray[np.float32] = np.concatenate([stacked, np.sqrt(stacked)]).astype(np.float32)
    return features


def _fold(salience: NDArray[np.float32], lowest: int, highest: int) -> NDArray[np.float32]:
    """Sum semitones into the twelve pitch classes, float32, shape (12, frames)."""
    chroma = np.zeros((12, salience.shape[1]), dtype=np.float32)
    for pitch in range(lowest, highest + 1):
        chroma[pitch % 12] += salience[pitch - _LOWEST_MIDI]
    return chroma


@lru_cache(maxsize=1)
def _triads() -> NDArray[np.float64]:
    """Unit templates of the 12 major and the 12 minor triads with their overtones, (24, 12)."""
    templates = []
    for third in (4, 3):
        tones = np.zeros(12)
        tones[[0, third, 7]] = 1.0
        # The third partial lies a fifth above its tone, the fifth a major third.
        heard = tones + 0.198 * np.roll(tones, 7)
        heard = heard + 0.12 * np.roll(tones, 4)
        heard /= np.linalg.norm(heard)
        templates += [np.roll(heard, root) for root in range(12)]
    return np.stack(templates)


def _spectral_peaks(
    waveform: NDArray[np.float32],
) -> tuple[int, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """How many frames there are; of every peak its frame, frequency (Hz) and strength.

    Frequencies are interpolated, strengths compressed.
    """
    bin_hz = ANALYSIS_RATE / N_FFT
    first = int(440 * 2 ** ((_LOWEST_MIDI - 1 - 69) / 12) / bin_hz)
    last = int(440 * 2 ** ((_PARTIAL_MIDI + 1 - 69) / 12) / bin_hz)
    bins = np.arange(first, last)
    low = np.minimum(np.floor(bins * 2 ** (-3 / 12)).astype(int), bins - 3)
    high = np.maximum(np.ceil(bins * 2 ** (3 / 12)).astype(int) + 1, bins + 4)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    loudest, frame_count = 0.0, 0
    for magnitude in magnitudes(waveform, window_length=N_FFT, hop_length=HOP_LENGTH):
        loudest = max(loudest, float(magnitude.max()))
        summed = np.zeros((len(magnitude), high[-1] + 1))
        np.cumsum(magnitude[:, : high[-1]], axis=1, dtype=np.float64, out=summed[:, 1:])
        background = (summed[:, high] - summed[:, low]) / (high - low)
        left, middle, right = (magnitude[:, first + shift : last + shift] for shift in (-1, 0, 1))
        is_peak = (
            (middle > left) & (middle >= right) & (middle > _PEAK_OVER_BACKGROUND * background)
        )
        frames, places = is_peak.nonzero()
        shape = [side[frames, places].astype(np.float64) for side in (left, middle, right)]
        found.append((frames + frame_count, places, np.stack([*shape, background[frames, places]])))
        frame_count += len(magnitude)
    frames, places = (np.concatenate(column) for column in list(zip(*found, strict=True))[:2])
    left, middle, right, background = np.concatenate([sides for _, _, sides in found], axis=1)
    is_heard = middle > np.float32(_PEAK_FLOOR) * np.float32(loudest)
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    frequencies = (bins[places] + offset) * bin_hz
    strengths = np.maximum(middle - background, 0.0) ** _COMPRESSION
    return frame_count, frames[is_heard], frequencies[is_heard], strengths[is_heard]


def _tuning(pitches: NDArray[np.float64], strengths: NDArray[np.float64]) -> float:
    """Deviation from A4 = 440 Hz in semitones, -0.5 to 0.5: the circular mean over all peaks."""
    total = np.sum(strengths * np.exp(2j * np.pi * pitches))
    return float(np.angle(total) / (2 * np.pi)) if abs(total) > 0 else 0.0
