"""MusiScene as one object: small models of the real classes hear a made track."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from musiscene.audio.read import read_audio
from musiscene.checkpoints.manifest import write_manifest
from musiscene.checkpoints.native import CheckpointSettings
from musiscene.checkpoints.registry import find_model
from musiscene.checkpoints.store import ModelStore
from musiscene.encoders.features import AudioFeatures
from musiscene.encoders.mert import MertEncoder
from musiscene.language_model import LanguageModel, Sampling
from musiscene.listen import SAMPLE_RATE, Listener
from musiscene.model import MusiScene
from musiscene.music_language_model import MusicLanguageModel
from musiscene.profiles import licences_of
from musiscene.prompts import DESCRIBE_QUESTION, ORIGINAL_INPUT, instruction_prompt
from musiscene.writer import RECIPE_VERSION, ModelVersions, Writer
from tests.support.audio import noise, sine, write_audio
from tests.support.language_model import write_tiny_language_model
from tests.support.listening import listening
from tests.support.mu_llama import import_made, make_mu_llama, write_shards
from tests.support.musicnn import tiny_musicnn_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musiscene.language_model import AudioStates, Completion
    from musiscene.listen import Listening
    from musiscene.track_imaginer import ImaginedSegment

GREEDY = Sampling(max_new_tokens=16, temperature=0.0, stop=())
QUESTION = "How fast is it?"
FIRST_WORD_ID = 3 + 256
"""After the special tokens and those of single bytes."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ready models, with a MusiCNN in it."""
    folder = tmp_path_factory.mktemp("models")
    tagger = folder / "musicnn"
    tagger.mkdir()
    for seed, name in enumerate(["mtt", "msd"]):
        save_file(tiny_musicnn_variables(seed=seed), tagger / f"{name}.safetensors")
    write_manifest(tagger, find_model("musicnn"), "made for a test")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that writes words: without the change it would write bytes of no character."""
    work = tmp_path_factory.mktemp("checkpoint")
    made = make_mu_llama(work)
    made.base["output.weight"][:FIRST_WORD_ID] = 0
    write_shards(made.llama, made.base, made.sizes, 1)
    return import_made(made, work / "imported", prompt="mu-llama").folder


class FolderStore(ModelStore):
    """A store in which what lies there is ready, without a manifest."""

    def folder(self, name: str) -> Path:
        return self.root / name


@pytest.fixture(scope="module")
def hearing(models: Path, checkpoint: Path) -> MusiScene:
    return MusiScene.load(FolderStore(models), checkpoint=checkpoint)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 24 s: a soft tone, and then noise."""
    waveform = np.concatenate([sine(330, seconds=12, amplitude=0.05), noise(seconds=12)])
    path = tmp_path_factory.mktemp("tracks") / "track.wav"
    return write_audio(path, waveform, sample_rate=44_100)


@pytest.fixture(scope="module")
def heard(hearing: MusiScene, track: Path) -> Listening:
    return hearing.listen(track)


def heard_as(heard: Listening, *, seed: int) -> Listening:
    """The same track, except for what the encoder hears in it."""
    rng = np.random.default_rng(seed)
    features = AudioFeatures(
        track=rng.normal(size=heard.features.track.shape).astype(np.float32),
        segments=rng.normal(size=heard.features.segments.shape).astype(np.float32),
    )
    return msgspec.structs.replace(heard, features=features)


@pytest.fixture
def asked(hearing: MusiScene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every prompt that is put to the language model, in order."""
    prompts: list[str] = []
    language_model = hearing._writer.language_model
    complete, stream = language_model.complete, language_model.stream

    def noted_complete(
        prefix: str, continuations: list[str], *given: object, **named: object
    ) -> list[list[Completion]]:
        prompts.extend(prefix + text for text in continuations)
        return complete(prefix, continuations, *given, **named)  # type: ignore[arg-type]

    def noted_stream(prompt: str, *given: object, **named: object) -> Iterator[str]:
        prompts.append(prompt)
        return stream(prompt, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(language_model, "complete", noted_complete)
    monkeypatch.setattr(language_model, "stream", noted_stream)
    return prompts


class TestListen:
    def test_the_checkpoints_encoder_gives_the_features(self, heard: Listening):
        assert heard.features.track.shape == (3, 16)
        assert heard.features.segments.shape == (len(heard.segments), 3, 16)
        assert np.isfinite(heard.features.segments).all()

    def test_the_encoder_hears_the_file_at_its_own_rate_through_its_own_filter(
        self, heard: Listening, checkpoint: Path, track: Path
    ):
        encoder = MertEncoder.load(checkpoint / "encoder")
        assert encoder.sample_rate != SAMPLE_RATE
        own = read_audio(track, sample_rate=encoder.sample_rate, resampler="hann").waveform
        spans = [(one.start_seconds, one.end_seconds) for one in heard.segments]
        expected = encoder.encode(own, spans_seconds=spans)
        np.testing.assert_allclose(heard.features.track, expected.track, rtol=0, atol=1e-6)
        np.testing.assert_allclose(heard.features.segments, expected.segments, rtol=0, atol=1e-6)


class TestImagine:
    def test_every_segment_is_described_and_gets_its_scenes(
        self, hearing: MusiScene, heard: Listening
    ):
        [segments] = hearing.imagine([heard])
        assert [(one.start_seconds, one.end_seconds) for one in segments] == [
            (one.start_seconds, one.end_seconds) for one in heard.segments
        ]
        assert all(one.music_caption for one in segments)
        assert [len(one.scene_captions) for one in segments] == [2] * len(segments)

    def test_the_description_is_what_the_model_writes_when_it_hears_the_segment(
        self, hearing: MusiScene, heard: Listening
    ):
        [segments] = hearing.imagine([heard], captions_per_segment=0)
        prompt = instruction_prompt(DESCRIBE_QUESTION, style=hearing._writer.settings.prompt)
        sampling = msgspec.structs.replace(GREEDY, max_new_tokens=64, stop=())
        for segment, features in zip(segments, heard.features.segments, strict=True):
            with torch.inference_mode():
                audio = hearing._writer.ear.hear(torch.from_numpy(features)[None])
            [[expected]] = hearing._writer.language_model.complete(
                prompt, [""], sampling, audio=audio
            )
            assert segment.music_caption == " ".join(expected.text.split())

    def test_scenes_are_asked_for_with_the_description_before_them(
        self, hearing: MusiScene, heard: Listening, asked: list[str]
    ):
        [segments] = hearing.imagine([heard], greedy=True)
        count = len(segments)
        described = instruction_prompt(DESCRIBE_QUESTION, style=hearing._writer.settings.prompt)
        assert asked[:count] == [described] * count
        for segment, prompt in zip(segments, asked[count:], strict=True):
            assert "Imagine a film scene" in prompt
            assert f"### Input:\n{segment.music_caption}\n\n### Response:" in prompt

    def test_scenes_are_imagined_to_the_music_and_not_to_the_description_alone(
        self, hearing: MusiScene, heard: Listening, monkeypatch: pytest.MonkeyPatch
    ):
        listened: list[AudioStates | None] = []
        imagine: Any = hearing._imaginer._scenes.imagine

        def noted(asked: list[str], *, audio: AudioStates | None, **named: object) -> object:
            listened.append(audio)
            return imagine(asked, audio=audio, **named)

        monkeypatch.setattr(hearing._imaginer._scenes, "imagine", noted)
        hearing.imagine([heard], greedy=True)
        assert [audio and audio.row_count for audio in listened] == [len(heard.segments)]

    def test_other_music_is_described_in_other_words(self, hearing: MusiScene, heard: Listening):
        tracks = [heard_as(heard, seed=seed) for seed in (1, 2)]
        one, other = hearing.imagine(tracks, captions_per_segment=0)
        assert [each.music_caption for each in one] != [each.music_caption for each in other]

    def test_a_track_in_a_batch_is_what_it_is_alone(self, hearing: MusiScene, heard: Listening):
        tracks = [heard_as(heard, seed=1), heard]
        together = hearing.imagine(tracks, seed=4)
        assert texts(together[0]) != texts(together[1])
        for track, imagined in zip(tracks, together, strict=True):
            [alone] = hearing.imagine([track], seed=4)
            assert texts(alone) == texts(imagined)

    def test_without_captions_the_music_is_only_described(
        self, hearing: MusiScene, heard: Listening
    ):
        [segments] = hearing.imagine([heard], captions_per_segment=0)
        assert [one.scene_captions for one in segments] == [()] * len(segments)

    def test_no_tracks_are_no_segments(self, hearing: MusiScene):
        assert hearing.imagine([]) == []


def texts(segments: tuple[ImaginedSegment, ...]) -> list[tuple[str, list[str]]]:
    return [
        (one.music_caption, [caption.text for caption in one.scene_captions]) for one in segments
    ]


class TestAnswer:
    def test_is_streamed_as_the_model_writes_it(self, hearing: MusiScene, heard: Listening):
        pieces = list(hearing.answer(heard, QUESTION, GREEDY))
        with torch.inference_mode():
            audio = hearing._writer.ear.hear(torch.from_numpy(heard.features.track)[None])
        prompt = instruction_prompt(QUESTION, style="mu-llama")
        [[expected]] = hearing._writer.language_model.complete(prompt, [""], GREEDY, audio=audio)
        assert "".join(pieces) == expected.text
        assert len(pieces) > 1

    def test_the_question_is_put_as_the_checkpoint_states_unless_asked_otherwise(
        self, hearing: MusiScene, heard: Listening, asked: list[str]
    ):
        list(hearing.answer(heard, QUESTION, GREEDY))
        list(hearing.answer(heard, QUESTION, GREEDY, prompt="clean"))
        assert [ORIGINAL_INPUT in prompt for prompt in asked] == [True, False]
        assert all(QUESTION in prompt for prompt in asked)

    def test_depends_on_what_is_heard(self, hearing: MusiScene, heard: Listening):
        answers = {
            "".join(hearing.answer(heard_as(heard, seed=seed), QUESTION, GREEDY))
            for seed in range(4)
        }
        assert len(answers) > 1


class TestProvenance:
    def test_the_licences_of_all_parts_are_carried(self, hearing: MusiScene):
        stated = {licence.model: licence.commercial_use for licence in hearing.licences}
        assert stated == {
            "musicnn": "yes",
            "mert-v1-330m": "no",
            "llama-2-7b-chat": "yes",
            "beatnet": "yes",
            "mu-llama": "unknown",
        }

    def test_the_version_changes_with_the_weights(
        self, hearing: MusiScene, models: Path, tmp_path: Path
    ):
        made = make_mu_llama(tmp_path, is_fine_tuned=False)
        other = import_made(made, tmp_path / "other").folder
        version = MusiScene.load(FolderStore(models), checkpoint=other).version
        assert version.split("-")[:2] == hearing.version.split("-")[:2] == ["mert", RECIPE_VERSION]
        assert version != hearing.version

    def test_the_same_checkpoint_has_the_same_version(
        self, hearing: MusiScene, models: Path, checkpoint: Path
    ):
        again = MusiScene.load(FolderStore(models), checkpoint=checkpoint)
        assert again.version == hearing.version


class TestWhatReads:
    @pytest.fixture
    def reading(self, tmp_path: Path) -> MusiScene:
        reader = LanguageModel.load(write_tiny_language_model(tmp_path / "tiny"))
        writer = Writer(
            folder=tmp_path,
            settings=CheckpointSettings(
                encoder="musicnn",
                encoder_layers=2,
                encoder_width=4,
                adapter_layers=1,
                bridge_width=8,
                prompt="lesson",
                merged=False,
                parts=(),
            ),
            ear=MusicLanguageModel.fresh(reader, encoder_layers=2, encoder_width=4, layers=1),
            trusts_ear=False,
            embedder=None,
            versions=ModelVersions(listening="test-1", writing="test-1"),
            licences=licences_of(["musicnn"]),
        )
        return MusiScene(cast("Listener", None), writer)  # nothing is listened to

    def test_answers_from_what_was_measured(self, reading: MusiScene):
        pieces = list(reading.answer(listening(bpm=68.0), QUESTION, GREEDY))
        assert pieces == ["It is very slow, at about 68 beats per minute."]

    def test_a_question_about_scenes_gets_one(self, reading: MusiScene):
        [answer] = reading.answer(listening(), "Which videos does it suit?", GREEDY)
        assert " It might suit this scene: " in answer

    def test_segments_are_described_by_their_facts(self, reading: MusiScene):
        [segments] = reading.imagine([listening(bpm=68.0)], captions_per_segment=1)
        assert len(segments) == 2
        assert all("very slow at about 68 bpm" in one.music_caption for one in segments)
