"""Contact sheets of made pieces: what they look like, with their sections and points."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from musiscene.generate.protocol import GeneratedMusic

SHEETS = {
    "calm-to-bright.png": (
        "an old cat asleep on a windowsill in the afternoon",
        "meditation by the sea, ambient",
        "jazz in a late bar",
        "children build a snowman, playful",
        "folk dance at a village wedding, 112 bpm",
    ),
    "tense-to-loud.png": (
        "explorers descend with torches into a deep cave, hit at 0:18",
        "a chase through the forest, quiet at 0:20",
        "a warrior swears revenge, epic orchestra, swell at 0:12, cut at 0:24",
        "a club at midnight, electronic dance",
        "mountain bikers race down a trail, rock",
    ),
}
LOWEST_HZ, HIGHEST_HZ, BANDS = 40.0, 12_000.0, 96
FRAME, HOP = 8192, 4096
FLOOR_DB = -60.0
COLOURS = 40
"""Few, so that a sheet takes less than 200 KB."""
LOUDNESS_SECONDS = 0.4


def draw_sheets(folder: Path, compose: Callable[[str, int], GeneratedMusic]) -> None:
    """Draw all contact sheets.

    Args:
        folder: For the pictures.
        compose: Makes a piece for a brief and a seed.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, briefs in SHEETS.items():
        heights = [3, 1] * len(briefs)
        figure, axes = plt.subplots(
            2 * len(briefs), 1, figsize=(7, 9.5), height_ratios=heights, layout="constrained"
        )
        for number, brief in enumerate(briefs):
            _draw(compose(brief, number + 1), brief, axes[2 * number : 2 * number + 2])
        axes[-1].set_xlabel("seconds")
        with io.BytesIO() as drawn:
            figure.savefig(drawn, dpi=100, format="png")
            picture = Image.open(drawn).convert("RGB").quantize(COLOURS)
        picture.save(folder / name, optimize=True)
        plt.close(figure)


def _draw(music: GeneratedMusic, brief: str, axes: Sequence[Axes]) -> None:
    spectrum, loudness = axes
    details, rate = music.provenance.details, music.sample_rate
    seconds = music.waveform.shape[1] / rate
    mono = music.waveform.mean(axis=0)
    spectrum.imshow(
        bands(mono, rate), origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        vmin=FLOOR_DB, vmax=0.0, extent=(0.0, seconds, 0.0, BANDS),
    )  # fmt: skip
    octaves = np.array([50, 200, 800, 3200])
    places = BANDS * np.log(octaves / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ)
    spectrum.set_yticks(places, [str(one) for one in octaves], fontsize=6)
    spectrum.set_xticks([])
    for section in details["form"]:
        spectrum.axvline(section["start_seconds"], color="white", linewidth=0.6)
        spectrum.text(
            section["start_seconds"] + 0.15, BANDS * 0.9, section["name"], color="white", fontsize=6
        )
    for hit in details["hits_met"]:
        for one in axes:
            one.axvline(hit["seconds"], color="cyan", linewidth=1.2, linestyle="--")
        spectrum.text(hit["seconds"] + 0.15, 3, hit["kind"], color="cyan", fontsize=7)
    title = f"{brief}: {details['ensemble']}, {details['tempo_bpm']:.0f} bpm, {details['key']}"
    spectrum.set_title(title, fontsize=8, loc="left")
    size = round(LOUDNESS_SECONDS * rate)
    power = np.square(mono[: mono.size // size * size]).reshape(-1, size).mean(axis=1)
    times = (np.arange(power.size) + 0.5) * LOUDNESS_SECONDS
    loudness.plot(times, 10 * np.log10(power + 1e-7), linewidth=1.0)
    loudness.set_xlim(0.0, seconds)
    loudness.set_ylim(-60, 0)
    loudness.tick_params(labelsize=6)
    loudness.set_ylabel("dB", fontsize=6)


def bands(mono: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """A spectrogram whose bands are equally wide to the ear.

    Args:
        mono: Shape (samples,).
        rate: In Hz.

    Returns:
        Decibels below the loudest, shape (`BANDS`, frames).
    """
    window = np.hanning(FRAME)
    frames = np.lib.stride_tricks.sliding_window_view(mono, FRAME)[::HOP] * window
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2  # (frames, bins)
    wanted = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1)
    edges = np.searchsorted(np.fft.rfftfreq(FRAME, 1 / rate), wanted)
    rows = [
        power[:, low : max(low + 1, high)].mean(axis=1) for low, high in pairwise(edges.tolist())
    ]
    level = 10 * np.log10(np.array(rows) + 1e-12)
    below: NDArray[np.float64] = level - level.max()
    return below
