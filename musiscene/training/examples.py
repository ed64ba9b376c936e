"""Questions and answers -> rows of token ids and labels.

Source: Liu et al. 2023, MU-LLaMA, arXiv:2308.11276 (form of a row, as its released code builds it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from musiscene.language_model import LanguageModel

IGNORED = -100
"""Label of a position that is not learnt."""
PADDING = 0


class Example(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One prompt with its answer."""

    token_ids: tuple[int, ...]
    """Start, prompt, answer, end."""
    labels: tuple[int, ...]
    """The token at each position of the answer, `IGNORED` over the prompt."""
    features: NDArray[np.float32] | None = None
    """What is heard, (layers, width); None for silence."""


def encode_example(
    language_model: LanguageModel,
    prompt: str,
    answer: str,
    *,
    max_tokens: int,
    features: NDArray[np.float32] | None = None,
) -> Example:
    """Encode a prompt with its answer as one text, since tokens may join across their border.

    Args:
        language_model: Whose tokens they are.
        prompt: From its beginning.
        answer: What follows directly.
        max_tokens: The rest is cut off; a cut example has no end token, so the model does not
            learn to stop there.
        features: What is heard, (layers, width).

    Returns:
        The row. A token that holds the prompt's end and the answer's beginning is not learnt.
    """
    end_id = language_model.tokenizer.eos_token_id
    token_ids = [*language_model.encode(prompt + answer), end_id][:max_tokens]
    asked = min(len(language_model.encode(prompt)), len(token_ids))
    return Example(
        token_ids=tuple(token_ids),
        labels=(IGNORED,) * asked + tuple(token_ids[asked:]),
        features=features,
    )


def pad_examples(
    examples: Sequence[Example], *, length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad rows on the right, where no earlier position can see it.

    Args:
        examples: The rows.
        length: Of every row; None for that of the longest.

    Returns:
        Token ids and labels, int64, (rows, length).
    """
    size = length or max(len(example.token_ids) for example in examples)
    token_ids = torch.full((len(examples), size), PADDING)
    labels = torch.full((len(examples), size), IGNORED)
    for row, example in enumerate(examples):
        token_ids[row, : len(example.token_ids)] = torch.tensor(example.token_ids)
        labels[row, : len(example.labels)] = torch.tensor(example.labels)
    return token_ids, labels


def stack_features(examples: Sequence[Example]) -> tuple[Tensor, Tensor] | None:
    """What the rows hear.

    Args:
        examples: The rows; those that hear nothing get zeros.

    Returns:
        Features, float32, (rows, layers, width), and which rows are deaf, bool, (rows); None if all
        are.
    """
    heard = [example.features for example in examples]
    some = next((features for features in heard if features is not None), None)
    if some is None:
        return None
    stacked = torch.zeros(len(heard), *some.shape)
    for row, features in enumerate(heard):
        if features is not None:
            stacked[row] = torch.from_numpy(features)
    return stacked, torch.tensor([features is None for features in heard])
