"""The paper profile at its true size, without its weights.

Random weights have the shapes, the memory and the speed of the real ones, so that what a machine
can hold and do is known before thirteen gibibytes are fetched; on torch's `meta` device not even
the memory is needed.

Source: Liu et al. 2023, MU-LLaMA, arXiv:2308.11276, section 3 (sizes); Li et al. 2023, MERT,
arXiv:2306.00107 (330M); Touvron et al. 2023, Llama 2, arXiv:2307.09288 (7B).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import torch

from musiscene.encoders.mert import MertEncoder
from musiscene.language_model import LanguageModel
from musiscene.music_language_model import MusicLanguageModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HEARING_LAYERS: Final = 20
LORA_RANK: Final = 16
LORA_TARGETS: Final = (
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
)  # fmt: skip

MERT_330M: Final[dict[str, Any]] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}
LLAMA_2_7B: Final[dict[str, Any]] = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-6,
    "attention_bias": True,
    "mlp_bias": True,
}


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How many parameters a model has."""

    encoder: int
    """Frozen."""
    language_model: int
    """Without LoRA."""
    adapter: int
    """The first phase trains them."""
    lora: int
    """LoRA, norms and biases: the second phase trains them."""

    def weight_bytes(self, *, bytes_per_weight: int = 2, bytes_per_adapter_weight: int = 4) -> int:
        """Memory of all weights once LoRA is merged; the adapter is kept in float32."""
        plain = (self.encoder + self.language_model) * bytes_per_weight
        return plain + self.adapter * bytes_per_adapter_weight


def build_paper(
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: str = "meta",
    dtype: torch.dtype = torch.bfloat16,
    with_lora: bool = True,
) -> tuple[MertEncoder, MusicLanguageModel]:
    """MERT-v1-330M and LLaMA-2-7B with adapter and LoRA, in the paper's sizes, weights random.

    Args:
        tokenizer: Any; only its end token is used.
        device: `meta` for shapes alone.
        dtype: Of encoder and language model; the adapter is float32.
        with_lora: Whether LoRA is attached, as for its training, or merged, as for answers.

    Returns:
        Encoder and language model.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from transformers import HubertConfig, HubertModel, LlamaConfig, LlamaForCausalLM

    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            hubert: Any = HubertModel(HubertConfig(**MERT_330M))
            encoder = MertEncoder(hubert.to(device))  # one of its weights ignores the context
            backbone: Any = LlamaForCausalLM(LlamaConfig(**LLAMA_2_7B))
            if with_lora:
                lora = LoraConfig(
                    r=LORA_RANK, lora_alpha=LORA_RANK, target_modules=list(LORA_TARGETS)
                )
                backbone = inject_adapter_in_model(lora, backbone)
    finally:
        torch.set_default_dtype(previous)
    with torch.device(device):
        model = MusicLanguageModel.fresh(
            LanguageModel(backbone, tokenizer),
            encoder_layers=encoder.layer_count,
            encoder_width=encoder.width,
            layers=HEARING_LAYERS,
        )
    return encoder, model


def count_parameters(encoder: MertEncoder, model: MusicLanguageModel) -> Sizes:
    """Count a model's parameters.

    Args:
        encoder: Its ear.
        model: The rest of it.

    Returns:
        The counts.
    """
    named = dict(model.backbone.named_parameters())
    return Sizes(
        encoder=sum(parameter.numel() for parameter in encoder.model.parameters()),
        language_model=sum(
            parameter.numel() for name, parameter in named.items() if "lora_" not in name
        ),
        adapter=sum(parameter.numel() for _, parameter in model.trainable("adapter")),
        lora=sum(parameter.numel() for _, parameter in model.trainable("lora")),
    )
