from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from musiscene.generate.composer.form import make_form
from musiscene.generate.composer.harmony import (
    CADENCES,
    CLOSINGS,
    OPENINGS,
    SCALES,
    chord_of,
    melody_scale,
    write_chords,
)
from musiscene.generate.composer.voicing import lead_voices

STYLES = sorted(OPENINGS)


def chords(style: str, mode: str, seed: int = 1, seconds: float = 60.0):
    form = make_form(seconds=seconds, tempo_bpm=100, beats_per_bar=4)
    random = np.random.default_rng(seed)
    return form, write_chords(form, tonic=9, mode=mode, style=style, random=random)


class TestChordOf:
    @pytest.mark.parametrize("mode", ["major", "minor"])
    def test_reads_every_chord_of_the_tables(self, mode: str):
        phrases = [
            *CADENCES[mode],
            *(p for t in (OPENINGS, CLOSINGS) for s in t for p in t[s][mode]),
        ]
        for token in {
            one for phrase in phrases for bar in phrase.split() for one in bar.split(",")
        }:
            chord = chord_of(token, 0, mode)
            assert 2 <= len(set(chord.tones)) <= 5
            assert chord.bass in chord.tones
            assert len(melody_scale(chord, 0, mode)) >= 5

    @pytest.mark.parametrize(
        ("token", "mode", "tones"),
        [
            ("ii7", "major", (2, 5, 9, 0)),
            ("iih7", "minor", (2, 5, 8, 0)),
            ("bVII", "major", (10, 2, 5)),
            ("viio7", "minor", (11, 2, 5, 8)),
            ("V7sus4", "major", (7, 0, 2, 5)),
        ],
    )
    def test_knows_theory(self, token: str, mode: str, tones: tuple[int, ...]):
        assert chord_of(token, 0, mode).tones == tones

    def test_refuses_what_is_no_chord(self):
        with pytest.raises(ValueError, match="no chord"):
            chord_of("H7", 0, "major")


class TestWriteChords:
    @pytest.mark.parametrize("mode", ["major", "minor"])
    @pytest.mark.parametrize("style", STYLES)
    @pytest.mark.parametrize("seconds", [5.0, 8.0, 13.0, 60.0])
    def test_fills_every_bar_and_comes_home(self, style: str, mode: str, seconds: float):
        form, bars = chords(style, mode, seconds=seconds)
        assert len(bars) == len(form.bars)
        assert bars[-1][0].root == bars[-1][0].bass == 9
        scale = {(9 + step) % 12 for step in SCALES[mode]}
        tones = [tone for bar in bars for chord in bar for tone in chord.tones]
        assert np.mean([tone in scale for tone in tones]) > 0.75

    def test_a_theme_comes_again_and_another_seed_has_another_one(self):
        form, bars = chords("warm", "major")
        first, again = [section for section in form.sections if section.name == "A"][:2]
        opening = bars[first.first_bar : first.first_bar + 4]
        assert bars[again.first_bar : again.first_bar + 4] == opening
        assert any(chords("warm", "major", seed)[1] != bars for seed in (2, 3, 4))


class TestLeadVoices:
    @pytest.mark.parametrize("count", [3, 4])
    @pytest.mark.parametrize("style", STYLES)
    def test_voices_move_little_and_keep_their_range(self, style: str, count: int):
        line = [chord for bar in chords(style, "minor")[1] for chord in bar]
        laid = lead_voices(line, count=count, low=50, high=74)
        moves = [
            abs(new - old)
            for before, after in pairwise(laid)
            for old, new in zip(before, after, strict=True)
        ]
        assert np.mean(moves) < 3.0
        assert max(moves) <= 9
        for chord, voices in zip(line, laid, strict=True):
            assert len(voices) == count
            assert 50 <= min(voices) <= max(voices) <= 74
            assert {voice % 12 for voice in voices} <= set(chord.tones)
