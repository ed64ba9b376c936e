"""A track's acoustic fingerprint, and how much of two tracks is the same recording.

Every 128 ms, 32 numbers say how the difference between neighbouring bands has changed within half a
second. A gain, a fixed equalisation and most of what a coder does leave them as they are. Kept are
the sign of each, and whether it is strong: a coder turns signs that were near zero anyway, another
instrument or another take turns strong ones. So two fingerprints are held against each other where
at least one of them is strong.

Bytes of version 1, little-endian: version (u8), words (u32), landmarks (64 x u32: the signs where
the change is greatest, by which copies are found), level of each 8 words (u8, decibels below the
loudest), signs (u32 a word), strengths (u32 a word).

Source: after Haitsma and Kalker 2002, "A Highly Robust Audio Fingerprinting System", ISMIR, section
4.2: signs of differences in time and band. The strengths, landmarks and windows are ours.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION: Final = 1
WORD_SECONDS: Final = 0.128
MAX_LANDMARKS: Final = 64

_RATE = 8_000
_N_FFT = 2_048
_HOP_LENGTH = 512
_LOWEST_HERTZ, _HIGHEST_HERTZ = 250.0, 3_500.0  # what even 32 kbit/s keep
_SMOOTHED_FRAMES = 5  # 0.32 s
_LAG_WORDS = 4
_STRONG_DB = 4.0
_FLOOR_DB = -50.0  # below the mean band: what is softer depends on the coder alone
_BLOCK_SECONDS = 32
_BITS = 32
_GREAT_DB = 8.0  # a change beyond it is no surer
_LANDMARK_WORDS = 4  # within so many on both sides, one is the greatest
_LEVEL_WORDS = 8
_AUDIBLE_DB = 45  # below the loudest
_HEADER = struct.Struct(f"<BI{MAX_LANDMARKS}I")
HEADER_BYTES: Final = _HEADER.size
"""So many of a fingerprint's first bytes tell its length and landmarks."""

_WINDOW_WORDS = 32  # 4.1 s
_WINDOW_STEP = 8
_OFFSET_SECONDS = 10.0  # how far two copies may be shifted against each other
_AGREEING_ERROR = 0.12  # of 4 s that agree

MAX_ERROR: Final = 0.06
"""Of one recording, see `is_same_recording`; docs/duplicates.md shows the distributions."""
MAX_WORST_ERROR: Final = 0.13
MAX_CONTRADICTION: Final = 0.012
MAX_WORST_CONTRADICTION: Final = 0.032
MAX_OUTSIDE_SECONDS: Final = 7.0
"""Audible seconds that one copy may have before and after the other: a cut intro, a cut end."""
MAX_OUTSIDE_SHARE: Final = 0.15
"""The same, of what both have."""
MIN_EVIDENCE: Final = 600
"""Strong numbers below which nothing is decided: some 5 s of music, or minutes of a steady tone."""


class Summary(msgspec.Struct, frozen=True):
    """What the first bytes of a fingerprint tell."""

    seconds: float
    landmark_bytes: bytes
    """Signs where the change is greatest, u32 each; copies have some of them in common."""

    @property
    def landmarks(self) -> NDArray[np.uint32]:
        """The landmarks, each once, rising, uint32, shape (landmarks,)."""
        return np.unique(np.frombuffer(self.landmark_bytes, "<u4"))


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """How much of two tracks is the same, where they agree best."""

    offset_seconds: float
    """By how much the first one is late against the second."""
    overlap_seconds: float
    """What was held against each other, silence left out."""
    outside_seconds: float
    """Audible seconds that only one of the two has, before and after the overlap."""
    evidence: int
    """Numbers that are strong in one of the two."""
    error: float
    """Of these, the share with different signs; 0.5 for unrelated tracks."""
    worst_error: float
    """The same in the worst 4 s."""
    contradiction: float
    """The share with different signs where both are strong."""
    worst_contradiction: float
    """The same in the worst 4 s."""
    agreeing_share: float
    """Of the audible seconds of the longer one, those within 4 s that agree."""


UNLIKE: Final = Likeness(
    offset_seconds=0.0,
    overlap_seconds=0.0,
    outside_seconds=0.0,
    evidence=0,
    error=1.0,
    worst_error=1.0,
    contradiction=1.0,
    worst_contradiction=1.0,
    agreeing_share=0.0,
)
"""Of tracks that cannot be compared."""


def fingerprint(waveform: NDArray[np.float32], *, sample_rate: int) -> bytes:
    """A track's fingerprint: 63 bytes a second, the same for the same samples.

    Args:
        waveform: Mono audio, float32, shape (samples,), all of the track: what is left out cannot
            tell two versions apart.
        sample_rate: Of `waveform`, in Hz, 8000 or more.

    Returns:
        Bytes for `compare`; they begin with `VERSION`.

    Raises:
        ValueError: If `waveform` is not one-dimensional or the sample rate is below 8000 Hz.
    """
    if waveform.ndim != 1 or sample_rate < _RATE:
        raise ValueError(
            f"need a mono waveform at {_RATE} Hz or more, got {waveform.shape} at {sample_rate} Hz"
        )
    blocks = list(_band_powers(_at_fingerprint_rate(waveform, sample_rate)))
    power = np.concatenate(blocks) if blocks else np.empty((0, _BITS + 1), np.float32)
    count = len(power) - _SMOOTHED_FRAMES + 1
    if count <= 2 * _LAG_WORDS:
        return _HEADER.pack(VERSION, 0, *[0] * MAX_LANDMARKS)
    # Every second frame: two copies are out of step by a quarter of a smoothed one at most.
    smooth = np.zeros((-(-count // 2), _BITS + 1), np.float32)
    for at in range(_SMOOTHED_FRAMES):
        smooth += power[at : at + count : 2]
    decibels = 10 * np.log10(smooth + 1e-12 + 10 ** (_FLOOR_DB / 10) * smooth.mean())
    steps = decibels[:, :-1] - decibels[:, 1:]
    change = steps[_LAG_WORDS:] - steps[:-_LAG_WORDS]
    middle = slice(_LAG_WORDS // 2, len(smooth) - _LAG_WORDS // 2)
    loudness = 10 * np.log10(smooth[middle].mean(axis=1) + 1e-12)
    below = np.clip(np.rint(loudness.max() - loudness), 0, 255).astype(np.uint8)
    levels = np.minimum.reduceat(below, np.arange(0, len(below), _LEVEL_WORDS))
    signs = _packed(change > 0.0)
    return b"".join(
        [
            _HEADER.pack(VERSION, len(change), *_landmarks(np.abs(change), signs)),
            levels.tobytes(),
            signs.tobytes(),
            _packed(np.abs(change) > _STRONG_DB).tobytes(),
        ]
    )


def summary_of(data: bytes) -> Summary | None:
    """What a fingerprint's first bytes tell.

    Args:
        data: `HEADER_BYTES` of it, or more.

    Returns:
        Its length and landmarks; None for one of another version, or of too short a track.
    """
    if len(data) < HEADER_BYTES or data[0] != VERSION:
        return None
    _, words, *landmarks = _HEADER.unpack_from(data)
    landmark_bytes = np.array([mark for mark in landmarks if mark], "<u4").tobytes()
    return Summary(words * WORD_SECONDS, landmark_bytes) if words else None


def compare(a: bytes, b: bytes, *, max_offset_seconds: float | None = _OFFSET_SECONDS) -> Likeness:
    """Hold two fingerprints against each other where they agree best.

    Args:
        a: From `fingerprint`.
        b: Likewise.
        max_offset_seconds: How far they may be shifted; None for as far as half of the shorter one
            still overlaps.

    Returns:
        What they have in common; `UNLIKE` where one is of another version or a torn one.
    """
    first, second = _unpacked(a), _unpacked(b)
    if first is None or second is None:
        return UNLIKE
    offset = _best_offset(first, second, max_offset_seconds)
    return UNLIKE if offset is None else _at_offset(first, second, offset)


def is_same_recording(likeness: Likeness) -> bool:
    """Whether two tracks are one recording: the whole of both, not a part.

    Every limit must hold, those of the worst 4 s too, so that one changed passage keeps two
    versions apart; docs/duplicates.md tells how the limits were set, and what still passes.

    Args:
        likeness: From `compare`.

    Returns:
        False where there is too little to go by.
    """
    return (
        likeness.evidence >= MIN_EVIDENCE
        and likeness.error <= MAX_ERROR
        and likeness.worst_error <= MAX_WORST_ERROR
        and likeness.contradiction <= MAX_CONTRADICTION
        and likeness.worst_contradiction <= MAX_WORST_CONTRADICTION
        and likeness.outside_seconds
        <= min(MAX_OUTSIDE_SECONDS, MAX_OUTSIDE_SHARE * likeness.overlap_seconds)
    )


def _at_fingerprint_rate(
    waveform: NDArray[np.float32], sample_rate: int
) -> Iterator[NDArray[np.float32]]:
    """The waveform in blocks of half a minute at `_RATE`."""
    import soxr

    length = _BLOCK_SECONDS * sample_rate
    blocks = (waveform[at : at + length] for at in range(0, len(waveform), length))
    if sample_rate == _RATE:
        yield from blocks
        return
    stream = soxr.ResampleStream(sample_rate, _RATE, 1, dtype="float32", quality="LQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block, np.float32))
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _band_powers(blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Power of each band in each frame, in blocks of shape (frames, bands)."""
    from scipy.fft import rfft

    edges = _band_edges()
    window = np.hanning(_N_FFT).astype(np.float32)
    waiting = np.zeros(_N_FFT // 2, np.float32)  # the first frame is centred on the first sample
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        count = (len(waiting) - _N_FFT) // _HOP_LENGTH + 1
        if count <= 0:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(waiting, _N_FFT)[::_HOP_LENGTH][:count]
        spectrum = rfft(frames * window, axis=1)[:, edges[0] : edges[-1]]
        power = spectrum.real**2 + spectrum.imag**2
        yield np.add.reduceat(power, edges[:-1] - edges[0], axis=1)
        waiting = waiting[count * _HOP_LENGTH :]


@lru_cache(maxsize=1)
def _band_edges() -> NDArray[np.intp]:
    """First bin of each of the bands, and the bin after the last one."""
    hertz = np.geomspace(_LOWEST_HERTZ, _HIGHEST_HERTZ, _BITS + 2)
    edges: NDArray[np.intp] = np.rint(hertz * _N_FFT / _RATE).astype(np.intp)
    return edges


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint32]:
    return np.packbits(bits, axis=1).view("<u4")[:, 0]


def _landmarks(change_db: NDArray[np.float32], signs: NDArray[np.uint32]) -> list[int]:
    """The signs of the words that change most within half a second of them, padded with zeros."""
    from scipy.ndimage import maximum_filter1d

    greatness = np.minimum(change_db, _GREAT_DB).mean(axis=1)
    is_peak = greatness == maximum_filter1d(greatness, 2 * _LANDMARK_WORDS + 1)
    peaks = np.flatnonzero(is_peak & (greatness > 0))
    best = peaks[np.argsort(-greatness[peaks], kind="stable")[:MAX_LANDMARKS]]
    found = [int(sign) for sign in signs[best]]
    return found + [0] * (MAX_LANDMARKS - len(found))


class _Words(msgspec.Struct, frozen=True):
    """A fingerprint, unpacked."""

    signs: NDArray[np.uint32]
    strong: NDArray[np.uint32]
    is_audible: NDArray[np.bool_]
    """All of shape (words,)."""

    def between(self, start: int, end: int) -> _Words:
        span = slice(start, end)
        return _Words(self.signs[span], self.strong[span], self.is_audible[span])


def _unpacked(data: bytes) -> _Words | None:
    summary = summary_of(data)
    if summary is None:
        return None
    count: int = _HEADER.unpack_from(data)[1]
    levels_count = -(-count // _LEVEL_WORDS)
    if len(data) != HEADER_BYTES + levels_count + 8 * count:
        return None
    levels = np.frombuffer(data, np.uint8, levels_count, HEADER_BYTES)
    words = np.frombuffer(data, "<u4", 2 * count, HEADER_BYTES + levels_count)
    is_audible = np.repeat(levels < _AUDIBLE_DB, _LEVEL_WORDS)[:count]
    return _Words(words[:count], words[count:], is_audible)


def _best_offset(first: _Words, second: _Words, max_offset_seconds: float | None) -> int | None:
    """The shift in words with the smallest error; None where none leaves enough to compare."""
    counts = len(first.signs), len(second.signs)
    least = max(min(counts) // 2, 1)
    furthest = max(counts)
    if max_offset_seconds is not None:
        furthest = min(furthest, round(max_offset_seconds / WORD_SECONDS))
    best: tuple[float, int] | None = None
    for offset in range(-furthest, furthest + 1):
        a, b = _aligned(first, second, offset)
        if len(a.signs) < least:
            continue
        either = a.strong | b.strong
        weight = int(np.bitwise_count(either).sum())
        wrong = int(np.bitwise_count((a.signs ^ b.signs) & either).sum())
        error = wrong / weight if weight else 1.0
        if best is None or error < best[0]:
            best = error, offset
    return None if best is None else best[1]


def _aligned(first: _Words, second: _Words, offset: int) -> tuple[_Words, _Words]:
    """What both have, if the first one is late by so many words."""
    start_a, start_b = max(offset, 0), max(-offset, 0)
    count = max(min(len(first.signs) - start_a, len(second.signs) - start_b), 0)
    return (
        first.between(start_a, start_a + count),
        second.between(start_b, start_b + count),
    )


def _at_offset(first: _Words, second: _Words, offset: int) -> Likeness:
    a, b = _aligned(first, second, offset)
    is_heard = a.is_audible | b.is_audible
    wrong = (a.signs ^ b.signs) * is_heard
    either, both = a.strong | b.strong, a.strong & b.strong
    error, worst_error, agrees = _rates(wrong & either, either * is_heard)
    contradiction, worst_contradiction, _ = _rates(wrong & both, both * is_heard)
    audible = int(first.is_audible.sum()), int(second.is_audible.sum())
    outside = sum(audible) - int(a.is_audible.sum()) - int(b.is_audible.sum())
    return Likeness(
        offset_seconds=offset * WORD_SECONDS,
        overlap_seconds=int(is_heard.sum()) * WORD_SECONDS,
        outside_seconds=outside * WORD_SECONDS,
        evidence=int(np.bitwise_count(either * is_heard).sum()),
        error=error,
        worst_error=worst_error,
        contradiction=contradiction,
        worst_contradiction=worst_contradiction,
        agreeing_share=min(int((agrees & is_heard).sum()) / max(*audible, 1), 1.0),
    )


def _rates(
    wrong: NDArray[np.uint32], counted: NDArray[np.uint32]
) -> tuple[float, float, NDArray[np.bool_]]:
    """Share of wrong bits over all, in the worst window, and which words lie in one that agrees."""
    wrong_before = np.concatenate([[0], np.cumsum(np.bitwise_count(wrong), dtype=np.int64)])
    counted_before = np.concatenate([[0], np.cumsum(np.bitwise_count(counted), dtype=np.int64)])
    words = len(wrong)
    starts = np.arange(0, max(words - _WINDOW_WORDS, 0) + _WINDOW_STEP, _WINDOW_STEP)
    ends = np.minimum(starts + _WINDOW_WORDS, words)
    starts = np.maximum(ends - _WINDOW_WORDS, 0)
    weights = counted_before[ends] - counted_before[starts]
    rates = (wrong_before[ends] - wrong_before[starts]) / np.maximum(weights, 1)
    # A window with next to nothing in it says nothing: one bit would turn its rate.
    telling = weights > 0.15 * np.median(weights)
    agrees = np.zeros(words, np.bool_)
    for start, end in zip(
        starts[telling & (rates <= _AGREEING_ERROR)],
        ends[telling & (rates <= _AGREEING_ERROR)],
        strict=True,
    ):
        agrees[start:end] = True
    total = int(counted_before[-1])
    return (
        int(wrong_before[-1]) / total if total else 1.0,
        float(rates[telling].max(initial=0.0)) if telling.any() else 1.0,
        agrees,
    )
