"""KL divergence of the tags that are heard in music.

Source: Copet et al. 2023, arXiv:2306.05284, section 3.3 (of a tagger's labels); there with a
softmax over one tagger's classes, here with tags that exclude each other not, brought to sum one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR: Final = 1e-4
"""Probability that every tag has at least."""


def tag_divergence(
    reference: NDArray[np.floating], made: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How much is lost if the tags of made music are taken for those of the reference.

    Args:
        reference: Tag scores, 0 to 1, shape (..., tags).
        made: Likewise, of the same shape or one that broadcasts.

    Returns:
        KL(reference, made) in nats, shape (...).
    """
    p, q = _shares(reference), _shares(made)
    lost: NDArray[np.float64] = (p * np.log(p / q)).sum(axis=-1)
    return lost


def _shares(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    raised = np.maximum(scores.astype(np.float64), FLOOR)
    shares: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares
