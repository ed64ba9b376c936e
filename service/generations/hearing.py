"""Takes of a piece, heard by what listens to the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.engines.jobs import Failed, Imagined, Job
from indexer.walk import FoundFile
from musiscene.errors import GenerationError, GenerationStoppedError
from musiscene.generate.check import HeardTake, heard_take

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

    from indexer.engines.jobs import Engine


class EngineListener:
    """Hears music that was made; see `musiscene.generate.takes.TakeListener`.

    Args:
        engine: Of a scan that is not running.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, paths: Sequence[Path], *, stop: Event) -> list[HeardTake]:
        """Hear some pieces, and imagine scenes for them.

        Args:
            paths: Of the files.
            stop: Set when it is not wanted any more.

        Returns:
            What is heard in each, in their order.

        Raises:
            GenerationStoppedError: If it was stopped.
            GenerationError: If a piece cannot be heard.
        """
        jobs = iter([Job(file=_found(path), kind="hear", must_hear=True) for path in paths])
        heard: dict[str, HeardTake] = {}

        def next_job() -> Job | None:
            return None if stop.is_set() else next(jobs, None)

        for outcome in self._engine.run(next_job, frozenset()):
            if isinstance(outcome, Failed):
                raise GenerationError(f"the music cannot be heard: {outcome.reason}")
            if isinstance(outcome, Imagined):
                scenes = (one.text for one in outcome.captions if one.kind == "scene")
                heard[outcome.job.file.path] = heard_take(outcome.listening, scenes)
        if stop.is_set():
            raise GenerationStoppedError
        return [heard[str(path)] for path in paths]


def _found(path: Path) -> FoundFile:
    status = path.stat()
    return FoundFile(path=str(path), size_bytes=status.st_size, modified_ns=status.st_mtime_ns)
