"""Decoded blocks -> one mono waveform at one sample rate, in pieces."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from musiscene.audio.decode import Block


def mono_pieces(blocks: Iterable[Block], sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """Mix blocks to mono and resample them.

    Args:
        blocks: In order; their sample rate and channels may change.
        sample_rate: Wanted, in Hz.

    Yields:
        Means of the channels in consecutive pieces, float32, shape (samples,).
    """
    import soxr

    nothing = np.empty(0, dtype=np.float32)
    for native_rate, alike in groupby(blocks, key=lambda block: block.sample_rate):
        stream = soxr.ResampleStream(native_rate, sample_rate, 1, dtype="float32", quality="HQ")
        for block in alike:
            yield stream.resample_chunk(block.samples.mean(axis=0, dtype=np.float32))
        yield stream.resample_chunk(nothing, last=True)
