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
from musiscene.processor import can_multiply_bfloat16

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import NDArray

WEIGHTS: Final = Path(__file__).parents[2] / "weights" / "beats" / "beatnet.safetensors"
STRIP_FRAMES: Final = 15 * FRAME_RATE
"""Strips are heard side by side: step by step through a whole track, every step would wait for the
weights."""
RUN_UP_FRAMES: Final = 5 * FRAME_RATE
"""Heard before a strip, so that the networks are in their stride where it begins."""
STRIPS_AT_ONCE: Final = 16
"""What an hour costs above its waveform and its activations is four minutes' worth."""
PEAK: Final = 0.9
"""Every track is brought to it: the network hears levels, and quiet files are music too."""

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
    chunk = STRIPS_AT_ONCE * STRIP_FRAMES
    peak = max(
        (
            float(np.abs(_chunk(waveform, start, start + chunk, sample_rate=sample_rate)).max())
            for start in range(0, frames, chunk)
        ),
        default=0.0,
    )
    if peak <= 0:
        return activations
    with torch.inference_mode():
        for start in range(0, frames, chunk):
            end = min(start + chunk, frames)
            # A frame before the first is heard for its increase alone.
            first = max(start - RUN_UP_FRAMES - 1, 0)
            heard = _chunk(waveform, first, end, sample_rate=sample_rate)
            features = torch.from_numpy(spectra(heard * np.float32(PEAK / peak)))
            activations[start:end] = _hear(features[min(first, 1) :])[start - end :].numpy()
    return activations


def _hear(features: torch.Tensor) -> torch.Tensor:
    """What the networks hear in each frame of `features`, shape (frames, 2).

    The first strip has no run-up: before it there is nothing, or what it says is not asked for.
    """
    import torch
    from torch.nn.functional import pad

    count = max(-(-(len(features) - RUN_UP_FRAMES) // STRIP_FRAMES), 1)
    missing = RUN_UP_FRAMES + count * STRIP_FRAMES - len(features)
    networks = _networks()
    total = torch.zeros(RUN_UP_FRAMES + STRIP_FRAMES, count, 2)
    for network in networks:
        entered = pad(network.enter(features), (0, 0, 0, missing))
        strips = entered.unfold(0, RUN_UP_FRAMES + STRIP_FRAMES, STRIP_FRAMES).permute(2, 0, 1)
        total += network.remember(strips.contiguous())[..., :2].clamp(min=_LEAST_LOG)
    heard = (total / len(networks)).exp()
    rest = heard[RUN_UP_FRAMES:].transpose(0, 1).reshape(-1, 2)
    return torch.cat([heard[:RUN_UP_FRAMES, 0], rest])[: len(features)]


def _chunk(
    waveform: NDArray[np.float32], first: int, end: int, *, sample_rate: int
) -> NDArray[np.float32]:
    """Sound of the frames [first, end) at `SAMPLE_RATE`; frames lie about their middle."""
    left = first * HOP_LENGTH - WINDOW_LENGTH // 2
    right = (end - 1) * HOP_LENGTH + WINDOW_LENGTH // 2
    scale = sample_rate / SAMPLE_RATE
    start, stop = max(round(left * scale), 0), max(round(right * scale), 0)
    inside = _finite(waveform[start:stop])
    if sample_rate != SAMPLE_RATE:
        import soxr

        inside = soxr.resample(inside, sample_rate, SAMPLE_RATE)
    missing = round(start / scale) - left
    heard: NDArray[np.float32] = np.pad(inside, (missing, right - left))
    return heard[: right - left]


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
        import torch
        from torch import nn

        kernels, _, width = weights["conv1.weight"].shape
        cells = weights["linear.weight"].shape[1]
        places = 2 * BANDS - width + 1
        self._kernels = kernels
        # As one matrix the convolution takes a tenth of the time.
        self._bands = torch.zeros(kernels, places, 2 * BANDS)
        for place in range(places):
            self._bands[:, place, place : place + width] = weights["conv1.weight"][:, 0]
        self._bands = self._bands.flatten(0, 1)
        self._bias = weights["conv1.bias"].repeat_interleave(places)
        self._modules = nn.ModuleDict(
            {
                "linear0": nn.Linear(kernels * (places // 2), cells),
                "lstm": nn.LSTM(cells, cells, num_layers=2),
                "linear": nn.Linear(cells, _CLASSES),
            }
        ).eval()
        known = {name: one for name, one in weights.items() if not name.startswith("conv1.")}
        self._modules.load_state_dict(known)
        self._dtype = torch.bfloat16 if can_multiply_bfloat16() else torch.float32
        self._modules.to(self._dtype)
        self._bands, self._bias = self._bands.to(self._dtype), self._bias.to(self._dtype)

    def enter(self, features: torch.Tensor) -> torch.Tensor:
        """Prepare frames of `spectra`, (frames, 2 * BANDS), for the memory, (frames, cells)."""
        from torch.nn import functional as F

        bands = F.relu(F.linear(features.to(self._dtype), self._bands, self._bias))
        pooled = F.max_pool1d(bands.view(len(features), self._kernels, -1), 2).flatten(1)
        entered: torch.Tensor = self._modules["linear0"](pooled)
        return entered

    def remember(self, strips: torch.Tensor) -> torch.Tensor:
        """Hear stretches side by side.

        Args:
            strips: Of `enter`, shape (frames, strips, cells).

        Returns:
            Log probabilities, shape (frames, strips, 3).
        """
        remembered, _ = self._modules["lstm"](strips)
        logs: torch.Tensor = self._modules["linear"](remembered).float().log_softmax(dim=-1)
        return logs
