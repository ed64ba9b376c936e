"""MusicGen's speed at the true shapes of musicgen-small, with random weights.

    python -m tools.bench_musicgen --seconds 5
    python -m tools.bench_musicgen --seconds 10 --dtype bfloat16

Beside it, in the same run, `generate` of plain transformers with the same settings, from the same
model object. Random weights do not change what there is to compute. Both draw tokens; the text
encoder and the codec are counted on both sides. Where torch finds a GPU, it is used.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import torch

from musiscene.generate.musicgen.backend import MusicGen
from musiscene.generate.musicgen.weights import LoadedMusicGen
from musiscene.generate.protocol import MusicRequest

if TYPE_CHECKING:
    from collections.abc import Callable

PROMPT = "folk, joyful, acoustic guitar, 110 bpm"
PROMPT_TOKENS = 14
FRAME_RATE = 50


class _Tokenizer:
    """Any tokens will do, as many as the prompt has."""

    def __call__(self, prompts: list[str], **_: Any) -> Any:  # noqa: ANN401
        from transformers import BatchEncoding

        tokens = torch.arange(1, PROMPT_TOKENS + 1).repeat(len(prompts), 1)
        return BatchEncoding({"input_ids": tokens, "attention_mask": torch.ones_like(tokens)})


def small_shapes(device: str, dtype: torch.dtype) -> LoadedMusicGen:
    """Musicgen-small with random weights: t5-base, 24 layers of 1024, EnCodec at 32 kHz."""
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        T5Config,
    )

    text = T5Config(
        d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12, feed_forward_proj="relu"
    )
    codec = EncodecConfig(
        sampling_rate=32_000, audio_channels=1, num_filters=64, upsampling_ratios=[8, 5, 4, 4],
        codebook_size=2048, codebook_dim=128, hidden_size=128, target_bandwidths=[2.2],
        num_lstm_layers=2, normalize=False, use_causal_conv=False, norm_type="weight_norm",
        chunk_length_s=None,
    )  # fmt: skip
    decoder = MusicgenDecoderConfig(
        vocab_size=2048, hidden_size=1024, ffn_dim=4096, num_hidden_layers=24,
        num_attention_heads=16, num_codebooks=4, pad_token_id=2048, bos_token_id=2048,
    )  # fmt: skip
    torch.manual_seed(0)
    config = MusicgenConfig(
        text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict()
    )
    kind: Any = MusicgenForConditionalGeneration
    model = kind(config).eval()
    with torch.no_grad():
        for layer in model.audio_encoder.quantizer.layers:
            layer.codebook.embed.normal_()
    for name in ("decoder_start_token_id", "pad_token_id", "bos_token_id"):
        setattr(model.generation_config, name, 2048)
    model.decoder.to(dtype)
    return LoadedMusicGen(
        model=model.to(device), tokenizer=_Tokenizer(), name="musicgen-small's shapes",
        source="random", device=device, dtype=dtype,
    )  # fmt: skip


def plain(loaded: LoadedMusicGen, seconds: float) -> None:
    """The same with transformers' own loop."""
    tokens = loaded.tokenizer([PROMPT]).to(loaded.device)
    frames = math.ceil(seconds * FRAME_RATE)
    with torch.inference_mode():
        loaded.model.generate(
            **tokens, do_sample=True, top_k=250, guidance_scale=3.0, max_new_tokens=frames + 3
        )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    wall, processor = time.perf_counter(), time.process_time()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--no-plain", action="store_true")
    asked = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = getattr(torch, asked.dtype or ("bfloat16" if device == "cuda" else "float32"))
    loaded = small_shapes(device, dtype)
    backend = MusicGen(loaded)
    requests = [
        MusicRequest(prompt=PROMPT, seconds=asked.seconds, seed=seed) for seed in range(asked.batch)
    ]
    waves = backend._waves  # noqa: SLF001 - random weights may sound like silence
    seeds = [one.seed for one in requests]
    ours, ours_processor = timed(lambda: waves(requests, seeds, lambda *_: None, Event()))
    result: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "dtype": str(dtype),
        "seconds_of_music": asked.seconds * asked.batch,
        "ours_seconds": round(ours, 2),
        "ours_processor_seconds": round(ours_processor, 2),
        "ours_real_time_factor": round(ours / asked.seconds / asked.batch, 2),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    if not asked.no_plain:
        theirs, theirs_processor = timed(lambda: plain(loaded, asked.seconds))
        result |= {
            "transformers_seconds": round(theirs, 2),
            "transformers_processor_seconds": round(theirs_processor, 2),
            "times_as_fast": round(theirs * asked.batch / ours, 2),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
