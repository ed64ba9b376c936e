"""Kernel audio distance: like Fréchet's, without Gaussians and without bias on small sets.

Source: Gretton et al. 2012, A Kernel Two-Sample Test, equation 3 (unbiased estimate); Chung et al.
2025, arXiv:2502.15602, section 3 (of audio; bandwidth, scale).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.floating]

SCALE: Final = 1_000.0
"""By which the distance is multiplied, to be read."""


class KernelReference:
    """Real music, for distances to it.

    Args:
        rows: Embeddings, shape (rows, width), at least two; their median distance is the width of
            the Gaussian kernel.

    Raises:
        ValueError: If there are fewer than two rows, or they are all the same.
    """

    def __init__(self, rows: Rows) -> None:
        from scipy.spatial.distance import pdist

        if len(rows) < 2:  # noqa: PLR2004  pairs are counted
            raise ValueError("a set of fewer than two embeddings has no pairs")
        distances = pdist(rows)
        bandwidth = float(np.median(distances))
        if not bandwidth:
            raise ValueError("the reference is one and the same embedding")
        self._rows = rows
        self._scale = 2.0 * bandwidth**2
        self._within = float(np.exp(-np.square(distances) / self._scale).mean())

    def distance(self, made: Rows) -> float:
        """The squared maximum mean discrepancy of another set from this one.

        Args:
            made: Shape (rows, width), at least two.

        Returns:
            Times `SCALE`; of a set of the same distribution 0 on average, so often below 0.

        Raises:
            ValueError: If there are fewer than two rows.
        """
        from scipy.spatial.distance import cdist, pdist

        if len(made) < 2:  # noqa: PLR2004  pairs are counted
            raise ValueError("a set of fewer than two embeddings has no pairs")
        within = float(np.exp(-pdist(made, "sqeuclidean") / self._scale).mean())
        between = float(np.exp(-cdist(self._rows, made, "sqeuclidean") / self._scale).mean())
        return SCALE * (self._within + within - 2.0 * between)
