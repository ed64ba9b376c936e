"""Fit what the matcher's stages are worth, and how sure their sum makes it, on tuning briefs.

    python -m tools.fit_matching --library DATA_DIR BRIEFS [BRIEFS...] --library DATA_DIR BRIEFS...
        --nonsense tools/briefs/nonsense-tuning.jsonl [--out indexer/matching/fitted.json]

Every library is one that `musiscene index` made, with files of briefs as `musiscene evaluate
retrieval` takes them. Figures are cross-validated: each brief is judged by a fit that has not seen
it, nor the same nonsense in another library. Test halves of the briefs have no place here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from scipy.optimize import minimize

from indexer.language import foreign_language
from indexer.matching.fusion import FITTED, Curve, Fitted
from tools.asking import LEARNT, ask, error_of, read_nonsense

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tools.asking import Asked

MOOD_WEIGHT: Final = 0.6
"""Fixes the scale of the scores."""
SET_BY_HAND: Final = {"unwanted": 0.6, "feedback": 0.2}
"""No brief of the tuning sets has negatives or opinions: one as strong as the moods, one as
docs/feedback.md found it to help most without harm."""
PRIOR: Final = {"mood": 0.6, "imagined": 0.05, "scene": 0.15, "music": 0.1, "facts": 0.3}
PULL: Final = 2.0
"""Of the prior on the weights, beside the mean over briefs."""
SHARPNESS: Final = 8.0
PENALTY: Final = 0.005
FALSE_ACCEPTS: Final = 0.1
FOLDS: Final = 5


def main() -> int:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--library", nargs="+", action="append", type=Path, required=True)
    parser.add_argument("--nonsense", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=FITTED)
    chosen = parser.parse_args()
    nonsense = read_nonsense(chosen.nonsense)

    asked = [one for folder, *files in chosen.library for one in ask(folder, files, nonsense)]
    scenes = [one for one in asked if one.is_answerable]
    weights = fit_weights(scenes)
    print("weights", {name: round(value, 3) for name, value in weights.items()})

    pairs = [one for one in scenes if one.are_all_known]
    scores = np.concatenate([score(one, weights) for one in pairs])
    fits = fit_curve({"score": scores}, np.concatenate([one.wanted for one in pairs]))
    print(
        f"a track fits: {fits.slopes['score']:.2f} * score + {fits.bias:.2f}, {len(scores)} pairs"
    )

    readable = [one for one in asked if foreign_language(one.text) is None]
    answerable = fit_answerable(readable)
    chances = cross_validated(readable)
    labels = np.array([one.is_answerable for one in readable])
    of_nonsense = np.append(chances[~labels], np.zeros(len(asked) - len(readable)))
    threshold = float(np.quantile(of_nonsense, 1.0 - FALSE_ACCEPTS))
    accepted = float((chances[labels] >= threshold).mean())
    false = float((of_nonsense >= threshold).mean())
    print(
        f"answered from {threshold:.3f}: {false:.3f} of {len(of_nonsense)} without an answer, ",
        end="",
    )
    print(
        f"{accepted:.3f} of {labels.sum()} scenes; "
        f"calibration error {error_of(chances, labels):.3f}"
    )

    result = Fitted(
        weights={**weights, **SET_BY_HAND},
        fits=fits,
        answerable=answerable,
        answered_from=round(threshold, 4),
        false_accepts=round(false, 4),
    )
    chosen.out.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    print(f"written to {chosen.out}")
    return 0


def score(one: Asked, weights: dict[str, float]) -> NDArray[np.float64]:
    """The learnt part of every track's score."""
    total: NDArray[np.float64] = np.array([weights[name] for name in LEARNT]) @ one.values
    return total


def fit_weights(scenes: Sequence[Asked]) -> dict[str, float]:
    """Weights under which a softmax over the tracks gives the wanted ones most."""
    prior = np.array([PRIOR[name] for name in LEARNT])

    def loss(weights: NDArray[np.float64]) -> float:
        losses = []
        for one in scenes:
            powers = SHARPNESS * (weights @ one.values)
            powers = powers - powers.max()
            losses.append(np.log(np.exp(powers).sum()) - np.log(np.exp(powers[one.wanted]).sum()))
        return float(np.mean(losses) + PULL * ((weights - prior) ** 2).sum())

    found = minimize(loss, prior, method="L-BFGS-B", bounds=[(0.0, None)] * len(prior)).x
    scaled = found * MOOD_WEIGHT / found[0]
    return {name: round(float(value), 4) for name, value in zip(LEARNT, scaled, strict=True)}


def fit_curve(measures: dict[str, NDArray[np.float64]], labels: NDArray[np.bool_]) -> Curve:
    """A logistic regression with a small penalty on slopes of standard measures."""
    names = list(measures)
    raw = np.stack([measures[name] for name in names], axis=1)
    middle, spread = raw.mean(0), raw.std(0)
    standard = np.c_[(raw - middle) / spread, np.ones(len(raw))]

    def loss(slopes: NDArray[np.float64]) -> float:
        powers = (standard @ slopes) * np.where(labels, 1.0, -1.0)
        return float(np.logaddexp(0.0, -powers).mean() + PENALTY * (slopes[:-1] ** 2).sum())

    found = minimize(loss, np.zeros(len(names) + 1)).x
    slopes = found[:-1] / spread
    bias = float(found[-1] - slopes @ middle)
    return Curve(
        bias=round(bias, 4),
        slopes={name: round(float(value), 4) for name, value in zip(names, slopes, strict=True)},
    )


def fit_answerable(asked: Sequence[Asked]) -> Curve:
    """The chance that a brief has an answer, from its measures."""
    names = list(asked[0].measures)
    measures = {name: np.array([one.measures[name] for one in asked]) for name in names}
    return fit_curve(measures, np.array([one.is_answerable for one in asked]))


def cross_validated(asked: Sequence[Asked]) -> NDArray[np.float64]:
    """Each brief's chance by a fit without its text, whatever the library."""
    texts = sorted({one.text for one in asked})
    places = np.random.default_rng(0).permutation(len(texts)) % FOLDS
    fold_of = dict(zip(texts, places, strict=True))
    chances = np.zeros(len(asked))
    for fold in range(FOLDS):
        curve = fit_answerable([one for one in asked if fold_of[one.text] != fold])
        for row, one in enumerate(asked):
            if fold_of[one.text] == fold:
                chances[row] = curve.chance(one.measures)
    return chances


if __name__ == "__main__":
    sys.exit(main())
