"""Scans of real files into a real catalogue; only the models are replaced by something quick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from indexer.errors import LibraryPathError
from indexer.library import Library
from indexer.pipeline import ScanReport, scan
from musiscene.audio.read import Recording, read_audio
from musiscene.imagine import SceneCaption
from musiscene.model import ImaginedSegment, MusiScene
from tests.support.audio import sine, write_audio
from tests.support.listening import WordEmbedder, listening, new_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.catalogue.rows import Failure
    from musiscene.embed import TextEmbedder
    from musiscene.listen import Listening

SAMPLE_RATE = 16_000


class QuickModel:
    """Reads files for real, hears the same in all of them, and notes what it was asked."""

    def __init__(self) -> None:
        self.version = "quick-1"
        self.listener = self
        self.heard: list[str] = []
        self.interrupt_after: int | None = None

    def read(self, path: str) -> Recording:
        return read_audio(path, sample_rate=SAMPLE_RATE)

    def hear(self, recording: Recording) -> Listening:
        name = Path(recording.info.path).name
        if name.startswith("bug"):
            raise RuntimeError("a bug in the models")
        self.heard.append(name)
        template = listening(audio_hash=recording.audio_hash, segments=1)
        return msgspec.structs.replace(template, info=recording.info)

    def imagine(self, listenings: Sequence[Listening]) -> list[tuple[ImaginedSegment, ...]]:
        if self.interrupt_after == 0:
            raise KeyboardInterrupt
        if self.interrupt_after is not None:
            self.interrupt_after -= 1
        return [
            (
                ImaginedSegment(
                    start_seconds=0.0,
                    end_seconds=1.0,
                    music_caption=f"music of {Path(heard.info.path).stem}",
                    scene_captions=(
                        SceneCaption(text=f"scene of {Path(heard.info.path).stem}", origin="model"),
                    ),
                ),
            )
            for heard in listenings
        ]


class Told:
    """What a scan told of its progress."""

    def __init__(self) -> None:
        self.total = 0
        self.done: list[str] = []
        self.listened: list[str] = []
        self.failures: list[Failure] = []

    def begin(self, total: int) -> None:
        self.total = total

    def heard(self, path: str) -> None:
        self.listened.append(Path(path).name)

    def stored(self, path: str) -> None:
        self.done.append(Path(path).name)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    folder = tmp_path / "data"
    folder.mkdir()
    embedder = cast("TextEmbedder", WordEmbedder())
    with Library(new_catalogue(folder), folder / "vectors", embedder) as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number, name in enumerate(("a.wav", "b.wav", "deep/c.flac")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(
            path,
            sine(220.0 * (number + 1), seconds=1, sample_rate=SAMPLE_RATE),
            sample_rate=SAMPLE_RATE,
        )
    return folder


def run(
    library: Library, *roots: Path, model: QuickModel | None = None, prune: bool = False
) -> tuple[ScanReport, QuickModel, Told]:
    model, told = model or QuickModel(), Told()
    report = scan(
        roots, library=library, model=cast("MusiScene", model), progress=told, prune=prune
    )
    return report, model, told


def names(library: Library) -> set[str]:
    ready = library.catalogue.tracks(list(library.catalogue.track_ids()))
    return {Path(track.path).name for track in ready.values()}


class TestScan:
    def test_takes_in_a_library_and_makes_it_searchable(self, library: Library, music: Path):
        report, model, told = run(library, music)
        assert (report.counts.files_found, report.counts.tracks_indexed) == (3, 3)
        assert names(library) == {"a.wav", "b.wav", "c.flac"}
        assert (told.total, sorted(told.done)) == (3, ["a.wav", "b.wav", "c.flac"])
        assert sorted(told.listened) == sorted(told.done)
        assert len(library.vectors()) == 6
        assert sorted(model.heard) == ["a.wav", "b.wav", "c.flac"]

    def test_a_second_scan_hears_nothing_again(self, library: Library, music: Path):
        run(library, music)
        report, model, _ = run(library, music)
        assert (report.counts.tracks_unchanged, report.counts.tracks_indexed) == (3, 0)
        assert model.heard == []

    def test_another_embedder_hears_nothing_again_and_finds_everything(
        self, library: Library, music: Path
    ):
        run(library, music)
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        report, model, _ = run(library, music)
        assert (report.counts.tracks_unchanged, model.heard) == (3, [])
        assert len(library.vectors()) == 6

    def test_a_newer_model_hears_everything_again(self, library: Library, music: Path):
        run(library, music)
        newer = QuickModel()
        newer.version = "quick-2"
        report, _, _ = run(library, music, model=newer)
        assert report.counts.tracks_indexed == 3
        assert len(library.vectors()) == 6

    def test_a_changed_file_is_heard_again_under_its_id(self, library: Library, music: Path):
        run(library, music)
        before = library.catalogue.known_files()[str(music / "a.wav")]
        write_audio(
            music / "a.wav", sine(990, seconds=2, sample_rate=SAMPLE_RATE), sample_rate=SAMPLE_RATE
        )
        report, model, _ = run(library, music)
        after = library.catalogue.known_files()[str(music / "a.wav")]
        assert (report.counts.tracks_indexed, model.heard) == (1, ["a.wav"])
        assert (after.track_id, after.audio_hash != before.audio_hash) == (before.track_id, True)

    def test_a_moved_file_keeps_its_id_and_captions(self, library: Library, music: Path):
        run(library, music)
        before = library.catalogue.known_files()[str(music / "a.wav")].track_id
        (music / "a.wav").rename(music / "deep" / "renamed.wav")
        report, model, _ = run(library, music)
        assert (report.counts.tracks_moved, model.heard) == (1, [])
        after = library.catalogue.known_files()[str(music / "deep" / "renamed.wav")]
        assert after.track_id == before
        assert any(c.text == "scene of a" for c in library.catalogue.track(before).captions)

    def test_a_retagged_file_is_not_heard_again(self, library: Library, music: Path):
        path = music / "tagged.flac"
        tone = sine(440, seconds=1, sample_rate=SAMPLE_RATE)
        write_audio(path, tone, sample_rate=SAMPLE_RATE, metadata={"artist": "Old"})
        run(library, music)
        write_audio(path, tone, sample_rate=SAMPLE_RATE, metadata={"artist": "New name"})
        os.utime(path, ns=(1, 1))
        report, model, _ = run(library, music)
        assert (report.counts.tracks_moved, model.heard) == (1, [])
        known = library.catalogue.known_files()[str(path)]
        assert library.catalogue.track(known.track_id).artist == "New name"

    def test_two_copies_of_a_file_that_is_gone_become_two_tracks(
        self, library: Library, music: Path
    ):
        run(library, music)
        data = (music / "a.wav").read_bytes()
        (music / "a.wav").unlink()
        (music / "x.wav").write_bytes(data)
        (music / "y.wav").write_bytes(data)
        report, _, _ = run(library, music)
        assert (report.counts.tracks_moved, report.counts.tracks_indexed) == (1, 1)
        assert names(library) == {"x.wav", "y.wav", "b.wav", "c.flac"}

    def test_a_file_that_is_gone_is_kept_until_it_comes_back(self, library: Library, music: Path):
        run(library, music)
        content = (music / "b.wav").read_bytes()
        status = (music / "b.wav").stat()
        (music / "b.wav").unlink()
        report, _, _ = run(library, music)
        assert report.counts.tracks_missing == 1
        assert names(library) == {"a.wav", "c.flac"}
        assert len(library.vectors()) == 4
        (music / "b.wav").write_bytes(content)
        os.utime(music / "b.wav", ns=(status.st_atime_ns, status.st_mtime_ns))
        report, model, _ = run(library, music)
        assert (report.counts.tracks_unchanged, model.heard) == (3, [])
        assert names(library) == {"a.wav", "b.wav", "c.flac"}

    def test_pruning_deletes_only_below_the_roots(self, library: Library, music: Path):
        run(library, music)
        (music / "b.wav").unlink()
        (music / "deep" / "c.flac").unlink()
        report, _, _ = run(library, music / "deep", prune=True)
        assert report.tracks_deleted == 1
        assert set(library.catalogue.known_files()) == {str(music / n) for n in ("a.wav", "b.wav")}

    def test_a_bad_file_costs_only_itself(self, library: Library, music: Path):
        (music / "empty.mp3").touch()
        (music / "text.wav").write_text("no music at all, only words\n" * 50)
        (music / "bug.wav").write_bytes((music / "a.wav").read_bytes())
        (music / "gone.wav").symlink_to(music / "nowhere.wav")
        report, _, told = run(library, music)
        assert report.counts.tracks_indexed == 3
        reasons = {Path(failure.path).name: failure for failure in report.failures}
        assert set(reasons) == {"empty.mp3", "text.wav", "bug.wav", "gone.wav"}
        assert (reasons["gone.wav"].stage, reasons["empty.mp3"].stage) == ("walk", "read")
        assert reasons["bug.wav"].reason == "RuntimeError: a bug in the models"
        assert told.failures == report.failures
        assert library.catalogue.scans.failures(report.scan_id) == report.failures

    def test_an_interruption_keeps_what_was_stored(
        self, library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("indexer.pipeline.BATCH_SEGMENTS", 1)
        model = QuickModel()
        model.interrupt_after = 2
        with pytest.raises(KeyboardInterrupt):
            run(library, music, model=model)
        assert len(names(library)) == 2
        assert len(library.vectors()) == 4
        report, _, _ = run(library, music)
        assert (report.counts.tracks_unchanged, report.counts.tracks_indexed) == (2, 1)

    def test_a_root_that_is_not_there_changes_nothing(self, library: Library, music: Path):
        with pytest.raises(LibraryPathError):
            run(library, music, music / "nowhere")
        assert library.catalogue.known_files() == {}

    def test_an_empty_folder_is_a_library_without_tracks(self, library: Library, tmp_path: Path):
        (tmp_path / "empty").mkdir()
        report, _, _ = run(library, tmp_path / "empty")
        assert report.counts.files_found == 0
