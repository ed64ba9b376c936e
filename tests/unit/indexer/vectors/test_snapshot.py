from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pytest

from indexer.errors import (
    NothingIndexedError,
    StaleSnapshotError,
    TornSnapshotError,
    WrongEmbedderError,
)
from indexer.vectors import VectorIndex
from indexer.vectors.layout import PARTS
from tests.support.vectors import (
    DIMENSION,
    EMBEDDER,
    TRAINED,
    clustered_vectors,
    open_vectors,
    publish_vectors,
    unit_vectors,
)

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "manifest.json",
    "rows.npy",
    "places.npy",
    "tracks.npy",
    "sounds.npy",
    "tags.npy",
    "index.faiss",
)


class TestSearch:
    def test_equals_a_plain_product(self, tmp_path: Path):
        vectors = unit_vectors(40)
        publish_vectors(tmp_path, vectors)
        index = open_vectors(tmp_path)
        query = unit_vectors(3, seed=1)
        similarity, found = index.search(query, top_k=5)
        expected = query @ vectors.T
        assert found.tolist() == np.argsort(-expected, axis=1)[:, :5].tolist()
        np.testing.assert_allclose(similarity, -np.sort(-expected, axis=1)[:, :5], atol=2e-3)
        assert index.rows["caption"][found[0, 0]] == 100 + found[0, 0]

    def test_equal_captions_come_in_the_order_of_their_rows(self, tmp_path: Path):
        publish_vectors(tmp_path, np.repeat(unit_vectors(3), 30, axis=0))
        index = open_vectors(tmp_path)
        for top_k in (1, 7, 30):
            _, found = index.search(unit_vectors(3)[1:2], top_k=top_k)
            assert found[0].tolist() == list(range(30, 30 + top_k))

    def test_a_restriction_never_shortens_the_answer(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(40))
        index = open_vectors(tmp_path)
        allowed = {UUID(int=3), UUID(int=11)}
        _, found = index.search(unit_vectors(1, seed=2), top_k=10, allowed_tracks=allowed)
        assert sorted(found[0].tolist()) == [6, 7, 22, 23]

    @pytest.mark.parametrize("allowed", [set(), {UUID(int=999)}], ids=["none", "unknown"])
    def test_nothing_allowed_finds_nothing(self, tmp_path: Path, allowed: set[UUID]):
        publish_vectors(tmp_path, unit_vectors(4))
        index = open_vectors(tmp_path)
        similarity, found = index.search(unit_vectors(2), top_k=3, allowed_tracks=allowed)
        assert similarity.shape == found.shape == (2, 0)

    def test_an_empty_library_can_be_searched(self, tmp_path: Path):
        publish_vectors(tmp_path, np.empty((0, DIMENSION), np.float32))
        index = open_vectors(tmp_path)
        assert len(index) == 0
        assert index.search(unit_vectors(1), top_k=3)[1].shape == (1, 0)


class TestOpen:
    def test_refuses_when_nothing_was_published(self, tmp_path: Path):
        with pytest.raises(NothingIndexedError, match="musiscene index"):
            open_vectors(tmp_path)

    def test_refuses_another_embedder(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(4))
        with pytest.raises(WrongEmbedderError, match=r"e-1.*e-2"):
            VectorIndex.open(tmp_path, embedder="e-2", revision=1)

    def test_refuses_another_revision(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(4), revision=4)
        with pytest.raises(StaleSnapshotError, match=r"at revision 4.*now at 5"):
            VectorIndex.open(tmp_path, embedder=EMBEDDER, revision=5)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
    def test_refuses_a_torn_file(self, tmp_path: Path, name: str, damage: str):
        file = publish_vectors(tmp_path, unit_vectors(4)) / name
        if not file.exists():
            [file] = (tmp_path / PARTS).glob(f"*/{name}")
        content = bytearray(file.read_bytes())
        if damage == "gone":
            file.unlink()
        elif damage == "cut":
            file.write_bytes(content[: len(content) // 2])
        else:
            content[len(content) // 2] ^= 0xFF
            file.write_bytes(content)
        with pytest.raises(TornSnapshotError, match=name.split(".", maxsplit=1)[0]):
            open_vectors(tmp_path)

    def test_a_snapshot_that_is_swept_while_it_is_opened_is_not_missed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        publish_vectors(tmp_path, unit_vectors(4), revision=1)
        names = iter([publish_vectors(tmp_path, unit_vectors(6), revision=1).name])
        current = next(names)
        answers = iter(["r00000000-swept", current, current])
        monkeypatch.setattr(
            "indexer.vectors.snapshot.current_name", lambda _directory: next(answers)
        )
        assert len(open_vectors(tmp_path)) == 6


class TestTrackIds:
    def test_numbers_and_ids_lead_to_each_other(self, tmp_path: Path):
        publish_vectors(tmp_path, unit_vectors(12))
        ids = open_vectors(tmp_path).track_ids
        assert list(ids) == [UUID(int=number) for number in range(6)]
        assert ids[2:4] == [UUID(int=2), UUID(int=3)]
        assert [ids.find(UUID(int=number)) for number in (0, 5, 6)] == [0, 5, None]
        assert UUID(int=3) in ids
        assert "3" not in ids
        asked = {UUID(int=4), UUID(int=1), UUID(int=77)}
        assert ids.ordinals_of(asked).tolist() == [1, 4]
        assert ids.without(asked) == {UUID(int=number) for number in (0, 2, 3, 5)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty thousand vectors under a trained index, and below `exact` the same without."""
    folder = tmp_path_factory.mktemp("trained")
    publish_vectors(folder, clustered_vectors(20_000), settings=TRAINED)
    publish_vectors(folder / "exact", clustered_vectors(20_000))
    return folder


class TestTrained:
    def test_finds_what_exact_search_finds_as_often_as_the_manifest_says(self, folder: Path):
        index, exact = open_vectors(folder), open_vectors(folder / "exact")
        training = index.manifest.parts[0].training
        assert index.manifest.kind == "ivf-rabitq"
        assert exact.manifest.kind == "flat"
        assert training is not None
        assert training.recall_at_10 >= TRAINED.recall_goal
        queries = clustered_vectors(300, seed=9)
        found, truth = (one.search(queries, top_k=10)[1] for one in (index, exact))
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
        assert recall == pytest.approx(training.recall_at_10, abs=0.02)

    @pytest.mark.parametrize("tracks", [3, 300, 3_000, 9_000])
    def test_a_filter_leaves_as_many_as_there_are(self, folder: Path, tracks: int):
        index, exact = open_vectors(folder), open_vectors(folder / "exact")
        allowed = {UUID(int=number) for number in range(tracks)}
        queries = clustered_vectors(40, seed=9)
        found, truth = (
            one.search(queries, top_k=10, allowed_tracks=allowed)[1] for one in (index, exact)
        )
        assert found.shape == truth.shape == (40, min(10, 2 * tracks))
        assert found.max() < 2 * tracks
        recall = np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, truth, strict=True)])
        assert recall > 0.95

    def test_more_than_the_cells_looked_into_hold_can_be_asked_for(self, folder: Path):
        _, found = open_vectors(folder).search(clustered_vectors(1, seed=9), top_k=19_999)
        assert len(set(found[0].tolist())) == 19_999

    def test_stored_vectors_are_those_of_the_catalogue(self, folder: Path):
        numbers = np.array([17, 3, 19_999])
        vectors = open_vectors(folder).vectors(numbers)
        expected = clustered_vectors(20_000)[numbers].astype("<f2").astype(np.float32)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_array_equal(vectors, expected)

    def test_training_is_the_same_from_the_same_seed(self, folder: Path, tmp_path: Path):
        publish_vectors(tmp_path, clustered_vectors(20_000), settings=TRAINED)
        ours, theirs = (open_vectors(one).manifest.parts[0] for one in (tmp_path, folder))
        assert ours.files == theirs.files
