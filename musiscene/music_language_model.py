"""The language model that hears: adapter and language model joined, for training and for answers.

The audio encoder stands apart, since its features are computed once a track and kept.

Source: Liu et al. 2023, MU-LLaMA, arXiv:2308.11276, section 3.
"""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import nn
from torch.nn import functional as F

from musiscene.adapter import AdapterShape, AudioAdapter, adapter_shape
from musiscene.checkpoints.native import (
    ADAPTER_NAME,
    LORA_FOLDER,
    own_language_model,
    read_settings,
)
from musiscene.errors import ModelIntegrityError
from musiscene.language_model import AudioStates, LanguageModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor
    from transformers import PreTrainedModel

Phase = Literal["adapter", "lora"]
"""What is trained: the adapter alone, or LoRA, norms and biases of the language model."""

LORA_BIASES = ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Projections whose biases the second phase trains; those of keys and values stay zero."""


class MusicLanguageModel(nn.Module):
    """A language model with an ear.

    Args:
        language_model: Writes; its weights may carry LoRA layers of PEFT.
        adapter: Turns encoder features into what its last layers hear.
        value_projections: The hearing layers' value projections before fine-tuning; None if the
            model still holds them, because LoRA is not merged or there is none.
    """

    def __init__(
        self,
        language_model: LanguageModel,
        adapter: AudioAdapter,
        *,
        value_projections: tuple[Tensor, ...] | None = None,
    ) -> None:
        super().__init__()
        self.backbone: Any = language_model.model
        self.adapter = adapter
        self.language_model = language_model
        self._value_projections = value_projections

    @classmethod
    def fresh(
        cls, language_model: LanguageModel, *, encoder_layers: int, encoder_width: int, layers: int
    ) -> MusicLanguageModel:
        """A language model with a new adapter, which writes as it did without one.

        Args:
            language_model: Any of the LLaMA family.
            encoder_layers: Hidden states of the encoder.
            encoder_width: Width of one hidden state.
            layers: How many of its last layers hear.

        Returns:
            The model.
        """
        shape = adapter_shape(
            language_model.model.config,
            encoder_layers=encoder_layers,
            encoder_width=encoder_width,
            layers=layers,
        )
        return cls(language_model, AudioAdapter(shape).to(language_model.model.device))

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        base: Path | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        merge: bool = True,
    ) -> MusicLanguageModel:
        """The model in a checkpoint folder.

        Args:
            folder: As `musiscene checkpoint import-mu-llama` and training write it.
            base: The language model, where the folder only names it.
            device: As torch spells it.
            dtype: Of the language model; the adapter is float32.
            merge: Fold LoRA into the weights, which is faster; False to train it further.

        Returns:
            The model in evaluation mode.

        Raises:
            ModelUnavailableError: If there is no such folder.
            ModelIntegrityError: If its parts cannot be read or do not fit together.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        settings = read_settings(folder)
        own = base or own_language_model(folder, settings)
        writer = LanguageModel.load(own, device=device, dtype=dtype)
        try:
            tensors = load_file(folder / ADAPTER_NAME, device=device)
            shape = adapter_shape(
                writer.model.config,
                encoder_layers=settings.encoder_layers,
                encoder_width=settings.encoder_width,
                layers=settings.adapter_layers,
                bridge_width=settings.bridge_width,
            )
            kept = tensors.pop("value_projections", None)
            adapter = _adapter_of(shape, tensors)
        except (OSError, SafetensorError, RuntimeError, ValueError) as error:
            reason = f"{folder / ADAPTER_NAME} does not fit: {error}"
            raise ModelIntegrityError(folder.name, reason) from error
        values = None if kept is None else tuple(kept.to(dtype))
        if (folder / LORA_FOLDER).is_dir():
            if merge:
                values = tuple(
                    projection.clone() for projection in value_weights(writer.model, shape.layers)
                )
            add_lora(writer, folder / LORA_FOLDER, merge=merge)
        return cls(writer, adapter, value_projections=values).eval()

    @property
    def first_hearing_layer(self) -> int:
        """Of the language model."""
        return int(self.backbone.config.num_hidden_layers) - self.adapter.shape.layers

    def value_projections(self) -> tuple[Tensor, ...]:
        """Weights of the hearing layers' value projections before fine-tuning."""
        if self._value_projections is not None:
            return self._value_projections
        return value_weights(self.backbone, self.adapter.shape.layers)

    def hear(self, features: Tensor, *, weight: float = 1.0) -> AudioStates:
        """Encoder features -> what the language model's attention takes in.

        Args:
            features: Time means of the encoder's layers, float32, (rows, layers, width).
            weight: Of what is heard.

        Returns:
            One row each.
        """
        audio: Tensor = self.adapter(features.to(self.adapter.gates.device), weight=weight)
        return self.listen_to(audio)

    def listen_to(self, audio: Tensor) -> AudioStates:
        """Audio tokens (rows, width) from the adapter -> what the attention takes in."""
        values = self.value_projections()
        return self.adapter.audio_states(audio, values, self.first_hearing_layer)

    def forward(self, token_ids: Tensor, audio: AudioStates | None) -> Tensor:
        """The last hidden states of rows padded on the right, (rows, length, width).

        Args:
            token_ids: Int64, (rows, length).
            audio: What each row hears; None for the language model alone.

        Returns:
            After the final norm; `logits` makes logits of them.
        """
        output = self.backbone.model(input_ids=token_ids, use_cache=False, audio_states=audio)
        return cast("Tensor", output.last_hidden_state)

    def logits(self, token_ids: Tensor, audio: AudioStates | None) -> Tensor:
        """Logits at every position of rows padded on the right, (rows, length, vocab)."""
        return cast("Tensor", self.backbone.lm_head(self(token_ids, audio)))

    def loss(
        self, token_ids: Tensor, labels: Tensor, audio: AudioStates | None, *, ignored: int = -100
    ) -> Tensor:
        """Mean cross-entropy of the labels, over all of them and not row by row.

        Logits are computed only where there is a label, which is a small part of a row.

        Args:
            token_ids: Int64, padded on the right, (rows, length).
            labels: The token at each position, or `ignored`, (rows, length).
            audio: What each row hears.
            ignored: Not learnt.

        Returns:
            A scalar; 0 with zero gradients where nothing is learnt.
        """
        hidden: Tensor = self(token_ids, audio)[:, :-1]
        targets = labels[:, 1:]
        learnt = targets != ignored
        if not bool(learnt.any()):
            return hidden.sum() * 0.0
        logits = self.backbone.lm_head(hidden[learnt])
        return F.cross_entropy(logits.float(), targets[learnt])

    def fold_track(self, audio: AudioStates) -> PreTrainedModel:
        """A plain LLaMA that hears one track in everything it writes, and needs no code of ours.

        What a layer adds for a fixed track is a constant, so its output projection can add it: the
        bias of the projection takes up the projected constant.

        Args:
            audio: The track, one row.

        Returns:
            A model of transformers' own class. It shares all weights with this one but the biases
            of the hearing layers.

        Raises:
            ValueError: If there is more than one track, or LoRA is not merged.
        """
        if audio.row_count != 1:
            raise ValueError(f"one track can be folded in, there are {audio.row_count}")
        if any("lora_" in name for name, _ in self.backbone.named_parameters()):
            raise ValueError("LoRA is not merged, so the output projections are not final")
        shared = {id(parameter): parameter for parameter in self.backbone.parameters()}
        plain: Any = copy.deepcopy(self.backbone, shared)
        plain.config.attention_bias = True
        for place, layer in enumerate(plain.model.layers):
            attention = layer.self_attn
            projections = (
                attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj,
            )  # fmt: skip
            for projection in projections:
                if projection.bias is None:
                    zeros = projection.weight.new_zeros(projection.out_features)
                    projection.bias = nn.Parameter(zeros, requires_grad=False)
            heard = audio.of_layer(place)
            if heard is not None:
                output = attention.o_proj
                with torch.no_grad():
                    added = F.linear(heard.flatten(), output.weight)
                    output.bias = nn.Parameter(output.bias + added, requires_grad=False)
        plain.set_attn_implementation("sdpa")
        return cast("PreTrainedModel", plain)

    def trainable(self, phase: Phase) -> Iterator[tuple[str, nn.Parameter]]:
        """What a phase trains.

        Args:
            phase: `adapter` for the adapter; `lora` for LoRA, norms and biases.

        Yields:
            Names and parameters.
        """
        if phase == "adapter":
            for name, parameter in self.adapter.named_parameters():
                yield f"adapter.{name}", parameter
            return
        for name, parameter in self.backbone.named_parameters():
            owner, _, kind = name.rpartition(".")
            is_bias = kind == "bias" and owner.removesuffix(".base_layer").endswith(LORA_BIASES)
            if is_bias or "lora_" in name or "norm" in name:
                yield f"backbone.{name}", parameter

    def start_phase(self, phase: Phase) -> list[nn.Parameter]:
        """Let a phase's parameters learn and freeze all others.

        Args:
            phase: What is trained.

        Returns:
            Its parameters.
        """
        self.requires_grad_(requires_grad=False)
        chosen = [parameter for _, parameter in self.trainable(phase)]
        for parameter in chosen:
            parameter.requires_grad_()
        return chosen


def _adapter_of(shape: AdapterShape, tensors: dict[str, Tensor]) -> AudioAdapter:
    with torch.device("meta"):
        adapter = AudioAdapter(shape)
    adapter.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return adapter


def value_weights(backbone: Any, layers: int) -> tuple[Tensor, ...]:  # noqa: ANN401
    """Weights of the last layers' value projections, without the LoRA that may wrap them.

    Args:
        backbone: The language model.
        layers: How many of its last layers.

    Returns:
        One each, (kv width, width).
    """
    projections = [layer.self_attn.v_proj for layer in backbone.model.layers[-layers:]]
    return tuple(
        getattr(projection, "base_layer", projection).weight.detach() for projection in projections
    )


def add_lora(writer: LanguageModel, folder: Path, *, merge: bool) -> None:
    """Put the LoRA of a PEFT folder on a language model.

    Args:
        writer: The language model.
        folder: As PEFT writes it.
        merge: Fold it into the weights; False to train it further.

    Raises:
        ModelIntegrityError: If the folder cannot be read or does not fit.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        with warnings.catch_warnings():
            # PEFT 0.21 asks for a property that transformers 5.23 has renamed.
            warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
            joined: Any = PeftModel.from_pretrained(
                writer.model, str(folder), is_trainable=not merge, local_files_only=True
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelIntegrityError(folder.parent.name, f"{folder} does not fit: {error}") from error
    writer.model = joined.merge_and_unload() if merge else joined.base_model.model
