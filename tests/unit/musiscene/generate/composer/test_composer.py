from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.audio.key import estimate_key
from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.audio.tempo import estimate_tempo
from musiscene.errors import GenerationError, GenerationStoppedError
from musiscene.generate.composer.composer import Composer
from musiscene.generate.protocol import MusicRequest

if TYPE_CHECKING:
    from musiscene.generate.protocol import GeneratedMusic

pytest.importorskip("symusic", reason="symusic is not installed: pip install '.[compose]'")
pytest.importorskip("pretty_midi", reason="pretty_midi is not installed: pip install '.[compose]'")

PROMPTS = (
    "sad slow piano and strings",
    "calm peaceful harp and flute",
    "happy acoustic guitar folk",
    "epic powerful orchestra",
    "energetic electronic dance synth",
)


def compose(prompt: str, seconds: float = 20.0, seed: int = 1) -> GeneratedMusic:
    request = MusicRequest(prompt=prompt, seconds=seconds, seed=seed)
    return Composer().generate(request, progress=lambda _stage, _share: None, stop=Event())


class TestComposer:
    @pytest.mark.parametrize("prompt", PROMPTS)
    def test_is_heard_as_it_was_planned(self, prompt: str):
        music = compose(prompt)
        mono = music.waveform.mean(axis=0)
        planned = music.provenance.details
        tempo = estimate_tempo(mono, sample_rate=music.sample_rate)
        assert tempo.bpm == pytest.approx(planned["tempo_bpm"], rel=0.04)
        assert estimate_key(mono, sample_rate=music.sample_rate).name == planned["key"]

    @pytest.mark.parametrize("seconds", [5.0, 7.3, 31.234])
    def test_has_the_exact_length_the_loudness_and_an_end(self, seconds: float):
        music = compose("joyful folk", seconds)
        wave = music.waveform
        assert wave.shape == (2, round(seconds * music.sample_rate))
        assert np.abs(wave).max() < 0.9
        meter = LoudnessMeter(sample_rate=music.sample_rate, weights=[1.0, 1.0])
        meter.add(wave)
        assert integrated_lufs(meter.block_powers()) == pytest.approx(-16.0, abs=0.2)
        assert np.abs(wave[:, -1]).max() < 1e-3
        middle = wave[:, wave.shape[1] // 2 :][:, : music.sample_rate]
        assert np.abs(wave[:, -music.sample_rate // 4 :]).mean() < 0.5 * np.abs(middle).mean()

    def test_a_seed_gives_the_same_music_and_another_one_other_music(self):
        first, again, other = compose("calm", 8), compose("calm", 8), compose("calm", 8, seed=2)
        assert np.array_equal(first.waveform, again.waveform)
        assert not np.array_equal(first.waveform, other.waveform)

    def test_what_the_prompt_says_is_heeded(self):
        details = compose("rock, 132 bpm, D minor").provenance.details
        assert (details["tempo_bpm"], details["key"]) == (132.0, "D:minor")

    def test_calm_is_slower_than_excited_and_sad_is_minor(self):
        calm, wild = (compose(one, 8).provenance.details for one in ("calm", "energetic"))
        assert calm["tempo_bpm"] < wild["tempo_bpm"]
        assert compose("mournful", 8).provenance.details["key"].endswith("minor")

    def test_stops_between_steps(self):
        stop = Event()
        stop.set()
        with pytest.raises(GenerationStoppedError):
            Composer().generate(
                MusicRequest(prompt="calm", seconds=8, seed=1),
                progress=lambda *_: None,
                stop=stop,
            )

    @pytest.mark.parametrize(
        ("prompt", "seconds", "seed"), [(" ", 9, 1), ("a", 4, 1), ("a", 601, 1), ("a", 9, -1)]
    )
    def test_refuses_what_cannot_be_made(self, prompt: str, seconds: float, seed: int):
        with pytest.raises(GenerationError):
            compose(prompt, seconds, seed)
