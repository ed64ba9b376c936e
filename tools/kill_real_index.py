"""Kill `musiscene index` with its real models at random moments, and count what is lost or wrong.

    python -m tools.kill_real_index FOLDER --kills 20 --seed 0

Every few kills the scan is let run to its end and compared with one that nobody disturbed. For many
kills see `tools/kill_index.py`, which needs no models.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

KILLS_BETWEEN_ENDS = 5
TRACKS = """
SELECT track.path, track.audio_hash, track.status, count(caption.id),
       group_concat(caption.text, ' / ')
FROM track LEFT JOIN (SELECT * FROM caption ORDER BY id) AS caption ON caption.track_id = track.id
GROUP BY track.id ORDER BY track.path
"""


class State(NamedTuple):
    """What a catalogue holds."""

    ids: set[str]
    tracks: list[tuple[str, str, str, int, str]]
    is_whole: bool


def look(data_dir: Path) -> State:
    """What is in a library; nothing in one that was killed before it was made."""
    file = data_dir / "catalogue.sqlite"
    if not file.exists():
        return State(set(), [], is_whole=True)
    with sqlite3.connect(file) as connection:
        is_whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if (
            connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'track'").fetchone()
            is None
        ):
            return State(set(), [], is_whole)
        ids = {row[0] for row in connection.execute("SELECT id FROM track")}
        tracks = connection.execute(TRACKS).fetchall()
    return State(ids, tracks, is_whole and all(track[3] > 0 for track in tracks))


def start(music: Path, data_dir: Path) -> subprocess.Popen[bytes]:
    """Begin a scan, in a process group of its own."""
    command = [sys.executable, "-m", "service.cli", "--data-dir", str(data_dir), "index"]
    return subprocess.Popen(  # noqa: S603  our own command
        [*command, str(music), "--quiet"], stdout=subprocess.DEVNULL, process_group=0
    )


def processes_of(group: int) -> list[int]:
    """Processes of a group that are still running."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def main() -> int:
    """Kill, look, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("music", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311
    lost = wrong = orphans = ends = 0
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        started = time.monotonic()
        assert_ended(start(arguments.music, Path(folder) / "undisturbed"))
        seconds = time.monotonic() - started
        expected = look(Path(folder) / "undisturbed").tracks
        for number in range(1, arguments.kills + 1):
            before = look(data_dir)
            process = start(arguments.music, data_dir)
            time.sleep(chance.uniform(0.1, 0.95) * seconds)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(1.0)
            orphans += len(processes_of(process.pid))
            after = look(data_dir)
            lost += len(before.ids - after.ids)
            wrong += not after.is_whole
            kept.append(len(after.ids))
            if number % KILLS_BETWEEN_ENDS == 0:
                assert_ended(start(arguments.music, data_dir))
                end = look(data_dir)
                lost += len(after.ids - end.ids)
                wrong += [track[:4] for track in end.tracks] != [track[:4] for track in expected]
                same = sum(a[4] == b[4] for a, b in zip(end.tracks, expected, strict=True))
                print(f"{same} of {len(expected)} tracks with the very same captions")
                ends += 1
                shutil.rmtree(data_dir)
    print(f"{arguments.kills} kills, {ends} scans let end, {lost} tracks lost, {wrong} wrong")
    print(f"{orphans} processes left behind; tracks stored at each kill: {kept}")
    print(f"an undisturbed scan of {len(expected)} tracks takes {seconds:.0f} s")
    return 1 if lost or wrong or orphans else 0


def assert_ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a scan that must end well."""
    if process.wait() != 0:
        sys.exit(f"a scan ended with exit code {process.returncode}")


if __name__ == "__main__":
    sys.exit(main())
