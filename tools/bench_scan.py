"""Times a look at a library in which nothing has changed, beside the file system's own floor.

Makes so many small files and a catalogue that knows them all, then walks and scans them. Nothing is
heard: what is timed is what a large library costs before its first changed file.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert

from indexer.catalogue.database import open_database, write_session
from indexer.catalogue.models import Track, new_id, utc_now
from indexer.engines.local import LocalEngine
from indexer.library import Library
from indexer.pipeline import scan
from indexer.progress import ScanProgress
from indexer.walk import Walk
from musiscene.checkpoints.store import ModelStore
from musiscene.writer import model_versions
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.writer import ModelVersions

FILES_A_FOLDER = 100
ROWS_AT_ONCE = 5_000
AIM_SECONDS = 30.0


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--picture", type=Path, help="PNG to draw into")
    asked = parser.parse_args()
    store = ModelStore()
    versions = model_versions(store)
    with tempfile.TemporaryDirectory() as folder:
        music, data = Path(folder, "music"), Path(folder, "data")
        make_files(music, asked.files)
        with Library.open(data, store, create=True) as library:
            know_files(data, music, versions)
            seconds = {
                "list and stat (floor)": timed(lambda: list_and_stat(str(music))),
                "walk": timed(lambda: sum(1 for _ in Walk([music]).files())),
                "scan, nothing changed": timed(lambda: scan_again(library, music, versions)),
            }
        seconds["musiscene index (whole command)"] = timed(lambda: run_command(data, music))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    floor = seconds["list and stat (floor)"]
    print(describe_machine())
    print(f"{asked.files} files in folders of {FILES_A_FOLDER}; warm cache, shortest of three")
    for name, value in seconds.items():
        print(f"{name:<34}{value:8.2f} s  {value / floor:6.1f} x floor")
    print(f"peak memory of the command: {peak:.2f} GiB; aim: under {AIM_SECONDS:.0f} s")
    if asked.picture:
        draw(seconds, asked.files, asked.picture)


def make_files(folder: Path, count: int) -> None:
    """So many files of a few bytes, their names in several scripts."""
    for number in range(count):
        if number % FILES_A_FOLDER == 0:
            album = folder / f"artist {number // 1000:04d}" / f"альбом {number // 100:05d}"
            album.mkdir(parents=True)
        (album / f"{number % 100:02d} 曲.flac").write_bytes(b"fLaC%d" % number)


def know_files(data: Path, folder: Path, versions: ModelVersions) -> None:
    """Give the catalogue a track for each file, as a scan would have left it."""
    rows = [
        {
            "id": (track_id := new_id()),
            "recording_id": track_id,
            "path": file.path,
            "size_bytes": file.size_bytes,
            "modified_ns": file.modified_ns,
            "audio_hash": f"{number:064x}",
            "status": "ready",
            "added_at": utc_now(),
            "listening_version": versions.listening,
            "model_version": versions.writing,
            "codec": "flac",
            "duration_seconds": 180.0,
            "sample_rate": 44_100,
            "channels": 2,
            "bpm": 120.0,
            "bpm_confidence": 0.5,
            "key": "C:major",
            "key_confidence": 0.5,
            "vocal_probability": 0.1,
            "vocal_confidence": 0.5,
            "valence": 0.0,
            "arousal": 0.0,
            "energy_curve": b"",
            "generated": False,
        }
        for number, file in enumerate(Walk([folder]).files())
    ]
    engine = open_database(data / "catalogue.sqlite")
    with write_session(engine) as session:
        for first in range(0, len(rows), ROWS_AT_ONCE):
            session.execute(insert(Track), rows[first : first + ROWS_AT_ONCE])
    engine.dispose()


def list_and_stat(folder: str) -> int:
    """What the file system alone takes: every name, and every file looked at once."""
    count = 0
    for place, _, names in os.walk(folder):
        for name in names:
            count += os.stat(f"{place}/{name}").st_size > 0  # noqa: PTH116  the floor
    return count


def scan_again(library: Library, folder: Path, versions: ModelVersions) -> None:
    """Scan inside this process, without a model.

    Args:
        library: That knows every file.
        folder: The files.
        versions: That the library was made by.

    Raises:
        RuntimeError: If it finds something to do.
    """

    def no_model() -> None:
        raise RuntimeError("a file has changed")

    engine = LocalEngine(no_model, Path(folder.parent, "spool"))  # type: ignore[arg-type]  # never called
    report = scan(
        [folder],
        library=library,
        engine=engine,
        versions=versions,
        progress=ScanProgress(),
        stop=threading.Event(),
    )
    if report.did_something:
        raise RuntimeError(f"the scan found something to do: {report.counts}")


def run_command(data: Path, music: Path) -> None:
    """The command as a person types it, start of the interpreter and all."""
    command = [sys.executable, "-m", "service.cli", "--data-dir", str(data), "index", str(music)]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def timed(action: Callable[[], object], *, repeats: int = 3) -> float:
    """The shortest wall time of a few runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def draw(seconds: dict[str, float], files: int, path: Path) -> None:
    """Bars of the seconds, and the aim."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    axes = figure.add_subplot()
    names = list(seconds)[::-1]
    bars = axes.barh(names, [seconds[name] for name in names], color="#4878a8")
    axes.bar_label(bars, fmt="%.1f s", padding=3)
    axes.set_xlabel(f"seconds for {files:,} files, nothing changed (aim: {AIM_SECONDS:.0f} s)")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
