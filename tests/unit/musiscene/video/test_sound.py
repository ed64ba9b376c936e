from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.errors import VideoStoppedError
from musiscene.video import sound
from musiscene.video.limits import VideoLimits
from musiscene.video.sound import hear_video, speech_share, stretch_lufs
from tests.support.audio import sine, write_audio, write_video
from tests.support.music import cadence
from tests.support.voices import VOICE_RATE, needs_espeak, spoken

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.video.analysis import VideoSound

RATE = VOICE_RATE


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), dtype=np.float32)


def music(seconds: float) -> np.ndarray:
    return np.resize(cadence(0, "major", seconds_per_chord=2.0), round(seconds * RATE))


def heard(path: Path, **options: object) -> VideoSound:
    found = hear_video(path, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


@needs_espeak
class TestVoiceAndMusic:
    @pytest.fixture(scope="class")
    @classmethod
    def mixed(cls, tmp_path_factory: pytest.TempPathFactory) -> VideoSound:
        said = spoken()
        parts = [quiet(3), said, quiet(7 - len(said) / RATE), music(16), music(8) * 0.2, quiet(2)]
        path = tmp_path_factory.mktemp("sound") / "mixed.wav"
        return heard(write_audio(path, np.concatenate(parts), sample_rate=RATE))

    def test_finds_who_speaks_and_how_loud(self, mixed: VideoSound):
        assert mixed.speech[0].start_seconds == pytest.approx(3.0, abs=0.2)
        assert all(one.end_seconds < 10 for one in mixed.speech)
        level = 10 * np.log10(np.sum(10 ** (np.array(mixed.speech_levels_db[0]) / 10)))
        assert level == pytest.approx(-26.0, abs=2.5)
        assert len(mixed.speech_levels_db) == len(mixed.speech)

    def test_finds_the_music(self, mixed: VideoSound):
        assert mixed.music is not None
        assert len(mixed.music.energy) == len(mixed.energy) == 36
        assert np.mean(np.array(mixed.music.energy[11:33]) > 0) > 0.8
        assert not any(mixed.music.energy[2:8])

    def test_the_jump_of_energy_is_a_turn(self, mixed: VideoSound):
        assert mixed.music is not None
        assert min(abs(hit - 26.0) for hit in mixed.music.hits_seconds) < 0.2

    def test_facts_of_a_stretch(self, mixed: VideoSound):
        assert speech_share(mixed, 0, 2.5) == 0.0
        assert speech_share(mixed, 3.2, 5.0) > 0.9
        loud, soft = stretch_lufs(mixed, 12, 24), stretch_lufs(mixed, 27, 33)
        assert loud is not None
        assert soft is not None
        assert loud - soft == pytest.approx(14.0, abs=1.0)
        assert stretch_lufs(mixed, 0, 2) is None
        assert stretch_lufs(None, 0, 2) is None


class TestLoudness:
    def test_the_loudness_of_a_stretch_is_that_of_the_whole(self, tmp_path: Path):
        path = write_audio(tmp_path / "tone.wav", sine(997, seconds=8), sample_rate=44_100)
        found = heard(path)
        assert found.loudness_lufs is not None
        assert stretch_lufs(found, 0, 8) == pytest.approx(found.loudness_lufs, abs=0.1)

    def test_a_tone_is_no_music(self, tmp_path: Path):
        path = write_audio(tmp_path / "tone.wav", sine(997, seconds=20), sample_rate=44_100)
        assert heard(path).music is None


class TestLongSounds:
    def test_pieces_leave_no_seam(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        draw = np.random.default_rng(0).normal(scale=0.05, size=70 * RATE).astype(np.float32)
        path = write_audio(tmp_path / "long.wav", draw, sample_rate=RATE)
        whole = heard(path)
        monkeypatch.setattr(sound, "PIECE_SECONDS", 8)
        pieces = heard(path)
        assert len(whole.energy) == len(pieces.energy) == 70
        assert np.abs(np.array(whole.energy) - pieces.energy).max() < 0.005
        assert whole.loudness_lufs == pieces.loudness_lufs


class TestNothingToHear:
    def test_a_silent_film_has_no_sound(self, tmp_path: Path):
        notes: list[str] = []
        path = write_video(tmp_path / "mute.mp4", seconds=1)
        assert hear_video(path, note=notes.append) is None
        assert "no sound" in notes[0]

    def test_silence_has_no_loudness(self, tmp_path: Path):
        found = heard(write_video(tmp_path / "quiet.mp4", np.zeros(48_000, np.float32), seconds=1))
        assert found.loudness_lufs is None
        assert found.speech == ()
        assert not any(found.energy)
        assert found.music is None

    @pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
    def test_no_file_of_sound_is_none(self, tmp_path: Path, content: bytes):
        (tmp_path / "x.mp4").write_bytes(content)
        notes: list[str] = []
        assert hear_video(tmp_path / "x.mp4", note=notes.append) is None
        assert len(notes) == 1

    def test_a_broken_end_leaves_the_beginning(self, tmp_path: Path):
        path = write_audio(tmp_path / "cut.wav", sine(997, seconds=8), sample_rate=44_100)
        path.write_bytes(path.read_bytes()[:300_000])
        notes: list[str] = []
        found = heard(path, note=notes.append)
        assert len(found.energy) == 4
        assert "is used" in notes[0]

    def test_too_long_a_sound_is_left_alone(self, tmp_path: Path):
        path = write_audio(tmp_path / "long.wav", sine(997, seconds=8), sample_rate=44_100)
        notes: list[str] = []
        assert hear_video(path, limits=VideoLimits(max_seconds=4), note=notes.append) is None
        assert "limit" in notes[0]


class TestStopAndProgress:
    def test_stops(self, tmp_path: Path):
        path = write_audio(tmp_path / "tone.wav", sine(997, seconds=8), sample_rate=44_100)
        stop = threading.Event()
        stop.set()
        with pytest.raises(VideoStoppedError):
            hear_video(path, stop=stop)

    def test_tells_how_far_it_is(self, tmp_path: Path):
        path = write_audio(tmp_path / "tone.wav", sine(997, seconds=40), sample_rate=44_100)
        told: list[float] = []
        hear_video(path, progress=lambda _what, done: told.append(done))
        assert told == pytest.approx([0.8, 1.0], abs=0.01)
