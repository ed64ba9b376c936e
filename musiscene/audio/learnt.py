"""The two small networks that choose among tempi and keys, and where their weights come from.

Both were trained on audio with known answers: 1,400 composed pieces and 255 (tempo) or 290 (key)
renders of VGMIDI pieces, by a General MIDI SoundFont in many timbres, with drums, reverb and noise
(docs/descriptors.md). `descriptors.safetensors` holds 7,000 numbers and nothing of that music.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = Path(__file__).with_name("descriptors.safetensors")


def tempo_logits(
    features: NDArray[np.float32], octaves: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Score each tempo from what its novelty curves do at related tempi.

    Args:
        features: float32, shape (tempi, 154).
        octaves: Of each tempo from 110 bpm, shape (tempi,).

    Returns:
        Unnormalised log probability, shape (tempi,).
    """
    weights = _weights()
    hidden = np.tanh(
        features @ weights["tempo.hidden.weight"].T + weights["tempo.hidden.bias"]
    )  # (tempi, hidden)
    linear, square, cube = weights["tempo.prior"]
    logits: NDArray[np.float64] = (
        hidden @ weights["tempo.output.weight"]
        + features @ weights["tempo.direct.weight"]
        + linear * octaves
        + square * octaves**2
        + cube * octaves**3
    )
    return logits


def key_logits(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score each key from pitch-class features.

    Args:
        features: From `chroma.key_features`, float32, shape (14, 12); column 0 is C.

    Returns:
        Unnormalised log probability, shape (tonics, modes) = (12, 2).
    """
    weights = _weights()
    centred = (features - weights["key.mean"][:, None]) / weights["key.deviation"][:, None]
    seen_from = np.stack([np.roll(centred, -tonic, axis=1).ravel() for tonic in range(12)])
    hidden = np.tanh(seen_from @ weights["key.hidden.weight"].T + weights["key.hidden.bias"])
    logits: NDArray[np.float64] = (
        seen_from @ weights["key.direct.weight"].T
        + weights["key.direct.bias"]
        + hidden @ weights["key.output.weight"].T
    )
    return logits


@lru_cache(maxsize=1)
def _weights() -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load_file

    return load_file(WEIGHTS)
