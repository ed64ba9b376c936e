from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import pytest

from indexer import sounds
from indexer.catalogue.repository import Catalogue
from indexer.errors import (
    LibraryBusyError,
    NothingIndexedError,
    TornSnapshotError,
    VectorIndexError,
    WrongEmbedderError,
)
from indexer.feedback import note_opinion, taste_of
from indexer.library import Library
from indexer.vectors import layout
from tests.support.listening import WordEmbedder, listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musiscene.embed import TextEmbedder


@pytest.fixture
def library(catalogue_location: str, tmp_path: Path) -> Iterator[Library]:
    embedder = cast("TextEmbedder", WordEmbedder())
    with Library(Catalogue.open(catalogue_location), tmp_path / "vectors", embedder) as opened:
        yield opened


class TestIndexing:
    def test_a_second_writer_is_turned_away(self, library: Library):
        with (
            library.indexing(),
            pytest.raises(LibraryBusyError, match="at work here"),
            library.indexing(),
        ):
            pass
        with library.indexing():
            pass


class TestPublish:
    def test_a_folder_that_cannot_be_written_loses_nothing(self, library: Library):
        store(library.catalogue, listening())
        library.vectors_dir.write_text("a file where a folder should be")
        with pytest.raises(VectorIndexError, match="nothing is lost"):
            library.publish()
        assert library.catalogue.count_tracks() == 1

    def test_nothing_is_written_where_nothing_has_changed(self, library: Library):
        store(library.catalogue, listening())
        folder = library.publish()
        before = folder.stat().st_mtime_ns, sorted(library.vectors_dir.rglob("*"))
        assert library.publish() == folder
        assert (folder.stat().st_mtime_ns, sorted(library.vectors_dir.rglob("*"))) == before

    def test_a_catalogue_from_before_the_snapshot_is_indexed_anew(self, library: Library):
        store(library.catalogue, listening())
        folder = library.publish()
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"revision": 1', '"revision": 7'))
        assert len(library.vectors()) == 2
        assert library.vectors().manifest.revision == library.catalogue.revision()


class TestEmbedAgain:
    def test_vectors_of_another_embedder_are_made_anew(self, library: Library):
        for name in "abc":
            store(library.catalogue, listening(f"/m/{name}.wav"))
        library.publish()
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        assert library.embed_again() == 6
        assert library.embed_again() == 0
        index = library.vectors()
        assert (len(index), index.manifest.embedder) == (6, "words-2")

    def test_each_caption_gets_its_own_vector_in_batches_too(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ):
        store(library.catalogue, listening(), scenes=("a quiet street", "a loud fair"))
        before = {row.caption_id: row.data for row in library.catalogue.vectors(embedder="words-1")}
        monkeypatch.setattr("indexer.library.CAPTIONS_AT_ONCE", 2)
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        assert library.embed_again() == 3
        after = {row.caption_id: row.data for row in library.catalogue.vectors(embedder="words-2")}
        assert after == before

    def test_judged_briefs_are_embedded_again_too(self, library: Library):
        track = store(library.catalogue, listening())
        note_opinion(
            library.catalogue, library.embedder, track_id=track, brief="rain", verdict="reject"
        )
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        opinions = library.catalogue.opinions
        assert len(taste_of(opinions, embedder="words-2")) == 0
        library.embed_again()
        assert len(taste_of(opinions, embedder="words-2")) == 1


class TestVectors:
    def test_an_empty_library_says_how_to_fill_it(self, library: Library):
        with pytest.raises(NothingIndexedError, match="musiscene index"):
            library.vectors()

    def test_a_stale_snapshot_is_made_again(self, library: Library):
        store(library.catalogue, listening("/m/a.wav"))
        library.publish()
        store(library.catalogue, listening("/m/b.wav"))
        index = library.vectors()
        assert len(index) == 4
        assert index.manifest.revision == library.catalogue.revision()

    def test_a_torn_snapshot_is_made_again(self, library: Library):
        store(library.catalogue, listening())
        (library.publish() / "rows.npy").write_bytes(b"torn")
        assert len(library.vectors()) == 2

    @pytest.mark.parametrize("lacks", ["sounds.npy", ""])
    def test_a_snapshot_of_an_earlier_layout_is_made_again(
        self, library: Library, monkeypatch: pytest.MonkeyPatch, lacks: str
    ):
        store(library.catalogue, listening())
        folder = library.publish()
        if lacks:
            manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
            del manifest["files"][lacks]
            (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
        else:
            with monkeypatch.context() as earlier:
                earlier.setattr(layout, "SOUND_DTYPE", np.dtype([("bpm", "<f4")]))
                earlier.setattr(sounds, "SOUND_DTYPE", np.dtype([("bpm", "<f4")]))
                with pytest.raises(TornSnapshotError, match="earlier version"):
                    library._open()
        opened = library.vectors()
        assert opened.sounds.dtype == sounds.SOUND_DTYPE
        assert (opened.folder == folder) == (not lacks)

    def test_vectors_of_another_embedder_are_not_searched(self, library: Library):
        store(library.catalogue, listening())
        library.publish()
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        with pytest.raises(WrongEmbedderError, match=r"words-2 made .*musiscene index FOLDER"):
            library.vectors()

    def test_vectors_are_not_searched_while_some_are_of_another_embedder(self, library: Library):
        store(library.catalogue, listening("/m/a.wav"))
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        library.embed_again()
        store(library.catalogue, listening("/m/b.wav"))  # by words-1
        with pytest.raises(WrongEmbedderError, match="words-2 made"):
            library.vectors()

    def test_two_snapshots_of_one_catalogue_hold_the_same(self, library: Library):
        store(library.catalogue, listening())
        contents = [
            {path.name: path.read_bytes() for path in library.publish(how="anew").iterdir()}
            for _ in range(2)
        ]
        assert contents[0] == contents[1]
