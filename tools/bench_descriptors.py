"""Compare tempo and key with librosa's defaults on music whose tempo and key are known.

    python -m tools.bench_descriptors.py [--limit N] [--json]

The music is the library of the extra `demo`, with the labels of its licence file; nothing was
trained on it. Exit status 1 only on an error.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from musiscene.audio.key import TONICS, estimate_key
from musiscene.audio.tempo import estimate_tempo
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

RATE = 16_000
LIBROSA_RATE = 22_050  # its default
TEMPO_TOLERANCE = 0.04
OCTAVES = (1 / 3, 1 / 2, 1, 2, 3)  # MIREX accuracy 2
RELIABILITY_EDGES = (0.0, 0.4, 0.6, 0.8, 1.01)
_FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
_LABEL = re.compile(r"^\s+(\S+\.opus)\s+(\d+) bpm\s+([A-G][b#]?) (major|minor)", re.MULTILINE)


class Reference(NamedTuple):
    """One piece: its sound, and what is true of it."""

    name: str
    waveform: NDArray[np.float32]
    """At `RATE`, as this project hears it."""
    librosa_waveform: NDArray[np.float32]
    """At `LIBROSA_RATE`."""
    bpm: float
    key: str


class Answer(NamedTuple):
    """What one method says about one piece."""

    bpm: float
    bpm_confidence: float
    key: str
    key_confidence: float
    seconds: float


def demo_library(limit: int | None) -> Iterator[Reference]:
    """Read the demo library to mono.

    Args:
        limit: How many tracks to read; None for all.

    Yields:
        The tracks with their true tempo and key.

    Raises:
        SystemExit: If the library is not installed.
    """
    import librosa

    spec = importlib.util.find_spec("immich_memories_music")
    if spec is None or spec.origin is None:
        raise SystemExit("the demo library is not installed: pip install 'musiscene[demo]'")
    package = Path(spec.origin).parent
    licence = next(package.parent.glob("immich_memories_music-*.dist-info/licenses/LICENSE-MUSIC"))
    labels = {name: rest for name, *rest in _LABEL.findall(licence.read_text())}
    for path in sorted((package / "tracks").rglob("*.opus"))[:limit]:
        bpm, tonic, mode = labels[path.name]
        waveform, _ = librosa.load(path, sr=RATE, mono=True)
        for_librosa, _ = librosa.load(path, sr=LIBROSA_RATE, mono=True)
        key = f"{_FLATS.get(tonic, tonic)}:{mode}"
        yield Reference(path.name, waveform, for_librosa, float(bpm), key)


def ours(reference: Reference) -> Answer:
    """Ask this project's estimators."""
    waveform = reference.waveform
    started = time.perf_counter()
    tempo = estimate_tempo(waveform, sample_rate=RATE)
    key = estimate_key(waveform, sample_rate=RATE)
    seconds = time.perf_counter() - started
    return Answer(tempo.bpm, tempo.confidence, key.name, key.confidence, seconds)


def librosa_defaults(reference: Reference) -> Answer:
    """Ask librosa: `feature.tempo`, and mean CQT chroma against Krumhansl's profiles."""
    import librosa

    waveform = reference.librosa_waveform
    started = time.perf_counter()
    bpm = float(librosa.feature.tempo(y=waveform, sr=LIBROSA_RATE)[0])
    chroma = librosa.feature.chroma_cqt(y=waveform, sr=LIBROSA_RATE).mean(axis=1)
    profiles = {
        "major": [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        "minor": [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    }
    scores = {
        f"{TONICS[tonic]}:{mode}": float(np.corrcoef(chroma, np.roll(profile, tonic))[0, 1])
        for mode, profile in profiles.items()
        for tonic in range(12)
    }
    key = max(scores, key=lambda name: scores[name])
    return Answer(bpm, 0.0, key, 0.0, time.perf_counter() - started)


def is_tempo_right(reference_bpm: float, estimated_bpm: float) -> bool:
    """Whether a tempo lies within 4 % of the reference."""
    return abs(estimated_bpm / reference_bpm - 1) <= TEMPO_TOLERANCE


def mirex_key_score(reference_key: str, estimated_key: str) -> float:
    """Score a key as MIREX does: 1 same, 0.5 fifth, 0.3 relative, 0.2 parallel, else 0."""
    (reference, reference_mode), (estimated, estimated_mode) = (
        (TONICS.index(key.split(":")[0]), key.split(":")[1])
        for key in (reference_key, estimated_key)
    )
    interval = (estimated - reference) % 12
    if reference_mode == estimated_mode:
        return {0: 1.0, 7: 0.5, 5: 0.5}.get(interval, 0.0)
    relative = 9 if reference_mode == "major" else 3
    return {0: 0.2, relative: 0.3}.get(interval, 0.0)


def score(references: Sequence[Reference], answers: Sequence[Answer]) -> dict[str, list[float]]:
    """Measure every metric of every piece; one value a piece."""
    pairs = list(zip(references, answers, strict=True))
    return {
        "tempo within 4 %": [float(is_tempo_right(r.bpm, a.bpm)) for r, a in pairs],
        "tempo, octaves allowed": [
            float(any(is_tempo_right(r.bpm * octave, a.bpm) for octave in OCTAVES))
            for r, a in pairs
        ],
        "key exact": [float(r.key == a.key) for r, a in pairs],
        "key, MIREX weighted": [mirex_key_score(r.key, a.key) for r, a in pairs],
        "seconds a track": [a.seconds for _, a in pairs],
    }


def summarise(values: Sequence[float]) -> dict[str, float]:
    """Mean and bootstrap 95 % interval (2000 resamples, seeded)."""
    sample = np.array(values)
    rng = np.random.default_rng(0)
    means = sample[rng.integers(len(sample), size=(2000, len(sample)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"mean": float(sample.mean()), "low": float(low), "high": float(high)}


def reliability(confidences: Sequence[float], hits: Sequence[float]) -> list[dict[str, Any]]:
    """How often answers of each confidence are right."""
    sure, right = np.array(confidences), np.array(hits)
    rows = []
    for low, high in pairwise(RELIABILITY_EDGES):
        chosen = (sure >= low) & (sure < high)
        if chosen.any():
            rows.append(
                {
                    "confidence": f"{low:.1f}-{min(high, 1.0):.1f}",
                    "tracks": int(chosen.sum()),
                    "mean_confidence": float(sure[chosen].mean()),
                    "right": float(right[chosen].mean()),
                }
            )
    return rows


def measure(references: Sequence[Reference]) -> dict[str, Any]:
    """Run both methods over a set and summarise them."""
    methods: dict[str, Callable[[Reference], Answer]] = {
        "musiscene": ours,
        "librosa": librosa_defaults,
    }
    for method in methods.values():
        method(references[0])  # imports and compilation are not what is timed
    report: dict[str, Any] = {"machine": describe_machine(), "metrics": {}}
    for name, method in methods.items():
        answers = [method(reference) for reference in references]
        scores = score(references, answers)
        report["metrics"][name] = {metric: summarise(values) for metric, values in scores.items()}
        if name == "musiscene":
            report["reliability"] = {
                "tempo": reliability(
                    [a.bpm_confidence for a in answers], scores["tempo within 4 %"]
                ),
                "key": reliability([a.key_confidence for a in answers], scores["key exact"]),
            }
            report["tracks"] = [
                {"name": r.name, "bpm": [r.bpm, a.bpm, a.bpm_confidence],
                 "key": [r.key, a.key, a.key_confidence]}
                for r, a in zip(references, answers, strict=True)
            ]  # fmt: skip
    return report


def print_report(title: str, report: dict[str, Any]) -> None:
    """Print the figures as tables."""
    print(f"{title}: {len(report['tracks'])} tracks, {report['machine']}\n")
    print(f"{'':24}" + "".join(f"{name:>26}" for name in report["metrics"]))
    for metric in report["metrics"]["musiscene"]:
        cells = [report["metrics"][name][metric] for name in report["metrics"]]
        texts = [f"{c['mean']:.3f} [{c['low']:.3f}, {c['high']:.3f}]" for c in cells]
        print(f"{metric:24}" + "".join(f"{text:>26}" for text in texts))
    for what, rows in report["reliability"].items():
        print(f"\n{what}: confidence, tracks, mean confidence, share right")
        for row in rows:
            print(
                f"  {row['confidence']}  {row['tracks']:4d}  {row['mean_confidence']:.2f}"
                f"  {row['right']:.2f}"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--limit", type=int, help="only the first N tracks")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args(argv)
    report = measure(list(demo_library(arguments.limit)))
    if arguments.json:
        print(msgspec.json.encode(report).decode())
    else:
        print_report("demo", report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
