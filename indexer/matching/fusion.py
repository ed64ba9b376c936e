"""What the stages' values are worth beside each other, and how sure their sum makes us.

All of it is fitted by `tools/fit_matching.py` and kept in `fitted.json`: a weight for each stage, a
curve from a track's score to the chance that a person would call it fitting, and one from the brief
and its best track to the chance that the brief can be answered at all.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

FITTED: Final = Path(__file__).with_name("fitted.json")


class Curve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A logistic curve over some measures."""

    bias: float
    slopes: dict[str, float]

    def chance(self, measures: Mapping[str, float]) -> float:
        """The probability at some measures, 0 to 1."""
        power = self.bias + sum(slope * measures[name] for name, slope in self.slopes.items())
        return 1.0 / (1.0 + math.exp(-min(50.0, max(-50.0, power))))


class Fitted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that was learnt about the stages."""

    weights: dict[str, float]
    """Stage -> what one unit of its value adds to a track's score."""
    fits: Curve
    """Over `score`: the chance that a person would call the track fitting."""
    answerable: Curve
    """Over `measures_of`: the chance that the brief is a scene which the library has music for."""
    answered_from: float
    """Chance of an answerable brief from which its best track is called a match."""
    false_accepts: float
    """Share of briefs without an answer that get past it, on the briefs it was set by."""


@lru_cache(maxsize=1)
def fitted() -> Fitted:
    """Read what was fitted.

    Returns:
        Weights and curves.

    Raises:
        msgspec.ValidationError: If the file is damaged.
    """
    return msgspec.json.decode(FITTED.read_bytes(), type=Fitted)


def answer_measures(
    mood_scores: NDArray[np.float32],
    *,
    strangeness: float,
    mood_value: float,
    likeness: float,
    facts: float,
) -> dict[str, float]:
    """What tells an answerable brief from another.

    Args:
        mood_scores: Standard scores of the moods, averaged over the brief, shape (moods,).
        strangeness: How unlike a scene the brief is.
        mood_value: Of the best track's mood stage.
        likeness: Largest cosine of the brief with any caption of the library.
        facts: Of the best track's fact stage.

    Returns:
        The measures of `Fitted.answerable`.
    """
    return {
        "strangeness": strangeness,
        "clearest_mood": float(mood_scores.max()),
        "mood_spread": float(mood_scores.std()),
        "mood": mood_value,
        "likeness": likeness,
        "facts": facts,
    }
