"""When the beats of a track fall, and which of them begin a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.audio.tempo import estimate_tempo

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_CONFIDENCE: Final = 0.2
"""Below it no beats are told. Drones and rumble reach 0.17, white noise 0.3, the 675 rendered
validation pieces 0.19 to 0.9."""
FEWEST_BEATS: Final = 4
"""Fewer do not show that something repeats."""

_ONSET_FRAMES = 2  # a beat is heard within so many frames of where the walk puts it


class BeatEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Beats and bars of a track."""

    beat_times_seconds: tuple[float, ...]
    """From the beginning of the track, rising; none where no beat can be made out."""
    downbeat_times_seconds: tuple[float, ...]
    """Those of the beats that begin a bar."""
    confidence: float
    """Mean probability of a beat at the places of the beats, 0 to 1."""


NO_BEATS: Final = BeatEstimate(beat_times_seconds=(), downbeat_times_seconds=(), confidence=0.0)


def find_beats(
    waveform: NDArray[np.float32],
    *,
    sample_rate: int,
    bpm: float | None = None,
    activations: NDArray[np.float32] | None = None,
) -> BeatEstimate:
    """Find beats and bars of three or four beats.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.
        bpm: The tempo, if it is known, 0 if there is none; otherwise it is estimated. The beats
            keep to it within an eighth.
        activations: Of `beat_activations` in the same waveform, if they are at hand.

    Returns:
        The beats; none where nothing, too little or no beat is heard.

    Example:
        >>> find_beats(np.zeros(16_000, dtype=np.float32), sample_rate=16_000).confidence
        0.0
    """
    from musiscene.audio.pulse.activations import beat_activations
    from musiscene.audio.pulse.bars import likeliest_beats
    from musiscene.audio.pulse.spectra import FRAME_RATE

    if activations is None:
        activations = beat_activations(waveform, sample_rate=sample_rate)
    if bpm is None:
        bpm = estimate_tempo(waveform, sample_rate=sample_rate, activations=activations).bpm
    if bpm <= 0:
        return NO_BEATS
    beats = likeliest_beats(activations, bpm=bpm)
    if len(beats.frames) < FEWEST_BEATS:
        return NO_BEATS
    places, strengths = _where_heard(activations.sum(axis=1), beats.frames)
    confidence = round(float(strengths.mean()), 3)
    if confidence < LEAST_CONFIDENCE:
        return msgspec.structs.replace(NO_BEATS, confidence=confidence)
    seconds = np.round(places / FRAME_RATE, 3)
    return BeatEstimate(
        beat_times_seconds=tuple(seconds.tolist()),
        downbeat_times_seconds=tuple(seconds[beats.begins_bar].tolist()),
        confidence=confidence,
    )


def _where_heard(
    heard: NDArray[np.float32], frames: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Move each beat to the middle of what is heard around it; places in frames, and strengths."""
    near = np.clip(frames[:, None] + np.arange(-1, _ONSET_FRAMES + 1), 0, len(heard) - 1)
    weights = heard[near].astype(np.float64) + 1e-9
    places = (weights * near).sum(axis=1) / weights.sum(axis=1)
    return places, heard[near].max(axis=1)
