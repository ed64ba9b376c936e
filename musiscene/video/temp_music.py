"""The music that lies under a picture already: where it is heard, how fast it goes, where it turns.

What is kept of the sound does not grow with its length, but for one number a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.audio.onsets import FRAME_RATE, novelty_curves
from musiscene.audio.steady_tones import MUSIC_STEADINESS, tone_steadiness
from musiscene.video.analysis import TempMusic

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_MUSIC_SECONDS: Final = 5
"""Less is a ring tone or a jingle, nothing that a track could take the place of."""
LEAST_TEMPO_CONFIDENCE: Final = 0.3
"""Below it no tempo is told."""
MOST_HITS_PER_MINUTE: Final = 12
JUMP_DB: Final = 6.0
"""By how much the two seconds after a jump of energy differ from the two before it."""

_SMOOTHING_SECONDS = 5
_TEMPO_SECONDS = 120  # of music, over which the tempo is measured
_LEAST_SHARE = 0.2  # of a piece's seconds, below which nothing more is asked of it
_TAIL_SECONDS = 4
_NEAR_SECONDS = 2
_APART_SECONDS = 0.75
_ACCENT = 3.0  # times the upper tenth of what begins anywhere
_MOST_ACCENT = 2.0  # one accent does not outweigh every jump
_STEPS_PER_SECOND = 10
_JUMP_STEPS = 2 * _STEPS_PER_SECOND


class TempMusicListener:
    """Hears a sound piece by piece, and tells of the music in it."""

    def __init__(self) -> None:
        self._steadiness: list[NDArray[np.float32]] = []
        self._hits: list[tuple[float, float]] = []
        self._kept: list[NDArray[np.float32]] = []
        self._tail = np.zeros(0, dtype=np.float32)
        self._seconds = 0

    def add(self, waveform: NDArray[np.float32]) -> None:
        """Hear the next piece.

        Args:
            waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,); whole seconds, but
                for the last piece.
        """
        steadiness = tone_steadiness(waveform)
        self._steadiness.append(steadiness)
        if np.mean(steadiness > MUSIC_STEADINESS) > _LEAST_SHARE:
            self._find_turns(waveform)
            if sum(map(len, self._kept)) < _TEMPO_SECONDS * ANALYSIS_RATE:
                self._kept.append(waveform.copy())
        self._tail = waveform[-_TAIL_SECONDS * ANALYSIS_RATE :].copy()
        self._seconds += len(steadiness)

    def _find_turns(self, waveform: NDArray[np.float32]) -> None:
        # Little can be said of the end of a piece before the next one is there.
        begins = self._seconds - len(self._tail) / ANALYSIS_RATE
        joined = np.concatenate([self._tail, waveform])
        first = self._seconds - _TAIL_SECONDS // 2 if self._seconds else 0
        self._hits = [hit for hit in self._hits if hit[0] < first]
        found = [(begins + time, strength) for time, strength in turns_of(joined)]
        self._hits += [hit for hit in found if hit[0] >= first]

    def music(self, energy: NDArray[np.float32]) -> TempMusic | None:
        """Tell of the music.

        Args:
            energy: Of each second, 0 to 1, float32, shape (seconds,).

        Returns:
            What was heard; None where no music was.
        """
        is_music = music_seconds(np.concatenate(self._steadiness or [np.zeros(0, np.float32)]))
        is_music &= energy[: len(is_music)] > 0
        if is_music.sum() < LEAST_MUSIC_SECONDS:
            return None
        curve = np.where(is_music, energy, 0)
        # Music is sure of itself a little after it begins.
        near = np.convolve(is_music, np.ones(2 * _NEAR_SECONDS + 1), mode="same") > 0
        hits = [hit for hit in self._hits if near[min(int(hit[0]), len(near) - 1)]]
        most = max(1, round(MOST_HITS_PER_MINUTE * int(is_music.sum()) / 60))
        strongest = sorted(hits, key=lambda hit: -hit[1])[:most]
        return TempMusic(
            share=round(float(is_music.mean()), 3),
            bpm=self._bpm(),
            energy=tuple(round(float(value), 3) for value in curve),
            hits_seconds=tuple(sorted(round(time, 2) for time, _ in strongest)),
        )

    def _bpm(self) -> float | None:
        from musiscene.audio.tempo import estimate_tempo

        if not self._kept:
            return None
        found = estimate_tempo(np.concatenate(self._kept), sample_rate=ANALYSIS_RATE)
        is_sure = found.bpm > 0 and found.confidence >= LEAST_TEMPO_CONFIDENCE
        return found.bpm if is_sure else None


def music_seconds(steadiness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say of each second whether music is heard, by the majority around it; shape (seconds,)."""
    from scipy.ndimage import median_filter

    if not len(steadiness):
        return np.zeros(0, dtype=np.bool_)
    smoothed = median_filter(steadiness, _SMOOTHING_SECONDS, mode="nearest")
    found: NDArray[np.bool_] = smoothed > MUSIC_STEADINESS
    return found


def turns_of(waveform: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Find where music turns: its strong accents, and jumps of its energy.

    Args:
        waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,).

    Returns:
        Seconds and strength of each, in order; an accent of strength 1 is just strong enough, and
        so is a jump.
    """
    from scipy.signal import find_peaks

    apart = _APART_SECONDS * FRAME_RATE
    novelty = novelty_curves(waveform)[-1]
    usual = max(float(np.percentile(novelty, 90)), 1e-6) * _ACCENT
    jumps = _jumps(waveform, len(novelty))
    # A jump lies where something begins, if anything does: its own curve is seconds wide.
    accents = np.minimum(novelty / usual, _MOST_ACCENT)
    strength = accents + np.where(jumps >= 1, jumps, 0) * (1 + accents)
    peaks, found = find_peaks(strength, height=1.0, distance=apart)
    return [
        (peak / FRAME_RATE, height)
        for peak, height in zip(peaks.tolist(), found["peak_heights"].tolist(), strict=True)
    ]


def _jumps(waveform: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """How far the energy after each frame differs from that before it, in jumps; (frames,)."""
    step = ANALYSIS_RATE // _STEPS_PER_SECOND
    whole = len(waveform) // step
    if whole <= 2 * _JUMP_STEPS:
        return np.zeros(frames)
    powers = np.square(waveform[: whole * step].reshape(whole, step)).mean(axis=1)
    sums = np.convolve(powers, np.ones(_JUMP_STEPS), mode="valid")
    levels = 10 * np.log10(sums + 1e-8)
    difference = np.abs(levels[_JUMP_STEPS:] - levels[:-_JUMP_STEPS]) / JUMP_DB
    padded = np.zeros(whole + 1)
    padded[_JUMP_STEPS : _JUMP_STEPS + len(difference)] = difference
    places = np.minimum(np.arange(frames) * _STEPS_PER_SECOND // FRAME_RATE, whole)
    found: NDArray[np.float64] = padded[places]
    return found
