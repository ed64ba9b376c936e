"""Runs a generation as a job: music -> a file in the library's folder -> a track of the library.

DATA_DIR/
generated/JOB.flac          the music, with its licence in the tags
generated/JOB.flac.json     its provenance
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.catalogue.generations import GENERATED, NewGeneration
from indexer.catalogue.job_rows import JobProgress
from indexer.fallback import GenerationJob
from musiscene.errors import GenerationError
from service.generations.schemas import GenerationResult
from service.jobs.errors import JobStoppedError
from service.scans.run import ShownProgress

if TYPE_CHECKING:
    from indexer.catalogue.generations import GenerationRow
    from indexer.cli.scanner import Scanner
    from musiscene.generate.backends import BackendOptions
    from service.jobs.task import Task

STEPS: Final = 100


def run_generation(
    task: Task,
    open_scanner: Callable[[], Scanner],
    data_dir: Path,
    options: BackendOptions | None = None,
) -> str:
    """Make music and take it into the library; what an earlier attempt has done is not done again.

    Args:
        task: Holds the request.
        open_scanner: Gives the library and its engine.
        data_dir: The library.
        options: What the settings say of backends.

    Returns:
        The result, as JSON.

    Raises:
        JobStoppedError: If it was stopped before its end.
        LibraryBusyError: If another process is indexing.
        GenerationError: If the music cannot be made.
    """
    from indexer.pipeline import ScanOptions

    asked = msgspec.json.decode(task.job.request, type=GenerationJob)
    scanner = open_scanner()
    generations = scanner.library.catalogue.generations
    made = generations.of_job(task.job.id)
    if made is None or not Path(made.audio_path).is_file():
        # As a scan names it, so that the track is known to be this one.
        audio = Path(os.path.abspath(data_dir / GENERATED / f"{task.job.id}.flac"))  # noqa: PTH100
        made = generations.add(_make(task, asked, audio, scanner, options))
    task.go_on()
    task.report(JobProgress(stage="listening", message="Listening to it", done=STEPS, total=STEPS))
    report = scanner.scan(
        [Path(made.audio_path)],
        progress=ShownProgress(task, stage="listening"),
        stop=task.stop,
        options=ScanOptions(retry=True),
    )
    linked = generations.link(task.job.id)
    if report.status == "interrupted":
        raise JobStoppedError
    if report.failures:
        raise GenerationError(f"the music cannot be indexed: {report.failures[0].reason}")
    return _result(linked or made)


def _make(
    task: Task,
    asked: GenerationJob,
    audio: Path,
    scanner: Scanner,
    options: BackendOptions | None,
) -> NewGeneration:
    """Make the music and write its file."""
    from musiscene.generate.backends import load_backend
    from musiscene.generate.files import write_music, write_sidecar
    from musiscene.generate.protocol import MusicRequest
    from musiscene.generate.takes import Takes
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader
    from service.generations.hearing import EngineListener

    def progress(stage: str, share: float) -> None:
        task.report(
            JobProgress(stage=stage, message="Making music", done=round(share * STEPS), total=STEPS)
        )

    task.go_on()
    request = MusicRequest(
        prompt=asked.prompt, seconds=asked.seconds, seed=asked.seed, hits=asked.hits
    )
    reader = SceneReader.load(scanner.store.folder(SCENE_READER_MODEL))
    backend = load_backend(asked.backend, scanner.store, options, reader=reader)
    music = Takes(backend, EngineListener(scanner.engine), reader).best(
        request, brief=asked.brief, count=asked.takes, progress=progress, stop=task.stop
    )
    write_music(music, audio, title=asked.prompt)
    write_sidecar(music, audio)
    with audio.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    provenance = music.provenance
    return NewGeneration(
        job_id=task.job.id,
        brief=asked.brief,
        prompt=asked.prompt,
        seconds=asked.seconds,
        seed=provenance.seed,
        backend=provenance.backend,
        model_version=provenance.model,
        weights_licence=provenance.weights_licence,
        commercial_use=provenance.commercial_use,
        audio_path=str(audio),
        audio_hash=digest,
        provenance=msgspec.json.encode(provenance).decode(),
    )


def _result(made: GenerationRow) -> str:
    result = GenerationResult(
        track_id=made.track_id, provenance=msgspec.json.decode(made.provenance)
    )
    return msgspec.json.encode(result).decode()
