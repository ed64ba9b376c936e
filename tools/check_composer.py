"""Let the composer make music for 200 briefs, and hear whether it is what it set out to be.

    python -m tools.check_composer [--limit N] [--json] [--data DIR]
    python -m tools.check_composer --pictures docs/composer

The briefs are those of the demo libraries and of MusicCaps' training rows under `--data`; without
them, moods times genres. What is heard is measured by the ears that listen to a library.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.console import Console
from musiscene.generate.aims import MusicAims
from musiscene.generate.backends import load_backend
from musiscene.generate.check import AROUSAL_TOLERANCE, TEMPO_TOLERANCE, HeardTake, heard_take
from musiscene.generate.files import write_music
from musiscene.generate.mastering import true_peak
from musiscene.generate.protocol import MusicRequest
from musiscene.model import load_listener
from musiscene.profiles import store_for
from musiscene.scene_reader import SCENE_READER_MODEL
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.generate.protocol import GeneratedMusic, MusicGenerator
    from musiscene.listen import Listener

BRIEFS = 200
SECONDS = 30.0
OCTAVES = (1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3)
"""What counts as the same tempo for those who count twice as fast, or in threes."""
FRAME_SECONDS, SILENT_DB = 0.1, -60.0
MOODS = ("calm", "joyful", "sad", "tense", "epic", "romantic", "dark", "playful", "angry", "dreamy")
GENRES = ("piano", "orchestra", "jazz", "folk", "rock", "electronic", "ambient", "strings")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One piece, as it was meant and as it is."""

    brief: str
    ensemble: str
    aims: MusicAims
    """Of the plan."""
    wished_arousal: float
    """Of the brief; some ensembles cannot be so calm or excited."""
    heard: HeardTake
    cpu_seconds: float
    """For composing and rendering."""
    lufs: float
    true_peak_db: float
    clipped: int
    silence_seconds: float
    """Longest."""
    length_error: int
    """In samples."""


def read_briefs(data: Path, count: int) -> tuple[list[str], str]:
    """The briefs, and where they come from.

    Args:
        data: Folder that may have `scenes` and `musiccaps`.
        count: How many.

    Returns:
        The briefs in a fixed order in which both sources take turns, and their source in words.
    """
    scenes = [
        str(json.loads(line)["brief"])
        for path in sorted(data.glob("scenes/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    rows = data / "musiccaps" / "train.jsonl"
    if not scenes or not rows.exists():
        made = [f"{mood} {genre}" for mood in MOODS for genre in GENRES]
        return [made[number % len(made)] for number in range(count)], "moods x genres"
    spoken = [json.loads(line)["scene"] for line in rows.read_text(encoding="utf-8").splitlines()]
    spoken = [one for one in spoken if one]
    random = np.random.default_rng(0)
    wanted = BRIEFS - len(scenes)
    chosen = [spoken[number] for number in random.choice(len(spoken), wanted, replace=False)]
    mixed = [(scenes + chosen)[number] for number in random.permutation(BRIEFS)]
    return mixed[:count], f"{len(scenes)} of demo libraries, {wanted} scenes of MusicCaps train"


def check(
    brief: str, seed: int, composer: MusicGenerator, listener: Listener, folder: Path
) -> Made:
    """Make one piece and hear it.

    Args:
        brief: What is seen.
        seed: Of the piece.
        composer: Makes it.
        listener: Hears it.
        folder: For a file.

    Returns:
        What it is.
    """
    start = time.process_time()
    music = compose(brief, seed, composer)
    cpu = time.process_time() - start
    path = folder / "piece.flac"
    write_music(music, path, title="piece")
    heard = heard_take(listener.hear(listener.read(path)))
    wave, rate = music.waveform, music.sample_rate
    meter = LoudnessMeter(sample_rate=rate, weights=[1.0] * len(wave))
    meter.add(wave)
    return Made(
        brief=brief,
        ensemble=music.provenance.details["ensemble"],
        aims=music.provenance.aims or MusicAims(),
        wished_arousal=music.provenance.details["wished_arousal"],
        heard=heard,
        cpu_seconds=cpu,
        lufs=integrated_lufs(meter.block_powers()) or -np.inf,
        true_peak_db=20 * float(np.log10(true_peak(wave))),
        clipped=int((np.abs(wave) >= 1.0).sum()),
        silence_seconds=longest_silence(wave, rate),
        length_error=abs(wave.shape[1] - round(SECONDS * rate)),
    )


def compose(brief: str, seed: int, composer: MusicGenerator) -> GeneratedMusic:
    """Make one piece of `SECONDS`."""
    request = MusicRequest(prompt=brief, seconds=SECONDS, seed=seed)
    return composer.generate(request, progress=lambda _stage, _share: None, stop=Event())


def longest_silence(wave: NDArray[np.float32], rate: int) -> float:
    """The longest stretch below `SILENT_DB`, in seconds."""
    frame = round(FRAME_SECONDS * rate)
    power = np.square(wave).mean(axis=0)[: wave.shape[1] // frame * frame].reshape(-1, frame)
    longest = run = 0
    for is_silent in 10 * np.log10(power.mean(axis=1) + 1e-12) < SILENT_DB:
        run = run + 1 if is_silent else 0
        longest = max(longest, run)
    return longest * FRAME_SECONDS


def agreement(pieces: Sequence[Made], aims: Sequence[MusicAims]) -> dict[str, float]:
    """How often what is heard is what was aimed at.

    Args:
        pieces: As heard.
        aims: One for each.

    Returns:
        Shares, and the rank correlation of arousal.
    """
    from scipy.stats import spearmanr

    heard = np.array([one.heard.tempo_bpm for one in pieces])
    meant = np.array([one.tempo_bpm or np.nan for one in aims])
    near = [np.abs(heard * factor / meant - 1.0) <= TEMPO_TOLERANCE for factor in OCTAVES]
    arousal = np.array([one.heard.arousal for one in pieces])
    wanted = np.array([one.arousal for one in aims], dtype=float)
    modes = [one.heard.mode == aim.mode for one, aim in zip(pieces, aims, strict=True)]
    return {
        "tempo": float((np.abs(heard / meant - 1.0) <= TEMPO_TOLERANCE).mean()),
        "tempo_or_octave": float(np.any(near, axis=0).mean()),
        "mode": float(np.mean(modes)),
        "arousal": float((np.abs(arousal - wanted) <= AROUSAL_TOLERANCE).mean()),
        "arousal_rank": float(spearmanr(arousal, wanted).statistic) if len(pieces) > 1 else 0.0,
        "arousal_bias": float((arousal - wanted).mean()),
    }


def report(pieces: Sequence[Made]) -> dict[str, Any]:
    """All figures.

    Args:
        pieces: As heard.

    Returns:
        By name.
    """
    order = np.random.default_rng(1).permutation(len(pieces))
    ensembles: dict[str, Any] = {}
    for name in sorted({one.ensemble for one in pieces}):
        own = [one for one in pieces if one.ensemble == name]
        ensembles[name] = {"pieces": len(own), **agreement(own, [one.aims for one in own])}
    return {
        "pieces": len(pieces),
        "agreement": agreement(pieces, [one.aims for one in pieces]),
        "brief": agreement(
            pieces,
            [msgspec.structs.replace(one.aims, arousal=one.wished_arousal) for one in pieces],
        ),
        "control": agreement(pieces, [pieces[number].aims for number in order]),
        "ensembles": ensembles,
        "lufs": [min(one.lufs for one in pieces), max(one.lufs for one in pieces)],
        "true_peak_db": max(one.true_peak_db for one in pieces),
        "clipped_samples": sum(one.clipped for one in pieces),
        "silence_seconds": max(one.silence_seconds for one in pieces),
        "length_error_samples": max(one.length_error for one in pieces),
        "cpu_seconds": {
            "median": float(np.median([one.cpu_seconds for one in pieces])),
            "largest": max(one.cpu_seconds for one in pieces),
        },
    }


def show(figures: dict[str, Any]) -> None:
    """Print the tables.

    Args:
        figures: From `report`.
    """
    columns = ("tempo", "tempo_or_octave", "mode", "arousal", "arousal_rank", "arousal_bias")
    print("| | pieces | tempo | or octave | mode | arousal | its rank | its bias |")
    print("|---|---|---|---|---|---|---|---|")
    rows = {
        "all": {"pieces": figures["pieces"], **figures["agreement"]},
        "arousal of the brief": {"pieces": figures["pieces"], **figures["brief"]},
        "aims shuffled": {"pieces": figures["pieces"], **figures["control"]},
        **figures["ensembles"],
    }
    for name, row in rows.items():
        values = " | ".join(f"{row[column]:.2f}" for column in columns)
        print(f"| {name} | {row['pieces']} | {values} |")
    low, high = figures["lufs"]
    cpu = figures["cpu_seconds"]
    print(f"\nloudness {low:.2f} to {high:.2f} LUFS, true peak {figures['true_peak_db']:.2f} dBTP,")
    print(f"clipped samples {figures['clipped_samples']}, longest silence")
    print(f"{figures['silence_seconds']:.1f} s, length error {figures['length_error_samples']}")
    print(
        f"samples, CPU for {SECONDS:g} s: median {cpu['median']:.2f} s, most {cpu['largest']:.2f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--limit", type=int, default=BRIEFS, help="briefs (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="briefs' folder")
    parser.add_argument("--json", action="store_true", help="all figures and pieces")
    parser.add_argument(
        "--pictures", type=Path, help="draw contact sheets into this folder instead"
    )
    options = parser.parse_args(arguments)
    store = store_for("tiny", Console(), also=[SCENE_READER_MODEL])
    composer = load_backend("composer", store)
    if options.pictures:
        from tools.composer_pictures import draw_sheets

        draw_sheets(options.pictures, lambda brief, seed: compose(brief, seed, composer))
        return 0
    listener = load_listener(store)
    briefs, source = read_briefs(options.data, options.limit)
    pieces: list[Made] = []
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="check-composer-") as folder,
        suppress(KeyboardInterrupt),  # what was heard so far counts
    ):
        for number, brief in enumerate(briefs):
            pieces.append(check(brief, number, composer, listener, Path(folder)))
            rate = len(pieces) / (time.perf_counter() - start)
            left = (len(briefs) - len(pieces)) / rate
            line = f"{len(pieces)}/{len(briefs)}, {60 * rate:.0f} a minute, {left:.0f} s left"
            print(line, end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    figures = {"machine": describe_machine(), "briefs": source, **report(pieces)}
    if options.json:
        print(msgspec.json.format(msgspec.json.encode({**figures, "made": pieces})).decode())
    else:
        print(f"{figures['machine']}; briefs: {source}\n")
        show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
