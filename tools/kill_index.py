"""Kill scans of a library again and again, and count what is lost or wrong afterwards.

    python -m tools.kill_index --kills 600 --seed 0

Each round makes a library of small files (`tests.support.small_music`: no models), changes its
files and kills the scan that follows, once or several times: by SIGKILL at one of the points before
and after every commit, rename, removal and fsync, or at a random moment. Then it scans to the end
and compares with a scan of the same library that nobody disturbed. The processes are real; only the
models are missing.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.support.faults import fault_points
from tests.support.library_rules import TrackRow, check_vectors, check_whole, rows
from tests.support.small_music import (
    BROKEN,
    SmallEngine,
    Versions,
    empty_catalogue,
    open_library,
    read,
    scan_small,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = 12
KILLS_IN_A_ROW = (1, 2, 4, 8)
AT_RANDOM_MOMENTS = 0.5
"""Share of the kills; the others come at a point."""
TOO_LATE = "came too late"


class Round(NamedTuple):
    """One library and its files, at a place of its own."""

    base: Path
    like: Path
    versions: Versions
    seed: int

    def scan(self) -> None:
        """To the end."""
        with open_library(self.base / "data", self.versions, like=self.like) as library:
            scan_small(library, self.base / "music", engine=SmallEngine(self.versions, seed=1))

    def tracks(self) -> dict[str, TrackRow]:
        """What the catalogue holds; whole, or an `AssertionError` says what is not."""
        with open_library(self.base / "data", self.versions, like=self.like) as library:
            found = rows(library)
            check_whole(found)
        return found

    def finished(self) -> dict[str, TrackRow]:
        """The same after a scan that ended, with its vectors."""
        with open_library(self.base / "data", self.versions, like=self.like) as library:
            found = rows(library)
            check_whole(found)
            check_vectors(library, found)
        return found


class Tally(NamedTuple):
    """What came of the rounds."""

    kills: Counter[str]
    lost: int
    wrong: list[str]


def kill_scans(kills: int, *, seed: int, folder: Path) -> Tally:
    """Kill scans until so many were killed.

    Args:
        kills: How many.
        seed: Of everything that is left to chance, but for the moment at which a signal arrives.
        folder: To work in.

    Returns:
        What was lost or wrong.
    """
    like = empty_catalogue(folder / "empty")
    done: Counter[str] = Counter()
    lost, wrong = 0, []
    number = seed * 1_000_000
    while done.total() - done[TOO_LATE] < kills:
        number += 1
        base = folder / f"round-{number}"
        one, before = _prepare(base, like, number)
        expected, seconds = _undisturbed(one)
        chance = random.Random(number)  # noqa: S311  a choice, no secret
        points = _count_points(one)
        try:
            for _ in range(chance.choice(KILLS_IN_A_ROW)):
                done[_kill(one, chance, points=points, seconds=seconds)] += 1
                lost += len(before.keys() - one.tracks().keys())
            one.scan()
            found = one.finished()
            lost += len(before.keys() - found.keys())
            _compare(before, found, expected)
        except AssertionError as error:
            wrong.append(f"round {number}: {error}")
        shutil.rmtree(base)
    return Tally(done, lost, wrong)


def _prepare(base: Path, like: Path, seed: int) -> tuple[Round, dict[str, TrackRow]]:
    """A library that was scanned, and whose files and models have changed since."""
    chance = random.Random(seed)  # noqa: S311
    one = Round(base, like, Versions(), seed)
    for number in range(FILES):
        _put(one, f"{'ab'[number % 2]}/{number}.mp3", f"audio {number}".encode())
    one.scan()
    before = one.tracks()
    for _ in range(chance.randint(2, 12)):
        chance.choice(CHANGES)(one, chance)
    changed = {name: chance.choice([1, 1, 1, 2]) for name in Versions._fields}
    one = one._replace(versions=Versions(**changed))
    shutil.copytree(base / "data", base / "data-before")
    return one, before


def _put(one: Round, name: str, audio: bytes, artist: str = "") -> None:
    path = write(one.base / "music" / name, audio, artist=artist)
    modified = random.Random(f"{name} {audio!r} {artist}").randrange(10**9, 10**18)  # noqa: S311
    os.utime(path, ns=(modified, modified))


def _some(one: Round, chance: random.Random) -> Path:
    return chance.choice(sorted((one.base / "music").rglob("*.mp3")))


def _add(one: Round, chance: random.Random) -> None:
    _put(one, f"c/{chance.randrange(99)}.mp3", f"audio {chance.randrange(40)}".encode())


def _change(one: Round, chance: random.Random) -> None:
    path = _some(one, chance)
    _put(one, str(path.relative_to(one.base / "music")), f"new {chance.random()}".encode())


def _retag(one: Round, chance: random.Random) -> None:
    path = _some(one, chance)
    name = str(path.relative_to(one.base / "music"))
    _put(one, name, read(path).audio, artist=f"artist {chance.random()}")


def _break(one: Round, chance: random.Random) -> None:
    path = _some(one, chance)
    _put(one, str(path.relative_to(one.base / "music")), BROKEN + read(path).audio)


def _move(one: Round, chance: random.Random) -> None:
    path = _some(one, chance)
    path.replace(path.parent / f"moved-{chance.randrange(99)}.mp3")


def _swap(one: Round, chance: random.Random) -> None:
    first, second = _some(one, chance), _some(one, chance)
    between = one.base / "between"
    first.rename(between)
    if first != second:
        second.rename(first)
    between.rename(second)


def _copy(one: Round, chance: random.Random) -> None:
    _put(one, f"c/copy-{chance.randrange(99)}.mp3", read(_some(one, chance)).audio)


def _delete(one: Round, chance: random.Random) -> None:
    if len(list((one.base / "music").rglob("*.mp3"))) > 1:
        _some(one, chance).unlink()


CHANGES: tuple[Callable[[Round, random.Random], None], ...] = (
    _add, _add, _change, _retag, _break, _move, _swap, _copy, _delete,
)  # fmt: skip


def _undisturbed(one: Round) -> tuple[dict[str, TrackRow], float]:
    """What the scan leaves that nobody kills, and how long its process takes."""
    started = time.perf_counter()
    _wait(_fork(one.scan))
    seconds = time.perf_counter() - started
    found = one.finished()
    _restore(one)
    return found, seconds


def _count_points(one: Round) -> int:
    with fault_points() as points:
        one.scan()
    _restore(one)
    return points.passed


def _restore(one: Round) -> None:
    shutil.rmtree(one.base / "data")
    shutil.copytree(one.base / "data-before", one.base / "data")


def _kill(one: Round, chance: random.Random, *, points: int, seconds: float) -> str:
    """Kill one scan, and say how."""
    if chance.random() < AT_RANDOM_MOMENTS:
        process = _fork(one.scan)
        time.sleep(chance.uniform(0, 0.9 * seconds))
        os.kill(process, signal.SIGKILL)
        return "killed at a random moment" if _wait(process) == -signal.SIGKILL else TOO_LATE
    dies_at = chance.randint(1, points)

    def scan_and_die() -> None:
        with fault_points(dies_at, death="kill"):
            one.scan()

    return "killed at a point" if _wait(_fork(scan_and_die)) == -signal.SIGKILL else TOO_LATE


def _fork(do: Callable[[], None]) -> int:
    process = os.fork()
    if process == 0:
        try:
            do()
        except BaseException:  # the child must not go on as its parent
            logging.exception("the scan broke off")
            os._exit(1)
        os._exit(0)
    return process


def _wait(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _compare(
    before: dict[str, TrackRow], found: dict[str, TrackRow], expected: dict[str, TrackRow]
) -> None:
    """Compare two catalogues: the same tracks in the same files, the same ids where there were any.

    Args:
        before: What was there before either scan.
        found: After kills and a scan.
        expected: After a scan alone.

    Raises:
        AssertionError: If they differ.
    """
    if _by_path(found) != _by_path(expected):
        raise AssertionError("other tracks than without kills")
    kept, wanted = (
        Counter((one, these[one].audio_hash, these[one].status) for one in before if one in these)
        for these in (found, expected)
    )
    if kept != wanted:
        raise AssertionError("other ids than without kills")


def _by_path(tracks: dict[str, TrackRow]) -> dict[str, object]:
    """What a person sees of each file; the ids of tracks that are new differ from run to run."""
    return {
        track.path: (
            *track[2:10],
            [(caption.kind, caption.text, caption.vector) for caption in track.captions],
        )
        for track in tracks.values()
    }


def main() -> int:
    """Run the rounds and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dir", type=Path, help="where to work; in memory it takes a tenth")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        tally = kill_scans(arguments.kills, seed=arguments.seed, folder=Path(folder))
    for how, count in tally.kills.most_common():
        print(f"{count:6} {how}")
    print(f"{tally.lost:6} tracks lost")
    print(f"{len(tally.wrong):6} libraries wrong after the scan that followed")
    for line in tally.wrong:
        print(" ", line)
    print(f"seed {arguments.seed}, {time.monotonic() - started:.0f} s")
    return 1 if tally.lost or tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
