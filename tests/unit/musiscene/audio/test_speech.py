from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from musiscene.audio import speech
from musiscene.audio.speech import (
    FRAME_SAMPLES,
    SPEECH_RATE,
    SpeechDetector,
    speech_stretches,
    stretches_of,
)
from musiscene.errors import VideoToolsMissingError
from tests.support.music import cadence, noise
from tests.support.voices import needs_espeak, spoken

SECOND = np.zeros(SPEECH_RATE, dtype=np.float32)


@needs_espeak
class TestSpeechStretches:
    @pytest.mark.parametrize("voice", ["en-us", "de+f2"])
    def test_finds_a_sentence_between_silences(self, voice: str):
        said = spoken(voice=voice)
        found = speech_stretches([SECOND, SECOND, said, SECOND, SECOND])
        assert found[0][0] == pytest.approx(2.0, abs=0.25)
        assert found[-1][1] == pytest.approx(2.0 + len(said) / SPEECH_RATE, abs=0.35)
        assert sum(end - start for start, end in found) > 0.85 * len(said) / SPEECH_RATE

    def test_pieces_of_any_length_give_the_same(self):
        sound = np.concatenate([SECOND, spoken(), SECOND])
        pieces = np.split(sound, [1, 700, 20_011, 20_012, 40_000])
        assert speech_stretches(pieces) == speech_stretches([sound])

    def test_finds_a_voice_over_music(self):
        said = spoken()
        music = np.resize(cadence(0, "major"), len(said) + 4 * SPEECH_RATE)
        sound = 0.3 * music / np.abs(music).max() * 0.2
        sound[2 * SPEECH_RATE : 2 * SPEECH_RATE + len(said)] += said
        found = speech_stretches([sound.astype(np.float32)])
        assert found[0][0] == pytest.approx(2.0, abs=0.3)


class TestNoSpeech:
    @pytest.mark.parametrize(
        "sound", [np.tile(SECOND, 3), noise(5.0), cadence(0, "major"), SECOND[:0], SECOND[:100]]
    )
    def test_music_noise_and_silence_are_none(self, sound: np.ndarray):
        assert speech_stretches([sound.astype(np.float32)]) == ()


class TestStretchesOf:
    def frames(self, *spans: tuple[int, int, float]) -> np.ndarray:
        probabilities = np.zeros(100, dtype=np.float32)
        for start, end, value in spans:
            probabilities[start:end] = value
        return probabilities

    def test_speech_goes_on_while_it_is_not_unlikely(self):
        assert stretches_of(self.frames((10, 20, 0.9), (20, 40, 0.4))) == ((0.32, 1.28),)

    def test_speech_does_not_begin_where_it_is_only_possible(self):
        assert stretches_of(self.frames((10, 40, 0.4))) == ()

    def test_short_gaps_are_closed_and_long_ones_stay(self):
        assert len(stretches_of(self.frames((0, 20, 0.9), (29, 50, 0.9)))) == 1
        assert len(stretches_of(self.frames((0, 20, 0.9), (30, 50, 0.9)))) == 2

    def test_short_stretches_are_dropped(self):
        assert stretches_of(self.frames((10, 17, 0.9))) == ()
        assert len(stretches_of(self.frames((10, 18, 0.9)))) == 1

    def test_speech_may_last_to_the_end(self):
        assert stretches_of(self.frames((90, 100, 0.9))) == ((2.88, 3.2),)


class TestSpeechDetector:
    def test_the_last_frame_is_filled_up(self):
        detector = SpeechDetector()
        assert len(detector.add(SECOND[: FRAME_SAMPLES + 1])) == 1
        assert len(detector.add(SECOND[:0], last=True)) == 1

    def test_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(speech, "find_spec", lambda _name: None)
        speech._network.cache_clear()
        with pytest.raises(VideoToolsMissingError, match="video"):
            SpeechDetector()

    def test_torch_is_not_imported(self):
        assert importlib.util.find_spec("silero_vad") is not None
        code = (
            "import sys; from musiscene.audio.speech import SpeechDetector; SpeechDetector();"
            "sys.exit('torch' in sys.modules or 'silero_vad' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)  # noqa: S603
        assert done.returncode == 0
