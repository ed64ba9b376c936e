"""The model that a recipe trains: a language model with the trained parts that it begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from musiscene.adapter import AudioAdapter, adapter_shape
from musiscene.errors import RecipeError
from musiscene.language_model import LanguageModel
from musiscene.music_language_model import MusicLanguageModel, add_lora, value_weights
from musiscene.training.processes import open_processes
from musiscene.training.quantised import exact_value_projections, load_quantised

if TYPE_CHECKING:
    from peft import LoraConfig
    from torch import Tensor

    from musiscene.adapter import AdapterShape
    from musiscene.checkpoints.store import ModelStore
    from musiscene.training.parts import Parts
    from musiscene.training.recipe import LoraRecipe, Recipe

BIASED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")  # fmt: skip
"""Projections that have a bias wherever one of them has."""
_DEAF = (1, 1)
"""Layers and width of an adapter that nothing is heard with."""


def build_model(
    recipe: Recipe,
    store: ModelStore,
    parts: Parts,
    *,
    features_shape: tuple[int, int] | None,
) -> MusicLanguageModel:
    """The language model of a recipe with the parts that it begins with, the rest fresh.

    Args:
        recipe: Its model, phase, sizes and seed.
        store: Holds the language model.
        parts: Trained before.
        features_shape: Layers and width of what the lessons let it hear; None if they are silent.

    Returns:
        The model, on the GPU if there is one. LoRA that this phase does not train is merged, unless
        the weights are quantised.

    Raises:
        ModelUnavailableError: If the language model is not on this machine.
        ModelIntegrityError: If its files are damaged, or LoRA does not fit.
        RecipeError: If an adapter does not fit.
    """
    from peft import inject_adapter_in_model

    device = str(open_processes().device)
    folder = parts.language_model() or store.folder(recipe.language_model)
    is_quantised = recipe.frozen_weights == "nf4"
    writer = (
        load_quantised(folder, device=device)
        if is_quantised
        else LanguageModel.load(folder, device=device, dtype=getattr(torch, recipe.frozen_weights))
    )
    backbone: Any = writer.model
    biased = parts.backbone_tensors()
    if recipe.phase == "lora" and recipe.norms_and_biases:
        add_biases(backbone)
    if biased:
        add_biases(backbone, only=biased)
        backbone.load_state_dict(biased, strict=False)
    adapter = _make_adapter(recipe, parts, backbone.config, features_shape).to(device)
    torch.manual_seed(recipe.seed)
    values, hearing = None, adapter.shape.layers
    merge = recipe.phase == "adapter" and not is_quantised
    if is_quantised:
        values = exact_value_projections(folder, hearing, device=device)
    elif merge and parts.lora is not None:
        values = tuple(weight.clone() for weight in value_weights(backbone, hearing))
    if parts.lora is not None:
        add_lora(writer, parts.lora, merge=merge)
    elif recipe.phase == "lora":
        inject_adapter_in_model(
            lora_config(recipe.lora, backbone.config.num_hidden_layers), backbone
        )
    return MusicLanguageModel(writer, adapter, value_projections=values)


def add_biases(backbone: Any, *, only: dict[str, Tensor] | None = None) -> None:  # noqa: ANN401
    """Give a LLaMA's projections biases of zero, where they have none.

    Args:
        backbone: Of transformers, without LoRA.
        only: Do so only if one of these names is of a bias.
    """
    if only is not None and not any(name.endswith(".bias") for name in only):
        return
    backbone.config.attention_bias = backbone.config.mlp_bias = True
    for layer in backbone.model.layers:
        for name in BIASED:
            projection = layer.get_submodule(name)
            if projection.bias is None:
                zeros = torch.zeros(projection.out_features, device=projection.weight.device)
                projection.bias = torch.nn.Parameter(zeros)


def lora_config(lora: LoraRecipe, layer_count: int) -> LoraConfig:
    """What PEFT must know of a recipe's LoRA.

    Args:
        lora: The recipe's.
        layer_count: Of the language model.

    Returns:
        The config; the update's scale is 1.
    """
    from peft import LoraConfig

    first = layer_count - min(lora.layers or layer_count, layer_count)
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.rank,
        lora_dropout=lora.dropout,
        target_modules=sorted(lora.targets),
        layers_to_transform=list(range(first, layer_count)),
        task_type="CAUSAL_LM",
    )


def shape_in(tensors: dict[str, Tensor], config: Any) -> AdapterShape:  # noqa: ANN401
    """The sizes of an adapter, read off its tensors.

    Args:
        tensors: Of the adapter.
        config: Of the language model.

    Returns:
        The sizes.

    Raises:
        ValueError: If they do not fit the language model.
        KeyError: If a tensor is missing.
    """
    return adapter_shape(
        config,
        encoder_layers=tensors["layer_mix.weight"].shape[1],
        encoder_width=tensors["projection.weight"].shape[1],
        layers=tensors["layer_queries"].shape[0],
        bridge_width=tensors["bridge.0.gate_proj.weight"].shape[0],
    )


def _make_adapter(
    recipe: Recipe,
    parts: Parts,
    config: Any,  # noqa: ANN401
    features_shape: tuple[int, int] | None,
) -> AudioAdapter:
    # A trained adapter where there is one, else a fresh one; as small as can be for silence.
    torch.manual_seed(recipe.seed)
    layers, width = features_shape or _DEAF
    tensors = {} if features_shape is None else parts.adapter_tensors()
    hearing, bridge_width = recipe.adapter.layers, recipe.adapter.bridge_width
    if features_shape is None:
        hearing, bridge_width = 1, 1
    try:
        shape = (
            shape_in(tensors, config)
            if tensors
            else adapter_shape(
                config,
                encoder_layers=layers,
                encoder_width=width,
                layers=hearing,
                bridge_width=bridge_width,
            )
        )
        adapter = AudioAdapter(shape)
        if tensors:
            adapter.load_state_dict(tensors)
    except (ValueError, KeyError, RuntimeError) as error:
        where = parts.adapter or recipe.language_model
        raise RecipeError(where, f"the adapter does not fit: {error}") from error
    if (shape.encoder_layers, shape.encoder_width) != (layers, width):
        raise RecipeError(
            parts.adapter or recipe.language_model,
            f"hears {shape.encoder_layers} layers of {shape.encoder_width},"
            f" {recipe.encoder} gives {layers} of {width}",
        )
    return adapter
