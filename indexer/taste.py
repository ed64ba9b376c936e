"""What people accepted and rejected before, as a number for each track: numbers in, numbers out.

An opinion says that a track was right or wrong for one brief. It counts for another brief by how
near the two are, and a track's number is the mean of the verdicts about it, so weighted, and drawn
toward 0 while they are few:

    k_i = clip((similarity_i - FAR) / (NEAR - FAR), 0, 1)^2
    adjustment = (sum of k over acceptances - REJECTION_WORTH * sum of k over rejections)
                 / (sum of k + PRIOR_OPINIONS)

which, but for `REJECTION_WORTH`, is the posterior mean of a coin with a Beta prior worth
`PRIOR_OPINIONS` tosses, half of them heads, put on a scale from -1 to 1.

Invariants, each held by a test:
    - An acceptance never lowers its track, for any brief, and a rejection never raises it.
    - Below `ENOUGH` near opinions nothing changes, except where the very same brief was judged.
    - A track rejected for the very same brief gets -1, an accepted one 1, and nothing else gets so
      far.

Source: the weights are a kernel regression (Nadaraya 1964; Watson 1964), the prior is the conjugate
one of Bernoulli trials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from numpy.typing import NDArray

FAR: Final = 0.3
"""Similarity of two briefs up to which one says nothing about the other: above it, briefs are more
often than by chance of one mood; docs/feedback.md has the table."""

NEAR: Final = 0.6
"""Similarity from which an opinion counts in full: paraphrases lie at 0.7 and above."""

EXACT: Final = 0.995
"""Similarity from which two briefs are the same one; a full stop more or less leaves 0.997."""

COUNTED_FROM: Final = 0.4
"""Similarity from which an opinion is counted as near; 0.95 of unrelated briefs stay below."""

ENOUGH: Final = 5
"""Near opinions below which nothing is learned from any of them."""

PRIOR_OPINIONS: Final = 2.0
"""Opinions of full weight, half of them for and half against, that stand for knowing nothing."""

REJECTION_WORTH: Final = 0.5
"""Of a rejection for another brief, against an acceptance. Most tracks are wrong for any one brief,
so that a track was wrong for another one is less of a surprise."""


def tidy_brief(text: str) -> str:
    r"""A brief without what makes equal briefs look different.

    Args:
        text: One caption a line.

    Returns:
        The lines with single blanks, without empty ones.

    Example:
        >>> tidy_brief(" rain  on a window \n\n a cat ")
        'rain on a window\na cat'
    """
    return "\n".join(tidy for line in text.splitlines() if (tidy := " ".join(line.split())))


def brief_vector(captions: NDArray[np.float32]) -> NDArray[np.float32]:
    """One vector for a brief of several captions.

    Args:
        captions: Unit vectors, each times its caption's weight if they have weights, float32, shape
            (captions, dim).

    Returns:
        Their mean as a unit vector, float32, shape (dim,); zeros where there are none.
    """
    mean = captions.sum(axis=0)
    unit: NDArray[np.float32] = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return unit


class Taste:
    """Past opinions, ready to be asked.

    Args:
        vectors: Unit vector of each opinion's brief, float32, shape (opinions, dim).
        track_ids: The track of each.
        are_accepted: Whether each was accepted, bool, shape (opinions,).
        briefs: The text of each, as `tidy_brief` gives it.

    Raises:
        ValueError: If the four differ in length.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        track_ids: Sequence[UUID],
        are_accepted: NDArray[np.bool_],
        briefs: Sequence[str],
    ) -> None:
        if not len(vectors) == len(track_ids) == len(are_accepted) == len(briefs):
            raise ValueError("every opinion needs a vector, a track, a verdict and a brief")
        self._vectors = vectors
        self._briefs = briefs
        self._row_of: dict[UUID, int] = {}
        self._tracks = np.array(
            [self._row_of.setdefault(track, len(self._row_of)) for track in track_ids], np.intp
        )
        self._is_accepted = np.asarray(are_accepted, bool)

    @classmethod
    def empty(cls) -> Self:
        """Nobody has said anything."""
        return cls(np.empty((0, 0), np.float32), [], np.empty(0, bool), [])

    def __len__(self) -> int:
        return len(self._tracks)

    def adjust(
        self, queries: NDArray[np.float32], tracks: Sequence[UUID], *, brief: str = ""
    ) -> NDArray[np.float32]:
        """What past opinions say about tracks as answers to a brief.

        Args:
            queries: Unit vectors of the brief's captions, each times its caption's weight if they
                have weights, float32, shape (captions, dim).
            tracks: Any.
            brief: The brief's text, one caption a line, by which the very same one is known again
                however its vectors were made; empty to go by the vectors alone.

        Returns:
            From -1 (rejected for this very brief) over 0 (nothing is known) to 1, float32, shape
            (tracks,).
        """
        if not len(self):
            return np.zeros(len(tracks), np.float32)
        rows = np.array([self._row_of.get(track, -1) for track in tracks], np.intp)
        known = np.append(
            self._by_track(self._similarity(queries, brief)), 0.0
        )  # row -1 is the last
        adjusted: NDArray[np.float32] = known[rows].astype(np.float32)
        return adjusted

    def explain(self, queries: NDArray[np.float32], track: UUID, *, brief: str = "") -> str | None:
        """Why a track was moved.

        Args:
            queries: As for `adjust`.
            track: Any.
            brief: As for `adjust`.

        Returns:
            Such as `accepted for "rain on a window"`: the nearest brief for which the verdict was
            what `adjust` went by; None where it gives 0.
        """
        value = float(self.adjust(queries, [track], brief=brief)[0])
        if value == 0.0:
            return None
        similarity = self._similarity(queries, brief)
        said = (self._tracks == self._row_of[track]) & (self._is_accepted == (value > 0.0))
        nearest = int(np.where(said, similarity, -np.inf).argmax())
        verdict = "accepted" if value > 0.0 else "rejected"
        return f'{verdict} for "{" / ".join(self._briefs[nearest].splitlines())}"'

    def _similarity(self, queries: NDArray[np.float32], brief: str) -> NDArray[np.float32]:
        similarity: NDArray[np.float32] = self._vectors @ brief_vector(queries)
        if brief:
            similarity[[text == tidy_brief(brief) for text in self._briefs]] = 1.0
        return similarity

    def _by_track(self, similarity: NDArray[np.float32]) -> NDArray[np.float64]:
        """The adjustment of every track that somebody has judged, shape (judged tracks,)."""
        weights = np.clip((similarity - FAR) / (NEAR - FAR), 0.0, 1.0) ** 2
        pro, contra = self._sums(weights)
        near_pro, near_contra = self._sums(similarity >= COUNTED_FROM)
        near = near_pro.sum() + near_contra.sum()
        balance = (pro - REJECTION_WORTH * contra) / (pro + contra + PRIOR_OPINIONS)
        # What speaks against a change is not counted towards it: otherwise the acceptance that
        # makes it enough would let loose the rejections before it, and lower its track.
        enough = near - np.where(balance > 0.0, near_contra, near_pro) >= ENOUGH
        learned = np.where(enough, balance, 0.0)
        same_pro, same_contra = self._sums(similarity >= EXACT)
        said = same_pro + same_contra
        return np.where(said > 0, (same_pro - same_contra) / np.maximum(said, 1.0), learned)

    def _sums(
        self, weights: NDArray[np.float32] | NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of the acceptances and of the rejections of each judged track."""
        count = len(self._row_of)
        pro, contra = (
            np.bincount(self._tracks[of_kind], weights[of_kind], count).astype(np.float64)
            for of_kind in (self._is_accepted, ~self._is_accepted)
        )
        return pro, contra
