"""MusicGen's speed at the true shapes of musicgen-small, with random weights.

    python -m tools.bench_musicgen --seconds 0.5
    python -m tools.bench_musicgen --seconds 10 --order A
    python -m tools.bench_musicgen --seconds 5 --dtype bfloat16

Beside it, in the same run, `generate` of plain transformers with the same settings, on the same
weights. Random weights do not change what there is to compute. Both are warmed up, and then take
turns as `--order` says; text encoder, first step, steps and codec are timed apart. Where torch
finds a GPU, it is used.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import math
import os
import resource
import statistics
import time
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from musiscene.generate.musicgen.backend import MusicGen
from musiscene.generate.musicgen.narrow import narrow_products
from musiscene.generate.musicgen.weights import LoadedMusicGen
from musiscene.generate.protocol import MusicRequest

if TYPE_CHECKING:
    from collections.abc import Callable

PROMPT = "folk, joyful, acoustic guitar, 110 bpm"
PROMPT_TOKENS = 14
FRAME_RATE = 50
WARM_UP_SECONDS = 0.06


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


class Stages:
    """When the parts of a model begin and end, by the clock and by the processor's.

    Args:
        loaded: The model; it is listened to from now on.
    """

    def __init__(self, loaded: LoadedMusicGen) -> None:
        self.text: list[Moment] = []
        self.steps: list[Moment] = []
        self.codec: list[Moment] = []
        model = loaded.model
        model.text_encoder.register_forward_pre_hook(lambda *_: self.text.append(now()))
        model.text_encoder.register_forward_hook(lambda *_: self.text.append(now()))
        model.decoder.register_forward_pre_hook(lambda *_: self.steps.append(now()))
        decode = model.audio_encoder.decode

        def timed_decode(*codes: Any, **options: Any) -> Any:  # noqa: ANN401
            self.codec.append(now())
            decoded = decode(*codes, **options)
            self.codec.append(now())
            return decoded

        model.audio_encoder.decode = timed_decode

    def of(self, work: Callable[[], object]) -> Run:
        """Do some work with the model.

        Args:
            work: Makes one piece of music.

        Returns:
            What its parts took.
        """
        for moments in (self.text, self.steps, self.codec):
            moments.clear()
        begun = now()
        work()
        whole = now() - begun
        each = [later - earlier for earlier, later in itertools.pairwise(self.steps)]
        return Run(
            whole=whole,
            text=self.text[1] - self.text[0],
            first_step=each[0],
            steps=each[1:],
            codec=self.codec[1] - self.codec[0],
        )


class Moment(NamedTuple):
    """A time, or how long something took, in seconds."""

    wall: float
    processor: float

    def __sub__(self, other: Moment) -> Moment:
        return Moment(self.wall - other.wall, self.processor - other.processor)


class Run(NamedTuple):
    """What making one piece of music took."""

    whole: Moment
    text: Moment
    first_step: Moment
    """With keys and values of the text for every layer."""
    steps: list[Moment]
    """From one call of the decoder to the next, so drawing tokens is in it."""
    codec: Moment


def now() -> Moment:
    """The time, when the GPU has done all it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Moment(time.perf_counter(), time.process_time())


def plain(loaded: LoadedMusicGen, seconds: float) -> None:
    """The same with transformers' own loop."""
    tokens = loaded.tokenizer([PROMPT]).to(loaded.device)
    frames = math.ceil(seconds * FRAME_RATE)
    with torch.inference_mode():
        loaded.model.generate(
            **tokens, do_sample=True, top_k=250, guidance_scale=3.0, max_new_tokens=frames + 3
        )


def as_loaded(plain_one: LoadedMusicGen) -> LoadedMusicGen:
    """A second model of the same tensors, made ready as `load_weights` does it."""
    tensors = {id(one): one for one in plain_one.model.parameters()}
    model = copy.deepcopy(plain_one.model, tensors)
    if plain_one.device == "cpu" and plain_one.dtype == torch.float32:
        narrow_products(model.decoder)
    return replace(plain_one, model=model)


def summary(runs: list[Run]) -> dict[str, Any]:
    """What several runs of the same took, in figures that can be compared."""
    steps = [step for run in runs for step in run.steps]

    def middle(moments: list[Moment]) -> str:
        wall = 1e3 * statistics.median(one.wall for one in moments)
        processor = 1e3 * statistics.fmean(one.processor for one in moments)
        return f"{wall:.1f} (processor {processor:.1f})"

    return {
        "whole_seconds": [round(run.whole.wall, 2) for run in runs],
        "whole_processor_seconds": [round(run.whole.processor, 2) for run in runs],
        "text_ms": middle([run.text for run in runs]),
        "first_step_ms": middle([run.first_step for run in runs]),
        "step_ms": middle(steps),
        "codec_ms": middle([run.codec for run in runs]),
    }


def ratios(ours: list[Run], theirs: list[Run]) -> dict[str, float]:
    """How long our steps take, if those of transformers take 1."""
    both = [[step for run in runs for step in run.steps] for runs in (ours, theirs)]
    wall = [statistics.median(step.wall for step in steps) for steps in both]
    processor = [statistics.fmean(step.processor for step in steps) for steps in both]
    return {
        "step_ratio": round(wall[0] / wall[1], 3),
        "step_processor_ratio": round(processor[0] / processor[1], 3),
    }


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--order", default="ABBA", help="A is our loop, B transformers' generate")
    asked = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = getattr(torch, asked.dtype or ("bfloat16" if device == "cuda" else "float32"))
    theirs = small_shapes(device, dtype)
    ours = as_loaded(theirs)
    waves = MusicGen(ours)._waves  # noqa: SLF001 - random weights may sound like silence

    def make(seconds: float) -> None:
        requests = [
            MusicRequest(prompt=PROMPT, seconds=seconds, seed=seed) for seed in range(asked.batch)
        ]
        waves(requests, [one.seed for one in requests], lambda *_: None, Event())

    ways: dict[str, tuple[Stages, Callable[[float], None]]] = {
        "A": (Stages(ours), make),
        "B": (Stages(theirs), partial(plain, theirs)),
    }
    runs: dict[str, list[Run]] = {way: [] for way in ways if way in asked.order}
    for way in runs:
        ways[way][1](WARM_UP_SECONDS)
    for way in asked.order:
        stages, work = ways[way]
        runs[way].append(stages.of(partial(work, asked.seconds)))
    result: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "dtype": str(dtype),
        "seconds_of_music": asked.seconds * asked.batch,
        "order": asked.order,
        "load": os.getloadavg()[0],
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    if "A" in runs:
        whole = statistics.median(run.whole.wall for run in runs["A"])
        result["ours"] = summary(runs["A"])
        result["ours_real_time_factor"] = round(whole / asked.seconds / asked.batch, 2)
    if "B" in runs:
        result["transformers"] = summary(runs["B"])
    if len(runs) == len(ways):
        result |= ratios(runs["A"], runs["B"])
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
