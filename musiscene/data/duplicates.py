"""Texts that are nearly the same, found among many without comparing all with all.

Each text becomes the set of its runs of `GRAM_BYTES` bytes; MinHash signatures of these sets, cut
into bands, say which pairs are worth comparing, and those are compared exactly.

Source: Broder 1997, "On the resemblance and containment of documents" (MinHash); Lee et al. 2022,
arXiv:2107.06499, section 4.2 (bands, and the threshold of 0.8 for data sets of text).
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

GRAM_BYTES: Final = 5
BANDS: Final = 16
BAND_ROWS: Final = 4
"""A pair of resemblance 0.8 is missed with probability (1 - 0.8^4)^16 = 0.0002."""
THRESHOLD: Final = 0.8
SEED: Final = 0
MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio times 2^64, odd: spreads neighbouring numbers (Knuth, TAOCP 6.4)."""


class NearPair(NamedTuple):
    """Two texts that are nearly the same."""

    first: int
    """Place of the earlier one."""
    second: int
    """Place of the later one."""
    resemblance: float
    """Shared runs of bytes over all of theirs, 0 to 1."""


def find_near_duplicates(
    texts: Sequence[str], *, threshold: float = THRESHOLD
) -> tuple[NearPair, ...]:
    """Pairs of texts that are nearly the same, whatever their case and punctuation.

    Args:
        texts: Any; those without a word resemble nothing.
        threshold: Least resemblance, 0.5 to 1: below that, too many pairs would be missed.

    Returns:
        The pairs in order. Always the same for the same texts.

    Raises:
        ValueError: If the threshold is out of range.

    Example:
        >>> find_near_duplicates(["A calm piano piece.", "Loud drums", "a calm, piano piece"])
        (NearPair(first=0, second=2, resemblance=1.0),)
    """
    if not 0.5 <= threshold <= 1.0:  # noqa: PLR2004 - the range just named
        raise ValueError(f"threshold is {threshold}, not 0.5 to 1")
    grams = [_grams(text) for text in texts]
    found = []
    for first, second in sorted(_candidates(grams)):
        shared = np.intersect1d(grams[first], grams[second], assume_unique=True).size
        resemblance = shared / (grams[first].size + grams[second].size - shared)
        if resemblance >= threshold:
            found.append(NearPair(first, second, round(resemblance, 3)))
    return tuple(found)


def _grams(text: str) -> NDArray[np.uint64]:
    """Each different run of bytes as a number, uint64, (runs,), sorted."""
    words = re.sub(r"[\W_]+", " ", text.casefold()).strip().encode()
    if not words:
        return np.empty(0, np.uint64)
    padded = np.frombuffer(words.ljust(GRAM_BYTES), np.uint8).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(padded, GRAM_BYTES)
    return np.unique(windows @ (np.uint64(256) ** np.arange(GRAM_BYTES, dtype=np.uint64)))


def _candidates(grams: Sequence[NDArray[np.uint64]]) -> set[tuple[int, int]]:
    """Pairs that agree in all rows of one band at least."""
    buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, signature in _signatures(grams):
        for band in range(BANDS):
            rows = signature[band * BAND_ROWS : (band + 1) * BAND_ROWS]
            buckets[band, rows.tobytes()].append(place)
    return {pair for places in buckets.values() for pair in combinations(places, 2)}


def _signatures(grams: Sequence[NDArray[np.uint64]]) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """Place and MinHash signature, uint64, (BANDS * BAND_ROWS,), of each text that has a word."""
    random = np.random.default_rng(SEED)
    keys = random.integers(1 << 63, size=(BANDS * BAND_ROWS, 1), dtype=np.uint64)
    for place, runs in enumerate(grams):
        if runs.size:
            mixed = (runs ^ keys) * MIX
            mixed ^= mixed >> np.uint64(29)
            yield place, (mixed * MIX).min(axis=1)
