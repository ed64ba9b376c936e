"""Scans on a Ray cluster of three machines, all of them on this one; only the models are quick."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from indexer.errors import ClusterError
from indexer.library import Library
from indexer.pipeline import scan
from musiscene.packing import pack_listening
from musiscene.writer import ModelVersions
from tests.support.audio import sine, write_audio
from tests.support.cluster import crew, heard_by, ray_engine
from tests.support.listening import WordEmbedder, new_catalogue
from tests.support.scanning import SAMPLE_RATE, QuickEngine, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from ray.cluster_utils import Cluster

    from indexer.engines.jobs import Engine
    from indexer.pipeline import ScanReport
    from musiscene.embed import TextEmbedder

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("cluster")]

FILES = 40
COPIES = 2
MACHINE: dict[str, Any] = {
    "num_cpus": 1,
    "object_store_memory": 80 << 20,
    "node_ip_address": "127.0.0.1",
}
VERSIONS = ModelVersions(listening="ears-1", writing="words-1")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head and two machines beside it, of one core each; they listen on the loopback only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setenv("PYTHONPATH", str(Path.cwd()))
        ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[dev]'")
        from ray.cluster_utils import Cluster

        made = Cluster(
            initialize_head=True,
            head_node_args={**MACHINE, "include_dashboard": False},
        )
        try:
            for _ in range(2):
                made.add_node(wait=False, **MACHINE)
            made.wait_for_nodes()
            terminate = signal.getsignal(signal.SIGTERM)
            ray.init(made.address, log_to_driver=False, logging_level=logging.ERROR)
            signal.signal(signal.SIGTERM, terminate)
            yield made
        finally:
            ray.shutdown()
            made.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for number in range(FILES):
        wave = sine(200.0 + 10.0 * number, seconds=1, sample_rate=SAMPLE_RATE)
        write_audio(folder / f"{number:02}.wav", wave, sample_rate=SAMPLE_RATE)
    for number in range(COPIES):
        (folder / f"copy-{number}.wav").write_bytes((folder / f"{number:02}.wav").read_bytes())
    (folder / "words.wav").write_text("no music at all, only words\n" * 50)
    return folder


@contextmanager
def new_library(folder: Path) -> Iterator[Library]:
    folder.mkdir()
    embedder = cast("TextEmbedder", WordEmbedder())
    with Library(new_catalogue(folder), folder / "vectors", embedder) as library:
        yield library


class Watcher(Told):
    """Does something when so many tracks are stored."""

    def __init__(self, after: int, act: Callable[[], object]) -> None:
        super().__init__()
        self._after, self._act = after, act

    def stored(self, path: str) -> None:
        super().stored(path)
        if len(self.done) == self._after:
            self._act()


def run(
    library: Library,
    root: Path,
    engine: Engine,
    *,
    told: Told | None = None,
    stop: threading.Event | None = None,
) -> ScanReport:
    return scan(
        [root],
        library=library,
        engine=engine,
        versions=VERSIONS,
        progress=told or Told(),
        stop=stop or threading.Event(),
    )


def content(library: Library) -> list[Any]:
    """All that is known of each track, without what differs from run to run."""
    catalogue = library.catalogue
    vectors: defaultdict[UUID, list[bytes]] = defaultdict(list)
    for row in catalogue.vectors(embedder=WordEmbedder.version):
        vectors[row.track_id].append(row.data)
    tracks = []
    for file in catalogue.known_files().values():
        heard = catalogue.heard(file.track_id)
        assert heard is not None
        captions = sorted(caption.text for caption in catalogue.track(file.track_id).captions)
        tracks.append(
            (
                (Path(file.path).name, file.audio_hash, file.status),
                (captions, sorted(vectors[file.track_id])),
                (pack_listening(heard.listening), heard.fingerprint),
            )
        )
    return sorted(tracks)


@pytest.fixture(scope="module")
def expected(music: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    with new_library(tmp_path_factory.mktemp("local") / "data") as library:
        run(library, music, QuickEngine())
        return content(library)


class TestLosses:
    def test_a_file_that_kills_workers_fails_and_the_rest_is_whole(
        self, music: Path, tmp_path: Path, expected: list[Any]
    ):
        poison = music / "poison.wav"
        poison.write_bytes((music / "00.wav").read_bytes() + b"\0")
        try:
            with new_library(tmp_path / "data") as library:
                report = run(library, music, ray_engine(crew(tmp_path / "notes", seconds=0.05)))
                assert content(library) == expected
                assert len(library.vectors()) == 2 * (FILES + COPIES)
        finally:
            poison.unlink()
        reasons = {Path(one.path).name: one.reason for one in report.failures}
        assert set(reasons) == {"poison.wav", "words.wav"}
        assert "3 workers died over it" in reasons["poison.wav"]
        given = [name for names in heard_by(tmp_path / "notes").values() for name in names]
        assert given.count("poison.wav") == 3

    def test_a_machine_killed_in_mid_run_costs_nothing_and_one_that_joins_is_used(
        self, cluster: Cluster, music: Path, tmp_path: Path, expected: list[Any]
    ):
        notes = tmp_path / "notes"

        def replace_a_machine() -> None:
            node = cluster.list_all_nodes()[-1]  # type: ignore[no-untyped-call]
            cluster.remove_node(node, allow_graceful=False)
            cluster.add_node(wait=False, **MACHINE)

        told = Watcher(6, replace_a_machine)
        with new_library(tmp_path / "data") as library:
            report = run(library, music, ray_engine(crew(notes, crowd=4)), told=told)
            assert content(library) == expected
        assert (report.status, report.counts.tracks_indexed) == ("finished", FILES + COPIES)
        assert sorted(told.done) == sorted({*told.done})
        given = [name for names in heard_by(notes).values() for name in names]
        assert len(given) > FILES + COPIES + 1  # what the machine had in hand was given again
        assert len(heard_by(notes)) == 4


class TestStopping:
    def test_what_is_in_flight_is_stored(self, music: Path, tmp_path: Path):
        stop = threading.Event()
        with new_library(tmp_path / "data") as library:
            engine = ray_engine(crew(tmp_path / "notes", seconds=0.02))
            told = Watcher(1, stop.set)
            report = run(library, music, engine, told=told, stop=stop)
            assert report.status == "interrupted"
            assert 1 <= len(content(library)) == len(told.done) < FILES

    def test_workers_are_gone_when_it_breaks_off(self, music: Path, tmp_path: Path):
        def interrupt() -> None:
            raise KeyboardInterrupt

        engine, told = ray_engine(crew(tmp_path / "notes", seconds=0.2)), Watcher(1, interrupt)
        with new_library(tmp_path / "data") as library, pytest.raises(KeyboardInterrupt):
            run(library, music, engine, told=told)
        processes = heard_by(tmp_path / "notes")
        deadline = time.monotonic() + 10
        while any(is_running(process) for process in processes):
            assert time.monotonic() < deadline, "workers live on"
            time.sleep(0.1)


class TestRefusing:
    def test_machines_with_other_models_are_not_used(self, music: Path, tmp_path: Path):
        engine = ray_engine(crew(tmp_path / "notes", listening="ears-2"))
        with new_library(tmp_path / "data") as library, pytest.raises(ClusterError) as caught:
            run(library, music, engine)
        assert str(caught.value).count("listening ears-2, writing words-1") >= 3
        assert "127.0.0.1" in str(caught.value)
        assert not heard_by(tmp_path / "notes")


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
