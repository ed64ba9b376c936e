from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue.rows import NewCaption
from indexer.engines.jobs import Failed, Imagined, Job, Outcome
from musiscene.errors import GenerationError, GenerationStoppedError
from service.generations.hearing import EngineListener
from tests.support.listening import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path


class Backwards:
    """An engine that is done with the last job first, and breaks on `bad` files."""

    def run(
        self,
        next_job: Callable[[], Job | None],
        settled: Collection[str],  # noqa: ARG002
    ) -> Iterator[Outcome]:
        jobs = list(iter(next_job, None))
        for job in reversed(jobs):
            path = job.file.path
            if "bad" in path:
                yield Failed(job=job, stage="decode", reason="no audio", is_lasting=True)
                continue
            captions = tuple(
                NewCaption(segment=0, kind=kind, text=f"{kind} of {path}", origin="model", rank=0,
                           vector=b"")
                for kind in ("music", "scene")
            )  # fmt: skip
            heard = listening(path, bpm=60 + 30 * len(jobs) if path.endswith("a.flac") else 60)
            yield Imagined(job=job, listening=heard, captions=captions, fingerprint=None)


def files(folder: Path, *names: str) -> list[Path]:
    paths = [folder / f"{name}.flac" for name in names]
    for path in paths:
        path.write_bytes(b"music")
    return paths


class TestEngineListener:
    def test_what_is_heard_comes_in_the_order_of_the_files(self, tmp_path: Path):
        paths = files(tmp_path, "a", "b")
        heard = EngineListener(Backwards())(paths, stop=Event())
        assert [one.tempo_bpm for one in heard] == [120.0, 60.0]
        assert [one.scenes for one in heard] == [(f"scene of {path}",) for path in paths]

    def test_a_take_that_cannot_be_heard_is_an_error_with_its_reason(self, tmp_path: Path):
        with pytest.raises(GenerationError, match="no audio"):
            EngineListener(Backwards())(files(tmp_path, "a", "bad"), stop=Event())

    def test_stops(self, tmp_path: Path):
        stop = Event()
        stop.set()
        with pytest.raises(GenerationStoppedError):
            EngineListener(Backwards())(files(tmp_path, "a"), stop=stop)
