from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from musiscene.audio.read import Recording, read_audio
from musiscene.encoders.musicnn import MusicnnOutput
from musiscene.evaluation.background_music.ear import Ear, Excerpt, HeardPiece, cut
from musiscene.evaluation.background_music.embeddings import MusicnnEmbedder
from musiscene.listen import Listening
from musiscene.progress import ProgressReport
from musiscene.writer import ModelVersions
from tests.support.audio import noise, write_audio
from tests.support.listening import listening

RATE = 16_000


class Listener:
    def __init__(self) -> None:
        self.levels: list[float] = []

    def read(self, path: Path) -> Recording:
        return read_audio(path, sample_rate=RATE)

    def hear(self, recording: Recording) -> Listening:
        self.levels.append(float(np.square(recording.waveform).mean()))
        return listening(recording.info.path, duration_seconds=recording.waveform.size / RATE)


class Model:
    versions = ModelVersions(listening="made", writing="made")

    def __init__(self) -> None:
        self.listener = Listener()
        self.batches: list[int] = []

    def imagine(self, told: list[Listening], **_options: object) -> list[list[Any]]:
        self.batches.append(len(told))
        scene = type("Scene", (), {"text": "a park"})
        return [[type("Segment", (), {"scene_captions": (scene,)})] for _ in told]


class Tagger:
    def listen(self, waveform: np.ndarray) -> MusicnnOutput:
        count = max(waveform.size // (3 * RATE), 1)
        return MusicnnOutput(
            starts_seconds=np.arange(count, dtype=np.float64),
            tags={name: np.full((count, 50), 0.25, np.float32) for name in ("mtt", "msd")},
            penultimate={name: np.ones((count, 4), np.float32) for name in ("mtt", "msd")},
        )


def hear(
    model: Model, path: Path, excerpts: list[Excerpt]
) -> tuple[dict[Excerpt, HeardPiece], list[str]]:
    failures: list[str] = []
    ear = Ear(cast("Any", model), cast("Any", Tagger()), MusicnnEmbedder(), path, seed=0)
    found = ear.hear(excerpts, "Listening", ProgressReport(), lambda item, _: failures.append(item))
    return found, failures


class TestEar:
    def test_loud_and_quiet_music_is_heard_at_one_level(self, tmp_path: Path):
        paths = [tmp_path / "quiet.wav", tmp_path / "loud.wav"]
        for path, amplitude in zip(paths, (0.003, 0.1), strict=True):
            samples = noise(seconds=6, sample_rate=RATE, amplitude=amplitude)
            write_audio(path, samples, sample_rate=RATE)
        model = Model()
        excerpts = [Excerpt(path, 6.0, with_scene=True) for path in paths]
        found, failures = hear(model, tmp_path / "heard.jsonl", excerpts)
        assert failures == []
        quiet, loud = model.listener.levels
        assert quiet == pytest.approx(loud, rel=0.05)
        first, second = (found[one].sound.loudness_lufs for one in excerpts)
        assert first is not None
        assert second is not None
        assert second - first == pytest.approx(20 * np.log10(0.1 / 0.003), abs=0.5)
        assert found[excerpts[0]].scene == "a park"
        assert found[excerpts[0]].embeddings.shape == (2, 4)
        assert found[excerpts[0]].all_tags.shape == (100,)

    def test_what_was_heard_is_not_heard_again_until_the_file_changes(self, tmp_path: Path):
        path = tmp_path / "a.wav"
        write_audio(path, noise(seconds=3, sample_rate=RATE), sample_rate=RATE)
        excerpt = Excerpt(path, 3.0, with_scene=False)
        first, _ = hear(Model(), tmp_path / "heard.jsonl", [excerpt])
        model = Model()
        again, _ = hear(model, tmp_path / "heard.jsonl", [excerpt, excerpt])
        assert again == first
        assert model.listener.levels == model.batches == []
        write_audio(path, noise(seconds=4, sample_rate=RATE, seed=1), sample_rate=RATE)
        hear(model, tmp_path / "heard.jsonl", [excerpt])
        assert len(model.listener.levels) == 1

    def test_files_that_cannot_be_heard_are_listed(self, tmp_path: Path):
        torn = tmp_path / "torn.wav"
        torn.write_bytes(b"RIFF")
        gone = tmp_path / "gone.wav"
        excerpts = [Excerpt(path, 3.0, with_scene=True) for path in (torn, gone)]
        found, failures = hear(Model(), tmp_path / "heard.jsonl", excerpts)
        assert found == {}
        assert failures == [str(torn), str(gone)]


class TestCut:
    def test_takes_the_middle(self, tmp_path: Path):
        path = tmp_path / "a.wav"
        write_audio(path, noise(seconds=4, sample_rate=RATE), sample_rate=RATE)
        whole = read_audio(path, sample_rate=RATE)
        numbered = msgspec.structs.replace(whole, waveform=np.arange(4 * RATE, dtype=np.float32))
        assert cut(numbered, 2.0).waveform.tolist() == list(range(RATE, 3 * RATE))
        assert cut(numbered, 9.0) is numbered
