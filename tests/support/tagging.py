"""Real files of every kind that can be tagged, in a catalogue that knows what is heard in them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

import av
import msgspec
import numpy as np

from indexer.tagging.facts import SegmentFacts, TrackFacts
from indexer.tagging.journal import Journal, Run, read_run
from indexer.tagging.tagger import TaggedFile, Tagger
from indexer.tagging.wishes import TagWishes
from musiscene.audio.read import identify_audio
from tests.support.audio import sine, write_audio
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.catalogue.repository import Catalogue

SUFFIXES = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav", ".aiff", ".wv")
SCENES = ("A rainy city at night.", "Ein Café in Köln")
METADATA = {"title": "Tïtel 曲", "artist": "The Band", "album": "Records", "date": "2001"}
FACTS = TrackFacts(
    id=UUID(int=7),
    path="/m/a/song.flac",
    title="Song",
    artist=None,
    album="Album",
    album_artist="Various",
    disc_number=2,
    track_number=7,
    licence=None,
    duration_seconds=61.5,
    bpm=123.98,
    bpm_confidence=0.9,
    key="F#:minor",
    key_confidence=0.8,
    moods=("calm", "warm"),
    mood_confidence=1.0,
    genres=("Folk",),
    instruments=("guitar", "piano"),
    vocals="no",
    vocal_probability=0.1,
    valence=0.5,
    arousal=-0.25,
    energy=0.375,
    loudness_lufs=-14.2,
    music="A folk piece.",
    scenes=("A lake, at dawn.",),
    tags=(),
    segments=(
        SegmentFacts(
            start_seconds=0.0,
            end_seconds=61.5,
            energy=0.5,
            music_caption="A folk piece.",
            scene_captions=("A lake, at dawn.",),
        ),
    ),
    model_version="tiny-5",
    model_licences=(),
)
"""Of a track that is nowhere."""


def music_file(
    path: Path, *, metadata: Mapping[str, str] = METADATA, codec: str | None = None
) -> Path:
    """A short tone; MP3 and FLAC carry a picture."""
    path.write_bytes(_encoded(path.suffix, tuple(metadata.items()), codec))
    return path


@cache
def _encoded(suffix: str, metadata: tuple[tuple[str, str], ...], codec: str | None) -> bytes:
    tone = sine(440, seconds=1)
    with TemporaryDirectory() as folder:
        path = write_audio(
            Path(folder) / f"made{suffix}",
            np.stack([tone, tone]),
            sample_rate=44_100,
            metadata=dict(metadata),
            codec=codec,
            cover=suffix in {".mp3", ".flac"},
        )
        return path.read_bytes()


def index_file(catalogue: Catalogue, path: Path, *, bpm: float = 123.98) -> UUID:
    """Put a file into a catalogue: E major, 0.9 sure of its tempo, rock with piano, no vocals."""
    identity = identify_audio(path)
    heard = listening(
        str(path),
        audio_hash=identity.audio_hash,
        bpm=bpm,
        tags={"piano": 0.4, "rock": 0.35, "hip-hop": 0.2},
    )
    heard = msgspec.structs.replace(heard, info=identity.info)
    modified_ns = path.stat().st_mtime_ns
    return store(catalogue, heard, scenes=SCENES, music="rock", modified_ns=modified_ns)


def sha256_of(path: Path) -> str:
    """Of all bytes of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Bench:
    """One file in a library, to be written and given back."""

    def __init__(self, catalogue: Catalogue, path: Path) -> None:
        self.catalogue, self.path = catalogue, path
        self.track_id = index_file(catalogue, path)
        self.journals = path.parent / "tagging"

    def write(self, wishes: TagWishes | None = None, **options: Any) -> TaggedFile:  # noqa: ANN401
        with Journal(self.journals) as journal:
            track = self.catalogue.track(self.track_id)
            return Tagger(self.catalogue, **options).write(track, wishes or TagWishes(), journal)

    def undo(self, *, force: bool = False) -> TaggedFile:
        run = self.run()
        with Journal(self.journals, undoes=run.header.id) as journal:
            return Tagger(self.catalogue).undo(run.files[0], journal, force=force)

    def run(self) -> Run:
        return read_run(self.journals, "last")


def stated(path: Path) -> tuple[dict[str, str], int]:
    """The tags as FFmpeg reads them, and the number of pictures."""
    with av.open(str(path)) as container:
        tags = dict(container.metadata) | dict(container.streams.audio[0].metadata)
        return {key.lower(): value for key, value in tags.items()}, len(container.streams.video)
