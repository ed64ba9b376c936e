"""Scans with an engine that reads files for real, and hears and imagines the same in all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import NewCaption
from indexer.cues import with_songs
from indexer.engines.jobs import Failed, Identified, Imagined
from indexer.library import Library
from indexer.pipeline import ScanOptions, ScanReport, scan
from indexer.progress import ScanProgress
from musiscene.audio.read import identify_audio, read_audio
from musiscene.errors import AudioError
from musiscene.writer import ModelVersions
from tests.support.audio import sine, write_audio
from tests.support.listening import WordEmbedder, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from uuid import UUID

    from indexer.catalogue.rows import Failure
    from indexer.engines.jobs import Job, Outcome
    from musiscene.embed import TextEmbedder

SAMPLE_RATE = 16_000


class QuickEngine:
    """One thread, no models; notes what it was asked.

    Args:
        listening: Version of what it hears.
        writing: Version of what it imagines; both stand in the captions.
    """

    def __init__(self, *, listening: str = "ears-1", writing: str = "words-1") -> None:
        self.versions = ModelVersions(listening=listening, writing=writing)
        self.heard: list[str] = []
        self.imagined: list[str] = []
        self.stop_after: int | None = None
        self.stop = threading.Event()

    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        """One outcome for each job."""
        while (job := next_job()) is not None:
            if self.stop_after is not None and len(self.imagined) >= self.stop_after:
                self.stop.set()
            yield self._do(job, settled)

    def _do(self, job: Job, settled: Collection[str]) -> Outcome:
        path = job.file.path
        try:
            if job.kind == "identify":
                identity = identify_audio(path)
                return Identified(job=job, info=identity.info, audio_hash=identity.audio_hash)
            heard = job.listening
            if heard is None or job.kind == "hear":
                recording = read_audio(path, sample_rate=SAMPLE_RATE)
                if recording.audio_hash in settled and not job.must_hear:
                    return Identified(job=job, info=recording.info, audio_hash=recording.audio_hash)
                self.heard.append(Path(path).name)
                template = listening(audio_hash=recording.audio_hash, segments=1)
                info = with_songs(recording.info, job.file.cue)
                heard = msgspec.structs.replace(template, info=info)
        except AudioError as error:
            return Failed(job=job, stage="decode", reason=error.reason, is_lasting=True)
        self.imagined.append(Path(path).name)
        return Imagined(
            job=job, listening=heard, captions=self._captions(heard.audio_hash), fingerprint=b"f"
        )

    def _captions(self, audio_hash: str) -> tuple[NewCaption, ...]:
        texts = {
            "music": f"music {audio_hash[:8]} {self.versions.listening}",
            "scene": f"scene {audio_hash[:8]} {self.versions.writing}",
        }
        vectors = WordEmbedder().encode(list(texts.values())).astype("<f2")
        return tuple(
            NewCaption(
                segment=0, kind=kind, text=text, origin="model", rank=0, vector=vector.tobytes()
            )
            for (kind, text), vector in zip(texts.items(), vectors, strict=True)
        )


class Told(ScanProgress):
    """What a scan told of its progress."""

    def __init__(self) -> None:
        self.found = self.total = 0
        self.done: list[str] = []
        self.failures: list[Failure] = []

    def walked(self, files: int) -> None:
        self.found = files

    def begin(self, total: int) -> None:
        self.total = total

    def stored(self, path: str) -> None:
        self.done.append(Path(path).name)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)


def run(
    library: Library,
    *roots: Path,
    engine: QuickEngine | None = None,
    options: ScanOptions | None = None,
) -> tuple[ScanReport, QuickEngine, Told]:
    """Scan some folders."""
    engine, told = engine or QuickEngine(), Told()
    report = scan(
        roots,
        library=library,
        engine=engine,
        versions=engine.versions,
        progress=told,
        stop=engine.stop,
        options=options,
    )
    return report, engine, told


def names(library: Library) -> set[str]:
    """Names of the files whose tracks are ready."""
    ready = library.catalogue.tracks(list(library.catalogue.track_ids()))
    return {Path(track.path).name for track in ready.values()}


def ids(library: Library) -> dict[str, UUID]:
    """Name of the file -> track, of those that are there."""
    return {
        Path(file.path).name: file.track_id
        for file in library.catalogue.known_files().values()
        if file.status == "ready"
    }


def scenes(library: Library, track_id: UUID) -> list[str]:
    """Every caption of a track."""
    return sorted(caption.text for caption in library.catalogue.track(track_id).captions)


def open_library(location: str, folder: Path) -> Library:
    """An empty library with an embedder that needs no model."""
    folder.mkdir()
    embedder = cast("TextEmbedder", WordEmbedder())
    return Library(Catalogue.open(location), folder / "vectors", embedder)


def tone(path: Path, frequency: float, *, seconds: float = 1, artist: str = "") -> Path:
    """A file that holds one tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform = sine(frequency, seconds=seconds, sample_rate=SAMPLE_RATE)
    metadata = {"artist": artist} if artist else {}
    return write_audio(path, waveform, sample_rate=SAMPLE_RATE, metadata=metadata)


def make_music(folder: Path) -> Path:
    """Three tones, one of them in a folder of its own."""
    for number, name in enumerate(("a.wav", "b.wav", "deep/c.flac")):
        tone(folder / name, 220.0 * (number + 1))
    return folder
