"""MusiCNN: what one hears in three seconds of music, as 50 tags and 200 features.

Two networks of one architecture, trained on MagnaTagATune (`mtt`) and on the Million Song Dataset
(`msd`). Each is a file of TensorFlow's variables under their own names and in their own layouts.

Most filters of the released checkpoints are dead: weight decay shrank their kernels to nothing
(of the 408 timbral ones, over half of `mtt` and nine in ten of `msd`), so they say the same
whatever they hear. Which ones is proved at load from a bound on the input, and only the others are
computed.

Source: Pons and Serra 2019, arXiv:1909.06654 (architecture and weights, ISC licence).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from musiscene.encoders.log_mel import (
    HOP_LENGTH,
    SAMPLE_RATE,
    count_frames,
    log_mel_spectrogram,
)
from musiscene.errors import ModelIntegrityError
from musiscene.processor import can_multiply_bfloat16
from musiscene.vocabularies import TAGS_OF, Vocabulary

if TYPE_CHECKING:
    from pathlib import Path

PATCH_FRAMES = 187
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP_LENGTH  # the fewest that have so many frames
PATCH_SECONDS = PATCH_FRAMES * HOP_LENGTH / SAMPLE_RATE  # 2.992 s
BATCH_NORM_EPSILON = 1e-3
LOUDEST_LOG_MEL = 10.0  # full scale stays under 7.4; this is 400 times its power
NEGLIGIBLE = 1e-4  # of a feature; tags move by less than 1e-5

Variables: TypeAlias = Mapping[str, torch.Tensor]


class MusicnnOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What both networks hear in each patch of a track."""

    starts_seconds: NDArray[np.float64]
    """Where the patches begin, shape (patches,)."""
    tags: dict[Vocabulary, NDArray[np.float32]]
    """Vocabulary -> probability of each of its tags, shape (patches, 50)."""
    penultimate: dict[Vocabulary, NDArray[np.float32]]
    """Vocabulary -> features before the tags, shape (patches, 200)."""


class FilterBank(nn.Module):
    """Convolution, ReLU, batch norm and the maximum over frequency, of the filters that vary.

    ReLU rises and batch norm is linear, so both can wait until after the maximum: where a
    filter's gain is negative, its kernel's sign is turned, and the maximum is a minimum.

    Args:
        kernel: Shape (filters, channels, frames, bands).
        bias: Shape (filters,).
        scale: Of the batch norm, shape (filters,).
        shift: Of the batch norm, shape (filters,).
        input_bound: The largest magnitude of any input.
        dtype: Of the convolution.
    """

    kernel: torch.Tensor
    live: torch.Tensor
    sign: torch.Tensor
    bias: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor
    constant: torch.Tensor

    def __init__(
        self,
        kernel: torch.Tensor,
        bias: torch.Tensor,
        scale: torch.Tensor,
        shift: torch.Tensor,
        *,
        input_bound: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        reach = kernel.abs().sum(dim=(1, 2, 3)) * input_bound
        is_silent = reach <= -bias  # ReLU lets nothing through
        is_constant = reach * scale.abs() <= NEGLIGIBLE
        live = (~(is_silent | is_constant)).nonzero().squeeze(1)
        sign = torch.where(scale < 0, -1.0, 1.0)[live]
        self.pad_frames = ((kernel.shape[2] - 1) // 2, kernel.shape[2] // 2)  # as TensorFlow
        self.output_bound = float((F.relu(bias + reach) * scale.abs() + shift.abs()).max())
        kept = (kernel[live] * sign[:, None, None, None]).to(dtype)
        for name, tensor in {
            "kernel": kept.contiguous(memory_format=torch.channels_last),
            "live": live,
            "sign": sign[:, None],
            "bias": bias[live, None],
            "scale": scale[live, None],
            "shift": shift[live, None],
            "constant": (F.relu(bias) * scale + shift)[:, None],
        }.items():
            self.register_buffer(name, tensor)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return what every filter gives at every frame.

        Args:
            features: Shape (batch, channels, frames, bands).

        Returns:
            Shape (batch, filters, frames).
        """
        outputs = self.constant.repeat(len(features), 1, features.shape[2])
        if len(self.live) == 0:
            return outputs
        padded = F.pad(features.to(self.kernel.dtype), (0, 0, *self.pad_frames))
        # With the channels last, convolution and maximum run over many of them at once.
        found = F.conv2d(padded.contiguous(memory_format=torch.channels_last), self.kernel)
        strongest = F.max_pool2d(found, (1, found.shape[3]))[..., 0].float()
        varying = F.relu(strongest * self.sign + self.bias) * self.scale + self.shift
        return outputs.index_copy_(1, self.live, varying)


class Musicnn(nn.Module):
    """One network: log-mel patches to tags.

    Args:
        variables: TensorFlow's, in the order of their creation: `batch_normalization` (0 to 10),
            `conv2d` (0 to 7) and `dense` (0 and 1).
        dtype: Of the convolutions over the spectrogram, which take nearly all of the time.
    """

    input_scale: torch.Tensor
    input_shift: torch.Tensor
    hidden_scale: torch.Tensor
    hidden_shift: torch.Tensor

    def __init__(self, variables: Variables, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        scale, shift = _batch_norm(variables, 0)
        self.register_buffer("input_scale", scale)
        self.register_buffer("input_shift", shift)
        bound = float(torch.maximum(shift.abs(), (LOUDEST_LOG_MEL * scale + shift).abs()))
        front = [
            _filter_bank(variables, index, layout=(3, 2, 0, 1), input_bound=bound, dtype=dtype)
            for index in range(5)
        ]
        self.front = nn.ModuleList(front)
        bound = max(bank.output_bound for bank in front)
        self.middle = nn.ModuleList()
        for index in range(5, 8):
            bank = _filter_bank(variables, index, layout=(3, 1, 0, 2), input_bound=bound)
            bound = bank.output_bound + (bound if self.middle else 0)
            self.middle.append(bank)
        pooled_scale, pooled_shift = _batch_norm(variables, 9)
        kernel = variables["dense/kernel"]  # (1506, 200)
        self.hidden = _linear(
            kernel * pooled_scale[:, None], variables["dense/bias"] + pooled_shift @ kernel
        )
        scale, shift = _batch_norm(variables, 10)
        self.register_buffer("hidden_scale", scale)
        self.register_buffer("hidden_shift", shift)
        self.output = _linear(variables["dense_1/kernel"], variables["dense_1/bias"])

    def forward(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is heard in each patch.

        Args:
            log_mel: float32, shape (patches, frames, 96); the networks were trained on 187 frames.

        Returns:
            Tag probabilities, shape (patches, 50), and the features before them, (patches, 200).
        """
        normalised = (log_mel * self.input_scale + self.input_shift).unsqueeze(1)
        heard = torch.cat(
            [bank(normalised) for bank in self.front], dim=1
        )  # (patches, 561, frames)
        layers = [heard]
        for bank in self.middle:
            refined = bank(layers[-1].unsqueeze(3))  # (patches, 64, frames)
            layers.append(refined if len(layers) == 1 else refined + layers[-1])
        dense = torch.cat(layers, dim=1)  # (patches, 753, frames)
        pooled = torch.stack((dense.amax(dim=2), dense.mean(dim=2)), dim=2)  # (patches, 753, 2)
        hidden = F.relu(self.hidden(pooled.flatten(1)))
        penultimate = hidden * self.hidden_scale + self.hidden_shift  # (patches, 200)
        return torch.sigmoid(self.output(penultimate)), penultimate


class MusicnnTagger:
    """Both networks, from a waveform to tags and features."""

    def __init__(self, networks: Mapping[Vocabulary, Musicnn], *, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.networks = {name: network.eval().to(self.device) for name, network in networks.items()}

    @torch.inference_mode()
    def listen(
        self,
        waveform: NDArray[np.float32],
        *,
        starts_seconds: Sequence[float] | None = None,
        batch_size: int = 4,
    ) -> MusicnnOutput:
        """Hear a track in patches of 2.992 s.

        A track shorter than one patch is repeated from its beginning until it fills one, as in the
        networks' training. Memory depends on `batch_size`, not on the track's length.

        Args:
            waveform: Mono audio in [-1, 1] at 16 kHz, float32, shape (samples,).
            starts_seconds: Where the patches begin, rounded to frames of 16 ms; one that would run
                past the end is moved back to end with the track. None for one after the other over
                the whole track, the last one moved back likewise.
            batch_size: Patches at once; on a processor a few fit its caches best.

        Returns:
            One row per patch, in the order of `starts_seconds`.

        Raises:
            ValueError: If `waveform` is empty or not one-dimensional, a start is not in it, or
                there are none.
        """
        if waveform.ndim != 1 or waveform.size == 0:
            raise ValueError(f"a waveform has the shape (samples,), not {waveform.shape}")
        first_frames = first_frames_of(waveform.size, starts_seconds)
        if waveform.size < PATCH_SAMPLES:
            waveform = np.resize(waveform, PATCH_SAMPLES)
        tags: dict[Vocabulary, list[torch.Tensor]] = {name: [] for name in self.networks}
        penultimate: dict[Vocabulary, list[torch.Tensor]] = {name: [] for name in self.networks}
        for first in range(0, len(first_frames), batch_size):
            patches = torch.stack(
                [
                    log_mel_spectrogram(waveform, first_frame=frame, frame_count=PATCH_FRAMES)
                    for frame in first_frames[first : first + batch_size]
                ]
            ).to(self.device)
            for name, network in self.networks.items():
                probabilities, features = network(patches)
                tags[name].append(probabilities)
                penultimate[name].append(features)
        return MusicnnOutput(
            starts_seconds=np.array(first_frames) * (HOP_LENGTH / SAMPLE_RATE),
            tags={name: torch.cat(rows).cpu().numpy() for name, rows in tags.items()},
            penultimate={name: torch.cat(rows).cpu().numpy() for name, rows in penultimate.items()},
        )


def load_musicnn(
    folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None
) -> MusicnnTagger:
    """Load both networks from a folder that holds `mtt.safetensors` and `msd.safetensors`.

    Args:
        folder: As the model store returns it.
        device: Where the networks run, as torch names it.
        dtype: Of the convolutions over the spectrogram; None for bfloat16 on a processor that
            multiplies it, which moves tags of a patch by less than 0.01, else float32.

    Returns:
        The networks, ready to listen.

    Raises:
        ModelIntegrityError: If a file is missing or torn, or holds other variables.
    """
    if dtype is None:
        is_fast = device == "cpu" and can_multiply_bfloat16()
        dtype = torch.bfloat16 if is_fast else torch.float32
    return MusicnnTagger({name: _load(folder, name, dtype) for name in TAGS_OF}, device=device)


def _load(folder: Path, name: Vocabulary, dtype: torch.dtype) -> Musicnn:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / f"{name}.safetensors"
    try:
        network = Musicnn(load_file(path), dtype=dtype)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise ModelIntegrityError("musicnn", f"{path}: {error}") from error
    return network


def first_frames_of(sample_count: int, starts_seconds: Sequence[float] | None) -> list[int]:
    """Return the first frame of each patch of a track.

    Args:
        sample_count: Of the track, at 16 kHz.
        starts_seconds: As `MusicnnTagger.listen` takes them.

    Returns:
        Frames of 16 ms, such that no patch runs past the end of a track that holds one.

    Raises:
        ValueError: If a start is not in the track, or there are none.
    """
    last = max(count_frames(sample_count) - PATCH_FRAMES, 0)
    if starts_seconds is None:
        return [*range(0, last, PATCH_FRAMES), last]
    if not starts_seconds:
        raise ValueError("no patches to hear")
    duration = sample_count / SAMPLE_RATE
    if outside := [start for start in starts_seconds if not 0 <= start < duration]:
        raise ValueError(f"patches start at {outside} s in a track of {duration} s")
    return [min(round(start * SAMPLE_RATE / HOP_LENGTH), last) for start in starts_seconds]


def _filter_bank(
    variables: Variables,
    index: int,
    *,
    layout: tuple[int, int, int, int],
    input_bound: float,
    dtype: torch.dtype = torch.float32,
) -> FilterBank:
    """Return the filters of one convolution.

    `layout` orders TensorFlow's kernel axes (time, frequency or channel, one, filter) as filters,
    channels, frames and bands.
    """
    prefix = _numbered("conv2d", index)
    scale, shift = _batch_norm(variables, index + 1)
    return FilterBank(
        variables[f"{prefix}/kernel"].permute(layout),
        variables[f"{prefix}/bias"],
        scale,
        shift,
        input_bound=input_bound,
        dtype=dtype,
    )


def _batch_norm(variables: Variables, index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch norm's gain and offset in inference, each of shape (channels,)."""
    prefix = _numbered("batch_normalization", index)
    deviation = torch.sqrt(variables[f"{prefix}/moving_variance"] + BATCH_NORM_EPSILON)
    scale = variables[f"{prefix}/gamma"] / deviation
    return scale, variables[f"{prefix}/beta"] - variables[f"{prefix}/moving_mean"] * scale


def _linear(kernel: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(*kernel.shape)
    layer.weight = nn.Parameter(kernel.T.contiguous(), requires_grad=False)
    layer.bias = nn.Parameter(bias, requires_grad=False)
    return layer


def _numbered(name: str, index: int) -> str:
    """Return a variable's prefix: TensorFlow leaves the number off the first."""
    return f"{name}_{index}" if index else name
