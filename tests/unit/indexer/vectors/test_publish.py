from __future__ import annotations

import errno
import itertools
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np
import pytest

from indexer.catalogue.rows import VectorRow
from indexer.errors import VectorIndexError
from indexer.vectors import Changes, open_current, publish, publish_changes
from indexer.vectors.layout import PARTS
from tests.support.vectors import (
    DIMENSION,
    EMBEDDER,
    TRAINED,
    clustered_vectors,
    open_vectors,
    publish_vectors,
    unit_vectors,
    vector_rows,
)


def snapshots(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir() and path.name != PARTS}


def add(folder: Path, vectors: np.ndarray, *, first: int, revision: int) -> Path | None:
    """Tracks from `first` on get these vectors, two each."""
    rows = [
        msgspec.structs.replace(
            row,
            caption_id=10_000 * revision + row.caption_id,
            track_id=UUID(int=first + row.track_id.int),
        )
        for row in vector_rows(vectors)
    ]
    changes = Changes(
        gone={row.track_id for row in rows}, vectors=rows, sounds=[], revision=revision
    )
    return publish_changes(folder, changes, settings=TRAINED)


class TestPublish:
    def test_an_open_reader_keeps_what_it_has(self, tmp_path: Path):
        old = unit_vectors(6)
        publish_vectors(tmp_path, old, revision=1)
        reader = open_vectors(tmp_path, revision=1)
        for revision in (2, 3, 4):
            publish_vectors(tmp_path, unit_vectors(8, seed=revision), revision=revision)
        similarity, found = reader.search(old[:1], top_k=1)
        assert (found[0, 0], round(float(similarity[0, 0]), 2)) == (0, 1.0)
        assert len(open_vectors(tmp_path, revision=4)) == 8

    def test_keeps_the_snapshot_before_and_removes_older_ones_and_leftovers(self, tmp_path: Path):
        folders = [
            publish_vectors(tmp_path, unit_vectors(4, seed=revision), revision=revision).name
            for revision in (1, 2, 3)
        ]
        (tmp_path / ".building-dead").mkdir()
        (tmp_path / PARTS / ".building-dead").mkdir()
        (tmp_path / ".CURRENT-dead").write_text("")
        folders.append(publish_vectors(tmp_path, unit_vectors(4, seed=4), revision=4).name)
        assert snapshots(tmp_path) == set(folders[-2:])
        assert len(list((tmp_path / PARTS).iterdir())) == 2
        assert not (tmp_path / ".CURRENT-dead").exists()

    def test_a_failure_leaves_the_old_snapshot(self, tmp_path: Path):
        kept = publish_vectors(tmp_path, unit_vectors(4), revision=1)
        broken = [*vector_rows(unit_vectors(4)), VectorRow(1, UUID(int=1), 1, "dance", b"")]
        with pytest.raises(ValueError, match="not in tuple"):
            publish(tmp_path, broken, [], embedder=EMBEDDER, dimension=DIMENSION, revision=2)
        assert len(open_vectors(tmp_path)) == 4
        assert snapshots(tmp_path) == {kept.name}

    def test_the_manifest_tells_what_is_inside(self, tmp_path: Path):
        folder = publish_vectors(tmp_path, unit_vectors(4), revision=3)
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
        assert (manifest["count"], manifest["dimension"], manifest["revision"]) == (4, 16, 3)
        assert set(manifest["files"]) == {
            "rows.npy", "places.npy", "tracks.npy", "sounds.npy", "tags.npy",
        }  # fmt: skip
        assert [part["kind"] for part in manifest["parts"]] == ["flat"]


class TestPublishChanges:
    def test_what_is_added_to_much_goes_beside_it(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(600))
        [before] = (tmp_path / PARTS).iterdir()
        assert add(tmp_path, unit_vectors(4, seed=5), first=900, revision=2)
        index = open_vectors(tmp_path, revision=2)
        assert [part.count for part in index.manifest.parts] == [600, 4]
        assert index.manifest.parts[0].name == before.name
        _, found = index.search(unit_vectors(4, seed=5), top_k=1)
        assert index.rows["caption"][found[:, 0]].tolist() == [20_100, 20_101, 20_102, 20_103]

    def test_a_changed_track_loses_its_old_rows(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(600))
        add(tmp_path, unit_vectors(2, seed=5), first=7, revision=2)
        index = open_vectors(tmp_path, revision=2)
        assert len(index) == index.manifest.count == 600
        assert index.manifest.stored == 602
        assert index.rows["caption"][index.row_mask({UUID(int=7)})].tolist() == [20_100, 20_101]
        _, found = index.search(unit_vectors(600)[14:16], top_k=600)
        assert np.isin([114, 115], index.rows["caption"][found]).tolist() == [False, False]

    def test_many_small_changes_leave_few_parts(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(600))
        for step in range(40):
            add(tmp_path, unit_vectors(4, seed=step), first=1000 + 2 * step, revision=2 + step)
        index = open_vectors(tmp_path, revision=41)
        assert len(index) == 760
        assert len(index.manifest.parts) <= 3

    def test_a_part_that_mostly_holds_what_is_gone_is_written_anew(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(600))
        gone = {UUID(int=number) for number in range(100)}
        publish_changes(tmp_path, Changes(gone, [], [], 2), settings=TRAINED)
        index = open_vectors(tmp_path, revision=2)
        assert (index.manifest.count, index.manifest.stored) == (400, 400)

    def test_beside_a_trained_part_until_too_much_is_searched_exactly(self, tmp_path: Path):
        publish_vectors(tmp_path, clustered_vectors(4_000), settings=TRAINED)
        new = clustered_vectors(20, seed=3)
        assert add(tmp_path, new, first=5_000, revision=2)
        index = open_vectors(tmp_path, revision=2)
        assert [part.kind for part in index.manifest.parts] == ["ivf-rabitq", "flat"]
        _, found = index.search(new, top_k=1)
        assert (found[:, 0] == np.arange(4_000, 4_020)).all()
        assert add(tmp_path, clustered_vectors(600, seed=4), first=9_000, revision=3) is None
        assert len(open_vectors(tmp_path, revision=2)) == 4_020

    def test_a_trained_part_that_lost_much_is_given_up(self, tmp_path: Path):
        publish_vectors(tmp_path, clustered_vectors(4_000), settings=TRAINED)
        few = {UUID(int=number) for number in range(20)}
        publish_changes(tmp_path, Changes(few, [], [], 2), settings=TRAINED)
        index = open_vectors(tmp_path, revision=2)
        similarity, found = index.search(clustered_vectors(4_000)[:40], top_k=10)
        assert found.min() >= 0
        assert np.isfinite(similarity).all()
        assert index.rows["caption"].min() == 140
        many = {UUID(int=number) for number in range(600)}
        assert publish_changes(tmp_path, Changes(many, [], [], 3), settings=TRAINED) is None


class TestReadersMeanwhile:
    def test_none_is_refused_or_sees_a_mixture(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(40), revision=1)
        done = threading.Event()
        seen: list[tuple[int, int]] = []

        def read() -> None:
            while not done.is_set():
                index = open_current(tmp_path)
                _, found = index.search(unit_vectors(1, seed=3), top_k=1_000)
                seen.append((index.manifest.revision, found.shape[1]))

        with ThreadPoolExecutor(2) as pool:
            reading = [pool.submit(read) for _ in range(2)]
            try:
                for revision in range(2, 16):
                    add(
                        tmp_path,
                        unit_vectors(2, seed=revision),
                        first=revision * 50,
                        revision=revision,
                    )
            finally:
                done.set()
            for one in reading:
                one.result()
        assert seen
        assert all(rows == 40 + 2 * (revision - 1) for revision, rows in seen)


class TestKeepTraining:
    def test_cells_are_used_again_until_twice_as_much_is_there(self, tmp_path: Path):
        for revision, count in enumerate((4_000, 4_400, 9_000), start=1):
            publish(
                tmp_path,
                vector_rows(clustered_vectors(count)),
                [],
                embedder=EMBEDDER,
                dimension=DIMENSION,
                revision=revision,
                settings=TRAINED,
                keep_training=True,
            )
            training = open_vectors(tmp_path, revision=revision).manifest.parts[0].training
            assert training is not None
            assert training.trained_on == (4_000, 4_000, 9_000)[revision - 1]
            assert training.recall_at_10 >= TRAINED.recall_goal


class StoppedError(OSError):
    """As of a full disk."""


class TestStopped:
    """A process that ends anywhere, or whose disk is full, leaves the old snapshot or the new."""

    @pytest.mark.parametrize(
        ("owner", "name"),
        [(os, "fsync"), (Path, "rename"), (Path, "replace"), (np, "save")],
        ids=["fsync", "rename", "replace", "save"],
    )
    @pytest.mark.parametrize("how", ["at once", "by changes"])
    def test_at_every_call_that_may_be_its_last(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, how: str
    ):
        publish_vectors(tmp_path / "first", unit_vectors(60), revision=1)
        survived = 0
        for last in range(60):
            folder = tmp_path / f"{last}"
            shutil.copytree(tmp_path / "first", folder)
            with monkeypatch.context() as patch:
                stop_after(patch, owner, name, calls=last)
                try:
                    if how == "at once":
                        publish_vectors(folder, unit_vectors(80), revision=2)
                    else:
                        add(folder, unit_vectors(20, seed=1), first=50, revision=2)
                except StoppedError:
                    survived += 1
                else:
                    break
            try:
                opened = open_vectors(folder, revision=2)
            except VectorIndexError:
                opened = open_vectors(folder, revision=1)
            assert len(opened) == {1: 60, 2: 80}[opened.manifest.revision]
            assert list(folder.rglob(".building-*")) == []
            publish_vectors(folder, unit_vectors(80), revision=3)
            assert len(open_vectors(folder, revision=3)) == 80
        assert survived >= 1
        assert last < 59

    def test_too_little_room_is_told_before_it_is_filled(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        publish_vectors(tmp_path, unit_vectors(60), revision=1)
        usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
        monkeypatch.setattr("indexer.vectors.switch.shutil.disk_usage", lambda _path: usage)
        with pytest.raises(VectorIndexError, match=r"are free.*musiscene index"):
            publish_vectors(tmp_path, unit_vectors(80), revision=2)
        with pytest.raises(VectorIndexError, match="are free"):
            add(tmp_path, unit_vectors(20, seed=1), first=50, revision=2)
        assert len(open_vectors(tmp_path, revision=1)) == 60

    def test_an_index_that_cannot_be_written_is_told_of(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        import faiss

        def fail(*_arguments: object) -> None:
            raise RuntimeError("write error in index.faiss: No space left on device")

        publish_vectors(tmp_path, unit_vectors(60), revision=1)
        monkeypatch.setattr(faiss, "write_index", fail)
        with pytest.raises(VectorIndexError, match="disk may be full"):
            publish_vectors(tmp_path, unit_vectors(80), revision=2)
        assert len(open_vectors(tmp_path, revision=1)) == 60


def stop_after(patch: pytest.MonkeyPatch, owner: object, name: str, *, calls: int) -> None:
    """Let a function raise `StoppedError` instead of being called more often than that."""
    original, made = getattr(owner, name), itertools.count()

    def wrapped(*arguments: object, **options: object) -> object:
        if next(made) >= calls:
            raise StoppedError(errno.ENOSPC, "No space left on device")
        return original(*arguments, **options)

    patch.setattr(owner, name, wrapped)
