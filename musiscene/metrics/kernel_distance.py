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


def kernel_distance(reference: Rows, made: Rows) -> float:
    """The squared maximum mean discrepancy of two sets, with a Gaussian kernel.

    Args:
        reference: Embeddings of real music, shape (rows, width), at least two; their median
            distance is the kernel's bandwidth.
        made: Of the other music, likewise.

    Returns:
        Times `SCALE`; of two sets of one distribution 0 on average, so often below 0.

    Raises:
        ValueError: If a set has fewer than two rows, or the reference is all the same.
    """
    from scipy.spatial.distance import cdist, pdist

    if min(len(reference), len(made)) < 2:  # noqa: PLR2004  pairs are counted
        raise ValueError("a set of fewer than two embeddings has no pairs")
    bandwidth = float(np.median(pdist(reference)))
    if not bandwidth:
        raise ValueError("the reference is one and the same embedding")
    scale = 2.0 * bandwidth**2
    within = [float(np.exp(-np.square(pdist(rows)) / scale).mean()) for rows in (reference, made)]
    between = float(np.exp(-cdist(reference, made, "sqeuclidean") / scale).mean())
    return SCALE * (sum(within) - 2.0 * between)
