"""What every captioner keeps to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musiscene.video.analysis import CaptionSource, VideoScene


class VideoCaptioner(Protocol):
    """Puts a scene into words."""

    name: str
    """For people and provenance."""
    licence: str | None
    """Of the model's weights; None where there are none, or it is not known."""
    source: CaptionSource
    most_frames: int
    """Pictures of a scene that it looks at; 0 if it needs none."""

    def caption(self, scene: VideoScene, frames: Sequence[NDArray[np.uint8]]) -> str:
        """Say what a scene shows.

        Args:
            scene: With its facts.
            frames: Keyframes, RGB, uint8, shape (height, width, 3); at most `most_frames`.

        Returns:
            A sentence or two; empty where it has nothing to say.

        Raises:
            CaptionerError: If it cannot be said.
        """
