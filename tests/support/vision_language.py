"""Vision-language models of the real classes, small enough to build in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipProcessor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel

WIDTH: Final[Mapping[str, int]] = {
    "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip
PICTURE: Final[Mapping[str, int]] = {**WIDTH, "image_size": 32, "patch_size": 16}
CHAT: Final = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}PICTURE"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def write_blip(folder: Path) -> Path:
    """BLIP: one picture, no question."""
    tokenizer = _tokenizer(["[DEC]", "[ENC]"])
    words = {**WIDTH, **_ends(tokenizer), "vocab_size": len(tokenizer), "encoder_hidden_size": 32}
    config = BlipConfig(
        text_config={**words, "projection_dim": 16, "sep_token_id": tokenizer.eos_token_id},
        vision_config=dict(PICTURE),
        projection_dim=16,
        image_text_hidden_size=16,
    )
    images = BlipImageProcessorPil(size={"height": 32, "width": 32})
    untyped: Any = BlipProcessor
    return _save(folder, BlipForConditionalGeneration(config), untyped(images, tokenizer))


def write_idefics(folder: Path) -> Path:
    """Idefics3, which SmolVLM is."""
    tokenizer = _tokenizer(
        ["<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>"]
    )
    side = {"longest_edge": 32}
    images = Idefics3ImageProcessorPil(size=side, max_image_size=side, do_image_splitting=False)
    processor = Idefics3Processor(
        images, tokenizer, image_seq_len=1, chat_template=CHAT.replace("PICTURE", "<image>")
    )
    words = {**WIDTH, **_ends(tokenizer), "vocab_size": len(tokenizer), "model_type": "llama"}
    untyped: Any = Idefics3Config
    config = untyped(
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        scale_factor=2,
        vision_config=dict(PICTURE),
        text_config={**words, "num_key_value_heads": 2},
    )
    return _save(folder, Idefics3ForConditionalGeneration(config), processor)


def write_qwen(folder: Path) -> Path:
    """Qwen2-VL."""
    tokenizer = _tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    token = tokenizer.convert_tokens_to_ids
    config = Qwen2VLConfig(
        text_config={
            **WIDTH,
            **_ends(tokenizer),
            "vocab_size": len(tokenizer),
            "num_key_value_heads": 2,
            "rope_parameters": {
                "rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0,
            },
        },
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2},
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )  # fmt: skip
    tokenizer.chat_template = CHAT.replace("PICTURE", "<|vision_start|><|image_pad|><|vision_end|>")
    tokenizer.save_pretrained(folder)
    area = {"shortest_edge": 56 * 56, "longest_edge": 56 * 56}
    images = Qwen2VLImageProcessorPil(size=area)
    return _save(folder, Qwen2VLForConditionalGeneration(config), images)


WRITERS: Final[Mapping[str, Callable[[Path], Path]]] = {
    "blip": write_blip, "idefics": write_idefics, "qwen": write_qwen,
}  # fmt: skip


def _save(folder: Path, model: PreTrainedModel, processor: Any) -> Path:  # noqa: ANN401
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer(specials: Sequence[str]) -> Any:  # noqa: ANN401  # as its own methods are
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(
        models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    untyped: Any = PreTrainedTokenizerFast
    ends = {f"{name}_token": f"<{name}>" for name in ("eos", "pad", "bos")}
    fast = untyped(tokenizer_object=tokenizer, **ends)
    fast.add_special_tokens({"additional_special_tokens": list(specials)})
    return fast


def _ends(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
