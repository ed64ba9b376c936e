"""A tuning of the text embedder, written down: `musiscene/recipes/embedder.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from musiscene.training.recipe import Count, Positive, Share, read_toml

if TYPE_CHECKING:
    from pathlib import Path


class EmbedderRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a tuning, but for the data's place."""

    embedder: str
    """In the model store; made from a sentence-transformers folder with BERT's architecture."""
    rank: Count = 32
    """Of the change of each linear layer."""
    rows_per_batch: Count = 32
    """Pairs that are told from each other."""
    epochs: Count = 3
    """Passes over the training rows."""
    warmup_share: Share = 0.1
    """Of all updates until the peak learning rate."""
    learning_rate: Positive = 1e-3
    """At its peak."""
    weight_decay: Share = 0.01
    """Of matrices."""
    dropout: Share = 0.1
    """In the encoder."""
    scale: Positive = 20.0
    """Of cosines in the loss."""
    one_annotator: Share = 0.0
    """Share of rows that are put into batches of their annotator's rows alone."""
    bare_scenes: Share = 0.0
    """Share of scenes that are shown without their opening words."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the matrix products; all weights are float32."""
    seed: int = 0
    """Of order, views, dropout and fresh weights."""


def is_embedder_recipe(path: Path) -> bool:
    """Whether a recipe tunes the text embedder rather than the language model."""
    try:
        told = msgspec.toml.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False  # the language model's reader says what is wrong
    return "embedder" in told


def read_embedder_recipe(path: Path) -> EmbedderRecipe:
    """Read a recipe.

    Args:
        path: TOML.

    Returns:
        The recipe.

    Raises:
        RecipeError: If the file cannot be read, or a field is missing, unknown or out of range.
    """
    return read_toml(path, EmbedderRecipe)
