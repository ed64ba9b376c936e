"""Measures the model that writes: tokens a second, seconds a track, memory.

    python -m tools.bench_model

The peer is transformers' own `generate` on the same language model, with the same prompt, dtype and
number of tokens, in the same run and taking turns. Ours hears music while it writes: SmolLM2 with
an adapter whose gates are open, each row with audio of its own. Then the demo library is listened
to and imagined as `musiscene index` does it. With a GPU the paper profile is built at its true size
with random weights, which cost the time and the memory of the real ones.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

import immich_memories_music
import numpy as np
import torch
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from musiscene.architecture import build_paper
from musiscene.checkpoints.store import ModelStore
from musiscene.encoders.mert import SAMPLE_RATE
from musiscene.language_model import LanguageModel, Sampling
from musiscene.model import MusiScene
from musiscene.music_language_model import MusicLanguageModel
from musiscene.profiles import LANGUAGE_MODEL
from musiscene.prompts import DESCRIBE_QUESTION, instruction_prompt
from tools.machine import best_seconds, describe_machine, peak_memory_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

Figures = dict[str, Any]
BATCHES = (1, 16)
NEW_TOKENS = 64
HEARING_LAYERS = 20
TRACKS = 8
PAPER_TRACK_SECONDS = 180
PAPER_SEGMENTS = 8
MIB = 1 << 20
H100_BYTES_PER_SECOND, H100_FLOPS = 3.35e12, 989e12
"""Memory bandwidth and dense bfloat16 of an SXM card, by its data sheet."""


def prompt() -> str:
    """What the hearing model is asked about every segment."""
    return instruction_prompt(DESCRIBE_QUESTION)


def endless(language_model: LanguageModel) -> LanguageModel:
    """Make it write on: both sides must write equally many tokens."""
    language_model._end_ids = frozenset()  # noqa: SLF001
    return language_model


def hearing_writer(language_model: LanguageModel, rows: int) -> Callable[[], object]:
    """Ours: rows that each hear audio of their own."""
    torch.manual_seed(0)
    model = MusicLanguageModel.fresh(
        language_model, encoder_layers=2, encoder_width=200, layers=HEARING_LAYERS
    ).eval()
    with torch.inference_mode():
        model.adapter.gates.normal_(0.0, 0.02)
        audio = model.hear(torch.randn(rows, 2, 200))
    greedy = Sampling(max_new_tokens=NEW_TOKENS, temperature=0.0, stop=())
    return lambda: language_model.complete(prompt(), [""] * rows, greedy, audio=audio)


def plain_writer(model: Any, language_model: LanguageModel, rows: int) -> Callable[[], object]:  # noqa: ANN401
    """The peer: the same language model in transformers' own loop."""
    token_ids = torch.tensor([language_model.encode(prompt())] * rows, device=model.device)
    return lambda: model.generate(
        token_ids,
        attention_mask=torch.ones_like(token_ids),
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=None,
    )


def bench_writing(dtype: torch.dtype, repeats: int) -> Figures:
    """Tokens a second of ours and of the peer."""
    folder = ModelStore().folder(LANGUAGE_MODEL)
    language_model = endless(LanguageModel.load(folder, dtype=dtype))
    peer = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    figures: Figures = {}
    for rows in BATCHES:
        ours, theirs = best_seconds(
            hearing_writer(language_model, rows),
            plain_writer(peer, language_model, rows),
            repeats=repeats,
        )
        figures[f"batch {rows}"] = {
            "tokens_per_second": round(rows * NEW_TOKENS / ours, 1),
            "transformers_tokens_per_second": round(rows * NEW_TOKENS / theirs, 1),
            "time_ratio": round(ours / theirs, 3),
        }
    return figures


def bench_tracks() -> Figures:
    """Seconds a track of the demo library, as the index hears and imagines it."""
    model = MusiScene.load(ModelStore())
    paths = sorted(immich_memories_music.tracks_dir().rglob("*.opus"))[:TRACKS]
    model.imagine([model.listen(paths[0])])
    start = time.perf_counter()
    listenings = [model.listen(path) for path in paths]
    heard = time.perf_counter()
    imagined = model.imagine(listenings)
    done = time.perf_counter()
    return {
        "tracks": len(paths),
        "segments": sum(map(len, imagined)),
        "listening_seconds_per_track": round((heard - start) / len(paths), 2),
        "imagining_seconds_per_track": round((done - heard) / len(paths), 2),
    }


def bench_paper(device: str) -> Figures:
    """The paper profile at true size: how many tracks an hour, and what of the card that takes.

    A track of three minutes in eight segments gets a description of each (64 tokens) and two scenes
    out of four candidates (36 tokens).
    """
    tokenizer = LanguageModel.load(ModelStore().folder(LANGUAGE_MODEL)).tokenizer
    encoder, model = build_paper(tokenizer, device=device, with_lora=False)
    writer = endless(model.language_model)
    waveform = np.random.default_rng(0).normal(0, 0.1, PAPER_TRACK_SECONDS * SAMPLE_RATE)
    edges = np.linspace(0, PAPER_TRACK_SECONDS, PAPER_SEGMENTS + 1)
    spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    features = encoder.encode(waveform.astype(np.float32), spans_seconds=spans)
    with torch.inference_mode():
        audio = model.hear(torch.from_numpy(features.segments))
    describe = Sampling(max_new_tokens=64, temperature=0.0, stop=())
    imagine = Sampling(max_new_tokens=36, temperature=0.6, stop=(), samples_per_prompt=4)
    rows = [""] * PAPER_SEGMENTS
    hearing, describing, imagining = best_seconds(
        lambda: encoder.encode(waveform.astype(np.float32), spans_seconds=spans),
        lambda: writer.complete(prompt(), rows, describe, audio=audio),
        lambda: writer.complete(prompt(), rows, imagine, audio=audio),
        repeats=3,
    )
    weights = sum(parameter.numel() for parameter in model.backbone.parameters())
    encoded = sum(parameter.numel() for parameter in encoder.model.parameters())
    frames = PAPER_TRACK_SECONDS * SAMPLE_RATE / 320
    return {
        "card": torch.cuda.get_device_name(),
        "hearing_seconds": round(hearing, 3),
        "describing_seconds": round(describing, 3),
        "imagining_seconds": round(imagining, 3),
        "tracks_per_hour": round(3600 / (hearing + describing + imagining)),
        "peak_gib": round(torch.cuda.max_memory_allocated() / (1 << 30), 2),
        "share_of_bandwidth_describing": round(
            64 * 2 * weights / describing / H100_BYTES_PER_SECOND, 3
        ),
        "share_of_flops_hearing": round(2 * encoded * frames / hearing / H100_FLOPS, 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    disable_progress_bar()  # type: ignore[no-untyped-call]
    figures: Figures = {
        "machine": describe_machine(),
        "threads": torch.get_num_threads(),
        "writing, bfloat16": bench_writing(torch.bfloat16, arguments.repeats),
        "writing, float32": bench_writing(torch.float32, arguments.repeats),
        "demo library": bench_tracks(),
        "peak_mib": round(peak_memory_bytes() / MIB),
    }
    if torch.cuda.is_available():
        figures["paper profile, random weights"] = bench_paper("cuda")
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for part, figure in rows:
            print(f"{name:<20}  {part:<28}  {figure}")


if __name__ == "__main__":
    main()
