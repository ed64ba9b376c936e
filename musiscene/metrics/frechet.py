"""Fréchet audio distance: how far the embeddings of made music lie from those of real music.

Both sets are taken for Gaussians. The distance of a finite set is too large, about by a term in
1 / pieces, and the fewer the pieces the more; so its limit is estimated too, from ever smaller
parts of the set. Embeddings of one piece are not independent, so pieces are drawn, not patches.

Source: Kilgour et al. 2019, arXiv:1812.08466, section 4 (distance); Dowson and Landau 1982 (closed
form); Chong and Forsyth 2020, arXiv:1911.07023, section 3, and Gui et al. 2024, arXiv:2311.01616,
section 2.2 (limit).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.metrics.bootstrap import LEVEL, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.floating]

SIZES: Final = 10
"""Sizes of parts that the limit is taken from, the whole set among them."""
SMALLEST_SHARE: Final = 0.5
"""Of the pieces, in the smallest part: in far smaller ones the error is not linear any more."""
DRAWS: Final = 3
"""Parts of each size."""
FEWEST_PIECES: Final = 4
RESAMPLES: Final = 100


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal distribution."""

    mean: NDArray[np.float64]
    """Shape (width,)."""
    covariance: NDArray[np.float64]
    """Shape (width, width)."""

    @cached_property
    def root(self) -> NDArray[np.float64]:
        """A matrix whose product with its own transpose is the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        root: NDArray[np.float64] = vectors * np.sqrt(np.maximum(values, 0.0))
        return root


class Frechet(msgspec.Struct, frozen=True, kw_only=True):
    """How far a set of pieces lies from real music."""

    distance: Interval
    """Of the set as it is; the spread is that of sets of pieces drawn from it."""
    limit: float
    """Estimate for a set without end; may be below 0 by chance."""
    bias: float
    """What the finite number of pieces adds, by the same fit."""


def fit_gaussian(rows: Rows) -> Gaussian:
    """The Gaussian of some embeddings.

    Args:
        rows: Shape (rows, width), at least two.

    Returns:
        Mean and unbiased covariance.

    Raises:
        ValueError: If there are fewer than two rows.
    """
    if len(rows) < 2:  # noqa: PLR2004  one has no spread
        raise ValueError(f"{len(rows)} embeddings have no covariance")
    exact = np.asarray(rows, dtype=np.float64)
    return Gaussian(exact.mean(axis=0), np.atleast_2d(np.cov(exact, rowvar=False)))


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """The squared Fréchet distance of two Gaussians.

    The trace of the root of the product of two covariances is the sum of the roots of the
    eigenvalues of one seen through a root of the other, which is symmetric: no root of a matrix
    that is neither symmetric nor of full rank is needed.

    Args:
        first: One of them.
        second: The other.

    Returns:
        At least 0.
    """
    seen = first.root.T @ second.covariance @ first.root
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(seen), 0.0)).sum()
    spread = np.trace(first.covariance) + np.trace(second.covariance) - 2.0 * overlap
    apart = np.square(first.mean - second.mean).sum()
    return float(max(apart + spread, 0.0))


def frechet_of_pieces(
    reference: Gaussian, pieces: Sequence[Rows], *, seed: int = 0, resamples: int = RESAMPLES
) -> Frechet:
    """How far pieces lie from real music.

    The bootstrap's own bias (a set drawn with replacement holds fewer pieces) is taken out: its
    spread is laid around the distance that was measured.

    Args:
        reference: Of real music.
        pieces: Embeddings of each, shape (patches, width).
        seed: The same seed draws the same pieces.
        resamples: How often as many pieces are drawn with replacement.

    Returns:
        The distance with its interval, and its limit.

    Raises:
        ValueError: If there are fewer than `FEWEST_PIECES`.
    """
    if len(pieces) < FEWEST_PIECES:
        raise ValueError(f"{len(pieces)} pieces are too few, {FEWEST_PIECES} are needed")
    rng = np.random.default_rng(seed)

    def distance(chosen: Sequence[int] | NDArray[np.int64]) -> float:
        rows = np.concatenate([pieces[number] for number in chosen])
        return frechet_distance(reference, fit_gaussian(rows))

    whole = distance(range(len(pieces)))
    limit = _limit(len(pieces), distance, rng)
    drawn = np.array(
        [distance(rng.integers(0, len(pieces), size=len(pieces))) for _ in range(resamples)]
    )
    low, high = np.quantile(drawn - drawn.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Frechet(
        distance=Interval(mean=whole, low=max(whole + float(low), 0.0), high=whole + float(high)),
        limit=limit,
        bias=whole - limit,
    )


def _limit(
    count: int, distance: Callable[[NDArray[np.int64]], float], rng: np.random.Generator
) -> float:
    """Where the line through distance over 1 / pieces meets 0."""
    fewest = max(int(np.ceil(SMALLEST_SHARE * count)), 2)
    sizes = np.unique(np.linspace(fewest, count, SIZES).round().astype(int))
    shares, distances = [], []
    for size in sizes:
        for _ in range(DRAWS if size < count else 1):
            shares.append(1.0 / size)
            distances.append(distance(rng.permutation(count)[:size]))
    _, intercept = np.polyfit(shares, distances, 1)
    return float(intercept)
