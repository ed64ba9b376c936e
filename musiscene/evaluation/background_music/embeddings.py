"""What is heard in three seconds of music as a vector, for distances between sets of music."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from musiscene.encoders.mert import MIN_SAMPLES
from musiscene.encoders.mert import SAMPLE_RATE as MERT_RATE
from musiscene.encoders.musicnn import PATCH_SECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musiscene.encoders.mert import MertEncoder
    from musiscene.encoders.musicnn import MusicnnOutput

MUSICNN_VOCABULARY: Final = "mtt"
"""Of the network whose features are taken: fewer of its filters are dead than of the other's."""


class PatchEmbedder(Protocol):
    """Gives each patch of some seconds a vector."""

    name: str
    """Vectors of two cannot be compared."""

    @property
    def sample_rate(self) -> int | None:
        """Of the waveform that `embed` takes; None for the tagger's."""

    def embed(self, waveform: NDArray[np.float32], heard: MusicnnOutput) -> NDArray[np.float32]:
        """Embed a piece.

        Args:
            waveform: Mono at `sample_rate`.
            heard: What MusiCNN hears in it, patch by patch.

        Returns:
            Shape (patches, width).
        """


class MusicnnEmbedder:
    """The 200 features before MusiCNN's tags as a `PatchEmbedder`."""

    name = f"MusiCNN ({MUSICNN_VOCABULARY}) penultimate, 200 features, 3 s patches"
    sample_rate: int | None = None

    def embed(
        self,
        waveform: NDArray[np.float32],  # noqa: ARG002  the tagger has heard it
        heard: MusicnnOutput,
    ) -> NDArray[np.float32]:
        """As in `PatchEmbedder`."""
        return heard.penultimate[MUSICNN_VOCABULARY]


class MertEmbedder:
    """The mean of MERT's layers over patches as a `PatchEmbedder`.

    Args:
        encoder: A frozen MERT.
    """

    sample_rate: int | None = MERT_RATE

    def __init__(self, encoder: MertEncoder) -> None:
        self._encoder = encoder
        self.name = f"MERT, mean of {encoder.layer_count} layers, {encoder.width}, 3 s patches"

    def embed(
        self,
        waveform: NDArray[np.float32],
        heard: MusicnnOutput,  # noqa: ARG002  this ear is another
    ) -> NDArray[np.float32]:
        """As in `PatchEmbedder`."""
        seconds = waveform.size / MERT_RATE
        starts = np.arange(0.0, max(seconds - MIN_SAMPLES / MERT_RATE, 1e-3), PATCH_SECONDS)
        spans = [(float(start), float(min(start + PATCH_SECONDS, seconds))) for start in starts]
        features = self._encoder.encode(waveform, spans_seconds=spans)
        by_patch: NDArray[np.float32] = features.segments.mean(axis=1)  # (patches, width)
        return by_patch
