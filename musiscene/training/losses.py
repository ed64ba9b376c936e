"""What a batch of lessons teaches: likely answers, and answers that fit their own music best.

Notation: l(a | m) is the mean log-likelihood of a token of the answer a under the music m. Beside
the mean negative log-likelihood a recipe may ask for a ranking term: for a row of music m and
answer a, and the music m' of another row of the batch,

    max(0, margin - l(a | m) + l(a | m'))

so that a caption which would suit any music is worth less than one which tells it apart.

Source: Mao et al. 2016, arXiv:1511.02283, section 5 (words that fit their own picture better than
another by a margin); Welleck et al. 2020, arXiv:1908.04319 (unlikelihood).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch.nn import functional as F

from musiscene.language_model import AudioStates
from musiscene.training.examples import IGNORED, Example, pad_examples, stack_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from musiscene.music_language_model import MusicLanguageModel
    from musiscene.training.recipe import Recipe

Pair = tuple[Example, Example | None]
"""A row, and its answer under the music of another; None where there is no other."""


def batch_loss(model: MusicLanguageModel, batch: Sequence[Example], recipe: Recipe) -> Tensor:
    """Mean negative log-likelihood of the answers' tokens.

    Args:
        model: In any mode.
        batch: Rows.
        recipe: Its precision.

    Returns:
        A scalar.
    """
    token_ids, labels = pad_examples(batch)
    device: torch.device = model.backbone.device
    audio = heard(model, batch)  # in the adapter's own float32
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        return model.loss(token_ids.to(device), labels.to(device), audio)


def heard(model: MusicLanguageModel, batch: Sequence[Example]) -> AudioStates | None:
    """What each row hears; exactly nothing where it has no audio.

    Args:
        model: Hears.
        batch: Rows.

    Returns:
        One row each; None if none has audio.
    """
    stacked = stack_features(batch)
    if stacked is None:
        return None
    features, is_deaf = stacked
    audio = model.hear(features)
    values = audio.values.masked_fill(is_deaf.to(audio.values.device)[:, None, None, None], 0.0)
    return AudioStates(values, audio.first_layer)


def learnt_tokens(batch: Sequence[Example]) -> int:
    """How many tokens of a batch are learnt; the first of a row never is."""
    return sum(label != IGNORED for row in batch for label in row.labels[1:])


def pair_rows(batch: Sequence[Example]) -> list[Pair]:
    """Give each row's answer the music of another row of the same kind.

    Args:
        batch: Rows, with audio or without.

    Returns:
        The rows in order. A row without partner, or whose partner has the same music or the same
        answer, stands alone.
    """
    pairs: list[Pair] = [(row, None) for row in batch]
    for has_audio in (True, False):
        places = [
            place for place, row in enumerate(batch) if (row.features is not None) == has_audio
        ]
        for place, other in zip(places, places[1:] + places[:1], strict=True):
            row = batch[place]
            if learnt_tokens([row]) and _answer(row) != _answer(batch[other]):
                pairs[place] = (row, _under_music_of(row, batch[other]))
    return pairs


def both_terms(model: MusicLanguageModel, pairs: Sequence[Pair], recipe: Recipe) -> Tensor:
    """Both terms of a batch, summed.

    Args:
        model: In any mode.
        pairs: Rows with their answers under other music.
        recipe: Its margin and precision.

    Returns:
        Negative log-likelihood over all tokens, and the ranking term over all rows: float32, (2).
    """
    rows = [row for row, _ in pairs]
    if recipe.unlikelihood == 0:
        likelihood = batch_loss(model, rows, recipe) * learnt_tokens(rows)
        return torch.stack([likelihood, torch.zeros_like(likelihood)])
    own = _log_likelihoods(model, rows, recipe)
    places = [place for place, (_, other) in enumerate(pairs) if other is not None]
    if not places:
        return torch.stack([-own.sum(), torch.zeros_like(own[0])])
    others = [other for _, other in pairs if other is not None]
    counts = torch.tensor([learnt_tokens([row]) for row in others], device=own.device)
    unlike = _log_likelihoods(model, others, recipe)
    falls_short = recipe.margin - (own[places] - unlike) / counts
    return torch.stack([-own.sum(), falls_short.clamp(min=0.0).sum()])


def _log_likelihoods(model: MusicLanguageModel, batch: Sequence[Example], recipe: Recipe) -> Tensor:
    """Of each row's answer, summed over its tokens, float32, (rows)."""
    token_ids, labels = pad_examples(batch)
    device: torch.device = model.backbone.device
    targets = labels.to(device)[:, 1:]
    learnt = targets != IGNORED
    audio = heard(model, batch)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        hidden: Any = model(token_ids.to(device), audio)[:, :-1]
        logits = model.backbone.lm_head(hidden[learnt])
    tokens = -F.cross_entropy(logits.float(), targets[learnt], reduction="none")
    sums = torch.zeros(len(batch), device=device)
    return sums.index_add(0, learnt.nonzero()[:, 0], tokens)


def _answer(row: Example) -> tuple[int, ...]:
    return tuple(label for label in row.labels if label != IGNORED)


def _under_music_of(row: Example, other: Example) -> Example | None:
    """The answer of a row under another's music; None if that is the same."""
    if row.features is not None and other.features is not None:
        if (row.features == other.features).all():
            return None
        return msgspec.structs.replace(row, features=other.features)
    asked, asked_other = (each.labels.count(IGNORED) for each in (row, other))
    if row.token_ids[:asked] == other.token_ids[:asked_other]:
        return None
    return Example(
        token_ids=other.token_ids[:asked_other] + row.token_ids[asked:],
        labels=(IGNORED,) * asked_other + row.labels[asked:],
    )
