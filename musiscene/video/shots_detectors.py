"""PySceneDetect's detectors, fed frame by frame from our own pass over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musiscene.errors import VideoToolsMissingError

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray
    from scenedetect.detector import SceneDetector

CONTENT_THRESHOLD = 27.0
"""PySceneDetect's own default."""
ADAPTIVE_THRESHOLD = 3.0
"""Likewise."""
ADAPTIVE_LEAST = 12.0
"""Its default is 15: pictures as small as ours change less at a cut between like shots."""


class CutDetectors:
    """Where PySceneDetect sees the picture change, without its own rules for short scenes.

    Args:
        rate: Frames a second.

    Attributes:
        content: Numbers of the frames that differ much from the one before (ContentDetector).
        adaptive: Numbers of those that differ much more than their neighbours do
            (AdaptiveDetector).

    Raises:
        VideoToolsMissingError: If PySceneDetect or OpenCV cannot be loaded.
    """

    def __init__(self, rate: Fraction) -> None:
        check_tools()
        from scenedetect.detectors import AdaptiveDetector, ContentDetector

        self.content: set[int] = set()
        self.adaptive: set[int] = set()
        self._rate = rate
        self._count = 0
        content: SceneDetector = ContentDetector(threshold=CONTENT_THRESHOLD, min_scene_len=0)
        adaptive: SceneDetector = AdaptiveDetector(
            adaptive_threshold=ADAPTIVE_THRESHOLD,
            min_content_val=ADAPTIVE_LEAST,
            min_scene_len=0,
        )
        self._detectors = ((content, self.content), (adaptive, self.adaptive))

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Look at the next frame.

        Args:
            picture: BGR, uint8, shape (height, width, 3); always the same shape.
        """
        from scenedetect.common import FrameTimecode

        timecode = FrameTimecode(self._count, fps=self._rate)
        for detector, found in self._detectors:
            found.update(cut.frame_num for cut in detector.process_frame(timecode, picture))
        self._count += 1


def check_tools() -> None:
    """See that what watches videos can be loaded.

    Raises:
        VideoToolsMissingError: If it is not installed, or lacks a library of the system.
    """
    try:
        import cv2  # noqa: F401
        import scenedetect  # noqa: F401
    except ImportError as error:
        raise VideoToolsMissingError(str(error)) from error
