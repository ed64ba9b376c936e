"""Makes the pieces: each once, kept in a file by what decides it."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from musiscene.errors import GenerationError, GeneratorMissingError, MusiSceneError
from musiscene.evaluation.background_music.kept import Kept, key_of
from musiscene.evaluation.background_music.sound import SoundCheck, check_sound
from musiscene.generate.files import write_music
from musiscene.generate.protocol import MAX_SEED, MusicRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musiscene.generate.protocol import MusicGenerator
    from musiscene.progress import ProgressReport


class Job(NamedTuple):
    """One piece that is wanted."""

    system: str
    """What asks for it."""
    clip_id: str
    """What it is for."""
    take: int
    """From 0."""
    prompt: str
    """As the backend gets it."""


class Backend(NamedTuple):
    """What makes the music."""

    generator: MusicGenerator
    """Makes it."""
    name: str
    """As the person spelt it."""
    model: str
    """As the person spelt it; empty for the backend's own choice."""


class MadePiece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece that was made."""

    key: str
    """Of everything that decides it; also the file's name."""
    backend: str
    """As in `musiscene.generate.protocol.Provenance`."""
    model: str
    """Likewise."""
    weights_licence: str
    """Likewise."""
    commercial_use: Literal["yes", "no", "unknown"]
    """Likewise."""
    prompt: str
    """Likewise."""
    seconds: float
    """Likewise."""
    seed: int
    """Likewise."""
    sound: SoundCheck
    """Of the piece as it was made."""


class Studio:
    """Makes pieces, and keeps them in a folder: one model for each folder.

    Args:
        backend: Makes the music.
        folder: `pieces.jsonl` and the pieces, FLAC.
        seconds: Of every piece.
        seed: Of the run.

    Raises:
        MusiSceneError: If the folder cannot be used.
    """

    def __init__(self, backend: Backend, folder: Path, *, seconds: float, seed: int) -> None:
        self._backend = backend
        self._folder = folder
        self._seconds = seconds
        self._seed = seed
        self._kept = Kept(folder / "pieces.jsonl", MadePiece)

    def file_of(self, piece: MadePiece) -> Path:
        """Where a piece lies."""
        return self._folder / f"{piece.key}.flac"

    def make(
        self, jobs: Sequence[Job], report: ProgressReport, fail: Callable[[str, str], None]
    ) -> dict[Job, MadePiece]:
        """Make what has not been made.

        Args:
            jobs: Any number; the same prompt with the same seed is made once.
            report: Is told how many are done.
            fail: Is told of a piece that cannot be made, and why; the rest goes on.

        Returns:
            The pieces.

        Raises:
            GeneratorMissingError: If the backend cannot make anything.
            MusiSceneError: If the folder holds music of another model, or cannot be written.
        """
        made = {}
        failed = 0
        for number, job in enumerate(jobs):
            report("Making music", number, len(jobs), note=f"{failed} failed" if failed else "")
            seed = seed_of(job, self._seed)
            key = key_of(self._backend.name, self._backend.model, job.prompt, self._seconds, seed)
            if key not in self._kept or not (self._folder / f"{key}.flac").is_file():
                try:
                    self._kept.keep(key, self._make(job, seed, key))
                except GeneratorMissingError:
                    raise
                except GenerationError as error:
                    failed += 1
                    fail(f"{job.clip_id}, {job.system}, take {job.take}", str(error))
                    continue
            made[job] = self._kept[key]
        report("Making music", len(jobs), len(jobs), note=f"{failed} failed" if failed else "")
        return made

    def _make(self, job: Job, seed: int, key: str) -> MadePiece:
        request = MusicRequest(prompt=job.prompt, seconds=self._seconds, seed=seed)
        music = self._backend.generator.generate(
            request, progress=lambda _stage, _share: None, stop=Event()
        )
        source = music.provenance
        for earlier in self._kept.rows()[:1]:
            if earlier.model != source.model:
                raise MusiSceneError(
                    f"{self._folder}: holds music by {earlier.model}, and this is {source.model}; "
                    "name another folder with --out"
                )
        piece = MadePiece(
            key=key,
            backend=source.backend,
            model=source.model,
            weights_licence=source.weights_licence,
            commercial_use=source.commercial_use,
            prompt=source.prompt,
            seconds=source.seconds,
            seed=source.seed,
            sound=check_sound(music.waveform, sample_rate=music.sample_rate),
        )
        write_music(music, self.file_of(piece), title=job.prompt[:120])
        return piece


def seed_of(job: Job, seed: int) -> int:
    """The seed of a job: the same for all captions of a clip, another for every clip and take.

    Args:
        job: The job.
        seed: Of the run.

    Returns:
        0 to `MAX_SEED`.
    """
    return int(key_of(seed, job.clip_id, job.take), 16) % (MAX_SEED + 1)
