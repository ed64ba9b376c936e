"""How likely a beat, or the first beat of a bar, lies at each fiftieth of a second of a track.

Three small causal networks (one convolution over frequency, two LSTM layers) with the weights that
BeatNet's authors trained and published (`musiscene/weights/beats/README.md`), and what they say
together.

Source: Heydari, Cwitkowitz and Duan, ISMIR 2021, section 3.2.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.pulse.spectra import (
    BANDS,
    FRAME_RATE,
    HOP_LENGTH,
    SAMPLE_RATE,
    WINDOW_LENGTH,
    spectra,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from numpy.typing import NDArray

    State = tuple[torch.Tensor, torch.Tensor]
    """Of an LSTM: hidden and cell."""

WEIGHTS: Final = Path(__file__).parents[2] / "weights" / "beats" / "beatnet.safetensors"
CHUNK_FRAMES: Final = 60 * FRAME_RATE
"""Heard at once: what an hour costs above its waveform and its activations is a minute's."""
PEAK: Final = 0.9
"""Every track is brought to it: the network hears levels, and quiet files are music too."""

_MARGIN = 5 * HOP_LENGTH  # what the resampler needs to be in its stride
_CLASSES = 3  # beat, first beat of a bar, neither
_LEAST_LOG = -11.5  # one network alone cannot forbid a beat


def beat_activations(waveform: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float32]:
    """Hear where beats and bars begin.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        Probability of a beat that begins no bar and of one that does, the geometric mean over the
        networks, `FRAME_RATE` a second, the first at the first sample; float32, shape (frames, 2),
        all 0 where there is no sound.

    Raises:
        ValueError: If `waveform` is not one-dimensional or `sample_rate` is not positive.
    """
    if waveform.ndim != 1 or sample_rate <= 0:
        raise ValueError(f"need a mono waveform, got {waveform.shape} at {sample_rate} Hz")
    import torch

    frames = -(-len(waveform) * FRAME_RATE // sample_rate)
    activations = np.zeros((frames, 2), np.float32)
    peak = max((float(np.abs(_finite(part)).max()) for part in _parts(waveform)), default=0.0)
    if peak <= 0:
        return activations
    networks = _networks()
    states: list[State | None] = [None] * len(networks)
    with torch.inference_mode():
        for first in range(0, frames, CHUNK_FRAMES):
            last = min(first + CHUNK_FRAMES, frames)
            heard = _chunk(waveform, first, last, sample_rate=sample_rate)
            features = torch.from_numpy(spectra(heard * np.float32(PEAK / peak)))
            # A frame before the chunk is heard for its increase alone.
            total = torch.zeros(last - first, 2)
            for index, network in enumerate(networks):
                logs, states[index] = network(features[min(first, 1) :], states[index])
                total += logs[:, :2].clamp(min=_LEAST_LOG)
            activations[first:last] = (total / len(networks)).exp().numpy()
    return activations


def _chunk(
    waveform: NDArray[np.float32], first: int, last: int, *, sample_rate: int
) -> NDArray[np.float32]:
    """Sound of the frames [first, last) and of one before them, at `SAMPLE_RATE`."""
    import soxr

    earliest = first - 1 if first else 0
    left = earliest * HOP_LENGTH - WINDOW_LENGTH // 2
    length = (last - 1 - earliest) * HOP_LENGTH + WINDOW_LENGTH
    scale = sample_rate / SAMPLE_RATE
    start = round((left - _MARGIN) * scale)
    stop = round((left + length + _MARGIN) * scale)
    inside = _finite(waveform[max(start, 0) : max(stop, 0)])
    padded = np.pad(inside, (max(-start, 0), max(stop - max(start, 0) - len(inside), 0)))
    heard: NDArray[np.float32] = soxr.resample(padded, sample_rate, SAMPLE_RATE)
    heard = heard[_MARGIN : _MARGIN + length]
    return np.pad(heard, (0, length - len(heard)))


def _parts(waveform: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    size = CHUNK_FRAMES * HOP_LENGTH
    for start in range(0, len(waveform), size):
        yield waveform[start : start + size]


def _finite(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(waveform.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)


@lru_cache(maxsize=1)
def _networks() -> tuple[_BeatNetwork, ...]:
    from safetensors.torch import load_file

    weights: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in load_file(WEIGHTS).items():
        network, _, parameter = name.partition(".")
        weights.setdefault(network, {})[parameter] = tensor
    return tuple(_BeatNetwork(weights[network]) for network in sorted(weights))


class _BeatNetwork:
    """The network with its weights.

    Args:
        weights: Tensors as the published state dict names them.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        from torch import nn

        kernels, _, width = weights["conv1.weight"].shape
        cells = weights["linear.weight"].shape[1]
        pooled = kernels * ((2 * BANDS - width + 1) // 2)
        self._modules = nn.ModuleDict(
            {
                "conv1": nn.Conv1d(1, kernels, width),
                "linear0": nn.Linear(pooled, cells),
                "lstm": nn.LSTM(cells, cells, num_layers=2),
                "linear": nn.Linear(cells, _CLASSES),
            }
        ).eval()
        self._modules.load_state_dict(weights)

    def __call__(self, features: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """Hear what follows the state that an earlier call left.

        Args:
            features: Of `spectra`, shape (frames, 2 * BANDS).
            state: Of the LSTM; None at the beginning of a track.

        Returns:
            Log probabilities, shape (frames, 3), and the state at the end.
        """
        import torch

        bands = torch.relu(self._modules["conv1"](features[:, None]))  # (frames, kernels, bands)
        pooled = torch.max_pool1d(bands, 2).flatten(1)
        remembered, state = self._modules["lstm"](self._modules["linear0"](pooled), state)
        return self._modules["linear"](remembered).log_softmax(dim=-1), state
