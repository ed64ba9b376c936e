"""A language model in four bits a weight, for training LoRA or an adapter on a small GPU.

Only matrices of the layers are quantised; what is trained stays float32.

Source: Dettmers et al. 2023, QLoRA, arXiv:2305.14314, section 3 (NormalFloat, double quantisation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from musiscene.checkpoints.tensor_sources import open_hub_folder
from musiscene.errors import ModelUnavailableError
from musiscene.language_model import LanguageModel

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

LIBRARY = "bitsandbytes"


def load_quantised(folder: Path, *, device: str) -> LanguageModel:
    """The model in a folder that transformers wrote, its layers' matrices in NF4.

    Args:
        folder: Local; nothing is fetched.
        device: As torch spells it.

    Returns:
        The model; it computes in bfloat16.

    Raises:
        ModelUnavailableError: If bitsandbytes is not installed.
    """
    from importlib.util import find_spec

    if find_spec(LIBRARY) is None:
        raise ModelUnavailableError(
            LIBRARY, "quantises the language model and is missing: pip install 'musiscene[qlora]'"
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    untyped: Any = BitsAndBytesConfig
    config = untyped(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model: Any = AutoModelForCausalLM.from_pretrained(
        str(folder),
        local_files_only=True,
        use_safetensors=True,
        dtype=torch.bfloat16,
        quantization_config=config,
        device_map={"": device},
    )
    for module in model.modules():
        # Without gradients a processor would repack the weights, and then cannot learn with them.
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return LanguageModel(model, AutoTokenizer.from_pretrained(str(folder), local_files_only=True))


def exact_value_projections(folder: Path, layers: int, *, device: str) -> tuple[Tensor, ...]:
    """The value projections that the audio enters through, not quantised, bfloat16.

    Args:
        folder: Of the language model.
        layers: How many of its last layers hear.
        device: As torch spells it.

    Returns:
        One each, (kv width, width).
    """
    tensors = open_hub_folder(folder)
    count = sum(name.endswith(".self_attn.v_proj.weight") for name in tensors)
    found = [
        tensors[f"model.layers.{layer}.self_attn.v_proj.weight"]
        for layer in range(count - layers, count)
    ]
    return tuple(
        weight.rows(0, weight.shape[0]).to(device=device, dtype=torch.bfloat16) for weight in found
    )
