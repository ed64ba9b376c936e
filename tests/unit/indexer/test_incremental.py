"""A snapshot that grew in small steps against one made at once from the same catalogue."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.library import Library
from indexer.vectors import IndexSettings, VectorIndex
from tests.support.listening import WordEmbedder, listening, new_catalogue, store

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from musiscene.embed import TextEmbedder

WORDS = ("rain", "harbour", "wedding", "chase", "candle", "snow")
SMALL_STEPS = IndexSettings(joined_rows=2, dead_share=0.6)
"""Under which a few captions already make parts of their own."""

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("store"), st.integers(0, 5), st.lists(st.sampled_from(WORDS), max_size=2)
        ),
        st.tuples(st.just("miss"), st.integers(0, 5), st.none()),
        st.tuples(st.just("find"), st.integers(0, 5), st.none()),
        st.tuples(st.just("delete"), st.integers(0, 5), st.none()),
        st.tuples(st.just("publish"), st.none(), st.none()),
        st.tuples(st.just("compact"), st.none(), st.none()),
    ),
    max_size=12,
)


class Played:
    """A library that steps are played on."""

    def __init__(self, folder: Path) -> None:
        embedder = cast("TextEmbedder", WordEmbedder())
        self.library = Library(
            new_catalogue(folder), folder / "vectors", embedder, index_settings=SMALL_STEPS
        )
        self.tracks: dict[int, UUID] = {}

    def play(self, step: str, number: int | None, words: list[str] | None) -> None:
        catalogue = self.library.catalogue
        known = [] if number is None or number not in self.tracks else [self.tracks[number]]
        if step == "store" and number is not None:
            heard = listening(f"/m/{number}.wav", audio_hash=f"{number}", tags={"piano": 0.5})
            self.tracks[number] = store(catalogue, heard, scenes=words or (), music="slow piano")
        elif step == "delete" and number is not None:
            catalogue.delete_tracks(known)
            self.tracks.pop(number, None)
        elif step in {"miss", "find"}:
            catalogue.set_status(known, "missing" if step == "miss" else "ready")
        elif step in {"publish", "compact"}:
            self.library.publish(how="changes" if step == "publish" else "compact")

    def index(self) -> VectorIndex:
        found = self.library.present_vectors()
        if found is None:
            pytest.fail("nothing was published")
        return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each example gets a folder of its own, with a fresh catalogue to copy."""
    folder = tmp_path_factory.mktemp("played")
    (folder / "fresh").mkdir()
    new_catalogue(folder / "fresh").close()
    return folder


@settings(max_examples=12, deadline=None)
@given(steps=STEPS)
def test_small_steps_and_one_large_one_come_to_the_same(
    folders: Path, steps: list[tuple[str, int | None, list[str] | None]]
):
    folder = folders / f"{len(list(folders.iterdir()))}"
    shutil.copytree(folders / "fresh", folder)
    played = Played(folder)
    for step in steps:
        played.play(*step)
    played.library.publish()
    grown = played.index()
    played.library.publish(how="anew")
    made = played.index()
    played.library.close()
    for name in ("rows", "sounds", "tags"):
        assert (getattr(grown, name) == getattr(made, name)).all()
    assert list(grown.track_ids) == list(made.track_ids)
    numbers = np.arange(len(made))
    np.testing.assert_array_equal(grown.vectors(numbers), made.vectors(numbers))
    queries = WordEmbedder().encode([*WORDS, "rain snow", "slow piano"])
    for top_k in (1, 3, 100):
        for allowed in (None, set(list(made.track_ids)[::2])):
            for ours, theirs in zip(
                grown.search(queries, top_k=top_k, allowed_tracks=allowed),
                made.search(queries, top_k=top_k, allowed_tracks=allowed),
                strict=True,
            ):
                np.testing.assert_array_equal(ours, theirs)
