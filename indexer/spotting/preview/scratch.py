"""A mix that is too long for memory: stereo samples in a file, read and written in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SAMPLE_RATE: Final = 48_000
"""Of every mix, in Hz: what video counts in."""
BLOCK_SAMPLES: Final = 2**18
SAMPLE_BYTES: Final = 4


class Scratch:
    """Samples in a file, silent where nothing was written.

    Args:
        file: Empty, open for reading and writing.
        channels: Of each sample.
        samples: In all.

    Attributes:
        samples: As given.
    """

    def __init__(self, file: BinaryIO, *, channels: int, samples: int) -> None:
        self._file = file
        self._channels = channels
        self._frame_bytes = channels * SAMPLE_BYTES
        self.samples = samples
        file.truncate(samples * self._frame_bytes)

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Some samples.

        Args:
            first: The first of them; before 0 nothing is read.
            last: The one behind the last; likewise behind the end.

        Returns:
            Shape (channels, samples), float32.

        Raises:
            OSError: If the file cannot be read.
        """
        first, last = max(0, first), min(self.samples, last)
        self._file.seek(first * self._frame_bytes)
        held = self._file.read(max(0, last - first) * self._frame_bytes)
        return np.frombuffer(held, np.float32).reshape(-1, self._channels).T

    def write(self, first: int, samples: NDArray[np.float32]) -> None:
        """Put samples in the place of what was there.

        Args:
            first: Where they begin; they end within the whole.
            samples: Shape (channels, samples), float32.

        Raises:
            OSError: If there is no room.
        """
        self._file.seek(first * self._frame_bytes)
        self._file.write(np.ascontiguousarray(samples.T, np.float32).tobytes())

    def add(self, first: int, samples: NDArray[np.float32]) -> None:
        """Mix samples to what is there; what lies outside is left out.

        Args:
            first: Where they begin, also before 0.
            samples: Shape (channels, samples), float32.

        Raises:
            OSError: If there is no room.
        """
        begin, end = max(0, first), min(self.samples, first + samples.shape[1])
        if end > begin:
            self.write(begin, self.read(begin, end) + samples[:, begin - first : end - first])

    def spans(self) -> Iterator[tuple[int, int]]:
        """First and last of each block, in order."""
        for first in range(0, self.samples, BLOCK_SAMPLES):
            yield first, min(self.samples, first + BLOCK_SAMPLES)
