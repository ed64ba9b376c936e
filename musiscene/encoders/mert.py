"""MERT: music as the hidden states of a HuBERT network, from transformers' own class.

The released model needs remote code to load; its computation without the CQT branch is HuBERT's.
Two things differ between versions of transformers and are settled here: the last hidden state is
taken after the encoder's final layer norm, and the positional convolution's weight norm loads under
either of its names.

Source: Li et al. 2023, MERT, arXiv:2306.00107 (model); Hsu et al. 2021, HuBERT, arXiv:2106.07447
(architecture); Liu et al. 2023, arXiv:2308.11276, section 3 (time means of all layers).
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch

from musiscene.encoders.features import AudioFeatures
from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import HubertModel

Hearing = Literal["whole", "first-60-seconds"]
"""How much of a track is heard: all of it, or what the original's loop reaches."""

SAMPLE_RATE = 24_000
WINDOW_SECONDS = 60
"""Longest stretch that is encoded at once, as in the original."""
MIN_SAMPLES = 720
"""Two frames. The original takes down to 400, and averages one frame over its layers."""
VARIANCE_FLOOR = 1e-7
FIELD_SAMPLES = 400
HOP_SAMPLES = 320
"""Of the convolutions: what a frame covers, and the way to the next."""


class MertEncoder:
    """A frozen MERT.

    Args:
        model: In evaluation mode: its dropout, layer drop and masking would blur what is heard.
        is_normalised: Whether a window is brought to mean 0 and variance 1 first.

    Attributes:
        layer_count: Hidden states that it gives, the input of the first layer included.
        width: Of a hidden state.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, model: HubertModel, *, is_normalised: bool = True) -> None:
        self.model: Any = cast("Any", model).eval()
        self.is_normalised = is_normalised
        self.layer_count = model.config.num_hidden_layers + 1
        self.width = model.config.hidden_size

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> MertEncoder:
        """The encoder in a folder that holds a HuBERT's config and safetensors.

        Args:
            folder: Local; no code from it is run.
            device: As torch spells it.
            dtype: Of the weights and of the arithmetic.

        Returns:
            The encoder.

        Raises:
            ModelIntegrityError: If its files cannot be read, or a weight is missing.
        """
        from safetensors import SafetensorError
        from transformers import HubertModel

        try:
            loaded: Any = HubertModel.from_pretrained(
                str(folder),
                local_files_only=True,
                use_safetensors=True,
                dtype=dtype,
                output_loading_info=True,
            )
            model, report = loaded
            preprocessing = json.loads((folder / "preprocessor_config.json").read_text())
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelIntegrityError("mert-v1-330m", f"{folder}: {error}") from error
        if report["missing_keys"]:
            missing = ", ".join(sorted(report["missing_keys"])[:3])
            raise ModelIntegrityError("mert-v1-330m", f"{folder} lacks weights: {missing}")
        return cls(model.to(device), is_normalised=bool(preprocessing.get("do_normalize", True)))

    def encode(
        self,
        waveform: NDArray[np.float32],
        *,
        spans_seconds: Sequence[tuple[float, float]] = (),
        hear: Hearing = "whole",
    ) -> AudioFeatures:
        """Hear a track and some of its segments in one pass.

        Args:
            waveform: Mono at `SAMPLE_RATE`, float32, (samples,).
            spans_seconds: Start and end of each segment.
            hear: How much of the track its own features speak of; a segment that is not heard
                gets the features of the track.

        Returns:
            Time means. Windows of a whole track are equally long, so each second counts the same.

        Raises:
            ValueError: If the waveform is shorter than `MIN_SAMPLES`.
        """
        if waveform.size < MIN_SAMPLES:
            raise ValueError(f"{waveform.size} samples are too few to hear, {MIN_SAMPLES} needed")
        windows = (
            equal_windows(waveform.size) if hear == "whole" else original_windows(waveform.size)
        )
        means = torch.zeros(self.layer_count, self.width)
        sums = torch.zeros(len(spans_seconds), self.layer_count, self.width)
        frames = torch.zeros(len(spans_seconds), 1, 1)
        for start, end in windows:
            states = self._states(waveform[start:end])  # (layers, frames, width)
            means += states.mean(1).cpu()
            for place, span in enumerate(spans_seconds):
                first, last = _frames_of(span, start, states.shape[1])
                sums[place] += states[:, first:last].sum(1).cpu()
                frames[place] += last - first
        track = means / len(windows)
        segments = torch.where(frames > 0, sums / frames.clamp(min=1), track)
        return AudioFeatures(track=track.numpy(), segments=segments.numpy())

    def _states(self, window: NDArray[np.float32]) -> Tensor:
        """All hidden states of one window, float32, (layers, frames, width)."""
        prepared = normalise(window) if self.is_normalised else window
        samples = torch.from_numpy(prepared).to(self.model.device, self.model.dtype)
        with torch.inference_mode():
            return torch.cat(list(self.hidden_states(samples))).float()

    def hidden_states(self, samples: Tensor) -> Sequence[Tensor]:
        """All hidden states of one prepared window (samples,), each (1, frames, width)."""
        output: Any = self.model(samples[None], output_hidden_states=True)
        # Transformers 5 gives the last one before the final layer norm, version 4 gave it after.
        return (*output.hidden_states[:-1], output.last_hidden_state)


def normalise(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring samples to mean 0 and population variance 1, float32, (samples,)."""
    scaled: NDArray[np.float32] = (window - window.mean()) / np.sqrt(window.var() + VARIANCE_FLOOR)
    return scaled.astype(np.float32)


def _frames_of(
    span_seconds: tuple[float, float], start_sample: int, frame_count: int
) -> tuple[int, int]:
    """First and last + 1 of a window's frames whose middle lies in a span."""
    edges = [
        math.ceil((seconds * SAMPLE_RATE - start_sample - FIELD_SAMPLES / 2) / HOP_SAMPLES)
        for seconds in span_seconds
    ]
    first, last = (min(max(edge, 0), frame_count) for edge in edges)
    return first, max(first, last)


def equal_windows(sample_count: int) -> list[tuple[int, int]]:
    """Cut a track into the fewest windows of at most `WINDOW_SECONDS` and of one length.

    Args:
        sample_count: Of the track at `SAMPLE_RATE`.

    Returns:
        First sample and last + 1 of each.

    Example:
        >>> equal_windows(75 * SAMPLE_RATE)
        [(0, 900000), (900000, 1800000)]
    """
    count = -(-sample_count // (WINDOW_SECONDS * SAMPLE_RATE))
    edges = [round(place * sample_count / count) for place in range(count + 1)]
    return list(pairwise(edges))


def original_windows(sample_count: int) -> list[tuple[int, int]]:
    """The windows of the original's loop, which steps by 60 up to a count of minutes.

    Below an hour that is the first minute alone; each further hour adds one minute.

    Args:
        sample_count: Of the track at `SAMPLE_RATE`.

    Returns:
        First sample and last + 1 of each.

    Example:
        >>> original_windows(75 * SAMPLE_RATE)
        [(0, 1440000)]
    """
    size = WINDOW_SECONDS * SAMPLE_RATE
    starts = range(0, sample_count // size + 1, WINDOW_SECONDS)
    return [
        (start * SAMPLE_RATE, min(start * SAMPLE_RATE + size, sample_count)) for start in starts
    ]
