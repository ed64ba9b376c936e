"""What is heard, handed to a language model: MU-LLaMA's adapter.

The encoder's layers are mixed, normalised and carried to the language model's width by a bridge of
three gated blocks. The result is one audio token. In each of the last layers of the language model
it meets a learned query, goes through that layer's own value projection, and is added to the
attention of every position, scaled per head by tanh of a gate that starts at zero.

Notation: B batch, N encoder layers, M encoder width, D width of the language model, Q layers of it
that hear.

Source: Liu et al. 2023, MU-LLaMA, arXiv:2308.11276, section 3; Zhang et al. 2023, LLaMA-Adapter,
arXiv:2303.16199, section 3.2 (zero-initialised gates).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import torch
from torch import nn
from torch.nn import functional as F

from musiscene.language_model.attention import AudioStates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import PreTrainedConfig

BRIDGE_BLOCKS = 3
BRIDGE_NORM_EPS = 1e-6
WEIGHT_EPS = 1e-6
"""Added to the weights of what is heard: one input of weight 1 counts 0.999999."""


class AdapterShape(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of an adapter."""

    encoder_layers: int
    """Hidden states of the encoder, N."""
    encoder_width: int
    """Width of one hidden state, M."""
    width: int
    """Of the language model, D."""
    bridge_width: int
    """Inner width of a bridge block."""
    layers: int
    """How many of the language model's last layers hear, Q."""
    heads: int
    """Attention heads of the language model."""


class Prototypes(msgspec.Struct, frozen=True, kw_only=True):
    """Known features that what is heard is drawn towards (MU-LLaMA's optional retrieval)."""

    vectors: torch.Tensor
    """Unit length, (prototypes, M)."""
    count: int = 10
    """Nearest ones that are mixed."""
    sharpness: float = 20.0
    """Multiplies the similarities before their softmax."""
    share: float = 0.5
    """Of the prototypes in the result; 0 only brings it to unit length."""

    def blend(self, features: Tensor) -> Tensor:
        """Mix unit features (B, M) with their nearest prototypes; unit length again.

        Rows are blended one by one, so that a batch gives what its rows give alone. The original's
        product does so for one row only.
        """
        similarity, nearest = (features @ self.vectors.T).topk(
            min(self.count, len(self.vectors)), dim=-1
        )  # (B, count)
        shares = (self.sharpness * similarity).softmax(-1)
        mixed = F.normalize((shares[..., None] * self.vectors[nearest]).sum(1), dim=-1)
        return F.normalize((1.0 - self.share) * features + self.share * mixed, dim=-1)


QUERY_SCALE = 0.02
"""Of fresh layer queries. The original's have unit size, beside which the audio is not heard: the
same answers were learnt for all tracks (docs/experiments.md)."""


class BridgeBlock(nn.Module):
    """A gated feed-forward block with a residual path, without biases.

    Args:
        width: Of the language model.
        inner_width: Between its matrices.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=BRIDGE_NORM_EPS)
        self.gate_proj = nn.Linear(width, inner_width, bias=False)
        self.up_proj = nn.Linear(width, inner_width, bias=False)
        self.down_proj = nn.Linear(inner_width, width, bias=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Audio tokens (B, D) -> (B, D)."""
        normed = self.norm(audio)
        out: Tensor = self.down_proj(F.silu(self.gate_proj(normed)) * self.up_proj(normed))
        return audio + out


class AudioAdapter(nn.Module):
    """Encoder features -> what the attention of a language model takes in.

    A new one adds exactly nothing, since its gates are zero.

    Args:
        shape: Its sizes.
    """

    def __init__(self, shape: AdapterShape) -> None:
        super().__init__()
        self.shape = shape
        self.layer_mix = nn.Conv1d(shape.encoder_layers, 1, kernel_size=1)
        self.projection = nn.Linear(shape.encoder_width, shape.width)
        nn.init.normal_(self.projection.weight)  # unit features become tokens of about unit size
        self.bridge = nn.ModuleList(
            BridgeBlock(shape.width, shape.bridge_width) for _ in range(BRIDGE_BLOCKS)
        )
        self.layer_queries = nn.Parameter(QUERY_SCALE * torch.randn(shape.layers, shape.width))
        self.gates = nn.Parameter(torch.zeros(shape.layers, shape.heads))

    def mix_layers(self, features: Tensor) -> Tensor:
        """Time means of the encoder's layers (B, N, M) -> their learned sum (B, M)."""
        mixed: Tensor = self.layer_mix(features)
        return mixed[:, 0]

    def forward(
        self, features: Tensor, *, weight: float = 1.0, prototypes: Prototypes | None = None
    ) -> Tensor:
        """Time means of the encoder's layers -> audio tokens.

        Args:
            features: Float32, (B, N, M).
            weight: Of what is heard; a single input always counts w / (w + 1e-6).
            prototypes: What it is drawn towards; None for nothing.

        Returns:
            Float32, (B, D).
        """
        unit = F.normalize(self.mix_layers(features), dim=-1) * (weight / (weight + WEIGHT_EPS))
        if prototypes is not None:
            unit = prototypes.blend(unit)
        audio: Tensor = self.projection(unit)
        for block in self.bridge:
            audio = block(audio)
        return audio

    def audio_states(
        self, audio: Tensor, value_projections: Sequence[Tensor], first_layer: int
    ) -> AudioStates:
        """Audio tokens -> what each hearing layer adds to its attention.

        Args:
            audio: From `forward`, (B, D).
            value_projections: For each hearing layer the weight of its value projection as it was
                before any fine-tuning, (kv_heads * head_width, D).
            first_layer: Of the language model, that hears.

        Returns:
            Gated values, repeated for the heads that share a value head, in the dtype of
            `value_projections`.
        """
        heads = self.shape.heads
        values = []
        for query, gates, projection in zip(
            self.layer_queries, self.gates, value_projections, strict=True
        ):
            projected = F.linear((audio + query).to(projection.dtype), projection)
            by_head = projected.view(len(audio), -1, self.shape.width // heads)
            by_head = by_head.repeat_interleave(heads // by_head.shape[1], dim=1)
            values.append(by_head * torch.tanh(gates).to(by_head.dtype)[:, None])
        return AudioStates(torch.stack(values, dim=1), first_layer)


def adapter_shape(
    config: PreTrainedConfig,
    *,
    encoder_layers: int,
    encoder_width: int,
    layers: int,
    bridge_width: int | None = None,
) -> AdapterShape:
    """The adapter that fits a language model.

    Args:
        config: Of the language model.
        encoder_layers: Hidden states of the encoder.
        encoder_width: Width of one hidden state.
        layers: How many of the last layers hear.
        bridge_width: Inner width of a bridge block; None for the paper's four times the model's.

    Returns:
        Its sizes.

    Raises:
        ValueError: If the language model has fewer layers than shall hear, or its heads do not make
            up its width.
    """
    width, heads = config.hidden_size, config.num_attention_heads
    if layers > config.num_hidden_layers:
        raise ValueError(f"{layers} layers shall hear, there are {config.num_hidden_layers}")
    if getattr(config, "head_dim", width // heads) * heads != width:
        raise ValueError(f"{heads} heads do not make up a width of {width}")
    return AdapterShape(
        encoder_layers=encoder_layers,
        encoder_width=encoder_width,
        width=width,
        bridge_width=4 * width if bridge_width is None else bridge_width,
        layers=layers,
        heads=heads,
    )
