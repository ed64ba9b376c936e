"""Pictures as JPEG."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUALITY: Final = 4
"""FFmpeg's scale for MJPEG: 2 is the best, 31 the worst."""
UNIT: Final = 118
"""FFmpeg's `FF_QP2LAMBDA`."""


def jpeg_of(picture: NDArray[np.uint8]) -> bytes:
    """Write a picture as JPEG.

    Args:
        picture: RGB, uint8, shape (height, width, 3).

    Returns:
        The file.
    """
    import av

    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = frame.time_base = Fraction(1)
    encoder.options = {"flags": "+qscale", "global_quality": str(QUALITY * UNIT)}
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
