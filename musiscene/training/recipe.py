"""A training, written down: `musiscene/recipes/*.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from musiscene.errors import RecipeError
from musiscene.prompts import PromptStyle

if TYPE_CHECKING:
    from pathlib import Path

Form = TypeVar("Form")
Count = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class LoraRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which weights get a low-rank update."""

    rank: Count = 16
    """Of the update."""
    layers: Count | None = None
    """Only the last so many layers; None for all."""
    targets: tuple[str, ...] = (
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    )  # fmt: skip
    """Projections, as transformers names them."""
    dropout: Share = 0.0
    """Of the update's input."""


class AdapterRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large a fresh audio adapter is; one that training goes on with keeps its sizes."""

    layers: Count = 20
    """How many of the language model's last layers hear."""
    bridge_width: Count | None = None
    """Inner width of the bridge's blocks; None for four times the language model's."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a training, but for the data's place."""

    language_model: str
    """In the model store."""
    phase: Literal["adapter", "lora"] = "lora"
    """What is trained."""
    lora: LoraRecipe = LoraRecipe()
    """Of fresh LoRA; ignored in the adapter phase and where LoRA is gone on with."""
    adapter: AdapterRecipe = AdapterRecipe()
    """Of a fresh adapter; made only where lessons have audio."""
    start_from: tuple[str, ...] = ()
    """Folders whose trained weights come first: runs, checkpoints or PEFT's; of two that hold the
    same part the later counts. What the phase does not train stays as it is there."""
    encoder: Literal["musicnn", "mert"] = "musicnn"
    """What hears the audio of lessons."""
    norms_and_biases: bool = False
    """Whether the lora phase trains norms and biases too, as MU-LLaMA's does."""
    prompt: str
    """For rows without audio: `{music}` is replaced by what is known of the music; the scene
    follows directly."""
    question_style: PromptStyle = "clean"
    """For rows with audio: how their questions are put."""
    max_tokens: Count = 192
    """Longest row; the rest is cut off, with it the end token."""
    rows_per_batch: Count = 16
    """Of one forward pass."""
    accumulate: Count = 1
    """Forward passes for each update."""
    epochs: Positive = 1.0
    """Passes over the training rows."""
    warmup_epochs: Annotated[float, Meta(ge=0.0)] = 0.1
    """Epochs until the peak learning rate."""
    base_learning_rate: Positive = 1e-3
    """For updates of 256 rows; scaled to this recipe's."""
    weight_decay: Annotated[float, Meta(ge=0.0)] = 0.05
    """Of matrices."""
    max_gradient_norm: Annotated[float, Meta(ge=0.0)] = 1.0
    """Longer gradients are shortened; 0 for never."""
    unlikelihood: Annotated[float, Meta(ge=0.0)] = 0.0
    """Weight of the ranking term: an answer shall be likelier under its own music than under that
    of another row of its batch. Costs a forward pass more; needs `rows_per_batch` above 1."""
    margin: Positive = 0.5
    """By how much likelier, in nats a token."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the matrix products; what is trained is float32."""
    frozen_weights: Literal["float32", "bfloat16", "nf4"] = "float32"
    """How the language model's own weights are kept; less than float32 needs `precision`
    bfloat16, nf4 needs bitsandbytes."""
    gradient_checkpointing: bool = False
    """Compute each layer twice instead of keeping what it computed."""
    seed: int = 0
    """Of the order of rows and of fresh weights."""
    validate_every: Count = 50
    """Updates between two looks at the validation loss."""
    patience: Count | None = None
    """Looks without a better validation loss before the training ends; None for never."""
    validation_rows: Count | None = 256
    """Rows of a look; None for all."""

    def __post_init__(self) -> None:
        if self.frozen_weights != "float32" and self.precision != "bfloat16":
            raise ValueError('`frozen_weights` below float32 need `precision = "bfloat16"`')
        if self.unlikelihood > 0 and self.rows_per_batch == 1:
            raise ValueError("`unlikelihood` needs other rows: `rows_per_batch` above 1")
        if self.frozen_weights == "nf4" and self.norms_and_biases:
            raise ValueError("`norms_and_biases` cannot be trained where `frozen_weights` are nf4")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Args:
        path: TOML.

    Returns:
        The recipe.

    Raises:
        RecipeError: If the file cannot be read, or a field is missing, unknown or out of range.
    """
    return read_toml(path, Recipe)


def read_toml(path: Path, form: type[Form]) -> Form:
    """Read a recipe of any kind.

    Args:
        path: TOML.
        form: A struct.

    Returns:
        The recipe.

    Raises:
        RecipeError: If the file cannot be read, or a field is missing, unknown or out of range.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=form)
    except OSError as error:
        raise RecipeError(path, f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecipeError(path, str(error)) from error
