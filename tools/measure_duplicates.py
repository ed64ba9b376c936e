"""How well copies of a recording are known again, and whether anything else is taken for one.

    python -m tools.measure_duplicates copies DIR FILE...    # makes copies and versions; slow
    python -m tools.measure_duplicates tracks DIR FILE...    # fingerprints whole files
    python -m tools.measure_duplicates report DIR [--picture docs/duplicates.png]
    python -m tools.measure_duplicates scale [--tracks 100000]

`copies` and `tracks` leave fingerprints in DIR and go on where they were stopped. Every second file
of `copies` is for setting the limits, the others for reporting.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import numpy as np

from indexer.recordings.landmarks import LandmarkIndex
from musiscene.audio.fingerprint import Summary, compare, fingerprint, is_same_recording, summary_of
from musiscene.audio.read import read_audio
from musiscene.errors import AudioError
from tools.machine import describe_machine, peak_memory_bytes
from tools.made_pieces import Playing, near_things, play
from tools.recording_variants import PCM, alterations, copies, read_stereo, write_coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musiscene.audio.fingerprint import Likeness

PIECES = 6
RATE = 16_000


class Family(msgspec.Struct):
    """A recording, its copies (`+kind`) and what is not that recording (`-kind`)."""

    path: str
    original: bytes
    others: dict[str, bytes]


@click.group()
def main() -> None:
    """Measure the detection of duplicates."""


@main.command("copies")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def copies_command(folder: Path, files: tuple[Path, ...]) -> None:
    """Make copies and versions of each file's beginning, and keep their fingerprints."""
    for number, file in enumerate(files):
        target = folder / "copies" / f"{number:03d}.msgpack"
        if target.exists():
            continue
        waveform, other = read_stereo(file), read_stereo(files[number - 1])
        with tempfile.TemporaryDirectory() as made:
            base = Path(made) / "copy"
            original = _heard(write_coded(base, waveform, PCM))
            others = {
                f"+{kind}": _heard(write_coded(base, samples, coding))
                for kind, samples, coding in copies(waveform)
            }
            for kind, make in alterations(waveform, other).items():
                others[f"-{kind}"] = _heard(write_coded(base, make(), PCM))
        _keep(target, Family(str(file), original, others))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def tracks(folder: Path, files: tuple[Path, ...]) -> None:
    """Keep the fingerprints of whole files."""
    for file in files:
        target = folder / "tracks" / f"{hashlib.sha256(bytes(file.absolute())).hexdigest()[:16]}.fp"
        if target.exists():
            continue
        try:
            _keep(target, Family(str(file), _heard(file), {}))
        except AudioError as error:
            print(error)


@main.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--picture", type=click.Path(path_type=Path))
def report(folder: Path, picture: Path | None) -> None:
    """Say how many copies were known again, and what was merged wrongly."""
    print(describe_machine())
    families = [_kept(file) for file in sorted((folder / "copies").glob("*.msgpack"))]
    pieces = [_piece(seed) for seed in range(PIECES)]
    errors: dict[str, list[float]] = {}
    for name, part in (("limits", families[::2]), ("report", families[1::2]), ("made", pieces)):
        print(f"\n{name}: {len(part)} recordings")
        for kind, found in _by_kind(part).items():
            same = sum(is_same_recording(one) for one, _ in found)
            landmarks = sum(shared > 0 for _, shared in found)
            error = max if kind[0] == "+" else min
            print(
                f"  {kind:50} same {same:2} of {len(found):2}, landmark {landmarks:2}, "
                f"error {error(one.error for one, _ in found):.3f}, "
                f"worst {error(one.worst_error for one, _ in found):.3f}, "
                f"contradiction {error(one.contradiction for one, _ in found):.4f}"
            )
            group = "copies" if kind[0] == "+" else "versions"
            errors.setdefault(group, []).extend(one.error for one, _ in found)
    whole = [_kept(file) for file in sorted((folder / "tracks").glob("*.fp"))]
    errors["different tracks"] = _false_merges(whole)
    if picture is not None:
        _draw(errors, picture)


@main.command()
@click.option("--tracks", "count", default=100_000, show_default=True)
def scale(count: int) -> None:
    """Time and memory of finding candidates among made landmarks, a tenth of them copies."""
    draw = np.random.default_rng(0)
    summaries: list[Summary | None] = []
    for number in range(count):
        seconds = float(draw.uniform(60, 400))
        marks = draw.integers(1, 2**32, 64, dtype=np.uint32)
        if number % 10 == 9:
            before = summaries[number - 1]
            if before is not None:
                seconds = before.seconds
                marks[:8] = before.landmarks[:8]
        summaries.append(Summary(seconds, marks.tobytes()))
    start = time.process_time()
    index = LandmarkIndex(summaries)
    built = time.process_time()
    pairs = sum(1 for number in range(count) for _ in index.candidates(number))
    done = time.process_time()
    prints = [fingerprint(_noise(seed), sample_rate=8_000) for seed in range(2)]
    compared = time.process_time()
    for _ in range(100):
        compare(*prints)
    each = (time.process_time() - compared) / 100
    print(describe_machine())
    print(
        f"{count} tracks: index {built - start:.1f} s, candidates {done - built:.1f} s, "
        f"{pairs / 2:.0f} pairs, peak memory of the process "
        f"{peak_memory_bytes() / 1e6:.0f} MB; one comparison of 3 minutes {each:.4f} s"
    )


def _heard(file: Path) -> bytes:
    recording = read_audio(file, sample_rate=RATE)
    return fingerprint(recording.waveform, sample_rate=RATE)


def _noise(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, 180 * 8_000).astype(np.float32)


def _keep(target: Path, family: Family) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(msgspec.msgpack.encode(family))
    print(f"{target.name}: {family.path}", flush=True)


def _kept(file: Path) -> Family:
    return msgspec.msgpack.decode(file.read_bytes(), type=Family)


def _piece(seed: int) -> Family:
    """A made piece and other ways to play it."""
    others = {f"-{kind}": _played(seed, playing) for kind, playing in near_things(seed).items()}
    return Family(f"piece {seed}", _played(seed, Playing()), others)


def _played(seed: int, playing: Playing) -> bytes:
    return fingerprint(play(seed, playing).mean(axis=0), sample_rate=44_100)


def _by_kind(families: list[Family]) -> dict[str, list[tuple[Likeness, int]]]:
    """Kind -> likeness to the original and landmarks in common, one for each recording."""
    found: dict[str, list[tuple[Likeness, int]]] = {}
    for family in families:
        for kind, data in family.others.items():
            one, two = summary_of(family.original), summary_of(data)
            shared = 0
            if one is not None and two is not None:
                shared = len(np.intersect1d(one.landmarks, two.landmarks))
            found.setdefault(kind, []).append((compare(family.original, data), shared))
    return found


def _false_merges(whole: list[Family]) -> list[float]:
    """Print the pairs of files that count as one recording; returns the error of every pair."""
    errors = []
    print(f"\n{len(whole)} whole files, {len(whole) * (len(whole) - 1) // 2} pairs")
    for one, two in combinations(whole, 2):
        likeness = compare(one.original, two.original)
        errors.append(likeness.error)
        if is_same_recording(likeness):
            print(f"  same: {one.path} and {two.path}, error {likeness.error:.4f}")
    print(f"  least errors: {', '.join(f'{error:.3f}' for error in sorted(errors)[:12])}")
    return errors


def _draw(errors: dict[str, list[float]], picture: Path) -> None:
    import matplotlib.pyplot as plt

    from musiscene.audio.fingerprint import MAX_ERROR

    figure, axes = plt.subplots(figsize=(7, 3.2))
    for kind, values in errors.items():
        axes.hist(
            np.clip(values, 0, 0.6),
            bins=[step / 100 for step in range(61)],
            density=True,
            alpha=0.6,
            label=f"{kind} ({len(values)})",
        )
    axes.axvline(MAX_ERROR, color="black", linestyle="--", label=f"limit {MAX_ERROR}")
    axes.set(xlabel="share of strong signs that differ", ylabel="density", yscale="log")
    axes.legend()
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
