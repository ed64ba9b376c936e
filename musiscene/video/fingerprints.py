"""Knows a shot again in another cut of a video: hashes that survive encoding and scaling.

The low frequencies of a picture's cosine transform say what lies where, as in perceptual hashes; a
code of its mean colour tells plain pictures apart, whose transform is empty.

Source: Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions, 3.2.2.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 32
LOW_FREQUENCIES = 8
SHAPE_BITS = 40
"""Lowest frequencies that are kept, of the 63 that vary."""
LEVELS = 8
"""Bits for each of lightness, green to red and blue to yellow."""
LEAST_COEFFICIENT = 24.0
"""Of an orthonormal transform: a wave of 1.5 of 255 levels. Below it lies a codec's noise."""
COLOUR_SPAN = (56.0, 200.0)
"""Of the two colour axes in OpenCV's 8-bit Lab, where 128 is grey."""
STRANGE_SHAPE_BITS = 16
"""Different bits from which two shapes have nothing in common: chance is a half, 20."""
STRANGE_COLOUR_LEVELS = 6.0
FREE_COLOUR_LEVELS = 1.0
"""A level that scaling and encoding may turn over."""
MOST_HASHES = 12
HASHES_PER_SECOND = 2.0


def frame_hash(picture: NDArray[np.uint8], grey: NDArray[np.uint8]) -> int:
    """The hash of one frame.

    Args:
        picture: BGR, uint8, shape (height, width, 3).
        grey: Its luma, uint8, shape (height, width).

    Returns:
        64 bits: 40 of shape, then 8 each of lightness and the two colour axes of Lab, each as many
        ones as the level is high.
    """
    import cv2

    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    coefficients = cv2.dct(small)[_low_places()]
    value = 0
    for is_high in coefficients > LEAST_COEFFICIENT:
        value = value << 1 | bool(is_high)
    mean = np.array(cv2.mean(picture)[:3]).round().astype(np.uint8).reshape(1, 1, 3)
    lightness, red, yellow = cv2.cvtColor(mean, cv2.COLOR_BGR2LAB)[0, 0].astype(float)
    for axis, (low, high) in ((lightness, (0.0, 255.0)), (red, COLOUR_SPAN), (yellow, COLOUR_SPAN)):
        level = round(min(1.0, max(0.0, (axis - low) / (high - low))) * LEVELS)
        value = value << LEVELS | ((1 << level) - 1)
    return value


def shot_fingerprint(hashes: NDArray[np.uint64], seconds: float) -> str:
    """The fingerprint of a shot: hashes of frames evenly spread over it.

    Args:
        hashes: Of all its frames, uint64, shape (frames,); at least one.
        seconds: Its length.

    Returns:
        Hexadecimal hashes, as `Shot.fingerprint` has them; a run of equal ones is one.
    """
    count = min(MOST_HASHES, len(hashes), max(3, round(seconds * HASHES_PER_SECOND)))
    places = ((np.arange(count) + 0.5) / count * len(hashes)).astype(int)
    chosen = [int(value) for value in hashes[places]]
    kept = [now for before, now in zip([None, *chosen], chosen, strict=False) if now != before]
    return " ".join(f"{value:016x}" for value in kept)


def likeness(first: str, second: str) -> float:
    """How surely two shots show the same.

    Each hash of the shorter fingerprint looks for its best partner in the other, so that a trimmed
    shot is still known.

    Args:
        first: A fingerprint from `shot_fingerprint`.
        second: Another.

    Returns:
        0 (nothing in common, or no fingerprint) to 1 (the same).

    Example:
        >>> likeness("00000000000f0f0f", "00000000000f0f0f"), likeness("", "0f")
        (1.0, 0.0)
    """
    sets = [[int(value, 16) for value in text.split()] for text in (first, second)]
    fewer, more = sorted(sets, key=len)
    if not fewer:
        return 0.0
    found = [_best(value, more) for value in fewer]
    if len(fewer) == len(more):
        found += [_best(value, fewer) for value in more]
    return sum(found) / len(found)


def _best(value: int, others: list[int]) -> float:
    return max(_alike(value, other) for other in others)


def _alike(first: int, second: int) -> float:
    different = first ^ second
    colour_bits = 3 * LEVELS
    shape = (different >> colour_bits).bit_count() / STRANGE_SHAPE_BITS
    levels = (different & ((1 << colour_bits) - 1)).bit_count() - FREE_COLOUR_LEVELS
    colour = max(0.0, levels) / STRANGE_COLOUR_LEVELS
    return max(0.0, 1.0 - shape) * max(0.0, 1.0 - colour)


@cache
def _low_places() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the lowest frequencies, without the mean, shape (SHAPE_BITS,) each."""
    places = [(row, column) for row in range(LOW_FREQUENCIES) for column in range(LOW_FREQUENCIES)]
    lowest = sorted(places, key=lambda place: (place[0] + place[1], place))[1 : SHAPE_BITS + 1]
    rows, columns = zip(*lowest, strict=True)
    return np.array(rows), np.array(columns)
