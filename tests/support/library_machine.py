"""A library and its folders, to which anything may happen in any order."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from indexer.errors import PruneFloorError
from indexer.pipeline import ScanOptions
from tests.support.faults import Died, fault_points
from tests.support.library_rules import (
    Look,
    check_kept,
    check_scanned,
    check_vectors,
    check_whole,
    look,
    rows,
)
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
    from collections.abc import Iterator

    from indexer.library import Library, Publishing

FOLDERS = ("left", "left/deep", "right")
PLACES = tuple(f"{folder}/{name}.mp3" for folder in FOLDERS for name in "abc")
TOP_FOLDERS = ("left", "right")

ARTISTS = ("", "X", "Ünï and a name that is longer")
FILE_KINDS = ("move", "swap", "copy", "delete", "retag", "touch", "break", "mend")

kinds = st.sampled_from(["put", "put", "mount", "lock", *FILE_KINDS])
places = st.sampled_from(PLACES)
numbers = st.integers(0, 5)
seeds = st.integers(0, 999)


class LibraryMachine(RuleBasedStateMachine):
    """Few places and few pieces of audio, so that they meet often."""

    like: Path
    """An empty catalogue's file."""
    tally: Counter[str]
    """How often each thing was done, over all libraries."""

    def __init__(self) -> None:
        super().__init__()
        self._base = Path(tempfile.mkdtemp(prefix="library-", dir=self.like.parent))
        self._music, self._away = self._base / "music", self._base / "away"
        for folder in FOLDERS:
            (self._music / folder).mkdir(parents=True)
        self._away.mkdir()
        self._clock = 1_000_000_000
        self._versions = Versions()
        self._unlisted: set[str] = set()
        self._is_published = False
        self._library = self._open()

    def teardown(self) -> None:
        self._library.close()
        shutil.rmtree(self._base)

    # ---- what happens to the files --------------------------------------------------------

    @initialize(count=st.integers(1, 5))
    def begin(self, count: int) -> None:
        for number, place in enumerate(PLACES[:count]):
            self._write(place, f"audio {number}".encode())

    @rule(changes=st.lists(st.tuples(kinds, places, places, numbers), min_size=1, max_size=5))
    def change(self, changes: list[tuple[str, str, str, int]]) -> None:
        self.tally["changes"] += 1
        for kind, place, other, number in changes:
            if kind == "put":
                self._write(place, f"audio {number}".encode(), artist=ARTISTS[number % 3])
            elif kind == "mount":
                self._unmount_or_mount(TOP_FOLDERS[number % 2])
            elif kind == "lock":
                self._unlisted ^= {FOLDERS[number % 3]}
            elif self._is_file(place):
                self._change_file(kind, place, other, number)

    def _change_file(self, kind: str, place: str, other: str, number: int) -> None:
        path, content = self._at(place), read(self._at(place))
        if kind == "move":
            path.replace(self._at(other))
        elif kind == "swap" and self._is_file(other) and place != other:
            path.rename(self._base / "between")
            self._at(other).rename(path)
            (self._base / "between").rename(self._at(other))
        elif kind == "copy":
            self._write(other, content.audio, artist=content.artist)
        elif kind == "delete":
            path.unlink()
        elif kind == "retag":
            self._write(place, content.audio, artist=ARTISTS[number % 3])
        elif kind == "touch":
            self._stamp(path)
        elif kind == "break":
            self._write(place, BROKEN + content.audio, artist=content.artist)
        elif kind == "mend":
            self._write(place, content.audio.removeprefix(BROKEN), artist=content.artist)

    def _unmount_or_mount(self, name: str) -> None:
        """A disk goes or comes back, perhaps to a place where files have been put meanwhile."""
        here, away = self._music / name, self._away / name
        if away.exists():
            shutil.rmtree(here)
            away.rename(here)
        else:
            here.rename(away)
        for folder in FOLDERS:
            (self._music / folder).mkdir(parents=True, exist_ok=True)

    # ---- what happens to the library ------------------------------------------------------

    @rule(seed=seeds)
    def scan_all(self, seed: int) -> None:
        self._scan(("",), None, retry=False, seed=seed)

    @rule(
        roots=st.sampled_from([("",), ("left",), ("right",), ("left/deep",), ("right", "left")]),
        prune=st.sampled_from([None, None, None, 0.0, 0.5]),
        retry=st.booleans(),
        seed=seeds,
    )
    def scan_some(
        self, roots: tuple[str, ...], prune: float | None, *, retry: bool, seed: int
    ) -> None:
        self._scan(roots, prune, retry=retry, seed=seed)

    def _scan(self, roots: tuple[str, ...], prune: float | None, *, retry: bool, seed: int) -> None:
        self.tally["scans"] += 1
        before, was_refused = rows(self._library), False
        options = ScanOptions(prune=prune is not None, prune_floor=prune or 0.0, retry=retry)
        engine = SmallEngine(self._versions, seed=seed)
        folders = [self._music / root for root in roots]
        with self._locked():
            try:
                scan_small(self._library, *folders, engine=engine, options=options)
            except PruneFloorError:
                was_refused = True
        after = rows(self._library)
        prunes = prune is not None and not was_refused
        self._is_published = True
        check_scanned(before, after, self._look(folders, prunes=prunes))
        if not prunes:
            check_kept(before, after)
        self._check()

    @rule(seed=seeds, outcomes=st.integers(0, 4))
    def scan_that_is_stopped(self, seed: int, outcomes: int) -> None:
        self.tally["scans stopped"] += 1
        before = rows(self._library)
        with self._locked():
            engine = SmallEngine(self._versions, seed=seed, stop_after=outcomes)
            scan_small(self._library, self._music, engine=engine)
        self._is_published = True
        check_kept(before, rows(self._library))
        self._check()

    @rule(seed=seeds, dies_at=st.integers(1, 60))
    def scan_that_is_killed(self, seed: int, dies_at: int) -> None:
        self.tally["scans killed"] += 1
        before = rows(self._library)
        with self._locked(), fault_points(dies_at), suppress(Died):
            scan_small(self._library, self._music, engine=SmallEngine(self._versions, seed=seed))
        self._reopen()
        check_kept(before, rows(self._library))
        self._check()

    @rule(which=st.sampled_from(Versions._fields))
    def other_models(self, which: str) -> None:
        self.tally["other models"] += 1
        self._versions = self._versions._replace(**{which: getattr(self._versions, which) + 1})
        self._reopen()

    @precondition(lambda self: self._is_published)
    @rule(how=st.sampled_from(["changes", "compact", "anew"]))
    def publish(self, how: Publishing) -> None:
        self.tally["published"] += 1
        before = rows(self._library)
        self._library.publish(how=how)
        assert rows(self._library) == before
        self._check()

    def _check(self) -> None:
        """What is always true."""
        tracks = rows(self._library)
        check_whole(tracks)
        if self._is_published:
            check_vectors(self._library, tracks)

    # ---- how it is done -------------------------------------------------------------------

    def _open(self) -> Library:
        return open_library(self._base / "data", self._versions, like=self.like)

    def _reopen(self) -> None:
        self._library.close()
        self._library = self._open()
        self._is_published = False

    def _at(self, place: str) -> Path:
        return self._music / place

    def _is_file(self, place: str) -> bool:
        return self._at(place).is_file()

    def _write(self, place: str, audio: bytes, *, artist: str = "") -> None:
        self._stamp(write(self._at(place), audio, artist=artist))

    def _stamp(self, path: Path) -> None:
        self._clock += 1
        os.utime(path, ns=(self._clock, self._clock))

    def _look(self, roots: list[Path], *, prunes: bool) -> Look:
        locked = (self._music / name for name in self._unlisted)
        hidden = [one for one in locked if any(one.is_relative_to(root) for root in roots)]
        return Look(look(self._music), roots, hidden, self._versions, prunes)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        list_folder = os.scandir
        closed = {str(self._music / name) for name in self._unlisted}

        def refuse(path: str) -> object:
            if str(path) in closed:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return list_folder(path)

        with patch.object(os, "scandir", refuse):
            yield


def machine(folder: Path) -> type[LibraryMachine]:
    """The machine, working in a folder."""
    like = empty_catalogue(folder)
    return type("LibraryMachineHere", (LibraryMachine,), {"like": like, "tally": Counter()})
