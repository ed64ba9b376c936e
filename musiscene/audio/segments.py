"""Sections of a track, cut where the music changes."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE, to_analysis_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.audio.tags import Chapter

SHORTEST_SECONDS, LONGEST_SECONDS = 10.0, 30.0
MAX_SEGMENTS = 12
_WHOLE_BELOW_SECONDS = 20.0
_N_FFT = 4096
_HOP_LENGTH = 4000  # a quarter of a second
_FRAME_SECONDS = _HOP_LENGTH / ANALYSIS_RATE
_KERNEL_SECONDS = (4.0, 8.0)  # phrase and section
_CHUNK_FRAMES = 480  # two minutes at a time
_MAX_GRID = 3000  # places to cut at; coarser than a frame only past twelve minutes
_SNAP_SECONDS = 0.7
_CHAPTER_SECONDS = 2.0


class SegmentBounds(msgspec.Struct, frozen=True, kw_only=True):
    """Where one segment begins and ends."""

    start_seconds: float
    """From the beginning of the track."""
    end_seconds: float
    """From the beginning of the track."""
    title: str | None = None
    """Of the song, where the track holds several."""


def find_segments(
    waveform: NDArray[np.float32], *, sample_rate: int, target_seconds: float = 15.0
) -> list[SegmentBounds]:
    """Cut a track into a few segments at musical boundaries.

    Boundaries maximise the novelty of harmony, timbre and loudness there, less a penalty for
    lengths far from the target; each is then moved to the nearest strong onset. A track with
    more than `MAX_SEGMENTS` targets gets longer segments.

    Args:
        waveform: Mono audio, float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.
        target_seconds: Length to aim at, 10 to 30 seconds.

    Returns:
        Segments in order, without gaps, from 0 to the end; one for a track under 20 seconds, none
        for an empty one.

    Raises:
        ValueError: If `target_seconds` is outside 10 to 30.

    Example:
        >>> minute = np.zeros(18 * 16_000, dtype=np.float32)
        >>> find_segments(minute, sample_rate=16_000)
        [SegmentBounds(start_seconds=0.0, end_seconds=18.0, title=None)]
    """
    if not SHORTEST_SECONDS <= target_seconds <= LONGEST_SECONDS:
        raise ValueError(f"target_seconds must lie in 10 to 30, got {target_seconds}")
    duration = len(waveform) / sample_rate
    if not duration:
        return []
    cuts: list[float] = []
    if duration >= _WHOLE_BELOW_SECONDS:
        target = max(target_seconds, duration / MAX_SEGMENTS * 1.1)
        novelty = section_novelty(coarse_features(waveform, sample_rate=sample_rate))
        cuts = [
            _snap(waveform, cut, sample_rate=sample_rate)
            for cut in _best_cuts(novelty, duration, target)
        ]
    edges = [0.0, *cuts, round(duration, 3)]
    return [
        SegmentBounds(start_seconds=start, end_seconds=end)
        for start, end in itertools.pairwise(edges)
    ]


def cut_at_chapters(
    bounds: Sequence[SegmentBounds], chapters: Sequence[Chapter]
) -> list[SegmentBounds]:
    """Cut segments so that none is of two songs.

    A boundary within two seconds of a song's beginning gives way to it, and a song that begins or
    ends so near to the track's own ends begins or ends there.

    Args:
        bounds: Segments in order, without gaps.
        chapters: The beginnings of the songs, in order.

    Returns:
        Segments in order, without gaps, over the same time, with the titles of their songs.
    """
    if not bounds or not chapters:
        return list(bounds)
    first, end = bounds[0].start_seconds, bounds[-1].end_seconds
    starts = [
        first if chapter.start_seconds <= first + _CHAPTER_SECONDS else chapter.start_seconds
        for chapter in chapters
    ]
    songs = np.array([start for start in starts if first < start < end - _CHAPTER_SECONDS])
    others = [
        bound.start_seconds
        for bound in bounds[1:]
        if not (np.abs(songs - bound.start_seconds) <= _CHAPTER_SECONDS).any()
    ]
    edges = [first, *sorted({*songs.tolist(), *others}), end]
    titles = [None, *(chapter.title for chapter in chapters)]
    return [
        SegmentBounds(
            start_seconds=start,
            end_seconds=stop,
            title=titles[bisect_right(starts, start)],
        )
        for start, stop in itertools.pairwise(edges)
    ]


def coarse_features(waveform: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float32]:
    """Describe each quarter of a second by its harmony, timbre and loudness.

    Args:
        waveform: Mono audio, float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        Twelve chroma, thirteen cepstral coefficients of the mel spectrum and one loudness, each
        group scaled to unit variance over the track; float32, shape (frames, 26).
    """
    chunk = round(_CHUNK_FRAMES * _FRAME_SECONDS * sample_rate)
    parts = [
        _describe_chunk(to_analysis_rate(waveform[start : start + chunk], sample_rate=sample_rate))
        for start in range(0, len(waveform), chunk)
    ]
    groups = [np.concatenate(group) for group in zip(*parts, strict=True)]
    scaled = [
        (group - group.mean(axis=0)) / max(float(group.std(axis=0).sum()), 1e-6) for group in groups
    ]
    return np.concatenate(scaled, axis=1).astype(np.float32)


def section_novelty(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure how different the seconds after each frame are from the seconds before it.

    A checkerboard kernel on the self-similarity matrix (Foote, "Automatic audio segmentation
    using a measure of audio novelty", ICME 2000), which for inner products equals the squared
    distance of the tapered means before and after, and so costs linear time and memory.

    Args:
        features: Shape (frames, dimensions).

    Returns:
        Mean over the kernel lengths, each scaled to a maximum of 1; shape (frames,).
    """
    from scipy.ndimage import convolve1d

    novelty = np.zeros(len(features))
    for kernel_seconds in _KERNEL_SECONDS:
        half = min(round(kernel_seconds / _FRAME_SECONDS), max(len(features) // 2, 1))
        taper = np.hanning(2 * half + 1)[half + 1 :]
        taper = taper / max(taper.sum(), 1e-9)
        kernel = np.concatenate([taper, -taper[::-1]])  # convolution turns it round
        difference = convolve1d(features.astype(np.float64), kernel, axis=0, mode="nearest")
        squared = np.square(difference).sum(axis=1)
        novelty += squared / max(float(squared.max()), 1e-12) / len(_KERNEL_SECONDS)
    return novelty


def _describe_chunk(
    excerpt: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Chroma (frames, 12), cepstrum (frames, 13) and loudness (frames, 1) of two minutes."""
    import librosa
    from scipy.fft import dct

    if len(excerpt) < _N_FFT:
        excerpt = np.pad(excerpt, (0, _N_FFT - len(excerpt)))
    magnitude = np.abs(librosa.stft(excerpt, n_fft=_N_FFT, hop_length=_HOP_LENGTH))
    magnitude = magnitude[:, : max(len(excerpt) // _HOP_LENGTH, 1)]
    chroma = librosa.filters.chroma(sr=ANALYSIS_RATE, n_fft=_N_FFT) @ np.sqrt(magnitude)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=0, keepdims=True), 1e-6)
    mel = librosa.filters.mel(sr=ANALYSIS_RATE, n_fft=_N_FFT, n_mels=40) @ np.square(magnitude)
    log_mel = np.log(mel + 1e-6)
    cepstrum = dct(log_mel, axis=0, norm="ortho")[1:14]
    loudness = log_mel.mean(axis=0, keepdims=True)
    return chroma.T, cepstrum.T, loudness.T


def _best_cuts(novelty: NDArray[np.float64], duration: float, target: float) -> list[float]:
    """Boundaries in seconds that maximise novelty less a length penalty (dynamic programming)."""
    # Only peaks earn anything: on the flank of a peak the length penalty would pull the cut away.
    novelty = np.where(novelty >= _local_maximum(novelty), novelty, 0.0)
    step = max(1, -(-len(novelty) // _MAX_GRID))
    step_seconds = step * _FRAME_SECONDS
    grid = np.array([novelty[start : start + step].max() for start in range(0, len(novelty), step)])
    peaks = [
        int(np.argmax(novelty[start : start + step])) for start in range(0, len(novelty), step)
    ]
    shortest = max(1, round(target * 2 / 3 / step_seconds))
    longest = max(shortest + 1, round(target * 2 / step_seconds))
    count = len(grid)
    lengths = np.arange(shortest, longest + 1)
    costs = 0.5 * np.square(np.log2(lengths * step_seconds / target))
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    previous = np.zeros(count + 1, dtype=int)
    for end in range(shortest, count + 1):
        usable = lengths <= end
        gains = best[end - lengths[usable]] - costs[usable]
        choice = int(np.argmax(gains))
        best[end] = gains[choice] + (grid[end] if end < count else 0.0)
        previous[end] = end - lengths[choice]
    cuts: list[float] = []
    position = int(previous[count])
    while position > 0:
        cuts.append((position * step + peaks[position]) * _FRAME_SECONDS)
        position = int(previous[position])
    return [cut for cut in reversed(cuts) if 0 < cut < duration]


def _local_maximum(novelty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Highest value within two seconds of each frame."""
    from scipy.ndimage import maximum_filter1d

    highest: NDArray[np.float64] = maximum_filter1d(novelty, size=2 * round(2 / _FRAME_SECONDS) + 1)
    return highest


def _snap(waveform: NDArray[np.float32], cut: float, *, sample_rate: int) -> float:
    """Move a boundary to the strongest onset nearby, weighing distance."""
    from musiscene.audio.onsets import FRAME_RATE, novelty_curves

    start = max(0.0, cut - 2 * _SNAP_SECONDS)
    end = cut + 2 * _SNAP_SECONDS
    part = waveform[round(start * sample_rate) : round(end * sample_rate)]
    novelty = novelty_curves(to_analysis_rate(part, sample_rate=sample_rate))[-1]
    seconds = start + np.arange(len(novelty)) / FRAME_RATE
    weight = np.exp(-0.5 * np.square((seconds - cut) / (_SNAP_SECONDS / 2)))
    weight[np.abs(seconds - cut) > _SNAP_SECONDS] = 0.0
    weighted = novelty * weight
    return round(float(seconds[int(np.argmax(weighted))]) if weighted.any() else cut, 3)
