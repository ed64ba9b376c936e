"""A library of four tracks in two moods, whose rankings can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from indexer.catalogue.repository import Catalogue
from indexer.library import Library
from musiscene.checkpoints import first_use
from musiscene.embed import TextEmbedder
from musiscene.scene_reader import SceneReader
from tests.support.listening import WordEmbedder, listening, new_catalogue, store, word_reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

TRACKS = {
    "calm/lake": ("mist rises over a still lake", "soft piano", {"piano": 0.8, "slow": 0.4}),
    "calm/snow": ("snow falls on a cabin", "soft guitar", {"guitar": 0.7}),
    "wild/storm": ("a ship fights a storm", "loud drums", {"drums": 0.9, "loud": 0.3}),
    "wild/chase": ("riders chase a train", "loud brass", {"brass": 0.6}),
}


def made_library(folder: Path, location: str | None = None) -> Library:
    """The library below `folder`, open; its tracks are `/m/MOOD/NAME.wav`.

    Args:
        folder: Where the vectors will be.
        location: Of the catalogue; None for a file in the folder.

    Returns:
        The library, to be closed.
    """
    catalogue = Catalogue.open(location) if location else new_catalogue(folder)
    for name, (scene, music, tags) in TRACKS.items():
        store(catalogue, listening(f"/m/{name}.wav", tags=tags), scenes=[scene], music=music)
    return Library(catalogue, folder / "vectors", cast("TextEmbedder", WordEmbedder()))


class NoStore:
    """Stands for the model store where no model is read from it."""

    def folder(self, name: str) -> Path:
        """A path of that name, which nobody opens."""
        return Path(name)


def library_without_models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library below `folder`, closed, for commands that are to read words instead of models."""
    monkeypatch.setattr(first_use, "store_with", lambda *_args: NoStore())
    monkeypatch.setattr(TextEmbedder, "load", lambda _folder: WordEmbedder())
    monkeypatch.setattr(SceneReader, "load", lambda _folder: word_reader())
    made_library(folder).close()
    return folder


def write_briefs(path: Path, rows: Iterable[object]) -> Path:
    """JSON Lines; a text stands as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path
