"""Where each track of a library lies in the space of moods, beside the others of the library.

A brief asks for "the calm one" among what there is, so a track's valence and arousal are taken
against the library's own spread, which a small library has hardly any of: it is drawn towards the
spread of music at large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from indexer.sounds import tag_scores
from musiscene.affect import MUSIC_MIDDLE, MUSIC_SPREAD
from musiscene.scene_reader import IMAGINED_TAGS, MOOD_MIDDLE, MOOD_SPREAD, MOODS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR_TRACKS: Final = 8.0
"""How many tracks the spread of music at large weighs."""
DOUBT: Final = 0.5
"""Of a track's place, as a deviation: how far off the measured affect is taken to be."""

PLEASANT_TAGS: Final = (
    "happy", "party", "dance", "catchy", "funk", "pop", "country", "female vocalists", "oldies",
    "60s", "soul",
)  # fmt: skip
UNPLEASANT_TAGS: Final = (
    "sad", "metal", "heavy metal", "ambient", "weird", "experimental", "hard rock", "cello", "slow",
)  # fmt: skip
AROUSING_TAGS: Final = (
    "loud", "fast", "beat", "beats", "drums", "rock", "metal", "dance", "hard rock", "party",
)  # fmt: skip
CALMING_TAGS: Final = (
    "slow", "soft", "quiet", "ambient", "beautiful", "sad", "mellow", "chillout",
)  # fmt: skip
TAG_SHARE: Final = 0.3
"""Of the tags in a track's place, where what was measured counts as one: the affect model was
learnt from piano pieces played by samplers, and has never heard a drum kit."""
TAG_SPREAD: Final = 0.5
"""Of the tags' mean standard scores, over music at large."""
TEMPO_SHARE: Final = 0.5
"""Of the tempo in a track's arousal, beside what of it the affect model holds already: that was
learnt from tempi of which a third were an octave off."""
TEMPO_SPREAD: Final = 0.25
NEUTRAL_BPM: Final = 105.0
SLOWEST_BPM: Final = 30.0
LEAST_SPREAD: Final = 0.25
"""Of a tag's log-scores: one that hardly varies in a library tells its tracks hardly apart."""
LARGEST: Final = 3.0
QUIETEST_TAG: Final = 0.015
"""Taken for tags that are not kept, since their scores are below `listen.MIN_TAG_SCORE`."""


class LibraryMoods:
    """The moods of all tracks of a library.

    Args:
        sounds: `indexer.sounds.SOUND_DTYPE`, shape (tracks,).
        tags: Tag scores, shape (tracks, tags).
    """

    def __init__(self, sounds: NDArray[np.void], tags: NDArray[np.float16]) -> None:
        valence = _with_others(
            _standard(sounds["valence"], MUSIC_MIDDLE[0], MUSIC_SPREAD[0]),
            (
                TAG_SHARE,
                _strength_of(tags, PLEASANT_TAGS) - _strength_of(tags, UNPLEASANT_TAGS),
                TAG_SPREAD,
            ),
        )
        tempo = np.log2(np.maximum(sounds["bpm"], SLOWEST_BPM) / NEUTRAL_BPM)
        tempo = np.where(sounds["bpm"] > 0, tempo * sounds["bpm_confidence"], 0.0)
        arousal = _with_others(
            _standard(sounds["arousal"], MUSIC_MIDDLE[1], MUSIC_SPREAD[1]),
            (TEMPO_SHARE, tempo, TEMPO_SPREAD),
            (
                TAG_SHARE,
                _strength_of(tags, AROUSING_TAGS) - _strength_of(tags, CALMING_TAGS),
                TAG_SPREAD,
            ),
        )
        self.places: NDArray[np.float32] = np.stack(
            [valence * MOOD_SPREAD[0] + MOOD_MIDDLE[0], arousal * MOOD_SPREAD[1] + MOOD_MIDDLE[1]],
            axis=1,
        ).astype(np.float32)
        """Valence and arousal beside the library's other tracks, shape (tracks, 2)."""
        self.log_chances: NDArray[np.float32] = mood_log_chances(self.places)
        """Log-probability of each mood, shape (tracks, moods)."""
        self.contrasts: NDArray[np.float32] = tag_contrasts(tags)
        """By how much each imagined tag stands out, shape (tracks, tags)."""


def tag_contrasts(tags: NDArray[np.float16]) -> NDArray[np.float32]:
    """By how much each tag stands out in each track, beside the library's other tracks.

    Args:
        tags: Tag scores, shape (tracks, tags).

    Returns:
        Standard log-scores, in the order of `IMAGINED_TAGS`, float32, shape (tracks, tags).
    """
    scores = np.stack([tag_scores(tags, name) for name in IMAGINED_TAGS], 1)
    if not len(scores):
        return scores
    contrasts: NDArray[np.float32] = _standard_logs(scores).clip(-LARGEST, LARGEST).astype("f4")
    return contrasts


def mood_log_chances(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Which moods a track at some place has.

    Args:
        places: Valence and arousal, shape (tracks, 2).

    Returns:
        Log-probabilities under a normal law around each mood's place, shape (tracks, moods).
    """
    of_moods = np.array([(mood.valence, mood.arousal) for mood in MOODS], dtype=np.float32)
    squares = ((places[:, None] - of_moods[None]) ** 2).sum(axis=2)
    powers = -squares / (2.0 * DOUBT**2)
    chances: NDArray[np.float32] = powers - np.log(np.exp(powers).sum(axis=1, keepdims=True))
    return chances


def _standard(values: NDArray[np.floating[Any]], mean: float, spread: float) -> NDArray[np.float64]:
    """Deviations from the library's mean, drawn towards a mean and spread known before."""
    wide = values.astype(np.float64)
    count = len(wide)
    middle = (wide.sum() + PRIOR_TRACKS * mean) / (count + PRIOR_TRACKS)
    squares = ((wide - middle) ** 2).sum() + PRIOR_TRACKS * spread**2
    deviations: NDArray[np.float64] = (wide - middle) / np.sqrt(squares / (count + PRIOR_TRACKS))
    return deviations


def _with_others(
    measured: NDArray[np.float64], *others: tuple[float, NDArray[np.floating[Any]], float]
) -> NDArray[np.float64]:
    """Deviations with the share of other measures in them, no wider than before."""
    if not len(measured):
        return measured
    both = measured + sum(
        share * _standard(values, float(values.mean()), spread) for share, values, spread in others
    )
    return both / max(1.0, float(both.std()))


def _strength_of(tags: NDArray[np.float16], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Mean of the standard log-scores of some tags, shape (tracks,)."""
    if not len(tags):
        return np.zeros(0)
    scores = np.stack([tag_scores(tags, name) for name in names], axis=1)
    mean: NDArray[np.float64] = _standard_logs(scores).mean(axis=1)
    return mean


def _standard_logs(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Deviations of log-scores from the library's mean, one column a tag."""
    logs = np.log(np.maximum(scores.astype(np.float64), QUIETEST_TAG))
    deviations: NDArray[np.float64] = (logs - logs.mean(0)) / np.maximum(logs.std(0), LEAST_SPREAD)
    return deviations
