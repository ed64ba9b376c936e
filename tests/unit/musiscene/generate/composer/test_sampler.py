from __future__ import annotations

import msgspec
import numpy as np
import pytest

from musiscene.generate.composer.ensembles import Player
from musiscene.generate.composer.sampler import SAMPLE_RATE, SoundBank, Sounding, play

pytest.importorskip("symusic", reason="symusic is not installed: pip install '.[compose]'")
pytest.importorskip("pretty_midi", reason="pretty_midi is not installed: pip install '.[compose]'")

PIANO = Player(name="piano", program=0, writer="")
ORGAN = Player(name="organ", program=19, writer="", release_seconds=0.3)
DRUMS = Player(name="drums", program=0, writer="", is_drums=True)


@pytest.fixture(scope="module")
def bank() -> SoundBank:
    return SoundBank()


def sound(player: Player, *notes: Sounding, bank: SoundBank, seconds: float = 4.0) -> np.ndarray:
    return play(player, notes, round(seconds * SAMPLE_RATE), bank=bank)


def level_db(wave: np.ndarray, start: float, end: float) -> float:
    power = np.square(wave[..., round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]).mean()
    return float(10 * np.log10(power + 1e-20))


class TestPlay:
    @pytest.mark.parametrize("player", [PIANO, DRUMS])
    def test_a_note_begins_within_a_millisecond_of_its_time(self, player: Player, bank: SoundBank):
        wave = sound(player, Sounding(1.2345, 0.5, 38, 100), bank=bank)
        first = np.flatnonzero(np.abs(wave).max(axis=0) > 1e-4)[0] / SAMPLE_RATE
        assert 0.0 <= first - 1.2345 < 0.001

    def test_a_note_that_is_let_go_dies_within_its_release(self, bank: SoundBank):
        wave = sound(ORGAN, Sounding(0.0, 1.0, 60, 100), bank=bank)
        held = level_db(wave, 0.8, 1.0)
        assert level_db(wave, 1.14, 1.16) == pytest.approx(held - 30, abs=3)
        assert np.abs(wave[:, round(1.301 * SAMPLE_RATE) :]).max() == 0.0

    def test_a_plucked_string_dies_away_while_it_is_held(self, bank: SoundBank):
        guitar = msgspec.structs.replace(PIANO, program=24)
        wave = sound(guitar, Sounding(0.0, 4.0, 60, 100), bank=bank)
        assert level_db(wave, 3.0, 3.5) < level_db(wave, 0.1, 0.6) - 20

    def test_drums_sound_on_however_short_their_notes_are(self, bank: SoundBank):
        wave = sound(DRUMS, Sounding(0.0, 0.01, 49, 100), bank=bank)
        assert level_db(wave, 0.5, 1.0) > -60

    def test_level_and_place_are_the_players(self, bank: SoundBank):
        note = Sounding(0.0, 1.0, 60, 90)
        centre = sound(PIANO, note, bank=bank)
        quiet = sound(msgspec.structs.replace(PIANO, level_db=-6.0), note, bank=bank)
        left = sound(msgspec.structs.replace(PIANO, pan=-1.0), note, bank=bank)
        assert level_db(quiet, 0, 1) == pytest.approx(level_db(centre, 0, 1) - 6.0, abs=0.01)
        assert np.array_equal(centre[0], centre[1])
        assert np.abs(left[1]).max() < 1e-6
        assert level_db(left, 0, 1) == pytest.approx(level_db(centre, 0, 1), abs=0.01)

    def test_soft_notes_are_quieter_and_darker(self, bank: SoundBank):
        soft, loud = (sound(PIANO, Sounding(0, 1, 60, v), bank=bank)[0] for v in (30, 120))
        assert level_db(soft, 0, 1) < level_db(loud, 0, 1) - 10

        def centroid(wave: np.ndarray) -> float:
            spectrum = np.abs(np.fft.rfft(wave[:SAMPLE_RATE]))
            return float((spectrum * np.arange(spectrum.size)).sum() / spectrum.sum())

        assert centroid(soft) < 0.9 * centroid(loud)

    def test_held_notes_of_a_player_who_swells_grow_and_fade(self, bank: SoundBank):
        note = Sounding(0.0, 3.0, 60, 90)
        swelling = sound(msgspec.structs.replace(ORGAN, swells=True), note, bank=bank)
        steady = sound(ORGAN, note, bank=bank)
        change = [
            level_db(swelling, at, at + 0.1) - level_db(steady, at, at + 0.1)
            for at in (0.1, 0.9, 1.75, 2.8)
        ]
        assert change[0] < change[1] < change[2]
        assert change[3] < change[2] - 2

    def test_sounds_in_the_bank_do_not_change_what_is_played(self):
        note = Sounding(0.5, 0.7, 64, 80)
        long = Sounding(0.0, 3.0, 64, 80)
        fresh = SoundBank()
        sound(PIANO, long, bank=fresh)
        assert np.array_equal(sound(PIANO, note, bank=fresh), sound(PIANO, note, bank=SoundBank()))


class TestSoundBank:
    def test_keeps_no_more_than_it_may(self):
        small = SoundBank(most_bytes=500_000)
        for pitch in range(50, 60):
            small.sound(0, pitch, 90, 1.0)
        assert 176_000 < small.kept_bytes <= 500_000

    def test_renders_a_pitch_once(self, bank: SoundBank):
        assert bank.sound(0, 60, 90, 1.0) is bank.sound(0, 60, 91, 0.5)
