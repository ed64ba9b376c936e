"""MusicGen with a few small layers, of transformers' own classes, saved as safetensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedTokenizerFast

WORDS = ("calm", "piano", "folk", "joyful", "guitar", "rock", "110", "bpm")
CODES = 64
SAMPLE_RATE = 8_000
FRAME_RATE = 10


def save_tiny_musicgen(folder: Path, *, stereo: bool = False, melody: bool = False) -> Path:
    """Make a model with random weights and save it as the hub has such models."""
    from transformers import (
        MusicgenForConditionalGeneration,
        MusicgenMelodyForConditionalGeneration,
    )

    torch.manual_seed(3)
    config = _config(stereo=stereo, melody=melody)
    kind: Any = (
        MusicgenMelodyForConditionalGeneration if melody else MusicgenForConditionalGeneration
    )
    model = kind(config).eval()
    with torch.no_grad():  # far from uniform, so that likeliest tokens are clear
        for head in model.decoder.lm_heads:
            head.weight.mul_(10)
        if melody:
            model.audio_enc_to_dec_proj.weight.mul_(100)
        for layer in model.audio_encoder.quantizer.layers:
            layer.codebook.embed.normal_()  # they begin as zeros
    model.generation_config.decoder_start_token_id = CODES
    model.generation_config.pad_token_id = CODES
    model.generation_config.bos_token_id = CODES
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


def _config(*, stereo: bool, melody: bool) -> PretrainedConfig:
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenMelodyConfig,
        MusicgenMelodyDecoderConfig,
        T5Config,
    )

    text = T5Config(
        vocab_size=len(WORDS) + 3, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2
    )
    codec = EncodecConfig(
        sampling_rate=SAMPLE_RATE, audio_channels=1, num_filters=4, upsampling_ratios=[10, 10, 8],
        codebook_size=CODES, codebook_dim=8, hidden_size=8, target_bandwidths=[0.6],
        num_lstm_layers=1, kernel_size=3, last_kernel_size=3, normalize=False,
        use_causal_conv=False,
    )  # fmt: skip
    decoder: Any = MusicgenMelodyDecoderConfig if melody else MusicgenDecoderConfig
    parts = {
        "text_encoder": text.to_dict(),
        "audio_encoder": codec.to_dict(),
        "decoder": decoder(
            vocab_size=CODES, hidden_size=32, ffn_dim=64, num_hidden_layers=2,
            num_attention_heads=4, num_codebooks=8 if stereo else 4,
            audio_channels=2 if stereo else 1, pad_token_id=CODES, bos_token_id=CODES,
            layerdrop=0.0, dropout=0.0,
        ).to_dict(),
    }  # fmt: skip
    if melody:
        return MusicgenMelodyConfig(**parts, num_chroma=12, chroma_length=6)
    return MusicgenConfig(**parts)


def _tokenizer() -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: at for at, word in enumerate(("<pad>", "</s>", "<unk>", *WORDS))}
    words = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=words, **names)  # type: ignore[no-untyped-call]
