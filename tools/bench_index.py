"""Measures how many tracks `musiscene index` takes in an hour, and where the time goes.

    python -m tools.bench_index ~/Music --picture docs/indexing-time.png

Two things in one run. The real command, in a process of its own, into an empty data folder: wall
time, CPU time and the memory of all its processes (PSS). And, with one thread in this process, the
CPU time of each stage beside its floor: decoding as it is, and the networks' bare forward passes on
as many patches, tokens and texts, in full batches. Everything is scaled to tracks of three minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import torch

from musiscene.audio.read import read_audio
from musiscene.checkpoints.store import ModelStore
from musiscene.encoders.log_mel import log_mel_spectrogram
from musiscene.encoders.musicnn import PATCH_FRAMES
from musiscene.encoders.patches import plan_patches
from musiscene.language_model.packed import PackedLlama
from musiscene.listen import SAMPLE_RATE
from musiscene.model import MusiScene
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musiscene.listen import Listening

TRACK_SECONDS = 180.0
BATCH_ROWS, PROMPT_TOKENS = 128, 40
PATCHES_AT_ONCE = 4
LOOK_SECONDS = 0.25
MIB = 1 << 20
STAGES = ("decode", "listen", "imagine", "embed")


class Stopwatch:
    """CPU seconds of this process by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Count what is done in it."""
        start = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - start


class Steps:
    """Counts what the language model reads and writes, while it does."""

    def __init__(self) -> None:
        self.tokens_read = self.rows_stepped = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count every packed model's work in it."""
        packed_class: Any = PackedLlama
        read, step = packed_class.read, packed_class.step

        def counting_read(packed: PackedLlama, prompts: Any, **options: Any) -> Any:  # noqa: ANN401
            self.tokens_read += sum(map(len, prompts))
            return read(packed, prompts, **options)

        def counting_step(packed: PackedLlama, rows: Any, token_ids: Any) -> None:  # noqa: ANN401
            self.rows_stepped += len(token_ids)
            step(packed, rows, token_ids)

        packed_class.read, packed_class.step = counting_read, counting_step
        try:
            yield
        finally:
            packed_class.read, packed_class.step = read, step


def bench_stages(paths: Sequence[Path]) -> tuple[dict[str, float], dict[str, float], float]:
    """Time every stage and its floor with one thread.

    Args:
        paths: Of the files that are heard.

    Returns:
        CPU seconds of each stage, of its floor, and the seconds of music that were heard.

    Raises:
        SystemExit: If the profile ranks no scenes.
    """
    torch.set_num_threads(1)
    model = MusiScene.load(ModelStore())
    embedder = model._writer.embedder  # noqa: SLF001
    if embedder is None:
        raise SystemExit("the profile has no text embedder")
    model.imagine([model.listen(paths[0])])
    ours, floor, steps = Stopwatch(), Stopwatch(), Steps()
    listenings, music_seconds = [], 0.0
    for path in paths:
        with ours.running("decode"):
            recording = read_audio(path, sample_rate=SAMPLE_RATE)
        with ours.running("listen"):
            listenings.append(model.listener.hear(recording))
        waveform, tagger = recording.waveform, model.listener._tagger  # noqa: SLF001
        music_seconds += len(waveform) / SAMPLE_RATE
        patch = log_mel_spectrogram(waveform, frame_count=PATCH_FRAMES)
        batch = patch[None].expand(PATCHES_AT_ONCE, -1, -1).contiguous()
        count = count_patches(waveform, listenings[-1])
        with floor.running("listen"), torch.inference_mode():
            for _ in range(0, count, PATCHES_AT_ONCE):
                for network in tagger.networks.values():
                    network(batch)
    floor.seconds["decode"] = ours.seconds["decode"]
    with ours.running("imagine"), steps.counted():
        imagined = model.imagine(listenings)
    texts = [
        text
        for track in imagined
        for segment in track
        for text in (segment.music_caption, *(scene.text for scene in segment.scene_captions))
    ]
    with ours.running("embed"):
        embedder.encode(texts)
    with floor.running("embed"):
        embedder.encode(texts)
    packed = PackedLlama(model._writer.language_model.model)  # noqa: SLF001
    prompts = [[1] * PROMPT_TOKENS] * (BATCH_ROWS // 8)
    with floor.running("imagine"):
        for _ in range(0, steps.tokens_read, len(prompts) * PROMPT_TOKENS):
            rows = packed.read(prompts, samples=BATCH_ROWS // len(prompts))
        tokens = torch.ones(BATCH_ROWS, dtype=torch.long)
        for _ in range(0, steps.rows_stepped, BATCH_ROWS):
            rows.written = 0
            packed.step(rows, tokens)
    return ours.seconds, floor.seconds, music_seconds


def count_patches(waveform: NDArray[np.float32], listening: Listening) -> int:
    """How many patches of a track the tagger was given."""
    segments = listening.segments
    spans = [(segment.start_seconds, segment.end_seconds) for segment in segments]
    plan = plan_patches(waveform, spans, [segment.title for segment in segments])
    return len(plan.starts_seconds)


def bench_command(folder: Path) -> dict[str, float]:
    """Run `musiscene index FOLDER` into an empty library.

    Args:
        folder: Of music.

    Returns:
        Wall and CPU seconds, peak memory of all its processes in MiB, and tracks indexed.

    Raises:
        SystemExit: If the command fails.
    """
    command = Path(sys.executable).with_name("musiscene")
    with tempfile.TemporaryDirectory() as data:
        start = time.perf_counter()
        before = _children_seconds()
        with subprocess.Popen(  # noqa: S603  our own command
            [command, "--data-dir", data, "index", folder, "--json"], stdout=subprocess.PIPE
        ) as process:
            stop, peak = Event(), [0]
            watcher = Thread(target=_watch, args=(process.pid, stop, peak))
            watcher.start()
            said, _ = process.communicate()
            stop.set()
            watcher.join()
        if process.returncode not in (0, 1):
            raise SystemExit(f"musiscene index ended with {process.returncode}")
    return {
        "wall_seconds": time.perf_counter() - start,
        "cpu_seconds": _children_seconds() - before,
        "peak_mib": peak[0] / MIB,
        "tracks": json.loads(said)["counts"]["tracks_indexed"],
    }


def _children_seconds() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid: int, stop: Event, peak: list[int]) -> None:
    while not stop.wait(LOOK_SECONDS):
        peak[0] = max(peak[0], sum(map(_pss_bytes, _tree(pid))))


def _tree(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text(encoding="ascii").split())
    return [pid, *(one for child in children for one in _tree(child))]


def _pss_bytes(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def draw(figures: dict[str, Any], path: Path) -> None:
    """Stacked bars of the stages and their floor, CPU seconds of a track."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 2.8), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(("ours", "floor")):
        left = 0.0
        for place, stage in enumerate(STAGES):
            width = figures["cpu_seconds_per_track"][name][stage]
            axes.barh(row, width, left=left, color=f"C{place}", label=None if row else stage)
            left += width
    axes.set_yticks([0, 1], ["musiscene", "decoding and bare networks"])
    axes.invert_yaxis()
    axes.set_xlabel("CPU seconds for three minutes of music")
    axes.legend(ncols=len(STAGES), loc="upper center", bbox_to_anchor=(0.5, 1.25))
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of music; all of it is indexed")
    parser.add_argument("--pattern", default="**/*.*", help="which files are timed by stage")
    parser.add_argument("--limit", type=int, default=12, help="so many of them")
    parser.add_argument("--stages-only", action="store_true", help="leave the command out")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    every = [path for path in sorted(arguments.folder.glob(arguments.pattern)) if path.is_file()]
    chosen = every[:: max(1, len(every) // arguments.limit)][: arguments.limit]
    ours, floor, music_seconds = bench_stages(chosen)
    tracks = music_seconds / TRACK_SECONDS
    figures: dict[str, Any] = {
        "machine": describe_machine(),
        "tracks_timed_by_stage": len(chosen),
        "cpu_seconds_per_track": {
            "ours": {stage: round(ours[stage] / tracks, 3) for stage in STAGES},
            "floor": {stage: round(floor[stage] / tracks, 3) for stage in STAGES},
        },
        "ratio_of_stages": round(sum(ours.values()) / sum(floor.values()), 3),
    }
    if not arguments.stages_only:
        with tempfile.TemporaryDirectory() as empty:
            startup = bench_command(Path(empty))
        whole = bench_command(arguments.folder)
        seconds = sum(_seconds(path) for path in every)
        working = whole["wall_seconds"] - startup["wall_seconds"]
        core_seconds = (whole["cpu_seconds"] - startup["cpu_seconds"]) / seconds * TRACK_SECONDS
        figures |= {
            "startup_seconds": round(startup["wall_seconds"], 2),
            "tracks_indexed": whole["tracks"],
            "minutes_of_music": round(seconds / 60, 1),
            "three_minute_tracks_per_hour": round(3600 * seconds / TRACK_SECONDS / working),
            "core_seconds_per_track": round(core_seconds, 3),
            "ratio_of_command": round(core_seconds / (sum(floor.values()) / tracks), 3),
            "peak_mib": round(whole["peak_mib"]),
        }
    if arguments.picture:
        draw(figures, arguments.picture)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, figure in figures.items():
        print(f"{name:<32}{figure}")


def _seconds(path: Path) -> float:
    from musiscene.audio.read import probe_audio
    from musiscene.errors import AudioError

    with suppress(AudioError):
        return probe_audio(path).duration_seconds
    return 0.0


if __name__ == "__main__":
    main()
