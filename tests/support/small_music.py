"""Files of some bytes that stand for music, and an engine that reads them: scans in milliseconds.

A file is a line of tags and then its audio; audio that begins with `BROKEN` cannot be decoded. All
that an engine makes of it follows from the audio and the versions of the models, so that what a
catalogue holds can be told to be right or wrong without knowing how it came to be.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec
import numpy as np

from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import NewCaption
from indexer.engines.jobs import Failed, Identified, Imagined
from indexer.library import Library
from indexer.pipeline import ScanOptions, ScanReport, scan
from indexer.progress import ScanProgress
from musiscene.audio.read import AudioInfo
from musiscene.audio.tempo import TempoEstimate
from musiscene.writer import ModelVersions
from tests.support.listening import WordEmbedder, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from indexer.engines.jobs import Job, Outcome
    from musiscene.embed import TextEmbedder
    from musiscene.listen import Listening

BROKEN = b"BROKEN"
CATALOGUE = "catalogue.sqlite"


class Versions(NamedTuple):
    """Of the models, as numbers that go up."""

    ears: int = 1
    words: int = 1
    embedder: int = 1


FIRST = Versions()


class Content(NamedTuple):
    """What a file holds."""

    artist: str
    audio: bytes

    @property
    def is_broken(self) -> bool:
        return self.audio.startswith(BROKEN)

    @property
    def is_seen_at_once(self) -> bool:
        """Whether it shows before anything is decoded that this is broken."""
        return int(self.audio_hash[0], 16) % 2 == 0

    @property
    def audio_hash(self) -> str:
        return hashlib.sha256(self.audio).hexdigest()


def write(path: Path, audio: bytes, *, artist: str = "") -> Path:
    """Make a file, or replace what it holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(artist.encode() + b"\n" + audio)
    return path


def read(path: Path) -> Content:
    """What a file holds."""
    artist, _, audio = path.read_bytes().partition(b"\n")
    return Content(artist.decode(), audio)


def texts(audio_hash: str, *, ears: int, words: int) -> tuple[str, str]:
    """The music caption and the scene caption of some audio."""
    return f"music {audio_hash[:8]} ears{ears}", f"scene {audio_hash[:8]} ears{ears} words{words}"


class SmallEmbedder(WordEmbedder):
    """Every version turns its vectors another way."""

    dimension = 16

    def __init__(self, version: int = 1) -> None:
        self.number = version
        self.version = f"small-{version}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32, shape (texts, dimension)."""
        rows = []
        for text in texts:
            digest = hashlib.sha256(f"{self.number} {text}".encode()).digest()
            rows.append(np.frombuffer(digest[: self.dimension], np.int8).astype(np.float32) + 0.5)
        made = np.array(rows, np.float32).reshape(len(rows), self.dimension)
        unit: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
        return unit


class SmallEngine:
    """Reads small files, several at once and in no order, as the real engines do.

    Args:
        versions: Of its models.
        seed: Of the order in which the jobs in flight go on.
        ahead: So many are in flight.
        stop_after: Sets `stop` after so many outcomes.
    """

    def __init__(
        self,
        versions: Versions = FIRST,
        *,
        seed: int = 0,
        ahead: int = 3,
        stop_after: int | None = None,
    ) -> None:
        self.models = versions
        self.versions = ModelVersions(
            listening=f"ears-{versions.ears}", writing=f"words-{versions.words}"
        )
        self.stop = threading.Event()
        self.heard = 0
        self._order = random.Random(seed)  # noqa: S311  an order, no secret
        self._ahead = ahead
        self._stop_after = stop_after

    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        """One outcome for each job, each after two steps."""
        flying: list[tuple[Job, Listening | None]] = []
        while True:
            while len(flying) < self._ahead and (job := next_job()) is not None:
                flying.append((job, job.listening if job.kind == "imagine" else None))
            if not flying:
                return
            job, heard = flying.pop(self._order.randrange(len(flying)))
            if heard is None:
                read = self._read(job, settled)
                if isinstance(read, (Failed, Identified)):
                    yield read
                else:
                    flying.append((job, read))
                continue
            if self._stop_after is not None:
                self._stop_after -= 1
                if self._stop_after < 0:
                    self.stop.set()
            captions = self._captions(heard)
            yield Imagined(job=job, listening=heard, captions=captions, fingerprint=None)

    def _read(self, job: Job, settled: Collection[str]) -> Failed | Identified | Listening:
        path = Path(job.file.path)
        try:
            size_bytes, content = path.stat().st_size, read(path)
        except OSError as error:
            reason = str(error.strerror)
            return Failed(job=job, stage="decode", reason=reason, is_lasting=False)
        if content.is_broken and (job.kind != "identify" or content.is_seen_at_once):
            return Failed(job=job, stage="decode", reason="is broken", is_lasting=True)
        info = AudioInfo(
            path=str(path),
            size_bytes=size_bytes,
            container="small",
            codec="small",
            duration_seconds=1.0,
            sample_rate=16_000,
            channels=1,
            artist=content.artist or None,
        )
        is_known = content.audio_hash in settled and job.kind == "hear" and not job.must_hear
        if job.kind == "identify" or is_known:
            return Identified(job=job, info=info, audio_hash=content.audio_hash)
        self.heard += 1
        return msgspec.structs.replace(
            listening(audio_hash=content.audio_hash, segments=1),
            info=info,
            tempo=TempoEstimate(bpm=100.0 + self.models.ears, confidence=0.9),
        )

    def _captions(self, heard: Listening) -> tuple[NewCaption, ...]:
        ears = round(heard.tempo.bpm) - 100
        made = texts(heard.audio_hash, ears=ears, words=self.models.words)
        vectors = SmallEmbedder(self.models.embedder).encode(made).astype("<f2")
        return tuple(
            NewCaption(
                segment=0, kind=kind, text=text, origin="model", rank=0, vector=vector.tobytes()
            )
            for kind, text, vector in zip(("music", "scene"), made, vectors, strict=True)
        )


def empty_catalogue(folder: Path) -> Path:
    """An empty catalogue's file, to be copied: making one takes longer than a scan."""
    folder.mkdir(parents=True, exist_ok=True)
    Catalogue.open(folder / CATALOGUE).close()
    return folder / CATALOGUE


def open_library(data_dir: Path, versions: Versions = FIRST, *, like: Path) -> Library:
    """Open the library in a folder, at first a copy of an empty catalogue."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if not (data_dir / CATALOGUE).exists():
        shutil.copy(like, data_dir / CATALOGUE)
    embedder = cast("TextEmbedder", SmallEmbedder(versions.embedder))
    return Library(Catalogue.open(data_dir / CATALOGUE), data_dir / "vectors", embedder)


def scan_small(
    library: Library,
    *roots: Path,
    engine: SmallEngine,
    options: ScanOptions | None = None,
) -> ScanReport:
    """Scan some folders of small files."""
    return scan(
        roots,
        library=library,
        engine=engine,
        versions=engine.versions,
        progress=ScanProgress(),
        stop=engine.stop,
        options=options,
    )
