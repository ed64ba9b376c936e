"""Which few seconds of a track the encoder hears: fewer of what sounds like something heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.encoders.log_mel import log_mel_spectrogram
from musiscene.encoders.musicnn import PATCH_FRAMES, PATCH_SAMPLES, PATCH_SECONDS, first_frames_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PATCHES_PER_SEGMENT = 3
"""Heard of a segment that sounds like no other, spread over it."""
ALIKE = 0.4
"""Segments sound alike if their log-mel profiles differ by no more, in decades of power (10 dB):
root mean square over the bands' means and deviations. Two segments of one track differ by 0.44 in
the median."""


class PatchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard, and for which segments it speaks."""

    starts_seconds: tuple[float, ...]
    """Where the patches begin."""
    of_segment: tuple[tuple[int, ...], ...]
    """Numbers of the patches that speak for each segment; equal for those that sound alike."""


def plan_patches(
    waveform: NDArray[np.float32],
    spans_seconds: Sequence[tuple[float, float]],
    songs: Sequence[str | None],
) -> PatchPlan:
    """Choose patches of every segment, and share them among segments that sound alike.

    A verse that comes again needs no second opinion: what is heard of both together is steadier
    than of each alone, and takes fewer patches.

    Args:
        waveform: Mono audio at 16 kHz, float32, shape (samples,).
        spans_seconds: Beginning and end of each segment, at least one.
        songs: Title of each segment's song; segments of two songs share nothing.

    Returns:
        `PATCHES_PER_SEGMENT` for a segment by itself, four for two that sound alike, and one more
        for each further one.
    """
    starts = [_spread(begin, end) for begin, end in spans_seconds]
    groups = [[place] for place in range(len(starts))]
    if len(starts) > 1 and waveform.size >= PATCH_SAMPLES:
        groups = _alike([_profile(waveform, own) for own in starts], songs)
    chosen: list[float] = []
    of_segment: list[tuple[int, ...]] = [()] * len(starts)
    for group in groups:
        first = len(chosen)
        for place, segment in enumerate(group):
            chosen += starts[segment] if len(group) == 1 else _share(starts[segment], place)
        for segment in group:
            of_segment[segment] = tuple(range(first, len(chosen)))
    return PatchPlan(starts_seconds=tuple(chosen), of_segment=tuple(of_segment))


def _spread(begin: float, end: float) -> list[float]:
    last = max(end - PATCH_SECONDS, begin)
    starts: list[float] = np.linspace(begin, last, PATCHES_PER_SEGMENT).tolist()
    return starts


def _share(starts: list[float], place: int) -> list[float]:
    """What the first, second or a further one of a group adds."""
    return (starts[:2], starts[1:], starts[1:2])[min(place, 2)]


def _profile(waveform: NDArray[np.float32], starts_seconds: Sequence[float]) -> NDArray[np.float32]:
    """Mean and deviation of each band over some patches, shape (192,)."""
    frames = np.concatenate(
        [
            log_mel_spectrogram(waveform, first_frame=first, frame_count=PATCH_FRAMES).numpy()
            for first in first_frames_of(waveform.size, starts_seconds)
        ]
    )
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)])


def _alike(profiles: Sequence[NDArray[np.float32]], songs: Sequence[str | None]) -> list[list[int]]:
    """Segments in groups of which any two sound alike."""
    groups: list[list[int]] = []
    for place, profile in enumerate(profiles):
        for group in groups:
            farthest = max(
                float(np.sqrt(np.square(profile - profiles[other]).mean())) for other in group
            )
            if farthest <= ALIKE and songs[place] == songs[group[0]]:
                group.append(place)
                break
        else:
            groups.append([place])
    return groups
