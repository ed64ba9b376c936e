"""Audio codes -> music of an exact length, and whether it died away before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.errors import GenerationError
from musiscene.generate.protocol import MAX_SEED

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from musiscene.generate.musicgen.weights import LoadedMusicGen

PIECE_SECONDS: Final = 30.0
"""Codes are decoded in pieces, so that ten minutes need no more memory than one."""
CONTEXT_SECONDS: Final = 2.0
"""What a piece hears of its neighbours on either side; their inner halves are faded over."""
FADE_SECONDS: Final = 0.5
COLLAPSE_DB: Final = 30.0
COLLAPSE_SECONDS: Final = 2.0
BLOCKS_PER_SECOND: Final = 10


def to_waveform(loaded: LoadedMusicGen, codes: Tensor) -> NDArray[np.float32]:
    """Decode codes.

    Args:
        loaded: The model.
        codes: Shape (codebooks, frames); of a stereo model, left and right take turns.

    Returns:
        Shape (channels, frames * samples per frame).
    """
    frames, hop = codes.shape[1], loaded.samples_per_frame
    piece = round(PIECE_SECONDS * loaded.frame_rate)
    context = round(CONTEXT_SECONDS * loaded.frame_rate)
    music = np.zeros((loaded.channels, frames * hop), np.float32)
    for start in range(0, max(frames - context, 1), piece):
        end = frames if start + piece + context >= frames else start + piece
        first, last = max(0, start - context), min(frames, end + context)
        sound = _decode(loaded, codes[:, first:last])
        overlap = (context // 2) * hop if start else 0
        begin = start * hop - overlap
        sound = sound[:, begin - first * hop : end * hop - first * hop]
        ramp = np.linspace(0, 1, overlap, dtype=np.float32)
        music[:, begin : start * hop] *= 1 - ramp
        sound[:, :overlap] *= ramp
        music[:, begin : end * hop] += sound
        if end == frames:
            break
    return music


def cut_to(music: NDArray[np.float32], *, sample_rate: int, seconds: float) -> NDArray[np.float32]:
    """Cut music to an exact length, with a short fade at its end.

    Args:
        music: Shape (channels, samples).
        sample_rate: In Hz.
        seconds: How long it is to be.

    Returns:
        Shape (channels, round(seconds * sample_rate)).
    """
    cut = music[:, : round(seconds * sample_rate)].copy()
    fade = min(round(FADE_SECONDS * sample_rate), cut.shape[1])
    cut[:, cut.shape[1] - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut


def alive_to_its_end(
    make: Callable[[int], tuple[NDArray[np.float32], int]], *, seed: int
) -> tuple[NDArray[np.float32], int]:
    """Make music, and once more with the next seed if it died away before its end.

    Args:
        make: Makes music from a seed: samples and sample rate.
        seed: The first to try.

    Returns:
        The music, and the seed that it came from.

    Raises:
        GenerationError: If both died away.
    """
    following = (seed + 1) % (MAX_SEED + 1)
    for chosen in (seed, following):
        music, sample_rate = make(chosen)
        if silent_end_seconds(music, sample_rate=sample_rate) <= COLLAPSE_SECONDS:
            return music, chosen
    raise GenerationError(
        f"the music died away before its end with seeds {seed} and {following}; try another seed"
        " or a shorter length"
    )


def silent_end_seconds(music: NDArray[np.float32], *, sample_rate: int) -> float:
    """How long before its end music died away.

    MusicGen is known to collapse into silence.

    Args:
        music: Shape (channels, samples), before its fade.
        sample_rate: In Hz.

    Returns:
        Seconds from where it stays `COLLAPSE_DB` below its louder parts.
    """
    block = max(1, sample_rate // BLOCKS_PER_SECOND)
    blocks = music.shape[1] // block
    if blocks == 0:
        return 0.0
    power = np.square(music[:, : blocks * block]).reshape(len(music), blocks, block).mean((0, 2))
    sounding = np.flatnonzero(power > np.quantile(power, 0.9) * 10 ** (-COLLAPSE_DB / 10))
    last = int(sounding[-1]) if len(sounding) else -1
    return float((blocks - 1 - last) * block / sample_rate)


def _decode(loaded: LoadedMusicGen, codes: Tensor) -> NDArray[np.float32]:
    import torch

    codec = loaded.model.audio_encoder
    placed = codes.to(loaded.device)
    with torch.inference_mode():
        channels = [
            codec.decode(placed[None, None, side :: loaded.channels], [None]).audio_values[0, 0]
            for side in range(loaded.channels)
        ]
        return torch.stack(channels).float().cpu().numpy().astype(np.float32)
