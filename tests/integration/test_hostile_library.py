"""A scan of hostile files through real decoder processes: none crashes it, none is passed over."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from indexer.engines import local
from indexer.engines.apart import ProcessApart
from indexer.engines.local import LocalEngine
from indexer.library import Library
from indexer.pipeline import scan
from indexer.progress import ScanProgress
from musiscene.audio.limits import AudioLimits
from tests.support.hostile_audio import Corpus, write_corpus
from tests.support.listening import WordEmbedder, new_catalogue
from tests.support.quick_cli import VERSIONS, WaitingModel, instead

if TYPE_CHECKING:
    from indexer.engines.split_model import EngineModel
    from musiscene.embed import TextEmbedder

pytestmark = pytest.mark.integration

LEAST = 200
MEMORY_MIB = 512
TIMEOUT_SECONDS = 20.0
READABLE_CHARACTERS = 300


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder: Path = tmp_path_factory.mktemp("music")
    return write_corpus(folder)


def test_no_file_stops_a_scan_or_is_passed_over(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert len(corpus.hostile) >= LEAST
    monkeypatch.setattr(local, "fingerprint", instead(None))
    died: list[str] = []
    how = ProcessApart._how_it_died

    def note(process: ProcessApart) -> str:
        died.append(how(process))
        return died[-1]

    monkeypatch.setattr(ProcessApart, "_how_it_died", note)
    peaks: list[float] = []
    end = ProcessApart.end

    def note_peak(process: ProcessApart) -> None:
        if process._process is not None and process._process.is_alive():
            peaks.append(_peak_mib(process.pid))
        end(process)

    monkeypatch.setattr(ProcessApart, "end", note_peak)
    embedder = cast("TextEmbedder", WordEmbedder())
    limits = AudioLimits(timeout_seconds=TIMEOUT_SECONDS)
    model = cast("EngineModel", WaitingModel())
    with (
        socket.socket() as listener,
        Library(new_catalogue(tmp_path), tmp_path / "v", embedder) as (library),
    ):
        listener.bind(("127.0.0.1", 0))
        report = scan(
            [corpus.good[-1].parent],
            library=library,
            engine=LocalEngine(lambda: model, tmp_path / "spool", limits=limits),
            versions=VERSIONS,
            progress=ScanProgress(),
            stop=threading.Event(),
        )
        tracks = set(library.catalogue.known_files())
    reasons = {failure.path: failure.reason for failure in report.failures}
    assert report.status == "finished"
    assert {str(path) for path in corpus.good} <= tracks
    audio = {str(path) for path in corpus.hostile if path.suffix not in {".m3u8", ".mpd", ".sdp"}}
    assert audio - reasons.keys() - tracks - _folders(audio) == set()
    assert not reasons.keys() & tracks
    assert max(map(len, reasons.values())) <= READABLE_CHARACTERS
    assert all(reason.isprintable() for reason in reasons.values())
    assert died == []
    assert peaks
    assert max(peaks) < MEMORY_MIB + 200, "a decoder used more than its base and its limit"


def _peak_mib(pid: int | None) -> float:
    """The most memory that a process has held so far."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory")


def _folders(paths: set[str]) -> set[str]:
    """Those that a walk goes into and does not name."""
    return {path for path in paths if Path(path).is_dir()}
