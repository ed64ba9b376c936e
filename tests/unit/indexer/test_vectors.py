from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import numpy as np
import pytest

from indexer.catalogue.rows import VectorRow
from indexer.errors import (
    NothingIndexedError,
    StaleSnapshotError,
    TornSnapshotError,
    WrongEmbedderError,
)
from indexer.vectors import VectorIndex, publish

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DIMENSION = 16


def unit_vectors(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def rows(vectors: NDArray[np.float32], *, per_track: int = 2) -> list[VectorRow]:
    return [
        VectorRow(
            100 + i,
            UUID(int=i // per_track),
            7,
            ("music", "scene")[i % 2],
            v.astype("<f2").tobytes(),
        )
        for i, v in enumerate(vectors)
    ]


def publish_rows(folder: Path, vectors: NDArray[np.float32], *, revision: int = 1) -> Path:
    return publish(
        folder, rows(vectors), [], embedder="e-1", dimension=DIMENSION, revision=revision
    )


class TestSearch:
    def test_equals_a_plain_product(self, tmp_path: Path):
        vectors = unit_vectors(40)
        publish_rows(tmp_path, vectors)
        index = VectorIndex.open(tmp_path, embedder="e-1", revision=1)
        query = unit_vectors(3, seed=1)
        similarity, found = index.search(query, top_k=5)
        expected = query @ vectors.T
        assert found.tolist() == np.argsort(-expected, axis=1)[:, :5].tolist()
        np.testing.assert_allclose(similarity, -np.sort(-expected, axis=1)[:, :5], atol=2e-3)
        assert index.rows["caption"][found[0, 0]] == 100 + found[0, 0]

    def test_a_restriction_never_shortens_the_answer(self, tmp_path: Path):
        publish_rows(tmp_path, unit_vectors(40))
        index = VectorIndex.open(tmp_path, embedder="e-1", revision=1)
        allowed = {UUID(int=3), UUID(int=11)}
        _, found = index.search(unit_vectors(1, seed=2), top_k=10, allowed_tracks=allowed)
        assert sorted(found[0].tolist()) == [6, 7, 22, 23]

    @pytest.mark.parametrize("allowed", [set(), {UUID(int=999)}], ids=["none", "unknown"])
    def test_nothing_allowed_finds_nothing(self, tmp_path: Path, allowed: set[UUID]):
        publish_rows(tmp_path, unit_vectors(4))
        index = VectorIndex.open(tmp_path, embedder="e-1", revision=1)
        similarity, found = index.search(unit_vectors(2), top_k=3, allowed_tracks=allowed)
        assert similarity.shape == found.shape == (2, 0)

    def test_an_empty_library_can_be_searched(self, tmp_path: Path):
        publish_rows(tmp_path, np.empty((0, DIMENSION), np.float32))
        index = VectorIndex.open(tmp_path, embedder="e-1", revision=1)
        assert len(index) == 0
        assert index.search(unit_vectors(1), top_k=3)[1].shape == (1, 0)


class TestOpen:
    def test_refuses_when_nothing_was_published(self, tmp_path: Path):
        with pytest.raises(NothingIndexedError, match="musiscene index"):
            VectorIndex.open(tmp_path, embedder="e-1", revision=1)

    def test_refuses_another_embedder(self, tmp_path: Path):
        publish_rows(tmp_path, unit_vectors(4))
        with pytest.raises(WrongEmbedderError, match=r"e-1.*e-2"):
            VectorIndex.open(tmp_path, embedder="e-2", revision=1)

    def test_refuses_another_revision(self, tmp_path: Path):
        publish_rows(tmp_path, unit_vectors(4), revision=4)
        with pytest.raises(StaleSnapshotError, match=r"at revision 4.*now at 5"):
            VectorIndex.open(tmp_path, embedder="e-1", revision=5)

    @pytest.mark.parametrize("name", ["captions.faiss", "rows.npy", "tracks.npy", "manifest.json"])
    @pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
    def test_refuses_a_torn_file(self, tmp_path: Path, name: str, damage: str):
        file = publish_rows(tmp_path, unit_vectors(4)) / name
        content = bytearray(file.read_bytes())
        if damage == "gone":
            file.unlink()
        elif damage == "cut":
            file.write_bytes(content[: len(content) // 2])
        else:
            content[len(content) // 2] ^= 0xFF
            file.write_bytes(content)
        with pytest.raises(TornSnapshotError, match=name.split(".", maxsplit=1)[0]):
            VectorIndex.open(tmp_path, embedder="e-1", revision=1)


class TestPublish:
    def test_an_open_reader_keeps_what_it_has(self, tmp_path: Path):
        old = unit_vectors(6)
        publish_rows(tmp_path, old, revision=1)
        reader = VectorIndex.open(tmp_path, embedder="e-1", revision=1)
        publish_rows(tmp_path, unit_vectors(8, seed=5), revision=2)
        similarity, found = reader.search(old[:1], top_k=1)
        assert (found[0, 0], round(float(similarity[0, 0]), 2)) == (0, 1.0)
        assert len(VectorIndex.open(tmp_path, embedder="e-1", revision=2)) == 8

    def test_removes_older_snapshots_and_leftovers(self, tmp_path: Path):
        (tmp_path / ".building-dead").mkdir()
        publish_rows(tmp_path, unit_vectors(4), revision=1)
        kept = publish_rows(tmp_path, unit_vectors(4), revision=2)
        assert [path for path in tmp_path.iterdir() if path.is_dir()] == [kept]

    def test_a_failure_leaves_the_old_snapshot(self, tmp_path: Path):
        publish_rows(tmp_path, unit_vectors(4), revision=1)
        broken = [*rows(unit_vectors(4)), VectorRow(1, UUID(int=1), 1, "dance", b"")]
        with pytest.raises(ValueError, match="not in tuple"):
            publish(tmp_path, broken, [], embedder="e-1", dimension=DIMENSION, revision=2)
        assert len(VectorIndex.open(tmp_path, embedder="e-1", revision=1)) == 4
        assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1

    def test_the_manifest_tells_what_is_inside(self, tmp_path: Path):
        folder = publish_rows(tmp_path, unit_vectors(4), revision=3)
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
        assert (manifest["count"], manifest["dimension"], manifest["revision"]) == (4, 16, 3)
        assert set(manifest["files"]) == {
            "captions.faiss", "rows.npy", "tracks.npy", "sounds.npy", "tags.npy",
        }  # fmt: skip
