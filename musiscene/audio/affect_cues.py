"""What in the sound of a track speaks of its affect: scale, harmony, register, density of events.

None of it depends on the gain, and little on the instruments: on the same pieces in six timbres
these cues carry over where descriptors of timbre do not (docs/imagining.md, "Affect").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.excerpt_details import excerpt_details

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.audio.excerpt_details import ExcerptDetails

LOWEST_RATE_HZ: Final = 0.25

_LOWEST_MIDI = 28  # row 0 of the salience
_FRAME_SECONDS = 0.128  # of the salience
_AUDIBLE_SHARE = 0.05  # of the loudest frame's salience
_SOUNDING_SHARE = 0.25  # of a frame's strongest tone: it sounds
_TONE_SHARE = 0.1  # of the excerpt's strong tones (90th percentile): it sounds
_SECOND_FRAMES = 8
_MAJOR_SCALE = (1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1)
_MIN_GAP_FRAMES = 7
_NOVELTY_HEIGHTS: Final[dict[str, tuple[int, float]]] = {
    "low_events": (0, 0.5), "body_events": (1, 0.5), "melody_events": (2, 1.0),
    "melody_accents": (2, 2.0), "high_events": (3, 1.0), "high_accents": (3, 2.0),
    "events": (4, 2.0),
}  # fmt: skip
"""Cue -> row of the novelty curves, and from what rise on it counts. Heights are absolute: a share
of the strongest accents misses the accompaniment (true note density: r 0.94 against 0.76)."""

CUES: Final = (
    "major", "major_triads", "diatonic", *(f"interval_{step}" for step in range(1, 7)),
    "harmonic_change", "pitch", "bass", "sustain", "tone_onsets", *_NOVELTY_HEIGHTS,
)  # fmt: skip
"""Names of all cues."""


def affect_cues(
    waveform: NDArray[np.float32],
    *,
    sample_rate: int,
    excerpts: Sequence[ExcerptDetails] | None = None,
) -> dict[str, float]:
    """Measure the cues, as means over up to eight excerpts of 30 s.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.
        excerpts: Of `excerpt_details` in the same waveform, if they are at hand.

    Returns:
        One value for each of `CUES`; nothing where no tone can be heard.

    Example:
        >>> affect_cues(np.zeros(16_000, dtype=np.float32), sample_rate=16_000)
        {}
    """
    if excerpts is None:
        excerpts = excerpt_details(waveform, sample_rate=sample_rate)
    heard = []
    for excerpt in excerpts:
        salience = excerpt.salience.astype(np.float64)
        if salience.any():
            seconds = excerpt.end_seconds - excerpt.start_seconds
            heard.append(_harmony(salience) | _tones(salience) | _density(excerpt.novelty, seconds))
    return {name: float(np.mean([cues[name] for cues in heard])) for name in CUES} if heard else {}


def _harmony(salience: NDArray[np.float64]) -> dict[str, float]:
    """Scale and chords; all of it the same in every key."""
    from scipy.ndimage import uniform_filter1d

    from musiscene.audio.chroma import key_features
    from musiscene.audio.learnt import key_logits

    profiles = key_features(salience.astype(np.float32)).astype(np.float64)
    logits = key_logits(profiles.astype(np.float32))
    probability = np.exp(logits - logits.max())
    major, minor = probability.sum(axis=0)
    chroma = np.zeros((12, salience.shape[1]))
    np.add.at(chroma, (np.arange(len(salience)) + _LOWEST_MIDI) % 12, salience)
    overall = _unit(chroma.sum(axis=1, keepdims=True))[:, 0]
    seconds = _unit(uniform_filter1d(_unit(chroma), _SECOND_FRAMES, axis=1)[:, ::_SECOND_FRAMES])
    alike = (seconds[:, 1:] * seconds[:, :-1]).sum(axis=0)
    scales = np.stack([np.roll(_MAJOR_SCALE, tonic) for tonic in range(12)])
    return {
        "major": float(major / (major + minor)),
        "major_triads": float(profiles[5].sum() - profiles[6].sum()),
        "diatonic": float((scales @ profiles[1]).max()),
        **{f"interval_{k}": float(overall @ np.roll(overall, k)) for k in range(1, 7)},
        "harmonic_change": 1.0 - float(alike.mean()) if len(alike) else 0.0,
    }


def _tones(salience: NDArray[np.float64]) -> dict[str, float]:
    """Register, how long tones last, and how many begin a second."""
    pitches = np.arange(len(salience)) + _LOWEST_MIDI
    total = salience.sum(axis=0)
    is_audible = total > _AUDIBLE_SHARE * total.max()
    sounds = (salience > _SOUNDING_SHARE * salience.max(axis=0)) & is_audible
    clear = salience > _TONE_SHARE * np.percentile(salience[salience > 0], 90)
    begins = (clear[:, 1:] & ~clear[:, :-1]).sum()
    return {
        "pitch": float(pitches @ salience.sum(axis=1) / total.sum()),
        "bass": float(pitches[sounds[:, is_audible].argmax(axis=0)].mean()),
        "sustain": float((sounds[:, 1:] & sounds[:, :-1]).sum() / sounds.sum()),
        "tone_onsets": _log_rate(int(begins), salience.shape[1] * _FRAME_SECONDS),
    }


def _density(novelty: NDArray[np.float32], seconds: float) -> dict[str, float]:
    """How many events a second rise in each band, in octaves."""
    from scipy.signal import find_peaks

    return {
        name: _log_rate(
            len(find_peaks(novelty[row], height=height, distance=_MIN_GAP_FRAMES)[0]), seconds
        )
        for name, (row, height) in _NOVELTY_HEIGHTS.items()
    }


def _log_rate(count: int, seconds: float) -> float:
    return float(np.log2(max(count / seconds, LOWEST_RATE_HZ)))


def _unit(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns at length 1; a column of zeros stays one."""
    lengths = np.linalg.norm(columns, axis=0)
    unit: NDArray[np.float64] = columns / np.maximum(lengths, 1e-9)
    return unit
