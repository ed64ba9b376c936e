from __future__ import annotations

from itertools import pairwise
from threading import Event
from typing import cast

import numpy as np
import pytest

from musiscene.generate.composer.composer import Composer
from musiscene.generate.composer.form import make_form
from musiscene.generate.protocol import HitKind, HitPoint, MusicRequest

pytest.importorskip("symusic", reason="symusic is not installed: pip install '.[compose]'")
pytest.importorskip("pretty_midi", reason="pretty_midi is not installed: pip install '.[compose]'")

RATE = 44_100


def request(prompt: str, seconds: float = 24.0) -> MusicRequest:
    return MusicRequest(prompt=prompt, seconds=seconds, seed=3)


def compose(prompt: str, seconds: float = 24.0) -> np.ndarray:
    music = Composer().generate(request(prompt, seconds), progress=lambda *_: None, stop=Event())
    return music.waveform


def level_db(wave: np.ndarray, start: float, end: float) -> float:
    power = np.square(wave[:, round(start * RATE) : round(end * RATE)]).mean()
    return float(10 * np.log10(power + 1e-20))


class TestForm:
    @pytest.mark.parametrize("tempo", [63.0, 97.0, 141.0])
    def test_points_lie_on_first_beats_and_the_tempo_hardly_bends(self, tempo: float):
        hits = tuple(
            HitPoint(seconds=at, kind=cast("HitKind", kind))
            for at, kind in ((7.53, "hit"), (19.1, "swell"), (31.7, "cut"), (48.0, "quiet"))
        )
        form = make_form(seconds=70, tempo_bpm=tempo, beats_per_bar=4, hits=hits)
        starts = [form.seconds_of(bar.start) for bar in form.bars]
        for hit in hits:
            assert min(abs(start - hit.seconds) for start in starts) < 1e-6
        bends = np.abs(60.0 / np.diff(form.beat_seconds) / form.tempo_bpm - 1.0)
        assert np.median(bends) <= 0.0101


class TestHits:
    @pytest.mark.parametrize("prompt", ["sad piano", "epic orchestra", "energetic synth"])
    def test_a_swell_rises_to_its_point_and_peaks_there(self, prompt: str):
        wave = compose(f"{prompt}, swell at 0:12")
        rise = [level_db(wave, start, start + 2) for start in (7.0, 9.0, 10.0)]
        assert all(later > earlier - 0.5 for earlier, later in pairwise(rise))
        assert rise[-1] > rise[0] + 0.5
        assert level_db(wave, 11.9, 12.9) > max(rise) + 1
        assert level_db(wave, 11.9, 12.9) > level_db(wave, 14.0, 16.0)

    @pytest.mark.parametrize("prompt", ["calm harp", "happy folk", "energetic synth"])
    def test_a_hit_has_an_onset_within_30_ms(self, prompt: str):
        wave = compose(f"{prompt}, hit at 7.5s", 12.0)
        frames = np.square(wave).mean(0)[: 12 * RATE // 441 * 441].reshape(-1, 441).mean(1)
        levels = 10 * np.log10(frames + 1e-9)
        rise = levels[2:] - levels[:-2]
        near = rise[720:780]
        assert abs(0.01 * (720 + int(near.argmax()) + 1) - 7.5) <= 0.03
        assert near.max() > 3

    def test_a_cut_is_silent_until_the_music_begins_anew(self):
        wave = compose("epic orchestra, cut at 0:12")
        assert level_db(wave, 10.0, 12.0) > -40
        assert level_db(wave, 12.15, 13.0) < -80
        assert level_db(wave, 16.0, 18.0) > -40

    @pytest.mark.parametrize("prompt", ["happy folk", "epic orchestra"])
    def test_quiet_is_six_decibels_lower(self, prompt: str):
        wave = compose(f"{prompt}, quiet at 0:12")
        assert level_db(wave, 12.5, 17.0) < level_db(wave, 7.5, 12.0) - 6


class TestMidi:
    def test_holds_tempo_metre_key_names_and_markers(self):
        import symusic

        score = symusic.Score.from_midi(Composer().midi(request("sad piano, D minor, cut at 0:12")))
        assert score.tempos
        assert score.time_signatures[0].numerator == 4
        assert {track.name for track in score.tracks} >= {"piano melody", "piano"}
        assert "ending" in {marker.text for marker in score.markers}
        assert score.key_signatures[0].key == -1
