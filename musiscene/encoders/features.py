"""What an audio encoder hands on: time means of its layers."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray


class AudioFeatures(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One track as an encoder hears it."""

    track: NDArray[np.float32]
    """Mean over time of each layer, (layers, width)."""
    segments: NDArray[np.float32]
    """The same of each segment, (segments, layers, width)."""
