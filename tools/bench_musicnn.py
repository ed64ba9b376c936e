"""Measures how fast both MusiCNN networks hear a track, beside what the processor can multiply.

    python -m tools.bench_musicnn --threads 2

The floor is a plain matrix product of as many multiply-adds, in the same run. `computed` counts the
filters that vary, `nominal` all that the architecture has.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch

from musiscene.checkpoints.store import ModelStore
from musiscene.encoders.log_mel import N_MELS, SAMPLE_RATE
from musiscene.encoders.musicnn import PATCH_FRAMES, FilterBank, MusicnnTagger, load_musicnn
from tools.machine import best_seconds, describe_machine

MATRIX_SIZE = 1024


def count_multiply_adds(tagger: MusicnnTagger) -> tuple[int, int]:
    """Return the multiply-adds of one patch in both networks' convolutions: computed, nominal."""
    computed = nominal = 0
    for network in tagger.networks.values():
        for bank in network.modules():
            if isinstance(bank, FilterBank):
                bands = N_MELS if bank in network.front else 1
                positions = PATCH_FRAMES * (bands - bank.kernel.shape[3] + 1)
                computed += positions * bank.kernel.numel()
                nominal += positions * len(bank.constant) * bank.kernel[0].numel()
    return computed, nominal


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="of the model; default: the model store's")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the track")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tagger = load_musicnn(arguments.folder or ModelStore().folder("musicnn"))
    samples = np.random.default_rng(0).normal(0, 0.1, round(arguments.seconds * SAMPLE_RATE))
    waveform = samples.astype(np.float32)
    patch_count = len(tagger.listen(waveform).starts_seconds)
    [heard_seconds] = best_seconds(
        lambda: tagger.listen(waveform, batch_size=arguments.batch_size), repeats=arguments.repeats
    )
    matrix = torch.rand(MATRIX_SIZE, MATRIX_SIZE)
    [product_seconds] = best_seconds(lambda: matrix @ matrix, repeats=5 * arguments.repeats)
    floor_rate = MATRIX_SIZE**3 / product_seconds
    computed, nominal = (patch_count * each for each in count_multiply_adds(tagger))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"machine   {describe_machine()}, {arguments.threads} threads, "
        f"load {load:.1f}, torch {torch.__version__}\n"
        f"track     {arguments.seconds:g} s, {patch_count} patches, both networks\n"
        f"time      {heard_seconds:.3f} s, {patch_count / heard_seconds:.1f} patches/s, "
        f"{arguments.seconds / heard_seconds:.0f} times as fast as it plays\n"
        f"nominal   {nominal / 1e9:.1f} G multiply-adds, "
        f"{2e-9 * nominal / heard_seconds:.0f} GFLOP/s\n"
        f"computed  {computed / 1e9:.1f} G multiply-adds, "
        f"{2e-9 * computed / heard_seconds:.0f} GFLOP/s\n"
        f"floor     {computed / floor_rate:.3f} s at {2e-9 * floor_rate:.0f} GFLOP/s; "
        f"ratio {heard_seconds * floor_rate / computed:.2f}"
    )


if __name__ == "__main__":
    main()
