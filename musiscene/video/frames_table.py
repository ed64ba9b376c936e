"""What is kept of every frame: a few numbers, a hash and a thumbnail of eight by eight pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from musiscene.video.fingerprints import frame_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

THUMB_SIDE = 8
FRAME = np.dtype(
    [
        ("seconds", np.float64),
        ("luma", np.float32),
        ("contrast", np.float32),
        ("saturation", np.float32),
        ("warmth", np.float32),
        ("motion", np.float32),
        ("sharpness", np.float32),
        ("hash", np.uint64),
        ("thumb", np.uint8, (THUMB_SIDE, THUMB_SIDE, 3)),
    ]
)
"""One frame: about 0.25 kB, so that the most frames allowed take 160 MB."""
CHUNK_FRAMES = 4096
MOTION_STEP_SECONDS = 0.039
"""Between the pictures that are compared for motion: one frame at 25 a second, two at 50."""
MOVED_LEVELS = 8
"""By which a pixel's luma, of 255, changes when something moves rather than shimmers."""


class FrameTable:
    """Gathers what is measured in each frame.

    Args:
        rate: Frames a second.
    """

    def __init__(self, rate: float) -> None:
        self.motion_frames = max(1, int(rate * MOTION_STEP_SECONDS + 0.5))
        self._chunks: list[NDArray[Any]] = []
        self._count = 0
        self._before: list[NDArray[np.uint8]] = []

    def add(self, seconds: float, picture: NDArray[np.uint8]) -> None:
        """Measure one more frame.

        Args:
            seconds: Its time; NaN where the file does not say.
            picture: BGR, uint8, shape (height, width, 3).
        """
        import cv2

        place = self._count % CHUNK_FRAMES
        if place == 0:
            self._chunks.append(np.zeros(CHUNK_FRAMES, dtype=FRAME))
        row = self._chunks[-1][place]
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        mean, deviation = cv2.meanStdDev(grey)
        blue, green, red = cv2.split(picture)
        most = cv2.max(cv2.max(blue, green), red)
        least = cv2.min(cv2.min(blue, green), red)
        brightest = cv2.mean(most)[0]
        row["seconds"] = seconds
        row["luma"] = mean[0, 0] / 255
        row["contrast"] = deviation[0, 0] / 255
        row["saturation"] = (brightest - cv2.mean(least)[0]) / 255
        row["warmth"] = (cv2.mean(red)[0] - cv2.mean(blue)[0]) / max(brightest, 1.0)
        row["motion"] = self._motion(grey)
        row["sharpness"] = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0]
        row["hash"] = frame_hash(picture, grey)
        row["thumb"] = cv2.resize(picture, (THUMB_SIDE, THUMB_SIDE), interpolation=cv2.INTER_AREA)
        self._count += 1

    def frames(self) -> NDArray[Any]:
        """All of them, dtype `FRAME`, shape (frames,)."""
        if not self._chunks:
            return np.zeros(0, dtype=FRAME)
        return np.concatenate(self._chunks)[: self._count]

    def _motion(self, grey: NDArray[np.uint8]) -> float:
        """Share of the pixels that changed since `motion_frames` frames ago."""
        import cv2

        before = self._before.pop(0) if len(self._before) == self.motion_frames else None
        self._before.append(grey)
        if before is None:
            return 0.0
        difference = cv2.absdiff(grey, before)
        changed = cv2.threshold(difference, MOVED_LEVELS, 255, cv2.THRESH_BINARY)[1]
        return cv2.countNonZero(changed) / grey.size
