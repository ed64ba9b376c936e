"""Does music fit a text: what a text calls for, held against what is heard.

A text calls for moods and for tags of the music imagined for it (`musiscene.scene_reader`); heard
are a place in the circumplex and tags. Both are taken against all pieces of the experiment, real
ones among them, as no scale of one meets that of the other. No network that embeds audio and text
in one space comes with MusiScene, so this stands where papers have the cosine of CLAP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.scene_reader import IMAGINED_TAGS, MOODS
from musiscene.vocabularies import TAGS_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.evaluation.background_music.ear import HeardPiece
    from musiscene.scene_reader import SceneReader

MIDDLE: Final = (0.15, 0.0)
SPREAD: Final = (0.4, 0.5)
"""Where the middle of all pieces is put among the moods' places, and how wide they are drawn: those
of the places themselves."""
LEAST_DEVIATION: Final = 1e-6
LEAST_TAG: Final = 1e-3


class MusicScale:
    """The pieces of an experiment as a scale for each of them.

    Args:
        pieces: All of them.
    """

    def __init__(self, pieces: Sequence[HeardPiece]) -> None:
        places, tags = _places(pieces), _log_tags(pieces)
        self._place = (places.mean(axis=0), np.maximum(places.std(axis=0), LEAST_DEVIATION))
        self._tags = (tags.mean(axis=0), np.maximum(tags.std(axis=0), LEAST_DEVIATION))

    def fit(
        self, texts: Sequence[str], pieces: Sequence[HeardPiece], reader: SceneReader
    ) -> NDArray[np.float64]:
        """How well pieces fit texts.

        Args:
            texts: Scenes, or words on music.
            pieces: Some of the experiment's.
            reader: Says what a text calls for.

        Returns:
            Mean of two correlations, over the moods and over the tags, -1 to 1, shape (texts,
            pieces).
        """
        called_for = reader.read(texts)
        moods = _correlation(called_for.moods, self._moods(pieces))
        heard = (_log_tags(pieces) - self._tags[0]) / self._tags[1]
        known = [place for place, columns in enumerate(_COLUMNS) if columns]
        tags = _correlation(called_for.tags[:, known], heard)
        both: NDArray[np.float64] = (moods + tags) / 2.0
        return both

    def _moods(self, pieces: Sequence[HeardPiece]) -> NDArray[np.float64]:
        """How near each piece is to the place of each mood, shape (pieces, moods)."""
        standard = (_places(pieces) - self._place[0]) / self._place[1]
        own = standard * SPREAD + MIDDLE
        moods = np.array([(mood.valence, mood.arousal) for mood in MOODS])
        near: NDArray[np.float64] = -np.square(own[:, None] - moods).sum(axis=2)
        return near


def _columns() -> tuple[tuple[int, ...], ...]:
    """Where each of `IMAGINED_TAGS` stands among all tags that are heard."""
    heard = [tag.lower() for names in TAGS_OF.values() for tag in names]
    return tuple(
        tuple(place for place, name in enumerate(heard) if name == tag) for tag in IMAGINED_TAGS
    )


_COLUMNS: Final = _columns()


def _places(pieces: Sequence[HeardPiece]) -> NDArray[np.float64]:
    return np.array([(piece.valence, piece.arousal) for piece in pieces])


def _log_tags(pieces: Sequence[HeardPiece]) -> NDArray[np.float64]:
    """Shape (pieces, tags that both sides know)."""
    scores = np.log(np.maximum([piece.all_tags for piece in pieces], LEAST_TAG))
    return np.stack(
        [scores[:, list(columns)].mean(axis=1) for columns in _COLUMNS if columns], axis=1
    )


def _correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson's of every row with every row."""

    def unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
        centred = rows.astype(np.float64) - rows.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        units: NDArray[np.float64] = centred / np.maximum(lengths, LEAST_DEVIATION)
        return units

    cosines: NDArray[np.float64] = unit(first) @ unit(second).T
    return cosines
