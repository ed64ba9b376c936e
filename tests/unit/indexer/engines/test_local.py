from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import pytest

from indexer.engines import local
from indexer.engines.captions import captions_of
from indexer.engines.decoder import RefusedAudioError
from indexer.engines.jobs import Failed, Identified, Imagined, Job
from indexer.engines.local import LocalEngine
from indexer.errors import SpoolError
from indexer.walk import FoundFile
from musiscene.audio.read import AudioInfo, Identity, Recording
from musiscene.encoders.features import AudioFeatures
from musiscene.errors import ModelIntegrityError
from musiscene.imagine import SceneCaption
from musiscene.track_imaginer import ImaginedSegment
from tests.support.listening import WordEmbedder, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from indexer.catalogue.rows import NewCaption
    from indexer.engines.jobs import Outcome
    from indexer.engines.split_model import EngineModel
    from musiscene.embed import TextEmbedder
    from musiscene.listen import Listening

SEGMENTS = 4
EMBEDDER = cast("TextEmbedder", WordEmbedder())
NO_FEATURES = AudioFeatures(
    track=np.zeros((0, 0), np.float32), segments=np.zeros((1, 0, 0), np.float32)
)


class FakeDecoder:
    """Every file holds its own name; some names are trouble."""

    alive = 0

    def __init__(self, spool: Path, **_: object) -> None:
        self.spool = spool
        FakeDecoder.alive += 1

    def close(self) -> None:
        FakeDecoder.alive -= 1

    def identify(self, path: str) -> Identity:
        self._meet_trouble(path)
        return Identity(info=_info(path), audio_hash=Path(path).name)

    def decode(self, path: str) -> Recording:
        self._meet_trouble(path)
        return Recording(
            info=_info(path),
            waveform=np.zeros(16_000, np.float32),
            sample_rate=16_000,
            loudness_lufs=-20.0,
            audio_hash=Path(path).name,
        )

    def _meet_trouble(self, path: str) -> None:
        if "bad" in path:
            raise RefusedAudioError(path, "is bad", is_lasting=True)
        if "full" in path:
            raise SpoolError("no room")
        if "odd" in path:
            raise RuntimeError("never thought of")


def _info(path: str) -> AudioInfo:
    return AudioInfo(
        path=path,
        size_bytes=1,
        container="wav",
        codec="pcm",
        duration_seconds=1.0,
        sample_rate=16_000,
        channels=1,
    )


class FakeModel:
    """Hears and imagines at once; notes its batches."""

    def __init__(self, *, needs_features: bool = False) -> None:
        self.needs_features = needs_features
        self.listener = self
        self.batches: list[list[str]] = []
        self.heard: list[str] = []

    def hear(self, recording: Recording) -> Listening:
        name = recording.audio_hash
        if "deaf" in name:
            raise ZeroDivisionError
        self.heard.append(name)
        return listening(name, audio_hash=name, segments=SEGMENTS)

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        cores: int = 1,  # noqa: ARG002
    ) -> list[tuple[NewCaption, ...]]:
        names = [heard.audio_hash for heard in listenings]
        self.batches.append(names)
        if any("dull" in name for name in names):
            raise ZeroDivisionError
        if any("ctrl-c" in name for name in names):
            raise KeyboardInterrupt
        imagined = [
            tuple(
                ImaginedSegment(
                    start_seconds=segment.start_seconds,
                    end_seconds=segment.end_seconds,
                    music_caption=f"music of {heard.audio_hash}",
                    scene_captions=tuple(
                        SceneCaption(text=f"scene {rank} of {heard.audio_hash}", origin="model")
                        for rank in range(2)
                    ),
                )
                for segment in heard.segments
            )
            for heard in listenings
        ]
        return captions_of(imagined, EMBEDDER)


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "Decoder", FakeDecoder)
    monkeypatch.setattr(local, "fingerprint", lambda *_, **__: b"f")


def job(name: str, **more: Any) -> Job:  # noqa: ANN401  fields of any type
    return Job(file=FoundFile(f"/music/{name}", 1, 1), **{"kind": "hear", **more})


class Feed:
    """Gives jobs and notes how many are under way."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(list(jobs))
        self.in_flight = self.most = 0
        self.stop = threading.Event()

    def __call__(self) -> Job | None:
        found = None if self.stop.is_set() else next(self._jobs, None)
        if found is not None:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        return found


def engine_of(model: FakeModel, spool: Path) -> LocalEngine:
    return LocalEngine(lambda: cast("EngineModel", model), spool, cores=2)


def outcomes(
    engine: LocalEngine,
    feed: Feed,
    settled: Collection[str] = (),
    told: Callable[[Outcome], None] = lambda _: None,
) -> dict[str, Outcome]:
    found = {}
    for outcome in engine.run(feed, settled):
        feed.in_flight -= 1
        found[Path(outcome.job.file.path).name] = outcome
        told(outcome)
    return found


class TestRun:
    def test_every_job_has_one_outcome_with_all_captions(self, tmp_path: Path):
        model = FakeModel()
        found = outcomes(engine_of(model, tmp_path / "spool"), Feed(job(f"{n}") for n in range(40)))
        assert len(found) == 40
        for name, outcome in found.items():
            assert isinstance(outcome, Imagined)
            texts = [caption.text for caption in outcome.captions]
            assert len(texts) == 3 * SEGMENTS
            assert all(text.endswith(f"of {name}") for text in texts)
            wanted = WordEmbedder().encode(texts).astype("<f2")
            assert [caption.vector for caption in outcome.captions] == [
                row.tobytes() for row in wanted
            ]
            assert outcome.fingerprint == b"f"

    def test_tracks_are_imagined_together_and_few_are_in_flight(self, tmp_path: Path):
        model = FakeModel()
        feed = Feed(job(f"{n}") for n in range(200))
        outcomes(engine_of(model, tmp_path / "spool"), feed)
        full = local.BATCH_SEGMENTS // SEGMENTS
        assert max(len(batch) for batch in model.batches) <= full + 8
        assert len(model.batches) < 40
        assert feed.most <= full + 16

    def test_no_jobs_load_no_model(self, tmp_path: Path):
        def load() -> EngineModel:
            raise AssertionError

        engine = LocalEngine(load, tmp_path / "spool", cores=1)
        assert list(engine.run(lambda: None, ())) == []
        jobs = iter([job("known"), job("x", kind="identify"), job("bad")])
        kinds = [type(one) for one in engine.run(lambda: next(jobs, None), {"known"})]
        assert sorted(kind.__name__ for kind in kinds) == ["Failed", "Identified", "Identified"]

    def test_jobs_that_come_after_an_outcome_are_done(self, tmp_path: Path):
        waiting = [job("first")]

        def told(outcome: Outcome) -> None:
            if outcome.job.file.path.endswith("first"):
                waiting.append(job("second"))

        engine = engine_of(FakeModel(), tmp_path / "spool")
        names = []
        for outcome in engine.run(lambda: waiting.pop() if waiting else None, ()):
            names.append(Path(outcome.job.file.path).name)
            told(outcome)
        assert names == ["first", "second"]

    def test_a_stop_finishes_what_is_in_flight(self, tmp_path: Path):
        feed = Feed(job(f"{n}") for n in range(1000))
        engine = engine_of(FakeModel(), tmp_path / "spool")
        found = outcomes(engine, feed, told=lambda _: feed.stop.set())
        assert feed.in_flight == 0
        assert 0 < len(found) < 100
        assert all(isinstance(one, Imagined) for one in found.values())

    def test_nothing_is_left_behind(self, tmp_path: Path):
        (tmp_path / "spool").mkdir()
        (tmp_path / "spool" / "old.f32").write_bytes(b"left by a killed process")
        before = threading.active_count()
        outcomes(engine_of(FakeModel(), tmp_path / "spool"), Feed([job("a")]))
        assert FakeDecoder.alive == 0
        assert not (tmp_path / "spool").exists()
        assert threading.active_count() == before


class TestKnown:
    def test_audio_that_was_heard_is_recognised_unless_it_must_be_heard(self, tmp_path: Path):
        model = FakeModel()
        jobs = [job("a"), job("b", must_hear=True), job("c")]
        found = outcomes(engine_of(model, tmp_path / "spool"), Feed(jobs), {"a", "b"})
        assert isinstance(found["a"], Identified)
        assert isinstance(found["b"], Imagined)
        assert sorted(model.heard) == ["b", "c"]

    def test_what_was_heard_before_is_imagined_without_the_file(self, tmp_path: Path):
        model = FakeModel()
        before = listening("old", audio_hash="old", segments=SEGMENTS)
        jobs = [job("bad", kind="imagine", listening=before)]
        found = outcomes(engine_of(model, tmp_path / "spool"), Feed(jobs), {"old"})
        assert isinstance(found["bad"], Imagined)
        assert model.heard == []

    @pytest.mark.parametrize("track_id", [None, "some track"])
    def test_a_model_with_an_ear_hears_again_what_was_not_kept(
        self, tmp_path: Path, track_id: str | None
    ):
        """Although the audio is known: else the job would come back for ever."""
        model = FakeModel(needs_features=True)
        whole = listening("whole", audio_hash="whole", segments=SEGMENTS)
        bare = msgspec.structs.replace(
            listening("bare", audio_hash="bare", segments=SEGMENTS), features=NO_FEATURES
        )
        jobs = [
            job(name, kind="imagine", listening=heard, track_id=track_id)
            for name, heard in (("whole", whole), ("bare", bare))
        ]
        found = outcomes(engine_of(model, tmp_path / "spool"), Feed(jobs), {"whole", "bare"})
        assert all(isinstance(one, Imagined) for one in found.values())
        assert model.heard == ["bare"]


class TestTrouble:
    @pytest.mark.parametrize(
        ("name", "stage", "says", "is_lasting"),
        [
            ("bad", "decode", "is bad", True),
            ("odd", "decode", "never thought of", False),
            ("deaf", "listen", "ZeroDivisionError", False),
            ("dull", "imagine", "ZeroDivisionError", False),
        ],
    )
    def test_an_error_costs_one_track(
        self, tmp_path: Path, name: str, stage: str, says: str, *, is_lasting: bool
    ):
        jobs = [job(f"{n}") for n in range(5)] + [job(name)] + [job(f"{n}") for n in range(5, 9)]
        found = outcomes(engine_of(FakeModel(), tmp_path / "spool"), Feed(jobs))
        failed = found.pop(name)
        assert isinstance(failed, Failed)
        assert (failed.stage, failed.is_lasting) == (stage, is_lasting)
        assert says in failed.reason
        assert len(found) == 9
        assert all(isinstance(one, Imagined) for one in found.values())

    def test_a_model_that_cannot_be_loaded_is_no_fault_of_the_files(self, tmp_path: Path):
        def load() -> EngineModel:
            raise ModelIntegrityError("tiny", "is damaged")

        engine = LocalEngine(load, tmp_path / "spool", cores=1)
        with pytest.raises(ModelIntegrityError):
            outcomes(engine, Feed([job("a"), job("b")]))

    @pytest.mark.parametrize(
        ("name", "error"), [("full", SpoolError), ("ctrl-c", KeyboardInterrupt)]
    )
    def test_what_stops_everything_comes_through_and_leaves_nothing_behind(
        self, tmp_path: Path, name: str, error: type[BaseException]
    ):
        engine = engine_of(FakeModel(), tmp_path / "spool")
        with pytest.raises(error):
            outcomes(engine, Feed([*(job(f"{n}") for n in range(30)), job(name)]))
        assert FakeDecoder.alive == 0
        assert not (tmp_path / "spool").exists()

    def test_a_spool_that_cannot_be_made_is_said_in_one_line(self, tmp_path: Path):
        (tmp_path / "spool").write_text("a file")
        (tmp_path / "taken").write_text("a file")
        engine = engine_of(FakeModel(), tmp_path / "taken" / "spool")
        with pytest.raises(SpoolError, match=r"taken/spool: .*nothing is lost"):
            outcomes(engine, Feed([job("a")]))
